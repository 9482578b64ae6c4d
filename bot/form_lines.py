"""What a form says as a line of the grammar, and what a line says as a form's values. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from bot.known_calls import KNOWN
from bot.line import CAMPAIGN, OF_CAMPAIGNS, OF_STOPS, PLAIN_INTEGER, Line, Verb, written_json
from bot.messages import reasons
from bot.targets import IdTarget, NumberTarget
from bot.words import quote, unquoted
from providers.actions import PlaceCall
from storage.entries import LogEntry

PICKED = "picked"
"""The field for a time that was picked, in seconds since 1970; one that was typed stands in ``at``."""

_KEYS = {
    "at": "at",
    "agent": "agent",
    "retries": "retries",
    "gap": "gap",
    "earliest": "from",
    "latest": "until",
    "zone": "zone",
    "carry_over": "carry-over",
    "language": "lang",
    "priority": "priority",
    "batch": "batch",
    "purpose": "purpose",
    "consent": "consent",
    "reason": "reason",
    "call": "call",
    "goes_out": "goes-out",
}
"""The grammar's key for each field that has one; the others are put together in `line_text`."""
_TARGET_KEYS = {
    **dict.fromkeys((Verb.PLACE, *OF_STOPS), "to"),
    **dict.fromkeys(OF_CAMPAIGNS, CAMPAIGN),
}
"""Where the field for targets holds one and nothing else."""
_TOLD_OTHERWISE = frozenset({KNOWN, PICKED, reasons.WORDS})
"""Fields that stand in a line only as what they mean: a chosen call is its number or its id."""


def placed_as(call: LogEntry) -> dict[str, str]:
    """A call that was placed through us, as the values of the form that places it anew; the time is open."""
    action = call.action
    if not isinstance(action, PlaceCall):
        raise TypeError(f"{call.id} places no call that is still known")
    gap = ", ".join(map(str, action.gap)) if isinstance(action.gap, tuple) else action.gap
    values = {
        "targets": action.to,
        "connection": call.connection,
        "agent": action.agent,
        "retries": action.retries,
        "gap": gap,
        "earliest": action.earliest,
        "latest": action.latest,
        "carry_over": None if action.carry_over is None else ("yes" if action.carry_over else "no"),
        "language": action.language,
        "priority": action.priority,
        "batch": action.batch,
        "metadata": _lines(action.metadata or {}),
    }
    return {field: str(value) for field, value in values.items() if value not in {None, ""}}


def line_text(verb: Verb, values: Mapping[str, str]) -> str:
    """A form's values as one line of the grammar."""
    said = {field: value for field, value in values.items() if value and field not in _TOLD_OTHERWISE}
    if verb in {Verb.CANCEL, Verb.MOVE}:
        said["reason"] = reasons.said(values)
    if picked := values.get(PICKED):
        said["at"] = f"{datetime.fromtimestamp(int(picked), UTC):%Y-%m-%dT%H:%M:%SZ}"
    targets = said.pop("targets", "")
    key = _TARGET_KEYS.get(verb)
    parts = [f"{key}={quote(targets)}" if key and targets else targets]
    if connection := said.pop("connection", ""):
        parts.append(f"via {connection}")
    parts += [f"meta.{name}={value}" for name, value in _metadata(said.pop("metadata", ""))]
    parts += [f"{_KEYS[field]}={quote(value)}" for field, value in said.items() if value]
    return " ".join(filter(None, parts))


def _metadata(text: str) -> list[tuple[str, str]]:
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = line.partition("=" if "=" in line else ":")
        value = value.strip()
        as_it_is = PLAIN_INTEGER.fullmatch(value) or unquoted(value).quoted
        found.append((name.strip(), value if as_it_is else quote(value)))
    return found


def values_of(line: Line) -> dict[str, str]:
    """What a form is filled with: what was understood, else what was typed."""
    wrong = {fault.field for fault in line.faults}
    gap = ", ".join(map(str, line.gap)) if isinstance(line.gap, tuple) else line.gap
    understood = {
        "targets": "\n".join(_shown(target) for target in line.targets),
        "at": line.at_text,
        "connection": line.connection,
        "agent": line.agent,
        "retries": line.retries,
        "gap": gap,
        "earliest": line.earliest,
        "latest": line.latest,
        "zone": line.zone,
        "carry_over": {None: None, True: "yes", False: "no"}[line.carry_over],
        "language": line.language,
        "priority": line.priority,
        "batch": line.batch,
        "metadata": _lines(line.metadata),
        "purpose": line.purpose,
        "consent": line.consent,
        "reason": line.reason,
        "goes_out": line.goes_out_text,
    }
    return {
        field: line.typed.get(field, "") if field in wrong or value is None else str(value)
        for field, value in understood.items()
    }


def _lines(metadata: Mapping[str, JsonValue]) -> str:
    return "\n".join(f"{name}={written_json(value)}" for name, value in metadata.items())


def _shown(target: NumberTarget | IdTarget) -> str:
    return target.phone.pretty if isinstance(target, NumberTarget) else target.provider_id

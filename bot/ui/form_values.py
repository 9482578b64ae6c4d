"""What a form says as a line of the grammar, and what a line says as a form's values. Pure."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from bot.parsing import tokens
from bot.parsing.command import (
    CAMPAIGN,
    METADATA_NAME,
    OF_CAMPAIGNS,
    OF_STOPS,
    PLAIN_INTEGER,
    Fault,
    Line,
    Verb,
    written_json,
)
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.parsing.tokens import Value, quote, unquoted
from bot.services.scheduled_calls import SCHEDULED_CALL
from bot.text import parse_errors
from providers.actions import PlaceCall
from storage.models import LogEntry

ROOM = 2800
"""Characters that an input is filled with at most. It takes 3000: some are left to mend what is wrong."""
MOST_FILLED = 90_000
"""Bytes of JSON that a field is filled with at most: a view takes 250 kB of them."""
_CONTINUED = re.compile(r"(?P<field>\w+)-\d+")
_MARKS = ",;"

REASON: Final = "reason"
"""The field in which a reason is chosen."""
WORDS: Final = "words"
"""The field for other words, or more of them."""
OTHER: Final = "other"

PICKED = "picked"
"""The field for a time that was picked, in seconds since 1970; one that was typed stands in ``at``."""

_COLONS = ":\uff1a"
_DATUM = re.compile(rf"(?P<name>[^={_COLONS}\uff1d]*)(?P<sign>[={_COLONS}\uff1d])(?P<value>.*)", re.DOTALL)
_NOT_IN_A_NAME = re.compile(r"[^\w.-]+")

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
    "reported_call_time": "call-time",
}
"""The grammar's key for each field that has one; the others are put together in `line_text`."""
_TARGET_KEYS = {
    **dict.fromkeys((Verb.PLACE, *OF_STOPS), "to"),
    **dict.fromkeys(OF_CAMPAIGNS, CAMPAIGN),
}
"""Where the field for targets holds one and nothing else."""
_TOLD_OTHERWISE = frozenset({SCHEDULED_CALL, PICKED, WORDS})
"""Fields that stand in a line only as what they mean: a chosen call is its number or its id."""


def parts(text: str, *, at_commas: bool = False) -> list[str]:
    """Return a text as inputs hold it, parted between its rows; a row that no input holds is one part."""
    if len(json.dumps(text)) > MOST_FILLED:
        return [text]
    found = []
    while len(text) > ROOM:
        ends = text.rfind("\n", 0, ROOM)
        if ends <= 0 and at_commas:
            ends = max(text.rfind(mark, 0, ROOM) + 1 for mark in _MARKS)
        if ends <= 0:
            ends = text.find("\n", ROOM)
        if ends <= 0:
            break
        found.append(text[:ends].rstrip())
        text = text[ends:].lstrip()
    return [*found, text]


def continued(field: str, number: int) -> str:
    """Return the name of the second or a further input of a field."""
    return f"{field}-{number}"


def filled(values: Mapping[str, str], field: str, *, at_commas: bool = False) -> list[str]:
    """Return what each input of a field holds: as it is in a form that is built anew, else parted."""
    rest = [value for name, value in values.items() if _field(name) == field != name]
    first = values.get(field, "")
    return [first, *rest] if rest else parts(first, at_commas=at_commas)


def together(values: Mapping[str, str]) -> dict[str, str]:
    """Return a form's values by field, those of several inputs as one."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        found.setdefault(_field(name), []).append(value)
    return {field: "\n".join(filter(None, held)) for field, held in found.items()}


def _field(name: str) -> str:
    further = _CONTINUED.fullmatch(name)
    return further["field"] if further else name


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
        said["reason"] = chosen_reason(values)
    if picked := values.get(PICKED):
        said["at"] = f"{datetime.fromtimestamp(int(picked), UTC):%Y-%m-%dT%H:%M:%SZ}"
    targets = said.pop("targets", "")
    key = _TARGET_KEYS.get(verb)
    parts = [f"{key}={quote(targets)}" if key and targets else targets]
    if connection := said.pop("connection", ""):
        parts.append(f"via {connection}")
    parts += [datum.key for datum in _data(said.pop("metadata", ""))]
    parts += [f"{_KEYS[field]}={quote(value)}" for field, value in said.items() if value]
    return " ".join(filter(None, parts))


def chosen_reason(values: Mapping[str, str]) -> str:
    """Return the reason that is chosen, written, or both."""
    chosen = values.get(REASON, "")
    parts = [chosen if chosen != OTHER else "", values.get(WORDS, "")]
    return ": ".join(filter(None, parts))


def reason_fault(values: Mapping[str, str]) -> Fault | None:
    """Return what is wrong with the reason that is chosen, or None."""
    if values.get(REASON) == OTHER and not values.get(WORDS):
        return Fault(WORDS, "Write why in a few words: “other” alone does not say why.")
    return None


@dataclass(frozen=True, slots=True)
class _Datum:
    """A line of data for the agent: its name, the key of the grammar that says it, and its fault."""

    name: str
    key: str
    fault: Fault | None = None


def data_faults(values: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the lines of data for the agent, each line named."""
    data = _data(values.get("metadata", ""))
    names = Counter(datum.name for datum in data if not datum.fault)
    twice = [Fault("metadata", parse_errors.name_twice(name)) for name, count in names.items() if count > 1]
    return [*(datum.fault for datum in data if datum.fault), *twice]


def _data(text: str) -> list[_Datum]:
    found: list[_Datum] = []
    for line in tokens.lines("\n".join(text.splitlines())):
        said = _DATUM.fullmatch(line)
        is_one = said is not None and unquoted(said["value"]).quoted
        found += map(_datum, [line] if is_one else filter(str.strip, line.split("\n")))
    return found


def _datum(line: str) -> _Datum:
    """Read a line: its first colon or equals sign parts name and value, which may stand in quotes."""
    said = _DATUM.fullmatch(line)
    name, value = (unquoted(said["name"]).text, unquoted(said["value"])) if said else ("", Value(line))
    faulty = f"meta.={quote(line)}"  # whoever reads it as a key finds the fault as well
    is_address_or_time = value.text.startswith("//") or name.isdecimal()
    if not name or (said and said["sign"] in _COLONS and is_address_or_time):
        return _Datum(name, faulty, Fault("metadata", parse_errors.no_name(line.strip())))
    if not METADATA_NAME.fullmatch(name):
        meant = _NOT_IN_A_NAME.sub("_", name).strip("_.-")
        return _Datum(name, faulty, Fault("metadata", parse_errors.not_a_name(name), meant or None))
    if not value.text and not value.quoted:
        return _Datum(name, faulty, Fault("metadata", parse_errors.no_value(name)))
    is_number = not value.quoted and PLAIN_INTEGER.fullmatch(value.text)
    return _Datum(name, f"meta.{name}={value.text if is_number else quote(value.text)}")


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
        "reported_call_time": line.reported_call_time_text,
    }
    return {
        field: line.typed.get(field, "") if field in wrong or value is None else str(value)
        for field, value in understood.items()
    }


def _lines(metadata: Mapping[str, JsonValue]) -> str:
    return "\n".join(f"{name}={written_json(value)}" for name, value in metadata.items())


def _shown(target: NumberTarget | IdTarget) -> str:
    return target.phone.pretty if isinstance(target, NumberTarget) else target.provider_id

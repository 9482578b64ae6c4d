"""Conversion between a form's values and a typed command."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
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
    Command,
    FieldProblem,
    Verb,
    written_json,
)
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.parsing.tokens import Value, quote, unquoted
from bot.services.scheduled_calls import SCHEDULED_CALL
from bot.text import parse_errors
from providers.actions import (
    CallRef,
    CancelCall,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
    RequestedAction,
    StartCampaign,
    StopCampaign,
)
from storage.models import ActionRecord

ROOM = 2800
"""Characters with which an input is filled. It takes 3000, so that there is room for corrections."""
MOST_FILLED = 90_000
"""Bytes of JSON with which a field is filled. A view takes 250 kB."""
_CONTINUED = re.compile(r"(?P<field>\w+)-\d+")
_MARKS = ",;"

REASON: Final = "reason"
"""The field in which a reason is chosen."""
WORDS: Final = "words"
"""The field for another reason, or for more words."""
OTHER: Final = "other"

PICKED = "picked"
"""The field for a picked time, in seconds since 1970. A typed time is in ``at``."""

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
    "tell_me": "tell-me",
    "language": "lang",
    "priority": "priority",
    "batch": "batch",
    "purpose": "purpose",
    "consent": "consent",
    "reason": "reason",
    "call": "call",
    "reported_call_time": "call-time",
}
"""The command's key for each field that has one. `line_text` handles the others."""
_TARGET_KEYS = {
    **dict.fromkeys((Verb.PLACE, *OF_STOPS), "to"),
    **dict.fromkeys(OF_CAMPAIGNS, CAMPAIGN),
}
"""The command's key for the field of targets, for verbs whose field holds a single target."""
_TOLD_OTHERWISE = frozenset({SCHEDULED_CALL, PICKED, WORDS})
"""Fields that a command does not contain. It contains their meaning, such as the number of a chosen call."""


def parts(text: str, *, at_commas: bool = False) -> list[str]:
    """Return a text in parts that fit inputs, split between rows. A row longer than an input stays whole."""
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
    """Return the text of each input of a field. A text that was not split yet is split."""
    rest = [value for name, value in values.items() if _field(name) == field != name]
    first = values.get(field, "")
    return [first, *rest] if rest else parts(first, at_commas=at_commas)


def together(values: Mapping[str, str]) -> dict[str, str]:
    """Return a form's values by field. Several inputs of a field become one value."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        found.setdefault(_field(name), []).append(value)
    return {field: "\n".join(filter(None, held)) for field, held in found.items()}


def _field(name: str) -> str:
    further = _CONTINUED.fullmatch(name)
    return further["field"] if further else name


def placed_as(call: ActionRecord) -> dict[str, str]:
    """Return a placed call as the values of a form that places it again, without its time.

    Raises `TypeError` if the call was erased or is no call to be placed.
    """
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


def asked_as(calls: Sequence[ActionRecord], reason: str | None) -> dict[str, str]:
    """Return a request as the values of a form that asks for the same again, without a time."""
    first = calls[0]
    if isinstance(first.action, PlaceCall):
        values = placed_as(first)
    else:
        targets = [_aim(call.action) for call in calls]
        values = {"targets": "\n".join(targets), "connection": first.connection, "agent": first.agent or ""}
    return values | {"reason": reason or ""}


def _aim(action: RequestedAction | None) -> str:
    match action:
        case CancelCall(target=NumberRef(to=to)):
            return to
        case CancelCall(target=CallRef(call_id=call_id)):
            return call_id
        case DeleteCampaign() | StopCampaign() | StartCampaign():
            return action.target.campaign_id
        case _:
            raise TypeError("an action that is no longer known")


def line_text(verb: Verb, values: Mapping[str, str]) -> str:
    """Return a form's values as the text of a command."""
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
    """Return the reason that was chosen, written, or both."""
    chosen = values.get(REASON, "")
    parts = [chosen if chosen != OTHER else "", values.get(WORDS, "")]
    return ": ".join(filter(None, parts))


def reason_fault(values: Mapping[str, str]) -> FieldProblem | None:
    """Return the fault of the chosen reason, or None."""
    if values.get(REASON) == OTHER and not values.get(WORDS):
        return FieldProblem(WORDS, "Add the reason here, because you chose “Other”.")
    return None


@dataclass(frozen=True, slots=True)
class _Datum:
    """A line of data for the agent: its name, its text in a command, and its fault."""

    name: str
    key: str
    fault: FieldProblem | None = None


def data_faults(values: Mapping[str, str]) -> list[FieldProblem]:
    """Return the faults in the data for the agent. Each names its line."""
    data = _data(values.get("metadata", ""))
    names = Counter(datum.name for datum in data if not datum.fault)
    twice = [
        FieldProblem("metadata", parse_errors.name_twice(name)) for name, count in names.items() if count > 1
    ]
    return [*(datum.fault for datum in data if datum.fault), *twice]


def _data(text: str) -> list[_Datum]:
    found: list[_Datum] = []
    for line in tokens.lines("\n".join(text.splitlines())):
        said = _DATUM.fullmatch(line)
        is_one = said is not None and unquoted(said["value"]).quoted
        found += map(_datum, [line] if is_one else filter(str.strip, line.split("\n")))
    return found


def _datum(line: str) -> _Datum:
    """Read a line. Its first colon or equals sign separates the name from the value. Both may be quoted."""
    said = _DATUM.fullmatch(line)
    name, value = (unquoted(said["name"]).text, unquoted(said["value"])) if said else ("", Value(line))
    faulty = f"meta.={quote(line)}"  # as a key of a command, it has a fault as well
    is_address_or_time = value.text.startswith("//") or name.isdecimal()
    if not name or (said and said["sign"] in _COLONS and is_address_or_time):
        return _Datum(name, faulty, FieldProblem("metadata", parse_errors.no_name(line.strip())))
    if not METADATA_NAME.fullmatch(name):
        meant = _NOT_IN_A_NAME.sub("_", name).strip("_.-")
        return _Datum(name, faulty, FieldProblem("metadata", parse_errors.not_a_name(name), meant or None))
    if not value.text and not value.quoted:
        return _Datum(name, faulty, FieldProblem("metadata", parse_errors.no_value(name)))
    is_number = not value.quoted and PLAIN_INTEGER.fullmatch(value.text)
    return _Datum(name, f"meta.{name}={value.text if is_number else quote(value.text)}")


def values_of(line: Command) -> dict[str, str]:
    """Return the values for a form: each one that was understood, otherwise the text as typed."""
    wrong = {fault.field for fault in line.problems}
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
        "tell_me": "yes" if line.tell_me else None,
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

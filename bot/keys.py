"""The ``key=value`` part of a line: which keys there are, and how each value is read. Pure."""

import json
import math
import re
from collections.abc import Callable
from typing import Final

from pydantic import JsonValue

from bot import times, words, zones
from bot.line import JSON_SCALAR, OF_CAMPAIGNS, OF_STOPS, Fault, Verb
from bot.words import Value, closest

MAX_TEXT: Final = 500
"""Characters of a reason, a purpose, a consent reference or a batch."""

_DOING: Final = {
    Verb.PLACE: "placing a call",
    Verb.CANCEL: "a cancellation",
    Verb.MOVE: "moving a call",
    Verb.DELETE_CAMPAIGN: "deleting a campaign",
    Verb.STOP_CAMPAIGN: "stopping a campaign",
    Verb.START_CAMPAIGN: "starting a campaign",
    Verb.STOP: "stopping calls to a number",
    Verb.ALLOW: "allowing calls to a number",
}
_ALL = frozenset(_DOING)
_THROUGH_ONE = _ALL - frozenset(OF_STOPS)
_OF_CALLS = frozenset({Verb.PLACE, Verb.CANCEL, Verb.MOVE})
_PLACING = frozenset({Verb.PLACE})
_KEYS: Final = {
    "to": ("targets", _OF_CALLS | frozenset(OF_STOPS)),
    "call": ("targets", frozenset({Verb.CANCEL, Verb.MOVE})),
    "campaign": ("targets", frozenset(OF_CAMPAIGNS)),
    "agent": ("agent", _OF_CALLS),
    "via": ("connection", _THROUGH_ONE),
    "reason": ("reason", _ALL),
    "at": ("at", frozenset({Verb.PLACE, Verb.MOVE})),
    "goes-out": ("goes_out", frozenset({Verb.CANCEL})),
    "retries": ("retries", _PLACING),
    "gap": ("gap", _PLACING),
    "from": ("earliest", _PLACING),
    "until": ("latest", _PLACING),
    "zone": ("zone", _PLACING),
    "carry-over": ("carry_over", _PLACING),
    "lang": ("language", _PLACING),
    "priority": ("priority", _PLACING),
    "batch": ("batch", _PLACING),
    "purpose": ("purpose", _PLACING),
    "consent": ("consent", _PLACING),
}
"""Each key's field and the verbs it goes with. ``meta.NAME`` comes on top, for placing."""

_ALSO_TYPED: Final = {
    **dict.fromkeys(("number", "phone", "tel", "mobile", "target"), "to"),
    **dict.fromkeys(("id", "call_id", "callid", "call-id"), "call"),
    **dict.fromkeys(("connection", "provider", "through"), "via"),
    **dict.fromkeys(("time", "when", "on", "schedule", "schedule_at"), "at"),
    **dict.fromkeys(("earliest", "after", "min_trigger_time"), "from"),
    **dict.fromkeys(("latest", "before", "till", "max_trigger_time"), "until"),
    **dict.fromkeys(("because", "why", "note"), "reason"),
    **dict.fromkeys(("retry", "attempts"), "retries"),
    **dict.fromkeys(("goes", "goes_out", "goesout", "scheduled"), "goes-out"),
    **dict.fromkeys(("timezone", "time-zone", "time_zone", "tz"), "zone"),
    "language": "lang",
}
"""What people type for a key where its letters alone would not lead to it."""

FLAGS: Final = frozenset({"carry-over", "carry_over", "carryover"})
"""Words that stand for ``carry-over=yes``."""

RUNNING_TEXT: Final = frozenset({"reason", "purpose", "consent", "batch"})
"""Keys whose value may hold any words, "sent via email" among them. So may metadata."""

_METADATA = "meta."
_YES_OR_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_WHOLE = re.compile(r"[+-]?\d{1,9}")
_GAPS = re.compile(r"\d{1,9}(?:[\s,]+\d{1,9})*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

ReadTime = Callable[[str], times.Moment]
"""Reads a time in the typist's zone, or raises `TimeFault`."""


class Faults(list[Fault]):
    """The faults found so far, in the order they were found."""

    def add(self, field: str, message: str, suggestion: str | None = None) -> None:
        """Note a fault of a field."""
        self.append(Fault(field, message, suggestion))

    def add_time(self, field: str, fault: times.TimeFault) -> None:
        """Note what is wrong with a time, with all that it could have been."""
        message, forms = str(fault), fault.suggestions
        if len(forms) > 1:
            message += f" Type {' or '.join(f'“{form}”' for form in forms)}."
        self.add(field, message, forms[0] if len(forms) == 1 else None)

    def concern(self, field: str) -> bool:
        """Whether something is wrong with a field."""
        return any(fault.field == field for fault in self)


class Keys:
    """The keys of one line. Each reading method returns None where a key was not given or is wrong."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._values: dict[str, Value] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def take(self, key: str, value: Value, verb: Verb | None) -> None:
        """Keep a key's value, unless something is wrong with the key itself."""
        is_metadata = key.startswith(_METADATA) and key != _METADATA
        field, verbs = ("metadata", _PLACING) if is_metadata else _KEYS.get(key, ("text", frozenset()))
        if field == "text":
            self._unknown(key, verb)
        elif verb and verb not in verbs:
            takes = ", ".join(name for name, (_, verbs) in _KEYS.items() if verb in verbs)
            self._faults.add("text", f"{key}= is not for {_DOING[verb]}, which takes {takes}.")
        elif key in self._values:
            self._faults.add(field, f"{key}= is there twice. Keep one.")
        elif not value.text and not value.quoted:
            self._faults.add(field, f"{key}= has nothing behind it. Add it, or leave {key}= out.")
        else:
            self._values[key] = value

    def _unknown(self, key: str, verb: Verb | None) -> None:
        name = key.strip("-").lower()
        names = [known for known, (_, verbs) in _KEYS.items() if verb is None or verb in verbs]
        meant = _ALSO_TYPED.get(name)
        if meant not in names:
            meant = closest(name, names)
        message = f"“{words.short(key)}=” is not a key."
        if not meant:
            message += f" There are: {', '.join(names)}."
            message += f" For the agent's own data write meta.{name}=." if verb is Verb.PLACE else ""
        self._faults.add("text", message, f"{meant}=" if meant else None)

    def typed(self) -> dict[str, str]:
        """The values as typed, by field."""
        return {_KEYS[key][0]: value.text for key, value in self._values.items() if key in _KEYS}

    def raw(self, key: str) -> str:
        """A value as typed, line ends included; empty when there is none."""
        return self._values[key].text if key in self._values else ""

    def text(self, key: str) -> str | None:
        """A value as one line."""
        return self._values[key].line if key in self._values else None

    def running_text(self, key: str) -> str | None:
        """A text of limited length."""
        return limited(key, self._values[key].line, self._faults) if key in self._values else None

    def whole(self, key: str, *, fewest: int | None = None) -> int | None:
        """A whole number."""
        typed = self.text(key)
        if typed is None:
            return None
        if _WHOLE.fullmatch(typed) and (fewest is None or int(typed) >= fewest):
            return int(typed)
        self._faults.add(key, f"{key}= takes a whole number, like {key}=3.")
        return None

    def gap(self) -> int | tuple[int, ...] | None:
        """Minutes: one number or several."""
        typed = self.text("gap")
        if typed is None:
            return None
        if not _GAPS.fullmatch(typed):
            self._faults.add("gap", "gap= takes minutes, one number or several: gap=30 or gap=30,60.")
            return None
        first, *others = (int(minutes) for minutes in re.split(r"[\s,]+", typed))
        return (first, *others) if others else first

    def time(self, key: str, read: ReadTime) -> times.Moment | None:
        """A time to come."""
        try:
            return read(self._values[key].line) if key in self._values else None
        except times.TimeFault as fault:
            self._faults.add_time(_KEYS[key][0], fault)
            return None

    def clock(self, key: str) -> str | None:
        """A time of day as ``HH:MM``."""
        try:
            return times.clock(self._values[key].line) if key in self._values else None
        except times.TimeFault as fault:
            self._faults.add_time(_KEYS[key][0], fault)
            return None

    def zone(self) -> str | None:
        """A time zone, by the name that holds now."""
        try:
            return zones.read(self._values["zone"].line) if "zone" in self._values else None
        except zones.ZoneFault as fault:
            self._faults.add("zone", str(fault), fault.suggestion)
            return None

    def yes_or_no(self, key: str) -> bool | None:
        """Yes or no, in one of a few words."""
        typed = self.text(key)
        if typed is None:
            return None
        if typed.lower() not in _YES_OR_NO:
            self._faults.add(_KEYS[key][0], f"{key}= takes yes or no; {key} alone means yes.")
        return _YES_OR_NO.get(typed.lower())

    def language(self) -> str | None:
        """A language's code, in lower case."""
        typed = self.text("lang")
        if typed is None or _LANGUAGE.fullmatch(typed.lower()):
            return typed and typed.lower()
        self._faults.add("language", "lang= takes a language's code, like lang=hi or lang=en.")
        return None

    def metadata(self) -> dict[str, JsonValue]:
        """All ``meta.NAME`` values by name."""
        return {
            key.removeprefix(_METADATA): value.line if value.quoted else _json_value(value.line)
            for key, value in self._values.items()
            if key.startswith(_METADATA)
        }


def limited(field: str, text: str, faults: Faults) -> str:
    """The text; a fault is noted when it is too long to be kept."""
    if len(text) > MAX_TEXT:
        faults.add(field, f"The {field} has {len(text)} characters: {MAX_TEXT} at most.")
    return text


def _json_value(typed: str) -> JsonValue:
    """A bare JSON number, true, false or null as that; all else is text."""
    if not JSON_SCALAR.fullmatch(typed):
        return typed
    try:
        value: bool | int | float | None = json.loads(typed)
    except ValueError:  # more digits than Python reads
        return typed
    return typed if isinstance(value, float) and math.isinf(value) else value

"""The ``key=value`` part of a line: the known keys, and the reading of their values."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from bot.parsing import labels, times
from bot.parsing.command import (
    FORMS,
    METADATA_NAME,
    OF_CAMPAIGNS,
    OF_PAUSES,
    OF_STOPS,
    PLAIN_INTEGER,
    FieldProblem,
    Question,
    Verb,
)
from bot.parsing.tokens import Value, quote
from bot.policy import timezones
from bot.text import parse_errors
from bot.text.formatting import closest

MAX_TEXT: Final = 500
"""Characters of a reason, a purpose, a consent reference or a batch."""

_ALL = frozenset(FORMS)
_THROUGH_ONE = _ALL - frozenset(OF_STOPS)
_OF_CALLS = frozenset({Verb.PLACE, Verb.CANCEL, Verb.MOVE})
_PLACING = frozenset({Verb.PLACE})
_PLACING_OR_MOVING = frozenset({Verb.PLACE, Verb.MOVE})
_KEYS: Final = {
    "to": ("targets", _OF_CALLS | frozenset(OF_STOPS)),
    "call": ("targets", frozenset({Verb.CANCEL, Verb.MOVE})),
    "campaign": ("targets", frozenset(OF_CAMPAIGNS)),
    "agent": ("agent", _OF_CALLS),
    "via": ("connection", _THROUGH_ONE | frozenset(OF_PAUSES)),
    "reason": ("reason", _ALL | {Verb.PAUSE}),
    "at": ("at", _PLACING_OR_MOVING),
    "call-time": ("reported_call_time", frozenset({Verb.CANCEL})),
    "retries": ("retries", _PLACING),
    "gap": ("gap", _PLACING),
    "from": ("earliest", _PLACING),
    "until": ("latest", _PLACING | {Verb.PAUSE}),
    "zone": ("zone", _PLACING_OR_MOVING),
    "carry-over": ("carry_over", _PLACING),
    "tell-me": ("tell_me", _PLACING),
    "lang": ("language", _PLACING),
    "priority": ("priority", _PLACING),
    "batch": ("batch", _PLACING),
    "purpose": ("purpose", _PLACING),
    "consent": ("consent", _PLACING),
}
"""The field of each key, and the verbs that take it. ``meta.NAME`` is another key of ``place``."""

_ALIASES: Final = {"goes-out": "call-time"}
"""Former keys, which still work."""

_ALSO_TYPED: Final = {
    **dict.fromkeys(("number", "phone", "tel", "mobile", "target"), "to"),
    **dict.fromkeys(("id", "call_id", "callid", "call-id"), "call"),
    **dict.fromkeys(("connection", "provider", "through"), "via"),
    **dict.fromkeys(("time", "when", "on", "schedule", "schedule_at"), "at"),
    **dict.fromkeys(("earliest", "after", "min_trigger_time"), "from"),
    **dict.fromkeys(("latest", "before", "till", "max_trigger_time"), "until"),
    **dict.fromkeys(("because", "why", "note"), "reason"),
    **dict.fromkeys(("retry", "attempts"), "retries"),
    **dict.fromkeys(("goes", "reported_call_time", "goesout", "scheduled"), "call-time"),
    **dict.fromkeys(("timezone", "time-zone", "time_zone", "tz"), "zone"),
    **dict.fromkeys(("tell", "notify", "dm"), "tell-me"),
    "language": "lang",
}
"""Other words for a key that its spelling alone would not lead to."""

FLAGS: Final = {
    **dict.fromkeys(("carry-over", "carry_over", "carryover"), "carry-over"),
    **dict.fromkeys(("tell-me", "tell_me", "tellme"), "tell-me"),
}
"""Words that stand for ``=yes`` behind a key."""

RUNNING_TEXT: Final = frozenset({"reason", "purpose", "consent", "batch"})
"""Keys whose value may hold any words, such as "sent via email". Metadata may, too."""

_METADATA = "meta."
_YES_OR_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_WHOLE = re.compile(r"[+-]?\d{1,9}")
_GAPS = re.compile(r"\d{1,9}(?:[\s,]+\d{1,9})*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

ReadTime = Callable[[str], times.Moment]
"""Reads a time in the user's time zone, or raises `InvalidTimeError`."""


class FieldProblems(list[FieldProblem]):
    """The errors of a line, in the order in which they were found."""

    def add(self, field: str, message: str, suggestion: str | None = None) -> None:
        """Add an error of a field."""
        self.append(FieldProblem(field, message, suggestion))

    def add_time(self, field: str, fault: times.InvalidTimeError) -> None:
        """Add an error of a time, with every time that it could mean."""
        message, forms = str(fault), fault.suggestions
        if len(forms) > 1:
            message = parse_errors.which_time(message, forms)
        self.add(field, message, forms[0] if len(forms) == 1 else None)

    def concern(self, field: str) -> bool:
        """Return whether a field has an error."""
        return any(fault.field == field for fault in self)


class Questions:
    """The questions about a line. ``answers`` are the options already chosen, in the order of asking."""

    def __init__(self, faults: FieldProblems, answers: Sequence[int]) -> None:
        self._faults = faults
        self._answers = iter(answers)

    def ask(
        self, field: str, message: str, options: Sequence[str], suggestion: str | None = None
    ) -> int | None:
        """Return the index of the chosen option.

        Until one is chosen, add the question to the errors and return None.
        """
        chosen = next(self._answers, None)
        if chosen is not None and chosen < len(options):
            return chosen
        self._faults.append(Question(field, message, suggestion, tuple(options)))
        return None


class Options:
    """The keys of a line. Each reading method returns None if the key was not typed or its value is wrong."""

    def __init__(self, faults: FieldProblems) -> None:
        self._faults = faults
        self._values: dict[str, Value] = {}
        self._data: list[tuple[str, Value]] = []
        """All ``meta.NAME`` values that were typed, faulty ones included."""

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def take(self, key: str, value: Value, verb: Verb | None) -> None:
        """Keep the value of a key, or add an error if the key cannot be used."""
        is_metadata = key.startswith(_METADATA) and METADATA_NAME.fullmatch(key, len(_METADATA))
        if is_metadata:
            self._data.append((key.removeprefix(_METADATA), value))
        known = _ALIASES.get(key, key)
        field, verbs = ("metadata", _PLACING) if is_metadata else _KEYS.get(known, ("text", frozenset()))
        if field == "text":
            self._unknown(key, verb)
        elif verb and verb not in verbs:
            takes = [name for name, (_, verbs) in _KEYS.items() if verb in verbs]
            self._faults.add("text", parse_errors.not_for(key, labels.DOING[verb], takes))
        elif known in self._values:
            self._faults.add(field, parse_errors.twice(known))
        elif not value.text and not value.quoted:
            self._faults.add(field, parse_errors.nothing_behind(key))
        else:
            self._values[known] = value

    def _unknown(self, key: str, verb: Verb | None) -> None:
        name = key.strip("-").lower()
        names = [known for known, (_, verbs) in _KEYS.items() if verb is None or verb in verbs]
        meant = _ALSO_TYPED.get(name)
        if meant not in names:
            meant = closest(name, names)
        if meant:
            message = parse_errors.not_a_key(key)
        elif verb is Verb.PLACE:
            message = parse_errors.not_a_key_of_calls(key, names, name)
        else:
            message = parse_errors.not_one_of_the_keys(key, names)
        self._faults.add("text", message, f"{meant}=" if meant else None)

    def typed(self) -> dict[str, str]:
        """Return the values as typed, by field."""
        found = {_KEYS[key][0]: value.text for key, value in self._values.items() if key in _KEYS}
        if self._data:
            found["metadata"] = "\n".join(f"{name}={_as_in_the_form(value)}" for name, value in self._data)
        return found

    def value(self, key: str) -> Value:
        """Return a value and whether it was quoted. It is empty if the key was not typed."""
        return self._values.get(key, Value(""))

    def raw(self, key: str) -> str:
        """Return a value as typed, line ends included. It is empty if the key was not typed."""
        return self._values[key].text if key in self._values else ""

    def text(self, key: str) -> str | None:
        """Return a value as one line."""
        return self._values[key].line if key in self._values else None

    def running_text(self, key: str) -> str | None:
        """Return a text, and add an error if it is too long."""
        return limited(key, self._values[key].line, self._faults) if key in self._values else None

    def whole(self, key: str, *, fewest: int | None = None) -> int | None:
        """Return a whole number, at least ``fewest`` if that is given."""
        said = self.text(key)
        if said is None:
            return None
        if _WHOLE.fullmatch(said) and (fewest is None or int(said) >= fewest):
            return int(said)
        self._faults.add(key, parse_errors.not_a_whole_number(key))
        return None

    def gap(self) -> int | tuple[int, ...] | None:
        """Return a gap between retries, or several, in minutes."""
        said = self.text("gap")
        if said is None:
            return None
        if not _GAPS.fullmatch(said):
            self._faults.add("gap", parse_errors.NOT_MINUTES)
            return None
        first, *others = (int(minutes) for minutes in re.split(r"[\s,]+", said))
        return (first, *others) if others else first

    def time(self, key: str, read: ReadTime) -> times.Moment | None:
        """Return a time, now or in the future."""
        try:
            return read(self._values[key].line) if key in self._values else None
        except times.InvalidTimeError as fault:
            self._faults.add_time(_KEYS[key][0], fault)
            return None

    def clock(self, key: str) -> str | None:
        """Return a time of day as ``HH:MM``."""
        try:
            return times.clock(self._values[key].line) if key in self._values else None
        except times.InvalidTimeError as fault:
            self._faults.add_time(_KEYS[key][0], fault)
            return None

    def zone(self) -> str | None:
        """Return a time zone by its current IANA name."""
        try:
            return timezones.read(self._values["zone"].line) if "zone" in self._values else None
        except timezones.InvalidZoneError as fault:
            self._faults.add("zone", str(fault), fault.suggestion)
            return None

    def yes_or_no(self, key: str) -> bool | None:
        """Return the boolean that a word such as "yes" or "off" stands for."""
        said = self.text(key)
        if said is None:
            return None
        if said.lower() not in _YES_OR_NO:
            self._faults.add(_KEYS[key][0], parse_errors.not_yes_or_no(key))
        return _YES_OR_NO.get(said.lower())

    def language(self) -> str | None:
        """Return a language code in lower case."""
        said = self.text("lang")
        if said is None or _LANGUAGE.fullmatch(said.lower()):
            return said and said.lower()
        self._faults.add("language", parse_errors.NOT_A_LANGUAGE)
        return None

    def metadata(self) -> dict[str, str | int]:
        """Return all ``meta.NAME`` values by name. Unquoted plain integers are numbers, all others text."""
        return {
            key.removeprefix(_METADATA): int(value.text)
            if not value.quoted and PLAIN_INTEGER.fullmatch(value.text)
            else value.text
            for key, value in self._values.items()
            if key.startswith(_METADATA)
        }


def _as_in_the_form(value: Value) -> str:
    return quote(value.text) if value.quoted or "\n" in value.text else value.text


def limited(field: str, text: str, faults: FieldProblems) -> str:
    """Return the text, and add an error if it is longer than `MAX_TEXT`."""
    if len(text) > MAX_TEXT:
        faults.add(field, parse_errors.too_long(field, len(text), MAX_TEXT))
    return text

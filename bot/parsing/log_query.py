"""Reads the filters of ``/calls log``.

    [NUMBER] [WORDS] [by=@asha|me] [via CONNECTION] [state=failed] [kind=cancel] [ended=no-answer]
    [number=…] [text=…] [on=DAY | from=DAY until=DAY] [after-stop]

`bot.parsing.dates` reads the days in the user's time zone, both ends included. Words without a key are a
status, an id such as A-7K3F, or text to find in reasons and notes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, Literal, TypeVar

from bot.parsing import dates, tokens
from bot.parsing.command import CommandContext, FieldProblem
from bot.parsing.mentions import MENTION
from bot.parsing.numbers import NumberReader, NumberTarget
from bot.parsing.options import FieldProblems
from bot.parsing.targets import scan
from bot.parsing.times import InvalidTimeError
from bot.parsing.tokens import LIKELY_CONNECTION, Value
from bot.text import log_query_errors, vocabulary
from bot.text.formatting import closest
from bot.text.parse_errors import ONE_NUMBER, QUOTE_LEFT_OPEN, nothing_behind, twice
from providers import phone
from providers.actions import Ending, Kind
from storage.event_log.hash_chain import microseconds, moment
from storage.ids import readings
from storage.queries import Query
from storage.states import State

AFTER_STOP: Final = "after-stop"
MAX_TEXT: Final = 100
"""Characters of the text to find."""
ME: Final = "me"

KEYS: Final = ("by", "via", "state", "kind", "ended", "number", "on", "from", "until", "text")
_ALSO_TYPED: Final = {
    **dict.fromkeys(("who", "person", "requester", "user", "asked-by"), "by"),
    **dict.fromkeys(("connection", "provider", "through"), "via"),
    **dict.fromkeys(("status", "outcome", "is"), "state"),
    **dict.fromkeys(("what", "type", "action"), "kind"),
    **dict.fromkeys(("end", "ending", "result", "disposition"), "ended"),
    **dict.fromkeys(("to", "phone", "tel", "mobile", "target"), "number"),
    **dict.fromkeys(("day", "date", "at", "when"), "on"),
    **dict.fromkeys(("since", "after"), "from"),
    **dict.fromkeys(("till", "before", "to-day"), "until"),
    **dict.fromkeys(("reason", "note", "words", "why", "search", "q"), "text"),
}
"""Other words that people type for a key."""

STATES: Final[Mapping[str, State]] = {
    **dict.fromkeys(("waiting", "waits", "open"), State.PENDING),
    **dict.fromkeys(("ok", "success", "accepted"), State.SUCCEEDED),
    "error": State.FAILED,
    **dict.fromkeys(("in doubt", "doubt"), State.UNKNOWN),
    "rejected": State.DENIED,
    "late": State.EXPIRED,
}
"""Other words by which people call the states, beside their names and those of `bot.text.vocabulary`."""

KINDS: Final[Mapping[str, Kind]] = {
    "place": Kind.PLACE_CALL,
    "cancel": Kind.CANCEL_CALL,
    "delete": Kind.DELETE_CAMPAIGN,
    "stop": Kind.STOP_CAMPAIGN,
    "start": Kind.START_CAMPAIGN,
    **{str(kind): kind for kind in Kind},
    **dict.fromkeys(("call", "calls", "placed", "placing"), Kind.PLACE_CALL),
    **dict.fromkeys(("cancelled", "canceled", "cancellation", "cancellations"), Kind.CANCEL_CALL),
}
"""The names by which people call the kinds."""

NO_NEWS: Final = "none"
ENDINGS: Final[Mapping[str, Ending | Literal["none"]]] = {
    **{ending.replace("_", "-"): ending for ending in Ending},
    NO_NEWS: NO_NEWS,
    **dict.fromkeys(("unknown", "unreported", "no-news", "no-news-yet"), NO_NEWS),
    **dict.fromkeys(("reached", "picked-up"), Ending.ANSWERED),
    **dict.fromkeys(("unanswered", "not-answered", "missed"), Ending.NO_ANSWER),
    "engaged": Ending.BUSY,
    **dict.fromkeys(("machine", "answering-machine"), Ending.VOICEMAIL),
    "declined": Ending.REJECTED,
    **dict.fromkeys(("invalid", "wrong-number"), Ending.INVALID_NUMBER),
    **dict.fromkeys(("unreachable", "unreached"), Ending.NOT_REACHED),
    **dict.fromkeys(("not-dialed", "undialled"), Ending.NOT_DIALLED),
}
"""The names by which people call the endings of a call, and the lack of one."""

_T = TypeVar("_T")
_OURS: Final = re.compile(r"[Aa]-[0-9A-Za-z]{4,}(\.[0-9]+)?")
"""An id of a request or an action, as people type it."""
_FLAGS = frozenset({AFTER_STOP, "after_stop", "afterstop"})


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a search: the store's query, and the days as they were typed.

    With ``stop``, the search reports the calls to a number since it was stopped.
    """

    query: Query = field(default_factory=Query)
    first: str | None = None
    last: str | None = None
    stop: bool = False
    status: str | None = None
    """The status as it was typed. The query holds its meaning."""

    def kept(self) -> dict[str, object]:
        """Return the filters as a draft stores them."""
        query = self.query
        said: dict[str, object] = {
            "status": self.status,
            "id": query.id,
            "kind": None if self.status and vocabulary.kind_named(self.status) else query.kind,
            "connection": query.connection,
            "requester": query.requester,
            "ended": query.ended,
            "number": query.number,
            "since": query.since and microseconds(query.since),
            "until": query.until and microseconds(query.until),
            "text": query.text,
            "first": self.first,
            "last": self.last,
            "stop": self.stop,
        }
        return {name: value for name, value in said.items() if value}

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> "Filters":
        """Read the filters from a stored draft."""
        said = {name: str(value) for name, value in kept.items()}
        query = Query(
            id=said.get("id"),
            kind=Kind(said["kind"]) if "kind" in said else None,
            connection=said.get("connection"),
            requester=said.get("requester"),
            ended=ended_named(said["ended"]) if "ended" in said else None,
            number=said.get("number"),
            since=moment(int(said["since"])) if "since" in said else None,
            until=moment(int(said["until"])) if "until" in said else None,
            text=said.get("text"),
        )
        status = said.get("status")
        query = (status and of_status(query, status)) or query
        return cls(query, said.get("first"), said.get("last"), stop="stop" in said, status=status)

    def line(self) -> str:
        """Return the filters as a line that can be typed."""
        query = self.query
        said = {
            "by": query.requester and f"<@{query.requester}>",
            "via": query.connection,
            "state": self.status and tokens.quote(self.status),
            "kind": None if self.status and vocabulary.kind_named(self.status) else query.kind,
            "ended": query.ended and query.ended.replace("_", "-"),
            "number": query.number,
            "from": self.first,
            "until": self.last,
            "text": tokens.quote(query.text) if query.text else None,
        }
        typed = [f"{key}={value}" for key, value in said.items() if value]
        return " ".join(
            ["log", *([query.id] if query.id else []), *typed, *([AFTER_STOP] if self.stop else [])]
        )

    def in_words(self) -> str:
        """Return a description of the filters for people."""
        kind = None if self.status and vocabulary.kind_named(self.status) else self.query.kind
        return log_query_errors.sought(replace(self.query, kind=kind), self.first, self.last, self.status)


def of_status(query: Query, status: str) -> Query | None:
    """Return a query that also asks for a status: a state's name, or a word of `bot.text.vocabulary`.

    Return None if nothing has that name, or if the query asks for another kind of action.
    """
    named = status.strip().casefold()
    states = frozenset({STATES[named]}) if named in STATES else vocabulary.states_named(named)
    kind = vocabulary.kind_named(named)
    if not states or (kind and query.kind not in {None, kind}):
        return None
    one = next(iter(states)) if len(states) == 1 else None
    several = frozenset[State]() if one else states
    code, excluded = vocabulary.code_named(named), vocabulary.code_excluded(named)
    kind = kind or query.kind
    return replace(query, state=one, states=several, kind=kind, code=code, code_excluded=excluded)


def ended_named(typed: str) -> Ending | Literal["none"] | None:
    """Return the ending of a call that people call by a name, or None. Hyphens and spaces don't count."""
    return {_squashed(name): ending for name, ending in ENDINGS.items()}.get(_squashed(typed))


def _squashed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.casefold())


@dataclass(frozen=True, slots=True)
class Typed:
    """The parsed filters. ``named`` is the name or id of a user who is still to be found, or None."""

    filters: Filters
    named: str | None = None
    faults: tuple[FieldProblem, ...] = ()


def read(text: str, *, vocabulary: CommandContext, timezone: str, me: str, now: datetime) -> Typed:
    """Read the cleaned text behind ``log``. ``me`` is the id of the user who types, ``now`` is aware."""
    return _Reader(vocabulary, timezone, now).typed(text, me)


class _Reader:
    def __init__(self, vocabulary: CommandContext, timezone: str, now: datetime) -> None:
        self._names = {name.casefold(): name for name in vocabulary.connections}
        self._region = vocabulary.default_region
        self._read_phone = partial(phone.read, default_region=vocabulary.default_region, premium=True)
        self._read_day = partial(dates.read, zone=timezone, now=now)
        self._faults = FieldProblems()
        self._values: dict[str, Value] = {}

    def typed(self, text: str, me: str) -> Typed:
        parts = tokens.tokenize(text, connection=self._named_by_via, flags=_FLAGS)
        if parts.left_open:
            self._faults.add("text", QUOTE_LEFT_OPEN)
        for key, value in parts.keys:
            self._take(key, value)
        for name in parts.via:
            self._take("via", Value(name))
        number, free = self._free(parts.free)
        by = self._line("by")
        mentioned = MENTION.fullmatch(by) if by else None
        requester = me if by and by.casefold() == ME else mentioned["id"] if mentioned else None
        first, last = self._days()
        query = Query(
            id=self._id(free),
            kind=self._one_of("kind", KINDS),
            ended=self._one_of("ended", ENDINGS, ended_named),
            connection=self._one_of("via", self._names),
            requester=requester,
            number=number,
            since=first.start if first else None,
            until=last.end if last else None,
            text=self._text(free),
        )
        query, status = self._with_status(query, free)
        stop = bool(parts.flags)
        if stop and number is None and not self._faults.concern("number"):
            self._faults.add("number", log_query_errors.number_missing(AFTER_STOP), "+91 98765 43210")
        said = Filters(query, first.date if first else None, last.date if last else None, stop, status)
        return Typed(said, None if requester else by, tuple(self._faults))

    def _take(self, key: str, value: Value) -> None:
        name = key.strip("-").lower()
        meant = name if name in KEYS else _ALSO_TYPED.get(name)
        if meant is None:
            likely = closest(name, KEYS)
            self._faults.add("text", log_query_errors.no_key(key, KEYS), f"{likely}=" if likely else None)
        elif meant in self._values:
            self._faults.add(meant, twice(meant))
        elif not value.text:
            self._faults.add(meant, nothing_behind(meant))
        else:
            self._values[meant] = value

    def _named_by_via(self, word: str) -> str | None:
        """Return the word behind a "via" if it is nearly a connection's name, None if "via" is a word."""
        return word if closest(word, self._names, alike=LIKELY_CONNECTION) else None

    def _ask(self, message: str, _options: Sequence[str]) -> None:
        self._faults.add("number", message)

    def _line(self, key: str) -> str | None:
        return self._values[key].line if key in self._values else None

    def _one_of(
        self, key: str, known: Mapping[str, _T], named: Callable[[str], _T | None] | None = None
    ) -> _T | None:
        typed = self._line(key)
        if typed is None:
            return None
        if (found := named(typed) if named else known.get(typed.casefold())) is not None:
            return found
        meant = closest(typed, known)
        first = {value: name for name, value in reversed(list(known.items()))}
        there = [first[value] for value in dict.fromkeys(known.values())]
        self._faults.add(key, log_query_errors.none_of(key, there, typed), meant)
        return None

    def _id(self, free: str) -> str | None:
        """Return the id of a request or an action if it is all the free text, else None."""
        bare = free.strip()
        return readings(bare)[0] if _OURS.fullmatch(bare) and readings(bare) else None

    def _with_status(self, query: Query, free: str) -> tuple[Query, str | None]:
        """Return the query with its status, which may be the free text, and the status as typed."""
        typed = self._line("state")
        status = typed or (free if _is_status(free) else None)
        if status is None:
            return query, None
        if asked := of_status(query, status):
            return asked, status
        if _is_status(status):
            self._faults.add("state", log_query_errors.other_kind(status))
        else:
            names = [*vocabulary.STATUSES, *(str(state) for state in State), *STATES]
            fault = log_query_errors.none_of("state", vocabulary.STATUSES, status)
            self._faults.add("state", fault, closest(status, names))
        return query, None

    def _free(self, free: str) -> tuple[str | None, str]:
        """Return the number, wherever it was typed, and the other text without a key."""
        found = scan(
            free, reader=NumberReader.for_region(self._region, premium=True), ids=False, ask=self._ask
        )
        said = [(target.phone.e164) for target in found.targets if isinstance(target, NumberTarget)]
        for fault in found.faults:
            self._faults.add("number", fault)
        if typed := self._line("number"):
            try:
                said.append(self._read_phone(typed).e164)
            except phone.InvalidNumberError as fault:
                self._faults.add("number", str(fault))
        if len(set(said)) > 1:
            self._faults.add("number", ONE_NUMBER)
        return (said[0] if said else None), found.rest.strip()

    def _text(self, free: str) -> str | None:
        typed = self._line("text") or ("" if _is_status(free) or self._id(free) else " ".join(free.split()))
        if "text" in self._values and free:
            self._faults.add("text", log_query_errors.outside_text(free))
        if len(typed) > MAX_TEXT:
            self._faults.add("text", log_query_errors.too_long(MAX_TEXT))
        return typed or None

    def _days(self) -> tuple[dates.Day | None, dates.Day | None]:
        on = self._day("on")
        if on and ({"from", "until"} & self._values.keys()):
            self._faults.add("on", log_query_errors.ON_WITH_OTHERS)
        first, last = self._day("from"), self._day("until")
        if first and last and first.start >= last.end:
            self._faults.add("until", log_query_errors.until_before_from(last.date, first.date))
        return first or on, last or on

    def _day(self, key: str) -> dates.Day | None:
        typed = self._line(key)
        if typed is None:
            return None
        try:
            return self._read_day(typed)
        except InvalidTimeError as fault:
            self._faults.add_time(key, fault)
            return None


def _is_status(text: str) -> bool:
    named = text.strip().casefold()
    return named in STATES or bool(vocabulary.states_named(named))


def found(typed: Typed, requester: str) -> Filters:
    """Return the filters with the user who was found as requester."""
    return replace(typed.filters, query=replace(typed.filters.query, requester=requester))


def unknown_person(name: str, known: Sequence[str]) -> FieldProblem:
    """Return the error for a name that belongs to no user, or to several."""
    return FieldProblem(
        "by", log_query_errors.several_people(name, known) if known else log_query_errors.nobody_called(name)
    )

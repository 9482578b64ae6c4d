"""What people type after ``/calls``, ``/place-call`` and ``/cancel-call``: one grammar behind three doors.

    place NUMBER[, NUMBER …] [TIME] [via CONNECTION] [key=value …] [carry-over]
    cancel NUMBER or ID[, …] [REASON] [via CONNECTION] [key=value …]
    campaign delete|stop|start ID [REASON] [via CONNECTION] [key=value …]
    stop NUMBER [REASON]
    allow NUMBER REASON
    list
    status ID
    log [filters]
    help

`parse` never raises for anything typed: what was understood is in the `Line` beside every fault found. It
chooses nothing that was not said; `bot.inference` does, where there is one candidate only. Pure.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from bot import times, words
from bot.keys import FLAGS, RUNNING_TEXT, Faults, Keys, ReadTime, limited
from bot.line import (
    OF_CAMPAIGNS,
    OF_STOPS,
    TELLS,
    ConnectionWords,
    Fault,
    Line,
    Typist,
    Verb,
    Vocabulary,
    write,
)
from bot.messages import typed
from bot.rows import number_in, read_rows, without_marks
from bot.targets import IdTarget, NumberTarget, Scan, Target, id_problem, scan
from bot.verbs import read_verb
from bot.words import Value, closest
from providers import phone

__all__ = [
    "ConnectionWords",
    "Fault",
    "IdTarget",
    "Line",
    "NumberTarget",
    "Target",
    "Typist",
    "Verb",
    "Vocabulary",
    "parse",
    "write",
]

MAX_TARGETS: Final = 50
"""One request's targets: its card and modal list them all, within Slack's limits of blocks and text."""

_WITH_REASON = frozenset({Verb.CANCEL, *OF_CAMPAIGNS, *OF_STOPS})
"""Verbs whose targets are followed by a reason; behind those of the others comes a time."""
_WITH_TIME = frozenset({Verb.PLACE, Verb.MOVE})
_TO: Final = "to "
"""As in "move 98765 43210 to Mon 10:00"."""
_NOT_A_TARGET: Final = {
    Verb.CANCEL: typed.nothing_to_cancel,
    Verb.STOP: typed.nobody_to_stop,
    Verb.ALLOW: typed.nobody_to_allow,
}
"""What is said of a word that stands in the place of a target and is none."""
_DIGITS_ONLY = re.compile(r"[\d\s.,:;/()+-]*")
_VIA = re.compile(r"(?:^|\s)via\s+([^\s,;]+)", re.IGNORECASE)
_LIKELY_CONNECTION = 0.75
"""How alike a word must be to a connection's name for "via WORD" to be that rather than a reason."""
_MOST_WORDS_OF_A_TIME = 10
"""As in "on Mon the 5 Dec 2026 at 9.30 p. m."."""


def parse(text: str, *, door: Verb | None, vocabulary: Vocabulary, typist: Typist, now: datetime) -> Line:
    """Read a line. ``door`` is the verb its command stands for, None for ``/calls``; ``now`` is aware."""
    reader = _Reader(vocabulary, partial(times.read, zone=typist.timezone, now=now))
    return reader.line(text, door)


class _Reader:
    """Reads one line, collecting its faults."""

    def __init__(self, vocabulary: Vocabulary, read_time: ReadTime) -> None:
        self._vocabulary = vocabulary
        self._names = {name.casefold(): name for name in vocabulary.connections}
        self._read_time = read_time
        self._read_phone = partial(phone.read, default_region=vocabulary.default_region)
        self._faults = Faults()
        self._left_out: tuple[str, ...] = ()
        self._keys = Keys(self._faults)

    def line(self, text: str, door: Verb | None) -> Line:
        read = read_verb(words.clean(text), door, vocabulary=self._vocabulary, faults=self._faults)
        verb, grammar, rest = read.verb, read.grammar, read.rest
        if rest is None or verb in TELLS:
            return Line(text=text, rest=rest or "", verb=verb, faults=tuple(self._faults))
        parts = words.split(
            rest,
            is_connection=lambda name: name.casefold() in self._names,
            flags=() if grammar in _WITH_REASON else FLAGS,
        )
        if parts.left_open:
            self._faults.add("text", typed.QUOTE_LEFT_OPEN)
        for key, value in parts.keys:
            self._keys.take(key, self._without_via(key, value), grammar)
        connection = self._connection(parts.via)
        if connection and verb in OF_STOPS:
            self._faults.add("text", typed.HOLDS_FOR_EVERY_CONNECTION)
        targets, free = self._targets(parts.free, grammar, connection)
        moment, reason = self._free(free, grammar, targets)
        keys = self._keys
        goes_out = keys.time("goes-out", self._read_time)
        return Line(
            text=text,
            rest=rest,
            verb=verb,
            verbs=read.verbs,
            targets=targets,
            connection=connection,
            agent=self._agent(connection),
            at=moment.at if moment and moment.reading != "now" else None,
            at_text=moment.text if moment else None,
            retries=keys.whole("retries", fewest=0),
            gap=keys.gap(),
            earliest=keys.clock("from"),
            latest=keys.clock("until"),
            zone=keys.zone(),
            carry_over=keys.yes_or_no("carry-over") if "carry-over" in keys else bool(parts.flags) or None,
            priority=keys.whole("priority"),
            language=keys.language(),
            batch=keys.running_text("batch"),
            metadata=MappingProxyType(keys.metadata()),
            purpose=keys.running_text("purpose"),
            consent=keys.running_text("consent"),
            reason=self._spelt_as_configured(reason),
            left_out=self._left_out,
            goes_out=goes_out.at if goes_out else None,
            goes_out_text=goes_out.text if goes_out else None,
            missing=self._missing(verb=verb, targets=targets, reason=reason),
            faults=tuple(self._faults),
            typed=MappingProxyType(self._typed(parts.free, free, grammar)),
        )

    def _typed(self, free: str, rest: str, verb: Verb | None) -> dict[str, str]:
        """What was typed, by field: targets first, then a time or a reason, then the keys."""
        targets = free.removesuffix(rest).strip()
        if not targets and self._faults.concern("targets"):
            targets, rest = rest, ""
        by_place = {"targets": targets, "at" if verb in _WITH_TIME else "reason": rest}
        by_key = self._keys.typed()
        return {
            name: " ".join(filter(None, [by_place.get(name), by_key.get(name)]))
            for name in {**by_place, **by_key}
        }

    def _missing(
        self, *, verb: Verb | None, targets: Sequence[Target], reason: str | None
    ) -> tuple[str, ...]:
        """What nothing was said about; what was said wrong is a fault instead."""
        said: dict[str, object] = {"verb": verb, "targets": targets}
        if verb is Verb.ALLOW:
            said["reason"] = reason
        return tuple(name for name, value in said.items() if not value and not self._faults.concern(name))

    def _without_via(self, key: str, value: Value) -> Value:
        """The value without "via WORD", where that is no text but a connection that does not exist."""
        if value.quoted or key in RUNNING_TEXT or key.startswith("meta."):
            return value
        return Value(self._report_via(value.text))

    def _report_via(self, text: str) -> str:
        for name in _VIA.findall(text):
            self._unknown_connection(name)
        return _VIA.sub("", text).strip()

    def _connection(self, via: Sequence[str]) -> str | None:
        said = [*via, *filter(None, [self._keys.text("via")])]
        known = [self._names[name.casefold()] for name in said if name.casefold() in self._names]
        for name in said:
            if name.casefold() not in self._names:
                self._unknown_connection(name)
        if len(known) > 1:
            self._faults.add("connection", typed.two_connections(known))
        return known[0] if known else None

    def _unknown_connection(self, name: str) -> None:
        names = self._vocabulary.connections
        self._faults.add("connection", typed.no_connection(name, names), closest(name, names))

    def _targets(
        self, free: str, verb: Verb | None, connection: str | None
    ) -> tuple[tuple[Target, ...], str]:
        """All targets, and the free text without them."""
        if verb in OF_CAMPAIGNS:
            return self._campaign(free)
        known = self._vocabulary.connections
        considered = [known[connection]] if connection else list(known.values())
        cancels_by = {words_of.cancels_by for words_of in considered} - {None}
        if verb is Verb.CANCEL:
            free = without_marks(free)
        found = scan(
            free,
            read_phone=self._read_phone,
            ids=verb not in {Verb.PLACE, *OF_STOPS},
            digits_are_ids=verb is Verb.CANCEL and cancels_by == {"call_id"},
            fits=self._may_follow if verb in _WITH_TIME else lambda _: True,
        )
        if verb is Verb.CANCEL and not words.unquoted(found.rest).quoted:
            found = self._beyond_words(free, found)
        numbers = scan(self._keys.raw("to"), read_phone=self._read_phone, ids=False)
        ids = [named for named in re.split(r"[\s,;]+", self._keys.raw("call")) if named]
        for message in (*found.faults, *numbers.faults, *filter(None, map(id_problem, ids))):
            self._faults.add("targets", message)
        if numbers.rest:
            self._faults.add("targets", typed.not_a_phone(numbers.rest))
        by_id = [IdTarget(named) for named in ids if not id_problem(named)]
        targets = tuple(dict.fromkeys([*found.targets, *numbers.targets, *by_id]))
        if len(targets) > MAX_TARGETS:
            self._faults.add("targets", typed.too_many(len(targets), MAX_TARGETS))
        elif verb in _NOT_A_TARGET and found.rest and not targets and not self._faults.concern("targets"):
            self._faults.add("targets", _NOT_A_TARGET[verb](found.rest.split()[0]))
        elif verb in OF_STOPS and len(targets) > 1:
            self._faults.add("targets", typed.ONE_NUMBER)
        return targets, found.rest

    def _beyond_words(self, free: str, found: Scan) -> Scan:
        """What was found, unless there are further targets behind words: then a sheet's lines, or a fault."""
        rows = read_rows(free, self._read_phone, ids=True)
        number = number_in(found.rest, self._read_phone)
        if rows and (number or len(rows.targets) > len(found.targets)):
            self._left_out = rows.left_out
            return Scan(rows.targets, (), rows.reason)
        if found.targets and number:
            return Scan(found.targets, (*found.faults, typed.behind_words(number)), found.rest)
        return found

    def _campaign(self, free: str) -> tuple[tuple[Target, ...], str]:
        """The one campaign's id, and the free text without it."""
        named = self._keys.text("campaign")
        if named is not None:
            if problem := id_problem(named):
                self._faults.add("targets", problem)
            return () if problem else (IdTarget(named),), free
        found = scan(free, read_phone=self._read_phone, ids=True, digits_are_ids=True)
        targets = tuple(target for target in found.targets if isinstance(target, IdTarget))
        for message in found.faults:
            self._faults.add("targets", message)
        if len(found.targets) > 1:
            self._faults.add("targets", typed.ONE_CAMPAIGN)
        elif (targets != found.targets or found.rest) and not targets and not found.faults:
            self._faults.add("targets", typed.not_a_campaign(free.split(maxsplit=1)[0]))
        return targets, found.rest

    def _free(
        self, free: str, verb: Verb | None, targets: Sequence[Target]
    ) -> tuple[times.Moment | None, str | None]:
        """What stands behind the targets: a time when placing, else a reason."""
        moment = self._keys.time("at", self._read_time)
        reason = self._keys.running_text("reason")
        if verb in _WITH_REASON:
            return None, self._free_reason(free, reason)
        if verb is None:
            return moment, reason or words.unquoted(free).line or None
        free = words.unquoted(self._report_via(free)).line
        if verb is Verb.MOVE:
            free = free.removeprefix(_TO)
        if free and "at" in self._keys:
            self._faults.add("at", typed.either_time(free))
        elif free:
            moment, behind = self._leading_time(free, targets)
            if behind and verb is Verb.MOVE:
                reason = self._free_reason(behind, reason)
            elif behind:
                self._faults.add("at", typed.behind_the_time(behind))
        return moment, reason

    def _free_reason(self, free: str, reason: str | None) -> str | None:
        if (via := _VIA.match(free)) and closest(via[1], self._names, alike=_LIKELY_CONNECTION):
            self._unknown_connection(via[1])
            free = free[via.end() :]
        text = words.unquoted(free).line
        if text and reason:
            self._faults.add("reason", typed.either_reason(text))
        elif text and _DIGITS_ONLY.fullmatch(text):
            self._faults.add("reason", typed.no_words(text))
        return reason or limited("reason", text, self._faults) or None

    def _leading_time(self, free: str, targets: Sequence[Target]) -> tuple[times.Moment | None, str]:
        """The longest beginning that is a time, and what is left over behind it."""
        parts = free.split()
        whole = self._attempt(free)
        if isinstance(whole, times.Moment):
            return whole, ""
        tries = [whole] if whole.suggestions else []
        for count in range(min(len(parts) - 1, _MOST_WORDS_OF_A_TIME), 0, -1):
            if tries:
                break
            read = self._attempt(" ".join(parts[:count]))
            if isinstance(read, times.Moment):
                return read, " ".join(parts[count:])
            tries += [read] if read.suggestions else []
        if tries or targets:
            self._faults.add_time("at", (tries or [whole])[0])
        elif not self._faults.concern("targets"):
            self._faults.add(
                "targets",
                typed.neither_number_nor_time(parts[0]),
            )
        return None, ""

    def _spelt_as_configured(self, reason: str | None) -> str | None:
        spelt = {known.casefold(): known for known in self._vocabulary.reasons}
        return spelt.get(reason.casefold(), reason) if reason else None

    def _agent(self, connection: str | None) -> str | None:
        said = self._keys.text("agent")
        if said is None:
            return None
        known = self._vocabulary.connections
        considered = [known[connection]] if connection else list(known.values())
        names = {name.casefold(): name for words_of in considered for name in words_of.agents}
        if said.casefold() in names:
            return names[said.casefold()]
        if any(words_of.raw_agents for words_of in considered):
            return said
        agents = list(names.values())
        self._faults.add("agent", typed.no_agent(said, agents, connection), closest(said, agents))
        return None

    def _attempt(self, text: str) -> times.Moment | times.TimeFault:
        try:
            return self._read_time(text)
        except times.TimeFault as fault:
            return fault

    def _may_follow(self, text: str) -> bool:
        return not text or isinstance(self._attempt(text.removeprefix(_TO)), times.Moment)

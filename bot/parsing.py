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
from bot.rows import behind_words, number_in, read_rows, without_marks
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
    Verb.CANCEL: "neither a phone number nor a call's id. Begin with one, then give the reason.",
    Verb.STOP: "not a phone number. A campaign is stopped by its id: campaign stop ID.",
    Verb.ALLOW: "not a phone number. Begin with one, then give the reason.",
}
"""What a word is not that stands in the place of a target."""
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
            self._faults.add("text", "A quote is opened and not closed. Close it, or leave it out.")
        for key, value in parts.keys:
            self._keys.take(key, self._without_via(key, value), grammar)
        connection = self._connection(parts.via)
        if connection and verb in OF_STOPS:
            self._faults.add("text", "This holds for every connection. Leave via out.")
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
            self._faults.add("connection", f"There are two connections: {' and '.join(known)}. Keep one.")
        return known[0] if known else None

    def _unknown_connection(self, name: str) -> None:
        names = ", ".join(self._vocabulary.connections) or "none"
        message = f"There is no connection “{words.short(name)}”. There are: {names}."
        self._faults.add("connection", message, closest(name, self._vocabulary.connections))

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
        ids = [typed for typed in re.split(r"[\s,;]+", self._keys.raw("call")) if typed]
        for message in (*found.faults, *numbers.faults, *filter(None, map(id_problem, ids))):
            self._faults.add("targets", message)
        if numbers.rest:
            self._faults.add("targets", f"“{words.short(numbers.rest)}” is not a phone number.")
        named = [IdTarget(typed) for typed in ids if not id_problem(typed)]
        targets = tuple(dict.fromkeys([*found.targets, *numbers.targets, *named]))
        if len(targets) > MAX_TARGETS:
            message = f"{len(targets)} are too many: {MAX_TARGETS} in one request at most. Split them."
            self._faults.add("targets", message)
        elif verb in _NOT_A_TARGET and found.rest and not targets and not self._faults.concern("targets"):
            word = words.short(found.rest.split()[0])
            self._faults.add("targets", f"“{word}” is {_NOT_A_TARGET[verb]}")
        elif verb in OF_STOPS and len(targets) > 1:
            self._faults.add("targets", "One number at a time. Type a line for each.")
        return targets, found.rest

    def _beyond_words(self, free: str, found: Scan) -> Scan:
        """What was found, unless there are further targets behind words: then a sheet's lines, or a fault."""
        rows = read_rows(free, self._read_phone, ids=True)
        typed = number_in(found.rest, self._read_phone)
        if rows and (typed or len(rows.targets) > len(found.targets)):
            self._left_out = rows.left_out
            return Scan(rows.targets, (), rows.reason)
        if found.targets and typed:
            return Scan(found.targets, (*found.faults, behind_words(typed)), found.rest)
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
            message = "One campaign at a time. Ask for each in a line of its own."
            self._faults.add("targets", message)
        elif (targets != found.targets or found.rest) and not targets and not found.faults:
            word = words.short(free.split(maxsplit=1)[0])
            message = f"“{word}” is not a campaign's id. Begin with the id, then give the reason."
            self._faults.add("targets", message)
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
            self._faults.add("at", f"Either “{words.short(free)}” or at= is the time. Keep one.")
        elif free:
            moment, behind = self._leading_time(free, targets)
            if behind and verb is Verb.MOVE:
                reason = self._free_reason(behind, reason)
            elif behind:
                self._faults.add(
                    "at",
                    f"“{words.short(behind)}” does not belong to the time. "
                    "Leave it out, or write it as key=value.",
                )
        return moment, reason

    def _free_reason(self, free: str, reason: str | None) -> str | None:
        if (via := _VIA.match(free)) and closest(via[1], self._names, alike=_LIKELY_CONNECTION):
            self._unknown_connection(via[1])
            free = free[via.end() :]
        text = words.unquoted(free).line
        if text and reason:
            self._faults.add("reason", f"Either “{words.short(text)}” or reason= is the reason. Keep one.")
        elif text and _DIGITS_ONLY.fullmatch(text):
            self._faults.add(
                "reason", f"“{words.short(text)}” is no reason in words. Does it belong to the number?"
            )
        return reason or limited("reason", text, self._faults) or None

    def _leading_time(self, free: str, targets: Sequence[Target]) -> tuple[times.Moment | None, str]:
        """The longest beginning that is a time, and what is left over behind it."""
        typed = free.split()
        whole = self._attempt(free)
        if isinstance(whole, times.Moment):
            return whole, ""
        tries = [whole] if whole.suggestions else []
        for count in range(min(len(typed) - 1, _MOST_WORDS_OF_A_TIME), 0, -1):
            if tries:
                break
            read = self._attempt(" ".join(typed[:count]))
            if isinstance(read, times.Moment):
                return read, " ".join(typed[count:])
            tries += [read] if read.suggestions else []
        if tries or targets:
            self._faults.add_time("at", (tries or [whole])[0])
        elif not self._faults.concern("targets"):
            self._faults.add(
                "targets",
                f"“{words.short(typed[0])}” is neither a phone number nor a time. Begin with the number.",
            )
        return None, ""

    def _spelt_as_configured(self, reason: str | None) -> str | None:
        spelt = {known.casefold(): known for known in self._vocabulary.reasons}
        return spelt.get(reason.casefold(), reason) if reason else None

    def _agent(self, connection: str | None) -> str | None:
        typed = self._keys.text("agent")
        if typed is None:
            return None
        known = self._vocabulary.connections
        considered = [known[connection]] if connection else list(known.values())
        names = {name.casefold(): name for words_of in considered for name in words_of.agents}
        if typed.casefold() in names:
            return names[typed.casefold()]
        if any(words_of.raw_agents for words_of in considered):
            return typed
        where = f"{connection} has no agent" if connection else "There is no agent"
        there_are = f"There are: {', '.join(names.values())}." if names else "Leave agent= out."
        self._faults.add(
            "agent", f"{where} “{words.short(typed)}”. {there_are}", closest(typed, names.values())
        )
        return None

    def _attempt(self, text: str) -> times.Moment | times.TimeFault:
        try:
            return self._read_time(text)
        except times.TimeFault as fault:
            return fault

    def _may_follow(self, text: str) -> bool:
        return not text or isinstance(self._attempt(text.removeprefix(_TO)), times.Moment)

"""Reads the commands that people type after ``/calls``, ``/place-call`` and ``/cancel-call``.

    place NUMBER[, NUMBER …] [TIME] [via CONNECTION] [key=value …] [carry-over]
    cancel NUMBER or ID[, …] [REASON] [via CONNECTION] [key=value …]
    campaign delete|stop|start ID [REASON] [via CONNECTION] [key=value …]
    stop NUMBER [REASON]
    allow NUMBER REASON
    pause [via CONNECTION] [until TIME] REASON
    resume [via CONNECTION]
    list
    status ID
    log [filters]
    help

`parse` never raises for typed text. It returns a `Command` with all that was understood and every error. It
fills in no defaults. `bot.parsing.defaults` does that.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from bot.parsing import times, tokens
from bot.parsing.command import (
    OF_CAMPAIGNS,
    OF_PAUSES,
    OF_STOPS,
    TELLS,
    Command,
    CommandContext,
    ConnectionInfo,
    FieldProblem,
    Verb,
    format_command,
)
from bot.parsing.connection_names import ConnectionReader
from bot.parsing.numbers import NumberReader, NumberTarget
from bot.parsing.options import FLAGS, FieldProblems, Options, Questions, ReadTime, limited
from bot.parsing.pasted_rows import number_in, read_sheet, without_marks
from bot.parsing.pauses import PauseReader
from bot.parsing.targets import IdTarget, Scan, Target, bare_id, id_problem, ids_in, scan
from bot.parsing.verbs import read_verb
from bot.text import parse_errors
from bot.text.formatting import closest

__all__ = [
    "Command",
    "CommandContext",
    "ConnectionInfo",
    "FieldProblem",
    "IdTarget",
    "NumberTarget",
    "Target",
    "Verb",
    "format_command",
    "parse",
]

MAX_TARGETS: Final = 50
"""The targets of one request. Its card and modal list them all, within Slack's limits of blocks and text."""

_WITH_REASON = frozenset({Verb.CANCEL, *OF_CAMPAIGNS, *OF_STOPS, *OF_PAUSES})
"""Verbs whose targets are followed by a reason. Behind the targets of other verbs stands a time."""
_WITH_TIME = frozenset({Verb.PLACE, Verb.MOVE})
_TO: Final = "to "
"""As in "move 98765 43210 to Mon 10:00"."""
_NOT_A_TARGET: Final = {
    Verb.CANCEL: parse_errors.nothing_to_cancel,
    Verb.STOP: parse_errors.nobody_to_stop,
    Verb.ALLOW: parse_errors.nobody_to_allow,
}
"""The error for a word in the place of a target that is no target."""
_DIGITS_ONLY = re.compile(r"[\d\s.,:;/()+-]*")
_HOUR = re.compile(r"(?:[01]?\d|2[0-4])(?:[ .:]?[0-5]\d)?")
_MOST_WORDS_OF_A_TIME = 10
"""As in "on Mon the 5 Dec 2026 at 9.30 p. m."."""


def parse(
    text: str,
    *,
    default_verb: Verb | None,
    vocabulary: CommandContext,
    timezone: str,
    now: datetime,
    answers: Sequence[int] = (),
) -> Command:
    """Read a line. ``default_verb`` is that of its slash command, None for ``/calls``. ``now`` is aware.

    ``answers`` are the options chosen for the questions that an earlier reading of the same text raised.
    """
    read_time = partial(times.read, zone=timezone, now=now)
    reader = _Reader(vocabulary, read_time, answers)
    line = reader.line(text, default_verb)
    if reader.via_is_text:
        line = _Reader(vocabulary, read_time, answers, via_is_text=True).line(text, default_verb)
    return replace(line, answers=tuple(answers))


class _Reader:
    """Reads one line, and collects its errors and questions."""

    def __init__(
        self,
        vocabulary: CommandContext,
        read_time: ReadTime,
        answers: Sequence[int],
        *,
        via_is_text: bool = False,
    ) -> None:
        self._vocabulary = vocabulary
        self._read_time = read_time
        self._numbers = NumberReader.for_region(vocabulary.default_region)
        self._faults = FieldProblems()
        self._questions = Questions(self._faults, answers)
        self._left_out: tuple[str, ...] = ()
        self._keys = Options(self._faults)
        self._connections = ConnectionReader(
            vocabulary, self._faults, self._questions, via_is_text=via_is_text
        )

    @property
    def via_is_text(self) -> bool:
        """True if a "via" outside a key names no connection, because it belongs to the reason."""
        return self._connections.via_is_text

    def line(self, text: str, default_verb: Verb | None) -> Command:
        read = read_verb(tokens.clean(text), default_verb, vocabulary=self._vocabulary, faults=self._faults)
        verb, grammar, rest = read.verb, read.grammar, read.rest
        if rest is None or verb in TELLS:
            return Command(text=text, rest=rest or "", verb=verb, problems=tuple(self._faults))
        parts = tokens.tokenize(
            rest,
            connection=self._connections.named_by_via,
            flags=() if grammar in _WITH_REASON else FLAGS,
        )
        if parts.left_open:
            self._faults.add("text", parse_errors.QUOTE_LEFT_OPEN)
        for key, value in parts.keys:
            self._keys.take(key, self._connections.without_via(key, value), grammar)
        connection = self._connections.read(parts.via, self._keys.text("via"))
        if connection and verb in OF_STOPS:
            self._faults.add("text", parse_errors.HOLDS_FOR_EVERY_CONNECTION)
        targets, free = self._targets(parts.free, grammar, connection)
        if self._numbers.exhausted:
            self._faults.add("targets", parse_errors.TOO_MANY_DIGITS)
        if connection and grammar in _WITH_REASON and not self._only_end(free, parts.behind_via):
            self._connections.ask_about_via(connection, free, parts.behind_via)
        moment, reason = self._free(free, grammar, targets)
        keys = self._keys
        reported_call_time = keys.time("call-time", self._read_time)
        flags = {FLAGS[flag] for flag in parts.flags}
        tell_me = "tell-me" in flags or bool(keys.yes_or_no("tell-me"))
        return Command(
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
            latest=None if verb is Verb.PAUSE else keys.clock("until"),
            zone=keys.zone(),
            carry_over=keys.yes_or_no("carry-over")
            if "carry-over" in keys
            else "carry-over" in flags or None,
            tell_me=tell_me,
            priority=keys.whole("priority"),
            language=keys.language(),
            batch=keys.running_text("batch"),
            metadata=MappingProxyType(keys.metadata()),
            purpose=keys.running_text("purpose"),
            consent=keys.running_text("consent"),
            reason=self._spelt_as_configured(reason),
            ignored_words=self._left_out,
            reported_call_time=reported_call_time.at if reported_call_time else None,
            reported_call_time_text=reported_call_time.text if reported_call_time else None,
            missing=self._missing(verb=verb, targets=targets, reason=reason),
            problems=tuple(self._faults),
            typed=MappingProxyType(self._typed(parts.free, free, grammar)),
        )

    def _only_end(self, free: str, behind_via: str) -> bool:
        """Return whether only the end of a pause stands before "via NAME", so that no reason is split."""
        before = free.removesuffix(behind_via).strip().lower()
        return before.startswith("until ") and isinstance(
            self._attempt(before.removeprefix("until ")), times.Moment
        )

    def _typed(self, free: str, rest: str, verb: Verb | None) -> dict[str, str]:
        """Return the typed text by field: targets first, then a time or a reason, then the keys."""
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
        """Return the required fields that were not typed. A field with an error is not missing."""
        said: dict[str, object] = {"verb": verb} if verb in OF_PAUSES else {"verb": verb, "targets": targets}
        if verb is Verb.ALLOW:
            said["reason"] = reason
        return tuple(name for name, value in said.items() if not value and not self._faults.concern(name))

    def _targets(
        self, free: str, verb: Verb | None, connection: str | None
    ) -> tuple[tuple[Target, ...], str]:
        """Return all targets, and the free text without them."""
        if verb in OF_CAMPAIGNS:
            return self._campaign(free)
        if verb in OF_PAUSES:
            return (), free
        known = self._vocabulary.connections
        considered = [known[connection]] if connection else list(known.values())
        cancels_by = {words_of.cancels_by for words_of in considered} - {None}
        if verb is Verb.CANCEL:
            free = without_marks(free)
        by_id_only = verb is Verb.CANCEL and cancels_by == {"call_id"}
        read = partial(
            scan,
            free,
            reader=self._numbers,
            ids=verb not in {Verb.PLACE, *OF_STOPS},
            digits_are_ids=by_id_only,
            fits=self._may_follow if verb in _WITH_TIME else None,
        )
        found = (self._sheet(free, read) if verb is Verb.CANCEL else None) or read(ask=self._ask_for_target)
        if by_id_only and "reason" in self._keys:
            found = self._or_first_word(found)
        numbers = scan(self._keys.raw("to"), reader=self._numbers, ids=False, ask=self._ask_for_target)
        ids, behind_ids = ids_in(self._keys.value("call"))
        for message in (*found.faults, *numbers.faults, *filter(None, map(id_problem, ids))):
            self._faults.add("targets", message)
        if numbers.rest:
            self._faults.add("targets", parse_errors.not_a_phone(numbers.rest))
        by_id = [IdTarget(named) for named in ids if not id_problem(named)]
        targets = tuple(dict.fromkeys([*found.targets, *numbers.targets, *by_id]))
        if len(targets) > MAX_TARGETS:
            self._faults.add("targets", parse_errors.too_many(len(targets), MAX_TARGETS))
        elif verb in _NOT_A_TARGET and found.rest and not targets and not self._faults.concern("targets"):
            self._faults.add("targets", _NOT_A_TARGET[verb](found.rest.split()[0]))
        elif verb in OF_STOPS and len(targets) > 1:
            self._faults.add("targets", parse_errors.ONE_NUMBER)
        return targets, " ".join(filter(None, [found.rest, behind_ids]))

    def _ask_for_target(self, message: str, options: Sequence[str]) -> int | None:
        return self._questions.ask("targets", message, options)

    def _sheet(self, free: str, read: Callable[..., Scan]) -> Scan | None:
        """Return the targets of a pasted sheet, or of a text that needs no question, None for others."""
        found = read(ask=lambda _message, _options: None)
        before = free[: len(free) - len(found.rest)]
        is_cell = "\n" in before and tokens.unquoted(before).quoted
        if tokens.unquoted(found.rest).quoted and "\n" not in before.strip() and not is_cell:
            return None if found.asked else found
        if sheet := read_sheet(free, self._numbers, ids=True, ask=self._ask_for_target):
            self._left_out = sheet.ignored_words
            return Scan(sheet.targets, (), sheet.reason)
        if (found.targets or found.asked) and (number := number_in(found.rest, self._numbers)):
            return replace(found, faults=(*found.faults, parse_errors.behind_words(number)))
        return None if found.asked else found

    def _or_first_word(self, found: Scan) -> Scan:
        """Return the scan with the first word as an id, if the word cannot mean anything else."""
        word, *rest = found.rest.split(maxsplit=1) or [""]
        named = bare_id(word)
        if found.targets or self._faults.concern("targets") or not named or id_problem(named):
            return found
        return Scan((IdTarget(named),), found.faults, "".join(rest))

    def _campaign(self, free: str) -> tuple[tuple[Target, ...], str]:
        """Return the campaign's id as the only target, and the free text without it."""
        ids, behind_ids = ids_in(self._keys.value("campaign"))
        if ids:
            for problem in filter(None, map(id_problem, ids)):
                self._faults.add("targets", problem)
            if len(ids) > 1:
                self._faults.add("targets", parse_errors.ONE_CAMPAIGN)
            by_id = tuple(IdTarget(named) for named in ids if not id_problem(named))
            return by_id, " ".join(filter(None, [free, behind_ids]))
        found = scan(
            free,
            reader=self._numbers,
            ids=True,
            numbers=False,
            digits_are_ids=True,
            ask=self._ask_for_target,
        )
        targets = tuple(target for target in found.targets if isinstance(target, IdTarget))
        for message in found.faults:
            self._faults.add("targets", message)
        if len(found.targets) > 1:
            self._faults.add("targets", parse_errors.ONE_CAMPAIGN)
        elif (targets != found.targets or found.rest) and not targets and not self._faults.concern("targets"):
            self._faults.add("targets", parse_errors.not_a_campaign(free.split(maxsplit=1)[0]))
        return targets, found.rest

    def _free(
        self, free: str, verb: Verb | None, targets: Sequence[Target]
    ) -> tuple[times.Moment | None, str | None]:
        """Return the time and the reason: from their keys, or from the text behind the targets."""
        if verb in OF_PAUSES:
            pause = PauseReader(self._connections, self._keys, self._read_time, self._faults, self._questions)
            return pause.read(free, ends=verb is Verb.RESUME)
        moment = self._keys.time("at", self._read_time)
        reason = self._keys.running_text("reason")
        if verb in _WITH_REASON:
            return None, self._free_reason(free, reason)
        if verb is None:
            return moment, reason or tokens.unquoted(free).line or None
        free = tokens.unquoted(self._connections.report_via(free)).line
        if verb is Verb.MOVE:
            free = free.removeprefix(_TO)
        if free and "at" in self._keys:
            self._faults.add("at", parse_errors.either_time(free))
        elif free:
            moment, behind = self._leading_time(free, targets)
            if behind and verb is Verb.MOVE:
                reason = self._free_reason(behind, reason)
            elif behind:
                self._faults.add("at", parse_errors.behind_the_time(behind))
        return moment, reason

    def _free_reason(self, free: str, reason: str | None) -> str | None:
        text = tokens.unquoted(free).line
        if text and reason:
            self._faults.add("reason", parse_errors.either_reason(text))
        elif text and _DIGITS_ONLY.fullmatch(text):
            self._faults.add("reason", parse_errors.no_words(text))
        return reason or limited("reason", text, self._faults) or None

    def _leading_time(self, free: str, targets: Sequence[Target]) -> tuple[times.Moment | None, str]:
        """Return the longest beginning of a text that is a time, and the text behind it."""
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
                parse_errors.neither_number_nor_time(parts[0]),
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
        self._faults.add("agent", parse_errors.no_agent(said, agents, connection), closest(said, agents))
        return None

    def _attempt(self, text: str) -> times.Moment | times.InvalidTimeError:
        try:
            return self._read_time(text)
        except times.InvalidTimeError as fault:
            return fault

    def _may_follow(self, text: str) -> bool:
        """Return whether a text is a time, nearly a time, or empty."""
        if not text or _HOUR.fullmatch(text):
            return True
        read = self._attempt(text.removeprefix(_TO))
        return isinstance(read, times.Moment) or bool(read.suggestions)

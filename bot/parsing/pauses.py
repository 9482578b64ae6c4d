"""Reads the end and the reason of a pause: "until TIME" before the reason, or, if asked about, behind it."""

import re
from dataclasses import dataclass
from typing import Final

from bot.parsing import times, tokens
from bot.parsing.connection_names import ConnectionReader
from bot.parsing.options import FieldProblems, Options, Questions, ReadTime, limited
from bot.text import parse_errors

_LEADING: Final = re.compile(r"(?:until|till)\s+(?P<behind>.+)", re.IGNORECASE)
_TRAILING: Final = re.compile(r"(?P<reason>.+\S)\s+(?P<until>(?:until|till)\s+(?P<behind>.+))", re.IGNORECASE)
_MOST_WORDS: Final = 10
"""Words of a time, at most."""


@dataclass(frozen=True, slots=True)
class PauseReader:
    """Reads the text behind "pause" and "resume". It adds to the line's errors and asks its questions."""

    _connections: ConnectionReader
    _keys: Options
    _read_time: ReadTime
    _faults: FieldProblems
    _questions: Questions

    def read(self, free: str, *, ends: bool) -> tuple[times.Moment | None, str | None]:
        """Return until when calls are paused and why. With ``ends``, calls go on and nothing is read."""
        text = tokens.unquoted(free)
        line = text.line if text.quoted else self._connections.report_leading_via(text.line)
        if ends:
            if line:
                self._faults.add("text", parse_errors.behind_resume(line))
            return None, None
        moment = self._keys.time("until", self._read_time)
        if not text.quoted and "until" not in self._keys:
            moment, line = self._end(line)
        reason = self._keys.running_text("reason")
        if line and reason:
            self._faults.add("reason", parse_errors.either_reason(line))
        return self._future(moment), reason or limited("reason", line, self._faults) or None

    def _end(self, text: str) -> tuple[times.Moment | None, str]:
        """Return until when a pause lasts, None without end, and the rest of the text.

        A text that may be a time or part of the reason is asked about.
        """
        if found := _LEADING.fullmatch(text):
            return self._leading(text, found["behind"])
        found = _TRAILING.fullmatch(text)
        at = self._attempt(found["behind"]) if found else None
        if found is None or not isinstance(at, times.Moment):
            return None, text
        options = [parse_errors.paused(found["until"]), parse_errors.as_reason(text)]
        asked = self._questions.ask("at", parse_errors.until_behind(found["until"]), options)
        return (at, found["reason"]) if asked == 0 else (None, text)

    def _leading(self, text: str, behind: str) -> tuple[times.Moment | None, str]:
        """Return the longest beginning that is a time, and the rest."""
        words = behind.split()
        for count in (len(words), *range(min(len(words) - 1, _MOST_WORDS), 0, -1)):
            match self._attempt(" ".join(words[:count])):
                case times.Moment() as at:
                    return at, " ".join(words[count:])
                case times.InvalidTimeError(suggestions=[_, *_]) as near:
                    self._faults.add_time("at", near)
                    return None, " ".join(words[count:])
        options = [parse_errors.as_reason(text)]
        asked = self._questions.ask("at", parse_errors.no_end_of_pause(behind), options)
        return None, text if asked == 0 else ""

    def _future(self, at: times.Moment | None) -> times.Moment | None:
        """Return the end of a pause. Add an error for "now", which is none."""
        if at and at.reading == "now":
            self._faults.add("at", parse_errors.UNTIL_NOW)
            return None
        return at

    def _attempt(self, text: str) -> times.Moment | times.InvalidTimeError:
        try:
            return self._read_time(text)
        except times.InvalidTimeError as fault:
            return fault

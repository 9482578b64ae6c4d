"""Reads the connection that a line names, and decides what else a "via" in it means."""

import re
from collections.abc import Sequence

from bot.parsing.command import CommandContext
from bot.parsing.options import RUNNING_TEXT, FieldProblems, Questions
from bot.parsing.tokens import LIKELY_CONNECTION, Value
from bot.text import outcomes, parse_errors
from bot.text.formatting import closest

_VIA = re.compile(r"(?:^|\s)via\s+([^\s,;]+)", re.IGNORECASE)
_AROUND_NAMES = " .:!?\"'“”„‘’`*"  # noqa: RUF001 - quotes and Slack's formatting


class ConnectionReader:
    """Reads the connection of one line. It adds to the line's errors and asks its questions.

    ``via_is_text`` is true if a "via" outside a key names no connection, because it belongs to the reason.
    """

    def __init__(
        self, vocabulary: CommandContext, faults: FieldProblems, questions: Questions, *, via_is_text: bool
    ) -> None:
        self._vocabulary = vocabulary
        names = [*vocabulary.connections, *vocabulary.disabled_connections]
        self._names = {name.casefold(): name for name in names}
        self._faults = faults
        self._questions = questions
        self.via_is_text = via_is_text

    def without_via(self, key: str, value: Value) -> Value:
        """Return the value without "via WORD", and report the word as an unknown connection.

        Quoted values, running text and metadata are returned unchanged.
        """
        if value.quoted or key in RUNNING_TEXT or key.startswith("meta."):
            return value
        return Value(self.report_via(value.text))

    def report_via(self, text: str) -> str:
        """Return the text without "via WORD". Each such word is reported as an unknown connection."""
        for name in _VIA.findall(text):
            self._unknown_connection(name)
        return _VIA.sub("", text).strip()

    def report_leading_via(self, text: str) -> str:
        """Return the text without a "via WORD" at its beginning, which names an unknown connection."""
        return self.report_via(text) if text.lower().startswith("via ") else text

    def named_by_via(self, word: str) -> str | None:
        """Return the connection that the word behind a "via" names, enabled or disabled.

        Return None if the word is text. Ask if the word is nearly a connection's name, and return an empty
        text until the question is answered.
        """
        if self.via_is_text:
            return None
        spelt = word.strip(_AROUND_NAMES)
        if spelt.casefold() in self._names:
            return self._names[spelt.casefold()]
        if (meant := closest(spelt, self._names.values(), alike=LIKELY_CONNECTION)) is None:
            return None
        options = [parse_errors.through(meant), parse_errors.as_words(f"via {spelt}")]
        match self._questions.ask("connection", parse_errors.near_connection(spelt, meant), options, meant):
            case None:
                return ""
            case 0:
                return meant
            case _:
                return None

    def ask_about_via(self, connection: str, reason: str, behind_via: str) -> None:
        """Ask whether a "via NAME" in the middle of a reason names the connection or is text."""
        before = reason.removesuffix(behind_via).strip()
        if not behind_via or not before or before == reason.strip():
            return
        options = [
            f"{parse_errors.through(connection)}, {parse_errors.as_reason(f'{before} {behind_via}')}",
            parse_errors.as_reason(f"{before} via {connection} {behind_via}"),
        ]
        asked = self._questions.ask("reason", parse_errors.reason_around_via([connection]), options)
        self.via_is_text = asked == 1

    def read(self, via: Sequence[str], key: str | None) -> str | None:
        """Return the connection named behind "via" or by its key, None if it is unknown or disabled."""
        said = [*filter(None, via), *filter(None, [key])]
        known = [self._names[name.casefold()] for name in said if name.casefold() in self._names]
        for name in said:
            if name.casefold() not in self._names:
                self._unknown_connection(name)
        if len(known) > 1:
            self._faults.add("connection", parse_errors.two_connections(known))
        for name in known:
            if why := self._vocabulary.disabled_connections.get(name):
                self._faults.add("connection", outcomes.connection_off(name, why))
        return known[0] if known and known[0] in self._vocabulary.connections else None

    def _unknown_connection(self, name: str) -> None:
        names = self._vocabulary.connections
        self._faults.add("connection", parse_errors.no_connection(name, names), closest(name, names))

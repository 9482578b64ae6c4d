"""Prints the tour: people's acts, their screens, and the result of each check."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

from playground import PlaygroundError
from playground.transcript import TYPED, WIDTH

BOLD, RED, GREEN, CYAN = "1", "31", "32", "36"
"""Codes of ECMA-48, Select Graphic Rendition."""


class NarrationError(PlaygroundError):
    """Something is missing that the next steps need."""


class Narrator:
    """Writes the transcript to ``out``, and keeps the sentence of each failed check.

    With ``quiet``, only titles and failures are written.
    """

    def __init__(self, out: TextIO, *, quiet: bool = False, colours: bool = False) -> None:
        self.failures: list[str] = []
        self._out = out
        self._quiet = quiet
        self._brief = False
        self._colours = colours

    def title(self, title: str) -> None:
        """Print the title of a new scene."""
        self._write(self._in(BOLD, f"━━ {title} ".ljust(WIDTH, "━")), blank=not self._quiet)

    @contextmanager
    def briefly(self) -> Iterator[None]:
        """Omit screens inside the context, because they were shown before or are similar."""
        self._brief = True
        if not self._quiet:
            self._write("", blank=False)
        try:
            yield
        finally:
            self._brief = False

    def tells(self, sentence: str, *typed: str) -> None:
        """Print an act. ``typed`` is what the person types."""
        if not self._quiet:
            lines = [sentence, *(f"{TYPED} {line}" for line in typed)]
            self._write("\n".join(self._in(CYAN, line) for line in lines), blank=not self._brief)

    def shows(self, text: str) -> None:
        """Print a screen."""
        if not (self._quiet or self._brief):
            self._write(textwrap.indent(text, "  "))

    def expect(self, sentence: str, *, holds: bool, seen: object, expected: object = None) -> None:
        """Check a condition. If it does not hold, print what was seen and expected."""
        if not holds:
            self.failures.append(sentence)
            told = {"Seen": seen} | ({} if expected is None else {"Expected": expected})
            facts = [f"\n  {name}:\n{textwrap.indent(str(fact), '    ')}" for name, fact in told.items()]
            self._write(self._in(RED, f"✗ {sentence}") + "".join(facts))
        elif not self._quiet:
            self._write(self._in(GREEN, f"✓ {sentence}"), blank=False)

    def expect_equal(self, sentence: str, seen: Iterable[object], expected: Iterable[object]) -> None:
        """Check that two lists are equal."""
        found, wanted = list(seen), list(expected)
        self.expect(sentence, holds=found == wanted, seen=_listed(found), expected=_listed(wanted))

    def misses(self, sentence: str, seen: object) -> NoReturn:
        """Record that an expected thing did not come.

        Raises:
            NarrationError: Always.
        """
        self.expect(sentence, holds=False, seen=seen)
        raise NarrationError(sentence)

    def concludes(self, sentence: str) -> None:
        """Print a sentence even if quiet."""
        self._write(self._in(BOLD, sentence), blank=not self._quiet)

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colours else text

    def _write(self, text: str, *, blank: bool = True) -> None:
        print(("\n" if blank else "") + text, file=self._out, flush=True)


def _listed(things: list[object]) -> str:
    return "\n".join(map(str, things)) or "nothing"

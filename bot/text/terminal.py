"""Output to a terminal, which no printed text can control or forge.

Texts of people, names, answers of providers and contents of files are printed only through `say` and
`say_json`. Control characters become escapes. The further lines of a text get a mark, so that no text looks
like a line of CallOps. The colours of a terminal are chosen here as well, by what a word means.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import PurePath
from typing import Final, Self, TextIO, TypeAlias
from unicodedata import category, east_asian_width

from bot.text.visible import UNSEEN

MARK: Final = "│ "
"""The mark before each further line of a text."""
INDENT: Final = "    "
"""The least indentation before the mark."""

SCRIPT: Final = "callops"
"""The name of the installed command."""

_NO_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
_STEERS: Final = re.compile(f"[{UNSEEN}\u2028\u2029]")
_IN_JSON: Final = re.compile(f"(?!\n)[{UNSEEN}\u2028\u2029]")
_LINE_END: Final = re.compile(r"\r?\n")
_NO_CELL: Final = re.compile(r'^$|^[\s"]|\s$|\s\s|"')


class Style(StrEnum):
    """The meaning of a word, and its colour (ECMA-48, SGR)."""

    GOOD = "32"
    """Green."""
    ATTENTION = "33"
    """Yellow."""
    BAD = "31"
    """Red."""
    ASIDE = "2"
    """Dim."""


class Painted(str):
    """A line, or a part of one, that has a colour on a terminal."""

    __slots__ = ("style",)
    style: Style

    def __new__(cls, text: str, style: Style) -> Self:
        """Paint a text."""
        made = super().__new__(cls, text)
        made.style = style
        return made


TerminalLine: TypeAlias = str | Sequence[str]
"""A line of ours: a text, or its parts."""


def program(called: str | None = None) -> str:
    """Return how CallOps was called, for its own commands in messages: `callops` or `python -m bot`.

    ``called`` is the path of the program, by default that of this process.
    """
    return SCRIPT if PurePath(called or sys.argv[0]).stem == SCRIPT else "python -m bot"


def has_colours(out: TextIO, variables: Mapping[str, str] = os.environ) -> bool:
    """Return whether colours may be written: to a terminal that has them, and whose user wants them."""
    wanted = not variables.get("NO_COLOR")  # https://no-color.org
    return wanted and variables.get("TERM", "dumb") != "dumb" and out.isatty()


def say(*lines: TerminalLine, to: TextIO | None = None) -> None:
    """Print each line of ours, on standard output or ``to``."""
    out = to or sys.stdout
    colours = has_colours(out)
    for line in lines:
        out.write(f"{_written([line] if isinstance(line, str) else line, colours=colours)}\n")


def complain(*lines: str) -> None:
    """Print errors to standard error, as `say` does."""
    say(*(Painted(line, Style.BAD) for line in lines), to=sys.stderr)


def say_json(document: object, *, indent: int | None = None) -> None:
    """Print a document as JSON."""
    sys.stdout.write(f"{json_text(document, indent=indent)}\n")


def shown(text: str) -> str:
    """Return a text as a terminal may be given it; what stands behind its first line is marked."""
    return _written([text], colours=False)


def _written(parts: Sequence[str], *, colours: bool) -> str:
    line = "".join(parts)
    indent = line[: len(line) - len(line.lstrip(" "))] or INDENT
    safe = [f"\n{indent}{MARK}".join(map(escaped, _LINE_END.split(one))) for one in parts]
    return "".join(
        f"\x1b[{one.style}m{text}\x1b[0m" if colours and isinstance(one, Painted) else text
        for one, text in zip(parts, safe, strict=True)
    )


def escaped(text: str) -> str:
    """Return a text in which the characters that control a terminal are escapes."""
    return _STEERS.sub(_as_escape, text)


def quoted(value: object) -> str:
    """Return a value in quotes, for `say`. They mark it as a value, and it can be read back."""
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def cell(value: object) -> str:
    """Return a value for a line of several, in quotes only if it is not plain."""
    text = str(value)
    plain = escaped(text) == text and not _NO_CELL.search(text)
    return text if plain else escaped(quoted(text))


def fitting(value: object, columns: int) -> str:
    """Return a value as `cell` does, cut to so many columns of a terminal."""
    text = str(value)
    whole = cell(text)
    if width(whole) <= columns:
        return whole
    cuts = (cell(f"{text[:kept]}…") for kept in range(min(len(text), columns) - 1, -1, -1))
    return next(one for one in cuts if width(one) <= columns)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(0 if category(one) in _NO_WIDTH else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def json_text(document: object, *, indent: int | None = None) -> str:
    """Return a document as JSON without control characters. Programs read the same document."""
    return _IN_JSON.sub(_as_unit, json.dumps(document, ensure_ascii=False, indent=indent))


def _as_escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _as_unit(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class LineFormatter(logging.Formatter):
    """Formats records of the process's log as `shown` does, so that the lines of a traceback are marked."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a text that is safe to print."""
        return shown(super().format(record))

"""Output to a terminal, which no printed text can control or forge.

Texts of people, names, answers of providers and contents of files are printed only through `say` and
`say_json`. Control characters become escapes. The further lines of a text get a mark, so that no text looks
like a line of CallOps.
"""

import json
import logging
import re
import sys
from typing import Final, TextIO

from bot.text.visible import UNSEEN

MARK: Final = "│ "
"""The mark before each further line of a text."""
INDENT: Final = "    "
"""The least indentation before the mark."""

_STEERS: Final = re.compile(f"[{UNSEEN}\u2028\u2029]")
_IN_JSON: Final = re.compile(f"(?!\n)[{UNSEEN}\u2028\u2029]")
_LINE_END: Final = re.compile(r"\r?\n")
_NO_CELL: Final = re.compile(r'^$|^[\s"]|\s$|\s\s|"')


def say(*lines: str, to: TextIO | None = None) -> None:
    """Print each text as one line, on standard output or ``to``."""
    out = to or sys.stdout
    for one in lines:
        out.write(f"{shown(one)}\n")


def complain(*lines: str) -> None:
    """Print to standard error, as `say` does."""
    say(*lines, to=sys.stderr)


def say_json(document: object, *, indent: int | None = None) -> None:
    """Print a document as JSON."""
    sys.stdout.write(f"{json_text(document, indent=indent)}\n")


def shown(text: str) -> str:
    """Return a text that is safe to print. Its further lines are marked."""
    first, *further = map(escaped, _LINE_END.split(text))
    indent = first[: len(first) - len(first.lstrip(" "))] or INDENT
    return "\n".join([first, *(f"{indent}{MARK}{line}" for line in further)])


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

"""The one way to a terminal: nothing that is printed steers it, and no value forges a line of ours.

People's words, names, providers' answers and what a file holds reach a terminal only through `say` and
`say_json`. Characters that steer a screen are written as escapes. What a value has behind its first line
stands behind a mark, so that each line of ours begins as only ours do.
"""

import json
import logging
import re
import sys
from typing import Final, TextIO

from bot.text.visible import UNSEEN

MARK: Final = "│ "
"""What a value's further lines begin with."""
INDENT: Final = "    "
"""What stands before the mark at least."""

_STEERS: Final = re.compile(f"[{UNSEEN}\u2028\u2029]")
_IN_JSON: Final = re.compile(f"(?!\n)[{UNSEEN}\u2028\u2029]")
_LINE_END: Final = re.compile(r"\r?\n")
_NO_CELL: Final = re.compile(r'^$|^[\s"]|\s$|\s\s|"')


def say(*lines: str, to: TextIO | None = None) -> None:
    """Print each text as one line of ours, on standard output or ``to``."""
    out = to or sys.stdout
    for one in lines:
        out.write(f"{shown(one)}\n")


def complain(*lines: str) -> None:
    """Print to standard error, as `say` does."""
    say(*lines, to=sys.stderr)


def say_json(document: object, *, indent: int | None = None) -> None:
    """Print a document for programs."""
    sys.stdout.write(f"{json_text(document, indent=indent)}\n")


def shown(text: str) -> str:
    """Return a text as a terminal may be given it; what stands behind its first line is marked."""
    first, *further = map(escaped, _LINE_END.split(text))
    indent = first[: len(first) - len(first.lstrip(" "))] or INDENT
    return "\n".join([first, *(f"{indent}{MARK}{line}" for line in further)])


def escaped(text: str) -> str:
    """Return a text on one line, in which whatever steers a terminal is written as an escape."""
    return _STEERS.sub(_as_escape, text)


def quoted(value: object) -> str:
    """Return a value in quotes, for `say`: it is told from our words, and can be read back."""
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def cell(value: object) -> str:
    """Return a value that stands among others on a line: as it is where it is plain, else quoted."""
    text = str(value)
    plain = escaped(text) == text and not _NO_CELL.search(text)
    return text if plain else escaped(quoted(text))


def json_text(document: object, *, indent: int | None = None) -> str:
    """Return a document as JSON in which nothing steers a terminal, and which programs read the same."""
    return _IN_JSON.sub(_as_unit, json.dumps(document, ensure_ascii=False, indent=indent))


def _as_escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _as_unit(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class LineFormatter(logging.Formatter):
    """Formats a record of the process's own log as `shown` does: a traceback's lines are marked, too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a terminal may be given it."""
        return shown(super().format(record))

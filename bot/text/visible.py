"""Removal of invisible characters. It imports little, because the report of a failed import uses it."""

import re
from typing import Final

from storage.database.folding import IGNORABLE

QUOTES = '"“”„‟'

UNSEEN: Final = (
    "\0-\x1f\x7f-\x9f\xad\ud800-\udfff"  # control characters, soft hyphens, halves of surrogate pairs
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi marks, zero-width spaces
)
"""Characters that control a screen or are invisible, for a character class of a pattern. Joiners and emoji
are not among them."""

_UNSEEN = re.compile(rf"\r\n|[^\S ]|[{UNSEEN}]")

_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"

_NOTHING = re.compile(rf"(?<![^\s=,;{QUOTES}])[{IGNORABLE}\u2800]+(?![^\s,;{QUOTES}])")
"""A word without any visible character: a joiner that joins nothing, a filler, or a blank of Braille."""


def seen(text: str) -> str:
    """Return a text without invisible characters. Each space becomes a space, and each line end a newline."""
    return _NOTHING.sub("", _UNSEEN.sub(_visible, text)).strip()


def _visible(match: re.Match[str]) -> str:
    if match[0][0] in _LINE_ENDS:
        return "\n"
    if match[0] == "\t":
        return "\t"  # the end of a cell
    return " " if match[0].isspace() else ""

"""What can be seen of a text. Pure, and light: what prints the crash of an import needs it."""

import re
from typing import Final

from storage.database.folding import IGNORABLE

QUOTES = '"“”„‟'

UNSEEN: Final = (
    "\0-\x1f\x7f-\x9f\xad\ud800-\udfff"  # control characters, soft hyphens, halves of surrogate pairs
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, spaces without width
)
"""What steers a screen or hides in a text, for a class of a pattern. Joiners and emoji are none of it."""

_UNSEEN = re.compile(rf"\r\n|[^\S ]|[{UNSEEN}]")

_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"

_NOTHING = re.compile(rf"(?<![^\s=,;{QUOTES}])[{IGNORABLE}\u2800]+(?![^\s,;{QUOTES}])")
"""A word of which nothing is seen: a joiner that joins nothing, a filler, a blank of Braille."""


def seen(text: str) -> str:
    """Drop what cannot be seen, with each space as a space and each line end as a newline."""
    return _NOTHING.sub("", _UNSEEN.sub(_visible, text)).strip()


def _visible(match: re.Match[str]) -> str:
    if match[0][0] in _LINE_ENDS:
        return "\n"
    if match[0] == "\t":
        return "\t"  # the end of a cell
    return " " if match[0].isspace() else ""

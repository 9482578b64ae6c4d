"""Folds texts for comparison: two texts are equal after folding if they differ only in how they are written.

Phones and programs write the same text in several ways: composed or decomposed, with curly or straight
quotes, with joiners. Folded texts are never stored, so the log compares its rows as they are.
"""

import re
import unicodedata
from typing import Final

IGNORABLE: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters that Unicode displays as nothing (Default_Ignorable_Code_Point), for a pattern's class."""

_IGNORED: Final = re.compile(f"[{IGNORABLE}]")
_ALIKE: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\xb4\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\xab\xbb\u2033\uff02", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
        "\u2026": "...",
    }
)
"""Apostrophes, quotes, dashes and dots that keyboards and phones substitute."""
_DOTLESS: Final = str.maketrans({"\u0131": "i", "\u0130": "i"})
_DOT_OVER_I: Final = "i\u0307"


def as_typed(text: str) -> str:
    """Return a text without what keyboards and phones change in it.

    These are composition, invisible characters, quotes, dashes and spaces. Letters and digits stay, and so
    does their case.
    """
    if not text.isascii():
        bare = _IGNORED.sub("", unicodedata.normalize("NFC", text))
        text = unicodedata.normalize("NFC", bare).translate(_ALIKE)
    return " ".join(text.split())


def fold_name(text: str) -> str:
    """Return a name as typed and case-folded.

    Different names never fold to the same: accents, digits and letters of other scripts stay.
    """
    folded = as_typed(text).casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFC", folded)


def fold(text: str) -> str:
    """Return a text folded for a search, which also ignores width, ligatures and the dot of the Turkish i."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DOTLESS).casefold().replace(_DOT_OVER_I, "i")
    return fold_name(text)

"""Formatting of lists, counts and quotations for sentences."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LONGEST_QUOTED = 60
"""Characters of a typed text that a message quotes."""


def closest(word: str, names: Iterable[str], *, alike: float = 0.6) -> str | None:
    """Return the name that was probably meant, or None. ``alike`` is difflib's ratio of similarity."""
    spelt = {name.casefold(): name for name in names}
    matches = get_close_matches(word.casefold(), spelt, n=1, cutoff=alike)
    return spelt[matches[0]] if matches else None


def listed(names: Sequence[str], last: str) -> str:
    """Return names as a list, such as "a, b or c", with ``last`` before the last one."""
    *others, name = names
    return f"{', '.join(others)} {last} {name}" if others else name


def counted(number: object, what: str) -> str:
    """Return a count with its noun, such as "1 number" or "2 numbers"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def short(text: str) -> str:
    """Return a text for a quotation, cut if it is long."""
    return text if len(text) <= LONGEST_QUOTED else f"{text[: LONGEST_QUOTED - 1]}…"

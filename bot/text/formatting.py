"""Formatting of lists, counts, quotations and states for sentences."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from providers.actions import Code
from storage.models import ActionRecord
from storage.states import State

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


def word(entry: ActionRecord, *, cancelled: bool = False) -> str:
    """Return an action's state in words. ``cancelled`` means that a placed call was cancelled later."""
    if cancelled:
        return "cancelled"
    return "tried out" if entry.code is Code.DRY_RUN else WORDS[entry.state]


UNFINISHED = frozenset({State.PENDING, State.APPROVED, State.SENDING})

WORDS = {
    State.PENDING: "waiting for approval",
    State.APPROVED: "about to be sent",
    State.SENDING: "being sent",
    State.SUCCEEDED: "done",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.REFUSED: "not sent",
    State.DENIED: "denied",
    State.WITHDRAWN: "taken back",
    State.EXPIRED: "ran out of time",
}
"""The states in words."""

"""The words for how a try at a placed call ended. They are the provider's report, and nothing is inferred."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal

from bot.text.markup import escape, when
from providers.actions import CallEnd, Ending, PlaceCall
from storage.models import ActionRecord

_WORDS: Final[Mapping[Ending, str]] = {
    Ending.ANSWERED: "Answered",
    Ending.NO_ANSWER: "No answer",
    Ending.BUSY: "Busy",
    Ending.VOICEMAIL: "Voicemail",
    Ending.REJECTED: "Declined",
    Ending.INVALID_NUMBER: "Not dialled, invalid number",
    Ending.NOT_REACHED: "The phone didn't ring",
    Ending.NOT_DIALLED: "Not dialled",
    Ending.DELETED: "Deleted at the provider, so it won't go out",
    Ending.FAILED: "Failed at the provider",
    Ending.OTHER: "Ended",
}
_SHORTER: Final[Mapping[Ending, str]] = {
    Ending.INVALID_NUMBER: "Invalid number",
    Ending.NOT_REACHED: "Didn't ring",
    Ending.DELETED: "Deleted",
    Ending.FAILED: "Failed",
    Ending.OTHER: "Other end",
}
_WITH_THEIR_WORD: Final = frozenset({Ending.NOT_DIALLED, Ending.FAILED, Ending.OTHER})
"""Endings that say too little without the provider's own word."""
_MINUTE: Final = 60


def ending_word(ending: Ending | Literal["none"]) -> str:
    """Return the word for an ending in a list or a form, such as "no answer". "none" is no news yet."""
    return "no news yet" if ending == "none" else _SHORTER.get(ending, _WORDS[ending]).lower()


def end_of_call(record: ActionRecord) -> str:
    """Return how a placed call ended as a sentence, or an empty text if there is no news."""
    if record.end is None:
        return ""
    retries = record.action.retries if isinstance(record.action, PlaceCall) else None
    return f"{call_end(record.end, retries=retries)}."


def call_end(end: CallEnd, *, retries: int | None = None, at: Callable[[datetime], str] = when) -> str:
    """Return an end without a full stop, such as "No answer (try 1 of 3), again at 10:30".

    ``retries`` is how often the provider was asked to try again. ``at`` writes the time of the next try.
    """
    said = _WORDS[end.ending]
    if end.ending in _WITH_THEIR_WORD and end.word:
        said += f": {escape(end.word)}"
    parts = [f"{said}{_of_tries(end, retries)}"]
    if end.seconds and end.ending.rang:
        parts.append(duration(end.seconds))
    if end.again:
        parts.append(f"again {at(end.next_at)}" if end.next_at else "the provider tries again")
    return ", ".join(parts)


def duration(seconds: int) -> str:
    """Return a length such as "2 min 5 s"."""
    minutes, rest = divmod(seconds, _MINUTE)
    return " ".join(
        [*([f"{minutes} min"] if minutes else []), *([f"{rest} s"] if rest or not minutes else [])]
    )


def _of_tries(end: CallEnd, retries: int | None) -> str:
    """Return which try it was, or an empty text where there is one try."""
    if end.try_number is None or not (end.try_number or retries or end.again):
        return ""
    of = f" of {retries + 1}" if retries and retries >= end.try_number else ""
    return f" (try {end.try_number + 1}{of})"

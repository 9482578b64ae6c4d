"""A provider that is down is left alone: what counts, for how long, and what is said of it. Pure."""

from datetime import datetime, timedelta

from bot.blocks import Message, section, when
from bot.consequences import MAX_ATTEMPTS
from providers.actions import Code, Outcome
from storage.entries import Standstill
from storage.pacing import MINUTE

FIRST_PAUSE = timedelta(seconds=5)
"""After a first failure; it doubles with each further one in a row."""
LONGEST_PAUSE = timedelta(minutes=5)
"""How long a provider that came back goes unnoticed at worst."""
TELL_FROM = 3
"""So many failures in a row begin to matter to people; one is often over before they have read of it."""
IN_DOUBT_FROM = MAX_ATTEMPTS + 1
"""So many make a pause, and are told, where something answered or may have: more than one request alone can
bring about. A broken reply may be about that request only, and one in doubt is sent again soon or never."""

FAILURES = frozenset({Code.UNREACHABLE, Code.NO_ANSWER, Code.CONNECTION_LOST, Code.SERVER_ERROR})
"""What a provider that is down answers, whatever it is asked."""


def failed(outcome: Outcome) -> bool:
    """Whether an outcome says that the provider is down. Whatever else it says came from somebody there."""
    return outcome.code in FAILURES


def pause_after(failures: int, *, reachable: bool) -> timedelta:
    """How long a provider is left alone after so many failures. ``reachable``: something answered."""
    first = IN_DOUBT_FROM if reachable else 1
    if failures < first:
        return timedelta()
    doublings = min(failures - first, LONGEST_PAUSE.seconds.bit_length())
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def told_from(*, reachable: bool) -> int:
    """From how many failures in a row on people are told."""
    return IN_DOUBT_FROM if reachable else TELL_FROM


def holds(standstill: Standstill, now: datetime) -> bool:
    """Whether it holds requests up now. What a wrong clock wrote far ahead does not."""
    return standstill.ended is None and now < standstill.until and standstill.failed_at <= now + MINUTE


def is_counted(standstill: Standstill) -> bool:
    """Whether a provider failed, and nobody knows yet that it answers again."""
    return standstill.why == "down" and standstill.ended is None


def is_down(standstill: Standstill) -> bool:
    """Whether it failed often enough to be left alone, until one attempt finds out more."""
    paused = pause_after(standstill.failures, reachable=standstill.reachable) > timedelta()
    return is_counted(standstill) and paused


def why_waiting(standstill: Standstill) -> str:
    """What holds a request up, and until when, for everybody who reads of it."""
    name, at = standstill.connection, when(standstill.until)
    if standstill.why == "asked":
        return f"{name} asked to be left alone, next try {at}"
    return f"{name} does not answer, next try {at}"


def told(standstill: Standstill) -> Message:
    """What the audit channel reads: one message, edited when it is over."""
    name, since = standstill.connection, when(standstill.since)
    text = (
        f"🔌 *{name} does not answer* since {since}. CallOps leaves it alone and tries again by itself, at "
        "least every 5 minutes. What waits for it is sent then, if it is still in time: nobody needs to ask "
        "again."
    )
    if standstill.ended:
        text = (
            f"✅ *{name} answers again* since {when(standstill.ended)}. It did not from {since} on. "
            "What waited for it is being sent."
        )
    return Message(text, [section(text)])

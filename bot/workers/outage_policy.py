"""A provider that is down is left alone: what counts, and for how long. Pure."""

from datetime import datetime, timedelta

from bot.services.outcomes import MAX_ATTEMPTS
from providers.actions import Code, Outcome
from storage.models import ConnectionOutage
from storage.repositories.rate_limits import MINUTE

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


def is_open(outage: ConnectionOutage, now: datetime) -> bool:
    """Whether it holds requests up now. What a wrong clock wrote far ahead does not."""
    return now < outage.until and outage.failed_at <= now + MINUTE


def is_down(outage: ConnectionOutage) -> bool:
    """Whether it failed often enough to be left alone, until one attempt finds out more."""
    paused = pause_after(outage.failures, reachable=outage.reachable) > timedelta()
    return outage.reason == "down" and paused

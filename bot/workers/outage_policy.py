"""Decides which failures count as an outage, and how long a connection is paused."""

from datetime import datetime, timedelta

from bot.services.outcomes import MAX_ATTEMPTS
from providers.actions import Code, Outcome
from storage.models import ConnectionOutage
from storage.repositories.rate_limits import MINUTE

FIRST_PAUSE = timedelta(seconds=5)
"""The pause after a first failure. It doubles with each further one in a row."""
LONGEST_PAUSE = timedelta(minutes=5)
"""The longest time for which a provider's recovery goes unnoticed."""
TELL_FROM = 3
"""Failures in a row from which people are told. Fewer are often over before anyone reads of them."""
IN_DOUBT_FROM = MAX_ATTEMPTS + 1
"""Failures in a row that cause a pause, and are reported, if something answered or may have. It is one more
than one request alone can cause. A broken reply may concern that request only, and a request with an unknown
outcome is retried soon or never."""

FAILURES = frozenset({Code.UNREACHABLE, Code.NO_ANSWER, Code.CONNECTION_LOST, Code.SERVER_ERROR})
"""The codes of an outage, whatever was requested."""


def failed(outcome: Outcome) -> bool:
    """Return whether an outcome shows an outage. Any other answer comes from a working provider."""
    return outcome.code in FAILURES


def pause_after(failures: int, *, reachable: bool) -> timedelta:
    """Return the pause after so many failures in a row. ``reachable`` is true if something answered."""
    first = IN_DOUBT_FROM if reachable else 1
    if failures < first:
        return timedelta()
    doublings = min(failures - first, LONGEST_PAUSE.seconds.bit_length())
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def told_from(*, reachable: bool) -> int:
    """Return the count of failures in a row from which people are told."""
    return IN_DOUBT_FROM if reachable else TELL_FROM


def is_open(outage: ConnectionOutage, now: datetime) -> bool:
    """Return whether an outage holds up requests now. Times written by a clock far ahead do not count."""
    return now < outage.until and outage.failed_at <= now + MINUTE


def is_down(outage: ConnectionOutage) -> bool:
    """Return whether a connection failed often enough to be paused, until a probe succeeds."""
    paused = pause_after(outage.failures, reachable=outage.reachable) > timedelta()
    return outage.reason == "down" and paused

"""Exponential backoff with jitter."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

FIRST: Final = 0.5
"""Seconds after the first failure. Each further failure doubles them."""
LONGEST: Final = 30.0
"""Seconds, without jitter."""


def backoff(failures: int, share: float) -> float:
    """Return the seconds to wait after this number of failures in a row. Return 0 for none.

    ``share`` is random, from 0 to 1. It adds up to half of the wait, so that processes that failed together
    do not retry together.
    """
    if failures <= 0:
        return 0.0
    doublings = min(failures - 1, 63)
    return min(FIRST * 2.0**doublings, LONGEST) * (1 + share / 2)


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait between two times. It is over as well if the clock was set back before its start.

    Such a wait would last longer than intended, by an unknown time.
    """

    since: datetime
    until: datetime

    def is_over(self, now: datetime) -> bool:
        """Return whether the wait is over at ``now``."""
        return not self.since <= now < self.until

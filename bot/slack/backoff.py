"""How long to wait before something that failed is tried again. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

FIRST: Final = 0.5
"""Seconds after the first failure; they double with each further one."""
LONGEST: Final = 30.0
"""Seconds, without jitter."""


def backoff(failures: int, share: float) -> float:
    """Return the seconds to wait after so many failures in a row: none after none.

    ``share`` is random, from 0 to 1. It adds up to half of the wait, so that processes that failed together
    do not come back together.
    """
    if failures <= 0:
        return 0.0
    doublings = min(failures - 1, 63)
    return min(FIRST * 2.0**doublings, LONGEST) * (1 + share / 2)


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait from a time until another. Where the clock was set back since, it is over.

    It would be longer than it was ordered for, and nobody knows by how much.
    """

    since: datetime
    until: datetime

    def is_over(self, now: datetime) -> bool:
        """Return whether it is over at ``now``."""
        return not self.since <= now < self.until

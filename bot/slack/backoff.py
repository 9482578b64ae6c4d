"""How long to wait before something that failed is tried again. Pure."""

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

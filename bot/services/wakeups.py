"""Wakes the background work that may have something new to do."""

from collections.abc import Callable
from dataclasses import dataclass


def _nobody() -> None:
    pass


@dataclass(slots=True)
class Wakeups:
    """Whom a change wakes: nobody, until `bot.runtime.House` runs what there is to wake."""

    outbox: Callable[[], None] = _nobody
    """There is something to post."""
    approvals: Callable[[], None] = _nobody
    """Somebody else is to be asked to decide."""
    all: Callable[[], None] = _nobody
    """There may be something to do for anybody."""

"""Wakes background workers that may have something new to do."""

from collections.abc import Callable
from dataclasses import dataclass


def _nobody() -> None:
    pass


@dataclass(slots=True)
class Wakeups:
    """The functions that wake workers. They do nothing until `bot.runtime.Runtime` starts the workers."""

    outbox: Callable[[], None] = _nobody
    """Wakes the outbox to post."""
    approvals: Callable[[], None] = _nobody
    """Wakes the worker that notifies approvers."""
    homes: Callable[[], None] = _nobody
    """Wakes the worker that publishes Home tabs."""
    all: Callable[[], None] = _nobody
    """Wakes every worker that a change can concern."""

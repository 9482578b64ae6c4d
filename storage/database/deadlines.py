"""The deadline of an answer: no read or write of the log is waited for past it.

A person who typed or pressed something waits for three seconds, and then reads that CallOps did not answer.
The deadline is ambient, so that no reading function has to hand it on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Deadline:
    """When an answer is due, and what was recorded on the way to it."""

    at: float
    """In seconds of `time.monotonic`, as event loops count them."""

    committed: int = 0
    """Changes that were committed so far."""

    @property
    def left(self) -> float:
        """Seconds that are left; never less than none."""
        return max(self.at - time.monotonic(), 0.0)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current() -> Deadline | None:
    """Return the deadline of what is being answered here, or None."""
    return _current.get()


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Bound every wait for the log inside. A task that is created inside inherits the deadline."""
    made = Deadline(time.monotonic() + seconds)
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)

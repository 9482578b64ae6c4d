"""The deadline of an answer to Slack: no read or write of the log is awaited past it.

A person who typed or pressed something waits for three seconds. Then Slack says that CallOps did not answer.
The deadline is ambient, so that functions need not pass it on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Deadline:
    """The time when an answer is due, and the number of changes committed for it."""

    at: float
    """Seconds of `time.monotonic`, like the times of event loops."""

    committed: int = 0
    """Changes that were committed so far."""

    @property
    def left(self) -> float:
        """Seconds that are left, at least 0."""
        return max(self.at - time.monotonic(), 0.0)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current() -> Deadline | None:
    """Return the deadline of the current answer, or None."""
    return _current.get()


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Bound every wait for the log inside the context. Tasks created inside inherit the deadline."""
    made = Deadline(time.monotonic() + seconds)
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)

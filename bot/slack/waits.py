"""Waits that are kept in memory, by a clock that may be set."""

from dataclasses import dataclass
from datetime import datetime


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

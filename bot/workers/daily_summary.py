"""The daily line: what was done, denied and is unknown since yesterday's hour, and what still waits.

Each audit channel has the line of its own connections, once a day, and none where there was nothing. That a
day's line was begun is in the store before it is posted, so that no restart posts a second one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.config.settings import Settings
from bot.slack.blocks import Message
from bot.ui import announcements
from bot.workers.lines import Lines
from storage.states import State
from storage.store import Store

LATE = timedelta(hours=6)
"""How long after its hour a line is still worth posting, where nothing ran at its hour."""
TOLD = (
    State.SUCCEEDED,
    State.FAILED,
    State.DENIED,
    State.EXPIRED,
    State.WITHDRAWN,
    State.UNKNOWN,
    State.PENDING,
)
"""What is counted, in this order."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day whose line is due: the day by its zone, and from when on is counted."""

    day: date
    since: datetime


def due(now: datetime, *, at: time, zone: str) -> Day | None:
    """The day whose line is due at ``now`` (aware), or None."""
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    for day in (today, today - timedelta(days=1)):
        hour = datetime.combine(day, at, here)
        if timedelta() <= now - hour < LATE:
            return Day(day, datetime.combine(day - timedelta(days=1), at, here))
    return None


def line(day: date, counts: Mapping[State, int]) -> Message | None:
    """The line, or None where nothing is to be told."""
    told = [(state, counts[state]) for state in TOLD if counts.get(state)]
    return announcements.daily_line(day, told) if told else None


@dataclass(slots=True)
class Daily:
    """Posts the daily line, where the settings want one."""

    _log: Store
    _settings: Settings
    _lines: Lines
    _clock: Callable[[], datetime]
    _begun: date | None = field(default=None, init=False)

    async def step(self) -> bool:
        """Begin the day's lines when they are due, and post what is not posted yet; never more at once."""
        slack, now = self._settings.slack, self._clock()
        found = due(now, at=slack.daily, zone=slack.daily_timezone) if slack.daily else None
        if found and found.day != self._begun:
            for channel, message in await self._begin(found):
                self._lines.add(channel, message)
            self._begun = found.day
        await self._lines.post()
        return False

    async def _begin(self, day: Day) -> Sequence[tuple[str, Message]]:
        if not await self._log.users.claim(f"daily:{day.day}"):
            return []
        counts: defaultdict[str, Counter[State]] = defaultdict(Counter)
        for tally in await self._log.search.tally(day.since):
            counts[self._settings.audit_channel(tally.connection)][tally.state] += tally.count
        lines = {channel: line(day.day, counted) for channel, counted in counts.items()}
        return [(channel, message) for channel, message in lines.items() if message]

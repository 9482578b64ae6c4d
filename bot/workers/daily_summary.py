"""The daily summary: what was done, denied and is unknown since yesterday's hour, and what still waits.

Each audit channel has the summary of its own connections, once a day, and none where there was nothing.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.config.settings import Settings
from bot.ui.announcements import COUNTED
from storage.changes import Announced, Announcement
from storage.store import Store

LATE = timedelta(hours=6)
"""How long after its hour a summary is still worth posting, where nothing ran at its hour."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day whose summary is due: the day by its zone, and from when on is counted."""

    day: date
    since: datetime


def due(now: datetime, *, at: time, zone: str) -> Day | None:
    """Return the day whose summary is due at ``now`` (aware), or None."""
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    for day in (today, today - timedelta(days=1)):
        hour = datetime.combine(day, at, here)
        if timedelta() <= now - hour < LATE:
            return Day(day, datetime.combine(day - timedelta(days=1), at, here))
    return None


@dataclass(slots=True)
class Daily:
    """Announces the daily summary, where the settings want one."""

    _log: Store
    _settings: Settings
    _clock: Callable[[], datetime]
    _announced: date | None = field(default=None, init=False)

    async def step(self) -> bool:
        """Announce the day's summaries when they are due; never more at once."""
        slack, now = self._settings.slack, self._clock()
        found = due(now, at=slack.daily_summary, zone=slack.daily_timezone) if slack.daily_summary else None
        if found and found.day != self._announced:
            await self._announce(found)
            self._announced = found.day
        return False

    async def _announce(self, day: Day) -> None:
        """Announce to every channel at once, also what says nothing: a later look must find no more of it."""
        channel_of, slack = self._settings.audit_channel, self._settings.slack
        counts = {
            channel: Counter[str]()
            for channel in [slack.audit_channel, *map(channel_of, self._settings.connections)]
        }
        for tally in await self._log.search.tally(day.since):
            if tally.state in COUNTED:
                counts[channel_of(tally.connection)][tally.state] += tally.count
        await self._log.outbox.announce(*(_summary(day.day, one, counted) for one, counted in counts.items()))


def _summary(day: date, channel: str, counts: Counter[str]) -> Announcement:
    payload: dict[str, str | int] = {"day": f"{day}", **counts}
    return Announcement(Announced.DAILY_SUMMARY, f"{day}:{channel}", f"channel:{channel}", payload=payload)

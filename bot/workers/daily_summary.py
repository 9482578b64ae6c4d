"""Announces the daily summary: the actions done, denied and unknown since the last one, and those pending.

Where a provider reports the ends of calls, it also counts the placed calls and those that were answered.
Each audit channel gets the summary of its own connections, once a day. It gets none if there is nothing to
report.
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
"""The time after its hour within which a missed summary is still posted."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day whose summary is due: the local date, and the start of the time that it counts."""

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
class DailySummary:
    """Announces the daily summary if the settings ask for one."""

    _store: Store
    _settings: Settings
    _clock: Callable[[], datetime]
    _announced: date | None = field(default=None, init=False)

    async def run_once(self) -> bool:
        """Announce the day's summaries if they are due. Return False, as there is never more to do."""
        slack, now = self._settings.slack, self._clock()
        found = due(now, at=slack.daily_summary, zone=slack.daily_timezone) if slack.daily_summary else None
        if found and found.day != self._announced:
            await self._announce(found)
            self._announced = found.day
        return False

    async def _announce(self, day: Day) -> None:
        """Announce all channels' summaries at once, even empty ones, so that each is made only once."""
        channel_of, slack = self._settings.audit_channel, self._settings.slack
        counts = {
            channel: Counter[str]()
            for channel in [slack.audit_channel, *map(channel_of, self._settings.connections)]
        }
        for tally in await self._store.search.tally(day.since):
            if tally.state in COUNTED:
                counts[channel_of(tally.connection)][tally.state] += tally.count
            if tally.reported:
                counts[channel_of(tally.connection)] += Counter(placed=tally.placed, reached=tally.reached)
        await self._store.outbox.announce(
            *(_summary(day.day, one, counted) for one, counted in counts.items())
        )


def _summary(day: date, channel: str, counts: Counter[str]) -> Announcement:
    payload: dict[str, str | int] = {"day": f"{day}", **counts}
    return Announcement(Announced.DAILY_SUMMARY, f"{day}:{channel}", f"channel:{channel}", payload=payload)

"""What keeps the log trustworthy and forgetting while the bot runs: an anchor a day, and the purges.

An anchor says where the log ended with the day before. It goes into the audit channel and into the file
beside the log: once a day, whatever is restarted and however many processes there are, and only where
something was written since the last one. What is older than ``keep_at_most`` is purged, drafts that nobody
can use any more are forgotten, and what was purged before an older log was put back is purged again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.config.settings import RetentionSettings, Settings
from storage.changes import Announced, Announcement
from storage.maintenance.anchors import Anchor
from storage.models import SYSTEM, Scalar
from storage.repositories.erasure_list import PurgeFilter, PurgeResult, UnreadableListError
from storage.store import Store

PURGE_EVERY = timedelta(hours=1)
AT_ONCE = 200
"""So many requests are purged in one go; others read and write the log between two."""

_log = logging.getLogger(__name__)


def by_age(retention: RetentionSettings, now: datetime) -> PurgeFilter | None:
    """What is to be forgotten by its age; None where nothing is."""
    if retention.keep_at_most is None:
        return None
    kept = in_words(retention.keep_at_most)
    return PurgeFilter(rule=f"older than {kept}", before=now - retention.keep_at_most, hold=retention.hold)


def in_words(time_kept: timedelta) -> str:
    """``365 days``, or hours, minutes and seconds where it is not whole days."""
    whole = timedelta(days=time_kept.days)
    return f"{time_kept.days} days" if time_kept == whole else str(time_kept)


@dataclass(slots=True)
class RetentionWorker:
    """Anchors the log and purges it, a round at a time."""

    _store: Store
    _settings: Settings
    _clock: Callable[[], datetime]
    _anchored: date | None = field(default=None, init=False)
    _purged: datetime | None = field(default=None, init=False)
    _erased_again: date | None = field(default=None, init=False)

    async def run_once(self) -> bool:
        """Do what is due; whether there is more of it."""
        now = self._clock()
        await self._anchor(now)
        return await self._purge(now)

    async def _anchor(self, now: datetime) -> None:
        zone = ZoneInfo(self._settings.slack.daily_timezone)
        today = now.astimezone(zone).date()
        if today == self._anchored:
            return
        anchor = await self._store.audit.anchor(datetime.combine(today, time(), zone))
        if anchor and anchor.at:
            if self._settings.slack.anchor:
                await self._announce(anchor, anchor.at.astimezone(zone).date())
            if await self._store.users.claim_once(f"anchor:{anchor.seq}"):
                await self._keep(anchor)
        self._anchored = today

    async def _announce(self, anchor: Anchor, day: date) -> None:
        told: dict[str, Scalar] = {"day": f"{day}", "event": anchor.seq, "hash": anchor.hash}
        await self._store.outbox.announce(Announcement(Announced.ANCHOR, str(anchor.seq), payload=told))

    async def _keep(self, anchor: Anchor) -> None:
        """Note an anchor beside the log. Where that fails, the channel still has it."""
        try:
            await self._store.audit.keep_anchor(anchor)
        except OSError as error:
            _log.error(
                "The anchor %s is not kept beside the log: %s: %s", anchor, error.filename, error.strerror
            )

    async def _purge(self, now: datetime) -> bool:
        if self._purged is not None and timedelta(0) <= now - self._purged < PURGE_EVERY:
            return False
        rules = (by_age(self._settings.retention, now), PurgeFilter(rule="drafts"), await self._again(now))
        for erasing in rules:
            if erasing is not None and (await self._forget(erasing)).id:
                return True
        self._purged = now
        return False

    async def _forget(self, erasing: PurgeFilter) -> PurgeResult:
        done = await self._store.retention.purge(replace(erasing, at_most=AT_ONCE), actor=SYSTEM)
        if done.id:
            _log.info("Erased %s requests (%s): %s", len(done.requests), erasing.rule, done.id)
        return done

    async def _again(self, now: datetime) -> PurgeFilter | None:
        """What was erased before: looked for at the start, where an older log may be back, and once a day."""
        if self._erased_again == now.date():
            return None
        self._erased_again = now.date()
        try:
            return await self._store.retention.erased_before(hold=self._settings.retention.hold)
        except UnreadableListError as fault:
            _log.error("What was erased before is not erased again: %s", fault)
            return None

"""Anchors the log once a day, and purges old personal data.

An anchor holds the end of the log on the day before. It is posted in the audit channel and kept in the file
beside the log. It is made once a day, even with several processes or after a restart, and only if the log has
changed since the last one. Requests older than ``keep_at_most`` and unusable drafts are purged. Data that was
purged before an older log was restored is purged again.
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
WIPE_EVERY = timedelta(minutes=1)
"""Time between two attempts to truncate the write-ahead log. Commits wait for each of them."""
BATCH = 200
"""Requests that are purged in one transaction. Other processes use the log between two."""

_log = logging.getLogger(__name__)


def by_age(retention: RetentionSettings, now: datetime) -> PurgeFilter | None:
    """Return the filter of requests to purge for their age, None if age is no reason."""
    if retention.keep_at_most is None:
        return None
    kept = in_words(retention.keep_at_most)
    return PurgeFilter(rule=f"older than {kept}", before=now - retention.keep_at_most, hold=retention.hold)


def in_words(time_kept: timedelta) -> str:
    """Return a duration as ``365 days``, or with hours, minutes and seconds if it is not whole days."""
    whole = timedelta(days=time_kept.days)
    return f"{time_kept.days} days" if time_kept == whole else str(time_kept)


@dataclass(slots=True)
class RetentionWorker:
    """Anchors and purges the log."""

    _store: Store
    _settings: Settings
    _clock: Callable[[], datetime]
    _anchored: date | None = field(default=None, init=False)
    _purged: datetime | None = field(default=None, init=False)
    _wiped: datetime | None = field(default=None, init=False)
    _erased_again: date | None = field(default=None, init=False)

    async def run_once(self) -> bool:
        """Anchor and purge if it is time. Return whether there is more to purge."""
        now = self._clock()
        await self._anchor(now)
        await self._wipe(now)
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
        """Keep an anchor beside the log. If that fails, the channel still has it."""
        try:
            await self._store.audit.keep_anchor(anchor)
        except OSError as error:
            _log.error(
                "The anchor %s is not kept beside the log: %s: %s", anchor, error.filename, error.strerror
            )

    async def _wipe(self, now: datetime) -> None:
        """Finish purges whose old bytes a long reader kept in the write-ahead log."""
        if self._wiped is not None and timedelta(0) <= now - self._wiped < WIPE_EVERY:
            return
        self._wiped = now
        if await self._store.retention.wipe_rest():
            _log.info("The write-ahead log is empty now: the last purge is finished")

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
        done = await self._store.retention.purge(replace(erasing, at_most=BATCH), actor=SYSTEM)
        if done.id:
            _log.info("Erased %s requests (%s): %s", len(done.requests), erasing.rule, done.id)
        return done

    async def _again(self, now: datetime) -> PurgeFilter | None:
        """Return the filter of data that was purged before, None if it was checked today.

        It finds data of a restored log, at the start and once a day.
        """
        if self._erased_again == now.date():
            return None
        self._erased_again = now.date()
        try:
            return await self._store.retention.erased_before(hold=self._settings.retention.hold)
        except UnreadableListError as fault:
            _log.error("What was erased before is not erased again: %s", fault)
            return None

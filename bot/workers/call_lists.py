"""Requests the rows of approved call lists, as fast as their connections send them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.config.settings import Settings
from bot.services.call_lists import CallListService
from bot.services.preconditions import Preconditions
from bot.services.wakeups import Wakeups
from bot.slack.users import UserDirectory, UserUnavailableError
from bot.text import outcomes, policy_reasons
from providers.actions import CannotSendError
from storage.models import ListProgress, Request
from storage.store import Store

IN_LINE: Final = 2
"""Requests of a list for each worker of its connection, so that others' requests wait for few of them."""
ENDS_FOR: Final = timedelta(hours=24)
"""The time after a list's end in which its message still follows the ends of its calls."""
TOLD_EVERY: Final = timedelta(seconds=5)
"""The time between two updates of a list's message."""
LOOK_EVERY: Final = timedelta(seconds=30)
"""The time between two looks at lists that have ended."""


@dataclass(slots=True)
class CallListWorker:
    """Lets approved call lists go on, and keeps their messages up to date."""

    _store: Store
    _settings: Settings
    _directory: UserDirectory
    _preconditions: Preconditions
    _lists: CallListService
    _wakeups: Wakeups
    _clock: Callable[[], datetime]
    _told: dict[str, tuple[datetime, ListProgress]] = field(default_factory=dict, init=False)
    """When each list's message was last updated, and with which progress."""
    _looked_at: datetime | None = field(default=None, init=False)

    async def run_once(self) -> bool:
        """Request the next rows of every list, and finish those that are over."""
        now = self._clock()
        running = await self._store.call_lists.running(now)
        for asked in running:
            await self._go_on(asked)
        if self._looked_at is None or not self._looked_at <= now < self._looked_at + LOOK_EVERY:
            self._looked_at = now
            for ended in await self._store.call_lists.ended_since(now - ENDS_FOR):
                await self._tell(ended)
        return False

    async def _go_on(self, asked: Request) -> None:
        """Request the next rows of a list, unless it is paused or its connection gets no requests now."""
        if why := self._no_longer(asked):
            await self._lists.refuse(asked, why)
            return
        most = IN_LINE * self._settings.workers(asked.connection)
        turn = await self._store.call_lists.turn(asked.id, self._clock(), most)
        if turn.over:
            await self._lists.finish(asked)
            return
        await self._tell(asked.id)
        if not turn.rows or asked.paused_by or asked.waits_for:
            return
        try:
            person = await self._directory.get_user_in_background(asked.requester)
        except UserUnavailableError:
            return  # the next run asks Slack again
        for row in turn.rows:
            await self._lists.request_row(asked, row, person)
        self._wakeups.all()

    def _no_longer(self, asked: Request) -> str | None:
        """Return why a list can't go on at all, because it would go to another account now, or None."""
        [record] = asked.actions
        if record.action is None:
            return outcomes.ERASED
        try:
            self._preconditions.adapter(asked.connection)
        except CannotSendError as cannot:
            return cannot.message
        if self._preconditions.fingerprint(asked.connection, record.action) != asked.fingerprint:
            return f"{outcomes.connection_changed(asked.connection)} {policy_reasons.AGAIN}"
        return None

    async def _tell(self, list_request: str) -> None:
        """Update a list's message if its progress has changed."""
        now = self._clock()
        at, last = self._told.get(list_request, (None, None))
        if at is not None and at <= now < at + TOLD_EVERY:
            return
        progress = await self._store.call_lists.progress(list_request)
        if last != progress and await self._store.call_lists.tell(list_request):
            self._told[list_request] = (now, progress)
            self._wakeups.outbox()

"""Requests the rows of approved call lists, as fast as their connections send them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.config.settings import Settings
from bot.services.call_lists import CallListService
from bot.services.permissions import Permissions
from bot.services.wakeups import Wakeups
from bot.slack.users import UserDirectory, UserUnavailableError
from bot.workers.loop import each
from storage.models import ListProgress, Request
from storage.states import State
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
    _permissions: Permissions
    _lists: CallListService
    _wakeups: Wakeups
    _clock: Callable[[], datetime]
    _told: dict[str, tuple[datetime, ListProgress | None]] = field(default_factory=dict, init=False)
    """When each list was last counted, and the progress that its message shows."""
    _looked_at: datetime | None = field(default=None, init=False)

    async def run_once(self) -> bool:
        """Request the next rows of every list, and finish those that are over."""
        now = self._clock()
        await each(await self._store.call_lists.running(now), self._go_on)
        if self._looked_at is None or not self._looked_at <= now < self._looked_at + LOOK_EVERY:
            self._looked_at = now
            ended = await self._store.call_lists.ended_since(now - ENDS_FOR)
            self._told = {name: told for name, told in self._told.items() if told[0] > now - ENDS_FOR}
            for name, state in ended.items():
                if state is not State.SUCCEEDED and await self._store.call_lists.withdraw_rest(name):
                    self._wakeups.all()
                await self._tell(name)
        return False

    async def _go_on(self, asked: Request) -> None:
        """Request the next rows of a list, unless it is paused or its connection gets no requests now."""
        if why := await self._lists.no_longer(asked):
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
            decision = await self._permissions.may_go_on(asked)
            person = await self._directory.get_user_in_background(asked.requester)
        except UserUnavailableError:
            return  # the next run asks Slack again
        if not decision.allowed:
            if not decision.unread:  # Slack may tell the members of a group a moment later
                await self._lists.hold(asked, decision)
            return
        for row in turn.rows:
            await self._lists.request_row(asked, row, person)
        self._wakeups.all()

    async def _tell(self, list_request: str) -> None:
        """Update a list's message if its progress has changed. Count seldom, as a list may be long."""
        now = self._clock()
        at, last = self._told.get(list_request, (None, None))
        if at is not None and at <= now < at + TOLD_EVERY:
            return
        progress = await self._store.call_lists.progress(list_request)
        if last != progress and await self._store.call_lists.tell(list_request):
            last = progress
            self._wakeups.outbox()
        self._told[list_request] = (now, last)

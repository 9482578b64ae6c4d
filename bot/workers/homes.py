"""Publishes Home tabs: when a person opens one, and for a day whenever its content changes.

A tab is looked at when the log has a new event, and each minute. It is published if it reads differently.
Several processes, or a restart, go on from its row. While Slack is down, the last tab stays with its time.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.services.commands import CommandService
from bot.services.overview import Overview
from bot.services.permissions import Permissions
from bot.slack.blocks import Message, View
from bot.slack.errors import SLACK_ERRORS, Refusal, error_code, refusal
from bot.slack.masking import Masking
from bot.slack.rate_limits import home_limits, method_of, paused_by
from bot.slack.users import UserDirectory, UserUnavailableError
from bot.ui import home
from bot.ui.call_times import on_clock
from bot.workers.loop import each
from storage.repositories.homes import HomeTab
from storage.store import Store

KEPT_FOR: Final = timedelta(days=1)
"""The time for which a tab is kept up to date after its person opened it."""
MOST: Final = 10
"""Tabs looked at in a run, so that many open tabs don't crowd out other work."""
PUBLISH_WITHIN: Final = 3.0
"""Seconds that Slack may take to publish a tab, so that it holds up others no longer."""
AGAIN_AFTER: Final = timedelta(seconds=5)
"""The time until the next try, if a tab could not be published."""
_MAY_PASS: Final = frozenset({Refusal.LIMITED, Refusal.DOWN, Refusal.TOKEN})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeUpdates:
    """Keeps people's Home tabs up to date."""

    _store: Store
    _client: AsyncWebClient
    _directory: UserDirectory
    _permissions: Permissions
    _overview: Overview
    _commands: CommandService
    _masking: Masking
    _clock: Callable[[], datetime]

    async def run_once(self) -> bool:
        """Look at the tabs that are due, those just opened first."""
        await each(await self._store.homes.due(self._clock(), kept_for=KEPT_FOR, limit=MOST), self._look)
        return False

    async def _look(self, tab: HomeTab) -> None:
        """Publish a tab if it must be, or if its content has changed."""
        now = self._clock()
        try:
            content, last = await self._content(tab, now)
        except UserUnavailableError:
            await self._store.homes.postpone(tab, now + AGAIN_AFTER)
            return
        shown = json.dumps(content["blocks"], ensure_ascii=False)
        if not await self._store.homes.claim(tab, shown, now):
            return
        limits = home_limits(tab.person, opened=not tab.published)
        if until := await self._store.rate_limits.take(limits, now):
            await self._store.homes.postpone(tab, until)
            return
        if not await self._publish(tab, content if last else home.view(content["blocks"], now)):
            return
        if last:
            await self._store.homes.leave(tab)
        else:
            await self._store.homes.published(tab, shown, self._clock())

    async def _content(self, tab: HomeTab, now: datetime) -> tuple[View, bool]:
        """Return what a tab should show, and whether it is left at that."""
        if now - tab.opened_at >= KEPT_FOR:
            return home.resting(), True
        person = await self._directory.get_user_in_background(tab.person)
        if why := self._permissions.ineligible_reason(person):
            return home.refused(why), True
        vocabulary = self._commands.vocabulary
        blocks = home.blocks(await self._overview.home(person, vocabulary), vocabulary)
        message = on_clock(self._masking.message(Message("", blocks)), person.timezone)
        return {"blocks": message.blocks}, False

    async def _publish(self, tab: HomeTab, view: View) -> bool:
        """Publish a tab. Return False if Slack did not take it, and try again later if that may help."""
        try:
            async with asyncio.timeout(PUBLISH_WITHIN):
                await self._client.views_publish(user_id=tab.person, view=view)
        except SLACK_ERRORS as error:
            _log.warning("A Home tab was not published: %s", error_code(error))
            why, now = refusal(error, direct=True), self._clock()
            if why is Refusal.LIMITED:
                await self._store.outages.pause(method_of(error), paused_by(error, now))
            if why in _MAY_PASS:
                await self._store.homes.postpone(tab, now + AGAIN_AFTER)
            else:
                await self._store.homes.leave(tab)
            return False
        return True

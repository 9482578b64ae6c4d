"""Replaces answers that came from a button with the present state of their requests, until the end.

An answer is looked at when its request has a new event, and replaced if it reads differently. A restart, or
another process, goes on from the row. No answer is the only record of anything.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.services.screens import has_ended, may_change, stage
from bot.slack.blocks import Message
from bot.slack.errors import SLACK_ERRORS, error_code
from bot.slack.masking import Masking
from bot.slack.responses import replace_original
from bot.text.log_format import log_about
from bot.ui.call_times import on_clock
from bot.ui.command_replies import asked
from bot.workers.loop import each
from bot.workers.post_text import Permalinks
from storage.models import Request
from storage.repositories.screens import MAX_USES, Screen
from storage.states import State
from storage.store import Store

LEASE: Final = timedelta(seconds=15)
"""The lease on an answer while Slack is asked to replace it, longer than Slack may take (`SLACK_TIMEOUT`)."""
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN})
"""Slack's answers to a ``response_url`` that is used up, or whose message is gone."""
_log = logging.getLogger(__name__)


class ScreenUpdates:
    """Keeps requesters' screens up to date."""

    def __init__(
        self,
        store: Store,
        client: AsyncWebClient,
        settings: Settings,
        links: Permalinks,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._client = client
        self._links = links
        self._masking = Masking(settings.slack.default_region)
        self._clock = clock

    async def run_once(self) -> bool:
        """Replace the answers that are out of date, and forget each ``response_url`` that is too old."""
        now = self._clock()
        await self._store.screens.blank(now)
        await each(await self._store.screens.behind(now), self._update)
        return False

    async def _answer(self, request: Request) -> Message:
        """Return the answer about a request, on its requester's clock."""
        reader = await self._store.users.person(request.requester)
        return on_clock(asked(request), reader.timezone) if reader else asked(request)

    async def _update(self, screen: Screen) -> None:
        log_about(request=screen.request)
        request = await self._store.requests.request(screen.request)
        present = stage(request)
        # The last use is kept for the end.
        waits = screen.uses == MAX_USES - 1 and not has_ended(request) and request.state is not State.UNKNOWN
        if present == screen.stage or waits:
            await self._store.screens.shown(screen, self._clock(), stage=screen.stage)
            return
        now = self._clock()
        if not await self._store.screens.use(screen, now, now + LEASE):
            return
        message = await self._links.shown(self._masking.message(await self._answer(request)), None)
        try:
            said = await replace_original(self._client, screen.url, message)
        except SLACK_ERRORS as error:
            _log.warning("%s: an answer was not replaced: %s", request.id, error_code(error))
            return  # the lease says when to try again
        if said == HTTPStatus.OK:
            over = not may_change(request)
            await self._store.screens.shown(screen, self._clock(), stage=present, over=over)
        elif said in _GONE:
            _log.info("%s: its answer cannot be replaced any more: %s", request.id, said)
            await self._store.screens.shown(screen, self._clock(), stage=present, over=True)
        else:
            _log.warning("%s: an answer was not replaced: %s", request.id, said)

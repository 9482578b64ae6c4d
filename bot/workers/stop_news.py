"""Telling the audit channel what was stopped and allowed: at least once, after it is in the log."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.slack.backoff import Wait
from bot.slack.errors import SLACK_TROUBLE, Refusal, refusal, trouble
from bot.slack.masking import Masking
from bot.slack.rate_limits import method_of, paused_by, to_post
from bot.ui.do_not_call import news
from bot.workers.outbox import ANSWER_WITHIN, pause_after
from storage.models import Event
from storage.store import Store

LEASE = timedelta(seconds=60)
"""How long news that one process took are left to it."""
MOST_TRIES = 10
"""Of what fails for a reason of its own. While Slack is down, the news wait."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _News:
    """News on their way."""

    event: Event
    number: str | None
    held_until: datetime
    tries: int = 0
    wait: Wait | None = None


class StopNews:
    """Posts what was stopped, allowed, imported or removed."""

    def __init__(
        self, log: Store, client: AsyncWebClient, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._client = client
        self._channel = settings.slack.audit_channel
        self._masking = Masking(settings.slack.default_region)
        self._clock = clock
        self._waiting: dict[int, _News] = {}

    async def step(self) -> bool:
        """Post what is not told yet, at Slack's pace; never more at once."""
        now = self._clock()
        for event, number in await self._log.do_not_call.stop_news(now + LEASE):
            self._waiting.setdefault(event.seq, _News(event, number, now)).held_until = now + LEASE
        for one in [*self._waiting.values()]:
            if one.held_until + LEASE < now:
                del self._waiting[one.event.seq]  # another process has them
            elif one.held_until > now and (one.wait is None or one.wait.is_over(now)):
                await self._post(one, now)
        return False

    async def _post(self, one: _News, now: datetime) -> None:
        if until := await self._log.rate_limits.take(to_post(self._channel), now):
            one.wait = Wait(now, until)
            return
        one.tries += 1
        message = self._masking.message(news(one.event, one.number))
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._client.chat_postMessage(
                    channel=self._channel, text=message.text, blocks=list(message.blocks)
                )
        except SLACK_TROUBLE as error:
            kind = refusal(error, direct=False)
            if kind is Refusal.LIMITED:
                one.wait = Wait(now, paused_by(error, now))
                await self._log.outages.pause(method_of(error), one.wait.until)
                return
            if kind not in {Refusal.NEVER, Refusal.SHUT} and (
                kind is not Refusal.ODD or one.tries < MOST_TRIES
            ):
                one.wait = Wait(now, now + pause_after(one.tries))
                return
            _log.error("Slack does not take the news of %s: %s", one.event.request, trouble(error))
        await self._log.do_not_call.stop_told(one.event.seq)
        del self._waiting[one.event.seq]

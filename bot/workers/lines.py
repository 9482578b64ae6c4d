"""Lines for a channel that belong to no request: posted once, and tried again for a while.

Whoever adds one has claimed it in the store before, so that no restart posts a second one.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.backoff import Wait
from bot.slack.blocks import Message
from bot.slack.errors import SLACK_TROUBLE, Refusal, refusal, trouble
from bot.slack.rate_limits import method_of, paused_by, to_post
from bot.workers.loop import each
from bot.workers.outbox import ANSWER_WITHIN, pause_after
from storage.store import Store

MOST_TRIES = 10
"""Of what fails for a reason of its own: some minutes. While Slack is down, the line waits."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """A line on its way to a channel."""

    channel: str
    message: Message
    tries: int = 0
    wait: Wait | None = None


class Lines:
    """Lines on their way."""

    def __init__(self, log: Store, client: AsyncWebClient, *, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._client = client
        self._clock = clock
        self._waiting: list[_Line] = []

    def add(self, channel: str, message: Message) -> None:
        """Post a line with the next `post`."""
        self._waiting.append(_Line(channel, message))

    async def post(self) -> None:
        """Post what is not posted yet, where its time has come."""
        now = self._clock()
        await each([one for one in self._waiting if one.wait is None or one.wait.is_over(now)], self._post)

    async def _post(self, one: _Line) -> None:
        now = self._clock()
        if until := await self._log.rate_limits.take(to_post(one.channel), now):
            one.wait = Wait(now, until)
            return
        one.tries += 1
        message = one.message
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._client.chat_postMessage(
                    channel=one.channel, text=message.text, blocks=list(message.blocks)
                )
        except SLACK_TROUBLE as error:
            code, kind = trouble(error), refusal(error, direct=False)
            if kind is Refusal.LIMITED:
                one.wait = Wait(now, paused_by(error, now))
                await self._log.outages.pause(method_of(error), one.wait.until)
            elif kind in {Refusal.NEVER, Refusal.SHUT} or (kind is Refusal.ODD and one.tries >= MOST_TRIES):
                _log.error("Slack does not take the daily line for %s: %s", one.channel, code)
                self._waiting.remove(one)
            else:
                one.wait = Wait(now, now + pause_after(one.tries))
        else:
            self._waiting.remove(one)

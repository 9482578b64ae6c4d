"""Lines for a channel that belong to no request: posted once, and tried again for a while.

Whoever adds one has claimed it in the store before, so that no restart posts a second one.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
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
class Line:
    """A line on its way to a channel. ``what`` it is, the process's log says if Slack does not take it."""

    channel: str
    message: Message
    what: str
    tries: int = 0
    wait: Wait | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it waits for nothing."""
        return self.wait is None or self.wait.is_over(now)


async def post(line: Line, log: Store, client: AsyncWebClient, now: datetime) -> bool:
    """Try to post a line. Return whether that is over: it is posted, or Slack will never take it."""
    if until := await log.rate_limits.take(to_post(line.channel), now):
        line.wait = Wait(now, until)
        return False
    line.tries += 1
    message = line.message
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await client.chat_postMessage(
                channel=line.channel, text=message.text, blocks=list(message.blocks)
            )
    except SLACK_TROUBLE as error:
        kind = refusal(error, direct=False)
        if kind is Refusal.LIMITED:
            line.wait = Wait(now, paused_by(error, now))
            await log.outages.pause(method_of(error), line.wait.until)
            return False
        if kind not in {Refusal.NEVER, Refusal.SHUT} and (kind is not Refusal.ODD or line.tries < MOST_TRIES):
            line.wait = Wait(now, now + pause_after(line.tries))
            return False
        _log.error("Slack does not take %s: %s", line.what, trouble(error))
    return True


@dataclass(slots=True)
class Lines:
    """Lines on their way."""

    _log: Store
    _client: AsyncWebClient
    _clock: Callable[[], datetime]
    _waiting: list[Line] = field(default_factory=list, init=False)

    def add(self, channel: str, message: Message) -> None:
        """Post a line with the next `post`."""
        self._waiting.append(Line(channel, message, f"the daily line for {channel}"))

    async def post(self) -> None:
        """Post what is not posted yet, where its time has come."""
        now = self._clock()
        await each([one for one in self._waiting if one.is_due(now)], self._post)

    async def _post(self, one: Line) -> None:
        if await post(one, self._log, self._client, self._clock()):
            self._waiting.remove(one)

"""What the audit channel reads of a provider that is down: one message, edited once it answers again.

That it was said is in the store before it is posted, as with the daily line: no restart and no second process
says it twice.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.slack.backoff import Wait
from bot.slack.errors import SLACK_TROUBLE, Refusal, refusal, trouble
from bot.ui import request_status
from bot.workers.loop import each
from bot.workers.outbox import ANSWER_WITHIN, pause_after
from storage.models import MessageRef, Standstill
from storage.store import Store

SAID_BY_THEN = timedelta(minutes=1)
"""How long a message may be on its way before an outage that is over is forgotten without it."""
MOST_TRIES = 10
"""About a quarter of an hour."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class OutageMessages:
    """Says once that a provider is down, and once that it is back."""

    _log: Store
    _client: AsyncWebClient
    _settings: Settings
    _clock: Callable[[], datetime]
    _tries: dict[str, tuple[int, Wait | None]] = field(default_factory=dict, init=False)
    """What this process says: how often it tried, and how long it waits; None: it tries no more."""

    async def step(self) -> bool:
        """Say what is not said yet; never more at once."""
        down = [one for one in await self._log.outages.standstills() if one.why == "down" and one.told]
        await each(down, self._say)
        return False

    async def _say(self, one: Standstill) -> None:
        if one.ended is None and one.said is not None:
            return
        if one.ended and one.said is None:
            if self._clock() - one.ended > SAID_BY_THEN:
                await self._log.outages.said(one.connection, None)
            return
        name = f"outage:{one.connection}:{one.since.isoformat()}:{'over' if one.ended else 'began'}"
        if name not in self._tries:
            # An edit may be made twice; a message that is posted twice stands there twice.
            if one.ended is None and not await self._log.users.claim(name):
                return
            now = self._clock()
            self._tries[name] = (0, Wait(now, now))
        tries, wait = self._tries[name]
        if wait and wait.is_over(self._clock()):
            await self._try(one, name, tries)

    async def _try(self, one: Standstill, name: str, tries: int) -> None:
        message = request_status.told(one)
        arguments: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks)}
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                if one.said:
                    await self._client.chat_update(channel=one.said.channel, ts=one.said.ts, **arguments)
                else:
                    channel = self._settings.audit_channel(one.connection)
                    answer = await self._client.chat_postMessage(channel=channel, **arguments)
                    await self._log.outages.said(
                        one.connection, MessageRef(str(answer["channel"]), str(answer["ts"]))
                    )
        except SLACK_TROUBLE as error:
            hopeless = refusal(error, direct=False) in {Refusal.SHUT, Refusal.NEVER}
            if not hopeless and tries < MOST_TRIES:
                now = self._clock()
                self._tries[name] = (tries + 1, Wait(now, now + pause_after(tries)))
                return
            _log.error("Slack does not take what is said of %s: %s", one.connection, trouble(error))
        self._tries[name] = (tries, None)
        if one.ended:
            await self._log.outages.said(one.connection, None)

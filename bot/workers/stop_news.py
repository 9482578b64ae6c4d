"""Telling the audit channel what was stopped and allowed: at least once, after it is in the log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.slack.masking import Masking
from bot.ui.do_not_call import news
from bot.workers.lines import Line, post
from storage.store import Store

LEASE = timedelta(seconds=60)
"""How long news that one process took are left to it."""


@dataclass(slots=True)
class _News:
    """News on their way."""

    line: Line
    held_until: datetime


@dataclass(slots=True)
class StopNews:
    """Posts what was stopped, allowed, imported or removed."""

    _log: Store
    _client: AsyncWebClient
    _settings: Settings
    _clock: Callable[[], datetime]
    _waiting: dict[int, _News] = field(default_factory=dict, init=False)
    """By the number of the event."""

    async def step(self) -> bool:
        """Post what is not told yet, at Slack's pace; never more at once."""
        now, masking = self._clock(), Masking(self._settings.slack.default_region)
        for event, number in await self._log.do_not_call.stop_news(now + LEASE):
            if event.seq not in self._waiting:
                message, channel = masking.message(news(event, number)), self._settings.slack.audit_channel
                self._waiting[event.seq] = _News(Line(channel, message, f"the news of {event.request}"), now)
            self._waiting[event.seq].held_until = now + LEASE
        for seq, one in [*self._waiting.items()]:
            if one.held_until + LEASE < now:
                del self._waiting[seq]  # another process has them
            elif one.held_until > now and one.line.is_due(now):
                await self._post(seq, one, now)
        return False

    async def _post(self, seq: int, one: _News, now: datetime) -> None:
        if await post(one.line, self._log, self._client, now):
            await self._log.do_not_call.stop_told(seq)
            del self._waiting[seq]

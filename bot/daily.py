"""The daily line: what was done, denied and is unknown since yesterday's hour, and what still waits.

Each audit channel has the line of its own connections, once a day, and none where there was nothing. That a
day's line was begun is in the store before it is posted, so that no restart posts a second one.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import Message, section
from bot.messages import WORDS
from bot.outbox import ANSWER_WITHIN, pause_after
from bot.people import SLACK_TROUBLE, trouble
from bot.posting_pace import method_of, paused_by, to_post
from bot.refusals import Refusal, refusal
from bot.settings import Settings
from storage.lifecycle import State
from storage.log import ActionLog

LATE = timedelta(hours=6)
"""How long after its hour a line is still worth posting, where nothing ran at its hour."""
MOST_TRIES = 10
"""Of what fails for a reason of its own: some minutes. While Slack is down, the line waits."""
TOLD = (
    State.SUCCEEDED,
    State.FAILED,
    State.DENIED,
    State.EXPIRED,
    State.WITHDRAWN,
    State.UNKNOWN,
    State.PENDING,
)
"""What is counted, in this order."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Day:
    """A day whose line is due: the day by its zone, and from when on is counted."""

    day: date
    since: datetime


@dataclass(slots=True)
class _Line:
    """A line on its way to a channel."""

    channel: str
    message: Message
    tries: int = 0
    not_before: datetime | None = None


def due(now: datetime, *, at: time, zone: str) -> Day | None:
    """The day whose line is due at ``now`` (aware), or None."""
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    for day in (today, today - timedelta(days=1)):
        hour = datetime.combine(day, at, here)
        if timedelta() <= now - hour < LATE:
            return Day(day, datetime.combine(day - timedelta(days=1), at, here))
    return None


def line(day: date, counts: Mapping[State, int]) -> Message | None:
    """The line, or None where nothing is to be told."""
    told = [f"{counts[state]} {_WORDS.get(state, WORDS[state])}" for state in TOLD if counts.get(state)]
    if not told:
        return None
    text = f"📋 *{day:%a} {day.day} {day:%b %Y}:* {', '.join(told)}."
    return Message(text, [section(text)])


_WORDS = {State.PENDING: "still waiting for approval"}


class Daily:
    """Posts the daily line, where the settings want one."""

    def __init__(
        self, log: ActionLog, client: AsyncWebClient, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._client = client
        self._settings = settings
        self._clock = clock
        self._begun: date | None = None
        self._waiting: list[_Line] = []

    async def step(self) -> bool:
        """Begin the day's lines when they are due, and post what is not posted yet; never more at once."""
        slack, now = self._settings.slack, self._clock()
        found = due(now, at=slack.daily, zone=slack.daily_timezone) if slack.daily else None
        if found and found.day != self._begun:
            self._waiting += await self._begin(found)
            self._begun = found.day
        for one in [one for one in self._waiting if one.not_before is None or one.not_before <= now]:
            await self._post(one, now)
        return False

    async def _begin(self, day: Day) -> Sequence[_Line]:
        if not await self._log.claim(f"daily:{day.day}"):
            return []
        counts: defaultdict[str, Counter[State]] = defaultdict(Counter)
        for tally in await self._log.tally(day.since):
            counts[self._settings.audit_channel(tally.connection)][tally.state] += tally.count
        lines = {channel: line(day.day, counted) for channel, counted in counts.items()}
        return [_Line(channel, message) for channel, message in lines.items() if message]

    async def _post(self, one: _Line, now: datetime) -> None:
        if until := await self._log.take(to_post(one.channel), now):
            one.not_before = until
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
                one.not_before = paused_by(error, now)
                await self._log.pause(method_of(error), one.not_before)
            elif kind in {Refusal.NEVER, Refusal.SHUT} or (kind is Refusal.ODD and one.tries >= MOST_TRIES):
                _log.error("Slack does not take the daily line for %s: %s", one.channel, code)
                self._waiting.remove(one)
            else:
                one.not_before = now + pause_after(one.tries)
        else:
            self._waiting.remove(one)

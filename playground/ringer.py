"""Lets the calls of all stand-ins ring in time, and sends the webhooks about them."""

import asyncio
import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from playground.calls import Calls, Clock, News
from playground.journal import Recorder
from playground.opened import Opened, check_opened
from playground.webhooks import Callback, send


class Teller(Protocol):
    """A provider with calls, which sends webhooks about them."""

    name: str
    calls: Calls

    def callbacks(self, news: News) -> Iterable[Callback]:
        """Return the webhooks to send about something that happened to a call."""
        ...


class Ringer:
    """Follows the stand-ins' clock. Webhooks are sent one after the other."""

    def __init__(self, tellers: Sequence[Teller], clock: Clock, recorder: Recorder, opened: Opened) -> None:
        self._tellers = tellers
        self._clock = clock
        self._recorder = recorder
        self._opened = opened
        self._waiting: list[tuple[datetime, int, str, Callback]] = []
        self._order = itertools.count()
        self._busy = asyncio.Lock()
        self._changed = asyncio.Event()
        for one in tellers:
            one.calls.wake = self._changed.set

    async def run(self) -> None:
        """Follow the clock for ever."""
        while True:
            self._changed.clear()
            await self.catch_up()
            await self._until_something_is_due()

    async def catch_up(self) -> None:
        """Let everything happen that is due, and send the webhooks about it."""
        async with self._busy:
            self._take_news()
            while self._waiting and self._waiting[0][0] <= self._clock.now():
                await self._send(*heapq.heappop(self._waiting)[2:])
                self._take_news()

    def clear(self) -> None:
        """Forget the webhooks that wait."""
        self._waiting.clear()

    def _take_news(self) -> None:
        for one in self._tellers:
            one.calls.run()
            news, one.calls.news[:] = tuple(one.calls.news), ()
            for callback in itertools.chain.from_iterable(map(one.callbacks, news)):
                self._plan(self._clock.now(), one.name, callback)

    def _plan(self, at: datetime, provider: str, callback: Callback) -> None:
        heapq.heappush(self._waiting, (at, next(self._order), provider, callback))

    async def _send(self, provider: str, callback: Callback) -> None:
        try:
            check_opened(callback.url, self._opened)
            status = await send(callback.url, callback.document)
        except ValueError:
            status = None  # a call may name any address, but nothing is posted there
        self._recorder.told(provider, callback.name, callback.document, status)
        if callback.retries and status != HTTPStatus.OK:
            wait, *later = callback.retries
            self._plan(self._clock.now() + wait, provider, replace(callback, retries=tuple(later)))

    async def _until_something_is_due(self) -> None:
        times = [
            *filter(None, (one.calls.next_at() for one in self._tellers)),
            *(one[0] for one in self._waiting[:1]),
        ]
        wait = (min(times) - self._clock.now()).total_seconds() if times else None
        try:
            async with asyncio.timeout(None if wait is None else max(wait, 0)):
                await self._changed.wait()
        except TimeoutError:
            pass  # something is due

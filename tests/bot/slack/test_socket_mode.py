"""Socket Mode reconnects, against the stand-in of Slack, with a clock that tests advance."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from aiohttp import BaseConnector
from aiohttp.connector import Connection
from slack_bolt.app.async_app import AsyncApp

from bot.slack.backoff import FIRST, LONGEST, backoff
from bot.slack.socket_mode import LIVED_FROM, SocketMode, Timing
from playground.content import APP_TOKEN
from tests.playground.slack_app import Stage, stage

SOON = 10.0
"""Seconds that a busy computer may take."""
HOUR = timedelta(hours=1).total_seconds()
CLOSED = {
    "full": "Slack cannot be connected to: too_many_websockets. Ten connections of this app are open already: "
    "stop some CallOps. It is tried again.",
    "hang up": "Slack ends each connection soon after its hello. It is tried again, ever more slowly.",
    "dismiss": "Slack ends each connection soon after its hello. It is tried again, ever more slowly.",
}
UNOPENED = {
    "reset": "ServerDisconnectedError",
    "server_error": "HTTP 500",
    "ratelimited": "ratelimited",
    "error": "internal_error",
}


@dataclass
class Time:
    """Seconds that pass only while the client waits, and the length of each wait."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    passed: asyncio.Event = field(default_factory=asyncio.Event)
    end: float = 1000.0 + HOUR

    async def sleep(self, seconds: float) -> None:
        """Advance the time at once. Wait for ever once the end has come."""
        self.waits.append(seconds)
        self.now += seconds
        if self.now >= self.end:
            self.passed.set()
            await asyncio.Event().wait()


@asynccontextmanager
async def client(on: Stage, time: Time, hello_within: float = SOON) -> AsyncIterator[SocketMode]:
    """Yield the bot's own Socket Mode, not connected yet."""
    made = SocketMode(
        AsyncApp(client=on.client),
        APP_TOKEN,
        direct=True,
        timing=Timing(time.sleep, lambda: 0.0, lambda: time.now, hello_within),
    )
    try:
        yield made
    finally:
        await made.stop(1)


@asynccontextmanager
async def starting(made: SocketMode) -> AsyncIterator[asyncio.Task[None]]:
    """Yield a task that connects in the background."""
    task = asyncio.create_task(made.start())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], Awaitable[bool] | bool]) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(SOON):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def addresses(on: Stage) -> int:
    """Return how often the client asked for an address."""
    return len(await on.people.journal("apps.connections.open"))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the operator's lines about connections to Slack."""
    return [
        one.getMessage()
        for one in caplog.records
        if one.name in {"bot.slack.socket_mode", "callops.socket_mode"}
    ]


@pytest.mark.parametrize("treatment", CLOSED)
async def test_connections_that_slack_ends_at_once_are_tried_ever_more_slowly(
    caplog: pytest.LogCaptureFixture, treatment: str
) -> None:
    """An hour of that makes some hundred connections.

    It is logged once, and Slack counts as not connected.
    """
    time = Time()
    async with stage() as on, client(on, time) as made, starting(made):
        await on.people.treat_connections(treatment)
        async with asyncio.timeout(SOON):
            await time.passed.wait()
        assert 0 <= await addresses(on) - len(time.waits) <= 2
        assert made.closed() == CLOSED[treatment]
    assert time.waits[:6] == [FIRST * 2**times for times in range(6)]
    assert set(time.waits[6:]) == {LONGEST}
    assert said(caplog) == [CLOSED[treatment]]


@pytest.mark.parametrize("does", UNOPENED)
async def test_an_address_that_slack_does_not_give_is_asked_for_ever_more_slowly(
    caplog: pytest.LogCaptureFixture, does: str
) -> None:
    """Retry-After is respected."""
    time = Time()
    async with stage() as on, client(on, time) as made, starting(made):
        await on.people.fail("apps.connections.open", does, times=10_000, retry_after=90)
        async with asyncio.timeout(SOON):
            await time.passed.wait()
    assert time.waits == sorted(time.waits)
    assert len(time.waits) < HOUR / LONGEST + 10
    if does == "ratelimited":
        assert min(time.waits) >= 89
    assert said(caplog) == [f"Slack cannot be connected to: {UNOPENED[does]}. It is tried again."]


async def test_handshakes_that_break_are_tried_ever_more_slowly(caplog: pytest.LogCaptureFixture) -> None:
    """Upgrades are refused, each with an address of its own, until a connection works."""
    time = Time()
    async with stage() as on, client(on, time) as made:
        await on.people.refuse_connections(7)
        async with asyncio.timeout(SOON):
            await made.start()
        assert made.closed() is None
        assert await addresses(on) == 8
    assert time.waits == [0.5, 1, 2, 4, 8, 16, 30]
    assert said(caplog) == ["Slack cannot be connected to: WSServerHandshakeError. It is tried again."]


async def test_after_a_connection_that_lived_the_next_one_is_there_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Slack asks for a new connection every few hours, so the next problem is logged again."""
    time = Time()
    async with stage() as on, client(on, time) as made:
        await on.people.refuse_connections(3)
        await made.start()
        assert time.waits == [0.5, 1, 2]
        for _ in range(3):
            time.now += LIVED_FROM
            before = made.client.current_session
            await on.people.disconnect()
            await until(lambda before=before: made.client.current_session is not before)  # type: ignore[misc]
        assert time.waits == [0.5, 1, 2]
        time.now += LIVED_FROM
        await on.people.refuse_connections(1)
        await on.people.disconnect()
        await until(lambda: len(said(caplog)) == 2)
    assert time.waits == [0.5, 1, 2, 0.5]


async def test_a_connection_without_a_hello_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """Until the hello Slack does not reach us. Then another connection is tried."""
    time = Time()
    async with stage() as on, client(on, time, hello_within=0.05) as made, starting(made) as started:
        await on.people.treat_connections("mute", 3)
        await started
        assert made.closed() is None
        assert await addresses(on) == 4
    assert time.waits == [0.5, 1, 2]
    assert said(caplog) == [
        "Slack cannot be connected to: it said no hello within 0.05 s. It is tried again."
    ]


async def test_slack_does_not_reach_us_before_its_hello() -> None:
    """An open connection alone does not count, neither the first nor a replacement."""
    time = Time()
    async with stage() as on, client(on, time, hello_within=0.05) as made:
        assert made.closed() == "CallOps is not connected to Slack; it tries again."
        await made.start()
        await on.people.treat_connections("mute")
        await on.people.disconnect()
        await until(lambda: made.closed() is not None)
        assert "it said no hello" in (made.closed() or "")
        await on.people.treat_connections(None)
        await until(lambda: made.closed() is None)


async def test_a_stop_leaves_no_connection_open() -> None:
    """A connection that still waits for its hello is closed, too, before the stop returns."""
    async with stage() as on:
        made = SocketMode(
            AsyncApp(client=on.client), APP_TOKEN, direct=True, timing=Timing(hello_within=SOON)
        )
        pool = made.client.aiohttp_client_session.connector
        assert pool is not None
        try:
            await made.start()
            await on.people.treat_connections("mute")
            await on.people.disconnect()
            await until(lambda: waits_for_hello(pool))
        finally:
            await made.stop(1)
        assert still_open(pool) == []


def still_open(pool: BaseConnector) -> list[Connection]:
    """Return the connections of a pool that nobody closed."""
    found = [one for one in gc.get_objects() if type(one) is Connection]  # no proxy of one
    return [one for one in found if one._connector is pool and one._protocol is not None]


def waits_for_hello(pool: BaseConnector) -> bool:
    """Return whether a second connection of a pool is open, beside the one that is in use."""
    return len(still_open(pool)) > 1


def test_waits_double_up_to_the_longest() -> None:
    """The first wait is zero, and the jitter adds up to half."""
    waits = [backoff(failures, 0.0) for failures in range(200)]
    assert waits[0] == 0
    assert all(second in {2 * first, LONGEST} for first, second in pairwise(waits[1:]))
    assert waits[-1] == LONGEST
    assert [backoff(3, 0.5), backoff(3, 1.0)] == [FIRST * 5, FIRST * 6]

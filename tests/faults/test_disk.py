import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.workers.loop import POLL, PeriodicTask
from providers.actions import PlaceCall
from storage.queries import Query
from storage.states import State
from storage.store import Store
from tests.faults.crew import ADDRESSES, adapters_for, aim, crew, offline
from tests.faults.standins import Providers, SmallSlack, Wire
from tests.integration.bench import BotWorld, bench
from tests.storage.samples import KEY, NUMBER, Clock, verified

LONG_ENOUGH = 0.5
"""Seconds in which an immediate retry loop would fail hundreds of times."""

PAGES_LEFT = 12
"""Pages for some requests, not for all."""
ASKS = 40
IMPATIENT_MS = 50
"""Milliseconds that a writer waits here for another. Production waits ten seconds."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def pragma(stage: BotWorld, statement: str) -> int:
    """Execute a pragma on the connection that writes."""
    [value] = await stage.bot.store._database.writer._thread.run(
        lambda connection: connection.execute(f"PRAGMA {statement}").fetchone()
    )
    return int(value)


async def ask_for_many(stage: BotWorld) -> tuple[list[str], list[sqlite3.Error]]:
    """Ask for many calls. Return the ids of the accepted ones, and the errors of the others."""
    accepted, told = [], []
    for number in range(ASKS):
        action = PlaceCall(to=f"{NUMBER[:-3]}{number:03}", agent="payments", metadata={"why": "x" * 600})
        try:
            accepted.append((await stage.bot.ask(action, delivery_key=f"{number}")).id)
        except sqlite3.Error as error:
            told.append(error)
    return accepted, told


async def one_round(stage: BotWorld) -> None:
    """Run the dispatcher once."""
    await stage.bot.dispatcher.run_once()
    await stage.bot.dispatcher.finish(timedelta(seconds=5))


async def rows(stage: BotWorld) -> list[str]:
    """Return the ids of the requests in the log."""
    return sorted(
        record.request for record in (await stage.bot.store.search.page(Query(), limit=500)).actions
    )


async def test_a_full_disk_is_said_and_what_was_accepted_is_there(stage: BotWorld) -> None:
    """Requests without an error are in the log, those with one are not. Work continues once there is room."""
    await pragma(stage, f"max_page_count = {await pragma(stage, 'page_count') + PAGES_LEFT}")
    accepted, told = await ask_for_many(stage)
    assert accepted
    assert told
    assert {str(error) for error in told} == {"database or disk is full"}
    assert await rows(stage) == sorted(accepted)
    assert not (await verified(stage.bot.store)).faults
    await one_round(stage)
    begun = [record for record in await stage.bot.actions() if record.attempt]
    assert len(await stage.asked("callkaro")) == len(begun), "it was sent though `sending` was not committed"
    await pragma(stage, "max_page_count = 1000000")
    again, told = await ask_for_many(stage)
    assert not told
    assert set(accepted) <= set(again), "what was accepted before is the same request"
    await stage.pass_time(seconds=31)  # an unwritten answer is found by its lease
    await stage.bot.run_until_idle()
    assert len(await stage.asked("callkaro")) == ASKS
    assert {record.state for record in await stage.bot.actions()} <= {State.SUCCEEDED, State.UNKNOWN}


async def test_a_writer_that_stays_busy_is_said_and_what_was_accepted_is_there(stage: BotWorld) -> None:
    """While another program holds the file, nothing is accepted, users read so, and reading continues."""
    await pragma(stage, f"busy_timeout = {IMPATIENT_MS}")
    first = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments"), delivery_key="first")
    holder = sqlite3.connect(stage.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments"), delivery_key="second")
    assert await rows(stage) == [first.id]
    await one_round(stage)
    assert not await stage.asked("callkaro"), "it was sent though `sending` could not be committed"
    holder.execute("ROLLBACK")
    holder.close()
    second = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments"), delivery_key="second")
    assert await rows(stage) == sorted([first.id, second.id])
    await stage.bot.run_until_idle()
    assert len(await stage.asked("callkaro")) == 2


async def test_a_full_disk_is_not_filled_with_words_about_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed commit is retried at the pace of the periodic task, not as fast as it fails."""
    wire, clock = Wire(), Clock()
    log = await Store.open(tmp_path / "callops.db", key=KEY, clock=clock)
    wire.providers = Providers(clock)
    wire.hosts = {address.removeprefix("http://"): name for name, address in ADDRESSES.items()}
    adapters = adapters_for(offline(), clock, wire)
    sending: list[PeriodicTask] = []

    def wake() -> None:
        for one in sending:
            one.wake()

    made = crew(
        log,
        offline(),
        adapters,
        SmallSlack(lambda _: None),
        owner="one",
        clock=clock,
        wake=wake,
    )
    await made.ask(aim("place", 1), "one")
    locked = sqlite3.connect(tmp_path / "callops.db", isolation_level=None)
    await log._database.writer._thread.run(
        lambda connection: connection.execute("PRAGMA busy_timeout = 1").fetchone()
    )
    locked.execute("BEGIN IMMEDIATE")
    sending.append(PeriodicTask("dispatcher", made.dispatcher.run_once))
    running = asyncio.create_task(sending[0].run())
    await asyncio.sleep(LONG_ENOUGH)
    failed = [one for one in caplog.records if "was broken off" in one.message]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    locked.close()
    await log.close()
    assert 1 <= len(failed) <= 1 + LONG_ENOUGH / POLL

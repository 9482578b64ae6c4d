import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.outcomes import MAX_ATTEMPTS
from bot.workers.rate_limiter import account_of
from playground.faults import Fault
from providers.actions import CallRef, CancelCall
from storage.models import Request
from storage.states import State
from tests.integration.bench import PLACE, Bot, BotWorld, bench


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def cancel(bot: Bot, call: str) -> Request:
    """Create an approved cancellation of a call."""
    action = CancelCall(target=CallRef(call_id=call))
    return await bot.approve(await bot.ask(action, delivery_key=f"cancel {call}"))


async def pass_minutes(stage: BotWorld, minutes: int) -> None:
    """Let time pass in steps of half a minute, with runs of the workers."""
    for _ in range(2 * minutes):
        await stage.pass_time(seconds=30)
        await stage.bot.run_until_idle()
        await stage.bot.posts()


async def test_an_outage_costs_no_attempts_and_is_said_once(stage: BotWorld) -> None:
    """For ten minutes nobody listens. Requests wait, people read why, and all are sent afterwards."""
    await stage.providers.fail("voxworks", "refused")
    first = await cancel(stage.bot, "vx_1001")
    await stage.bot.run_until_idle()
    placed = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(placed)).state is State.SUCCEEDED  # it uses another connection
    bots = [stage.bot, await stage.start()]
    for minute in range(10):
        await pass_minutes(stage, 1)
        for bot in bots:
            await bot.posts()
        if minute == 2:
            others = [await cancel(stage.bot, one) for one in ("vx_1002", "vx_1003")]
            await stage.bot.run_until_idle()
            await stage.bot.posts()
    [said] = [one for one in await stage.said("C0AUDIT") if "has been down since" in one.text]
    shown = [one for one in await stage.said("C0AUDIT") if "voxworks is down. Next try: <!date^" in one.text]
    assert len(shown) == 3
    assert (await stage.bot.record(first)).attempt == 1
    assert [(await stage.bot.record(one)).attempt for one in others] == [0, 0]
    assert not await stage.asked("voxworks")

    await stage.providers.clear("voxworks")
    await pass_minutes(stage, 6)
    for bot in bots * 2:
        await bot.posts()
    for one in (first, *others):
        assert (await stage.bot.record(one)).state in {State.SUCCEEDED, State.FAILED}
    edited = [one for one in await stage.said("C0AUDIT") if one.ts == said.ts]
    assert "voxworks is back since" in edited[-1].text
    assert not [one for one in await stage.said("C0AUDIT") if "Waits: voxworks" in one.text]
    assert list(await stage.bot.store.outages.all_outages()) == []


async def test_what_waits_for_a_provider_that_is_down_still_runs_out_of_time(stage: BotWorld) -> None:
    """A call for now is not placed an hour later."""
    await stage.providers.fail("callkaro", "refused")
    late = await stage.bot.ask(PLACE)
    await pass_minutes(stage, 20)
    assert (await stage.bot.record(late)).state is State.EXPIRED
    await stage.providers.clear("callkaro")
    await pass_minutes(stage, 10)
    assert not [one for one in await stage.asked("callkaro") if one.request.line.startswith("POST")]


async def test_one_request_finds_out_where_something_answers(stage: BotWorld) -> None:
    """After several 502s, one request goes out when the provider's pause ends.

    The others follow its success.
    """
    await stage.providers.fail("callkaro", Fault(does="html_502", times=None))
    for number in range(4):
        await stage.bot.ask(PLACE, delivery_key=f"first {number}")
        await stage.bot.run_until_idle()
        await stage.pass_time(milliseconds=1)
    before = len(await stage.asked("callkaro"))
    waiting = [await stage.bot.ask(PLACE, delivery_key=f"then {number}") for number in range(3)]
    await stage.bot.run_until_idle()
    assert before == 4
    assert len(await stage.asked("callkaro")) == before
    await stage.pass_time(minutes=1)
    await stage.bot.run_until_idle()
    assert len(await stage.asked("callkaro")) == before + 1
    await stage.providers.clear("callkaro")
    await stage.pass_time(minutes=2)
    await stage.bot.run_until_idle()
    states = [(await stage.bot.record(one)).state for one in waiting]
    assert sorted(states) == [State.SUCCEEDED, State.SUCCEEDED, State.UNKNOWN]


async def test_one_request_in_doubt_stops_nobody(stage: BotWorld) -> None:
    """A request may get broken answers again and again, and others are sent meanwhile."""
    await stage.providers.fail("voxworks", Fault(does="html_502", times=MAX_ATTEMPTS))
    doubtful = await cancel(stage.bot, "vx_1001")
    for _ in range(MAX_ATTEMPTS):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=10)
    other = await cancel(stage.bot, "vx_1002")
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(doubtful)).state is State.UNKNOWN
    assert (await stage.bot.record(other)).attempt == 1


async def test_a_long_pause_is_said_and_can_be_lifted(stage: BotWorld) -> None:
    """Actions waiting for a long pause say so, until its end or until somebody ends it."""
    fault = Fault(does="rate_limited", times=1, headers={"Retry-After": "3600"})
    await stage.providers.fail("voxworks", fault)
    first = await cancel(stage.bot, "vx_1001")
    await stage.bot.run_until_idle()
    second = await cancel(stage.bot, "vx_1002")
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.record(second)).attempt == 0
    waits = [
        one
        for one in await stage.said("C0AUDIT")
        if "voxworks asked us to wait. Next try: <!date^" in one.text
    ]
    assert len(waits) == 2
    adapter = stage.bot.adapters["voxworks"]
    [lifted] = await stage.bot.store.outages.reset(["voxworks"], account_of("voxworks", adapter))
    assert lifted.until - lifted.since == timedelta(hours=1)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(second)).attempt == 1
    assert (await stage.bot.record(first)).attempt == 1  # its own time comes later


async def test_workers_are_counted_over_processes(stage: BotWorld) -> None:
    """Two processes together send no more of a connection's requests at once than allowed."""
    text = {"[connections.reminders.agents]": "workers = 3\n\n[connections.reminders.agents]"}
    bots = [await stage.crash(**text), await stage.start(**text)]
    await stage.providers.fail("callkaro", Fault(does="slow", seconds=1, times=None))
    for number in range(8):
        await bots[0].ask(PLACE, delivery_key=f"{number}")
    for _ in range(3):
        for bot in bots:
            await bot.dispatcher.run_once()
    while len(await stage.asked("callkaro")) < 3:  # noqa: ASYNC110 - nothing tells when a request came
        await asyncio.sleep(0.01)
    for bot in bots:
        await bot.dispatcher.run_once()
    await asyncio.sleep(0.1)
    out = [one for one in await stage.asked("callkaro") if one.answer is None]
    assert len(out) == 3
    for _ in range(4):
        for bot in bots:
            await bot.run_until_idle()
    asked = await stage.asked("callkaro")
    assert len(asked) == 8
    assert {record.state for record in await bots[0].actions()} == {State.SUCCEEDED}

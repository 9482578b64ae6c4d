"""Delays by a provider: the number and triggers of attempts, and people's messages meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.services.models import RequestSource, RequestSpec
from playground.faults import Fault
from providers.actions import CallRef, CancelCall, Code, NumberRef, PlaceCall, StopCampaign
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_ID, DELETE, PLACE, BotWorld, bench


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def test_nobody_waits_beyond_the_deadline(stage: BotWorld) -> None:
    """A provider that delays a stop beyond the request's time has refused it, and people read what to do."""
    await stage.with_kore(**{'"delete_campaign"]': '"delete_campaign", "stop_campaign"]'})
    spec = RequestSpec("kore", (StopCampaign(target=DELETE.target),), "customer asked")
    origin = RequestSource(await stage.bot.person(AGENT), "C0SUPPORT", "stop")
    made = (await stage.bot.requests.ask(spec, origin)).request
    await stage.bot.run_until_idle()  # this looks the campaign up
    later = Fault(does="rate_limited", headers={"Retry-After": str(9 * 3600)})
    await stage.providers.fail("kore", later)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert record.state is State.FAILED
    assert "in the provider's dashboard" in (record.message or "")


NONSENSE = ["0", "0.001", "-5", "soon", "", "nan", "1e9", "+5", "5, 9", "Tue, 30 Dec 2025 11:00:00 GMT"]


async def times(stage: BotWorld, provider: str) -> list[float]:
    """Return the times of a provider's requests, in seconds since the first."""
    asked = await stage.asked(provider)
    return [(one.request.at - asked[0].request.at).total_seconds() for one in asked]


@pytest.mark.parametrize("told", [*NONSENSE, None])
async def test_nonsense_in_retry_after_makes_no_hot_loop(stage: BotWorld, told: str | None) -> None:
    """Zero, the past and nonsense count as no time. Each wait is twice the one before, up to 15 minutes."""
    headers = {} if told is None else {"Retry-After": told}
    await stage.providers.fail("voxworks", Fault(does="rate_limited", times=None, headers=headers))
    made = await stage.bot.approved(CANCEL_BY_ID)
    for _ in range(1500):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=2)
    begun = await times(stage, "voxworks")
    waits = [after - before for before, after in pairwise(begun)]
    assert len(begun) == 10
    assert all(
        wait >= least for wait, least in zip(waits, (5, 10, 20, 40, 80, 160, 320, 640, 900), strict=True)
    )
    assert (await stage.bot.record(made)).state is State.APPROVED
    while (await stage.bot.record(made)).state is State.APPROVED:
        await stage.pass_time(minutes=5)
        await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state in {State.EXPIRED, State.FAILED}
    assert len(await stage.asked("voxworks")) <= 40


async def test_of_many_that_are_put_off_each_backs_off(stage: BotWorld) -> None:
    """A provider says "now" again and again to twenty cancellations.

    Each has at most four attempts in a minute.
    """
    now = Fault(does="rate_limited", times=None, headers={"Retry-After": "0"})
    await stage.providers.fail("voxworks", now)
    for number in range(20):
        action = CancelCall(target=CallRef(call_id=f"vx_1{number:03}"))
        await stage.bot.approve(await stage.bot.ask(action, delivery_key=f"{number}"))
    for _ in range(60):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=1)
    assert len(await stage.asked("voxworks")) <= 20 * 4
    ended = [record for record in await stage.bot.actions() if record.state is not State.APPROVED]
    # A connection that a busy computer cannot make in a second is a failure of its own. It may end an action.
    assert [record.message for record in ended if record.code is not Code.UNREACHABLE] == []


async def scheduled(stage: BotWorld, *, days: int) -> PlaceCall:
    """Return a call that many days ahead."""
    return PLACE.model_copy(update={"at": stage.clock() + timedelta(days=days)})


async def test_a_long_wait_that_was_asked_for_stops_no_removal(stage: BotWorld) -> None:
    """For a day, a cancellation is retried every 15 minutes and no call is placed.

    A success releases the next.
    """
    day = Fault(does="reply", status=429, times=None, headers={"Retry-After": "86400"}, effect=False)
    await stage.providers.fail("callkaro", day)
    placed = await stage.bot.ask(await scheduled(stage, days=2), delivery_key="placed")
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(placed)).state is State.FAILED  # a placed call is not retried
    numbers = ["+919876500001", "+919876500002", "+919876500003"]
    cancels = [
        await stage.bot.approve(
            await stage.bot.ask(CancelCall(target=NumberRef(agent="payments", to=one)), delivery_key=one)
        )
        for one in numbers
    ]
    waiting = await stage.bot.ask(await scheduled(stage, days=3), delivery_key="waits")
    before = len(await stage.asked("callkaro"))
    for _ in range(2 * 60):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=30)
    asked = (await stage.asked("callkaro"))[before:]
    assert {one.request.target.partition("?")[0] for one in asked} == {"/call/delete-schedule-call"}
    assert 3 <= len(asked) <= 4
    begun = [one.request.at for one in asked]
    assert all(after - before >= timedelta(minutes=15) for before, after in pairwise(begun))
    await stage.providers.clear("callkaro")
    for _ in range(2 * 20):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=30)
    assert {(await stage.bot.record(one)).state for one in cancels} == {State.SUCCEEDED}
    assert (await stage.bot.record(waiting)).state is State.APPROVED
    await stage.pass_time(days=1)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(waiting)).attempt <= 1


async def test_removals_that_probe_go_one_at_a_time(stage: BotWorld) -> None:
    """Two processes have five cancellations.

    While the account asked for a day, never more than one is out.
    """
    day = Fault(does="rate_limited", times=5, headers={"Retry-After": "86400"})
    await stage.providers.fail("voxworks", day)
    for number in range(5):
        action = CancelCall(target=CallRef(call_id=f"vx_1{number:03}"))
        await stage.bot.approve(await stage.bot.ask(action, delivery_key=f"{number}"))
    await stage.bot.dispatcher.run_once()
    await stage.bot.dispatcher.finish(timedelta(seconds=10))
    other = await stage.start()
    await stage.providers.fail("voxworks", Fault(does="slow", seconds=0.2, times=None))
    before = len(await stage.asked("voxworks"))
    assert before == 5
    for minutes in (1, 13):
        await stage.pass_time(minutes=minutes)
        for bot in (stage.bots[0], other):
            await bot.run_until_idle()
    assert len(await stage.asked("voxworks")) == before
    await stage.pass_time(minutes=1)
    for bot in (stage.bots[0], other):
        await bot.dispatcher.run_once()
    await asyncio.sleep(0.1)
    out = [one for one in (await stage.asked("voxworks"))[before:] if one.answer is None]
    assert len(out) == 1
    for _ in range(5):
        for bot in (stage.bots[0], other):
            await bot.run_until_idle()
    await stage.pass_time(minutes=4)
    for bot in (stage.bots[0], other):
        await bot.run_until_idle()
    assert len(await stage.asked("voxworks")) > before + 1


async def test_what_waits_for_a_day_says_what_to_do(stage: BotWorld) -> None:
    """The message has the end, the cancellations tried meanwhile, the command, and the provider's screen."""
    day = Fault(does="rate_limited", times=None, headers={"Retry-After": "86400"})
    await stage.providers.fail("voxworks", day)
    made = await stage.bot.approved(CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    [audit] = [
        one for one in await stage.said("C0AUDIT") if "asked us to wait. Next try: <!date^" in one.text
    ]
    assert "retries a cancellation every 15 minutes" in audit.text
    assert "python -m bot retry-connection voxworks" in audit.text
    assert "use the provider's dashboard" in audit.text
    await stage.pass_time(hours=9)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.record(made)).state is State.EXPIRED
    [told] = [
        one for one in await stage.said("D0AGENT") if "asked us to wait until it was too late" in one.text
    ]
    assert "in the provider's dashboard" in told.text

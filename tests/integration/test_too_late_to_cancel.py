"""Approved cancellations that cannot be sent before their call: none is sent, and none is a success."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.services.models import RequestSource, RequestSpec, Reschedule, Settlement
from bot.text.interactions import Evidence
from playground.faults import Fault
from providers.actions import CallAction, PlaceCall
from storage.models import ActionRecord, Cancelled, Request
from storage.states import State
from tests.e2e.scene import until
from tests.integration.bench import AGENT, CANCEL_BY_ID, CANCEL_BY_NUMBER, MANAGER, BotWorld, bench
from tests.storage.samples import NUMBER


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def place(stage: BotWorld, **later: float) -> ActionRecord:
    """Schedule a call that much later."""
    at = stage.clock().replace(microsecond=0) + timedelta(**later)
    made = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key=f"call {at}")
    await stage.bot.run_until_idle()
    return await stage.bot.record(made)


async def cancel(
    stage: BotWorld,
    action: CallAction = CANCEL_BY_NUMBER,
    *,
    moves: Reschedule | None = None,
    reported_call_time: datetime | None = None,
) -> Request:
    """Create an approved cancellation."""
    person = await stage.bot.person(AGENT)
    connection = "voxworks" if action == CANCEL_BY_ID else "reminders"
    spec = RequestSpec(
        connection, (action,), "customer asked", reschedules=moves, reported_call_time=reported_call_time
    )
    asked = await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", "cancel"))
    return await stage.bot.approve(asked.request)


async def second_steps(stage: BotWorld) -> None:
    """Let reschedules create their second steps, and send them."""
    moving = stage.bot.reschedules
    await moving.run_once()
    await stage.bot.run_until_idle()
    await moving.run_once()


async def pass_hours(stage: BotWorld, hours: float) -> None:
    """Let time pass in steps of five minutes, with runs of the workers."""
    for _ in range(round(hours * 12)):
        await stage.pass_time(minutes=5)
        await stage.bot.run_until_idle()
        await second_steps(stage)
    await stage.bot.posts()


async def heard(stage: BotWorld, channel: str) -> str:
    """Return the last message in a channel, after the message that it replies to."""
    said = await stage.said(channel)
    last = said[-1]
    return " ".join(one.text for one in said if one is last or one.ts == last.thread_ts)


async def test_nothing_is_cancelled_once_the_call_went_out(stage: BotWorld) -> None:
    """The provider is down until then. The approved cancellation expires, and everybody reads why."""
    placed = await place(stage, hours=1)
    await stage.providers.fail("callkaro", "refused")
    made = await cancel(stage)
    await stage.bot.run_until_idle()
    await pass_hours(stage, 1.3)
    assert (await stage.bot.record(made)).state is State.EXPIRED
    await stage.providers.clear("callkaro")
    await pass_hours(stage, 1)
    assert await stage.effects("callkaro") == ["placed"]
    assert len([one for one in await stage.asked("callkaro") if one.request.method == "POST"]) == 1
    for channel in ("C0AUDIT", "D0AGENT"):
        told = next(one.text for one in await stage.said(channel) if "Not cancelled" in one.text)
        assert "The call went out" in told
        assert "CallOps couldn't send the cancellation in time" in told
        assert "will* be called" not in told
        assert "decided" not in told
    assert (await stage.bot.store.requests.request(placed.request)).cancelled is None


async def test_a_move_that_comes_too_late_calls_nobody_again(stage: BotWorld) -> None:
    """A call that went out before its cancellation is not placed a second time."""
    placed = await place(stage, hours=1)
    assert isinstance(placed.action, PlaceCall)
    await stage.providers.fail("callkaro", "refused")
    again = placed.action.model_copy(update={"at": stage.clock() + timedelta(hours=4)})
    made = await cancel(stage, moves=Reschedule(placed.id, again))
    await stage.bot.run_until_idle()
    await pass_hours(stage, 1.3)
    await stage.providers.clear("callkaro")
    await pass_hours(stage, 4)
    assert (await stage.bot.record(made)).state is State.EXPIRED
    assert await stage.effects("callkaro") == ["placed"]
    told = await heard(stage, "D0AGENT")
    assert "Not moved" in told
    assert "The call went out" in told
    assert "It isn't placed again" in told


async def test_a_time_that_the_requester_said_counts_and_is_theirs(stage: BotWorld) -> None:
    """Without a known time, the requester's time is the end as well, and the message names its source."""
    await stage.providers.fail("voxworks", "refused")
    made = await cancel(stage, CANCEL_BY_ID, reported_call_time=stage.clock() + timedelta(hours=1))
    await stage.bot.run_until_idle()
    await pass_hours(stage, 1.3)
    await stage.providers.clear("voxworks")
    await pass_hours(stage, 1)
    assert (await stage.bot.record(made)).state is State.EXPIRED
    assert not await stage.effects("voxworks")
    told = await heard(stage, "D0AGENT")
    assert "was due" in told
    assert "<@U0AGENT> says" in told


async def test_without_a_known_time_it_is_sent_whenever_it_can_be(stage: BotWorld) -> None:
    """Nothing is inferred about an unknown call time."""
    await stage.providers.fail("voxworks", "refused")
    made = await cancel(stage, CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    await pass_hours(stage, 1.3)
    await stage.providers.clear("voxworks")
    await pass_hours(stage, 1)
    assert (await stage.bot.record(made)).state is State.SUCCEEDED


async def test_a_later_call_to_the_number_is_still_cancelled(stage: BotWorld) -> None:
    """The first of two calls went out. The other is removed, and no message says that both were."""
    first, second = await place(stage, hours=1), await place(stage, hours=6)
    await stage.providers.fail("callkaro", "refused")
    made = await cancel(stage)
    await stage.bot.run_until_idle()
    await pass_hours(stage, 1.3)
    assert (await stage.bot.record(made)).state is State.APPROVED
    await stage.providers.clear("callkaro")
    await pass_hours(stage, 1)
    assert (await stage.bot.record(made)).state is State.SUCCEEDED
    assert await stage.effects("callkaro") == ["placed", "placed", "removed"]
    for channel in ("C0AUDIT", "D0AGENT"):
        told = [
            one.text
            for one in await stage.said(channel)
            if "*Cancelled*" in one.text and "later calls" in one.text
        ]
        assert told, channel
        assert all("later calls to +91" in one for one in told)
    assert "only later calls can have been cancelled" in await heard(stage, "D0AGENT")
    log = stage.bot.store
    assert [(await log.requests.request(one.id)).cancelled for one in (first, second)] == [
        None,
        Cancelled(made.id, requester=made.requester, reason=made.reason),
    ]


async def test_what_runs_out_while_a_later_call_is_to_come_says_so(stage: BotWorld) -> None:
    """The rule's time is over, the second call's is not, so there is still something to do."""
    await place(stage, hours=1)
    await place(stage, hours=9)
    await stage.providers.fail("callkaro", "refused")
    made = await cancel(stage)
    await pass_hours(stage, 8.3)
    assert (await stage.bot.record(made)).state is State.EXPIRED
    told = await heard(stage, "D0AGENT")
    assert "Later calls to this number still go out. Request it again" in told
    assert "The call went out" not in told


async def test_a_newer_schedule_is_not_what_was_to_be_cancelled(stage: BotWorld) -> None:
    """A call that was placed after the cancellation's request is irrelevant: its own call went out."""
    await place(stage, hours=1)
    person = await stage.bot.person(AGENT)
    spec = RequestSpec("reminders", (CANCEL_BY_NUMBER,), "customer asked")
    asked = await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", "cancel"))
    await stage.pass_time(minutes=1)
    await place(stage, hours=6)
    await stage.providers.fail("callkaro", "refused")
    made = await stage.bot.approve(asked.request)
    await stage.bot.run_until_idle()
    await pass_hours(stage, 1.3)
    assert (await stage.bot.record(made)).state is State.EXPIRED


async def test_what_is_in_doubt_is_not_sent_again_after_the_call(stage: BotWorld) -> None:
    """An answer is lost just before the call, and a person's retry comes after it.

    The outcome stays unknown.
    """
    await place(stage, seconds=5)
    await stage.providers.fail("callkaro", Fault(does="reset", times=1, effect=False))
    made = await cancel(stage)
    await stage.pass_time(seconds=4)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=3)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.UNKNOWN
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.settle(
        made.actions[0].id,
        manager,
        Settlement.RETRY_REQUESTED,
        evidence=Evidence.NONE,
        reason="nobody can tell",
        nonce="again",
    )
    await stage.bot.run_until_idle()
    await second_steps(stage)
    record = await stage.bot.record(made)
    assert record.state is State.UNKNOWN
    assert "the call was already due" in (record.message or "")
    deletes = [one for one in await stage.asked("callkaro") if "delete" in one.request.target]
    assert len(deletes) == 1


@pytest.mark.parametrize("step", ["before sending", "before hold", "after hold"])
async def test_the_call_goes_out_between_the_claim_and_the_send(stage: BotWorld, step: str) -> None:
    """The call's time is the last check: nothing leaves once it came."""
    await place(stage, minutes=1)
    made = await cancel(stage)

    async def late() -> None:
        del stage.bot.store.at[step]
        stage.clock.move(minutes=1)

    stage.bot.store.at[step] = late
    for _ in range(3):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=31)
    assert (await stage.bot.record(made)).state in {State.EXPIRED, State.UNKNOWN}
    assert await stage.effects("callkaro") == ["placed"]
    assert not [one for one in await stage.asked("callkaro") if "delete" in one.request.target]


@pytest.mark.parametrize("after", ["its lease", "the call"])
async def test_an_answer_after_the_call_proves_nothing(stage: BotWorld, after: str) -> None:
    """A provider that confirms any deletion may mean a call that had rung. People settle it."""
    placed = await place(stage, minutes=1)
    assert isinstance(placed.action, PlaceCall)
    again = placed.action.model_copy(update={"at": stage.clock() + timedelta(hours=4)})
    made = await cancel(stage, moves=Reschedule(placed.id, again))
    bot, awake, answered = stage.bot, asyncio.Event(), asyncio.Event()
    await stage.pass_time(seconds=55)

    async def asleep() -> None:
        answered.set()
        await awake.wait()

    bot.store.at["before succeeded"] = bot.store.at["before unknown"] = asleep
    await stage.providers.fail("callkaro", Fault(does="slow", seconds=0.3))
    await bot.dispatcher.run_once()

    async def it_is_out() -> bool | None:
        return any("delete" in one.request.target for one in await stage.asked("callkaro")) or None

    await until(it_is_out)
    await stage.pass_time(seconds=10)
    await answered.wait()
    if after == "its lease":
        other = await stage.start()
        await stage.pass_time(seconds=31)
        await other.run_until_idle()
    bot.store.at.clear()
    awake.set()
    await bot.dispatcher.finish(timedelta(seconds=5))
    await second_steps(stage)
    assert (await stage.bot.record(made)).state is State.UNKNOWN
    assert len([one for one in await stage.effects("callkaro") if one == "placed"]) == 1

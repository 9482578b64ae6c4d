from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.services.models import RequestSource, RequestSpec, Reschedule
from providers.actions import CancelCall, NumberRef, PlaceCall
from storage.models import Request
from storage.states import State
from tests.faults.judging import Channels, Seen, claims, judge, mark_of
from tests.integration.bench import AGENT, CANCEL_BY_ID, CANCEL_BY_NUMBER, PLACE, BotWorld, Parts, bench
from tests.integration.deciding import AnyTimeWillDo
from tests.storage.samples import NUMBER

NEW_YORK = ZoneInfo("America/New_York")
CHANGES = {
    "forward": datetime(2026, 3, 8, 6, 59, tzinfo=UTC),
    "back": datetime(2026, 11, 1, 5, 59, tzinfo=UTC),
}
"""A minute before the clocks of New York change in 2026 (tzdata)."""
EIGHT_HOURS = timedelta(hours=8)
"""Time that the rule gives approvers."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def test_an_hour_back_expires_sends_and_repeats_nothing(stage: BotWorld) -> None:
    """After the clock was set back, pending requests stay pending, and approved actions are sent once."""
    waiting = await stage.bot.ask(CANCEL_BY_ID)
    placed = await stage.bot.ask(PLACE, delivery_key="call")
    await stage.bot.run_until_idle()
    await stage.pass_time(hours=-1)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(waiting)).state is State.PENDING
    assert (await stage.bot.record(placed)).state is State.SUCCEEDED
    await stage.bot.approve(waiting)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(waiting)).state is State.SUCCEEDED
    assert (len(await stage.asked("callkaro")), len(await stage.asked("voxworks"))) == (1, 1)


async def test_a_lease_outlives_a_clock_that_was_set_back(stage: BotWorld) -> None:
    """A dead process's action is found by its lease, later by as much as the clock went back.

    It is not repeated.
    """
    stage.bot.store.at["before succeeded"] = stage.bot.store.die
    placed = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.crash()
    await stage.pass_time(hours=-1)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(placed)).state is State.SENDING
    await stage.pass_time(hours=1, seconds=31)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(placed)).state is State.UNKNOWN
    assert len(await stage.asked("callkaro")) == 1


async def test_three_days_ahead_end_what_waited_and_place_no_late_call(stage: BotWorld) -> None:
    """A leap of three days expires requests, places no call of that time, and keeps later ones."""
    waiting = await stage.bot.ask(CANCEL_BY_ID)
    approved = await stage.bot.ask(PLACE, delivery_key="now")
    later = stage.clock().replace(microsecond=0) + timedelta(days=7)
    scheduled = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=later), delivery_key="later")
    await stage.pass_time(days=3)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.record(waiting)).state is State.EXPIRED
    assert (await stage.bot.record(approved)).state is State.EXPIRED
    assert (
        await stage.bot.record(scheduled)
    ).state is State.EXPIRED  # approved for eight hours, not for days
    assert not await stage.asked("callkaro")
    assert not await stage.asked("voxworks")
    assert len([one for one in await stage.said("C0AUDIT") if one.text.startswith("❌ *Expired*")]) == 3


@pytest.mark.parametrize("way", CHANGES)
async def test_a_change_of_the_clocks_moves_no_deadline_and_no_call(stage: BotWorld, way: str) -> None:
    """Deadlines are instants: eight hours are eight hours, whatever a wall clock shows meanwhile."""
    stage.clock.now = CHANGES[way]
    await stage.pass_time()
    at = (stage.clock() + timedelta(hours=20)).astimezone(NEW_YORK)
    placed = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    await stage.bot.run_until_idle()
    [exchange] = await stage.asked("callkaro")
    [effect] = exchange.effects
    assert effect.subject.due == at  # type: ignore[union-attr]  # a call
    assert (await stage.bot.record(placed)).scheduled_for == at.astimezone(UTC)
    waiting = await stage.bot.ask(CANCEL_BY_ID)
    assert waiting.decide_by == stage.clock() + EIGHT_HOURS
    await stage.pass_time(hours=7, minutes=59)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(waiting)).state is State.PENDING
    await stage.pass_time(minutes=1)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(waiting)).state is State.EXPIRED


async def test_a_cancellation_that_waits_while_its_call_goes_out_is_said_to_be_too_late(
    stage: BotWorld,
) -> None:
    """The provider gets no request for a call that went out, and channel and requester read why."""
    at = stage.clock().replace(microsecond=0) + timedelta(hours=1)
    await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    await stage.bot.run_until_idle()
    cancel = CancelCall(target=NumberRef(agent="payments", to=NUMBER))
    waiting = await stage.bot.ask(cancel, delivery_key="cancel")
    await stage.bot.posts()
    await stage.pass_time(hours=1)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.record(waiting)).state is State.EXPIRED
    assert len(await stage.asked("callkaro")) == 1
    assert any("The call went out" in one.text for one in await stage.said("C0AUDIT"))
    assert any("The call went out" in str(one.blocks) for one in await stage.said("D0AGENT"))


ON_TIME = timedelta(hours=1)
"""Time until the call to be cancelled goes out."""


async def approved_for_a_call(stage: BotWorld, how: str) -> Request:
    """Create a cancellation that is approved an hour before its call. Its provider is unreachable."""
    at = stage.clock().replace(microsecond=0) + ON_TIME
    connection, provider, cancel, said, moved = "reminders", "callkaro", CANCEL_BY_NUMBER, None, None
    if how == "by id":
        connection, provider, cancel, said = "voxworks", "voxworks", CANCEL_BY_ID, at
    else:
        call = PlaceCall(to=NUMBER, agent="payments", at=at)
        placed = await stage.bot.ask(call, delivery_key="call")
        await stage.bot.run_until_idle()
        if how == "a move":
            moved = Reschedule(placed.id, call.model_copy(update={"at": at + timedelta(hours=3)}))
    await stage.providers.fail(provider, "refused")
    spec = RequestSpec(connection, (cancel,), "customer asked", reported_call_time=said, reschedules=moved)
    person = await stage.bot.person(AGENT)
    asked = await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", "cancel"))
    return await stage.bot.approve(asked.request)


async def until_the_provider_is_back(stage: BotWorld) -> None:
    """Let eighty minutes pass without a provider, then four hours with it, with a run every five minutes."""
    bot = stage.bot
    moving = bot.reschedules
    for minutes in range(0, 320, 5):
        if minutes == 80:
            await stage.providers.clear("callkaro")
            await stage.providers.clear("voxworks")
        await bot.run_until_idle()
        await moving.run_once()
        await stage.pass_time(minutes=5)
    await bot.run_until_idle()


async def false_successes(stage: BotWorld) -> list[str]:
    """Return the actions that the log calls done, and the provider's journal does not."""
    records = await stage.bot.actions()
    events = [event for one in records for event in await stage.bot.store.requests.events(one.request)]
    journal = await stage.providers.journal("callkaro")
    marks = {mark_of(one.for_provider) for one in records if one.for_provider}
    return judge(claims(records, events), Seen(journal, marks), Channels([], "C0AUDIT")).false_success


@pytest.mark.parametrize("how", ["by number", "by id", "a move"])
async def test_what_is_approved_in_time_and_sent_too_late_is_not_sent_at_all(
    stage: BotWorld, how: str
) -> None:
    """If a provider is down until after the call, nothing is sent later, and nobody is called twice."""
    made = await approved_for_a_call(stage, how)
    await until_the_provider_is_back(stage)
    assert (await stage.bot.record(made)).state is State.EXPIRED
    provider = "voxworks" if how == "by id" else "callkaro"
    await stage.providers.calls(provider)  # this makes due calls go out
    effects = [effect.what for effect in (await stage.providers.journal(provider)).effects]
    assert "removed" not in effects
    assert "cancelled" not in effects
    if how != "by id":
        assert effects == ["placed", "attempted"]
        assert await false_successes(stage) == []


async def test_a_bot_that_cancels_what_went_out_is_found_out(tmp_path: Path) -> None:
    """The judge believes no "deleted" for a call that had rung."""
    async with bench(tmp_path, Parts(attempts=AnyTimeWillDo)) as stage:
        made = await approved_for_a_call(stage, "by number")
        await until_the_provider_is_back(stage)
        assert any("delete" in one.request.target for one in await stage.asked("callkaro"))
        assert await false_successes(stage) == [f"{made.id}: succeeded with what was not there"]

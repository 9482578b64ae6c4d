"""The computer's clock is set back by hours during waits, and no wait becomes longer than ordered."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from playground.faults import Fault
from providers.actions import CallRef, CancelCall, PlaceCall
from storage.changes import Announced, Announcement
from storage.states import State
from tests.integration.bench import MANAGER, PLACE, SECOND, BotWorld, bench
from tests.storage.samples import NUMBER

BACK = [timedelta(hours=1), timedelta(days=2)]
A_WHILE = timedelta(minutes=2)
"""Time that is longer than any of these waits, and much shorter than the setback."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def go_back(stage: BotWorld, by: timedelta) -> None:
    """Set the clock back."""
    await stage.pass_time(seconds=-by.total_seconds())


async def posted(stage: BotWorld) -> int:
    """Return how many messages the audit channel has after a while, without threads."""
    for _ in range(12):
        await stage.bot.posts()
        await stage.pass_time(seconds=A_WHILE.total_seconds() / 12)
    return len([one for one in await stage.said("C0AUDIT") if not one.thread_ts])


@pytest.mark.parametrize("back", BACK, ids=str)
@pytest.mark.parametrize(
    ("does", "more"),
    [
        ("ratelimited", {"retry_after": 45}),
        ("server_error", {"times": 5}),
        ("error", {"code": "not_in_channel", "times": 2}),
        ("error", {"code": "odd", "times": 3}),
        (None, {}),
    ],
    ids=["rate limited", "Slack down", "channel shut", "odd", "pace"],
)
async def test_posts_that_wait_are_posted(
    stage: BotWorld, back: timedelta, does: str | None, more: dict[str, int | str]
) -> None:
    """The waits are Slack's rate limit, its `Retry-After`, an outage of Slack, and a channel to be mended."""
    if does:
        await stage.people.fail("chat.postMessage", does, **more)  # type: ignore[arg-type]  # a table's columns
    for number in range(4):
        action = PlaceCall(to=f"{NUMBER[:-1]}{number}", agent="payments")
        await stage.bot.ask(action, delivery_key=f"{number}")
    await stage.bot.outbox.run_once()
    await go_back(stage, back)
    assert await posted(stage) == 4


@pytest.mark.parametrize("back", BACK, ids=str)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(does="rate_limited", times=1, headers={"Retry-After": "600"}),
        Fault(does="html_502", times=1),
        Fault(does="reset", times=1),
    ],
    ids=lambda fault: fault.does,
)
async def test_retries_that_wait_are_made(stage: BotWorld, back: timedelta, fault: Fault) -> None:
    """A cancellation to be retried is sent soon after, whatever the provider had asked for."""
    await stage.providers.fail("voxworks", fault)
    made = await stage.bot.ask(CancelCall(target=CallRef(call_id="vx_1001")))
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    waiting = await stage.bot.record(made)
    assert (waiting.state, waiting.not_before is None) == (State.APPROVED, False)
    assert len(await stage.asked("voxworks")) == 1
    await go_back(stage, back)
    for _ in range(12):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=A_WHILE.total_seconds() / 12)
    assert len(await stage.asked("voxworks")) == 2
    assert (await stage.bot.record(made)).attempt == 2


@pytest.mark.parametrize("back", BACK, ids=str)
async def test_news_of_a_stop_that_wait_are_told(stage: BotWorld, back: timedelta) -> None:
    """Items of this process, and those of a dead one, are posted soon."""
    log = stage.bot.store
    await log.do_not_call.add(NUMBER, masked="+91\u00a0•••3210", actor="U0AGENT", reason=None)
    await stage.people.fail("chat.postMessage", "server_error", times=2)
    await stage.bot.outbox.run_once()
    await stage.crash()
    await go_back(stage, back)
    assert await posted(stage) == 1


@pytest.mark.parametrize("back", BACK, ids=str)
async def test_announcements_and_outages_that_wait_are_said(stage: BotWorld, back: timedelta) -> None:
    """Announcements and outages wait no longer than before either."""
    await stage.providers.fail("voxworks", "refused")
    made = await stage.bot.ask(CancelCall(target=CallRef(call_id="vx_1001")))
    await stage.bot.approve(made)
    for _ in range(20):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=30)
    faulty = {"faults": "a fault"}
    await stage.bot.store.outbox.announce(
        Announcement(Announced.RULES_FAULTY, "now", "channel:C0SUPPORT", payload=faulty)
    )
    await stage.people.fail("chat.postMessage", "server_error", times=6)
    for _ in range(3):
        await stage.bot.posts()
        await stage.pass_time(seconds=30)
    await go_back(stage, back)
    await stage.people.heal()
    for _ in range(6):
        await stage.bot.posts()
        await stage.pass_time(seconds=A_WHILE.total_seconds() / 6)
    assert len(await stage.said("C0SUPPORT")) == 1
    assert [one for one in await stage.said("C0AUDIT") if "voxworks" in one.text]


@pytest.mark.parametrize("back", BACK, ids=str)
async def test_the_next_approver_is_asked(stage: BotWorld, back: timedelta) -> None:
    """The approvers are asked in turn, at most one of them too early."""
    await stage.bot.ask(CancelCall(target=CallRef(call_id="vx_1001")))
    await stage.bot.asks()
    assert (len(await stage.said("D0MANAGER")), len(await stage.said("D0SECOND"))) == (1, 0)
    await go_back(stage, back)
    await stage.pass_time(minutes=6)
    for _ in range(3):
        await stage.bot.asks()
        await stage.pass_time(seconds=20)
    assert (len(await stage.said("D0MANAGER")), len(await stage.said("D0SECOND"))) == (1, 1)


async def test_a_presence_is_asked_for_again(stage: BotWorld) -> None:
    """A person who was away before the clock went back may be here now."""
    await stage.people.person(MANAGER).be_away()
    assert await stage.bot.directory.is_away(MANAGER)
    await stage.people.person(MANAGER).be_away(away=False)
    await go_back(stage, BACK[0])
    assert not await stage.bot.directory.is_away(MANAGER)
    assert not await stage.bot.directory.is_away(SECOND)


async def test_a_wait_is_kept_where_the_clock_was_not_set(stage: BotWorld) -> None:
    """Slack's Retry-After is not shortened."""
    await stage.people.fail("chat.postMessage", "ratelimited", retry_after=90)
    await stage.bot.ask(PLACE)
    await stage.bot.posts()
    await stage.pass_time(seconds=60)
    await stage.bot.posts()
    assert len(await stage.people.journal("chat.postMessage")) == 1

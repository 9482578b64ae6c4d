import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.config.settings import MOST_WORKERS
from bot.services.models import Settlement
from bot.services.outcomes import PAUSES, WINDOW
from bot.text.interactions import Evidence
from bot.workers.loop import PeriodicTask
from playground.faults import Fault
from providers.actions import CallRef, CancelCall, Code
from storage.states import State
from tests.e2e.scene import until
from tests.integration.bench import AGENT, CANCEL_BY_ID, CANCEL_BY_NUMBER, MANAGER, PLACE, BotWorld, bench
from tests.storage.samples import verified


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def test_a_slow_connection_holds_up_no_other(stage: BotWorld) -> None:
    """A connection has at most `workers` requests out, and another connection's requests go meanwhile."""
    bot = await stage.crash(**{"[dispatch]": "[dispatch]\nworkers = 2"})
    await stage.providers.fail("callkaro", Fault(does="slow", seconds=1, times=None))
    for number in range(5):
        await bot.ask(PLACE, delivery_key=f"{number}")
    quick = await bot.approved(CANCEL_BY_ID)
    await bot.dispatcher.run_once()

    async def the_quick_one_is_done() -> bool | None:
        both_out = len(await stage.asked("callkaro")) == 2
        return ((await bot.record(quick)).state is State.SUCCEEDED and both_out) or None

    await until(the_quick_one_is_done)
    out = await stage.asked("callkaro")
    assert len(out) == 2
    assert [one.answer for one in out] == [None, None]
    await bot.run_until_idle()
    assert len(await stage.asked("callkaro")) == 5


async def test_a_long_queue_hides_nobody_behind_it(stage: BotWorld) -> None:
    """However many actions of one connection wait, the same run begins another connection's."""
    await stage.providers.fail("callkaro", Fault(does="slow", seconds=5, times=None))
    for number in range(3 * MOST_WORKERS):
        await stage.bot.ask(PLACE, delivery_key=f"{number}")
    behind = await stage.bot.approved(CANCEL_BY_ID)
    await stage.bot.dispatcher.run_once()
    assert behind.id in stage.bot.dispatcher._in_flight


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"env:VOXWORKS_API_KEY": "env:NOT_SET"}, "The connection voxworks is off: NOT_SET not set."),
        ({"[connections.voxworks]": "[connections.other]"}, "it's no longer configured"),
    ],
    ids=["its secret is missing", "it is not in the file"],
)
async def test_what_a_connection_that_is_gone_should_do_is_refused_in_words(
    stage: BotWorld, change: dict[str, str], why: str
) -> None:
    """Without its connection nothing is sent. The action has the reason, and the requester reads it."""
    made = await stage.bot.approved(CANCEL_BY_ID)
    await stage.crash(**change)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.attempt) == (State.REFUSED, 0)
    assert why in (record.message or "")
    await stage.bot.posts()
    [told] = await stage.said("D0AGENT")
    assert why in told.text
    assert not await stage.asked("voxworks")


async def test_a_lease_that_has_not_run_out_is_respected(stage: BotWorld) -> None:
    """Another process keeps its action until its lease ends.

    Then the outcome is unknown, and people read so.
    """
    stage.bot.store.at["before succeeded"] = stage.bot.store.die
    made = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.crash()
    await stage.pass_time(seconds=29)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.SENDING
    await stage.pass_time(seconds=1)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.maybe_executed, record.owner) == (State.UNKNOWN, True, None)
    await stage.bot.posts()
    audit, reply = await stage.said("C0AUDIT")
    assert "CallOps stopped before the provider answered" in audit.text
    assert "Outcome unknown" in reply.text
    assert len(await stage.said("D0AGENT")) == 1


@pytest.mark.parametrize(
    ("fault", "end"),
    [(None, State.SUCCEEDED), ("server_error", State.UNKNOWN), ("rate_limited", State.FAILED)],
)
async def test_a_late_answer_settles_the_doubt(stage: BotWorld, fault: str | None, end: State) -> None:
    """A clear answer after the lease is recorded. After an unclear one the outcome stays unknown."""
    slow, answered, awake = stage.bot, asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        answered.set()
        await awake.wait()

    step = {State.SUCCEEDED: "succeeded", State.FAILED: "failed", State.UNKNOWN: "unknown"}[end]
    slow.store.at[f"before {step}"] = sleep
    if fault:
        reply = {"rate_limited": 429, "server_error": 500}[fault]
        await stage.providers.fail("callkaro", Fault(does="reply", status=reply, body="{}", effect=False))
    made = await slow.ask(PLACE)
    await slow.dispatcher.run_once()
    await answered.wait()
    other = await stage.start()
    await stage.pass_time(seconds=31)
    await other.run_until_idle()
    assert (await other.record(made)).state is State.UNKNOWN
    awake.set()
    await slow.run_until_idle()
    assert (await other.record(made)).state is end
    names = [event.name for event in await other.store.requests.events(made.id)]
    assert ("late_answer" in names) == (end is not State.UNKNOWN)
    assert not (await verified(other.store)).faults
    await other.posts()
    replies = [one.text for one in await stage.said("C0AUDIT") if one.thread_ts]
    assert any("recorded late" in text for text in replies) == (end is not State.UNKNOWN)


@pytest.mark.parametrize(("effect", "end"), [(False, State.SUCCEEDED), (True, State.UNKNOWN)])
async def test_a_cancel_by_id_in_doubt_is_sent_again(stage: BotWorld, *, effect: bool, end: State) -> None:
    """A second request by id does no harm. If it clears nothing up, the outcome stays unknown."""
    await stage.providers.fail("voxworks", "reset", effect=effect)
    made = await stage.bot.approved(CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    assert len(await stage.asked("voxworks")) == 1
    await stage.pass_time(seconds=2)
    await stage.bot.run_until_idle()
    assert len(await stage.asked("voxworks")) == 2
    assert (await stage.bot.record(made)).state is end
    assert await stage.effects("voxworks") == ["cancelled"]


async def test_a_cancel_by_id_is_tried_three_times(stage: BotWorld) -> None:
    """After three lost answers a person must look."""
    await stage.providers.fail("voxworks", "reset", times=None)
    made = await stage.bot.approved(CANCEL_BY_ID)
    for _ in range(5):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=10)
    assert len(await stage.asked("voxworks")) == 3
    assert (await stage.bot.record(made)).state is State.UNKNOWN


@pytest.mark.parametrize(("slept", "requests"), [(31, 1), (-3600, 1), (2, 2)])
async def test_a_cancel_by_number_in_doubt_is_sent_again_soon_or_left_to_people(
    stage: BotWorld, slept: int, requests: int
) -> None:
    """A late second deletion could cancel a newer call.

    After the clock was set back nobody knows how late it is.
    """
    await stage.providers.fail("callkaro", "reset", effect=False)
    made = await stage.bot.approved(CANCEL_BY_NUMBER)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=slept)
    await stage.bot.run_until_idle()
    assert len(await stage.asked("callkaro")) == requests
    record = await stage.bot.record(made)
    assert record.state is (State.SUCCEEDED if requests == 2 else State.UNKNOWN)
    await stage.bot.posts()
    if requests == 1:
        assert "it's late now, and it could cancel a newer call" in (record.message or "")
        [told] = await stage.said("D0AGENT")
        assert "may have worked" in told.text


async def test_the_log_says_why_the_system_sent_again(stage: BotWorld) -> None:
    """Every retry names the class that allows it."""
    await stage.providers.fail("callkaro", "reset", times=1)
    await stage.providers.fail("voxworks", "rate_limited")
    number, by_id = (
        await stage.bot.approved(CANCEL_BY_NUMBER),
        await stage.bot.ask(CANCEL_BY_ID, delivery_key="id"),
    )
    await stage.bot.approve(by_id)
    await stage.bot.run_until_idle()
    for made, why in ((number, "short_window"), (by_id, "after")):
        [order] = [
            one for one in await stage.bot.store.requests.events(made.id) if one.name == "retry_scheduled"
        ]
        assert order.data["reason"] == why


async def test_a_placed_call_that_was_put_off_is_not_placed_later(stage: BotWorld) -> None:
    """A 429 usually means "not processed", which is too little to risk a second call."""
    await stage.providers.fail(
        "callkaro", Fault(does="reply", status=429, headers={"Retry-After": "1"}, effect=False)
    )
    made = await stage.bot.ask(PLACE)
    for _ in range(3):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=31)
    assert len(await stage.asked("callkaro")) == 1
    assert (await stage.bot.record(made)).state is State.FAILED


async def test_who_asked_must_be_known_before_anything_is_sent(stage: BotWorld) -> None:
    """While Slack does not identify a person whose data are too old, the action waits."""
    made = await stage.bot.ask(PLACE)
    long_ago = stage.clock() - timedelta(days=2)
    await stage.bot.store.users.keep_person(replace(await stage.bot.person(AGENT), read_at=long_ago))
    await stage.people.fail("users.info", "error", times=9)
    before = len(await stage.people.journal("users.info"))
    await stage.bot.dispatcher.run_once()

    async def was_asked() -> bool | None:
        return len(await stage.people.journal("users.info")) > before or None

    await stage.people.until(was_asked)
    assert (await stage.bot.record(made)).state is State.APPROVED
    assert not await stage.asked("callkaro")


async def test_one_that_fails_holds_up_no_other(stage: BotWorld) -> None:
    """A bug in recovering one action leaves it to the next run, and the others are recovered."""
    both = asyncio.Barrier(2)

    async def die_with_both_claimed() -> None:
        await both.wait()
        await stage.bot.store.die()

    stage.bot.store.at["before hold"] = die_with_both_claimed
    first, second = [await stage.bot.ask(PLACE, delivery_key=one) for one in "12"]
    await stage.bot.run_until_idle()
    bot = await stage.crash()
    await stage.pass_time(seconds=31)

    async def fail_once() -> None:
        del bot.store.at["before unknown"]
        raise RuntimeError("a fault of ours")

    bot.store.at["before unknown"] = fail_once
    await bot.run_until_idle()
    assert {(await bot.record(one)).state for one in (first, second)} == {State.SENDING, State.UNKNOWN}
    await bot.run_until_idle()
    assert {(await bot.record(one)).state for one in (first, second)} == {State.UNKNOWN}


async def test_the_rounds_go_on_after_one_that_raises() -> None:
    """Background work survives any exception of a run."""
    went_on, rounds_taken = asyncio.Event(), 0

    async def step() -> bool:
        nonlocal rounds_taken
        rounds_taken += 1
        if rounds_taken == 1:
            rounds.wake()
            raise RuntimeError("a fault of ours")
        went_on.set()
        return False

    rounds = PeriodicTask("test", step)
    running = asyncio.create_task(rounds.run())
    async with asyncio.timeout(0.5):
        await went_on.wait()
    running.cancel()


async def test_rounds_that_are_woken_again_and_again_keep_apart() -> None:
    """A throttled task runs once for many changes, and does not miss the last one."""
    changes, seen, begun = 0, list[int](), list[float]()

    async def step() -> None:
        seen.append(changes)
        begun.append(time.monotonic())

    rounds = PeriodicTask("test", step, every=60, min_interval=0.2)
    running = asyncio.create_task(rounds.run())
    for _ in range(100):
        changes += 1
        rounds.wake()
        await asyncio.sleep(0.005)
    rounds.end()
    await running
    assert seen[-1] == changes
    assert min(after - before for before, after in pairwise(begun)) > 0.19


async def test_the_target_that_ends_last_tells_of_them_all(stage: BotWorld) -> None:
    """Of several targets one fails at once and another succeeds later. The requester reads of both."""
    await stage.crash(**{'approve = ["managers"]\n': ""})
    failed = asyncio.Event()

    async def note() -> None:
        failed.set()

    stage.bot.store.at |= {"after failed": note, "before succeeded": failed.wait}
    mistyped = CancelCall(target=CallRef(call_id="vx_mistyped"))
    made = await stage.bot.ask(mistyped, CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert [one.state for one in (await stage.bot.store.requests.request(made.id)).actions] == [
        State.FAILED,
        State.SUCCEEDED,
    ]
    [told] = await stage.said("D0AGENT")
    assert "1 cancelled" in told.text
    assert "1 failed" in told.text


async def test_a_call_cancelled_before_is_not_cancelled_again_by_inference(stage: BotWorld) -> None:
    """An id that CallOps cancelled existed once, and exists no more."""
    first = await stage.bot.approved(CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(first)).state is State.SUCCEEDED
    await stage.pass_time(minutes=1)
    await stage.providers.fail("voxworks", "reset", effect=False)
    second = await stage.bot.approve(await stage.bot.ask(CANCEL_BY_ID, delivery_key="again"))
    await stage.bot.run_until_idle()
    await stage.providers.fail("voxworks", Fault(does="reply", status=404, body="{}"))
    await stage.pass_time(seconds=3)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(second)).state is State.UNKNOWN


@pytest.mark.parametrize("end", ["taken back", "refused", "out of time"])
async def test_a_doubt_is_never_hidden_by_a_later_end(stage: BotWorld, end: str) -> None:
    """An unknown outcome without a retry never reads as if everything had stayed as it was."""
    await stage.providers.fail("voxworks", "reset")
    made = await stage.bot.approved(CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.APPROVED
    match end:
        case "taken back":
            await stage.bot.approvals.withdraw(made.id, await stage.bot.person(AGENT), delivery_key="back")
        case "refused":
            await stage.crash(**{"env:VOXWORKS_API_KEY": "env:NOT_SET"})
        case _:
            await stage.pass_time(hours=9)
    await stage.pass_time(seconds=2)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    audit = (await stage.said("C0AUDIT"))[0]
    assert "may have worked" in audit.text
    assert "CallOps didn't retry" in audit.text
    assert "still goes out" not in audit.text
    assert len(await stage.asked("voxworks")) == 1
    manager = await stage.bot.person(MANAGER)
    settled = await stage.bot.approvals.settle(
        made.id, manager, Settlement.HAPPENED, evidence=Evidence.CUSTOMER, reason="I looked", nonce="settled"
    )
    assert settled.state is State.SUCCEEDED


async def test_an_account_that_was_put_off_is_left_alone_by_all(stage: BotWorld) -> None:
    """All actions of that account wait, in every process, and other accounts do not."""
    await stage.providers.fail("voxworks", Fault(does="rate_limited", headers={"Retry-After": "20"}))
    await stage.bot.approved(CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    other = await stage.start()
    second = await other.ask(CancelCall(target=CallRef(call_id="vx_1002")), delivery_key="second")
    await other.approve(second)
    placed = await other.ask(PLACE, delivery_key="placed")
    await other.run_until_idle()
    assert (await other.record(placed)).state is State.SUCCEEDED
    assert (await other.record(second)).state is State.APPROVED
    assert len(await stage.asked("voxworks")) == 1
    await stage.pass_time(seconds=20)
    await other.run_until_idle()
    assert len(await stage.asked("voxworks")) == 3


async def test_what_waits_for_its_account_runs_out_of_time_all_the_same(stage: BotWorld) -> None:
    """A pause that is longer than an action may wait does not delay its expiry."""
    await stage.bot.store.outages.pause("reminders", stage.clock() + timedelta(hours=2))
    made = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.APPROVED
    await stage.pass_time(minutes=16)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.EXPIRED
    assert not await stage.asked("callkaro")


async def test_a_connection_without_a_limit_commits_nothing_for_it(stage: BotWorld) -> None:
    """The turn of an account without a limit is read, not written."""
    await stage.bot.ask(PLACE)
    written: list[str] = []
    await stage.bot.store._database.writer.do(
        lambda connection: connection.set_trace_callback(written.append)
    )
    await stage.bot.run_until_idle()
    assert written
    assert not [one for one in written if "turns" in one or "rate_limit_pauses" in one]


async def test_a_dry_run_sends_nothing_and_says_what_it_would_have(stage: BotWorld) -> None:
    """Everything but the request happens: it is created, approved and refused before its first attempt."""
    bot = await stage.crash(**{'provider = "callkaro"': 'provider = "callkaro"\nmode = "dry-run"'})
    made = await bot.ask(PLACE)
    assert made.mode == "dry-run"
    await bot.run_until_idle()
    record = await bot.record(made)
    assert (record.state, record.code, record.attempt) == (State.REFUSED, Code.DRY_RUN, 0)
    assert "POST /call/outbound" in (record.message or "")
    assert not await stage.asked("callkaro")


async def test_what_was_asked_in_a_dry_run_is_never_sent(stage: BotWorld) -> None:
    """The request is bound to the mode in which it was created."""
    bot = await stage.crash(**{'provider = "callkaro"': 'provider = "callkaro"\nmode = "dry-run"'})
    made = await bot.ask(PLACE)
    bot = await stage.crash()
    await bot.run_until_idle()
    record = await bot.record(made)
    assert (record.state, record.code) == (State.REFUSED, Code.CONFIG_ERROR)
    assert not await stage.asked("callkaro")


async def test_an_attempt_whose_window_closes_as_it_begins_is_not_made(stage: BotWorld) -> None:
    """Nothing leaves, and the message says so, not that an answer was lost."""
    await stage.providers.fail("callkaro", "reset")
    made = await stage.bot.approved(CANCEL_BY_NUMBER)
    await stage.bot.run_until_idle()

    async def dally() -> None:
        del stage.bot.store.at["before hold"]
        await stage.pass_time(seconds=WINDOW.total_seconds())

    stage.bot.store.at["before hold"] = dally
    await stage.pass_time(seconds=PAUSES[0].total_seconds())
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.maybe_executed, record.owner) == (State.UNKNOWN, True, None)
    assert [event.name for event in await stage.bot.store.requests.events(made.id)][-2:] == [
        "sending",
        "window_passed",
    ]
    assert "CallOps didn't retry" in (record.message or "")
    assert len(await stage.asked("callkaro")) == 1


async def test_a_late_success_drops_the_attempt_that_was_ordered_meanwhile(stage: BotWorld) -> None:
    """The late answer is recorded and the retry dropped. People read it, and nothing is sent again."""
    sleeper, awake, there = stage.bot, asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        there.set()
        await awake.wait()

    sleeper.store.at["before succeeded"] = sleep
    request = await sleeper.approved(CANCEL_BY_ID)
    await sleeper.dispatcher.run_once()
    await there.wait()
    other = await stage.start()
    await stage.pass_time(seconds=31)
    await other.dispatcher.run_once()
    assert (await other.record(request)).state is State.APPROVED  # another attempt is ordered
    awake.set()
    await sleeper.dispatcher.finish(timedelta(seconds=10))
    assert (await other.record(request)).state is State.SUCCEEDED
    await stage.pass_time(seconds=30)
    await other.run_until_idle()
    await other.posts()
    assert len(await stage.asked("voxworks")) == 1
    names = [event.name for event in await other.store.requests.events(request.id)]
    assert names[-2:] == ["order_dropped", "late_answer"]
    assert any("recorded late" in one.text for one in await stage.said("C0AUDIT"))
    assert not (await verified(other.store)).faults


async def test_what_was_approved_waits_while_slack_does_not_say_who_is_in_a_group(stage: BotWorld) -> None:
    """The action is not refused for good: once the group is readable again, it is sent."""
    made = await stage.bot.approved(CANCEL_BY_ID)
    stage.clock.move(hours=2)  # the stored group is too old by now
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.APPROVED
    for _ in range(3):  # on a busy computer an answer may come too late, and is repeated
        await stage.pass_time(seconds=5)
        await stage.bot.run_until_idle()
        if (await stage.bot.record(made)).state is State.SUCCEEDED:
            break
    assert (await stage.bot.record(made)).state is State.SUCCEEDED

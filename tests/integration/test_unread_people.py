"""People whom Slack does not identify: they delay nobody else, are looked up more rarely, and read why."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.slack.users import UserUnavailableError
from providers.actions import CallRef, CancelCall
from storage.models import Request
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_ID, MANAGER, PLACE, SECOND, BotWorld, bench

UNREAD = "U0AUDITOR"
FAILURES: dict[str, dict[str, Any]] = {
    "error": {"does": "error", "code": "fatal_error"},
    "hangs": {"does": "silence"},
    "limited": {"does": "ratelimited", "retry_after": 20},
}
TWO_WORKERS = {"[connections.reminders.agents]": "workers = 2\n\n[connections.reminders.agents]"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def forget(stage: BotWorld, user: str, does: str = "error", **more: Any) -> None:
    """Let the stored data of a person be too old, and Slack identify them no more."""
    person = await stage.bot.person(user)
    await stage.bot.store.users.keep_person(replace(person, read_at=stage.clock() - timedelta(days=2)))
    await stage.people.fail("users.info", does, times=10_000, where={"user": user}, **more)


async def asked_about(stage: BotWorld, user: str) -> int:
    """Return how often Slack was asked about a person."""
    return len([one for one in await stage.people.journal("users.info") if one["args"]["user"] == user])


async def states(stage: BotWorld, requests: list[Request]) -> set[State]:
    """Return the states of these requests."""
    return {(await stage.bot.record(one)).state for one in requests}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_whoever_cannot_be_read_holds_up_nobody_else(stage: BotWorld, failure: dict[str, Any]) -> None:
    """More of theirs wait than there are workers, before the others'.

    Once Slack identifies them, they continue.
    """
    await stage.crash(**TWO_WORKERS)
    theirs = [await stage.bot.ask(PLACE, by=UNREAD, delivery_key=f"theirs {n}") for n in range(9)]
    others = [await stage.bot.ask(PLACE, by=AGENT, delivery_key=f"other {n}") for n in range(3)]
    await forget(stage, UNREAD, **failure)
    before = await asked_about(stage, UNREAD)
    await stage.bot.run_until_idle()
    assert await states(stage, others) == {State.SUCCEEDED}
    assert await states(stage, theirs) == {State.APPROVED}
    assert await asked_about(stage, UNREAD) == before + 1
    await stage.people.heal()
    await stage.pass_time(minutes=1)
    await stage.bot.run_until_idle()
    assert await states(stage, theirs) == {State.SUCCEEDED}
    assert len(await stage.asked("callkaro")) == 12


async def test_the_wait_for_somebody_grows_and_ends_truthfully(stage: BotWorld) -> None:
    """A call for now whose requester cannot be read ends after a quarter of an hour, and they read why."""
    made = await stage.bot.ask(PLACE, by=UNREAD)
    await forget(stage, UNREAD)
    before = await asked_about(stage, UNREAD)
    for _ in range(17 * 60):
        await stage.bot.dispatcher.run_once()
        await stage.bot.dispatcher.finish(timedelta(seconds=10))
        stage.clock.move(seconds=1)
    assert 25 <= await asked_about(stage, UNREAD) - before <= 40
    record = await stage.bot.record(made)
    assert record.state is State.EXPIRED
    assert record.message == "CallOps couldn't send it in time. Slack couldn't tell us who requested it."
    await stage.bot.posts()
    told = [
        one.text
        for one in await stage.people.messages()
        if "couldn't tell us who requested it" in str(one.blocks)
    ]
    assert told
    assert await stage.asked("callkaro") == ()


async def test_an_approver_who_cannot_be_read_holds_up_their_own_approvals_alone(stage: BotWorld) -> None:
    """Another manager's approvals continue. The rest ends at the rule's time, and names the unread person."""
    other = CancelCall(target=CallRef(call_id="vx_1002"))
    held = await stage.bot.approve(await stage.bot.ask(CANCEL_BY_ID, delivery_key="held"), MANAGER)
    free = await stage.bot.approve(await stage.bot.ask(other, delivery_key="free"), SECOND)
    await forget(stage, MANAGER, "silence")
    await stage.bot.run_until_idle()
    assert await states(stage, [free]) == {State.SUCCEEDED}
    assert await states(stage, [held]) == {State.APPROVED}
    for _ in range(2):
        await stage.pass_time(hours=4, minutes=1)
        await stage.bot.run_until_idle()
    record = await stage.bot.record(held)
    assert (record.state, record.message) == (
        State.EXPIRED,
        "CallOps couldn't send it in time. Slack couldn't tell us who approved it.",
    )


@pytest.mark.parametrize("method", ["users.info", "users.getPresence"])
async def test_an_approver_of_whom_slack_says_nothing_is_asked_about_once_for_all(
    stage: BotWorld, method: str
) -> None:
    """Many waiting requests do not each wait for Slack's silence. Another approver is asked."""
    for number in range(5):
        call = CancelCall(target=CallRef(call_id=f"vx_{number}"))
        await stage.bot.ask(call, delivery_key=f"{number}")
    for user in (MANAGER, SECOND):
        await stage.bot.person(user)
    before = len([one for one in await stage.people.journal(method) if one["args"]["user"] == MANAGER])
    if method == "users.info":
        await forget(stage, MANAGER, "silence")
    else:
        await stage.people.fail(method, "silence", times=100, where={"user": MANAGER})
    await stage.bot.asks()
    asked = [one for one in await stage.people.journal(method) if one["args"]["user"] == MANAGER]
    assert len(asked) == before + 1
    assert await stage.said("D0SECOND") if method == "users.info" else await stage.said("D0MANAGER")


async def test_whoever_waits_for_an_answer_has_slack_asked_anew(stage: BotWorld) -> None:
    """A person who types again is looked up again, even right after a failure."""
    await forget(stage, UNREAD)
    for _ in range(3):
        with pytest.raises(UserUnavailableError):
            await stage.bot.person(UNREAD)
    await stage.people.heal()
    assert (await stage.bot.person(UNREAD)).id == UNREAD

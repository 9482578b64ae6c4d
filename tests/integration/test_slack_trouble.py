"""Slack in trouble: rate limits, outages of minutes, lost channels. Slack's own history is the judge."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.approvals import content
from bot.ui.details_modal import story
from bot.workers.outbox import KEPT_FOR, LONGEST_PAUSE, UNAVAILABLE_PAUSE
from playground.people import Message
from providers.actions import PlaceCall
from storage.models import Request
from tests.integration.bench import AGENT, CANCEL_BY_ID, MANAGER, PLACE, SECOND, Bot, BotWorld, bench

POST = "chat.postMessage"
NOTIFY_NOBODY = {'expires = "8h"': 'expires = "8h"\nnotify = "nobody"'}
DOWN = [
    ("server_error", ""),
    ("reset", ""),
    ("garbled", ""),
    ("error", "internal_error"),
    ("error", "fatal_error"),
    ("error", "service_unavailable"),
    ("error", "token_revoked"),
]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def placed(stage: BotWorld, count: int) -> list[Request]:
    """Create that many requests, each with an audit message to post."""
    return [await stage.bot.ask(PLACE, delivery_key=f"number {number}") for number in range(count)]


async def order(stage: BotWorld, channel: str = "C0AUDIT") -> list[str]:
    """Return the requests in the order of a channel's history, without replies."""
    known = [record.request for record in await stage.bot.actions()]
    told = [str(one.blocks) for one in await stage.said(channel) if not one.thread_ts]
    return [next(one for one in known if one in text) for text in told]


async def over(
    stage: BotWorld, span: timedelta, *bots: Bot, every: timedelta = timedelta(seconds=10)
) -> None:
    """Let time pass while the outboxes run."""
    end = stage.clock() + span
    while stage.clock() < end:
        for bot in bots or [stage.bot]:
            await bot.posts()
        await stage.pass_time(seconds=every.total_seconds())


async def test_a_channel_gets_one_message_a_second(stage: BotWorld) -> None:
    """Any number of messages and processes keeps that rate.

    The messages come in the order of their requests.
    """
    made = await placed(stage, 12)
    other = await stage.start()
    begun = stage.clock()
    seen: list[str] = []
    while len(seen) < len(made):
        for bot in (stage.bots[0], other):
            await bot.outbox.run_once()
        seen = await order(stage)
        assert len(seen) <= (stage.clock() - begun).total_seconds() + 1
        assert stage.clock() - begun < timedelta(seconds=30)
    assert seen == [one.id for one in made]


async def test_people_are_written_to_once_a_second_while_others_do_not_wait(stage: BotWorld) -> None:
    """Ten cards at once reach an approver second by second. Another channel's message is not delayed."""
    for number in range(10):
        action = PlaceCall(to=f"+9198765432{number:02}", agent="payments")
        await stage.bot.ask(action, delivery_key=f"call {number}")
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.outbox.run_once()
    await stage.bot.outbox.run_once()
    assert len(await stage.said("C0AUDIT")) == 1
    await stage.bot.posts()
    assert len(await stage.said("C0APPROVE")) == 1


async def test_many_targets_that_end_are_few_edits(stage: BotWorld) -> None:
    """Forty targets that end within some seconds make a handful of edits, and the last shows them all."""
    actions = [PlaceCall(to=f"+9198765433{number:02}", agent="payments") for number in range(40)]
    made = await stage.bot.approved(*actions)
    await stage.bot.posts()
    edits = len(await stage.people.journal("chat.update"))
    dispatcher = stage.bot.dispatcher
    for _ in range(10):
        await dispatcher.run_once()
        await dispatcher.finish(timedelta(seconds=5))
        await stage.bot.outbox.run_once()
        await stage.pass_time(seconds=1.5)
    await stage.bot.run_until_idle()
    await over(stage, timedelta(seconds=10))
    request = await stage.bot.store.requests.request(made.id)
    assert {record.state for record in request.actions} == {"succeeded"}
    assert len(await stage.people.journal("chat.update")) - edits <= 5, "an edit for every target"
    [audit] = [one for one in await stage.said("C0AUDIT") if not one.thread_ts]
    assert "40 placed" in audit.text


async def test_a_storm_of_429s_drains_in_order(stage: BotWorld) -> None:
    """Nothing is posted before Slack's Retry-After, nothing is lost, and nothing comes twice."""
    made = await placed(stage, 8)
    await stage.people.fail(POST, "ratelimited", times=6, retry_after=30)
    begun = stage.clock()
    calls = 0
    for _ in range(6):
        await stage.bot.posts()
        now = len(await stage.people.journal(POST))
        assert now == calls + 1
        calls = now
        await stage.pass_time(seconds=26)
        await stage.bot.posts()
        assert len(await stage.people.journal(POST)) == calls, "Slack was asked before it said"
        await stage.pass_time(seconds=4)
    await stage.bot.posts()
    assert await order(stage) == [one.id for one in made]
    assert stage.clock() - begun < timedelta(minutes=4)


@pytest.mark.parametrize(("does", "code"), DOWN)
async def test_slack_is_down_for_ten_minutes(stage: BotWorld, does: str, code: str) -> None:
    """Everything comes once, in order, within half a minute of Slack's return."""
    await stage.bot.person(AGENT)
    await stage.people.fail("*", does, times=100_000, code=code)
    made = await placed(stage, 3)
    await over(stage, timedelta(minutes=5))
    made += [await stage.bot.ask(CANCEL_BY_ID)]
    await over(stage, timedelta(minutes=5))
    assert not await stage.said("C0AUDIT")
    tries = len(await stage.people.journal(POST))
    assert tries < 40, "many ask at once whether Slack is back"
    await stage.people.heal()
    back = stage.clock()
    await over(stage, LONGEST_PAUSE + timedelta(seconds=4), every=timedelta(seconds=1))
    assert await order(stage) == [one.id for one in made]
    assert await order(stage, "C0APPROVE") == [made[-1].id]
    assert stage.clock() - back < timedelta(seconds=45)
    await over(stage, timedelta(minutes=2))
    assert len(await stage.said("C0AUDIT")) == len(made)


async def test_two_processes_come_back_together(stage: BotWorld) -> None:
    """After a shared outage each message is there once and in order. A kill in between changes nothing."""
    await stage.people.fail(POST, "reset", times=100_000)
    made = await placed(stage, 5)
    other = await stage.start()
    await over(stage, timedelta(minutes=2), stage.bots[0], other)
    await stage.bots[0].store.die()
    third = await stage.start()
    await over(stage, timedelta(minutes=1), other, third)
    await stage.people.heal()
    for _ in range(60):
        await asyncio.gather(other.outbox.run_once(), third.outbox.run_once())
        await stage.pass_time(seconds=1)
    assert await order(stage) == [one.id for one in made]


async def test_what_is_delivered_twice_in_an_outage_is_posted_once(stage: BotWorld) -> None:
    """Slack repeats a command, changes the connection and accepts no message.

    There is one request, posted once.
    """
    person = stage.people.person(AGENT)
    await stage.people.fail(POST, "server_error", times=100_000)
    async with stage.connected():
        await stage.people.deliver_twice(2)
        await person.command("/cancel-call vx_1001 customer asked", "C0SUPPORT")
        await stage.people.disconnect()
        await over(stage, timedelta(minutes=3))
        await stage.people.bot_connected()
    await stage.people.heal()
    await over(stage, timedelta(minutes=1))
    known = {record.request for record in await stage.bot.actions()}
    assert await order(stage) == list(known)
    assert len(known) == 1


async def test_a_deleted_message_is_posted_anew_and_threads_hang_on_the_new_one(stage: BotWorld) -> None:
    """Somebody deletes the audit message. The next change posts it again, and replies go below it."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    [old] = await stage.said("C0AUDIT")
    await stage.people.fail("chat.update", "error", code="message_not_found")
    await stage.bot.approvals.approve(
        made.id, await stage.bot.person(MANAGER), shown=content(made), nonce="noted", note="as agreed"
    )
    await stage.bot.posts()
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    roots = [one for one in await stage.said("C0AUDIT") if not one.thread_ts]
    assert [one.ts for one in roots] == [old.ts, roots[1].ts]
    assert {one.thread_ts for one in await stage.said("C0AUDIT") if one.thread_ts} == {roots[1].ts}
    assert "Cancelled" in roots[1].text


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
async def test_what_cannot_be_edited_any_more_is_posted_anew(stage: BotWorld, code: str) -> None:
    """A workspace may forbid edits after a while. A new message then has the current state."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    await stage.people.fail("chat.update", "error", code=code, times=2)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await over(stage, timedelta(seconds=10))
    assert "Cancelled" in [one for one in await stage.said("C0AUDIT") if not one.thread_ts][-1].text
    assert len(await order(stage)) == 2


def direct(messages: list[Message], words: str) -> list[Message]:
    """Return the messages that contain some words."""
    return [one for one in messages if words in one.text]


async def test_a_card_without_a_channel_is_decided_by_direct_message(tmp_path: Path) -> None:
    """The approvals channel is archived. Requester and approvers are told once, and an approver decides."""
    async with bench(tmp_path) as stage:
        await stage.crash(**NOTIFY_NOBODY)
        await stage.people.archive("C0APPROVE")
        made = await stage.bot.ask(CANCEL_BY_ID)
        for _ in range(3):
            await stage.bot.asks()
            await stage.pass_time(minutes=2)
        told = direct(await stage.said("D0AGENT"), "can't be posted in <#C0APPROVE>")
        assert len(told) == 1
        assert "the channel is archived" in told[0].text
        assert "unarchive" in told[0].text
        for channel in ("D0MANAGER", "D0SECOND"):
            [asked] = await stage.said(channel)
            assert "The card can't be posted in <#C0APPROVE>" in asked.text
            assert "Review…" in str(asked.blocks)
        events = await stage.bot.store.requests.events(made.id)
        [noted] = [event for event in events if event.name == "not_posted"]
        assert noted.data == {"post": "card", "channel": "C0APPROVE", "error": "is_archived"}
        assert sorted(str(event.data["person"]) for event in events if event.name == "asked") == [
            MANAGER,
            SECOND,
        ]
        await stage.bot.approve(made)
        await stage.bot.run_until_idle()
        await stage.bot.posts()
        [audit, *_] = await stage.said("C0AUDIT")
        assert "Cancelled" in audit.text
        for channel in ("D0MANAGER", "D0SECOND"):
            assert "Review…" not in str((await stage.said(channel))[0].blocks)


async def test_both_channels_may_be_lost_at_once(stage: BotWorld) -> None:
    """The requester is told of both, the approvers are asked, and the events in Details have both."""
    await stage.people.archive("C0APPROVE")
    await stage.people.app_in("C0AUDIT", member=False)
    made = await stage.bot.ask(CANCEL_BY_ID)
    for _ in range(3):
        await stage.bot.asks()
        await stage.pass_time(seconds=20)
    told = [one.text for one in await stage.said("D0AGENT")]
    assert ["approval card" in text for text in told] == [False, True]
    assert await stage.said("D0MANAGER")
    assert await stage.said("D0SECOND")
    whole = await stage.bot.store.requests.get_with_history(made.id)
    lines = "\n".join(story(whole.request, whole.events, whole.private))
    assert "Couldn't post the audit message in <#C0AUDIT>: CallOps isn't in that channel." in lines
    assert "Couldn't post the approval card in <#C0APPROVE>: the channel is archived." in lines
    assert "Asked <@U0MANAGER> to decide." in lines


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("not_in_channel", "/invite @CallOps"),
        ("channel_not_found", "/invite @CallOps"),
        ("restricted_action", "workspace admin"),
        ("restricted_action_read_only_channel", "workspace admin"),
    ],
)
async def test_the_requester_reads_what_mends_it(stage: BotWorld, code: str, words: str) -> None:
    """The message gives the reason and the remedy, whatever keeps the card out of its channel."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.outbox.run_once()  # the audit message
    await stage.people.fail(POST, "error", code=code)
    await stage.bot.posts()
    [told] = direct(await stage.said("D0AGENT"), "can't be posted")
    assert words in told.text
    assert made.id in str(told.blocks)


async def test_what_waits_for_the_audit_channel_is_posted_when_it_is_back(stage: BotWorld) -> None:
    """Nothing else waits for it.

    When somebody invites the app again, posts come in order, with edits and replies.
    """
    await stage.people.app_in("C0AUDIT", member=False)
    made = [await stage.bot.ask(CANCEL_BY_ID), await stage.bot.ask(PLACE, delivery_key="another")]
    await stage.bot.posts()
    assert len(await stage.said("C0APPROVE")) == 1
    await stage.bot.approvals.approve(
        made[0].id, await stage.bot.person(MANAGER), shown=content(made[0]), nonce="noted", note="as agreed"
    )
    await stage.bot.run_until_idle()
    await over(stage, timedelta(days=1), every=timedelta(minutes=30))
    assert len(direct(await stage.said("D0AGENT"), "can't be posted in <#C0AUDIT>")) == 1
    tries = len(await stage.people.journal(POST))
    assert tries < 70, "every post asks whether the channel is back"
    await stage.people.app_in("C0AUDIT", member=True)
    await over(stage, UNAVAILABLE_PAUSE + timedelta(seconds=5), every=timedelta(seconds=5))
    assert await order(stage) == [one.id for one in made]
    first, *_ = await stage.said("C0AUDIT")
    replies = [one for one in await stage.said("C0AUDIT") if one.thread_ts]
    assert {one.thread_ts for one in replies} == {first.ts}
    assert "Cancelled" in first.text


async def test_a_channel_that_nobody_mends_is_given_up_after_a_week(stage: BotWorld) -> None:
    """After that only the log has them. Later posts are still made."""
    await stage.people.archive("C0AUDIT")
    await placed(stage, 1)
    await over(stage, KEPT_FOR + timedelta(hours=12), every=timedelta(hours=6))
    await stage.people.archive("C0AUDIT", archived=False)
    await over(stage, timedelta(hours=6), every=timedelta(hours=1))
    assert not await stage.said("C0AUDIT")


async def test_who_gets_no_direct_messages_costs_one_message(stage: BotWorld) -> None:
    """A requester with a closed account gets nothing, after a single attempt. The others read everything."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.deny(made.id, manager, reason="not this", shown=content(made), nonce="denied")
    while not direct(await stage.said("C0AUDIT"), "denied this"):
        assert await stage.bot.outbox.run_once()
    await stage.people.fail(POST, "error", code="user_disabled")
    await stage.bot.posts()
    assert not await stage.said("D0AGENT")
    calls = len(await stage.people.journal(POST))
    await over(stage, timedelta(minutes=10), every=timedelta(minutes=1))
    assert len(await stage.people.journal(POST)) == calls

"""Channels stay quiet: names without mentions, links to audit messages, and few direct messages."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.services.approvals import content
from playground.people import Message
from providers.actions import PlaceCall
from storage.models import Request
from storage.repositories.erasure_list import PurgeFilter
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    BotWorld,
    bench,
)
from tests.storage.samples import NUMBER

MENTION = re.compile(r"<@U")
NUMBERS = ("+919876543210", "+919876543211", "+919876543212", "+919876543213")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def settled(stage: BotWorld) -> None:
    """Send and post everything that is due."""
    await stage.bot.run_until_idle()
    await stage.bot.asks()
    await stage.bot.posts()


async def everywhere(stage: BotWorld) -> list[Message]:
    """Return every lasting message of ours."""
    return [one for one in await stage.people.messages() if not one.ephemeral_to and one.user != AGENT]


def by_direct(messages: list[Message]) -> list[Message]:
    """Return the direct messages."""
    return [one for one in messages if one.channel.startswith("D")]


async def placing(stage: BotWorld, number: str) -> Request:
    """Request a call and let it be placed, without a post."""
    made = await stage.bot.ask(PlaceCall(to=number, agent="payments"), delivery_key=number)
    await stage.bot.run_until_idle()
    return made


async def test_one_cancellation_costs_four_posts_and_two_notifications(stage: BotWorld) -> None:
    """The audit message, the card, the question to one approver, and the result for the requester."""
    made = await stage.bot.ask(CANCEL_BY_NUMBER)
    await settled(stage)
    await stage.bot.approve(made)
    await settled(stage)
    said = await everywhere(stage)
    assert len(said) == 4
    assert sorted(one.channel for one in said) == ["C0APPROVE", "C0AUDIT", "D0AGENT", "D0MANAGER"]
    assert not [one for one in said if not one.channel.startswith("D") and one.pings]
    assert all(one.edits for one in said if one.channel != "D0AGENT")


async def test_channels_name_people_and_ping_nobody(stage: BotWorld) -> None:
    """Names stand where mentions were, in blocks and text. A direct message keeps its mentions."""
    made = await stage.bot.ask(CANCEL_BY_NUMBER)
    await settled(stage)
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.approve(made.id, manager, shown=content(made), nonce="one", note="she asked")
    await settled(stage)
    said = await everywhere(stage)
    channels = [one for one in said if one.channel.startswith("C")]
    assert {one.channel for one in channels} == {"C0AUDIT", "C0APPROVE"}
    assert any(one.thread_ts and "she asked" in one.text for one in channels)
    for one in channels:
        assert not MENTION.search(one.text + str(one.blocks))
        assert one.pings == ()
        assert "asha" in str(one.blocks) or "mira" in str(one.blocks)
    assert any(MENTION.search(str(one.blocks)) for one in by_direct(said))


async def test_a_person_whom_slack_does_not_name_has_a_fallback(stage: BotWorld) -> None:
    """The post waits for no answer of Slack's, and no name is written into the log."""
    await stage.bot.ask(PLACE)
    await stage.people.fail("users.info", "error", times=100)
    other = await stage.start()
    await other.store._database.writer.do(lambda one: one.execute("DELETE FROM people"))
    await other.posts()
    [audit] = await stage.said("C0AUDIT")
    assert "someone (U0AGENT)" in str(audit.blocks)
    assert not MENTION.search(str(audit.blocks))


async def test_a_name_that_was_read_to_be_shown_is_not_in_the_log(stage: BotWorld) -> None:
    """Only people who act are kept there."""
    await stage.bot.ask(PLACE)
    await stage.bot.store._database.writer.do(lambda one: one.execute("DELETE FROM people"))
    other = await stage.start()
    await other.posts()
    [audit] = await stage.said("C0AUDIT")
    assert "asha" in str(audit.blocks)
    assert await other.store.users.person(AGENT) is None


async def test_ids_are_links_asked_for_once(stage: BotWorld) -> None:
    """Elsewhere an id leads to the audit message. In its own message and thread it is plain."""
    made = await stage.bot.ask(CANCEL_BY_NUMBER)
    await settled(stage)
    await stage.bot.approve(made)
    await settled(stage)
    said = await everywhere(stage)
    link = re.compile(rf"<https://callops\.slack\.com/archives/C0AUDIT/p\d+\|{made.id}>")
    for one in said:
        assert (one.channel != "C0AUDIT") == bool(link.search(str(one.blocks))), one.channel
        assert "<https" not in one.text
        assert f"`{made.id}`" not in one.text + str(one.blocks)
    assert len(await stage.people.journal("chat.getPermalink")) == 1


@pytest.mark.parametrize("does", ["error", "server_error", "reset", "ratelimited"])
async def test_without_an_answer_the_id_is_plain(stage: BotWorld, does: str) -> None:
    """No post waits for a link. Later posts have it."""
    # aiohttp repeats a GET on a connection that was closed meanwhile.
    times = 2 if does == "reset" else 1
    await stage.people.fail("chat.getPermalink", does, code="internal_error", retry_after=30, times=times)
    made = await stage.bot.ask(CANCEL_BY_NUMBER)
    await settled(stage)
    [card] = await stage.said("C0APPROVE")
    assert made.id in str(card.blocks)
    assert "<https" not in str(card.blocks)
    await stage.pass_time(minutes=2)
    await stage.bot.approve(await stage.bot.store.requests.request(made.id))
    await settled(stage)
    [card] = await stage.said("C0APPROVE")
    assert f"|{made.id}>" in str(card.blocks)


async def test_several_successes_within_a_minute_are_one_direct_message(stage: BotWorld) -> None:
    """The first comes immediately, and the later ones edit it."""
    made = [await placing(stage, number) for number in NUMBERS[:3]]
    await stage.bot.posts()
    [told] = await stage.said("D0AGENT")
    assert "3 placed" in told.text
    assert told.edits
    assert all(one.id in str(told.blocks) for one in made)
    await stage.pass_time(seconds=61)
    await placing(stage, NUMBERS[3])
    await stage.bot.posts()
    assert len(await stage.said("D0AGENT")) == 2


async def test_a_failure_is_always_a_new_message(stage: BotWorld) -> None:
    """So is an unknown outcome. Neither hides in a gathered message."""
    await placing(stage, NUMBERS[0])
    await stage.bot.posts()
    await stage.providers.fail("callkaro", "silence")
    await placing(stage, NUMBERS[1])
    await stage.bot.posts()
    first, second = await stage.said("D0AGENT")
    assert first.text.startswith("✅")
    assert "unknown" in second.text


async def test_an_erasure_reaches_each_request_of_a_gathered_message(stage: BotWorld) -> None:
    """The erased request's number is gone. The others stay readable."""
    first, second = [await placing(stage, number) for number in ("+919876543210", "+919812345678")]
    await stage.bot.posts()
    [told] = await stage.said("D0AGENT")
    assert "3210" in str(told.blocks)
    await stage.pass_time(days=3)
    await stage.bot.store.retention.purge(
        PurgeFilter("by number", numbers=frozenset({NUMBER})), actor="U0DPO"
    )
    await stage.bot.posts()
    [told] = await stage.said("D0AGENT")
    assert "3210" not in told.text + str(told.blocks)
    assert "5678" in str(told.blocks)
    assert first.id in str(told.blocks)
    assert second.id in str(told.blocks)


async def test_a_message_that_was_joined_before_a_crash_is_found_by_an_erasure(stage: BotWorld) -> None:
    """The row is written before the edit, so that no message is out of reach."""
    await placing(stage, NUMBERS[0])
    await stage.bot.posts()
    second = await placing(stage, NUMBERS[1])
    await stage.people.fail("chat.update", "reset", after_effect=True, where={"channel": "D0AGENT"})
    await stage.bot.outbox.run_once()
    await stage.bot.posts()
    await stage.crash()
    [told] = await stage.said("D0AGENT")
    assert second.id in str(told.blocks)
    request = await stage.bot.store.requests.request(second.id)
    assert told.ts in {ref.ts for ref in request.messages.values()}


async def test_the_approver_hears_how_it_ended(stage: BotWorld) -> None:
    """The question is edited with the outcome. An unknown outcome comes as a new message that asks to record it."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await settled(stage)
    [question] = await stage.said("D0MANAGER")
    await stage.providers.fail("voxworks", "silence", times=None)
    await stage.bot.approve(made)
    for _ in range(6):
        await settled(stage)
        await stage.pass_time(seconds=40)
    await stage.bot.unknown_reminders.run_once()
    await settled(stage)
    asked, told = await stage.said("D0MANAGER")
    assert asked.ts == question.ts
    assert "unknown" in asked.text
    assert "unknown" in told.text
    assert made.id in str(told.blocks)


async def test_a_success_only_edits_the_question_to_the_approver(stage: BotWorld) -> None:
    """Nobody is notified of a success that they approved."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await settled(stage)
    await stage.bot.approve(made)
    await settled(stage)
    [asked] = await stage.said("D0MANAGER")
    assert asked.text.startswith("🚫 *Cancelled*")

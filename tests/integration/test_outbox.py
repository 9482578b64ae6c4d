import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.services.approvals import content
from bot.workers.outbox import Outbox
from bot.workers.prepared_posts import Prepared
from storage.models import MessageRef, Request
from tests.integration.bench import CANCEL_BY_ID, MANAGER, PLACE, BotWorld, Parts, bench


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def audits(stage: BotWorld) -> list[str]:
    """Return the audit channel's messages, without threads."""
    return [one.text for one in await stage.said("C0AUDIT") if not one.thread_ts]


async def ids(stage: BotWorld) -> list[str]:
    """Return the blocks of each audit message, which hold its request's id."""
    return [str(one.blocks) for one in await stage.said("C0AUDIT") if not one.thread_ts]


async def denied(stage: BotWorld) -> Request:
    """Create a request that is denied before anything was posted about it."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    manager = await stage.bot.person(MANAGER)
    return await stage.bot.approvals.deny(
        made.id, manager, reason="not this one", shown=content(made), nonce="denied"
    )


async def test_what_was_overtaken_is_not_posted(stage: BotWorld) -> None:
    """Several changes before the first post are one message, and each decision is announced."""
    await denied(stage)
    await stage.bot.posts()
    audit, reply = await stage.said("C0AUDIT")
    assert "Denied" in audit.text
    assert not audit.edits
    assert reply.thread_ts == audit.ts
    assert "not this one" in reply.text
    [card] = await stage.said("C0APPROVE")
    assert "Denied" in card.text
    [told] = await stage.said("D0AGENT")
    assert "not this one" in str(told.blocks)


async def test_slack_is_asked_again_when_it_said(stage: BotWorld) -> None:
    """A 429 with `Retry-After` holds every post back for exactly that time, in every process, in order."""
    await stage.people.fail("chat.postMessage", "ratelimited", retry_after=90)
    first = await stage.bot.ask(PLACE, delivery_key="first")
    await stage.bot.posts()
    other = await stage.start()
    second = await other.ask(PLACE, delivery_key="second")
    await other.posts()
    await stage.pass_time(seconds=89)
    for bot in (other, stage.bot):
        await bot.posts()
    assert len(await stage.people.journal("chat.postMessage")) == 1
    await stage.pass_time(seconds=1)
    await other.posts()
    assert [first.id in text or second.id in text for text in await ids(stage)] == [True, True]
    assert first.id in (await ids(stage))[0]


@pytest.mark.parametrize("does", ["server_error", "reset", "error"])
async def test_trouble_passes(stage: BotWorld, does: str) -> None:
    """After any temporary failure of Slack, the post is made later."""
    await stage.people.fail("chat.postMessage", does, times=3)
    await stage.bot.ask(PLACE)
    for _ in range(4):
        await stage.bot.posts()
        await stage.pass_time(seconds=20)
    assert len(await audits(stage)) == 1


async def test_a_message_that_somebody_deleted_is_posted_anew(stage: BotWorld) -> None:
    """A new message takes the place of a deleted one, and is edited from then on."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    await stage.people.fail("chat.update", "error", code="message_not_found")
    await stage.bot.approve(made)
    await stage.bot.posts()
    assert len(await audits(stage)) + len(await stage.said("C0APPROVE")) == 3
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert len(await audits(stage)) + len(await stage.said("C0APPROVE")) == 3
    newest = (await stage.bot.store.requests.request(made.id)).messages["audit"]
    [text] = [one.text for one in await stage.said("C0AUDIT") if one.ts == newest.ts]
    assert "Cancelled" in text


async def test_a_lost_answer_to_an_edit_is_edited_again(stage: BotWorld) -> None:
    """With or without the edit's effect, there is one message, with the current state."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    await stage.people.fail("chat.update", "reset", times=2, after_effect=True)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    for _ in range(4):
        await stage.bot.posts()
        await stage.pass_time(seconds=20)
    [text] = await audits(stage)
    assert "Cancelled" in text


async def test_a_lost_answer_to_a_post_is_made_good(stage: BotWorld) -> None:
    """A first post whose answer was lost is posted again under the same id. One message is edited."""
    await stage.people.fail("chat.postMessage", "reset", after_effect=True)
    made = await stage.bot.ask(PLACE)
    await stage.bot.posts()
    await stage.pass_time(seconds=20)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    posted = await stage.people.journal("chat.postMessage")
    ids = {call["args"]["client_msg_id"] for call in posted if call["args"]["channel"] == "C0AUDIT"}
    assert len(ids) == 1
    kept = (await stage.bot.store.requests.request(made.id)).messages["audit"]
    [text] = [one.text for one in await stage.said("C0AUDIT") if one.ts == kept.ts]
    assert "*Placed*" in text


class Stumbles(Outbox):
    """An outbox that raises at the first request that it posts about."""

    stumbled_over = ""

    async def _send(self, one: Prepared, arguments: dict[str, Any]) -> MessageRef:
        self.stumbled_over = self.stumbled_over or str(one.item.request)
        if one.item.request == self.stumbled_over:
            raise ZeroDivisionError
        return await super()._send(one, arguments)


async def test_a_fault_in_one_post_holds_up_no_other(tmp_path: Path) -> None:
    """A post that fails in our own code is kept, and the other requests' posts are made."""
    async with bench(tmp_path, Parts(outbox=Stumbles)) as stage:
        for number in range(3):
            await stage.bot.ask(PLACE, delivery_key=f"{number}")
        await stage.bot.posts()
        assert len(await audits(stage)) == 2
        bot = await stage.crash()
        assert isinstance(bot.outbox, Stumbles)
        bot.outbox.stumbled_over = "nobody"
        await stage.pass_time(seconds=31)
        await bot.posts()
        assert len(await audits(stage)) == 3


class Stalls(Outbox):
    """An outbox whose process stalls between reading a request and posting about it."""

    goes_on: asyncio.Event | None = None

    async def _post(self, one: Prepared, latest: datetime) -> None:
        if self.goes_on and one.item.to == "audit":
            await self.goes_on.wait()
        await super()._post(one, latest)


async def test_a_process_that_stalled_overwrites_no_newer_message(tmp_path: Path) -> None:
    """Another process has posted the end meanwhile, so nobody reads "Sending" ever after."""
    async with bench(tmp_path, Parts(outbox=Stalls)) as stage:
        made = await stage.bot.ask(CANCEL_BY_ID)
        await stage.bot.posts()
        stalled, other = stage.bot, await stage.start()
        assert isinstance(stalled.outbox, Stalls)
        stalled.outbox.goes_on = asyncio.Event()
        await stalled.approve(made)
        await stalled.outbox.run_once()
        await other.run_until_idle()
        await stage.pass_time(seconds=31)
        await other.posts()
        assert "Cancelled" in (await audits(stage))[0]
        stalled.outbox.goes_on.set()
        await stalled.outbox.run_once()
        await stage.pass_time(seconds=31)
        await stalled.posts()
        assert "Cancelled" in (await audits(stage))[0]


async def test_a_connection_may_have_its_own_channel(stage: BotWorld) -> None:
    """A connection's audit channel has its outcomes, with their threads."""
    change = 'timezone = "Asia/Kolkata"'
    await stage.crash(**{change: f'{change}\naudit_channel = "C0GENERAL"'})
    await stage.providers.fail("callkaro", "reset")
    await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    audit, reply = await stage.said("C0GENERAL")
    assert reply.thread_ts == audit.ts
    assert not await stage.said("C0AUDIT")


async def test_a_card_waits_until_the_app_is_invited(stage: BotWorld) -> None:
    """An invitation of the app mends it, so the card is not given up: nobody could decide without it."""
    await stage.people.app_in("C0APPROVE", member=False)
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    assert not await stage.said("C0APPROVE")
    await stage.people.app_in("C0APPROVE", member=True)
    await stage.pass_time(minutes=1)
    await stage.bot.posts()
    assert len(await stage.said("C0APPROVE")) == 1

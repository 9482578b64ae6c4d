import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.settings import RetentionSettings
from bot.services.approvals import content as shown
from bot.workers.retention import RetentionWorker
from playground.people import Message
from storage.maintenance.anchors import Anchor, anchors_beside, missing
from storage.models import Request
from storage.repositories.erasure_list import PurgeFilter
from storage.states import State
from tests.integration.bench import CANCEL_BY_ID, CANCEL_BY_NUMBER, MANAGER, PLACE, BotWorld, bench
from tests.storage.samples import NUMBER, verified

BY_NUMBER = PurgeFilter("by number", numbers=frozenset({NUMBER}))
WHY = "Kanariya wrote to us"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def keeper(stage: BotWorld, retention: RetentionSettings | None = None) -> RetentionWorker:
    """Return the worker that keeps the log."""
    settings = replace(stage.bot.settings, retention=retention or RetentionSettings())
    return RetentionWorker(stage.bot.store, settings, stage.clock)


async def denied(stage: BotWorld) -> Request:
    """Create a denied cancellation by number, with the manager's own words, announced everywhere."""
    made = await stage.bot.ask(CANCEL_BY_NUMBER)
    await stage.bot.posts()
    await stage.bot.asks()
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.deny(made.id, manager, reason=WHY, shown=shown(made), nonce="denied")
    await stage.bot.posts()
    return made


async def said(stage: BotWorld) -> list[Message]:
    """Return every message of ours that stays in Slack, in its current version."""
    return [one for one in await stage.people.messages() if not one.ephemeral_to]


async def anchored(stage: BotWorld) -> list[Message]:
    """Return the messages about anchors, once the outbox is empty."""
    await stage.bot.posts()
    return [one for one in await said(stage) if "Its anchor is" in one.text]


def reads(message: Message) -> str:
    """Return all text of a message."""
    return json.dumps([message.text, message.blocks], ensure_ascii=False)


async def test_after_a_purge_nothing_is_left_in_slack_or_in_the_files(stage: BotWorld) -> None:
    """No message of ours and no byte of the log has a number, not even masked, a name or a reason."""
    made = await denied(stage)
    before = await said(stage)
    assert {one.channel for one in before} >= {"C0AUDIT", "C0APPROVE", "D0AGENT"}
    assert any(WHY in reads(one) for one in before if one.thread_ts)
    assert all("3210" in reads(one) or WHY in reads(one) for one in before)

    done = await stage.bot.store.retention.purge(BY_NUMBER, actor="operator")
    assert done.wiped
    await stage.bot.posts()
    after = await said(stage)
    assert len(after) == len(before) == done.messages
    for one in after:
        assert "Erased" in one.text
        assert made.id in reads(one)
        assert not [word for word in ("3210", WHY, "customer asked") if word in reads(one)]
    for file in stage.folder.glob("callops.db*"):
        found = file.read_bytes()
        assert not [word for word in (b"9876543210", b"Kanariya", b"customer asked") if word in found]
    assert not (await verified(stage.bot.store)).faults


async def test_a_message_that_cannot_be_edited_is_given_up_and_named(
    stage: BotWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that Slack does not let us edit is in the bot's log. No new message announces the erasure."""
    await denied(stage)
    before = len(await said(stage))
    await stage.bot.store.retention.purge(BY_NUMBER, actor="operator")
    await stage.people.fail("chat.update", "error", code="cant_update_message")
    await stage.bot.posts()
    after = await said(stage)
    assert len(after) == before
    assert len([one for one in after if "Erased" not in one.text]) == 1
    assert "cant_update_message" in caplog.text


async def test_a_message_that_somebody_deleted_stays_deleted(stage: BotWorld) -> None:
    """A deleted message needs no edit and gets no successor."""
    await denied(stage)
    before = len(await said(stage))
    await stage.bot.store.retention.purge(BY_NUMBER, actor="operator")
    await stage.people.fail("chat.update", "error", code="message_not_found")
    await stage.bot.posts()
    assert len(await said(stage)) == before


async def test_the_log_is_anchored_once_a_day(stage: BotWorld) -> None:
    """The end of the previous day has one line and one anchor, despite several processes and restarts."""
    first, second = keeper(stage), keeper(stage)
    made = await stage.bot.ask(CANCEL_BY_ID)
    for one in (first, second):
        assert not await one.run_once()
    assert not await anchored(stage)

    stage.clock.move(days=1)
    await stage.bot.ask(PLACE, delivery_key="today")
    for one in (first, second, keeper(stage)):
        await one.run_once()
    [line] = await anchored(stage)
    assert line.channel == "C0AUDIT"
    [anchor] = Anchor.all_in(line.text)
    last = (await stage.bot.store.requests.events(made.id))[-1]
    assert (anchor.seq, anchor.hash) == (last.seq, last.hash)
    assert line.text.startswith(f"*Mon, 2 Mar 2026:* the log ends with event {last.seq}.")
    assert Anchor.all_in(anchors_beside(stage.path).read_text(encoding="utf-8")) == [anchor]
    assert not missing(stage.path, [anchor])


async def test_an_anchor_that_cannot_be_kept_beside_the_log_is_told_all_the_same(stage: BotWorld) -> None:
    """A link in the file's place is not followed, and the channel is still told."""
    await denied(stage)
    elsewhere = stage.folder / "elsewhere"
    anchors_beside(stage.path).symlink_to(elsewhere)
    await stage.pass_time(days=1)
    await keeper(stage).run_once()
    [line] = await anchored(stage)
    assert Anchor.all_in(line.text)
    assert not elsewhere.exists()


async def test_a_day_without_events_has_no_anchor(stage: BotWorld) -> None:
    """Nothing is announced without events. The events before a pause are anchored after it."""
    await stage.bot.ask(CANCEL_BY_ID)
    for _ in range(4):
        stage.clock.move(days=3)
        await keeper(stage).run_once()
    assert len(await anchored(stage)) == 1


async def test_an_anchor_waits_for_slack(stage: BotWorld) -> None:
    """The anchor is in the file at once, and in the channel when Slack is back."""
    keeping = keeper(stage)
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    stage.clock.move(days=1)
    await stage.people.fail("chat.postMessage", "server_error")
    await keeping.run_once()
    assert anchors_beside(stage.path).exists()
    assert not await anchored(stage)
    stage.clock.move(minutes=1)
    assert len(await anchored(stage)) == 1


async def test_what_is_old_goes_by_itself(stage: BotWorld) -> None:
    """keep_at_most deletes it, but never an open request. Without the setting nothing is deleted."""
    made = await denied(stage)
    waits = await stage.bot.ask(CANCEL_BY_ID, delivery_key="another")
    keeping = keeper(stage, RetentionSettings.model_validate({"keep_at_most": "30d"}))
    assert not await keeping.run_once()
    stage.clock.move(days=31)
    assert not await keeper(stage).run_once()
    assert await stage.bot.store.requests.personal_values(made.id)
    while await keeping.run_once():
        pass
    assert not await stage.bot.store.requests.personal_values(made.id)
    erased = (await stage.bot.store.requests.events(made.id))[-1]
    assert (erased.name, erased.actor, erased.data["rule"]) == ("erased", "system", "older than 30 days")
    assert (await stage.bot.store.requests.request(waits.id)).state is State.PENDING
    assert await stage.bot.store.requests.personal_values(waits.id)

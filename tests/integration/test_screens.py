"""The requester's own answers follow their requests through a ``response_url``, which is a secret."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.ui import command_replies, ways_on
from playground.faults import Fault
from playground.people import Message
from providers.actions import PlaceCall
from storage.maintenance.backup import backup
from storage.repositories.erasure_list import PurgeFilter
from storage.repositories.screens import MAX_USES
from storage.states import State
from tests.e2e.scene import private, words
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, MANAGER, SECOND, BotWorld, bench
from tests.storage.samples import NUMBER

LINE = f"/place-call {NUMBER}"
LATER = f"/place-call {NUMBER} tomorrow 9:30"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def answer(stage: BotWorld, wanted: Callable[[str], bool] = bool) -> Message:
    """Return the newest answer that only the agent sees."""
    return await stage.people.person(AGENT).wait_for(
        lambda one: bool(one.ephemeral_to) and wanted(str(one.blocks))
    )


async def place(stage: BotWorld, line: str = LINE) -> str:
    """Type a call, press its button and return the request's id."""
    async with stage.connected():
        await stage.people.person(AGENT).command(line)
        preview = await answer(stage, lambda text: command_replies.PLACE in text)
        await stage.people.person(AGENT).click(preview, command_replies.PLACE)
    return (await stage.bot.actions())[0].request


def urls(stage: BotWorld) -> list[str | None]:
    """Return the ``response_url`` of each row."""
    with closing(sqlite3.connect(stage.path)) as log:
        return [url for (url,) in log.execute("SELECT url FROM screens ORDER BY id")]


async def test_a_pressed_answer_is_replaced_until_its_end(stage: BotWorld) -> None:
    """It says that the call is being placed, then that it was placed. There is one answer all the time."""
    made = await place(stage)
    first = await answer(stage)
    assert first.text.startswith("⏳ Placing a call")
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    last = await answer(stage)
    assert last.ts == first.ts
    assert last.text.startswith("✅ *Placed*")
    assert made in str(last.blocks)
    assert len(await stage.people.person(AGENT).ephemerals()) == 1
    assert urls(stage) == [None]
    await stage.bot.posts()
    assert await stage.said("D0AGENT") == []


async def test_a_failure_can_be_tried_again_from_the_answer(stage: BotWorld) -> None:
    """The button opens the filled form. Nothing is sent by it."""
    await stage.providers.fail("callkaro", Fault(does="reply", status=429, effect=False))
    made = await place(stage)
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    last = await answer(stage)
    assert last.text.startswith("❌ *Not placed*")
    before = len(await stage.asked("callkaro"))
    async with stage.connected():
        heard = await stage.people.person(AGENT).click(last, ways_on.PLACE_AGAIN)
        assert heard.view
        assert NUMBER in str(heard.view.blocks)
    assert len(await stage.asked("callkaro")) == before
    assert len(await stage.bot.actions()) == 1
    assert made


async def test_a_scheduled_call_that_is_cancelled_later_shows_it(stage: BotWorld) -> None:
    """The answer has the button to cancel, and then the one to place again."""
    made = await place(stage, LATER)
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    scheduled = await answer(stage)
    assert scheduled.text.startswith("✅ *Scheduled*")
    assert ways_on.CANCEL_THIS in str(scheduled.blocks)
    async with stage.connected():
        await stage.people.person(AGENT).command(f"/cancel-call {NUMBER} customer asked")
    cancel = (await stage.bot.actions())[0].request
    assert cancel != made
    await stage.bot.approve(await stage.bot.store.requests.request(cancel))
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    [shown] = [one for one in await stage.people.person(AGENT).ephemerals() if one.ts == scheduled.ts]
    assert shown.text.startswith("🚫 *Cancelled*")
    assert ways_on.PLACE_AGAIN in str(shown.blocks)


@pytest.mark.parametrize(("zone", "both"), [("Asia/Kolkata", False), ("Europe/Berlin", True), ("", True)])
async def test_the_customers_clock_is_left_out_where_it_is_the_readers(
    stage: BotWorld, zone: str, *, both: bool
) -> None:
    """One reader sees one clock if both show the same. A channel's readers may be anywhere."""
    for user in (AGENT, SECOND):
        await stage.bot.store.users.keep_person(replace(await stage.bot.person(user), timezone=zone))
    at = stage.clock().replace(microsecond=0) + timedelta(hours=3)
    placed = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at))
    await stage.bot.run_until_idle()
    cancel = await stage.bot.ask(CANCEL_BY_NUMBER, by=SECOND, delivery_key="cancel")
    await stage.bot.posts()
    async with stage.connected():
        status = private(await stage.people.person(AGENT).command(f"/calls status {placed.id}"))
    assert (" IST)" in words(status)) is both
    assert any(" IST)" in words(one) for one in await stage.said("C0AUDIT"))
    assert any(" IST)" in words(one) for one in await stage.said("C0APPROVE"))
    await stage.bot.approve(cancel)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    [told] = await stage.said("D0SECOND")
    assert "*Cancelled*" in told.text
    assert (" IST)" in words(told)) is both


async def test_a_typed_command_says_nothing_that_ages(stage: BotWorld) -> None:
    """*Show status* replaces the answer, which then follows the request to its end."""
    async with stage.connected():
        await stage.people.person(AGENT).command("/cancel-call vx_1001 via voxworks customer asked")
        typed = await answer(stage)
        assert typed.text.startswith("*Requested:* cancel")
        assert "Waiting" not in str(typed.blocks)
        assert urls(stage) == []
        await stage.people.person(AGENT).click(typed, ways_on.SHOW_STATUS)
        followed = await answer(stage, lambda text: "Waiting for approval" in text)
    assert followed.ts == typed.ts
    request = await stage.bot.store.requests.request((await stage.bot.actions())[0].request)
    await stage.bot.approve(request)
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    assert (await answer(stage)).text.startswith("🚫 *Cancelled*")
    await stage.bot.posts()
    assert len(await stage.said("D0AGENT")) == 1  # its end comes by direct message, too


async def test_an_answer_outlives_kill_9(stage: BotWorld) -> None:
    """The process dies after each step. The next one replaces the answer, and none is lost."""
    await place(stage)
    await stage.crash()
    await stage.bot.run_until_idle()
    await stage.crash()
    await stage.bot.screens.run_once()
    assert (await answer(stage)).text.startswith("✅ *Placed*")
    assert urls(stage) == [None]


async def test_an_answer_that_the_dead_process_had_in_hand_is_replaced(stage: BotWorld) -> None:
    """A use is counted before Slack is asked. After the lease, another process uses it again."""
    await place(stage)
    await stage.bot.run_until_idle()
    await stage.people.fail("response_url", "silence")
    now = stage.clock()
    [behind] = await stage.bot.store.screens.behind(now)
    assert await stage.bot.store.screens.use(behind, now, now)  # and killed here
    await stage.crash()
    await stage.bot.screens.run_once()
    assert (await answer(stage)).text.startswith("✅ *Placed*")


async def test_no_url_is_left_after_half_an_hour(stage: BotWorld) -> None:
    """Every ``response_url`` is blanked in time, also after a crash."""
    await place(stage, LATER)
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    assert urls(stage) != [None]
    await stage.crash()
    await stage.pass_time(minutes=31)
    await stage.bot.screens.run_once()
    assert urls(stage) == [None]


async def test_a_url_is_used_four_times_at_most(stage: BotWorld) -> None:
    """The last use is kept for the end."""
    await place(stage)
    store, now = stage.bot.store, stage.clock()
    for uses in range(MAX_USES):
        [behind] = await store.screens.behind(now)
        assert behind.uses == uses
        assert await store.screens.use(behind, now, now)
        assert not await store.screens.use(behind, now, now)
    assert await store.screens.behind(now) == []
    await stage.bot.screens.run_once()
    assert urls(stage) == [None]


async def test_a_url_is_nowhere_else(
    stage: BotWorld, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """It is in no event, in no backup and in no line of the process's log. A purge takes it away."""
    caplog.set_level(logging.INFO)
    made = await place(stage, LATER)
    await stage.bot.run_until_idle()
    await stage.bot.screens.run_once()
    [url] = urls(stage)
    assert url
    secret = url.rpartition("/")[2]
    with closing(sqlite3.connect(stage.path)) as log:
        for table in ("events", "personal", "outbox", "messages"):
            assert secret not in str(log.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("bot", "slack", "aiohttp"))]
    assert secret not in str(ours)
    copy = tmp_path / "copy.db"
    await asyncio.to_thread(backup, stage.path, copy)
    assert secret.encode() not in copy.read_bytes()
    await stage.pass_time(days=3)
    await stage.bot.store.retention.purge(PurgeFilter("all", numbers=frozenset({NUMBER})), actor="U0DPO")
    assert urls(stage) == [None]
    assert made


async def test_a_message_in_a_channel_is_never_replaced(stage: BotWorld) -> None:
    """*Withdraw request* on the audit message: others get a clear answer, the requester withdraws."""
    async with stage.connected():
        await stage.people.person(AGENT).command("/cancel-call vx_1001 via voxworks customer asked")
        await stage.bot.posts()
        [audit] = await stage.said("C0AUDIT")
        assert ways_on.WITHDRAW in str(audit.blocks)
        await stage.people.person(MANAGER).click(audit, ways_on.WITHDRAW)
        told = await stage.people.person(MANAGER).wait_for(lambda one: bool(one.ephemeral_to))
        assert "Only the person" in told.text or "Only" in told.text
        assert (await stage.bot.actions())[0].state is State.PENDING
        await stage.people.person(AGENT).click(audit, ways_on.WITHDRAW)
        await answer(stage, lambda text: "Withdrawn" in text)
    await stage.bot.posts()
    [audit] = await stage.said("C0AUDIT")
    assert "Withdrawn" in audit.text
    assert ways_on.WITHDRAW not in str(audit.blocks)


async def test_the_menu_opens_details(stage: BotWorld) -> None:
    """⋯ on the audit message has *Details* and friends. Its values are short."""
    made = await place(stage, LATER)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    [audit] = await stage.said("C0AUDIT")
    menu = audit.blocks[0]["accessory"]
    assert all(len(option["value"]) <= 75 for option in menu["options"])
    async with stage.connected():
        heard = await stage.people.person(MANAGER).click(
            audit, ways_on.MENU, value=f"{ways_on.DETAILS} {made}"
        )
    assert heard.view
    assert made in str(heard.view.blocks)

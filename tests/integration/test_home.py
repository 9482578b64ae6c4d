"""The Home tab: published when a person opens it, and kept up to date for a day."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from bot.listeners.shortcuts import GLOBAL, PLACE_MENTIONED
from bot.ui import home as ui
from playground.people import View
from providers.actions import CallRef, CancelCall, PlaceCall
from storage.models import Request
from tests.e2e.scene import opened, until, words
from tests.integration.bench import AGENT, CANCEL_BY_ID, MANAGER, BotWorld, bench
from tests.storage.samples import NUMBER, OTHER_NUMBER

ONLY_MANAGERS = {
    'actions = ["place_call"]\nrequest = ["everyone"]': 'actions = ["place_call"]\nrequest = ["managers"]'
}

CANCEL_ELSEWHERE = {
    'actions = ["cancel_call", "delete_campaign"]': 'actions = ["cancel_call"]\nconnections = ["voxworks"]'
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def open_home(stage: BotWorld, person: str = AGENT) -> View:
    """Open the tab as a person, and return what it then shows."""
    before = await published(stage)
    async with stage.connected():
        await stage.people.person(person).open_home()
        await until(lambda: noted(stage, person))
    await stage.bot.homes.run_once()
    assert await published(stage) == before + 1
    return await home(stage, person)


async def noted(stage: BotWorld, person: str) -> bool | None:
    """Return True once the log has that a person opened the tab."""
    with closing(sqlite3.connect(stage.path)) as log:
        query = "SELECT 1 FROM homes WHERE person = ? AND shown IS NULL"
        return log.execute(query, [person]).fetchone() is not None or None


def kept(stage: BotWorld) -> list[str]:
    """Return the people whose tabs are kept up to date."""
    with closing(sqlite3.connect(stage.path)) as log:
        return [person for (person,) in log.execute("SELECT person FROM homes ORDER BY person")]


async def home(stage: BotWorld, person: str = AGENT) -> View:
    """Return the tab as a person sees it."""
    found = await stage.people.person(person).home()
    assert found
    return found


async def published(stage: BotWorld) -> int:
    """Return how many tabs Slack was asked to publish."""
    return len(await stage.people.journal("views.publish"))


async def refreshed(stage: BotWorld, person: str = AGENT) -> View:
    """Let some seconds pass and the tabs be looked at, and return what one shows."""
    stage.clock.move(seconds=6)
    await stage.bot.homes.run_once()
    return await home(stage, person)


async def schedule(stage: BotWorld) -> Request:
    """Schedule a call as the agent."""
    request = await stage.bot.ask(
        PlaceCall(to=NUMBER, agent="payments", at=stage.clock() + timedelta(hours=3))
    )
    await stage.bot.run_until_idle()
    return request


async def test_a_tab_shows_what_concerns_its_person(stage: BotWorld) -> None:
    """An unknown outcome and a waiting approval need the manager. The agent sees requests and calls."""
    assert "Nothing here yet" in words(await open_home(stage))
    scheduled = await schedule(stage)
    await stage.providers.fail("callkaro", "reset", effect=False)
    unknown = await stage.bot.ask(PlaceCall(to=OTHER_NUMBER, agent="payments"), delivery_key="unknown")
    await stage.bot.run_until_idle()
    waiting = await stage.bot.ask(CANCEL_BY_ID, delivery_key="waiting")
    theirs = words(await open_home(stage, MANAGER))
    needed = theirs.partition("*Needs you*")[2].partition("*Your requests*")[0]
    assert needed.index(unknown.id) < needed.index(waiting.id)
    assert "No requests yet." in theirs
    own = words(await refreshed(stage))
    needed, _, rest = own.partition("*Your requests*")
    requests, _, upcoming = rest.partition("*Coming up*")
    assert "Nothing waiting." in needed
    assert requests.index(waiting.id) < requests.index(unknown.id) < requests.index(scheduled.id)
    assert scheduled.id in upcoming
    assert waiting.id not in upcoming
    assert "98765" not in own + theirs


async def test_the_buttons_of_a_tab_do_what_they_do_in_messages(stage: BotWorld) -> None:
    """Review and the forms open modals. Answers that would stand below a message open as modals, too."""
    scheduled = await schedule(stage)
    waiting = await stage.bot.ask(CANCEL_BY_ID, delivery_key="waiting")
    mira, asha = stage.people.person(MANAGER), stage.people.person(AGENT)
    theirs = await open_home(stage, MANAGER)
    own = await open_home(stage)
    async with stage.connected():
        assert "Approve" in str(opened(await mira.click(theirs, "review")).submit)
        for form in ("open_place", "open_cancel", "open_move", "move_this"):
            view = opened(await asha.click(own, form))
            assert view.submit
            await asha.close(view)
        withdrawn = opened(await asha.click(own, "withdraw"))
        assert "Withdrawn" in words(withdrawn)
        await asha.close(withdrawn)
        stage.clock.move(hours=4)
        assert "Too late" in words(opened(await asha.click(own, "move_this")))
    assert (await stage.bot.record(waiting)).state == "withdrawn"
    assert "Withdrawn" in words(await refreshed(stage))
    assert scheduled.id in words(await home(stage))


async def test_a_form_from_the_tab_answers_by_direct_message(stage: BotWorld) -> None:
    """There is no channel to answer in."""
    asha = stage.people.person(AGENT)
    own = await open_home(stage)
    async with stage.connected():
        form = opened(await asha.click(own, "open_cancel"))
        heard = await asha.submit(
            form, {"targets": "vx_1001", "connection": "voxworks", "reason": "duplicate"}
        )
        assert (heard.errors, heard.view) == ({}, None)
        told = await asha.wait_for(lambda one: one.channel == "D0AGENT")
    assert "Requested" in told.text
    assert [call["args"]["channel"] for call in await stage.people.journal("chat.postEphemeral")] == []


async def test_a_tab_follows_changes_and_nothing_else(stage: BotWorld) -> None:
    """It is published anew when it reads differently, at most every five seconds."""
    await open_home(stage)
    count = await published(stage)
    await stage.bot.ask(CANCEL_BY_ID, by=MANAGER, delivery_key="theirs")
    await refreshed(stage)
    assert await published(stage) == count  # another's request doesn't concern the agent
    stage.clock.move(minutes=2)
    await refreshed(stage)
    assert await published(stage) == count
    await schedule(stage)
    assert "Coming up" in words(await refreshed(stage))
    await stage.bot.ask(CancelCall(target=CallRef(call_id="vx_1002")), delivery_key="one")
    await stage.bot.homes.run_once()
    assert await published(stage) == count + 1  # too soon
    await refreshed(stage)
    assert await published(stage) == count + 2
    stage.clock.move(hours=3, seconds=1)
    assert "No calls scheduled." in words(await refreshed(stage))  # time has passed, without an event


async def test_a_tab_shows_the_outages_of_the_person_s_connections(stage: BotWorld) -> None:
    """It begins with them, and loses them once the provider answers. Others see nothing of it."""
    await stage.crash(**ONLY_MANAGERS, **CANCEL_ELSEWHERE)
    await open_home(stage)
    await open_home(stage, MANAGER)
    pause = timedelta(minutes=5)
    for _ in range(3):
        stage.clock.move(seconds=1)
        await stage.bot.store.outages.failed(
            "reminders", began=stage.clock(), pause=lambda _: pause, reachable=False, told_from=1
        )
    stage.clock.move(minutes=2)
    assert words(await refreshed(stage, MANAGER)).startswith("⚠️ *reminders is down. Next try: ")
    assert "is down" not in words(await home(stage))
    await stage.bot.store.outages.answered("reminders")
    stage.clock.move(minutes=2)
    assert "is down" not in words(await refreshed(stage, MANAGER))


async def test_after_a_day_a_tab_is_left(stage: BotWorld) -> None:
    """It says so, until its person opens it again."""
    await open_home(stage)
    await schedule(stage)
    await stage.pass_time(days=1)
    assert words(await refreshed(stage)) == ui.resting()["blocks"][0]["text"]["text"]
    assert kept(stage) == []
    count = await published(stage)
    await stage.bot.ask(CANCEL_BY_ID, delivery_key="later")
    await refreshed(stage)
    assert await published(stage) == count
    assert "*Your requests*" in words(await open_home(stage))


async def test_another_process_goes_on(stage: BotWorld) -> None:
    """A tab is published by the next process after a kill, and only if it reads differently."""
    await open_home(stage)
    await stage.crash()
    count = await published(stage)
    await refreshed(stage)
    assert await published(stage) == count
    await schedule(stage)
    await stage.crash()
    await refreshed(stage)
    assert await published(stage) == count + 1


async def test_two_processes_publish_a_tab_once(stage: BotWorld) -> None:
    """A single process claims it, and the other finds nothing to do."""
    await open_home(stage)
    first, second = stage.bot, await stage.start()
    await schedule(stage)
    count = await published(stage)
    stage.clock.move(seconds=6)
    tabs = await second.store.homes.due(stage.clock(), kept_for=timedelta(days=1), limit=10)
    await first.homes.run_once()
    for tab in tabs:
        assert not await second.store.homes.claim(tab, "something else", stage.clock())
    await second.homes.run_once()
    assert await published(stage) == count + 1


@pytest.mark.parametrize("trouble", ["server_error", "reset", "ratelimited"])
async def test_while_slack_is_down_the_last_tab_stays(stage: BotWorld, trouble: str) -> None:
    """It is published once Slack answers again, also by the next process."""
    before = await open_home(stage)
    await schedule(stage)
    await stage.people.fail("views.publish", trouble, times=2)
    assert (await refreshed(stage)).hash == before.hash
    await stage.crash()
    await refreshed(stage)
    assert "*Coming up*" in words(await refreshed(stage))


async def test_an_opening_that_the_log_could_not_take_comes_again(stage: BotWorld) -> None:
    """It is not acknowledged, so that Slack delivers it again."""
    with closing(sqlite3.connect(stage.path, isolation_level=None)) as other:
        async with stage.connected():
            await stage.bot.person(AGENT)
            other.execute("BEGIN IMMEDIATE")
            await stage.people.person(AGENT).open_home()
            await until(lambda: delivered(stage, times=2))
            other.execute("ROLLBACK")
            await until(lambda: noted(stage, AGENT))


async def delivered(stage: BotWorld, times: int) -> bool | None:
    """Return True once Slack has delivered events that often."""
    events = [one for one in stage.slack.socket.deliveries if one["type"] == "events_api"]
    return len(events) >= times or None


async def test_a_person_who_may_do_nothing_any_more_reads_why(stage: BotWorld) -> None:
    """The tab says what the gate says elsewhere, and is left at that."""
    await open_home(stage)
    workspace = stage.slack.workspace
    workspace.users[AGENT] = replace(workspace.users[AGENT], is_restricted=True)
    stage.clock.move(hours=2)
    assert "Guests can't use CallOps" in words(await refreshed(stage))
    assert kept(stage) == []


async def test_a_busy_tab_keeps_to_its_limits(stage: BotWorld) -> None:
    """With 500 requests waiting for a manager it is still there within a second."""
    for number in range(500):
        cancel = CancelCall(target=CallRef(call_id=f"vx_{number}"))
        await stage.bot.ask(cancel, delivery_key=f"ask {number}")
    began = perf_counter()
    theirs = await open_home(stage, MANAGER)
    assert perf_counter() - began < 5  # a second on its own, more on a busy computer
    assert "at least 100 more" in words(theirs)
    assert len(theirs.blocks) <= 100


async def test_global_shortcuts_open_the_forms(stage: BotWorld) -> None:
    """A person without permission reads why in a modal."""
    asha = stage.people.person(AGENT)
    async with stage.connected():
        for callback_id, title in zip(GLOBAL, ("Place a call", "Cancel a call"), strict=True):
            view = opened(await asha.shortcut(callback_id))
            assert view.title["text"] == title
            await asha.close(view)
    await stage.crash(**ONLY_MANAGERS)
    async with stage.connected():
        assert opened(await asha.shortcut("place_call")).title["text"] == "Not allowed"


@pytest.mark.parametrize(
    ("text", "filled", "hint"),
    [
        ("call 98765 43210 please", "+91 98765 43210", "From the message"),
        ("98765 43210 or 98765 43211", "+91 98765 43210\n+91 98765 43211", "several numbers"),
        ("nothing here", None, "no phone number"),
    ],
)
async def test_a_number_in_a_message_fills_the_form(
    stage: BotWorld, text: str, filled: str | None, hint: str
) -> None:
    """Of several numbers, the person keeps one."""
    asha = stage.people.person(AGENT)
    async with stage.connected():
        await asha.say(text)
        form = opened(await asha.shortcut(PLACE_MENTIONED, (await asha.channel("C0SUPPORT"))[-1]))
    inputs: dict[str, dict[str, Any]] = {
        block["block_id"]: block["element"] for block in form.blocks if block["type"] == "input"
    }
    assert inputs["targets"].get("initial_value") == filled
    assert hint in words(form)

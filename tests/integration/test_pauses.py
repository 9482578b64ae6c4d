"""The brake, from the command in Slack to the provider."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.parsing.parser import MAX_TARGETS
from bot.ui.channel_messages import REVIEW
from bot.ui.pauses import CANCEL_SCHEDULED, OPEN, RESUME
from bot.workers.attempt import NOW_MEANS
from providers.actions import Kind, PlaceCall
from storage.repositories.audit import DENIED_ATTEMPT
from storage.states import State
from tests.e2e.scene import opened, words
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    BotWorld,
    bench,
)
from tests.integration.test_home import home, open_home, refreshed
from tests.integration.test_stops import read, scheduled
from tests.storage.samples import NUMBER, erase, many_numbers, verified

AUDIT = "C0AUDIT"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def typed(stage: BotWorld, *lines: tuple[str, str]) -> list[str]:
    """Type commands as people, and return their private answers."""
    async with stage.connected():
        return [read((await stage.people.person(user).command(line)).ephemeral) for user, line in lines]


async def news(stage: BotWorld) -> list[str]:
    """Return the audit channel's posts about pauses."""
    await stage.bot.posts()
    return [read(one) for one in await stage.said(AUDIT) if "B-" in read(one)]


async def test_a_pause_holds_calls_back_until_a_resume(stage: BotWorld) -> None:
    """The call waits and says why, a cancellation goes on, and the call goes out by itself after that."""
    call = await stage.bot.ask(scheduled(stage.clock.now + timedelta(hours=3)), delivery_key="before")
    await stage.bot.run_until_idle()
    [paused] = await typed(stage, (MANAGER, "/calls pause via reminders provider calls twice"))
    assert "Calls through reminders are paused." in paused
    assert "Cancellations, deletions and stops go on." in paused
    assert "1 call is already scheduled at the provider." in paused
    assert "Nothing is waiting." in paused
    cancelled = await stage.bot.approved(CANCEL_BY_NUMBER)
    made = await stage.bot.ask(PLACE, delivery_key="during")
    assert made.paused_by
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed", "removed"]
    assert (await stage.bot.record(made)).state is State.APPROVED
    assert (await stage.bot.record(cancelled)).state is State.SUCCEEDED
    assert (await stage.bot.record(call)).state is State.SUCCEEDED
    await stage.bot.posts()
    [card] = [read(one) for one in await stage.said(AUDIT) if made.id in read(one)]
    assert "⏳ Paused by mira: “provider calls twice”" in card.replace("*", "")
    [post] = await news(stage)
    assert "mira paused calls through reminders." in post
    assert "“provider calls twice”" in post
    listed, helped, status = await typed(
        stage, (AGENT, "/calls list"), (MANAGER, "/calls help"), (AGENT, f"/calls status {made.id}")
    )
    for shown in (listed, helped, status):
        assert "Paused by <@U0MANAGER>" in shown
        assert "“provider calls twice”" in shown
    [resumed] = await typed(stage, (MANAGER, "/calls resume via reminders"))
    assert "Calls through reminders are no longer paused." in resumed
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed", "removed", "placed"]
    [post] = await news(stage)
    assert "mira resumed calls through reminders" in post
    assert not (await verified(stage.bot.store)).faults


async def test_a_request_during_a_pause_says_so_in_its_answer(stage: BotWorld) -> None:
    """Its requester need not look it up."""
    await typed(stage, (MANAGER, "/calls pause wrong list"))
    made = await stage.bot.ask(PLACE)
    asha = await stage.bot.person(AGENT)
    message = stage.bot.surfaces.requests._flow.asked(made, asha, typed=True)
    assert "*Paused by <@U0MANAGER>*: “wrong list”." in str(message.blocks)


async def test_only_some_may_pause_and_attempts_are_recorded(stage: BotWorld) -> None:
    """An agent reads who may. The log has the attempt, and nothing is paused."""
    said = await typed(
        stage, (AGENT, "/calls pause wrong list"), (AGENT, "/calls resume"), (MANAGER, "/calls pause")
    )
    assert "Only managers may pause or resume calls" in said[0]
    assert "Only managers may pause or resume calls" in said[1]
    assert "Add a reason, e.g. “wrong list”." in said[2]
    assert not await stage.bot.store.pauses.active(stage.clock.now)
    events = await stage.bot.store._database.reader.do(
        lambda connection: connection.execute(
            "SELECT json_extract(data, '$.tried') FROM events WHERE name = ?", [DENIED_ATTEMPT]
        ).fetchall()
    )
    assert [tried for (tried,) in events] == ["pause", "resume"]


async def test_the_end_of_a_pause_is_in_the_zone_of_its_author(stage: BotWorld) -> None:
    """A time that is over is asked about. When the end has come, calls go out without anybody's doing."""
    until = stage.clock.now + timedelta(minutes=10)
    person = await stage.bot.person(MANAGER)
    assert person.timezone == "Asia/Kolkata"
    shown = f"{until + timedelta(hours=5, minutes=30):%H:%M}"
    past, held = await typed(
        stage,
        (MANAGER, "/calls pause until 0:05 wrong list"),
        (MANAGER, f"/calls pause until {shown} wrong list"),
    )
    assert "is in the past" in past
    assert "All calls are paused until" in held
    [pause] = await stage.bot.store.pauses.active(stage.clock.now)
    assert pause.until == until.replace(second=0, microsecond=0)
    await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == []
    stage.clock.move(minutes=10)
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed"]


async def test_a_call_for_now_still_expires_during_a_pause(stage: BotWorld) -> None:
    """It does not ring hours later. It was never sent."""
    made = await stage.bot.ask(PLACE)
    await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="why", until=None, nonce="n")
    await stage.bot.run_until_idle()
    stage.clock.move(seconds=NOW_MEANS.total_seconds() + 61)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.EXPIRED
    assert await stage.effects("callkaro") == []


@pytest.mark.parametrize("step", ["before sending", "after sending", "before hold"])
async def test_a_pause_just_before_the_last_renewal_holds_it_back(stage: BotWorld, step: str) -> None:
    """The call is approved again, says so, and goes out after the resume, once."""

    async def pause() -> None:
        stage.bot.store.at.pop(step, None)
        await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="why", until=None, nonce="n")

    stage.bot.store.at[step] = pause
    made = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.APPROVED
    assert await stage.effects("callkaro") == []
    await stage.bot.store.pauses.resume(None, actor=MANAGER)
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed"]
    assert not (await verified(stage.bot.store)).faults


async def test_what_had_renewed_before_is_counted_and_may_leave(stage: BotWorld) -> None:
    """The pause comes after the last renewal. Its answer says how many were leaving."""
    counted: list[int] = []

    async def pause() -> None:
        stage.bot.store.at.pop("after hold", None)
        made = await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="why", until=None, nonce="n")
        counted.append(made.found.leaving)

    stage.bot.store.at["after hold"] = pause
    await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    assert counted == [1]
    assert await stage.effects("callkaro") == ["placed"]
    [post] = await news(stage)
    assert "1 was already leaving." in post


async def test_the_channel_forgets_an_erased_reason(stage: BotWorld) -> None:
    """Its post is edited, as messages about requests are."""
    pause = await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="secret", until=None, nonce="n")
    [post] = await news(stage)
    assert "secret" in post
    await erase(stage.bot.store, pause.id, actor="U0DPO")
    [post] = await news(stage)
    assert "secret" not in post
    assert "paused all calls" in post


async def test_a_pause_outlives_its_process(stage: BotWorld) -> None:
    """A pause is a row, which the next process finds."""
    await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="why", until=None, nonce="n")
    made = await stage.bot.ask(PLACE)
    bot = await stage.crash()
    await bot.run_until_idle()
    assert (await bot.record(made)).state is State.APPROVED


async def test_a_manager_pauses_and_resumes_on_home(stage: BotWorld) -> None:
    """The form says what a pause finds. Home shows the pause at once, and a press there ends it."""
    await stage.bot.ask(scheduled(stage.clock.now + timedelta(hours=3)), delivery_key="before")
    await stage.bot.run_until_idle()
    await stage.bot.ask(PLACE, delivery_key="waits")
    mira = stage.people.person(MANAGER)
    theirs = await open_home(stage, MANAGER)
    async with stage.connected():
        form = opened(await mira.click(theirs, OPEN))
        assert "reminders: 1 waiting to be sent, 1 scheduled at the provider, which still ring" in words(form)
        assert "voxworks: 0 waiting to be sent" in words(form)
        values = {"connection": "reminders", "reason": "wrong list", "until": "yesterday 9:30"}
        assert "in the past" in (await mira.submit(form, values)).errors["until"]
        heard = await mira.submit(form, {"until": ""})
        assert "Calls through reminders are paused." in words(opened(heard)).replace("*", "")
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed"]
    stage.clock.move(seconds=2)
    await stage.bot.homes.run_once()
    theirs = await home(stage, MANAGER)
    assert "Calls through reminders:* Paused by <@U0MANAGER> since" in words(theirs)
    assert "“wrong list”" in words(theirs)
    assert "Paused by" in words(await open_home(stage))
    stage.clock.move(seconds=2)
    async with stage.connected():
        heard = await mira.click(theirs, RESUME)
        assert heard.confirm
        assert heard.view is None
    await stage.bot.homes.run_once()
    assert "Paused by" not in words(await home(stage, MANAGER))
    assert "Paused by" not in words(await refreshed(stage))
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed", "placed"]


async def test_home_offers_the_brake_to_those_who_may(stage: BotWorld) -> None:
    """An agent sees the pause, and no button. Its old Home gets the reason as a modal."""
    await stage.crash(**{'name = "anyone may place a call"\n': 'name = "anyone"\npause = ["everyone"]\n'})
    theirs = await open_home(stage)
    assert OPEN in str(theirs.blocks)
    await stage.crash()
    asha = stage.people.person(AGENT)
    async with stage.connected():
        view = opened(await asha.click(theirs, OPEN))
        assert "Only managers may pause or resume calls" in words(view)
        await asha.close(view)
    await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="why", until=None, nonce="n")
    theirs = await refreshed(stage)
    assert "All calls:* Paused by" in words(theirs)
    assert RESUME not in str(theirs.blocks)
    assert OPEN not in str(theirs.blocks)


async def test_a_pause_is_ended_in_the_audit_channel(stage: BotWorld) -> None:
    """Others read why they may not. A press for a pause that another one replaced ends nothing."""
    first = await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="one", until=None, nonce="1")
    await stage.bot.posts()
    [post] = [one for one in await stage.said(AUDIT) if first.id in read(one)]
    await stage.bot.store.pauses.pause(None, actor=MANAGER, reason="two", until=None, nonce="2")
    asha, mira = stage.people.person(AGENT), stage.people.person(MANAGER)
    async with stage.connected():
        await mira.click(post, RESUME)
        await mira.wait_for(lambda one: "That pause has ended already" in read(one))
        await stage.bot.posts()
        [post] = [one for one in await stage.said(AUDIT) if "“two”" in read(one)]
        await asha.click(post, RESUME)
        await asha.wait_for(lambda one: "Only managers may pause or resume calls" in read(one))
        assert await stage.bot.store.pauses.active(stage.clock.now)
        await mira.click(post, RESUME)
        await mira.wait_for(lambda one: "All calls are no longer paused." in read(one))
    assert not await stage.bot.store.pauses.active(stage.clock.now)
    stage.clock.move(seconds=2)
    await stage.bot.posts()
    [post] = [one for one in await stage.said(AUDIT) if "“two”" in read(one)]
    assert "mira resumed all calls" in read(post)
    assert RESUME not in str(post.blocks)


async def test_everything_open_shows_a_pause(stage: BotWorld) -> None:
    """The card, the review, the preview and the form do, and none of them after the resume."""
    rule = 'actions = ["place_call"]\nrequest = ["everyone"]'
    await stage.crash(**{rule: f'{rule}\napprove = ["managers"]'})
    made = await stage.bot.ask(PLACE)
    await stage.bot.ask(CANCEL_BY_ID, delivery_key="cancellation")
    await stage.bot.posts()
    await typed(stage, (MANAGER, "/calls pause via reminders wrong list"))
    line = "⏸️ Paused by mira since"
    asha, mira = stage.people.person(AGENT), stage.people.person(MANAGER)

    async def shown() -> tuple[list[str], list[str]]:
        """Return the cards, and what the review, the preview and the form show."""
        stage.clock.move(seconds=5)
        await stage.bot.posts()
        cards = await stage.said("C0APPROVE")
        [card] = [one for one in cards if made.id in read(one)]
        async with stage.connected():
            review = opened(await mira.click(card, REVIEW))
            await mira.close(review)
            preview = (await asha.command(f"/place-call {NUMBER}")).ephemeral
            form = opened(await asha.command("/place-call"))
            await asha.close(form)
        return [read(one) for one in cards], [read(one) for one in (review, preview, form)]

    cards, others = await shown()
    assert [line in one for one in cards] == [made.id in one for one in cards]
    assert "“wrong list”" in cards[0]
    assert "If you approve, it waits until calls are resumed." in others[0]
    assert all("<@U0MANAGER> since" in one and "“wrong list”" in one for one in others)
    await typed(stage, (MANAGER, "/calls resume via reminders"))
    cards, others = await shown()
    assert not any("aused" in one for one in (*cards, *others))


async def test_scheduled_calls_are_cancelled_from_the_post(stage: BotWorld) -> None:
    """The form takes as many as a request does. The next press takes those that nobody asked to cancel."""
    at = stage.clock.now + timedelta(hours=3)
    for number in many_numbers(MAX_TARGETS + 2):
        await stage.bot.ask(PlaceCall(to=number, agent="payments", at=at), delivery_key=number)
        await stage.bot.run_until_idle()
        stage.clock.move(seconds=1)
    asha, mira = stage.people.person(AGENT), stage.people.person(MANAGER)
    async with stage.connected():
        said = (await mira.command("/calls pause wrong list")).ephemeral
        assert "52 calls are already scheduled at the provider." in read(said)
        assert CANCEL_SCHEDULED in str(said)
        await stage.bot.posts()
        [post] = [one for one in await stage.said(AUDIT) if "B-" in read(one)]
        form = opened(await asha.click(post, CANCEL_SCHEDULED))
        assert "50 scheduled calls from the log." in read(form)
        assert "2 more:" in read(form)
        heard = await asha.submit(form, {"reason": "duplicate"})
        assert heard.errors == {}
        form = opened(await asha.click(post, CANCEL_SCHEDULED))
        assert "2 scheduled calls from the log." in read(form)
        assert "more" not in read(form).partition("from the log.")[2].split("\n")[0]
        await asha.submit(form, {"reason": "duplicate"})
        await asha.click(post, CANCEL_SCHEDULED)
        await asha.wait_for(lambda one: "No scheduled call is left to cancel" in read(one))
    asked = [one for one in await stage.bot.actions() if one.kind is Kind.CANCEL_CALL]
    assert len({one.action for one in asked}) == MAX_TARGETS + 2


async def test_only_those_who_may_ask_to_cancel_are_offered_it(stage: BotWorld) -> None:
    """Others read why not. The form opens over the answer to the form on Home."""
    await stage.crash(**{'request = ["everyone"]\napprove': 'request = ["managers"]\napprove'})
    await stage.bot.ask(scheduled(stage.clock.now + timedelta(hours=3)))
    await stage.bot.run_until_idle()
    asha, mira = stage.people.person(AGENT), stage.people.person(MANAGER)
    theirs = await open_home(stage, MANAGER)
    async with stage.connected():
        form = opened(await mira.click(theirs, OPEN))
        made = opened(await mira.submit(form, {"reason": "wrong list"}))
        assert "1 scheduled call from the log." in read(opened(await mira.click(made, CANCEL_SCHEDULED)))
        await stage.bot.posts()
        [post] = [one for one in await stage.said(AUDIT) if "B-" in read(one)]
        await asha.click(post, CANCEL_SCHEDULED)
        await asha.wait_for(lambda one: "No rule lets you do this." in read(one))

"""The end of a call is told once, where it belongs, and to whom it concerns."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.services.models import RequestSource, RequestSpec
from bot.ui.ways_on import MENU
from bot.workers.provider_events import ended
from providers.actions import CallEnd, Code, Ending, ProviderEvent
from storage.changes import ChangeSet
from storage.errors import ConflictError
from storage.models import Request
from storage.states import State
from tests.e2e.scene import buttons, opened, private, words
from tests.integration.bench import AGENT, MANAGER, PLACE, BotWorld, bench
from tests.storage.samples import NUMBER, erase, verified

LINK, RECORDING = "https://karo.example/calls/1", "https://karo.example/recordings/1.mp3"
NO_ANSWER = {"ending": Ending.NO_ANSWER, "try_number": 0}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def placed(stage: BotWorld, *, tell_me: bool = False, at: datetime | None = None) -> Request:
    """Place a call, and return its request once the audit channel shows it."""
    person = await stage.bot.person(AGENT)
    spec = RequestSpec("reminders", (PLACE.model_copy(update={"at": at}),), tell_me=tell_me)
    made = (
        await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", f"place {tell_me}"))
    ).request
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    return made


async def hear(stage: BotWorld, request: Request, **end: Any) -> None:
    """Let the provider report an end, and post what follows."""
    told = CallEnd.model_validate({"ending": Ending.ANSWERED} | end)
    event = ProviderEvent(action_id=request.id, message="It ended.", end=told, number=NUMBER)
    await stage.bot.notices.take("reminders", event)
    await stage.bot.posts()


async def direct(stage: BotWorld, user: str = AGENT) -> list[str]:
    """Return the direct messages to a person."""
    return [words(one) for one in await stage.people.messages() if one.channel == f"D{user[1:]}"]


async def test_an_end_edits_the_audit_message_and_posts_nothing(stage: BotWorld) -> None:
    """The second line says how the call ended, and the last try replaces the ones before."""
    made = await placed(stage)
    before = len(await stage.people.messages())
    again = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    await hear(stage, made, **NO_ANSWER, again=True, next_at=again)
    [audit] = await stage.said("C0AUDIT")
    assert "*Placed*" in words(audit)
    assert "No answer (try 1), again " in words(audit)
    assert "Call again…" not in buttons(audit)
    await hear(stage, made, try_number=1, seconds=125)
    [audit] = await stage.said("C0AUDIT")
    assert "Answered (try 2), 2 min 5 s." in words(audit)
    assert "No answer" not in words(audit)
    await hear(stage, made, **NO_ANSWER, again=True, next_at=again)
    [audit] = await stage.said("C0AUDIT")
    assert "Answered (try 2), 2 min 5 s." in words(audit)
    assert len(await stage.people.messages()) == before
    names = [event.name for event in await stage.bot.store.requests.events(made.id)]
    assert names == ["requested", "sending", "succeeded", "call_ended", "call_ended"]


async def test_the_provider_s_word_is_never_taken_for_an_answer(stage: BotWorld) -> None:
    """A word that no page explains is shown as it is."""
    made = await placed(stage)
    await hear(stage, made, ending=Ending.OTHER, word="SOMETHING_NEW", seconds=40)
    [audit] = await stage.said("C0AUDIT")
    assert "Ended: SOMETHING_NEW." in words(audit)
    assert "nswered" not in words(audit)


async def test_an_unknown_call_is_not_called_again(stage: BotWorld) -> None:
    """Its end stands on the message, and a person has to check first. The provider's word can be erased."""
    await stage.providers.fail("callkaro", "reset", effect=True)
    made = await placed(stage)
    await hear(stage, made, ending=Ending.NOT_DIALLED, word="Ravi declined")
    audit, *_ = await stage.said("C0AUDIT")
    assert "Not dialled: Ravi declined." in words(audit)
    assert "Call again…" not in buttons(audit)
    events = await stage.bot.store.requests.events(made.id)
    assert "Ravi" not in str([event.data for event in events])


async def test_a_report_without_a_try_is_the_last_one(stage: BotWorld) -> None:
    """A deleted call has no try. It isn't listed as coming up any more."""
    made = await placed(stage, at=stage.clock() + timedelta(hours=3))
    await hear(stage, made, **NO_ANSWER, again=True)
    coming = stage.bot.store.call_history.upcoming_calls
    assert len(await coming("reminders", PLACE.agent, NUMBER, stage.clock())) == 1
    await hear(stage, made, ending=Ending.DELETED)
    assert "Deleted at the provider, so it won't go out." in words((await stage.said("C0AUDIT"))[0])
    assert not await coming("reminders", PLACE.agent, NUMBER, stage.clock())


async def test_a_moved_call_keeps_its_promise(stage: BotWorld) -> None:
    """The requester of the first call asked to be told, and hears of the one that took its place."""
    made = await placed(stage, tell_me=True, at=stage.clock() + timedelta(hours=3))
    async with stage.connected():
        agent = stage.people.person(AGENT)
        await agent.command(f"/calls move {made.id} in 5 hours")
    await stage.bot.posts()
    waiting = next(one for one in await stage.bot.actions() if one.state is State.PENDING)
    await stage.bot.approve(await stage.bot.store.requests.request(waiting.request))
    for _ in range(2):
        await stage.bot.run_until_idle()
        await stage.bot.reschedules.run_once()
    await stage.bot.posts()
    second = next(one for one in await stage.bot.actions() if one.code is Code.SCHEDULED)
    before = await direct(stage)
    await hear(stage, await stage.bot.store.requests.request(second.request), seconds=61)
    [told] = (await direct(stage))[len(before) :]
    assert "Answered, 1 min 1 s." in told


async def test_only_who_asked_gets_a_direct_message(stage: BotWorld) -> None:
    """The last try is told, and no other."""
    quiet, wanted = await placed(stage), await placed(stage, tell_me=True)
    before = await direct(stage)
    await hear(stage, quiet)
    await hear(stage, wanted, **NO_ANSWER, again=True)
    assert await direct(stage) == before
    await hear(stage, wanted, try_number=1, seconds=61)
    [told] = (await direct(stage))[len(before) :]
    assert "Answered (try 2), 1 min 1 s." in told


async def test_a_call_that_reached_nobody_can_be_placed_again(stage: BotWorld) -> None:
    """The button opens the filled form, which warns of the call before."""
    made = await placed(stage)
    await hear(stage, made, ending=Ending.BUSY)
    async with stage.connected():
        agent = stage.people.person(AGENT)
        [audit] = await stage.said("C0AUDIT")
        form = opened(await agent.click(audit, text="Call again…"))
        asked = await agent.submit(form, {})
    assert "98765 43210" in str(form.blocks)
    assert "placed a call to this number" in str(asked)


async def test_a_recording_opens_for_those_who_may_reveal(stage: BotWorld) -> None:
    """The log keeps who opened it. Others see no button, and the channel never shows the address."""
    placing = 'actions = ["place_call"]'
    await stage.crash(**{placing: f'{placing}\nreveal = ["managers"]'})
    made = await placed(stage)
    await hear(stage, made, seconds=125, link=LINK, recording=RECORDING)
    async with stage.connected():
        [audit] = await stage.said("C0AUDIT")
        details = audit.blocks[0]["accessory"]["options"][0]["value"]
        mira, agent = stage.people.person(MANAGER), stage.people.person(AGENT)
        story = opened(await mira.click(audit, MENU, value=details))
        shown = opened(await mira.click(story, text="Open recording"))
        other = opened(await agent.click(audit, MENU, value=details))
        page = private(await mira.command(f"/calls status {made.id}"))
    assert RECORDING in str(shown.blocks)
    assert LINK in str(story.blocks)
    assert "Open recording" not in str(other.blocks)
    assert LINK not in str(other.blocks)
    assert not [one for one in await stage.people.messages() if RECORDING in str(one.blocks)]
    assert RECORDING not in str(page.blocks)
    events = await stage.bot.store.requests.events(made.id)
    assert [(one.name, one.actor) for one in events][-1] == ("recording_opened", MANAGER)


async def test_an_end_comes_too_late_for_an_erased_call(stage: BotWorld) -> None:
    """The call was erased after the report was read and before it was written."""
    made = await placed(stage)
    told = CallEnd(ending=Ending.ANSWERED, link=LINK)
    event = ProviderEvent(action_id=made.id, message="It ended.", end=told, number=NUMBER)
    change = ended(await stage.bot.store.requests.request(made.id), event, "reminders")
    assert isinstance(change, ChangeSet)
    await erase(stage.bot.store, made.id, actor=MANAGER)
    with pytest.raises(ConflictError):
        await stage.bot.store.requests.apply(change)
    assert b"karo.example" not in stage.path.read_bytes()
    assert (await verified(stage.bot.store)).faults == ()


async def test_an_erased_end_keeps_its_category(stage: BotWorld) -> None:
    """The length, the word and the links go. The chain holds."""
    made = await placed(stage)
    await hear(stage, made, seconds=125, word="CLIENT_INITIATED", link=LINK, recording=RECORDING)
    await erase(stage.bot.store, made.id, actor=MANAGER)
    record = await stage.bot.record(made)
    assert record.end == CallEnd(ending=Ending.ANSWERED)
    assert (await verified(stage.bot.store)).faults == ()
    for name in ("karo.example", "CLIENT_INITIATED"):
        assert name.encode() not in stage.path.read_bytes()

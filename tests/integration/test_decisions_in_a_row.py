"""A modal that leads from one request to the next: no click decides a request that nobody has read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.people import View
from providers.actions import CallRef, CancelCall
from storage.models import Request
from storage.states import State
from tests.e2e.scene import opened, words
from tests.integration.bench import MANAGER, BotWorld, bench


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, connected to Slack."""
    async with bench(tmp_path) as made, made.connected():
        yield made


async def three(stage: BotWorld) -> list[Request]:
    """Create three cancellations that wait for approval, each a second later, with their cards."""
    made = []
    for number in range(3):
        stage.clock.move(seconds=1)
        asked = CancelCall(target=CallRef(call_id=f"vx_100{number}"))
        made.append(await stage.bot.ask(asked, delivery_key=str(number)))
    await stage.bot.posts()
    return made


async def states(stage: BotWorld, made: list[Request]) -> list[State]:
    """Return the state of each request."""
    return [(await stage.bot.record(one)).state for one in made]


async def reviewed(stage: BotWorld) -> View:
    """Open the first request's review as a manager."""
    card = (await stage.said("C0APPROVE"))[0]
    return opened(await stage.people.person(MANAGER).click(card, text="Review…"))


async def test_two_quick_clicks_approve_one_request(stage: BotWorld) -> None:
    """The next request must have been shown for 1.5 seconds. Until then nothing is recorded for it."""
    mira, made = stage.people.person(MANAGER), await three(stage)
    first = await reviewed(stage)
    second = opened(await mira.submit(first))
    events = [event.name for event in await stage.bot.store.requests.events(made[1].id)]
    for elapsed in (0.18, 0.22):  # 180 and 400 ms after it was shown
        stage.clock.move(seconds=elapsed)
        heard = await mira.submit(second)
        assert list(heard.errors.values()) == ["Read it first: this is the next one."]
        assert await states(stage, made) == [State.APPROVED, State.PENDING, State.PENDING]
    assert [event.name for event in await stage.bot.store.requests.events(made[1].id)] == events
    stage.clock.move(seconds=1.2)  # 1.6 s after it was shown first
    third = opened(await mira.submit(second))
    assert made[2].id in words(third)
    assert await states(stage, made) == [State.APPROVED, State.APPROVED, State.PENDING]


async def test_the_next_request_says_that_it_is_the_next(stage: BotWorld) -> None:
    """It begins with the decision before it, and its title has its place in the row."""
    mira, made = stage.people.person(MANAGER), await three(stage)
    first = await reviewed(stage)
    assert first.title["text"] == "Cancel call"
    second = opened(await mira.submit(first))
    assert second.title["text"] == "2 of 3 · Cancel call"
    assert second.blocks[0]["text"]["text"] == f"✅ {made[0].id} approved · 2 left"
    form = opened(await mira.click(second, text="Deny…"))
    third = opened(await mira.submit(form, {"Reason (required)": "Talk to me first"}))
    assert third.title["text"] == "3 of 3 · Cancel call"
    assert third.blocks[0]["text"]["text"] == f"✋ {made[1].id} denied · 1 left"


async def test_a_quick_click_after_a_denial_approves_nothing(stage: BotWorld) -> None:
    """The denial's modal leads to the next request, too."""
    mira, made = stage.people.person(MANAGER), await three(stage)
    form = opened(await mira.click(await reviewed(stage), text="Deny…"))
    second = opened(await mira.submit(form, {"Reason (required)": "Talk to me first"}))
    stage.clock.move(seconds=0.4)
    assert (await mira.submit(second)).errors
    assert await states(stage, made) == [State.DENIED, State.PENDING, State.PENDING]


async def test_the_first_review_is_decided_at_once(stage: BotWorld) -> None:
    """It was opened by a button, so nobody clicks it by mistake. A clock that was set back holds up nobody."""
    mira, made = stage.people.person(MANAGER), await three(stage)
    second = opened(await mira.submit(await reviewed(stage)))
    stage.clock.move(hours=-1)
    opened(await mira.submit(second))
    assert await states(stage, made) == [State.APPROVED, State.APPROVED, State.PENDING]

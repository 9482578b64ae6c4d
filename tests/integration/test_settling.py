"""The modal in which an unknown outcome is recorded: the full number, the evidence, and sending again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.text.interactions import REASON_MISSING
from playground.people import Message, View
from providers.actions import CallAction
from storage.models import Request
from storage.states import State
from tests.e2e.scene import buttons, opened, private, words
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, MANAGER, PLACE, SECOND, BotWorld, bench

FULL = "98765 43210"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def doubtful(stage: BotWorld, action: CallAction = PLACE) -> tuple[Request, Message]:
    """Create an action whose answer is lost, and return it with the post in the approvals channel."""
    await stage.providers.fail("callkaro", "reset", times=3)
    request = await stage.bot.approved(action)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=40)
    await stage.bot.run_until_idle()
    await stage.providers.clear("callkaro")
    await stage.bot.unknown_reminders.run_once()
    await stage.bot.posts()
    assert (await stage.bot.record(request)).state is State.UNKNOWN
    [post] = [one for one in await stage.said("C0APPROVE") if "Show number" in str(one.blocks)]
    return request, post


async def audit(stage: BotWorld) -> Message:
    """Return the audit message, which everybody sees."""
    return next(one for one in await stage.said("C0AUDIT") if "Outcome unknown" in one.text)


async def looks(stage: BotWorld, request: Request) -> int:
    """Return how often the log recorded that somebody saw the full number."""
    return [one.name for one in await stage.bot.store.requests.events(request.id)].count("revealed")


async def test_the_number_is_shown_in_a_modal_and_the_look_is_logged(stage: BotWorld) -> None:
    """Settlers may see it where the rule names nobody. The channel's message never shows it."""
    request, post = await doubtful(stage)
    async with stage.connected():
        shown = opened(await stage.people.person(MANAGER).click(post, text="Show number"))
        again = opened(await stage.people.person(SECOND).click(post, text="Record outcome…"))
        assert FULL not in words(again)
        revealed = opened(await stage.people.person(SECOND).click(again, text="Show full number"))
        denied = opened(await stage.people.person("U0AUDITOR").click(await audit(stage), text="Show number"))
    for view in (shown, revealed):
        assert view.title["text"] == "Record the outcome"
        assert FULL in words(view)
    assert (denied.title["text"], FULL in words(denied)) == ("Not allowed", False)
    assert await looks(stage, request) == 2
    assert not [one for one in await stage.people.messages() if FULL in words(one)]


async def test_a_rule_that_names_who_sees_numbers_decides_alone(stage: BotWorld) -> None:
    """Whom it names sees the number without settling. A settler whom it does not name settles without it."""
    rule = 'name = "anyone may place a call"'
    bot = await stage.crash(**{rule: f'{rule}\nreveal = ["U0AUDITOR"]'})
    request, post = await doubtful(stage)
    async with stage.connected():
        settling = opened(await stage.people.person(MANAGER).click(post, text="Record outcome…"))
        assert "Show full number" not in words(settling)
        assert opened(await stage.people.person(MANAGER).click(post, text="Show number")).submit is None
        assert await looks(stage, request) == 0
        shown = opened(await stage.people.person("U0AUDITOR").click(await audit(stage), text="Show number"))
    assert (FULL in words(shown), shown.submit) == (True, None)
    assert await looks(stage, request) == 1
    assert (await bot.record(request)).state is State.UNKNOWN


async def test_the_providers_own_screen_is_a_click_away(stage: BotWorld) -> None:
    """The link stands on the messages and in the modal, once its address is configured."""
    text = 'timezone = "Asia/Kolkata"'
    await stage.crash(**{text: f'{text}\ndashboard_url = "https://callkaro.ai/dashboard"'})
    _, post = await doubtful(stage)
    async with stage.connected():
        modal = opened(await stage.people.person(MANAGER).click(post, text="Record outcome…"))
        assert (await stage.people.person(MANAGER).click(post, text="Open CallKaro")).error is None
    for shown in (post, await audit(stage), modal):
        assert "https://callkaro.ai/dashboard" in str(shown.blocks)


async def _asked_again(stage: BotWorld, said: dict[str, str]) -> tuple[Request, View]:
    """Press *Send again anyway…* for a cancellation, after filling in some fields."""
    request, post = await doubtful(stage, CANCEL_BY_NUMBER)
    mira = stage.people.person(MANAGER)
    async with stage.connected():
        modal = opened(await mira.click(post, text="Record outcome…"))
        await mira.fill(modal, said)
        heard = await mira.click(modal, text="Send again anyway…")
    assert heard.confirm is not None
    assert heard.confirm["confirm"]["text"] == "Send again"
    await stage.bot.run_until_idle()
    return request, opened(heard)


async def test_a_cancellation_is_sent_again_after_a_dialog(stage: BotWorld) -> None:
    """Nobody could find out what happened, and a person takes the risk."""
    request, view = await _asked_again(stage, {"What did you see?": "Their list is down"})
    assert view.title["text"] == "Sending it again"
    record = await stage.bot.record(request)
    assert (record.state, record.sent_again) == (State.SUCCEEDED, True)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"Where did you check?": "Customer", "What did you see?": "She said so"}, "*Not sent again.*"),
        ({"Outcome": "The call is still scheduled", "What did you see?": "It is there"}, "*Not sent again.*"),
        ({}, REASON_MISSING),
    ],
)
async def test_who_knows_the_outcome_or_says_nothing_sends_nothing_again(
    stage: BotWorld, said: dict[str, str], why: str
) -> None:
    """Evidence contradicts another request, and nobody takes the risk without a reason."""
    request, view = await _asked_again(stage, said)
    assert why in words(view)
    assert view.title["text"] == "Record the outcome"
    record = await stage.bot.record(request)
    assert (record.state, record.sent_again) == (State.UNKNOWN, False)


async def test_a_call_is_never_offered_a_second_time(stage: BotWorld) -> None:
    """It is requested anew, with the warning about a repeated call."""
    _, post = await doubtful(stage)
    async with stage.connected():
        modal = opened(await stage.people.person(MANAGER).click(post, text="Record outcome…"))
    assert "Send again" not in words(modal)
    assert buttons(post) == ["Record outcome…", "Show number"]


async def test_an_unknown_stands_first_in_the_list_of_who_settles(stage: BotWorld) -> None:
    """The list leads to the modal. The requester's list has no such part."""
    request, _ = await doubtful(stage)
    async with stage.connected():
        listed = private(await stage.people.person(MANAGER).command("/calls list"))
        own = private(await stage.people.person(AGENT).command("/calls list"))
        modal = opened(await stage.people.person(MANAGER).click(listed, text="Record outcome…"))
    parts = words(listed)
    assert parts.index("Needs checking") < parts.index(request.id)
    assert modal.title["text"] == "Record the outcome"
    assert "Needs checking" not in words(own)

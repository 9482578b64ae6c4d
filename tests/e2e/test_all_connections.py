"""All providers connected: people must name whose id it is, and read a provider's warnings."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from playground.ryng import SUBDOMAIN
from tests.e2e.scene import Asked, Scene, buttons, menu, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL_40961 = "POST /rest-api/v1/progressive/call/40961/cancel"


@pytest_asyncio.fixture(loop_scope="session")
async def whole(dark_scene: Scene) -> Scene:
    """Return a scene in which all four providers are connected."""
    dark_scene.connect_further()
    await dark_scene.start_bot()
    return dark_scene


async def test_an_id_that_two_connections_could_have_is_asked_back(whole: Scene) -> None:
    """Nothing is chosen: the answer names both, and the form behind it lets people pick."""
    answer = await whole.ask("/cancel-call vx_1001 customer asked")
    assert "choose voxworks or dialer" in words(answer)
    form = opened(await whole.asha.click(answer, text="Open the form…"))
    asked = await whole.submitted(form, {"Connection": "voxworks"})
    await whole.approve(request_id(asked))
    await whole.audit("*Cancelled*", "· voxworks ·")
    assert await whole.requests("ryng") == []
    assert [one.line for one in await whole.requests("voxworks")] == ["POST /api/v1/cancel-call/vx_1001"]


async def test_one_press_chooses_and_the_next_time_it_is_chosen_as_before(whole: Scene) -> None:
    """Two presses are a single request.

    Afterwards the last used one is chosen, shown, and changed in a single press.
    """
    answer = await whole.ask("/cancel-call vx_1001 customer asked")
    assert buttons(answer) == ["voxworks", "dialer", "Open the form…"]
    await whole.asha.double_click(answer, text="voxworks")
    first = await whole.answered("Waiting for approval", "vx_1001", "· voxworks")
    assert len(await whole.log("list")) == 1

    again = await whole.ask("/cancel-call vx_1002 customer asked")
    assert "Using voxworks, your last one." in words(again)
    assert request_id(again) != request_id(first)
    form = opened(await whole.asha.click(again, text="Edit request…"))
    await whole.answered("Withdrawn", request_id(again))
    asked = await whole.submitted(form, {"Connection": "dialer"})
    assert "· dialer" in words(asked)
    assert [one["state"] for one in await whole.log("list")] == ["pending", "withdrawn", "pending"]


async def test_a_call_is_cancelled_at_ryng(whole: Scene) -> None:
    """Digits are an id at a connection that cancels by id.

    After approval a single request removes the call.
    """
    await whole.ask("/calls cancel 40961 via dialer customer asked")
    await whole.approve()
    await whole.told("🚫 *Cancelled* · call `40961`", "`40961`")
    assert await whole.requests("ryng") == [Asked(CANCEL_40961, None, effects=1)]


async def test_a_call_that_ryng_does_not_have_is_a_failure_in_words(whole: Scene) -> None:
    """Ryng answers an unknown id with a 500. The outcome is known, and nothing is sent again."""
    waiting = await whole.ask("/calls cancel 1 via dialer duplicate")
    await whole.approve()
    failed = await whole.audit(
        "❌ *Not cancelled* · call `1`\nRyng didn't find this call, or it isn't on this account"
    )
    assert (buttons(failed), [*menu(failed)]) == ([], ["Details", "Try again…"])
    [kept] = (await whole.log("show", request_id(waiting)))["request"]["actions"]
    assert (kept["state"], kept["code"], kept["attempt"]) == ("failed", "not_found", 1)
    assert len(await whole.requests("ryng")) == 1


async def test_what_a_provider_warns_of_is_said_in_the_thread(whole: Scene) -> None:
    """People read about a success with a warning, for each target that has one."""
    due = datetime.now(UTC) + timedelta(days=1)
    for call_id in ("r_1", "r_2"):
        await whole.providers.add_call("ryng", call_id, due=due, owner=SUBDOMAIN)
    await whole.ask("/calls cancel r_1, r_2, 40961 via dialer duplicate")
    await whole.approve()
    await whole.audit("3 cancelled")
    for call_id in ("r_1", "r_2"):
        await whole.reply(f"⚠️ call `{call_id}`: Ryng's other pages show whole numbers as call ids")
    assert not [one for one in await whole.posts("C0AUDIT") if "⚠️ call `40961`" in words(one)]

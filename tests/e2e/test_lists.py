from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.scene import NUMBER, Scene, buttons, menu, opened, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

KOLKATA = ZoneInfo("Asia/Kolkata")


async def test_the_list_shows_yours_what_waits_and_what_comes_up(scene: Scene) -> None:
    """Rows are masked and have ids and a next step: withdraw one's own requests, review those to decide."""
    assert "No requests yet." in words(await scene.ask("/calls list"))
    day = f"{datetime.now(KOLKATA) + timedelta(days=3):%Y-%m-%d}"
    await scene.place(f"/place-call {NUMBER} {day} 9:30")
    placed = request_id(await scene.audit("*Scheduled*"))
    waits = request_id(await scene.ask("/cancel-call vx_1001 via voxworks customer asked"))

    mine = await scene.ask("/calls list")
    needs, _, rest = words(mine).partition("*Your requests*")
    assert "Nothing waiting." in needs
    yours, _, coming = rest.partition("*Coming up*")
    assert waits in yours
    assert placed in coming
    assert NUMBER[3:] not in words(mine).replace(" ", "")
    assert _pressed(mine) == ["Withdraw request", "Details", "Details"]

    managers = private(await scene.mira.command("/calls list"))
    assert waits in words(managers).partition("*Needs you*")[2].partition("*Your requests*")[0]
    review = opened(await scene.mira.click(managers, text="Review…"))
    assert (review.title["text"], request_id(review)) == ("Cancel call", waits)
    await scene.asha.click(mine, text="Withdraw request")
    await scene.answered("Withdrawn", waits)


@pytest.mark.parametrize("spelt", ["{id}", "{lower}", "{bare}", "`{lower}`", "{symbols}"])
async def test_a_status_is_found_however_its_id_is_typed(shared_scene: Scene, spelt: str) -> None:
    """Capitals, the dash and the letter before it may be missing.

    Colleagues read it too, without the buttons.
    """
    asked = await shared_scene.ask(f"/cancel-call vx_{abs(hash(spelt))} via voxworks customer asked")
    found = request_id(asked)
    typed = spelt.format(
        id=found, lower=found.lower(), bare=found.replace("-", "").lower(), symbols=found[2:].lower()
    )
    own = await shared_scene.ask(f"/calls status {typed}")
    assert found in words(own)
    assert "If no one decides, nothing is sent. If a call is scheduled, it goes out." in words(own)
    others = private(await shared_scene.olive.command(f"/calls status {typed}"))
    assert (buttons(own), [*menu(own)]) == (["Withdraw request"], ["Details"])
    assert (buttons(others), [*menu(others)]) == ([], ["Details"])


async def test_a_status_tells_who_decided(scene: Scene) -> None:
    """The status tells the outcome, the approver and the time."""
    found = request_id(await scene.ask("/cancel-call vx_1001 via voxworks customer asked"))
    await scene.approve(found)
    await scene.told("Cancelled", found)
    told = words(await scene.ask(f"/calls status {found}"))
    assert "🚫 *Cancelled* · call `vx_1001`" in told
    assert "Approved by <@U0MANAGER>" in told


async def test_what_is_no_request_says_what_to_do(shared_scene: Scene) -> None:
    """An unknown id, no id, and a fault's id each have their answer."""
    assert "No request `A-ZZZZ`" in words(await shared_scene.ask("/calls status A-ZZZZ"))
    assert "Add the request's ID" in words(await shared_scene.ask("/calls status"))
    assert "is an error's ID" in words(await shared_scene.ask("/calls status E-7K3F"))


def _pressed(message: object) -> list[str]:
    """Return the labels of the buttons beside paragraphs."""
    blocks = getattr(message, "blocks", ())
    return [one["accessory"]["text"]["text"] for one in blocks if "accessory" in one]

"""Cancelling calls that were placed through CallOps, with two taps and without typing a number."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, buttons, menu, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOMORROW = datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)
LABEL = f"{TOMORROW:%a}, {TOMORROW.day} {TOMORROW:%b}, 9:30 AM IST · +91\u00a0•••3210 · payments"


async def test_the_one_known_call_is_cancelled_by_two_taps(scene: Scene) -> None:
    """The form has it chosen. A reason is the first tap, the submission the second."""
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await scene.audit("*Scheduled*")
    form = opened(await scene.asha.command("/cancel-call"))
    assert form.values["scheduled_call"]["scheduled_call"]["selected_option"]["text"]["text"] == LABEL
    answer = await scene.submitted(form, {"Reason": "customer asked"})
    assert "*Requested:* cancel all calls" in words(answer)
    assert NUMBER not in words(answer).replace(" ", "")
    card = words(await scene.card("Requested by", request_id(answer)))
    assert "“customer asked”" in card
    assert "Not known here" not in card
    await scene.approve()
    await scene.audit("*Cancelled*", request_id(answer))
    [asked] = [one.json for one in await scene.requests("callkaro") if "schedule" not in str(one.json)]
    assert asked["to_number"] == NUMBER.removeprefix("+")
    assert "scheduled_call" not in opened(await scene.asha.command("/cancel-call")).values


async def test_among_several_the_next_of_ones_own_comes_first(scene: Scene) -> None:
    """None is chosen beforehand. A contradiction keeps everything that was typed, and a tap mends it."""
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await scene.audit("*Scheduled*", "3210")
    await scene.sam.click(
        (await scene.sam.command(f"/place-call {OTHER_NUMBER} in 2h")).messages[-1], text="Place call"
    )
    await scene.audit("*Scheduled*", "3211")
    form = opened(await scene.asha.command("/cancel-call"))
    known = next(block for block in form.blocks if block.get("block_id") == "scheduled_call")
    shown = [option["text"]["text"] for option in known["element"]["options"]]
    assert shown[0] == LABEL
    assert "+91\u00a0•••3211" in shown[1]
    assert shown[2] == "Another number or ID"
    assert (await scene.asha.submit(form, {"Reason": "duplicate"})).errors.keys() == {"targets"}
    both = {"Scheduled call": LABEL, "Phone number or call ID": OTHER_NUMBER}
    assert (await scene.asha.submit(form, both)).errors.keys() == {"scheduled_call"}
    heard = await scene.submitted(form, {"Phone number or call ID": None})
    assert "•••3210" in words(heard)
    await scene.card("Requested by", "+91\u00a0•••3210", "“duplicate”")


async def test_a_time_is_picked_without_a_keyboard(scene: Scene) -> None:
    """The preview shows the picked instant, and the provider gets it."""
    at = (datetime.now(UTC) + timedelta(days=2)).replace(minute=30, second=0, microsecond=0)
    form = opened(await scene.asha.command("/place-call"))
    preview = opened(
        await scene.asha.submit(form, {"Phone number": NUMBER, "Or pick a time": int(at.timestamp())})
    )
    assert f"{at:%a}, {at.day} {at:%b}" in words(preview)
    await scene.asha.submit(preview)
    await scene.audit("*Scheduled*")


async def test_a_call_is_cancelled_by_the_id_that_the_audit_channel_shows(scene: Scene) -> None:
    """The id, read aloud or copied, leads to the number and the agent. An unknown id is reported."""
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    call = request_id(await scene.audit("*Scheduled*"))
    request = request_id(await scene.ask(f"/cancel-call {call} customer asked"))
    await scene.approve(request)
    await scene.audit("*Cancelled*", "+91\u00a0•••3210", request)
    gone = await scene.audit("*Cancelled*", "It won't go out.", request, call)
    assert (buttons(gone), [*menu(gone)]) == ([], ["Details", "Place again…"])
    assert f"ancelled by {request}" in words(opened(await scene.choose(gone, "Details")))
    assert "There's no request A-2222" in words(await scene.ask("/cancel-call A-2222 customer asked"))
    assert "already cancelled" in words(await scene.ask(f"/cancel-call {call} customer asked"))

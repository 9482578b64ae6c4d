"""Reschedules: a call is cancelled, then placed again for another time, as two recorded steps."""

import pytest

from playground.faults import Fault
from tests.e2e.scene import NUMBER, Scene, buttons, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOVE = f"/calls move {NUMBER} Mon 10:00 rescheduled"


async def _scheduled(scene: Scene) -> str:
    """Place a call for tomorrow, and return its id."""
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30 meta.name=Asha")
    return request_id(await scene.audit("*Scheduled*"))


async def test_a_call_is_moved_once_somebody_approved(scene: Scene) -> None:
    """The card shows both times. The call keeps all its options, and goes out at the new time only."""
    call = await _scheduled(scene)
    move = request_id(await scene.ask(f"/calls move {NUMBER} to Mon 10:00"))
    card = words(await scene.card("Move the call", move))
    assert card.count("<!date^") >= 3
    assert "*New time*" in card
    review = await scene.review(move)
    assert (review.submit or {})["text"] == "Approve move"
    await scene.mira.submit(review)
    moved = words(await scene.audit("✅ *Moved*", move))
    assert "move call to +91\u00a0•••3210 to" in words(await scene.ask("/calls log"))
    second = moved.split("placed again in ")[1].split(".")[0]
    await scene.audit("*Scheduled*", second)
    await scene.audit("🚫 *Moved*", call, move)
    assert "*Moved*" in words(await scene.told("*Moved*", move))
    await scene.reply("*Moved*")
    first, cancelled, again = await scene.requests("callkaro")
    assert cancelled.effects == 1
    assert again.json == first.json | {"schedule_at": again.json["schedule_at"]}
    assert again.json["schedule_at"] != first.json["schedule_at"]
    assert await scene.posts("D0AGENT") != []


async def test_a_call_placed_meanwhile_is_not_taken_along(scene: Scene) -> None:
    """The provider cancels by number. The approver reads which other call would go, and nothing is sent."""
    await _scheduled(scene)
    move = request_id(await scene.ask(f"/calls move {NUMBER} Mon 10:00"))
    await scene.sam.click(
        (await scene.sam.command(f"/place-call {NUMBER} tomorrow 15:00")).messages[-1], "place"
    )
    placed = request_id(await scene.audit("*Scheduled*", "sam"))
    refused = opened(await scene.approve(move))
    assert f"would also cancel {placed}, placed after" in words(refused)
    assert len(await scene.requests("callkaro")) == 2


async def test_a_kill_between_the_two_steps_loses_neither(scene: Scene) -> None:
    """The bot is killed during the cancellation. After that is done, the call is placed again, once."""
    await _scheduled(scene)
    move = request_id(await scene.ask(f"/calls move {NUMBER} Mon 10:00"))
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=1))
    await scene.approve(move)
    await scene.request_reaches("callkaro", 2)
    await scene.kill_bot()
    await scene.start_bot()
    moved = await scene.audit("✅ *Moved*", move, within=40)
    assert "call to +91\u00a0•••3210" in words(moved)
    placed = [one for one in await scene.requests("callkaro") if "schedule_at" in (one.json or {})]
    assert [one.effects for one in placed] == [1, 1]


async def test_what_cannot_be_placed_again_says_so_and_offers_it(scene: Scene) -> None:
    """The call is cancelled and nobody is called.

    The message says so, and opens the form with the call in it.
    """
    await _scheduled(scene)
    move = request_id(await scene.ask(f"/calls move {NUMBER} Mon 10:00"))
    await scene.stop_bot()
    scene.write_configuration({'actions = ["place_call"]': 'actions = ["start_campaign"]'})
    await scene.start_bot()
    await scene.approve(move)
    audit = await scene.audit("Old call cancelled, new one not placed", "The customer won't be called", move)
    assert "Place again…" in buttons(audit)
    told = words(await scene.told("new one not placed", move))
    assert told.index("The customer won't be called") < told.index(
        "Press *Place again…* on its message in the audit"
    )
    await scene.reply("new one not placed", "asha can press *Place again…* above.")
    form = opened(await scene.asha.click(audit, text="Place again…"))
    assert words(form).startswith("*Phone number*\n+91\u00a0•••3210")
    assert "targets" not in form.values
    assert "name=Asha" in str(form.values["metadata"])


async def test_the_move_is_two_taps_on_the_message(scene: Scene) -> None:
    """The form is about the call, and asks only for the new time."""
    call = await _scheduled(scene)
    audit = await scene.audit("*Scheduled*", call)
    form = opened(await scene.choose(audit, "Move…", by=scene.asha))
    assert call in form.private_metadata
    assert "9:30 AM IST · +91 •••3210" in words(form).replace("\u00a0", " ")
    assert "scheduled_call" not in form.values
    assert (await scene.asha.submit(form)).errors.keys() == {"at"}
    answer = await scene.submitted(form, {"New time": "Mon 10:00"})
    assert "*Requested:* move the call" in words(answer)


async def test_what_callops_does_not_know_is_not_moved(scene: Scene) -> None:
    """CallOps must know what to place again."""
    answer = words(await scene.ask(MOVE))
    assert "CallOps knows no scheduled call to +91 98765 43210" in answer
    assert await scene.requests("callkaro") == []

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, buttons, opened, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

KOLKATA = ZoneInfo("Asia/Kolkata")


async def test_a_second_request_joins_the_one_that_waits(scene: Scene) -> None:
    """A colleague reads who asked, when, and the state. There is one row, one card and one approval."""
    first = request_id(await scene.ask("/cancel-call vx_1001 via voxworks customer asked"))
    answer = private(await scene.olive.command("/cancel-call vx_1001 via voxworks duplicate"))
    assert f"<@U0AGENT> already requested this just now ({first}). It's waiting for approval." in words(
        answer
    )
    assert "You can follow it in <#C0AUDIT>" in words(answer)
    assert buttons(answer) == ["Show status"]
    await scene.olive.click(answer, text="Show status")
    await scene.answered("⏳ *Waiting for approval*", first, person=scene.olive)
    own = await scene.ask("/cancel-call vx_1001 via voxworks customer asked")
    assert "You already requested this" in words(own)
    assert buttons(own) == ["Withdraw request", "Show status"]
    await scene.asha.click(own, text="Show status")
    await scene.asha.wait_for(lambda one: one.ts == own.ts and "Waiting for approval" in words(one))
    form = opened(await scene.olive.command("/cancel-call"))
    typed = {"Phone number or call ID": "vx_1001", "Reason": "duplicate"}
    assert first in words(await scene.submitted(form, typed, person=scene.olive))
    assert [one["id"] for one in await scene.log("list")] == [first]
    await scene.approve(first)
    await scene.told("Cancelled", first)
    assert len(await scene.posts("C0APPROVE")) == 1
    assert len(await scene.requests("voxworks")) == 1


async def test_only_the_new_ones_of_several_are_asked_for(scene: Scene) -> None:
    """A target with a pending request is left out and named, and the card has the others."""
    first = request_id(await scene.cancel(f"/cancel-call {NUMBER} customer asked"))
    question = private(await scene.olive.command(f"/cancel-call {NUMBER}, {OTHER_NUMBER} wrong number"))
    await scene.olive.click(question, text="Request cancellation anyway")
    answer = await scene.answered("left out", person=scene.olive)
    assert "1 target was left out" in words(answer)
    assert f"already requested this just now ({first})" in words(answer)
    assert "+91 98765 43211 (India)" in words(answer)
    assert "+91 98765 43210 (India)" not in words(answer)
    await scene.card("Cancel all calls to +91\u00a0•••3211", "olive")
    assert len(await scene.log("list")) == 2


async def test_the_same_number_again_is_asked_about(scene: Scene) -> None:
    """Within ten minutes a colleague reads who placed a call, and the button says that it is another one."""
    await scene.place()
    placed = request_id(await scene.audit("*Placed*"))
    preview = private(await scene.olive.command(f"/place-call {NUMBER}"))
    assert f"<@U0AGENT> placed a call to this number just now* ({placed}). Place another?" in words(preview)
    assert buttons(preview) == ["Place another call", "Change…"]
    assert len(await scene.requests("callkaro")) == 1
    form = opened(await scene.olive.command("/place-call"))
    modal = opened(await scene.olive.submit(form, {"Phone number": NUMBER}))
    assert "Place another?" in words(modal)
    assert modal.submit is not None
    assert modal.submit["text"] == "Place another call"
    assert buttons(await scene.ask(f"/place-call {OTHER_NUMBER}")) == ["Place call", "Change…"]
    await scene.olive.click(preview, text="Place another call")
    await scene.request_reaches("callkaro", 2)


async def test_the_earlier_call_is_cancelled_first(scene: Scene) -> None:
    """A call that has not gone out is cancelled with one press, under the rules. The new call follows."""
    day = f"{datetime.now(KOLKATA) + timedelta(days=3):%Y-%m-%d}"
    await scene.place(f"/place-call {NUMBER} {day} 9:30")
    await scene.audit("*Scheduled*")
    preview = await scene.ask(f"/place-call {NUMBER} {day} 17:00")
    assert buttons(preview) == ["Place another call", "Cancel the earlier one first", "Change…"]
    await scene.asha.double_click(preview, text="Cancel the earlier one first")
    asked = await scene.answered("*Requested:* cancel", "The new call isn't placed.", "cancelled as well")
    await scene.asha.click(asked, text="Show status")
    await scene.answered("⏳ *Waiting for approval*", "Expires")
    kept = await scene.asha.wait_for(lambda one: one.ts == asked.ts)
    assert "Place the new call…" in buttons(kept)
    await scene.approve("+91\u00a0•••3210")
    await scene.told("*Cancelled*")
    form = opened(await scene.asha.click(asked, text="Place the new call…"))
    modal = opened(await scene.asha.submit(form))
    assert "Place another?" not in words(modal)
    assert len([one for one in await scene.log("list") if one["kind"] == "cancel_call"]) == 1

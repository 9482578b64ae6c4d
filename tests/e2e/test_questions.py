"""Ambiguous text, as the person who typed it meets it."""

import pytest

from tests.e2e.scene import Scene, opened, private, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_WAYS = "+49 30 1234567 2 complaints already"


async def test_a_command_with_two_readings_is_asked_about(scene: Scene) -> None:
    """No request is created before a press. The rest of the line stays as it was typed."""
    question = private(await scene.asha.command(f"/cancel-call {TWO_WAYS}"))
    assert "Which do you mean?" in words(question)
    assert await scene.log("list") == []
    await scene.asha.click(question, text="+49 30 1234567 (then “2”)")
    await scene.asha.click(
        await scene.answered("knows of no call to +49 30 1234567 (Germany)"),
        text="Request cancellation anyway",
    )
    await scene.answered("Waiting for approval", "+49 30 1234567 (Germany)")
    await scene.card("all calls to", "2 complaints already")
    await scene.approve()
    await scene.told("*Confirmed, no call known*")
    assert [one.json["to_number"] for one in await scene.requests("callkaro")] == ["49301234567"]


async def test_a_stop_never_guesses(scene: Scene) -> None:
    """A stop needs no approval, so it waits for the answer."""
    question = private(await scene.asha.command(f"/calls stop {TWO_WAYS}"))
    assert "Which do you mean?" in words(question)
    await scene.asha.click(question, text="+49 30 12345672")
    await scene.answered("Block +49 30 12345672 (Germany)?")


async def test_a_form_with_two_readings_asks_in_the_form(scene: Scene) -> None:
    """The readings are a field of the same form. Other text stays, and a change of it asks again."""
    form = opened(await scene.asha.command("/calls stop"))
    asked = opened(await scene.asha.submit(form, {"Phone number": "+49 30 1234567 (2)"}))
    assert "+49 30 1234567 (then “(2)”)" in words(asked)
    assert "+49 30 12345672" in words(asked)
    question = asked.blocks[0]["label"]["text"]
    meant = {question: "+49 30 12345672"}
    changed = opened(await scene.asha.submit(asked, {**meant, "Phone number": "+49 30 1234567 (3)"}))
    assert "+49 30 12345673" in words(changed)
    shown = opened(await scene.asha.submit(changed, {changed.blocks[0]["label"]["text"]: "+49 30 12345673"}))
    assert "Block +49 30 12345673 (Germany)?" in words(shown)


async def test_a_bad_row_is_named_and_left_out_by_one_press(scene: Scene) -> None:
    """The other rows are requested, and the answer names the bad one."""
    pasted = "/cancel-call Asha\t98765 43210\nRavi\t98765 432\nJoy\t98765 43211\nwrong number"
    question = private(await scene.asha.command(pasted))
    assert "Line 2, “Ravi 98765 432”" in words(question)
    await scene.asha.click(question, text="Go on without line 2")
    await scene.asha.click(
        await scene.answered("knows of no call to", "98765 43211"), text="Request cancellation anyway"
    )
    await scene.answered("Left out", "Ravi 98765 432")
    await scene.card("2 numbers")


async def test_a_connection_that_is_off_is_never_replaced(dark_scene: Scene) -> None:
    """A name that means a disabled connection, or nearly does, uses no other connection."""
    dark_scene.told_otherwise["VOXWORKS_API_KEY"] = ""
    await dark_scene.start_bot()
    for via in ("voxworks", "Voxworks.", "vox works", "“voxworks”"):
        refused = words(await dark_scene.ask(f"/calls cancel c_777 via {via} customer asked"))
        assert "The connection voxworks is off: VOXWORKS_API_KEY not set" in refused
    asked = words(await dark_scene.ask("/calls cancel c_777 customer asked via voxwork"))
    assert "There's no connection “voxwork”. Is it voxworks?" in asked
    assert await dark_scene.log("list") == []

import signal

import pytest

from tests.e2e.scene import Scene, buttons, opened, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL = "/calls cancel vx_1001 via voxworks reason=customer asked"
APPROVE = 'approve = ["managers"]'
TWO_OF_THREE = {APPROVE: 'approve = ["managers", "U0AUDITOR"]\napprovals = 2'}


def hang_up(scene: Scene) -> None:
    """Send the running bot SIGHUP, so that it reloads its file."""
    assert scene.bot is not None
    scene.bot.send_signal(signal.SIGHUP)


async def test_rules_read_anew_hold_for_what_is_asked_next(scene: Scene) -> None:
    """The audit channel reads the changes.

    The card wants two approvals: the first user sees theirs, and two suffice.
    """
    scene.write_configuration(TWO_OF_THREE)
    hang_up(scene)
    changed = await scene.audit("The rules changed.")
    assert "approvals was the default, and is 2." in words(changed)
    await scene.ask(CANCEL)
    card = await scene.card("2 different people have to approve this.")
    view = await scene.review()
    assert "Yours is one of 2 approvals. Nothing is sent before the last." in words(view)
    await scene.mira.submit(view)
    await scene.card("Approved by mira.", "1 more approval needed")
    again = opened(await scene.mira.click(card, "review"))
    assert again.submit is None
    assert "*You approved this.* Someone else has to approve it too" in words(again)
    assert await scene.requests("voxworks") == []
    await scene.approve(by=scene.sam)
    await scene.audit("*Cancelled*")
    done = await scene.card("approved by mira", "approved by sam")
    assert buttons(done) == []
    assert len(await scene.requests("voxworks")) == 1


async def test_a_file_with_a_fault_leaves_the_rules_as_they_are(scene: Scene) -> None:
    """The bot continues. Its own log and the audit channel say what to mend."""
    scene.errors_expected = ("The rules were not read anew",)
    scene.write_configuration({APPROVE: 'aprove = ["managers"]'})
    hang_up(scene)
    said = await scene.audit("The new rules weren't loaded")
    assert 'aprove: there is no such key; did you mean "approve"?' in words(said)
    await scene.ask(CANCEL)
    await scene.approve()
    await scene.audit("*Cancelled*")

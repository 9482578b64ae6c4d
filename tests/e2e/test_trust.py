"""The safeguards of CallOps in a single play: approvals, reasons, hours, stops, erasure, verification."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from playground.kore import APP, CAMPAIGN, DELETE
from tests.e2e.scene import NUMBER, OTHER_NUMBER, Asked, Scene, opened, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = {
    'name = "cancellations need a manager"\nactions = ["cancel_call", "delete_campaign"]': (
        'name = "two of three delete a campaign"\nactions = ["delete_campaign"]\n'
        'approve = ["managers", "U0AUDITOR"]\napprovals = 2\n\n'
        '[[rules]]\nname = "others may, in time"\nactions = ["cancel_call"]\n'
        'escalate_to = ["U0AUDITOR"]\nescalate_after = "1s"'
    ),
    'name = "anyone may place a call"': 'name = "anyone may place a call"\ncalling_hours = {hours}',
}
TYPED = {"Type the campaign's id to approve": CAMPAIGN}
KOLKATA = ZoneInfo("Asia/Kolkata")


def another_hour() -> int:
    """Return an hour of the day that is not now, whenever this is played."""
    return 20 if datetime.now(KOLKATA).hour < 12 else 5


def clock() -> str:
    """Return the time on a clock in Kolkata."""
    return f"{datetime.now(KOLKATA):%I:%M %p}".removeprefix("0")


async def test_a_team_trusts_it(dark_scene: Scene) -> None:
    """A campaign needs two of three approvals, a call has another approver, a refusal a reason.

    A purge leaves nothing.
    """
    scene = dark_scene
    hour = another_hour()
    hours = f'{{ from = "{hour}:00", until = "{hour + 1}:00" }}'
    scene.write_configuration({old: new.replace("{hours}", hours) for old, new in RULES.items()})
    scene.connect_further()
    await scene.start_bot()

    campaign = request_id(await scene.ask(f"/calls campaign delete {CAMPAIGN} via kore reason=ended"))
    await scene.card(campaign, "*2 different people have to approve this.*")
    assert not (await scene.mira.submit(await scene.review(campaign), TYPED)).errors
    await scene.card(campaign, "Approved by mira.", "1 more approval needed")
    assert await scene.requests("kore") == []
    second = opened(await scene.sam.click(await scene.card(campaign), "review"))
    assert not (await scene.sam.submit(second, TYPED)).errors

    line = "/calls cancel vx_1001 via voxworks reason=customer asked"
    waits = request_id(private(await scene.sam.command(line)))
    assert "Someone else in" in words(await scene.review(waits, by=scene.sam))
    asked = await scene.sees(scene.olive, "D0AUDITOR", "needs your approval", waits)
    assert not (await scene.olive.submit(opened(await scene.olive.click(asked, "review")))).errors
    await scene.audit("*Cancelled*", waits)
    await scene.audit("*Deleted*", campaign)
    assert await scene.requests("kore") == [
        Asked(f"DELETE {DELETE.format(APP, CAMPAIGN)}?campaignType=voice", None, effects=1)
    ]

    before = clock()
    late = words(await scene.ask(f"/place-call {NUMBER}"))
    assert any(f"It's {now} in India. Calls there are allowed from" in late for now in (before, clock()))
    assert await scene.requests("callkaro") == []

    await scene.block(f"/calls stop {OTHER_NUMBER} asked us to")
    removed = request_id(await scene.audit("*Cancelled*", "asked us to"))
    purged = await scene.terminal("purge", "--number", OTHER_NUMBER)
    assert (purged.status, purged.errors) == (0, "")
    await scene.audit("Erased.", removed)
    await scene.asha.command(f"/place-call {OTHER_NUMBER} tomorrow {hour}:30")
    await scene.answered("blocked this number")
    assert (await scene.log("verify"))["faults"] == []

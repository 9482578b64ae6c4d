"""Cancellations by number whose answer was lost, checked against CallKaro's own journal."""

import asyncio
from datetime import timedelta

import pytest

from playground.callkaro import DELETE, PLACE
from playground.people import Message
from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, request_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL = f"/cancel-call {NUMBER} customer asked"
WINDOW = timedelta(seconds=30)
TAKES = 40.0
"""Seconds for three requests and the pauses between them, on a busy computer."""
DO_NOT_KNOW = "*Outcome unknown*"


async def paths(scene: Scene) -> list[str]:
    """Return the paths that CallKaro was asked for, in order."""
    return [one.line.split()[1].partition("?")[0] for one in await scene.requests("callkaro")]


async def lost(scene: Scene, times: int, fault: str = "reset") -> Message:
    """Create an approved cancellation whose first answers are lost."""
    await scene.providers.fail("callkaro", fault, times=times)
    answer = await scene.cancel(CANCEL)
    await scene.approve()
    await scene.request_reaches("callkaro")
    return answer


async def test_a_lost_answer_is_asked_for_again_within_the_window(scene: Scene) -> None:
    """CallKaro gets three requests in all, the last within half a minute of the first.

    Then people are asked.
    """
    request = request_id(await lost(scene, 3))
    await scene.audit(DO_NOT_KNOW, "could cancel a newer call", request, within=TAKES)
    asked = [one.at for one in await scene.requests("callkaro")]
    assert await paths(scene) == [DELETE] * 3
    assert asked[-1] - asked[0] < WINDOW
    orders = [
        event["data"]["reason"]
        for event in (await scene.log("show", request))["events"]
        if event["name"] == "retry_scheduled"
    ]
    assert orders == ["short_window"] * 2


async def test_a_newer_schedule_waits_for_the_deletion(scene: Scene) -> None:
    """A call to the same number is placed after the second deletion, and stays.

    A call to another does not wait.
    """
    await lost(scene, 1, "silence")  # long enough for the following requests
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await scene.place(f"/place-call {OTHER_NUMBER} tomorrow 9:30")
    await scene.audit("*Confirmed, no call known*", within=TAKES)
    await scene.audit("*Scheduled*", "3210")
    await scene.audit("*Scheduled*", "3211")
    asked = await scene.requests("callkaro")
    order = [(path, one.json["to_number"][-4:]) for path, one in zip(await paths(scene), asked, strict=True)]
    assert order.index((PLACE, "3211")) < order.index((PLACE, "3210"))
    assert order[-1] == (PLACE, "3210")
    assert order.count((DELETE, "3210")) == 2
    due = [one.to for one in await scene.providers.calls("callkaro") if one.state == "scheduled"]
    assert due.count(NUMBER) == 1


async def test_after_the_window_it_is_not_sent_again(scene: Scene) -> None:
    """A bot that was down for half a minute sends nothing: it gives the reason, and asks people."""
    request = request_id(await lost(scene, 3))
    await asyncio.sleep(0.5)  # the lost answer is in the log, and the next attempt is due in two seconds
    await scene.kill_bot()
    already = len(await paths(scene))
    await asyncio.sleep(WINDOW.total_seconds())  # the bot uses this computer's clock
    await scene.start_bot()
    await scene.audit(
        DO_NOT_KNOW, "may have worked", "it's late now, and it could cancel a newer call", within=TAKES
    )
    await scene.told(DO_NOT_KNOW, request)
    assert await paths(scene) == [DELETE] * already

import asyncio
from typing import Any

import pytest

from playground.faults import Fault
from tests.e2e.scene import BOTH_MODES, NUMBER, Scene, buttons, menu, request_id, until, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL = "/cancel-call vx_1001 customer asked"
QUICK = {'deadline = "2s"': 'deadline = "1s"', 'lease = "4s"': 'lease = "2s"'}
LEASE_TAKES = 20.0
"""Seconds for the lease and two more attempts, on a busy computer."""
DO_NOT_KNOW = "*Outcome unknown*"
STOPS_WITHIN = 10.0
"""Seconds that platforms leave between SIGTERM and SIGKILL."""


async def test_killed_while_a_call_is_out(dark_scene: Scene) -> None:
    """The next process reports an unknown outcome in channel, thread and direct message.

    It never sends again.
    """
    scene = dark_scene
    scene.write_configuration(QUICK)
    await scene.start_bot()
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=5))
    await scene.place()
    await scene.request_reaches("callkaro")
    await scene.kill_bot()
    await scene.start_bot()
    audit = await scene.audit(DO_NOT_KNOW, "CallOps stopped before the provider answered", within=LEASE_TAKES)
    assert (buttons(audit), [*menu(audit)]) == (["Record outcome…", "Show number"], ["Details"])
    await scene.reply("Outcome unknown")
    await scene.told(DO_NOT_KNOW)
    await scene.place("/place-call 98765 43211")
    await scene.audit("*Placed*", "3211")
    assert [one.json["to_number"] for one in await scene.requests("callkaro")] == [NUMBER, "+919876543211"]


async def test_killed_while_a_request_waits(scene: Scene) -> None:
    """A card, and a Review that was opened before the kill, still work after the restart."""
    await scene.ask(CANCEL)
    before = await scene.review()
    await scene.kill_bot()
    await scene.start_bot()
    assert words(await scene.review(by=scene.sam)) == words(before)
    assert (await scene.mira.submit(before)).error is None
    await scene.told("*Cancelled*")
    assert len(await scene.requests("voxworks")) == 1


async def test_killed_right_after_the_approval(dark_scene: Scene) -> None:
    """An approval that Slack was told of is carried out after the restart, with a request for each order."""
    scene = dark_scene
    scene.write_configuration(QUICK)
    await scene.start_bot()
    request = request_id(await scene.ask(CANCEL))
    await scene.approve()
    await scene.kill_bot()
    await scene.start_bot()

    async def ended() -> Any | None:
        shown = await scene.log("show", request)
        return shown if shown["request"]["state"] in {"succeeded", "unknown"} else None

    shown = await until(ended, LEASE_TAKES)
    asked = await scene.requests("voxworks")
    assert len(asked) <= [event["name"] for event in shown["events"]].count("sending")
    assert sum(one.effects for one in asked) == 1


@BOTH_MODES
async def test_stopped_while_a_request_is_out(scene: Scene) -> None:
    """SIGTERM waits for the answer, records and reports it, and exits with 0. A restart adds nothing."""
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=1))
    await scene.place()
    await scene.request_reaches("callkaro")
    async with asyncio.timeout(STOPS_WITHIN):
        assert await scene.stop_bot() == 0
    told = await scene.audit("*Placed*")
    await scene.start_bot()
    await scene.ask("/calls help")
    assert await scene.posts("C0AUDIT") == [told]
    assert len(await scene.requests("callkaro")) == 1


async def test_what_was_not_posted_is_posted_after_a_restart_in_order(scene: Scene) -> None:
    """While Slack accepts no message, the bot is killed.

    After the restart each is posted once, the oldest first.
    """
    await scene.slack.fail("chat.postMessage", "server_error", times=1000)
    waiting = await scene.ask(CANCEL)
    await scene.asha.click(waiting, text="Withdraw request")
    await scene.answered("Withdrawn by", request_id(waiting))
    await scene.place()

    async def placed() -> Any | None:
        return await scene.log("list", "--state", "succeeded") or None

    await until(placed)
    await scene.kill_bot()
    assert await scene.posts("C0AUDIT") == []
    await scene.slack.heal()
    await scene.start_bot()
    await scene.audit("Withdrawn by asha")
    await scene.card("Withdrawn by")
    await scene.audit("*Placed*")
    posts = await scene.posts("C0AUDIT")
    assert len(posts) == 2
    assert len(await scene.posts("C0APPROVE")) == 1

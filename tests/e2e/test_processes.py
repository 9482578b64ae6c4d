import asyncio
import signal
from collections import Counter

import pytest

from playground.faults import Fault
from playground.stage import stop
from tests.e2e.forked import Forked
from tests.e2e.scene import Scene, request_id, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = {'deadline = "2s"': 'deadline = "1s"', 'lease = "4s"': 'lease = "2s"'}
CALLS = 6
ENDS_WITHIN = 30.0
"""Seconds for leases and attempts, on a busy computer."""


async def serve(scene: Scene, number: int) -> list[Forked]:
    """Start that many bots at once on one file, and wait for their connections.

    Over HTTP, Slack reaches only one.
    """
    bots = [await scene.spawn_bot() for _ in range(number)]

    async def connected() -> bool | None:
        return scene.bot_log().count("CallOps is connected to workspace") == number or None

    await until(connected, ENDS_WITHIN)
    if scene.over_http:
        scene.opens(scene.address)
        await scene.slack.request_url(f"{scene.address}/slack/events")
    scene.bot = bots[0]
    return bots


async def ended(scene: Scene, number: int) -> list[dict[str, str]]:
    """Wait until that many actions have ended, and their audit messages say so."""

    async def over() -> list[dict[str, str]] | None:
        listed = await scene.log("list")
        settled = [one for one in listed if one["state"] in {"succeeded", "unknown", "failed"}]
        return settled if len(settled) == number else None

    return await until(over, ENDS_WITHIN)


async def test_two_processes_on_one_new_file(dark_scene: Scene) -> None:
    """Two processes that start together create one log.

    Each call is placed once, and each message posted once.
    """
    scene = dark_scene
    _, other = await serve(scene, 2)
    waiting = await scene.ask("/cancel-call vx_1001 customer asked")
    for number in range(CALLS):
        await scene.place(f"/place-call 98765 432{number:02}")
    await scene.approve()
    assert {one["state"] for one in await ended(scene, CALLS + 1)} == {"succeeded"}
    numbers = Counter(one.json["to_number"] for one in await scene.requests("callkaro"))
    assert (len(numbers), set(numbers.values())) == (CALLS, {1})
    assert len(await scene.requests("voxworks")) == 1
    await scene.audit("*Cancelled*", request_id(waiting))
    assert (await scene.command_line("log", "verify"))[0] == 0

    async def posted() -> list[str] | None:
        posts = [one.ts for one in await scene.posts("C0AUDIT") if not one.thread_ts]
        return posts if len(posts) > CALLS else None

    assert len(await until(posted, ENDS_WITHIN)) == CALLS + 1  # one a second
    assert await stop(other) == 0
    assert len(await scene.posts("C0APPROVE")) == 1
    beside = sorted(one.name for one in scene.folder.iterdir() if "-serving-" in one.name)
    assert len(beside) == 1


async def test_the_other_process_goes_on_at_once_where_one_was_killed(dark_scene: Scene) -> None:
    """The actions of the killed process are taken over long before its lease ends."""
    scene = dark_scene
    scene.write_configuration({'deadline = "2s"': 'deadline = "5m"', 'lease = "4s"': 'lease = "10m"'})
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=60))
    bots = await serve(scene, 2)
    await scene.place()
    await scene.request_reaches("callkaro")
    [out] = [one for one in await scene.log("list") if one["state"] == "sending"]
    shown = await scene.log("show", out["id"])
    owner = next(event["data"]["owner"] for event in shown["events"] if event["name"] == "sending")
    [killed] = [one for one in bots if owner.startswith(f"{one.pid}-")]
    [scene.bot] = [one for one in bots if one is not killed]
    killed.kill()
    await killed.wait()
    await scene.audit("*Outcome unknown*", within=ENDS_WITHIN)
    assert len(await scene.requests("callkaro")) == 1


async def test_a_process_that_was_stopped_past_its_lease(dark_scene: Scene) -> None:
    """A process that is stopped during a request, and continues later, sends nothing that was not ordered."""
    scene = dark_scene
    scene.write_configuration(QUICK)
    await scene.providers.fail("voxworks", Fault(does="slow", seconds=60, times=1))
    bots = await serve(scene, 2)
    request = request_id(await scene.ask("/cancel-call vx_1001 customer asked"))
    await scene.approve()
    await scene.request_reaches("voxworks")
    shown = await scene.log("show", request)
    owner = next(event["data"]["owner"] for event in shown["events"] if event["name"] == "sending")
    [zombie] = [one for one in bots if owner.startswith(f"{one.pid}-")]
    zombie.send_signal(signal.SIGSTOP)
    try:
        await ended(scene, 1)
    finally:
        zombie.send_signal(signal.SIGCONT)
    await asyncio.sleep(1.5)  # it has had time to finish by its own clock
    shown = await scene.log("show", request)
    ordered = [event["name"] for event in shown["events"]].count("sending")
    asked = await scene.requests("voxworks")
    assert len(asked) <= ordered
    assert sum(one.effects for one in asked) <= 1
    for one in bots:
        if one is not scene.bot:
            assert await stop(one) == 0


async def test_an_operator_lifts_a_pause_beside_a_running_bot(scene: Scene) -> None:
    """The provider asked for an hour. The command names what it ends, and the running bot continues."""
    fault = Fault(does="rate_limited", times=1, headers={"Retry-After": "3600"})
    await scene.providers.fail("voxworks", fault)
    for call in ("vx_1001", "vx_1002"):
        await scene.ask(f"/cancel-call {call} customer asked")
        await scene.approve(call)
        if call == "vx_1001":
            await scene.request_reaches("voxworks")
            await scene.audit("Retrying")
    await scene.audit("voxworks asked us to wait. Next try", "vx_1002")
    printed = await scene.terminal("retry-connection", "voxworks")
    assert (printed.status, printed.errors) == (0, "")
    assert printed.output.startswith("voxworks asked us to wait until ")
    assert "CallOps now sends to it again." in printed.output
    await scene.request_reaches("voxworks", 2)
    again = await scene.terminal("retry-connection", "voxworks")
    assert again.output == "voxworks isn't paused.\n"
    unknown = await scene.terminal("retry-connection", "nowhere")
    assert (unknown.status, unknown.output) == (2, "")
    assert "Enabled: reminders, voxworks." in unknown.errors

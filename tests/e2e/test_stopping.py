"""SIGTERM under load: nothing is lost, and the process exits with 0 within ten seconds."""

import asyncio
import time

import httpx
import pytest

from playground.faults import Fault
from tests.e2e.scene import BOTH_MODES, NUMBER, Scene, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

STOPS_WITHIN = 10.0
"""Seconds that platforms leave between SIGTERM and SIGKILL."""
SLOW = 15.0
"""Seconds that are longer than a stopping process waits."""


async def stopped(scene: Scene) -> float:
    """Stop the bot, which must exit with 0, and return the seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(STOPS_WITHIN):
        assert await scene.stop_bot() == 0
    return time.monotonic() - began


@BOTH_MODES
async def test_while_slack_hangs_and_a_provider_is_slow(scene: Scene) -> None:
    """With a call out, a form opening and hanging posts, the bot ends in time, and the log has the states."""
    scene.errors_expected = ("TimeoutError in /place-call",)
    scene.write_configuration({'deadline = "2s"': 'deadline = "20s"', 'lease = "4s"': 'lease = "21s"'})
    await scene.stop_bot()
    await scene.start_bot()
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=SLOW))
    await scene.slack.fail("chat.postMessage", "silence", times=100)
    await scene.place()
    await scene.request_reaches("callkaro")
    await scene.slack.fail("views.open", "silence", times=100)
    opening = asyncio.create_task(scene.asha.command("/place-call"))
    await asyncio.sleep(0.2)
    await stopped(scene)
    assert (await opening).error in {None, "operation_timeout", "dispatch_failed"}
    await scene.slack.heal()
    [kept] = await scene.log("list")
    assert kept["state"] == "unknown"
    assert len(await scene.requests("callkaro")) == 1


@BOTH_MODES
async def test_in_a_burst(scene: Scene) -> None:
    """A user who reads "accepted" finds the request in the log.

    Any other user reads that nothing answered.
    """
    asking = [
        asyncio.create_task(scene.asha.command(f"/cancel-call vx_{number} duplicate")) for number in range(60)
    ]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    await stopped(scene)
    heard = await asyncio.gather(*asking)
    kept = await scene.log("list", "--limit", "100")
    assert sum(one.error is None for one in heard) <= len(kept)
    assert {one.error for one in heard} <= {None, "operation_timeout", "dispatch_failed"}
    before = len(kept)
    await scene.start_bot()
    await scene.ask("/calls help")
    assert len(await scene.log("list", "--limit", "100")) >= before


async def test_before_slack_answers(dark_scene: Scene) -> None:
    """A SIGTERM during the first call to Slack does not wait for its answer."""
    dark_scene.over_http = False
    await dark_scene.slack.fail("auth.test", "silence", times=1)
    starting = asyncio.create_task(dark_scene.start_bot())

    async def asked() -> bool | None:
        return bool(await dark_scene.slack.journal("auth.test")) or None

    await until(asked)
    assert await stopped(dark_scene) < 2
    with pytest.raises(RuntimeError, match="did not connect"):
        await starting
    await dark_scene.slack.heal()


async def test_a_process_says_how_it_is(scene: Scene) -> None:
    """Health and readiness are sentences. The check sees that the port is CallOps's own."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        for path, status in (("healthz", "healthy"), ("readyz", "ready")):
            answer = await client.get(f"{scene.address}/{path}")
            assert answer.status_code == 200
            said = answer.json()
            assert (said["status"], said["failures"]) == (status, [])
    port = scene.address.rpartition(":")[2]
    printed = await scene.terminal("check", PORT=port)
    assert f"CallOps is already listening at 127.0.0.1:{port}." in printed.output
    assert NUMBER not in printed.output

"""Maintenance of the log beside a running bot: back up, verify against an anchor, purge."""

import json

import pytest

from tests.e2e.scene import NUMBER, Scene, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = "Kanariya wrote"


async def test_an_operator_keeps_a_log_and_forgets_a_customer(dark_scene: Scene) -> None:
    """The backup verifies, the anchor holds, and the purge is announced first, then done, also in Slack."""
    scene = dark_scene
    await scene.start_bot()
    waiting = request_id(await scene.cancel(f"/cancel-call {NUMBER} agent=payments via reminders {WHY}"))
    await scene.card(waiting)
    await scene.place()
    placed = request_id(await scene.audit("*Placed*"))

    copy = scene.folder / "copy.db"
    saved, again = await scene.terminal("backup", str(copy)), await scene.terminal("backup", str(copy))
    assert (saved.status, saved.errors) == (0, "")
    assert saved.output.startswith(f"{copy} is intact: 2 actions, ")
    assert (again.status, again.output) == (2, "")
    assert "is there already. Nothing was written" in again.errors

    anchor = saved.output.splitlines()[0].rpartition(" ")[2]
    held = await scene.terminal("log", "verify", "--anchor", anchor)
    assert (held.status, "The log is intact, with 1 anchor: " in held.output) == (0, True)
    lost = await scene.terminal("log", "verify", "--json", "--anchor", f"999:{'ab' * 32}")
    assert (lost.status, json.loads(lost.output)["anchors"]) == (1, 1)
    assert "Event 999 is anchored, but the log ends with event" in json.loads(lost.output)["faults"][0]
    nothing = await scene.terminal("log", "verify", "--anchor", str(scene.folder / "callops.toml"))
    assert (nothing.status, "has no anchors" in nothing.errors) == (2, True)

    preview = await scene.terminal("purge", "--number", NUMBER, "--dry-run")
    assert "Would be erased (by number): 1 request. Nothing was changed." in preview.output
    assert f"  {placed}" in preview.output.splitlines()
    assert f"  {waiting}: it isn't finished (waiting for approval). Finish it" in preview.output
    assert await scene.log("list", "--number", NUMBER)
    done = await scene.terminal("purge", "--number", "98765 43210")
    assert (done.status, done.errors) == (1, "")
    assert "Erased (by number): 1 request. Recorded in the log as P-" in done.output
    assert NUMBER not in done.output
    erased = await scene.audit("Erased.", placed)
    assert "3210" not in words(erased)

    purge = done.output.partition("Recorded in the log as ")[2].partition(".")[0]
    [event] = (await scene.log("show", purge))["events"]
    assert (event["name"], event["data"]["requests"], event["data"]["kept"]) == ("purged", 1, 1)
    unset = await scene.terminal("purge")
    assert (unset.status, "keep_at_most" in unset.errors) == (2, True)
    assert (await scene.log("verify"))["faults"] == []

"""Do-not-call requests: typed, announced in the audit channel, enforced, removed by a manager."""

import re

import pytest

from tests.e2e.scene import NUMBER, Scene, words

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_stop_reaches_the_provider_and_the_audit_channel(dark_scene: Scene) -> None:
    """A stop needs no approval.

    A later call is refused with the user's name, and a manager's reason allows calls again.
    """
    scene = dark_scene
    await scene.start_bot()
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await scene.audit("*Scheduled*")
    await scene.asha.command(f"/calls stop {NUMBER} asked us to")
    await scene.answered("No more calls to +91\u00a0•••3210 through CallOps.")
    stopped = words(await scene.audit("<@U0AGENT> stopped all calls to +91\u00a0•••3210."))
    await scene.audit("*Cancelled*", "asked us to")
    await scene.asha.command(f"/place-call {NUMBER}")
    await scene.answered("asha stopped all calls to this number")
    await scene.mira.command(f"/calls allow {NUMBER} called us back")
    await scene.audit("<@U0MANAGER> let calls to +91\u00a0•••3210 go out again.")
    [stop] = re.findall(r"S-\w+", stopped)
    status = words(await scene.ask(f"/calls status {stop.lower()}"))
    assert status.index("let calls to") < status.index("stopped all calls to")
    assert "asked us to" not in status
    await scene.place(f"/place-call {NUMBER}")
    await scene.audit("*Placed*")

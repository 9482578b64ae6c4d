"""Do-not-call requests: typed, announced in the audit channel, enforced, removed by a manager."""

import re

import pytest

from providers.phone import mask
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
    await scene.block(f"/calls stop {NUMBER} asked us to")
    await scene.answered(f"{mask(NUMBER)} is now blocked.")
    stopped = words(await scene.audit(f"asha blocked {mask(NUMBER)}."))
    await scene.audit("*Cancelled*", "asked us to")
    await scene.asha.command(f"/place-call {NUMBER}")
    await scene.answered("asha blocked this number")
    await scene.mira.command(f"/calls allow {NUMBER} called us back")
    await scene.audit(f"mira unblocked {mask(NUMBER)}.")
    [stop] = re.findall(r"S-\w+", stopped)
    status = words(await scene.ask(f"/calls status {stop.lower()}"))
    assert status.index("unblocked +91") < status.index(" blocked +91")
    assert "asked us to" not in status
    await scene.place(f"/place-call {NUMBER}")
    await scene.audit("*Placed*")

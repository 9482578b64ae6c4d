"""The daily summary in the audit channel: once a day, despite restarts."""

from datetime import UTC, datetime

import pytest

from tests.e2e.scene import NUMBER, Scene, words

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_day_is_told_once_and_only_if_there_was_one(dark_scene: Scene) -> None:
    """No requests mean no summary. Then a single line comes, which a restart does not repeat."""
    scene, hour = dark_scene, f"{datetime.now(UTC):%H:%M}"
    await scene.start_bot()
    await scene.place(f"/place-call {NUMBER}")
    await scene.cancel(f"/cancel-call {NUMBER} customer asked")
    await scene.audit("*Placed*")
    await scene.stop_bot()
    scene.write_configuration({"[slack]": f'[slack]\ndaily_summary = "{hour}"\ndaily_timezone = "Etc/UTC"'})
    await scene.start_bot()
    told = await scene.audit(":* ")
    day = words(told).partition(":*")[0]
    assert words(told).endswith("1 done, 1 waiting for approval.")  # no end of a call was reported
    await scene.stop_bot()
    await scene.start_bot()
    await scene.place("/place-call 98765 43211")
    await scene.audit("*Placed*", "3211")
    assert len([one for one in await scene.posts("C0AUDIT") if day in words(one)]) == 1

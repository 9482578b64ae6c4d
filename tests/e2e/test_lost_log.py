import asyncio
import shutil
import time
from pathlib import Path

import pytest

from playground.faults import Fault
from tests.e2e.scene import NUMBER, Scene, opened, private, until, words
from tests.e2e.test_busy_log import in_time, readiness
from tests.storage.database.test_open_files import LOSSES, another

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL = "/cancel-call vx_1001 customer asked"
LOST = "CallOps has lost its log, so nothing was recorded"
LOUD = "The log is lost: callops.db"
NOTICED_WITHIN = 3.0
"""Seconds until the bot notices."""
STOPS_WITHIN = 10.0


@pytest.mark.parametrize(
    "kind", ["deleted", "replaced", "overwritten by cp", "its -wal removed", "its -shm removed"]
)
async def test_a_bot_whose_log_is_lost_accepts_nothing(scene: Scene, tmp_path: Path, kind: str) -> None:
    """The bot is not ready, and tells everybody.

    Nothing is sent, it ends well, and it starts again when ordered.
    """
    scene.errors_expected = (LOUD,)
    path, saved = scene.folder / "callops.db", tmp_path / "saved.db"
    await scene.ask(CANCEL)
    form = opened(await scene.asha.command("/cancel-call"))
    preview = await scene.ask(f"/place-call {NUMBER}")
    review = await scene.review()
    assert (await scene.terminal("backup", str(saved))).status == 0
    LOSSES[kind](path, await another(tmp_path / "other.db"))
    heard = private(await in_time(scene.asha.command("/cancel-call vx_1002 customer asked")))
    assert LOST in words(heard)

    async def noticed() -> bool | None:
        return (await readiness(scene))[0] == 503 or None

    await until(noticed, NOTICED_WITHIN)
    assert LOUD in (await readiness(scene))[1]
    assert LOUD in scene.bot_log()
    assert "Place a call" in words(private(await in_time(scene.asha.command("/calls help"))))
    filled = {"Phone number or call ID": "vx_1003", "Reason": "duplicate"}
    submitted = await in_time(scene.asha.submit(form, filled))
    assert LOST in "".join(submitted.errors.values())
    assert opened(submitted).id == form.id
    assert LOST in "".join((await in_time(scene.mira.submit(review))).errors.values())
    await in_time(scene.asha.click(preview, "place"))
    await scene.answered(LOST)
    await asyncio.sleep(1.5)  # the workers have run, and tried
    assert scene.bot_log().count(LOUD) == 1
    began = time.monotonic()
    assert await scene.stop_bot() == 0
    assert time.monotonic() - began < STOPS_WITHIN
    assert await scene.requests("voxworks") == await scene.requests("callkaro") == []
    for name in ("", "-wal", "-shm"):
        path.with_name(f"callops.db{name}").unlink(missing_ok=True)
    shutil.copyfile(saved, path)
    await scene.start_bot()
    assert (await readiness(scene))[0] == 200
    await scene.approve()
    await scene.audit("*Cancelled*")


async def test_what_was_out_when_the_log_was_lost_is_named(dark_scene: Scene) -> None:
    """Only the process's log still has its outcome, and the operator finds it there."""
    scene, lost = dark_scene, "is not recorded: the log is lost"
    scene.errors_expected = (LOUD, lost)
    scene.write_configuration({'deadline = "2s"': 'deadline = "20s"', 'lease = "4s"': 'lease = "30s"'})
    await scene.start_bot()
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=5))
    await scene.place()
    await scene.request_reaches("callkaro")
    [out] = [one["id"] for one in await scene.log("list")]
    (scene.folder / "callops.db").unlink()

    async def named() -> bool | None:
        return f"{out} was sent, and its outcome queued {lost}" in scene.bot_log() or None

    await until(named)
    assert await scene.stop_bot() == 0

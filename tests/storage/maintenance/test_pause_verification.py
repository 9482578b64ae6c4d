"""Rows of pauses that contradict their events are found, by both verifiers."""

from pathlib import Path

import pytest

from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.maintenance.test_verification import tamper
from tests.storage.maintenance.test_verify_log import found
from tests.storage.samples import KEY, Clock


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("DELETE FROM pauses WHERE connection = ''", "of every connection"),
        ("DELETE FROM pauses WHERE connection = 'voxworks'", "of voxworks"),
        ("UPDATE pauses SET until = 1 WHERE connection = 'voxworks'", "of voxworks"),
        ("UPDATE pauses SET event = 1 WHERE connection = 'voxworks'", "of voxworks"),
        ("INSERT INTO pauses VALUES ('reminders', 1, NULL)", "of reminders"),
    ],
)
async def test_a_pause_that_was_ended_or_made_by_hand_is_found(
    tmp_path: Path, statement: str, where: str
) -> None:
    """The events alone say what is paused."""
    path, clock = tmp_path / "log.db", Clock()
    log = await Store.open(path, key=KEY, clock=clock)
    for nonce, name in enumerate((None, "voxworks", "reminders")):
        await log.pauses.pause(name, actor="U0MANAGER", reason="why", until=None, nonce=str(nonce))
    await log.pauses.resume("reminders", actor="U0MANAGER")
    await log.close()
    assert (verify(path).faults, found(path)) == ((), [])
    assert tamper(path, statement) == (f"The pause {where} differs from its events.",)
    [named] = found(path)
    assert named == f"the pause {where} is not what its events say"


async def test_two_stores_on_one_file_see_the_same_pause(tmp_path: Path) -> None:
    """A pause that one process sets holds in the other, and after a restart."""
    path, clock = tmp_path / "log.db", Clock()
    one = await Store.open(path, key=KEY, clock=clock)
    other = await Store.open(path, key=KEY, clock=clock)
    held = await one.pauses.pause(None, actor="U0MANAGER", reason="why", until=None, nonce="n")
    assert await other.pauses.active(clock.now) == [held]
    await one.close()
    await other.close()
    again = await Store.open(path, key=KEY, clock=clock)
    assert await again.pauses.active(clock.now) == [held]
    await again.close()

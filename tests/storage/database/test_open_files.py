import asyncio
import os
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.errors import LogReplacedError
from storage.maintenance.backup import backup
from storage.store import Store
from tests.storage.samples import KEY, Clock, placing, verified
from tests.support.tree import ROOT

Loss = Callable[[Path, Path], object]
"""Losses of a log's file. The second path is another log."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log to come."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "log.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """Yield a log with a request in it, whose files are watched."""
    log = await Store.open(path, key=KEY, clock=Clock(), watched=True)
    await log.requests.create(placing())
    yield log
    await log.close()


async def another(path: Path) -> Path:
    """Create another log, in a single file."""
    other = await Store.open(path, key=KEY, clock=Clock())
    await other.requests.create(placing())
    await other.close()
    return path


def beside(path: Path, name: str) -> Path:
    """Return the path of SQLite's own file beside a database."""
    return path.with_name(f"{path.name}-{name}")


def repointed(path: Path, other: Path) -> None:
    """Replace a file by a link to another one."""
    path.rename(path.with_name("elsewhere.db"))
    path.symlink_to(other)


LOSSES: dict[str, Loss] = {
    "deleted": lambda path, _: path.unlink(),
    "replaced": lambda path, other: other.replace(path),
    "replaced by a copy of itself": lambda path, other: shutil.copyfile(path, other).replace(path),
    "overwritten by cp": lambda path, other: shutil.copyfile(other, path),
    "overwritten with rubbish": lambda path, _: path.write_bytes(os.urandom(path.stat().st_size)),
    "emptied": lambda path, _: os.truncate(path, 0),
    "cut off": lambda path, _: os.truncate(path, 4096),
    "its -wal removed": lambda path, _: beside(path, "wal").unlink(),
    "its -wal replaced": lambda path, other: shutil.copyfile(other, beside(other, "wal")).replace(
        beside(path, "wal")
    ),
    "its -shm removed": lambda path, _: beside(path, "shm").unlink(),
    "its folder moved away": lambda path, _: path.parent.rename(path.parent.with_name("away")),
    "a link to another one": repointed,
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
async def test_nothing_is_committed_into_files_that_are_lost(
    store: Store, path: Path, tmp_path: Path, lose: Loss
) -> None:
    """After any loss of its files, the next change is refused with the reason."""
    other = await another(tmp_path / "other.db")
    assert store.fault() is None
    lose(path, other)
    with pytest.raises(LogReplacedError):
        await store.requests.create(placing())
    fault = store.fault()
    assert fault
    assert fault.startswith("The log is lost: log.db")
    assert "Nothing is accepted" in fault
    with pytest.raises(LogReplacedError):
        await store.users.keep_draft("nonce", person="U0AGENT", content={})


async def test_files_that_come_back_are_the_log_again(store: Store, path: Path) -> None:
    """A folder may be away for a while, as with a remounted volume. Nothing was lost meanwhile."""
    away = path.parent.rename(path.parent.with_name("away"))
    with pytest.raises(LogReplacedError):
        await store.requests.create(placing())
    away.rename(path.parent)
    assert (await store.requests.create(placing())).created
    assert store.fault() is None
    assert not (await verified(store)).faults


async def test_an_older_state_of_the_same_log_is_noticed(store: Store, path: Path, tmp_path: Path) -> None:
    """A backup copied over the running log has the same identity, and is still another file."""
    assert not backup(path, tmp_path / "backup.db").faults
    await store.requests.create(placing())
    shutil.copyfile(tmp_path / "backup.db", path)
    with pytest.raises(LogReplacedError):
        await store.requests.create(placing())


async def test_a_file_that_a_killed_process_left_is_watched_as_well(path: Path, tmp_path: Path) -> None:
    """The content of its write-ahead log moves into the file before anybody can copy over that."""
    arguments = ("-m", "tests.storage.writer", str(path), "killed", "0")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=PIPE)
    assert process.stdout
    accepted = [(await process.stdout.readline()).decode().strip() for _ in range(5)]
    process.kill()
    await process.wait()
    log = await Store.open(path, key=KEY, clock=Clock(), watched=True)
    assert (await log.requests.request(accepted[0])).id == accepted[0]
    await log.requests.create(placing())
    shutil.copyfile(await another(tmp_path / "other.db"), path)
    with pytest.raises(LogReplacedError):
        await log.requests.create(placing())
    await log.close()


async def test_what_others_may_do_is_no_loss(store: Store, path: Path, tmp_path: Path) -> None:
    """Other processes write, empty the write-ahead log, make a backup, compact, read and touch the file."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.storage.writer", str(path), f"process{number}", "150"),
            cwd=ROOT,
            stdout=PIPE,
        )
        for number in range(2)
    ]
    ends = [asyncio.create_task(process.communicate()) for process in processes]
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as shell:
        while not all(one.done() for one in ends):
            await store.requests.create(placing())
            assert store.fault() is None
            shell.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            assert store.fault() is None
            await asyncio.sleep(0)
        assert not backup(path, tmp_path / "backup.db").faults
        shell.execute("VACUUM")
        shell.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert [process.returncode for process in processes] == [0, 0]
    os.utime(path)
    assert (await store.requests.create(placing())).created
    assert store.fault() is None
    assert not (await verified(store)).faults


async def test_a_read_that_fails_speaks_against_the_log_for_a_while(path: Path) -> None:
    """SQLite's error is reported until it is old."""
    log = await Store.open(path, key=KEY, clock=Clock())
    await log.read_anew()
    assert log.fault() is None
    with pytest.raises(sqlite3.OperationalError):
        await log._database.reader.do(lambda connection: connection.execute("SELECT * FROM torn"))
    assert log.fault() == "The log cannot be read: no such table: torn"
    await log.close()

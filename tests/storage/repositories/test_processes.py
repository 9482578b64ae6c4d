import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from storage.event_log.writer import utc_now
from storage.models import ActionRecord, OutboxItem
from storage.repositories.processes import ABANDONED_AFTER, ProcessLock
from storage.store import Store
from tests.storage.samples import KEY, verified
from tests.support.tree import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log to come."""
    return tmp_path / "log.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """Yield a log that uses the computer's clock."""
    log = await Store.open(path, key=KEY, clock=utc_now)
    yield log
    await log.close()


@asynccontextmanager
async def serving(path: Path, owner: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a process that holds an outbox item and an action for an hour."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.storage.server", str(path), owner),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"A-")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def free(store: Store) -> tuple[list[ActionRecord], list[OutboxItem]]:
    """Return the actions with an expired lease, and the outbox items without an owner."""
    now = utc_now()
    posts = await store.outbox.outgoing(now, owner="finder", until=now + timedelta(seconds=1), limit=9)
    return list(await store.dispatch_queue.lease_expired(now)), list(posts)


def files(path: Path) -> list[str]:
    """Return the processes' files beside the log."""
    return sorted(
        one.name for one in path.parent.iterdir() if "-serving-" in one.name or "-begin" in one.name
    )


async def test_what_a_killed_process_held_is_free_at_once(path: Path, store: Store) -> None:
    """After kill -9 the next check releases its item and its action before their leases end.

    Its file goes.
    """
    async with serving(path, "7-abc") as process:
        watcher = ProcessLock.acquire(path, "8-def")
        assert await watcher.reap(store.processes.release_owner) == []
        assert await free(store) == ([], [])
        process.kill()
        await process.wait()
        assert await watcher.reap(store.processes.release_owner) == ["7-abc"]
    records, posts = await free(store)
    assert [(one.owner, len(posts)) for one in records] == [("7-abc", 1)]
    assert files(path) == ["log.db-serving-8-def"]
    assert not (await verified(store)).faults
    await watcher.release(store.processes.release_owner)


async def test_a_stopped_process_is_not_dead(path: Path, store: Store) -> None:
    """A process under SIGSTOP keeps its lock, so only its lease ends its time."""
    async with serving(path, "7-abc") as process:
        watcher = ProcessLock.acquire(path, "8-def")
        process.send_signal(signal.SIGSTOP)
        assert await watcher.reap(store.processes.release_owner) == []
        assert await free(store) == ([], [])
    await watcher.release(store.processes.release_owner)


async def test_who_ends_cleanly_leaves_nothing(path: Path, store: Store) -> None:
    """A process that ends by itself releases everything, and removes its file."""
    async with serving(path, "7-abc") as process:
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0
    records, posts = await free(store)
    assert (len(records), len(posts), files(path)) == (1, 1, [])


async def test_of_two_who_look_both_may_release(path: Path, store: Store) -> None:
    """Several processes that find the same dead one at once do no harm."""
    async with serving(path, "7-abc") as process:
        watchers = [ProcessLock.acquire(path, f"watcher-{n}") for n in range(4)]
        process.kill()
        await process.wait()
        found = await asyncio.gather(*(one.reap(store.processes.release_owner) for one in watchers))
    assert ["7-abc"] in found
    assert "log.db-serving-7-abc" not in files(path)
    for one in watchers:
        await one.release(store.processes.release_owner)
    assert files(path) == []


async def test_a_release_that_fails_is_made_by_the_next_look(path: Path, store: Store) -> None:
    """The file of a dead process goes last, so that nothing is forgotten."""

    async def fail(_owner: str) -> None:
        raise OSError("the disk is full")

    async with serving(path, "7-abc") as process:
        process.kill()
    watcher = ProcessLock.acquire(path, "8-def")
    with pytest.raises(OSError, match="full"):
        await watcher.reap(fail)
    assert await watcher.reap(store.processes.release_owner) == ["7-abc"]
    await watcher.release(store.processes.release_owner)


async def test_what_died_before_it_was_present_is_cleared_away(path: Path, store: Store) -> None:
    """A file that never got its final name goes once it is old. A young one may still get it."""
    for name, age in (("old", 2 * ABANDONED_AFTER), ("young", 0)):
        left = path.with_name(f"{path.name}-beginning-{name}")
        left.touch()
        at = left.stat().st_mtime - age
        os.utime(left, (at, at))
    watcher = ProcessLock.acquire(path, "8-def")
    assert await watcher.reap(store.processes.release_owner) == []
    assert files(path) == ["log.db-beginning-young", "log.db-serving-8-def"]
    await watcher.release(store.processes.release_owner)


@pytest.mark.parametrize("owner", ["", "a/b", "a b", "../up", "a" * 101])
async def test_an_owner_has_a_name_that_a_file_can_have(path: Path, owner: str) -> None:
    """A name that could leave the folder is refused."""
    with pytest.raises(ValueError, match="cannot be a file's name"):
        ProcessLock.acquire(path, owner)


async def test_processes_are_counted_by_their_locks(path: Path, store: Store) -> None:
    """Serving processes count, for any process that looks. Dead and ended ones do not."""
    assert await store.processes.count_serving() == 0
    watcher = ProcessLock.acquire(path, "watcher")
    async with serving(path, "7-abc") as process:
        assert await store.processes.count_serving() == 2
        process.kill()
        await process.wait()
        assert await store.processes.count_serving() == 1
    await watcher.release(store.processes.release_owner)
    assert await store.processes.count_serving() == 0

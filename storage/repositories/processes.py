"""Detects dead processes: each process that serves a database holds a lock on a file of its own beside it.

The kernel releases a lock (``flock``) when its process ends, however it ends. If another process can lock
such a file, its owner is dead, and no lease need be awaited. That process releases what the owner held, and
removes the file. A stopped process (SIGSTOP) keeps its lock, so its leases decide, as they do for an owner
without a file. SQLite's write-ahead log does not work across machines, so all processes have the same kernel.

The file is created under another name, locked and then renamed. So it is never seen unlocked under its own
name while its owner lives.
"""

import asyncio
import fcntl
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import Final, Self

from storage.database.files import make, open_made
from storage.database.repository import Repository, writes
from storage.event_log.hash_chain import microseconds
from storage.event_log.writer import WriteContext

SERVING: Final = "-serving-"
"""Stands between the database's name and the owner's, like SQLite's ``-wal`` and ``-shm``."""
BEGINNING: Final = "-beginning-"
"""Stands in its place until the file is locked."""
ABANDONED_AFTER: Final = 3600.0
"""Seconds by which an abandoned file is older than our own. Locking and renaming take no such time."""

_OWNER = re.compile(r"[A-Za-z0-9._-]{1,100}")


class ProcessLock:
    """A process's file, locked while it serves. Created by `acquire` and removed by `release`."""

    def __init__(self, database: Path, owner: str, path: Path, descriptor: int) -> None:
        self.owner = owner
        self._database = database
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, database: Path, owner: str) -> Self:
        """Create and lock the file by which ``owner`` serves a database.

        No other process may ever use the same name.

        Raises:
            ValueError: The name has other characters than letters, digits, dots, dashes and underscores.
            OSError: The file cannot be created.
        """
        if not _OWNER.fullmatch(owner):
            raise ValueError(f"{owner!r} cannot be a file's name")
        made = database.with_name(f"{database.name}{BEGINNING}{owner}")
        path = database.with_name(f"{database.name}{SERVING}{owner}")
        descriptor = make(made)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            made.rename(path)
        except BaseException:
            made.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        return cls(database, owner, path, descriptor)

    async def reap(self, release: Callable[[str], Awaitable[None]]) -> list[str]:
        """Call ``release`` for each dead owner, remove its file, and return the dead owners.

        Two processes may both release the same owner, which changes nothing.
        """
        dead = []
        for path in _beside(self._database, SERVING):
            if path == self._path or (lock := _take(path)) is None:
                continue
            try:
                owner = path.name.removeprefix(f"{self._database.name}{SERVING}")
                await release(owner)
                path.unlink(missing_ok=True)  # last: after a crash before this line, the next run repeats it
                dead.append(owner)
            finally:
                os.close(lock)
        self._remove_abandoned()
        return dead

    def _remove_abandoned(self) -> None:
        """Remove the files of processes that died before they renamed them."""
        began = os.fstat(self._descriptor).st_mtime
        for path in _beside(self._database, BEGINNING):
            with suppress(FileNotFoundError):  # it was renamed, or another process removed it
                if began - path.stat().st_mtime > ABANDONED_AFTER:
                    path.unlink()

    async def release(self, release: Callable[[str], Awaitable[None]]) -> None:
        """Release what this process still holds, then remove the file."""
        try:
            await release(self.owner)
            self._path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)  # after an error, the next process finds it unlocked


def _beside(database: Path, mark: str) -> list[Path]:
    """Return the files of a database with this mark in their names."""
    begin = f"{database.name}{mark}"
    with os.scandir(database.absolute().parent) as found:
        names = [one.name for one in found if one.name.startswith(begin)]
    return [database.with_name(name) for name in names if _OWNER.fullmatch(name.removeprefix(begin))]


def _take(path: Path) -> int | None:
    """Return the descriptor of a file after locking it, or None if its owner lives or there is no file."""
    descriptor = open_made(path)
    if descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def release_owner(connection: Connection, sources: WriteContext, owner: str) -> None:
    """Release what a dead owner held: its outbox items are free, and its actions' leases end now."""
    connection.execute(
        """
        UPDATE outbox SET owner = NULL, lease_until = NULL
        WHERE ended IS NULL AND lease_until IS NOT NULL AND owner = ?
        """,
        [owner],
    )
    connection.execute(
        """
        UPDATE actions SET lease_until = :now
        WHERE state = 'sending' AND owner = :owner AND lease_until > :now
        """,
        {"owner": owner, "now": microseconds(sources.clock())},
    )


def count_serving(database: Path) -> int:
    """Return how many processes serve a database: each holds the lock of its file."""
    serving = 0
    for path in _beside(database, SERVING):
        lock = _take(path)
        if lock is None:
            serving += path.exists()  # false if it was removed meanwhile
        else:
            os.close(lock)
    return serving


def probe(connection: Connection, sources: WriteContext) -> None:
    """Write a little, to raise any error that prevents writing, such as a full disk."""
    connection.execute(
        """
        INSERT INTO meta (name, value) VALUES ('probe', ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """,
        [str(microseconds(sources.clock())).encode()],
    )


class Processes(Repository):
    """The processes that use the log, and what they hold."""

    release_owner = writes(release_owner)
    probe = writes(probe)

    async def count_serving(self) -> int:
        """Return how many processes serve this log."""
        return await asyncio.to_thread(count_serving, self._database.path)

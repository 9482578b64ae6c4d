"""Which processes that serve a database are alive: each holds a lock on a small file of its own beside it.

The kernel lets go of a lock (``flock``) when its process ends, however it ends. Who can take the lock of such
a file therefore knows that its owner is dead, without waiting for any lease: it releases what that owner held
and removes the file. A process that is only stopped (SIGSTOP) keeps its lock, and is judged by its leases, as
is an owner that has no file. SQLite's write-ahead log does not span machines, so there is one kernel to ask.

The file is made under another name, locked and then renamed: under its own name it is never seen unlocked
while its owner lives.
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
"""Between the database's name and the owner's, as SQLite itself puts ``-wal`` and ``-shm`` behind it."""
BEGINNING: Final = "-beginning-"
"""In its place, until the file is locked."""
ABANDONED_AFTER: Final = 3600.0
"""Seconds by which a file that was never renamed is older than our own: locking and renaming take none."""

_OWNER = re.compile(r"[A-Za-z0-9._-]{1,100}")


class ProcessLock:
    """One process's file, locked for as long as it serves. Made by `acquire`; `release` removes the file."""

    def __init__(self, database: Path, owner: str, path: Path, descriptor: int) -> None:
        self.owner = owner
        self._database = database
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, database: Path, owner: str) -> Self:
        """Say that ``owner`` serves a database. The name must never be used again by another process.

        Raises `ValueError` for a name that is not letters, digits, dots and dashes, `OSError` where the
        folder takes no file.
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
        """Release what dead owners held, and remove their files; the owners. ``release`` is called for each.

        What is found dead by two processes is released twice, which changes nothing.
        """
        dead = []
        for path in _beside(self._database, SERVING):
            if path == self._path or (lock := _take(path)) is None:
                continue
            try:
                owner = path.name.removeprefix(f"{self._database.name}{SERVING}")
                await release(owner)
                path.unlink(missing_ok=True)  # last: a crash before it is made good by the next sweep
                dead.append(owner)
            finally:
                os.close(lock)
        self._remove_abandoned()
        return dead

    def _remove_abandoned(self) -> None:
        """Remove what a process left that died between making its file and renaming it."""
        began = os.fstat(self._descriptor).st_mtime
        for path in _beside(self._database, BEGINNING):
            with suppress(FileNotFoundError):  # it was renamed, or another one removed it
                if began - path.stat().st_mtime > ABANDONED_AFTER:
                    path.unlink()

    async def release(self, release: Callable[[str], Awaitable[None]]) -> None:
        """Serve no longer: let go of what is still held, then remove the file."""
        try:
            await release(self.owner)
            self._path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)  # where that failed, the next process finds it unlocked


def _beside(database: Path, mark: str) -> list[Path]:
    """Return the files of a database with this mark in their names."""
    begin = f"{database.name}{mark}"
    with os.scandir(database.absolute().parent) as found:
        names = [one.name for one in found if one.name.startswith(begin)]
    return [database.with_name(name) for name in names if _OWNER.fullmatch(name.removeprefix(begin))]


def _take(path: Path) -> int | None:
    """Return the lock of a file that stands there and whose owner is dead, or None."""
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
    """Let go of what an owner held that has ended: its posts are free, its entries' leases are over."""
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
            serving += path.exists()  # or it was removed meanwhile
        else:
            os.close(lock)
    return serving


def probe(connection: Connection, sources: WriteContext) -> None:
    """Write a little: raises what keeps the log from being written to, such as a full disk."""
    connection.execute(
        """
        INSERT INTO meta (name, value) VALUES ('probe', ?)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """,
        [str(microseconds(sources.clock())).encode()],
    )


class Processes(Repository):
    """Which processes use the log, and what they hold."""

    release_owner = writes(release_owner)
    probe = writes(probe)

    async def count_serving(self) -> int:
        """Return how many processes serve this log."""
        return await asyncio.to_thread(count_serving, self._database.path)

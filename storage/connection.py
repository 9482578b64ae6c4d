"""Connections to the SQLite file: how one is opened, and the one thread that writes.

WAL with ``synchronous=FULL``: a commit is on the disk when it returns, and readers never wait for the writer.
"""

import asyncio
import os
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from storage.files import make
from storage.folding import fold
from storage.locking import begin
from storage.migrations import APPLICATION_ID, NewerSchema, migrate

BUSY_SECONDS: Final = 10.0
"""How long a writer waits for one in another process before it gives up."""

WIPE_BUSY_MS: Final = 250
"""How long emptying the write-ahead log waits for readers; it stands before everyone's commits."""

CACHE_KIB: Final = 16 * 1024
"""Pages kept in memory by each connection: the inner pages of a million entries' indexes."""

TOGETHER: Final = 64
"""At most so many changes are committed together, so that another process gets its turn; and as many read."""

UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: Python cannot decode SQLite's message where that quotes rubbish."""

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]
_Job = tuple[Work[Any], asyncio.Future[Any]]


class CannotOpen(Exception):
    """The file cannot be used as a log: unreadable, damaged, somebody else's, or from a newer version."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, made and migrated if need be. Raises `CannotOpen`."""
    with _explained(path):
        _make_private(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _recognise(connection)
            _use_wal(connection)
            _set_up(connection, "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write to a file that is already set up. Raises `CannotOpen`."""
    with _explained(path):
        existing = f"{path.absolute().as_uri()}?mode=rw"  # rw: a reader of WAL shares its index
        connection = sqlite3.connect(existing, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _set_up(connection, "query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def _make_private(path: Path) -> None:
    """Make the file where there is none, for its owner alone; SQLite's own beside it get the same mode."""
    with suppress(OSError, RuntimeError):  # it is there, or cannot be: SQLite says which
        os.close(make(path.resolve()))  # where it is a link, SQLite would make what that names


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (*UNREADABLE, NewerSchema) as error:
        raise CannotOpen(f"{path} cannot be used as a log: {error}") from error


def _set_up(connection: sqlite3.Connection, *pragmas: str) -> None:
    connection.row_factory = sqlite3.Row
    connection.create_function("folded", 1, _folded, deterministic=True)
    for pragma in (*pragmas, f"cache_size = -{CACHE_KIB}", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _folded(text: str | None) -> str | None:
    """Let SQL compare texts by `storage.folding`; what was erased is compared with nothing."""
    return None if text is None else fold(text)


def _recognise(connection: sqlite3.Connection) -> None:
    [(application,)] = connection.execute("PRAGMA application_id")
    if application == APPLICATION_ID:
        return
    begin(connection)  # another process may be making the same file
    [(application,)] = connection.execute("PRAGMA application_id")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_schema")
    if application != APPLICATION_ID and tables:
        raise sqlite3.DatabaseError("it is the database of another program")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. SQLite does not wait here for another process that does the same: we do."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


class ConnectionThread:
    """A connection and the one thread that uses it."""

    def __init__(self, thread: ThreadPoolExecutor, connection: sqlite3.Connection) -> None:
        self._thread = thread
        self._connection = connection

    @classmethod
    async def open(cls, opening: Callable[[], sqlite3.Connection], name: str) -> Self:
        """Open a connection in a new thread of that name. Raises what ``opening`` raises."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        try:
            return cls(thread, await asyncio.get_running_loop().run_in_executor(thread, opening))
        except BaseException:
            thread.shutdown(wait=False)
            raise

    def run(self, work: Work[Result]) -> asyncio.Future[Result]:
        """Run ``work`` after all that waits already."""
        return asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    async def close(self) -> None:
        """Close after all that waits already."""
        await self.run(sqlite3.Connection.close)
        self._thread.shutdown()


class _Together(ABC):
    """What waits while something else runs is run together: in one transaction, by one turn of the thread.

    Each may fail without the others. A caller that is cancelled takes back what has not begun; what has begun
    is finished.
    """

    def __init__(self, thread: ConnectionThread) -> None:
        self._thread = thread
        self._waiting: list[_Job] = []
        self._busy = False

    @staticmethod
    @abstractmethod
    def _all(works: Sequence[Work[Any]], connection: sqlite3.Connection) -> list[Any]:
        """Do all in one transaction; each one's result, or the exception it raised and was undone for."""

    async def do(self, work: Work[Result]) -> Result:
        """Run ``work`` and return its result once the transaction has ended."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if not self._busy:
            self._begin()
        return await done

    async def close(self) -> None:
        """Do what is waiting, then close."""
        await self.do(lambda _: None)
        await self._thread.close()

    def _begin(self) -> None:
        batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        jobs = [(work, done) for work, done in batch if not done.done()]
        try:
            running = self._thread.run(partial(self._all, [work for work, _ in jobs]))
        except RuntimeError as closed:  # the thread has ended
            left, self._waiting = [*jobs, *self._waiting], []
            _settle(left, [closed] * len(left))
            return
        running.add_done_callback(partial(self._ended, jobs))
        self._busy = True

    def _ended(self, jobs: Sequence[_Job], running: asyncio.Future[list[Any]]) -> None:
        self._busy = False
        error = running.exception()
        _settle(jobs, running.result() if error is None else [error] * len(jobs))
        if self._waiting:
            self._begin()


def _settle(jobs: Sequence[_Job], outcomes: Sequence[Any]) -> None:
    """Tell each caller what came of its work."""
    for (_, done), outcome in zip(jobs, outcomes, strict=True):
        if done.done():
            continue
        if isinstance(outcome, StopIteration):  # no future takes it
            done.set_exception(RuntimeError(repr(outcome)))
        elif isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)


class Reader(_Together):
    """Reads, each time as of one moment, which is not before it was asked to.

    One that takes long holds up those it is read with, as it would hold up those behind it.
    """

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open a file that a `Writer` has set up. Raises `CannotOpen`."""
        return cls(await ConnectionThread.open(partial(open_for_reading, path), "log-reader"))

    @staticmethod
    def _all(works: Sequence[Work[Any]], connection: sqlite3.Connection) -> list[Any]:
        """Do all in one transaction; each one's result, or the exception it raised."""
        outcomes: list[Any] = []
        try:
            connection.execute("BEGIN")
            for work in works:
                try:
                    outcomes.append(work(connection))
                except Exception as error:
                    if not connection.in_transaction:
                        raise  # SQLite has ended it: what came next would not be of one moment
                    outcomes.append(error)
            connection.execute("ROLLBACK")  # it only read
        except Exception as error:  # noqa: BLE001 - each caller is told, in its own task
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [error for _ in works]
        return outcomes


class Writer(_Together):
    """Writes; the only one to do so in its process.

    Changes that are committed together are each in a savepoint of their own, and share one sync of the disk.
    A caller hears of its change when it is on the disk.
    """

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, made and migrated if need be. Raises `CannotOpen`."""
        return cls(await ConnectionThread.open(partial(open_for_writing, path), "log-writer"))

    async def wipe(self) -> bool:
        """Empty the write-ahead log, where erased values would linger; whether that could be done.

        If somebody is reading an old state just now, it is left to the next time or to `close`.
        """
        return await self._thread.run(_wipe)

    @staticmethod
    def _all(works: Sequence[Work[Any]], connection: sqlite3.Connection) -> list[Any]:
        """Do all in one transaction; each one's result, or the exception it raised and was undone for."""
        outcomes: list[Any] = []
        try:
            begin(connection)
            for work in works:
                connection.execute("SAVEPOINT one")
                try:
                    outcomes.append(work(connection))
                except Exception as error:
                    if not connection.in_transaction:
                        raise  # a full disk and the like: SQLite has undone them all
                    outcomes.append(error)
                    connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - each caller is told, in its own task
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [error for _ in works]
        return outcomes


def _wipe(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {WIPE_BUSY_MS}")
    [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    return not busy

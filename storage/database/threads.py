"""The thread that reads the SQLite file and the one that writes it: what waits for one is run together."""

import asyncio
import math
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from storage.database import deadlines
from storage.database.connection import (
    UNREADABLE,
    CannotOpenLogError,
    checkpoint,
    open_for_reading,
    open_for_writing,
    wipe,
)
from storage.database.locking import begin
from storage.database.open_files import OpenFiles
from storage.errors import CommitUnknownError, LogBusyError, LogReplacedError

TOGETHER: Final = 64
"""At most so many changes are committed together, so that another process gets its turn; and as many read."""

COMMIT_WITHIN: Final = 0.4
"""Seconds that a change which is being written may take past its deadline, until nobody knows whether it is
recorded: a commit takes milliseconds."""

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]


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


class Job:
    """Work for a connection's thread. It begins or is withdrawn, whichever is first, and never both."""

    __slots__ = ("_decided", "done", "work")

    def __init__(self, work: Work[Any], done: asyncio.Future[Any]) -> None:
        self.work = work
        self.done = done
        self._decided = threading.Lock()

    def begin(self) -> bool:
        """Return whether it may be done now: nobody has withdrawn it."""
        return self._decided.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Return whether it will never be done: it has not begun."""
        return self._decided.acquire(blocking=False)

    @property
    def wanted(self) -> bool:
        """Whether it is still to be done."""
        return not self._decided.locked()


class _Together(ABC):
    """What waits while something else runs is run together: in one transaction, by one turn of the thread.

    Each may fail without the others. A caller that is cancelled, or whose deadline has passed, withdraws what
    has not begun. What has begun is finished.
    """

    def __init__(self, thread: ConnectionThread) -> None:
        self._thread = thread
        self._waiting: list[Job] = []
        self._running: Sequence[Job] = ()
        self._busy = False

    @abstractmethod
    def _all(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Any]:
        """Do all in one transaction; each one's result, or the exception it raised and was undone for."""

    @abstractmethod
    def _late(self, job: Job) -> None:
        """Answer a job that is not done by its deadline."""

    async def do(self, work: Work[Result], *, within: float | None = None) -> Result:
        """Run ``work`` and return its result once the transaction has ended.

        Raises `LogBusyError` where it has not begun by the deadline of the answer it is for, or ``within``
        so many seconds. It is not done then, nor later.
        """
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future())
        self._waiting.append(job)
        if not self._busy:
            self._begin()
        due = deadlines.current()
        until = due.at if due else None
        if within is not None:
            until = min(until or math.inf, loop.time() + within)
        timer = None if until is None else loop.call_at(until, self._late, job)
        try:
            result: Result = await job.done
        finally:
            job.withdraw()
            if timer is not None:
                timer.cancel()
        return result

    async def close(self) -> None:
        """Do what is waiting, as far as that is possible, then close."""
        if self._busy:
            with suppress(LogBusyError):
                await self.do(lambda _: None)
        for job in (*self._running, *self._waiting):
            _withdraw(job)
        await self._thread.close()

    def _begin(self) -> None:
        batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        jobs = [job for job in batch if not job.done.done()]
        try:
            running = self._thread.run(partial(self._all, jobs))
        except RuntimeError as closed:  # the thread has ended
            left, self._waiting = [*jobs, *self._waiting], []
            _settle(left, [closed] * len(left))
            return
        running.add_done_callback(partial(self._ended, jobs))
        self._busy, self._running = True, jobs

    def _ended(self, jobs: Sequence[Job], running: asyncio.Future[list[Any]]) -> None:
        self._busy, self._running = False, ()
        error = running.exception()
        _settle(jobs, running.result() if error is None else [error] * len(jobs))
        if self._waiting:
            self._begin()


def _settle(jobs: Sequence[Job], outcomes: Sequence[Any]) -> None:
    """Tell each caller what came of its work."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.done.done():
            continue
        if isinstance(outcome, StopIteration):  # no future takes it
            job.done.set_exception(RuntimeError(repr(outcome)))
        elif isinstance(outcome, Exception):
            job.done.set_exception(outcome)
        else:
            job.done.set_result(outcome)


def _withdraw(job: Job) -> bool:
    """Withdraw a job and tell its caller; False where it has begun."""
    if withdrawn := job.withdraw() and not job.done.done():
        job.done.set_exception(LogBusyError("the log could not be used in time"))
    return withdrawn


class Reader(_Together):
    """Reads, each time as of one moment, which is not before it was asked to.

    One that takes long holds up those it is read with, as it would hold up those behind it.
    """

    failed: tuple[float, str] | None = None
    """When SQLite last could not read, in seconds of `time.monotonic`, and what it said."""

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open a file that a `Writer` has set up. Raises `CannotOpenLogError`."""
        return cls(await ConnectionThread.open(partial(open_for_reading, path), "log-reader"))

    def _late(self, job: Job) -> None:
        """Answer a job that is not done by its deadline: whatever it reads, nothing changes by it."""
        job.withdraw()
        if not job.done.done():
            job.done.set_exception(LogBusyError("the log could not be read in time"))

    def _all(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Any]:
        """Do all in one transaction; each one's result, or the exception it raised."""
        outcomes: list[Any] = []
        try:
            connection.execute("BEGIN")
            for job in jobs:
                try:
                    outcomes.append(job.work(connection) if job.begin() else None)
                except Exception as error:
                    if not connection.in_transaction:
                        raise  # SQLite has ended it: what came next would not be of one moment
                    outcomes.append(error)
            connection.execute("ROLLBACK")  # it only read
        except Exception as error:  # noqa: BLE001 - each caller is told, in its own task
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            outcomes = [error for _ in jobs]
        for outcome in outcomes:
            if isinstance(outcome, UNREADABLE):
                self.failed = time.monotonic(), str(outcome)
        return outcomes


class Writer(_Together):
    """Writes; the only one to do so in its process.

    Changes that are committed together are each in a savepoint of their own, and share one sync of the disk.
    A caller hears of its change when it is on the disk.
    """

    files: OpenFiles | None = None
    """The files that are watched; None: they are not."""

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, made and migrated if need be. Raises `CannotOpenLogError`."""
        return cls(await ConnectionThread.open(partial(open_for_writing, path), "log-writer"))

    async def do(self, work: Work[Result], *, within: float | None = None) -> Result:
        """Run ``work`` and return its result once it is on the disk.

        Raises as its base does, and `CommitUnknownError` where it has begun by the deadline and does not
        end. ``within``: it records nothing that its answer tells of.
        """
        result = await super().do(work, within=within)
        if within is None and (due := deadlines.current()):
            due.committed += 1
        return result

    async def wipe(self) -> bool:
        """Empty the write-ahead log, where erased values would linger; whether that could be done.

        If somebody is reading an old state just now, it is left to the next time or to `close`. An answer
        whose deadline has come does not wait for it.
        """
        running = self._thread.run(wipe)
        if due := deadlines.current():
            await asyncio.wait({running}, timeout=due.left)
            return running.done() and running.result()
        return await running

    def _late(self, job: Job) -> None:
        """Withdraw a job by its deadline; one that has begun has a moment more to end."""
        if not job.done.done() and not _withdraw(job):
            asyncio.get_running_loop().call_later(COMMIT_WITHIN, _give_up, job.done)

    async def watch(self, path: Path) -> None:
        """Commit only into the file that lies at its path, from now on. Raises `CannotOpenLogError`."""
        await self._thread.run(checkpoint)  # where a process was killed, none has been made since
        try:
            self.files = OpenFiles(path)
        except OSError as error:
            raise CannotOpenLogError(f"{path} cannot be watched: {error.strerror}") from error

    def _replaced(self) -> LogReplacedError | None:
        """Return why what is committed now would be lost; None: it would not."""
        why = self.files.replaced() if self.files else None
        return LogReplacedError(why) if why else None

    def _all(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Any]:
        """Do all in one transaction; each one's result, or the exception it raised and was undone for."""
        outcomes: list[Any] = []
        try:
            begin(connection, wanted=lambda: any(job.wanted for job in jobs))
            for job in jobs:
                if not job.begin():
                    outcomes.append(None)  # it was withdrawn, and its caller told
                    continue
                connection.execute("SAVEPOINT one")
                try:
                    outcomes.append(job.work(connection))
                except Exception as error:
                    if not connection.in_transaction:
                        raise  # a full disk and the like: SQLite has undone them all
                    outcomes.append(error)
                    connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            lost = self._replaced()
            connection.execute("ROLLBACK" if lost else "COMMIT")
        except Exception as error:  # noqa: BLE001 - each caller is told, in its own task
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            told = self._replaced() or error
            return [told for _ in jobs]
        if lost:
            return [lost for _ in jobs]
        # Looked at once more: this commit may be why the write-ahead log has begun anew.
        return [CommitUnknownError() for _ in jobs] if self._replaced() else outcomes


def _give_up(done: asyncio.Future[Any]) -> None:
    if not done.done():
        done.set_exception(CommitUnknownError)

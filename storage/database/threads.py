"""The reader and the writer thread of the SQLite file, which run waiting jobs in batches."""

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
"""Changes in a commit, at most, so that another process gets its turn. The same limit applies to reads."""

COMMIT_WITHIN: Final = 0.4
"""Seconds by which a running change may exceed its deadline before its outcome is unknown.

A commit takes milliseconds.
"""

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]


class ConnectionThread:
    """A connection and the only thread that uses it."""

    def __init__(self, thread: ThreadPoolExecutor, connection: sqlite3.Connection) -> None:
        self._thread = thread
        self._connection = connection

    @classmethod
    async def open(cls, opening: Callable[[], sqlite3.Connection], name: str) -> Self:
        """Open a connection in a new thread of that name. Raise whatever ``opening`` raises."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        try:
            return cls(thread, await asyncio.get_running_loop().run_in_executor(thread, opening))
        except BaseException:
            thread.shutdown(wait=False)
            raise

    def run(self, work: Work[Result]) -> asyncio.Future[Result]:
        """Run ``work`` after everything that is already waiting."""
        return asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    async def close(self) -> None:
        """Close the connection after everything that is already waiting."""
        await self.run(sqlite3.Connection.close)
        self._thread.shutdown()


class Job:
    """Work for a connection's thread. It is either begun or withdrawn, never both."""

    __slots__ = ("_decided", "done", "work")

    def __init__(self, work: Work[Any], done: asyncio.Future[Any]) -> None:
        self.work = work
        self.done = done
        self._decided = threading.Lock()

    def begin(self) -> bool:
        """Begin the job, and return False if it was withdrawn."""
        return self._decided.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Withdraw the job, and return False if it has begun."""
        return self._decided.acquire(blocking=False)

    @property
    def is_awaited(self) -> bool:
        """True while the job has neither begun nor been withdrawn."""
        return not self._decided.locked()


class _Together(ABC):
    """Base of the threads: jobs that wait while others run form the next batch, in one transaction.

    A job may fail without the others. A caller that is cancelled, or whose deadline has passed, withdraws a
    job that has not begun. A job that has begun is finished.
    """

    def __init__(self, thread: ConnectionThread) -> None:
        self._thread = thread
        self._waiting: list[Job] = []
        self._running: Sequence[Job] = ()
        self._busy = False

    @abstractmethod
    def _all(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Any]:
        """Run all jobs in one transaction. Return each one's result, or the exception that undid it."""

    @abstractmethod
    def _late(self, job: Job) -> None:
        """Handle a job that is not done by its deadline."""

    async def do(self, work: Work[Result], *, within: float | None = None) -> Result:
        """Run ``work`` and return its result once the transaction has ended.

        Raises:
            LogBusyError: The job has not begun by the current deadline, or ``within`` so many seconds. It
                never runs.
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
        """Run the waiting jobs as far as possible, then close."""
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
    """Set the result or the exception of each job for its caller."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.done.done():
            continue
        if isinstance(outcome, StopIteration):  # a future cannot hold it
            job.done.set_exception(RuntimeError(repr(outcome)))
        elif isinstance(outcome, Exception):
            job.done.set_exception(outcome)
        else:
            job.done.set_result(outcome)


def _withdraw(job: Job) -> bool:
    """Withdraw a job and raise in its caller. Return False if it has begun."""
    if withdrawn := job.withdraw() and not job.done.done():
        job.done.set_exception(LogBusyError("the log could not be used in time"))
    return withdrawn


class Reader(_Together):
    """Reads, each as of a moment not earlier than its call.

    A slow read delays those in its batch, as it would delay those after it.
    """

    failed: tuple[float, str] | None = None
    """Time of SQLite's last read error, in seconds of `time.monotonic`, and its message."""

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open a file that a `Writer` has set up.

        Raises:
            CannotOpenLogError: The file cannot be read.
        """
        return cls(await ConnectionThread.open(partial(open_for_reading, path), "log-reader"))

    def _late(self, job: Job) -> None:
        """Withdraw a job that is not done by its deadline. A read changes nothing, even if it has begun."""
        job.withdraw()
        if not job.done.done():
            job.done.set_exception(LogBusyError("the log could not be read in time"))

    def _all(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Any]:
        """Run all jobs in one transaction. Return each one's result or exception."""
        outcomes: list[Any] = []
        try:
            connection.execute("BEGIN")
            for job in jobs:
                try:
                    outcomes.append(job.work(connection) if job.begin() else None)
                except Exception as error:
                    if not connection.in_transaction:
                        raise  # SQLite ended the transaction: later jobs would read another moment
                    outcomes.append(error)
            connection.execute("ROLLBACK")  # it only read
        except Exception as error:  # noqa: BLE001 - each caller gets it in its own task
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            outcomes = [error for _ in jobs]
        for outcome in outcomes:
            if isinstance(outcome, UNREADABLE):
                self.failed = time.monotonic(), str(outcome)
        return outcomes


class Writer(_Together):
    """Writes. It is the only writer in its process.

    Changes that are committed together have a savepoint each, and share one sync of the disk. A caller gets
    its result when its change is on the disk.
    """

    files: OpenFiles | None = None
    """The files that are watched, None if they are not."""

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file. Create and migrate it if necessary.

        Raises:
            CannotOpenLogError: The file cannot be used as a log.
        """
        return cls(await ConnectionThread.open(partial(open_for_writing, path), "log-writer"))

    async def do(self, work: Work[Result], *, within: float | None = None) -> Result:
        """Run ``work`` and return its result once it is on the disk.

        A job with ``within`` is not counted among the deadline's commits.

        Raises:
            LogBusyError: The job has not begun in time. It never runs.
            CommitUnknownError: The job has begun, but did not end in time.
        """
        result = await super().do(work, within=within)
        if within is None and (due := deadlines.current()):
            due.committed += 1
        return result

    async def wipe(self) -> bool:
        """Truncate the write-ahead log, where erased values would linger. Return whether that succeeded.

        If a reader of an older state prevents it, the next call or `close` must do it. An answer whose
        deadline has come does not wait for it.
        """
        running = self._thread.run(wipe)
        if due := deadlines.current():
            await asyncio.wait({running}, timeout=due.left)
            return running.done() and running.result()
        return await running

    def _late(self, job: Job) -> None:
        """Withdraw a job at its deadline. A job that has begun gets `COMMIT_WITHIN` more seconds."""
        if not job.done.done() and not _withdraw(job):
            asyncio.get_running_loop().call_later(COMMIT_WITHIN, _give_up, job.done)

    async def watch(self, path: Path) -> None:
        """Commit only into the file at this path from now on.

        Raises:
            CannotOpenLogError: The files cannot be read.
        """
        await self._thread.run(checkpoint)  # after a killed process, no checkpoint has been made
        try:
            self.files = OpenFiles(path)
        except OSError as error:
            raise CannotOpenLogError(f"{path} cannot be watched: {error.strerror}") from error

    def _replaced(self) -> LogReplacedError | None:
        """Return the error of replaced files, in which a commit would be lost, or None."""
        why = self.files.replaced() if self.files else None
        return LogReplacedError(why) if why else None

    def _all(self, jobs: Sequence[Job], connection: sqlite3.Connection) -> list[Any]:
        """Run all jobs in one transaction. Return each one's result, or the exception that undid it."""
        outcomes: list[Any] = []
        try:
            begin(connection, wanted=lambda: any(job.is_awaited for job in jobs))
            for job in jobs:
                if not job.begin():
                    outcomes.append(None)  # it was withdrawn, and its caller has the error
                    continue
                connection.execute("SAVEPOINT one")
                try:
                    outcomes.append(job.work(connection))
                except Exception as error:
                    if not connection.in_transaction:
                        raise  # a full disk or the like: SQLite has undone all jobs
                    outcomes.append(error)
                    connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            lost = self._replaced()
            connection.execute("ROLLBACK" if lost else "COMMIT")
        except Exception as error:  # noqa: BLE001 - each caller gets it in its own task
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            told = self._replaced() or error
            return [told for _ in jobs]
        if lost:
            return [lost for _ in jobs]
        # Checked again: this commit may have restarted the write-ahead log.
        return [CommitUnknownError() for _ in jobs] if self._replaced() else outcomes


def _give_up(done: asyncio.Future[Any]) -> None:
    if not done.done():
        done.set_exception(CommitUnknownError)

"""The store: a SQLite file, and the repositories of its tables."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from secrets import token_bytes
from sqlite3 import Connection
from typing import Final, Self

from storage.database import deadlines
from storage.database.connection import BUSY_SECONDS, CannotOpenLogError, open_for_reading
from storage.database.repository import Database
from storage.database.threads import Reader, Writer
from storage.database.write_behind import WriteBehind
from storage.errors import LogUnavailableError
from storage.event_log.writer import WriteContext, keeps_to
from storage.repositories.approvals import Approvals
from storage.repositories.audit import Audit
from storage.repositories.call_history import CallHistory
from storage.repositories.call_lists import CallLists
from storage.repositories.dispatch_queue import DispatchQueue
from storage.repositories.do_not_call import DoNotCall
from storage.repositories.do_not_call_lists import DoNotCallLists
from storage.repositories.end_polls import EndPolls
from storage.repositories.homes import Homes
from storage.repositories.metrics import Metrics
from storage.repositories.outages import Outages
from storage.repositories.outbox import Outbox
from storage.repositories.pauses import Pauses
from storage.repositories.processes import Processes
from storage.repositories.rate_limits import RateLimits
from storage.repositories.requests import Requests
from storage.repositories.retention import Retention
from storage.repositories.screens import Screens
from storage.repositories.search import Search
from storage.repositories.users import Users

KEY_WITHIN: Final = 1.0
"""Seconds for which the check of the key waits for a writer."""
UNREADABLE_FOR: Final = 10.0
"""Seconds after a failed read for which the log counts as unreadable."""


class Store:
    """The store: a file that several processes may share, and the repositories of its tables.

    `open` creates it. Every change is one transaction: the rows, the events, the outbox items and the used
    idempotency keys are committed together or not at all. A thread writes, another reads, and verification
    reads in a third. So no read delays a commit for which an answer to Slack waits. Errors of SQLite (a full
    disk) are raised as `sqlite3.Error`, and nothing has changed. If another process keeps the file locked,
    the error is `errors.LogBusyError`. Inside a `deadlines.deadline`, nothing is awaited past it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.requests = Requests(database)
        self.dispatch_queue = DispatchQueue(database)
        self.approvals = Approvals(database)
        self.call_history = CallHistory(database)
        self.call_lists = CallLists(database)
        self.search = Search(database)
        self.outbox = Outbox(database)
        self.do_not_call = DoNotCall(database)
        self.do_not_call_lists = DoNotCallLists(database)
        self.end_polls = EndPolls(database)
        self.rate_limits = RateLimits(database)
        self.outages = Outages(database)
        self.pauses = Pauses(database)
        self.users = Users(database)
        self.audit = Audit(database)
        self.screens = Screens(database)
        self.homes = Homes(database)
        self.metrics = Metrics(database)
        self.retention = Retention(database)
        self.processes = Processes(database)

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        key: bytes,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes] = token_bytes,
        watched: bool = False,
    ) -> Self:
        """Open the file. Create and migrate it if necessary. `close` closes it.

        ``key`` is the secret under which numbers are looked up. A file keeps its first key. ``clock`` returns
        aware times, ``random`` the given number of random bytes. If ``watched``, nothing is committed once
        other files are at the path. Two descriptors then stay open as long as the process lives.

        Raises:
            CannotOpenLogError: The file cannot be used as a log, or has another key.
        """
        path, sources = Path(path), WriteContext(key, clock, random)
        writer = await Writer.open(path)
        try:
            reader = await Reader.open(path)
        except BaseException:
            await writer.close()
            raise
        log = cls(Database(path, sources, writer, reader, WriteBehind(writer)))
        try:
            if not await reader.do(lambda connection: has_key(connection, sources)):
                await writer.do(lambda connection: keep_key(connection, sources))
            if watched:
                await writer.watch(path)
        except BaseException:
            await log.close()
            raise
        return log

    async def check_key(self) -> None:
        """Check that the log still has this key: another one may be about to be set.

        It waits a second for a writer. One that holds the lock for longer finds this process running before
        it sets another key.

        Raises:
            CannotOpenLogError: The log has another key by now.
        """
        sources = self._database.sources
        try:
            with deadlines.deadline(KEY_WITHIN):
                await self._database.writer.do(lambda connection: has_key(connection, sources))
        except LogUnavailableError:
            await self._database.reader.do(lambda connection: has_key(connection, sources))

    async def close(self) -> None:
        """Finish running writes and close the file."""
        due = deadlines.current()
        await self._database.behind.close(due.left if due else BUSY_SECONDS)
        await self._database.reader.close()
        await self._database.writer.close()

    def fault(self) -> str | None:
        """Return why the log cannot be relied on now, without a full stop, or None."""
        files, failed = self._database.writer.files, self._database.reader.failed
        if files and (why := files.replaced()):
            return (
                f"The log is lost: {why}. Nothing is accepted. Stop CallOps, put the right file in place, "
                "with no -wal and no -shm beside it, and start again"
            )
        if failed and time.monotonic() - failed[0] < UNREADABLE_FOR:
            return f"The log cannot be read: {failed[1]}"
        return None

    async def read_anew(self) -> None:
        """Read a little without any cache, to raise any error that prevents reading."""
        await asyncio.to_thread(_read_anew, self._database.path)


def _read_anew(path: Path) -> None:
    with closing(open_for_reading(path)) as connection:
        connection.execute("SELECT max(seq) FROM events").fetchone()


def has_key(connection: Connection, sources: WriteContext) -> bool:
    """Return whether a file has this key, or False for a new file.

    Raises:
        CannotOpenLogError: The file has another key.
    """
    kept = keeps_to(connection, sources)
    if kept is False:
        raise CannotOpenLogError(
            "The log was written with another key: numbers would not be found under this one."
        )
    return bool(kept)


def keep_key(connection: Connection, sources: WriteContext) -> None:
    """Store the key of a new file.

    Raises:
        CannotOpenLogError: Another process stored another key meanwhile.
    """
    connection.execute("INSERT INTO meta VALUES ('key', ?) ON CONFLICT DO NOTHING", [sources.lookup("key")])
    has_key(connection, sources)

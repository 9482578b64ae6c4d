"""The real store without its threads: the same connections, statements and commits, on the caller's thread.

A thread hop costs more than most statements, so gates with a hundred thousand steps in one process go
without. Gates with several processes, and `tests/storage`, use the threads.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TypeVar, cast

from storage.database.connection import open_for_reading, open_for_writing
from storage.database.repository import Database
from storage.database.threads import ConnectionThread, Job, Reader, Work, Writer
from storage.database.write_behind import WriteBehind
from storage.event_log.writer import WriteContext
from storage.store import keep_key
from tests.integration.bench import Parts, StepLog
from tests.storage.samples import KEY

Result = TypeVar("Result")


class Inline(ConnectionThread):
    """A connection that is used on the caller's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def run(self, work: Work[Result]) -> asyncio.Future[Result]:
        """Run ``work`` now."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        try:
            done.set_result(work(self.connection))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits it, as a thread does
            done.set_exception(error)
        return done

    async def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class InlineReader(Reader):
    """A reader without a queue, because each queued read would cost a turn of the event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(Inline(connection))
        self._connection = connection

    async def do(self, work: Work[Result], *, within: float | None = None) -> Result:  # noqa: ARG002
        """Run ``work`` now, which is always in time."""
        [outcome] = self._all([Job(work, asyncio.Future())], self._connection)
        if isinstance(outcome, Exception):
            raise outcome
        return cast("Result", outcome)


def open_inline(parts: Parts, path: Path, clock: Callable[[], datetime], chance: Random) -> StepLog:
    """Open a log that is made of these parts, and draws its random bytes from ``chance``."""
    sources = WriteContext(KEY, clock, chance.randbytes)
    connection = open_for_writing(path)
    keep_key(connection, sources)
    writer = Writer(Inline(connection))
    reader = InlineReader(open_for_reading(path))
    log = parts.log(Database(path, sources, writer, reader, WriteBehind(writer)))
    log.is_made_of(parts)
    return log

"""Writes small values that no answer waits for. While the log is busy, they are read from memory."""

import asyncio
import logging
import sqlite3
from collections.abc import Hashable
from contextvars import Context
from typing import Final

from storage.database.threads import Work, Writer
from storage.errors import CommitUnknownError, LogBusyError

DELAY: Final = 0.2
"""Seconds for which a caller waits for the log."""
MOST: Final = 10_000
"""Values in memory, at most. People would have to type for hours to reach this."""

_log = logging.getLogger(__name__)


class WriteBehind:
    """The values that are not yet written. They are lost if the process dies."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._values: dict[Hashable, object] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def keep(self, key: Hashable, value: object, work: Work[None]) -> None:
        """Write a value now, or as soon as possible. Writing it twice must change nothing.

        Raises:
            LogBusyError: Too many values are waiting already.
            CommitUnknownError: The same, after a commit whose outcome is unknown.
        """
        try:
            await self._writer.do(work, within=DELAY)
        except (LogBusyError, CommitUnknownError):
            if len(self._values) >= MOST:
                raise
            self._values[key] = value
            # A context of its own has no deadline.
            task = asyncio.create_task(self._write(key, value, work), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def get(self, key: Hashable) -> object | None:
        """Return a value that is not yet written, or None."""
        return self._values.get(key)

    async def close(self, within: float) -> None:
        """Write as much as possible within so many seconds, and discard the rest."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within)
            for task in late:
                task.cancel()

    async def _write(self, key: Hashable, value: object, work: Work[None]) -> None:
        try:
            while self._values.get(key) is value:  # stop for a newer value
                try:
                    await self._writer.do(work)
                except LogBusyError:
                    continue
                return
        except sqlite3.Error as error:
            _log.warning("What a form or preview was about is lost: %s", type(error).__name__)
        finally:
            if self._values.get(key) is value:
                del self._values[key]

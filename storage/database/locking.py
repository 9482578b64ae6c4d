"""Acquires SQLite's write lock fairly among processes."""

import sqlite3
import time
from collections.abc import Callable
from random import uniform
from typing import Final

from storage.errors import LogBusyError

PAUSE: Final = (0.0005, 0.003)
"""The range, in seconds, of the random pause between two attempts."""


def _always() -> bool:
    return True


def begin(connection: sqlite3.Connection, wanted: Callable[[], bool] = _always) -> None:
    """Begin a write transaction, and wait for the lock as long as the connection's ``busy_timeout``.

    SQLite's own pauses grow to a tenth of a second, so the longest waiter retries least often. It starves if
    others commit all the time. Here every waiter retries equally often. ``wanted`` returns whether a caller
    still waits.

    Raises:
        LogBusyError: The lock was not available in time, or nobody waits any more.
        sqlite3.OperationalError: Any other error.
    """
    [(patience,)] = connection.execute("PRAGMA busy_timeout")
    give_up = time.monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > give_up or not wanted():
                    raise LogBusyError(str(error)) from error
                time.sleep(uniform(*PAUSE))  # noqa: S311 - no secret
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")

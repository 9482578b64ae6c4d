"""Taking SQLite's write lock beside other processes, each in its turn."""

import sqlite3
import time
from collections.abc import Callable
from random import uniform
from typing import Final

from storage.errors import LogBusyError

PAUSE: Final = (0.0005, 0.003)
"""Seconds between two tries, at random from between these."""


def _always() -> bool:
    return True


def begin(connection: sqlite3.Connection, wanted: Callable[[], bool] = _always) -> None:
    """Begin a transaction that may write, waiting as long as the connection's ``busy_timeout`` says.

    SQLite's own pauses grow to a tenth of a second: whoever waits longest then asks least often, and starves
    where others commit all the time. Here everybody asks alike. ``wanted``: whether anybody still waits.
    Raises `LogBusyError`, and `sqlite3.OperationalError` for anything else.
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

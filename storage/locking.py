"""Taking SQLite's write lock beside other processes, each in its turn."""

import sqlite3
import time
from random import uniform
from typing import Final

PAUSE: Final = (0.0005, 0.003)
"""Seconds between two tries, at random from between these."""


def begin(connection: sqlite3.Connection) -> None:
    """Begin a transaction that may write, waiting as long as the connection's ``busy_timeout`` says.

    SQLite's own pauses grow to a tenth of a second: whoever waits longest then asks least often, and starves
    where others commit all the time. Here everybody asks alike. Raises `sqlite3.OperationalError`.
    """
    [(patience,)] = connection.execute("PRAGMA busy_timeout")
    give_up = time.monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                    raise
                time.sleep(uniform(*PAUSE))  # noqa: S311 - no secret
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")

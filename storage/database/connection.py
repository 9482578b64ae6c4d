"""Connections to the SQLite file, and the truncation of its write-ahead log.

In WAL mode with ``synchronous=FULL``, a commit is on the disk when it returns. Readers never wait for the
writer.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from storage import StorageError
from storage.database.files import make
from storage.database.folding import fold
from storage.database.locking import begin
from storage.database.migrations import APPLICATION_ID, OtherSchemaError, migrate

BUSY_SECONDS: Final = 10.0
"""Seconds for which a writer waits for another process before it gives up."""

WIPE_BUSY_MS: Final = 250
"""Milliseconds for which truncating the write-ahead log waits for readers. Commits wait for it, too."""

BRIEFLY_MS: Final = 20
"""The same before each portion of a long read, of which a reader that stays open, such as Litestream, would
make every one wait."""

WAL_KEPT: Final = 8 * 1024 * 1024
"""Bytes of the write-ahead log that are kept when it restarts. Long reads make it grow."""

CACHE_KIB: Final = 16 * 1024
"""Kibibytes of pages that each connection caches: the inner pages of the indexes of a million actions."""


UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""Errors of reading a damaged file. UnicodeDecodeError: SQLite's message may quote invalid text."""


class CannotOpenLogError(StorageError):
    """The file cannot be used as a log: unreadable, damaged, another program's, or of another version."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file for writing. Create and migrate it if necessary.

    Raises:
        CannotOpenLogError: The file cannot be used as a log.
    """
    with _explained(path):
        _make_private(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _recognise(connection)
            _use_wal(connection)
            _set_up(
                connection,
                "synchronous = FULL",
                "secure_delete = ON",
                "foreign_keys = ON",
                f"journal_size_limit = {WAL_KEPT}",
            )
            migrate(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing file for reading only.

    Raises:
        CannotOpenLogError: The file cannot be used as a log.
    """
    with _explained(path):
        existing = f"{path.absolute().as_uri()}?mode=rw"  # rw: a reader in WAL mode shares the index
        connection = sqlite3.connect(existing, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _set_up(connection, "query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def _make_private(path: Path) -> None:
    """Create a missing file for its owner alone. SQLite gives its own files beside it the same mode."""
    with suppress(OSError, RuntimeError):  # if it can be neither found nor made, SQLite reports why
        os.close(make(path.resolve()))  # for a link, SQLite would create its target


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (*UNREADABLE, OtherSchemaError) as error:
        raise CannotOpenLogError(f"{path} cannot be used as a log: {error}") from error


def _set_up(connection: sqlite3.Connection, *pragmas: str) -> None:
    connection.row_factory = sqlite3.Row
    connection.create_function("folded", 1, _folded, deterministic=True)
    for pragma in (*pragmas, f"cache_size = -{CACHE_KIB}", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _folded(text: str | None) -> str | None:
    """Return a text folded for comparison in SQL, or None for an erased one."""
    return None if text is None else fold(text)


def _recognise(connection: sqlite3.Connection) -> None:
    [(application,)] = connection.execute("PRAGMA application_id")
    if application == APPLICATION_ID:
        return
    begin(connection)  # another process may be creating the same file
    [(application,)] = connection.execute("PRAGMA application_id")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_schema")
    if application != APPLICATION_ID and tables:
        raise sqlite3.DatabaseError("it is the database of another program")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL mode.

    SQLite does not wait here for another process that does the same, so this function does.
    """
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


def checkpoint(connection: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file, as far as no reader needs an older state."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def is_overgrown(connection: sqlite3.Connection) -> bool:
    """Return whether the write-ahead log exceeds `WAL_KEPT`, after a checkpoint.

    A smaller write-ahead log gets no checkpoint.
    """
    [(_, _, path)] = connection.execute("PRAGMA database_list")
    try:
        if Path(f"{path}-wal").stat().st_size <= WAL_KEPT:
            return False
    except FileNotFoundError:
        return False
    try:
        [(_, frames, _)] = connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.OperationalError:
        return False  # the files are read-only here, so writers must do it
    [(size,)] = connection.execute("PRAGMA page_size")
    return int(frames * size) > WAL_KEPT


def wipe(connection: sqlite3.Connection, wait_ms: int = WIPE_BUSY_MS) -> bool:
    """Truncate the write-ahead log. Return False if a reader of an older state prevents it."""
    connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
    [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    return not busy


def relieve(connection: sqlite3.Connection) -> None:
    """Truncate a write-ahead log that has grown, between two portions of a long read, if possible."""
    if is_overgrown(connection):
        wipe(connection, BRIEFLY_MS)

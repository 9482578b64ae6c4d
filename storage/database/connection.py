"""Connections to the SQLite file: how one is opened, and how its write-ahead log is emptied.

WAL with ``synchronous=FULL``: a commit is on the disk when it returns, and readers never wait for the writer.
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
"""How long a writer waits for one in another process before it gives up."""

WIPE_BUSY_MS: Final = 250
"""How long emptying the write-ahead log waits for readers; it stands before everyone's commits."""

WAL_KEPT: Final = 8 * 1024 * 1024
"""Bytes of the write-ahead log that stay once it begins anew: where somebody read for long, it grew."""

CACHE_KIB: Final = 16 * 1024
"""Pages kept in memory by each connection: the inner pages of a million entries' indexes."""


UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: Python cannot decode SQLite's message where that quotes rubbish."""


class CannotOpenLogError(StorageError):
    """The file cannot be used as a log: unreadable, damaged, somebody else's, or from a newer version."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, made and migrated if need be. Raises `CannotOpenLogError`."""
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
    """Open a connection that cannot write to a file that is already set up. Raises `CannotOpenLogError`."""
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
    except (*UNREADABLE, OtherSchemaError) as error:
        raise CannotOpenLogError(f"{path} cannot be used as a log: {error}") from error


def _set_up(connection: sqlite3.Connection, *pragmas: str) -> None:
    connection.row_factory = sqlite3.Row
    connection.create_function("folded", 1, _folded, deterministic=True)
    for pragma in (*pragmas, f"cache_size = -{CACHE_KIB}", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _folded(text: str | None) -> str | None:
    """Let SQL compare texts by `storage.database.folding`; what was erased is compared with nothing."""
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


def checkpoint(connection: sqlite3.Connection) -> None:
    """Write into the file what stands in the write-ahead log only, as far as nobody reads an old state."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def is_overgrown(connection: sqlite3.Connection) -> bool:
    """Return whether the write-ahead log is over `WAL_KEPT`, with all in the file that may be there.

    A smaller one is left as it is.
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
        return False  # the files may only be read here: it is left to those who write
    [(size,)] = connection.execute("PRAGMA page_size")
    return int(frames * size) > WAL_KEPT


def wipe(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log, unless somebody reads an old state just now; return whether it was done."""
    connection.execute(f"PRAGMA busy_timeout = {WIPE_BUSY_MS}")
    [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    return not busy

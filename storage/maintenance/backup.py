"""A backup of the log, made while others write to it: one file that is whole, or none.

A plain copy of the file would miss what stands in the write-ahead log only: the newest rows.
A backup says in ``meta`` where it ends: what was approved before may have been sent since, and is not again.

The log is copied as of one moment, page by page, by SQLite's online backup. That moment is kept open by a
read transaction: without one, each commit of the bot would start the copy anew, and it might never end. While
it is open the write-ahead log cannot be emptied, so it has to be short. Beside a bot that wrote without
pause, 57 MB were copied in 0.2 to 0.3 s, and the write-ahead log grew by 0.5 MB; VACUUM INTO, which writes
every row and index anew, held its moment three to five times as long. The copy is verified, not the log: that
takes long, and holds up nobody.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from storage import StorageError
from storage.database.connection import BUSY_SECONDS, UNREADABLE
from storage.database.files import CannotWriteFileError, whole
from storage.database.migrations import APPLICATION_ID
from storage.maintenance.verification import verify
from storage.models import VerificationReport
from storage.repositories.audit import COPIED

PAGES: Final = 2_000
"""Pages that are copied between two steps of the progress."""
COPYING: Final = 0.1
"""The share of the work that copying is; the rest is verifying."""
UNFINISHED: Final = ".unfinished"
"""What stands behind a backup's name until it is verified."""


class BackupError(StorageError):
    """Why no backup was made, as a sentence."""


def backup(
    log: Path, target: Path, *, pages: int = PAGES, progress: Callable[[float], None] | None = None
) -> VerificationReport:
    """Write a verified copy of the log as it is now; what it holds. Raises `BackupError` and leaves no file.

    A verdict with faults means the same: what was copied is not whole, and was thrown away. ``progress`` is
    told which share of the work is done, from 0 to 1: with each so many ``pages``, then as they are verified.
    """
    try:
        return _backup(log, target, pages, progress or (lambda _: None))
    except CannotWriteFileError as error:
        raise BackupError(str(error)) from error


def _backup(log: Path, target: Path, pages: int, progress: Callable[[float], None]) -> VerificationReport:
    with whole(target, "backup", mark=UNFINISHED) as made:
        try:
            _copy(log, made.path, pages, lambda share: progress(share * COPYING))
            verdict = verify(made.path, progress=lambda share: progress(COPYING + share * (1 - COPYING)))
        finally:
            for name in (f"{made.path.name}-wal", f"{made.path.name}-shm"):
                made.path.with_name(name).unlink(missing_ok=True)
        made.keep = not verdict.faults
    return verdict


def _copy(log: Path, unfinished: Path, pages: int, progress: Callable[[float], None]) -> None:
    try:
        existing = f"{log.absolute().as_uri()}?mode=rw"  # rw: a reader of WAL shares its index
        with closing(sqlite3.connect(existing, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as one:
            [(application,)] = one.execute("PRAGMA application_id")
            if application != APPLICATION_ID:
                raise BackupError(f"{log} is not a log of this program. Nothing was written.")
            one.execute("BEGIN")
            one.execute("SELECT max(seq) FROM events").fetchone()  # the moment of the copy
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
                copy.execute("PRAGMA synchronous = OFF")  # it is synced as a whole before it gets its name
                one.backup(copy, pages=pages, progress=lambda _, left, every: progress(1 - left / every))
                copy.execute(
                    """
                    INSERT INTO meta SELECT ?, CAST(max(at) AS BLOB) FROM events HAVING max(at)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """,
                    [COPIED],
                )
            one.execute("ROLLBACK")
    except UNREADABLE as error:
        raise BackupError(f"{log} cannot be read to its end: {error}. Nothing was written.") from error

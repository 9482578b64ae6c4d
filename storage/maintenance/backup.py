"""Makes a backup of the log while others write to it: a single complete file, or none.

A plain copy of the file would miss the newest rows, which are in the write-ahead log only. A backup records
in ``meta`` when its last event was. Actions approved before may have been sent since, and are not sent again.

SQLite's online backup copies the log page by page as of one moment. A read transaction keeps that moment
open. Without one, each commit of the bot would restart the copy, and it might never end. Meanwhile the
write-ahead log cannot be truncated, so the copy has to be fast. Beside a bot that wrote without pause,
copying 57 MB took 0.2 to 0.3 s, and the write-ahead log grew by 0.5 MB. VACUUM INTO writes every row and
index anew, and took three to five times as long. Verification takes long, so it reads the copy and delays
nobody.
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
"""Pages that are copied between two reports of progress."""
COPYING: Final = 0.1
"""Share of the work that is copying. The rest is verification."""
UNFINISHED: Final = ".unfinished"
"""Suffix of a backup's name until it is verified."""


class BackupError(StorageError):
    """No backup was made. The message is a sentence that says why."""


def backup(
    log: Path, target: Path, *, pages: int = PAGES, progress: Callable[[float], None] | None = None
) -> VerificationReport:
    """Write a verified copy of the log, and return the report of its verification.

    A report with faults means that the copy is damaged and was discarded. ``progress`` is called with the
    share of the work that is done, from 0 to 1: after every ``pages`` pages, then during the verification.

    Raises:
        BackupError: The backup could not be made. No file is left.
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
        existing = f"{log.absolute().as_uri()}?mode=rw"  # rw: a reader in WAL mode shares the index
        with closing(sqlite3.connect(existing, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as one:
            [(application,)] = one.execute("PRAGMA application_id")
            if application != APPLICATION_ID:
                raise BackupError(f"{log} isn't a log of this program. Nothing was written.")
            one.execute("BEGIN")
            one.execute("SELECT max(seq) FROM events").fetchone()  # fixes the moment of the copy
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
                copy.execute("PRAGMA synchronous = OFF")  # the whole file is synced before it gets its name
                one.backup(copy, pages=pages, progress=lambda _, left, every: progress(1 - left / every))
                copy.execute("PRAGMA secure_delete = ON")
                copy.execute("UPDATE screens SET url = NULL WHERE url IS NOT NULL")
                copy.execute(
                    """
                    INSERT INTO meta SELECT ?, CAST(max(at) AS BLOB) FROM events HAVING max(at)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """,
                    [COPIED],
                )
            one.execute("ROLLBACK")
    except UNREADABLE as error:
        raise BackupError(f"{log} can't be read to its end: {error}. Nothing was written.") from error

"""A backup of the log, made while others write to it: one file that is whole, or none.

A plain copy of the file would miss what stands in the write-ahead log only: the newest rows.
A backup says in ``meta`` where it ends: what was approved before may have been sent since, and is not again.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from storage import reading
from storage.connection import BUSY_SECONDS, UNREADABLE
from storage.entries import Verdict
from storage.files import CannotWrite, whole
from storage.migrations import APPLICATION_ID
from storage.verification import verify

UNFINISHED: Final = ".unfinished"
"""What stands behind a backup's name until it is verified."""


class CannotBackUp(Exception):
    """Why no backup was made, as a sentence."""


def backup(log: Path, target: Path) -> Verdict:
    """Write a verified copy of the log as it is now; what it holds. Raises `CannotBackUp` and leaves no file.

    A verdict with faults means the same: what was copied is not whole, and was thrown away.
    """
    try:
        return _backup(log, target)
    except CannotWrite as error:
        raise CannotBackUp(str(error)) from error


def _backup(log: Path, target: Path) -> Verdict:
    with whole(target, "backup", mark=UNFINISHED) as made:
        try:
            _copy(log, made.path)
            verdict = verify(made.path)
        finally:
            for name in (f"{made.path.name}-wal", f"{made.path.name}-shm"):
                made.path.with_name(name).unlink(missing_ok=True)
        made.keep = not verdict.faults
    return verdict


def _copy(log: Path, unfinished: Path) -> None:
    try:
        existing = f"{log.absolute().as_uri()}?mode=rw"  # rw: a reader of WAL shares its index
        with closing(sqlite3.connect(existing, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as one:
            [(application,)] = one.execute("PRAGMA application_id")
            if application != APPLICATION_ID:
                raise CannotBackUp(f"{log} is not a log of this program. Nothing was written.")
            one.execute("VACUUM INTO ?", [str(unfinished)])
        with closing(sqlite3.connect(unfinished)) as copy, copy:
            copy.execute(
                "INSERT OR REPLACE INTO meta SELECT ?, CAST(max(at) AS BLOB) FROM events HAVING max(at)",
                [reading.COPIED],
            )
    except UNREADABLE as error:
        raise CannotBackUp(f"{log} cannot be read to its end: {error}. Nothing was written.") from error

"""A backup of the log, made while others write to it: one file that is whole, or none.

A plain copy of the file would miss what stands in the write-ahead log only: the newest rows.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from storage.connection import BUSY_SECONDS, UNREADABLE
from storage.entries import Verdict
from storage.migrations import APPLICATION_ID
from storage.verification import verify

_MODE: Final = 0o600
"""Numbers and names are in it: only its owner reads it."""


class CannotBackUp(Exception):
    """Why no backup was made, as a sentence."""


def backup(log: Path, target: Path) -> Verdict:
    """Write a verified copy of the log as it is now; what it holds. Raises `CannotBackUp` and leaves no file.

    A verdict with faults means the same: what was copied is not whole, and was thrown away.
    """
    if target.exists():
        raise CannotBackUp(f"{target} is there already. Nothing was written: choose another name.")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODE))
    except FileExistsError as error:
        raise CannotBackUp(
            f"{unfinished} is there: another backup is being made, or one was broken off. Remove it if not."
        ) from error
    except OSError as error:
        raise CannotBackUp(f"{target} cannot be written: {error.strerror}.") from error
    try:
        _copy(log, unfinished)
        verdict = verify(unfinished)
        if not verdict.faults:
            _finish(unfinished, target)
    finally:
        for name in (unfinished.name, f"{unfinished.name}-wal", f"{unfinished.name}-shm"):
            unfinished.with_name(name).unlink(missing_ok=True)
    return verdict


def _copy(log: Path, unfinished: Path) -> None:
    try:
        existing = f"{log.absolute().as_uri()}?mode=rw"  # rw: a reader of WAL shares its index
        with closing(sqlite3.connect(existing, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as one:
            [(application,)] = one.execute("PRAGMA application_id")
            if application != APPLICATION_ID:
                raise CannotBackUp(f"{log} is not a log of this program. Nothing was written.")
            one.execute("VACUUM INTO ?", [str(unfinished)])
    except UNREADABLE as error:
        raise CannotBackUp(f"{log} cannot be read to its end: {error}. Nothing was written.") from error


def _finish(unfinished: Path, target: Path) -> None:
    """Put the file onto the disk and give it its name, unless somebody took that meanwhile."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(unfinished, target)
    except FileExistsError as error:
        raise CannotBackUp(f"{target} is there already. Nothing was written.") from error
    except OSError:  # a file system without links
        unfinished.rename(target)
    folder = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

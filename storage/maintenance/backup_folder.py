"""A folder of backups for a timer: each has the time in its name, and old ones are removed.

Only a file that `backup` made there is removed: its name, its mark and its content say so. The newest is the
one that was just made and verified, so a good one is always left.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from storage.database.connection import UNREADABLE
from storage.database.migrations import APPLICATION_ID
from storage.maintenance.verification import verify
from storage.repositories.audit import COPIED

_NAME: Final = "callops-%Y%m%dT%H%M%SZ.db"
_NAMED: Final = re.compile(r"callops-[0-9]{8}T[0-9]{6}Z\.db")


@dataclass(frozen=True, slots=True)
class Pruned:
    """The backups that were removed, and those that were left although they are old, each with the reason."""

    removed: Sequence[Path]
    left: Sequence[tuple[Path, str]]


def name_at(now: datetime) -> str:
    """Return the name of a backup that is made at a time."""
    return now.astimezone(UTC).strftime(_NAME)


def backups(folder: Path) -> list[Path]:
    """Return the files in a folder that are named as backups, the newest first. Links are none."""
    named = (file for file in folder.iterdir() if _NAMED.fullmatch(file.name))
    return sorted((file for file in named if file.is_file() and not file.is_symlink()), reverse=True)


def made_at(backup: Path) -> datetime:
    """Return the time in the name of one of `backups`."""
    return datetime.strptime(backup.name, _NAME).replace(tzinfo=UTC)


def prune(folder: Path, keep: int) -> Pruned:
    """Remove the oldest backups, so that ``keep`` are left. It is called after a backup was made there.

    Raises:
        OSError: The folder cannot be read, or a file cannot be removed.
    """
    removed, left = [], []
    for file in backups(folder)[max(keep, 1) :]:
        if why := _not_ours(file):
            left.append((file, why))
        else:
            file.unlink()
            removed.append(file)
    return Pruned(removed, left)


def _not_ours(file: Path) -> str | None:
    """Return why a file is no intact backup, or None."""
    try:
        opened = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        with closing(opened) as connection:
            [(application,)] = connection.execute("PRAGMA application_id")
            marked = connection.execute("SELECT 1 FROM meta WHERE name = ?", [COPIED]).fetchone()
    except UNREADABLE as error:
        return f"it can't be read ({error})"
    if application != APPLICATION_ID or not marked:
        return "it isn't a backup of CallOps"
    return "it isn't intact" if _verify(file) else None


def _verify(file: Path) -> Sequence[str]:
    """Return the faults of a backup, and leave no file beside it."""
    try:
        return verify(file).faults
    finally:
        for beside in ("-wal", "-shm"):
            file.with_name(f"{file.name}{beside}").unlink(missing_ok=True)

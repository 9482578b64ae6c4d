"""Inspects a log and its location before first use, without changing anything."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from storage.database.connection import UNREADABLE
from storage.database.migrations import APPLICATION_ID, OtherSchemaError, refuse_others
from storage.event_log.writer import WriteContext, keeps_to

_MOUNTS: Final = Path("/proc/self/mounts")
"""The mounts of Linux (proc_mounts(5)). Other systems do not have this file."""

_CLEARED: Final = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - named, not written to
"""Folders that the Filesystem Hierarchy Standard lets a system clear at a restart or at any time."""


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """A log's file and its disk, as they are now.

    ``problem`` says why the file cannot be used. ``actions`` is how many it holds. ``file_system`` is its
    type, None if unknown. ``cleared`` says whether the system may empty the folder. ``free`` is in bytes.
    """

    path: Path
    exists: bool
    problem: str | None
    actions: int = 0
    file_system: str | None = None
    cleared: bool = False
    free: int | None = None


def inspect(path: Path, key: bytes | None) -> DatabaseLocation:
    """Return the state of a log's location, without writing anything.

    The log's key is checked only if one is given.
    """
    path = path.absolute()
    folder = path.parent
    if not folder.is_dir():
        return DatabaseLocation(path, exists=False, problem=f"its folder {folder} isn't there")
    exists = path.exists()
    actions, trouble = 0, _not_writable(path, folder)
    if exists and trouble is None:
        try:
            actions = _read(path, key)
        except (*UNREADABLE, OtherSchemaError) as error:
            trouble = str(error)
    return DatabaseLocation(
        path,
        exists,
        trouble,
        actions,
        file_system=_file_system(folder),
        cleared=_is_cleared(folder),
        free=shutil.disk_usage(folder).free,
    )


def _not_writable(path: Path, folder: Path) -> str | None:
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return "this user may not read and write it"
    if not os.access(folder, os.W_OK | os.X_OK):  # the write-ahead log is beside the file
        return f"this user may not write into its folder {folder}"
    return None


def _read(path: Path, key: bytes | None) -> int:
    """Return how many actions a log has."""
    # A file without a write-ahead log has no writer. Reading it as immutable creates no file beside it.
    unused = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    opened = sqlite3.connect(f"{path.as_uri()}?mode=ro{unused}", uri=True, isolation_level=None)
    with closing(opened) as connection:
        [(application,)] = connection.execute("PRAGMA application_id")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if not application and not tables:
            return 0  # an empty file counts as a new one
        if application != APPLICATION_ID:
            raise sqlite3.DatabaseError("it is the database of another program")
        refuse_others(Database(connection, execute_plugins=False))
        if "meta" in tables and key and keeps_to(connection, WriteContext(key)) is False:
            raise sqlite3.DatabaseError("it was written with another CALLOPS_KEY")
        if "actions" not in tables:
            return 0  # its creator died before the schema was complete
        [(actions,)] = connection.execute("SELECT count(*) FROM actions")
        return int(actions)


def _is_cleared(folder: Path) -> bool:
    folder = folder.resolve()
    return any(folder.is_relative_to(Path(one).resolve()) for one in (*_CLEARED, tempfile.gettempdir()))


def _file_system(folder: Path) -> str | None:
    """Return the type of the file system of a folder, or None."""
    folder = folder.resolve()
    found = [(len(point.parts), kind) for point, kind in _mounted() if folder.is_relative_to(point)]
    return max(found, key=lambda one: one[0])[1] if found else None


def _mounted() -> Iterator[tuple[Path, str]]:
    if not _MOUNTS.exists():
        return
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, kind, *_ = line.split(" ")
        yield Path(point.replace(r"\040", " ")), kind

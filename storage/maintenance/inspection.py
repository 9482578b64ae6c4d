"""Looking at the place of a log, and at the log there, without changing anything: before it is first used."""

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
"""Where Linux says what is mounted where (proc_mounts(5)); other systems do not have it."""

_CLEARED: Final = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - named, not written to
"""What the Filesystem Hierarchy Standard lets a system clear at a restart or of its own accord."""


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """A log's file and the disk below it, as they are now.

    ``trouble`` is why the file cannot be used, as a sentence; ``actions`` how many it holds.
    ``file_system`` is its type, None where the machine does not say; ``cleared`` whether the system may
    empty the folder; ``free`` is in bytes.
    """

    path: Path
    exists: bool
    trouble: str | None
    actions: int = 0
    file_system: str | None = None
    cleared: bool = False
    free: int | None = None


def inspect(path: Path, key: bytes | None) -> DatabaseLocation:
    """Look at the place of a log; nothing is written or made. Without a key, its fit is not looked at."""
    path = path.absolute()
    folder = path.parent
    if not folder.is_dir():
        return DatabaseLocation(path, exists=False, trouble=f"its folder {folder} is not there")
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
        return "whoever runs this may not read and write it"
    if not os.access(folder, os.W_OK | os.X_OK):  # the write-ahead log stands beside the file
        return f"whoever runs this may not write into its folder {folder}"
    return None


def _read(path: Path, key: bytes | None) -> int:
    """How many actions a log has."""
    # Nobody writes a file without a write-ahead log, and reading it as unchanging makes no file beside it.
    unused = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    opened = sqlite3.connect(f"{path.as_uri()}?mode=ro{unused}", uri=True, isolation_level=None)
    with closing(opened) as connection:
        [(application,)] = connection.execute("PRAGMA application_id")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if not application and not tables:
            return 0  # an empty file is taken as a new one
        if application != APPLICATION_ID:
            raise sqlite3.DatabaseError("it is the database of another program")
        refuse_others(Database(connection, execute_plugins=False))
        if "meta" in tables and key and keeps_to(connection, WriteContext(key)) is False:
            raise sqlite3.DatabaseError("it was written with another CALLOPS_KEY")
        if "actions" not in tables:
            return 0  # whoever began to make it died before it was made
        [(actions,)] = connection.execute("SELECT count(*) FROM actions")
        return int(actions)


def _is_cleared(folder: Path) -> bool:
    folder = folder.resolve()
    return any(folder.is_relative_to(Path(one).resolve()) for one in (*_CLEARED, tempfile.gettempdir()))


def _file_system(folder: Path) -> str | None:
    """The type of the file system that holds a folder."""
    folder = folder.resolve()
    found = [(len(point.parts), kind) for point, kind in _mounted() if folder.is_relative_to(point)]
    return max(found, key=lambda one: one[0])[1] if found else None


def _mounted() -> Iterator[tuple[Path, str]]:
    if not _MOUNTS.exists():
        return
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, kind, *_ = line.split(" ")
        yield Path(point.replace(r"\040", " ")), kind

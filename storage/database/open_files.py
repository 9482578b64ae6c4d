"""Detects that the files of an open log were replaced, by comparing them with those at its path.

SQLite keeps using the files that it opened. If they were deleted or replaced, whatever it commits is lost
with the process. If another file was copied over the database, reads return a mixture of the two.

The descriptors here are never closed. Closing one would drop all locks that this process has on its file
(https://www.sqlite.org/howtocorrupt.html, "POSIX advisory locks canceled").
"""

import os
import threading
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

PART: Final = 256 * 1024
"""Bytes at either end of a database that are compared. Most tables have their roots at its beginning."""

_SALT, _BACKFILLED, _ATTEMPTED = slice(32, 40), slice(96, 100), slice(128, 132)
"""Parts of the index of the write-ahead log.

They change when the log restarts, and count its frames that are in the database or soon will be. See
https://www.sqlite.org/walformat.html, "The WAL-Index File Format".
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """An observed state of the database file."""

    checkpoint: bytes
    """Changes with each checkpoint that writes to the database. In WAL mode nothing else writes to it."""
    stamp: tuple[int, int]
    content: bytes


class OpenFiles:
    """The files of an open log.

    The connection that opened them must stay open as long as this object is used.
    """

    def __init__(self, path: Path) -> None:
        """Read the files' identities.

        Raises:
            OSError: The files cannot be read.
        """
        real = path.resolve()  # SQLite puts its own files beside the target of a link
        self._paths = (path, real.with_name(f"{real.name}-wal"), real.with_name(f"{real.name}-shm"))
        self._opened = [_identity(one) for one in self._paths]
        database, _, index = self._paths
        self._database = os.open(database, os.O_RDONLY | os.O_CLOEXEC)
        self._index = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
        self._one_at_a_time = threading.Lock()
        self._overwritten: str | None = None
        self._seen = self._look(None)

    def replaced(self) -> str | None:
        """Return which file was replaced or cannot be read, or None."""
        with self._one_at_a_time:
            for path, opened in zip(self._paths, self._opened, strict=True):
                try:
                    found = _identity(path)
                except OSError as error:
                    return f"{path.name} cannot be found ({error.strerror})"
                if found != opened:
                    return f"{path.name} was replaced by another file"
            if self._overwritten is None:
                try:
                    self._compare()
                except OSError as error:
                    return f"{self._paths[0].name} cannot be read ({error.strerror})"
            return self._overwritten

    def _compare(self) -> None:
        seen, now = self._seen, self._look(self._seen)
        if now is None:
            return
        if seen and seen.checkpoint == now.checkpoint and seen.content != now.content:
            self._overwritten = f"{self._paths[0].name} was overwritten"
        self._seen = now

    def _look(self, seen: _Seen | None) -> _Seen | None:
        """Return the present state of the database, or None while a checkpoint writes to it."""
        checkpoint = self._checkpoint()
        status = os.fstat(self._database)
        stamp = status.st_mtime_ns, status.st_size
        if seen and seen.stamp == stamp and seen.checkpoint == checkpoint:
            return seen
        parts = (os.pread(self._database, PART, at) for at in (0, max(status.st_size - PART, 0)))
        content = blake2b(b"%d" % status.st_size + b"".join(parts)).digest()
        if checkpoint is None or checkpoint != self._checkpoint():
            return None
        return _Seen(checkpoint, stamp, content)

    def _checkpoint(self) -> bytes | None:
        """Return the mark of the last checkpoint, or None while another one runs."""
        index = os.pread(self._index, _ATTEMPTED.stop, 0)
        if index[_BACKFILLED] != index[_ATTEMPTED]:
            return None
        return index[_SALT] + index[_BACKFILLED]


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino

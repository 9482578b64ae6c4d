"""Creates the files of the log and of exports from it, readable by their owner only and never through a link.

This module creates every file of this program, except those that SQLite creates beside its own.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage import StorageError

OURS: Final = 0o600
"""The mode. The files hold numbers and names, or what the log is verified with."""
_SAFELY: Final = os.O_NOFOLLOW | os.O_CLOEXEC


class CannotWriteFileError(StorageError):
    """A file was not written. The message is a sentence that says why."""


def make(path: Path) -> int:
    """Create a file that did not exist, and return its descriptor.

    Raises:
        OSError: The file exists, or cannot be created.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFELY, OURS)


def open_made(path: Path) -> int | None:
    """Return a descriptor of a file that `make` created, or None if there is none.

    Raises:
        OSError: The file cannot be opened.
    """
    try:
        return os.open(path, os.O_RDWR | _SAFELY)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP}:  # removed, or replaced by a link
            return None
        raise


def append_line(path: Path, line: str) -> None:
    """Append a line to a file and sync it to the disk. Create the file if necessary.

    Raises:
        OSError: The line cannot be written, or the path is no regular file.
    """
    # Without O_NONBLOCK, a pipe in its place would block for ever.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | _SAFELY, OURS)
    with os.fdopen(descriptor, "wb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(descriptor)


@dataclass(slots=True)
class NewFile:
    """A file that is being written. ``keep`` says whether it gets its name at the end."""

    path: Path
    descriptor: int
    keep: bool = True


@contextmanager
def whole(
    target: Path, what: str, *, mark: str, link: Callable[[Path, Path], None] = os.link
) -> Iterator[NewFile]:
    """Yield a new file, and give it its name once it is on the disk.

    ``what`` describes the file in messages. ``mark`` is the suffix of its name until it is complete. ``link``
    creates a second name for a file. On an error no file is left. An existing file is neither written nor
    replaced.

    Raises:
        CannotWriteFileError: The file exists already, or cannot be written.
    """
    unfinished = target.with_name(f"{target.name}{mark}")
    if os.path.lexists(target):
        raise CannotWriteFileError(_there_already(target))
    try:
        descriptor = make(unfinished)
    except FileExistsError as error:
        raise CannotWriteFileError(
            f"{unfinished} is there: another {what} is being made, or one was broken off. Remove it if not."
        ) from error
    except OSError as error:
        raise CannotWriteFileError(f"{target} cannot be written: {error.strerror}.") from error
    try:
        yield (made := NewFile(unfinished, descriptor))
        if made.keep:
            os.fsync(descriptor)
            _give_name(unfinished, target, link)
    except FileExistsError as error:
        raise CannotWriteFileError(_there_already(target)) from error
    except OSError as error:
        raise CannotWriteFileError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)


def _there_already(target: Path) -> str:
    return f"{target} is there already. Nothing was written: choose another name."


def _give_name(unfinished: Path, target: Path, link: Callable[[Path, Path], None]) -> None:
    """Give a file its name.

    Raises:
        FileExistsError: The name was taken meanwhile.
    """
    try:
        link(unfinished, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: reserve the name, then put the file in its place
        os.close(make(target))
        unfinished.replace(target)
    with suppress(OSError):  # some file systems cannot sync folders
        folder = os.open(target.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

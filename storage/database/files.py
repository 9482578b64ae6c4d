"""Makes the files that hold the log or what was taken from it: for their owner alone, through nobody's link.

Each file that this program makes on a machine is made here, but for those that SQLite makes beside its own.
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
"""The mode: numbers and names are in these files, or what the log is checked by."""
_SAFELY: Final = os.O_NOFOLLOW | os.O_CLOEXEC


class CannotWriteFileError(StorageError):
    """Why a file was not written, as a sentence."""


def make(path: Path) -> int:
    """Make a file that was not there, and return its descriptor. Raises `OSError`."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFELY, OURS)


def open_made(path: Path) -> int | None:
    """Return a descriptor of a file that `make` made; None where none stands there. Raises `OSError`."""
    try:
        return os.open(path, os.O_RDWR | _SAFELY)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP}:  # gone, or a link that somebody put there
            return None
        raise


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, made if need be, onto the disk. Raises `OSError`, also where it is no file."""
    # Without O_NONBLOCK a pipe that somebody put there would keep us for ever.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | _SAFELY, OURS)
    with os.fdopen(descriptor, "wb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(descriptor)


@dataclass(slots=True)
class NewFile:
    """A file that is being filled. ``keep``: whether it gets its name when that is done."""

    path: Path
    descriptor: int
    keep: bool = True


@contextmanager
def whole(
    target: Path, what: str, *, mark: str, link: Callable[[Path, Path], None] = os.link
) -> Iterator[NewFile]:
    """Give a new file to fill, which gets its own name once it is on the disk.

    ``what`` it is, people read; ``mark`` stands behind its name until then. ``link`` is how a file gets a
    second name. Where filling it fails nothing is left. A file that is there is neither written to nor
    replaced. Raises `CannotWriteFileError`.
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
    """Give a file its name, unless somebody took that meanwhile. Raises `FileExistsError`."""
    try:
        link(unfinished, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, then the file put in its place
        os.close(make(target))
        unfinished.replace(target)
    with suppress(OSError):  # some file systems sync no folder
        folder = os.open(target.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

"""Errors of a log that cannot be used: each says whether what was wanted is recorded."""

import sqlite3
from collections.abc import Mapping

from storage import StorageError
from storage.models import Request


class LogUnavailableError(StorageError, sqlite3.OperationalError):
    """The log could not be used. Nothing was recorded, and nothing of it will be."""


class LogBusyError(LogUnavailableError):
    """The log could not be used in time, mostly because another process holds its write lock."""


class LogReplacedError(LogUnavailableError):
    """Other files lie at the log's path than those that are open: what is written now would be lost."""


class CommitUnknownError(StorageError):
    """A change was being committed when its answer was due: nobody knows yet whether it is recorded."""


class ConflictError(StorageError):
    """The change came too late: somebody or something was first. ``current`` is how the request stands."""

    def __init__(self, current: Request) -> None:
        super().__init__(f"{current.id} is {current.state}")
        self.current = current


class DuplicateRequestError(StorageError):
    """Some targets are asked for already, and nothing was recorded.

    ``by`` is the request that asks for it, by the action's place.
    """

    def __init__(self, by: Mapping[int, Request]) -> None:
        super().__init__(", ".join(sorted({request.id for request in by.values()})))
        self.by = by


class RequestNotFoundError(StorageError, LookupError):
    """No request, entry or reported fault has that id."""

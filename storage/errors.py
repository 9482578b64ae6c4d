"""Errors of the store. Each says whether the change was recorded."""

import sqlite3
from collections.abc import Mapping

from storage import StorageError
from storage.models import Request


class LogUnavailableError(StorageError, sqlite3.OperationalError):
    """The log could not be used. Nothing was recorded, and nothing will be."""


class LogBusyError(LogUnavailableError):
    """The log could not be used in time, mostly because another process holds its write lock."""


class LogReplacedError(LogUnavailableError):
    """The open files are no longer those at the log's path, so a commit would be lost."""


class CommitUnknownError(StorageError):
    """The deadline came during the commit, so it is unknown whether the change is recorded."""


class RowNotDueError(StorageError):
    """A row of a call list is not to be requested any more: its list is over, or the row was erased."""


class ConflictError(StorageError):
    """The change came too late: another change was first. ``current`` is the request as it is now."""

    def __init__(self, current: Request) -> None:
        super().__init__(f"{current.id} is {current.state}")
        self.current = current


class DuplicateRequestError(StorageError):
    """Some targets have a request under way already, and nothing was recorded.

    ``by`` is that request, by the position of the action.
    """

    def __init__(self, by: Mapping[int, Request]) -> None:
        super().__init__(", ".join(sorted({request.id for request in by.values()})))
        self.by = by


class RequestNotFoundError(StorageError, LookupError):
    """No request, action or reported error has that id."""

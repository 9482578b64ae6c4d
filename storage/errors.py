"""Errors of a log that cannot be used: each says whether what was wanted is recorded."""

import sqlite3


class LogUnavailableError(sqlite3.OperationalError):
    """The log could not be used. Nothing was recorded, and nothing of it will be."""


class LogBusyError(LogUnavailableError):
    """The log could not be used in time, mostly because another process holds its write lock."""


class LogReplacedError(LogUnavailableError):
    """Other files lie at the log's path than those that are open: what is written now would be lost."""


class CommitUnknownError(Exception):
    """A change was being committed when its answer was due: nobody knows yet whether it is recorded."""

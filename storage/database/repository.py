"""Repositories: what the tables of one subject can be asked for, each time in one transaction.

A function that takes a connection is what happens inside a transaction, and neither begins nor ends one. A
repository lends such functions to the event loop, on the thread that reads or the one that writes:

    class Approvals(Repository):
        pending = reads(pending)
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar

from storage.database.threads import Reader, Writer
from storage.database.write_behind import WriteBehind
from storage.event_log.writer import Sources

Given = ParamSpec("Given")
Result = TypeVar("Result")
Method = Callable[Concatenate[Any, Given], Coroutine[Any, Any, Result]]


@dataclass(frozen=True, slots=True)
class Database:
    """An open file: the threads that read and write it, and what writing takes from outside."""

    path: Path
    sources: Sources
    writer: Writer
    reader: Reader
    behind: WriteBehind


class Repository:
    """The tables of one subject, of one open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        return await self._database.reader.do(work)

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        return await self._database.writer.do(work)

    @property
    def _sources(self) -> Sources:
        return self._database.sources


def reads(function: Callable[Concatenate[Connection, Given], Result]) -> Method[Given, Result]:
    """Make a repository's method of a function that reads."""

    @wraps(function)
    async def read(self: Repository, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await self._read(lambda connection: function(connection, *args, **kwargs))

    return read


def writes(function: Callable[Concatenate[Connection, Given], Result]) -> Method[Given, Result]:
    """Make a repository's method of a function that writes."""

    @wraps(function)
    async def write(self: Repository, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await self._write(lambda connection: function(connection, *args, **kwargs))

    return write


def reads_with_sources(
    function: Callable[Concatenate[Connection, Sources, Given], Result],
) -> Method[Given, Result]:
    """Make a repository's method of a function that reads, and takes the key, the clock or random bytes."""

    @wraps(function)
    async def read(self: Repository, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await self._read(lambda connection: function(connection, self._sources, *args, **kwargs))

    return read


def writes_with_sources(
    function: Callable[Concatenate[Connection, Sources, Given], Result],
) -> Method[Given, Result]:
    """Make a repository's method of a function that writes, and takes the key, the clock or random bytes."""

    @wraps(function)
    async def write(self: Repository, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await self._write(lambda connection: function(connection, self._sources, *args, **kwargs))

    return write

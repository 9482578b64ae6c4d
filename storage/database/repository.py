"""Repositories: the queries and changes for the tables of one subject, each in a transaction.

A function that takes a connection runs inside a transaction, and neither begins nor ends one. A repository
makes such functions available to the event loop, on the reader's or the writer's thread:

    class Approvals(Repository):
        pending = reads(pending)
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from storage.database.threads import Reader, Writer
from storage.database.write_behind import WriteBehind
from storage.event_log.writer import WriteContext

Given = ParamSpec("Given")
Result = TypeVar("Result")
Method = Callable[Concatenate[Any, Given], Coroutine[Any, Any, Result]]


@dataclass(frozen=True, slots=True)
class Database:
    """An open file: its reader and writer threads, and the external inputs of writing."""

    path: Path
    sources: WriteContext
    writer: Writer
    reader: Reader
    behind: WriteBehind


class Repository:
    """The tables of one subject, in an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        return await self._database.reader.do(work)

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        return await self._database.writer.do(work)

    @property
    def _sources(self) -> WriteContext:
        return self._database.sources


@overload
def reads(
    function: Callable[Concatenate[Connection, WriteContext, Given], Result],
) -> Method[Given, Result]: ...
@overload
def reads(function: Callable[Concatenate[Connection, Given], Result]) -> Method[Given, Result]: ...
def reads(function: Callable[..., Result]) -> Method[..., Result]:
    """Return a repository's method that runs a function on the reader's thread."""
    return _lend(function, Repository._read)  # noqa: SLF001 - of this module


@overload
def writes(
    function: Callable[Concatenate[Connection, WriteContext, Given], Result],
) -> Method[Given, Result]: ...
@overload
def writes(function: Callable[Concatenate[Connection, Given], Result]) -> Method[Given, Result]: ...
def writes(function: Callable[..., Result]) -> Method[..., Result]:
    """Return a repository's method that runs a function on the writer's thread."""
    return _lend(function, Repository._write)  # noqa: SLF001 - of this module


def _lend(
    function: Callable[..., Result],
    run: Callable[[Repository, Callable[[Connection], Result]], Coroutine[Any, Any, Result]],
) -> Method[..., Result]:
    """Return a method that also passes the repository's `WriteContext` to a function that takes one."""
    with_sources = WriteContext in [one.annotation for one in signature(function).parameters.values()]

    @wraps(function)
    async def method(self: Repository, /, *args: Any, **kwargs: Any) -> Result:  # noqa: ANN401 - as overloaded
        given = (self._sources, *args) if with_sources else args
        return await run(self, lambda connection: function(connection, *given, **kwargs))

    return method

"""What a check and a seeded bug are, and how a bug reaches the connection that the log writes through."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from sqlite3 import Connection, Cursor
from typing import Any, ClassVar, TypeVar, cast

from storage.database.repository import Database
from storage.database.threads import Work, Writer
from tests.integration.bench import BotWorld, Parts, StepLog

Check = Callable[[BotWorld], Awaitable[None]]
"""Drives a bot through something that an invariant of the design forbids or demands, and asserts it."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Seeded:
    """A bug, and the check that must fail with it, saying ``why``."""

    check: Check
    bug: type
    why: str

    @property
    def parts(self) -> Parts:
        """The real parts, but for the one that the bug is a subclass of."""
        real = Parts()
        [place] = [one.name for one in fields(real) if issubclass(self.bug, getattr(real, one.name))]
        return replace(real, **{place: self.bug})


@dataclass(frozen=True)
class Invariant:
    """One of the design's ten: its checks, and the bugs that they find."""

    number: int
    checks: Sequence[Check]
    seeded: Sequence[Seeded]


class BadConnection:
    """A connection that does something else with some statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Execute a statement, or what the bug makes of it."""
        return self._connection.execute(*self.instead(sql, parameters))

    def instead(self, sql: str, parameters: Any) -> tuple[str, Any]:
        """What is executed in a statement's place."""
        return sql, parameters

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        """Execute a statement for many rows."""
        return self._connection.executemany(sql, parameters)


class BadWriter(Writer):
    """The log's writer, on a bad connection."""

    def __init__(self, writer: Writer, bad: type[BadConnection]) -> None:
        super().__init__(writer._thread)
        self._bad = bad

    async def do(self, work: Work[_Result], *, within: float | None = None) -> _Result:
        """Run ``work``, but on the bad connection."""
        return await super().do(
            lambda connection: work(cast("Connection", self._bad(connection))), within=within
        )


class BadLog(StepLog):
    """The real log on a bad connection."""

    bad: ClassVar[type[BadConnection]]

    def __init__(self, database: Database) -> None:
        super().__init__(replace(database, writer=BadWriter(database.writer, self.bad)))

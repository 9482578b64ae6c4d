"""Checks and seeded bugs, and a connection through which a bug reaches the log's writer."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from sqlite3 import Connection, Cursor
from typing import Any, ClassVar, TypeVar, cast

from storage.database.repository import Database
from storage.database.threads import Work, Writer
from tests.integration.bench import BotWorld, Parts, StepLog

Check = Callable[[BotWorld], Awaitable[None]]
"""Type of a check, which drives a bot through something that an invariant forbids or demands."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Seeded:
    """A bug, and the check that must fail with it for the reason ``why``."""

    check: Check
    bug: type
    why: str

    @property
    def parts(self) -> Parts:
        """Return the real parts, but for the bug's subclass."""
        real = Parts()
        [place] = [one.name for one in fields(real) if issubclass(self.bug, getattr(real, one.name))]
        return replace(real, **{place: self.bug})


@dataclass(frozen=True)
class Invariant:
    """An invariant of the design: its checks, and the bugs that they find."""

    number: int
    checks: Sequence[Check]
    seeded: Sequence[Seeded]


class BadConnection:
    """A connection that changes some statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Execute a statement, or the bug's replacement."""
        return self._connection.execute(*self.instead(sql, parameters))

    def instead(self, sql: str, parameters: Any) -> tuple[str, Any]:
        """Return the statement to execute in place of another."""
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
        """Run ``work`` on the bad connection."""
        return await super().do(
            lambda connection: work(cast("Connection", self._bad(connection))), within=within
        )


class BadLog(StepLog):
    """The real log on a bad connection."""

    bad: ClassVar[type[BadConnection]]

    def __init__(self, database: Database) -> None:
        super().__init__(replace(database, writer=BadWriter(database.writer, self.bad)))

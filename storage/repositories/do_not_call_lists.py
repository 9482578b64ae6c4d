"""Do-not-call lists: imported in small transactions, in force all at once, and removed.

Rows of ``stops`` whose event is in ``unfinished_lists`` do not count: their list is being imported, or was
removed. Each function runs in one transaction.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Final

from storage import StorageError
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import LIST_IMPORT_BEGAN, LIST_IMPORTED, LIST_REMOVED, NumberSeal
from storage.event_log.writer import SALT_BYTES, EventWriter, WriteContext
from storage.models import Event, Scalar
from storage.repositories.do_not_call import COUNTS, SEALED, to_tell, unseal
from storage.repositories.rows import as_event

TOGETHER: Final = 2_000
"""Rows of a list that a transaction adds or deletes. It blocks other writers for some 20 ms."""


class ImportSupersededError(StorageError):
    """An import cannot continue: its list was removed, or another import of it began."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Result of an import: the event's id (None without new numbers), new numbers, and the list's size."""

    id: str | None
    added: int
    numbers: int


@dataclass(frozen=True, slots=True)
class UnfinishedImport:
    """An import of a do-not-call list that is running or was interrupted. None of its numbers counts."""

    id: str
    list: str
    began_at: datetime


def _unlisted(connection: Connection, name: str, numbers: Iterable[bytes]) -> int:
    """Return how many of these numbers are not in a list yet."""
    query = f"SELECT 1 FROM stops WHERE number = ? AND list = ? AND {COUNTS}"  # noqa: S608 - fixed text
    return sum(connection.execute(query, [one, name]).fetchone() is None for one in numbers)


def begin_list(connection: Connection, sources: WriteContext, name: str, *, actor: str) -> Event:
    """Begin an import into a list, in place of any unfinished import into it. Return its event."""
    connection.execute("UPDATE unfinished_lists SET leaving = 1 WHERE list = ?", [name])
    event = EventWriter(connection, sources).append_new(
        "S", LIST_IMPORT_BEGAN, actor=actor, data={"list": name}
    )
    connection.execute("INSERT INTO unfinished_lists VALUES (?, ?, 0)", [event.seq, name])
    return event


def add_some(connection: Connection, began: Event, numbers: Iterable[bytes]) -> None:
    """Add some numbers to a list, except those that it has already.

    Raises:
        ImportSupersededError: The list was removed, or another import of it began.
    """
    _check_unfinished(connection, began)
    connection.executemany(
        """
        INSERT INTO stops VALUES (?, ?, ?) ON CONFLICT (number, list) DO UPDATE SET event = excluded.event
        WHERE event IN (SELECT event FROM unfinished_lists)
        """,
        [(one, began.data["list"], began.seq) for one in numbers],
    )


def finish_list(connection: Connection, sources: WriteContext, began: Event) -> Imported:
    """Put all numbers of an import in force at once.

    Raises:
        ImportSupersededError: The list was removed, or another import of it began.
    """
    _check_unfinished(connection, began)
    name = str(began.data["list"])
    kept = _count_numbers(connection, name)
    connection.execute("DELETE FROM unfinished_lists WHERE event = ?", [began.seq])
    numbers, salt = _count_numbers(connection, name), sources.random(SALT_BYTES)
    added = connection.execute(
        "SELECT number FROM stops WHERE list = ? AND event = ? ORDER BY number", [name, began.seq]
    )
    sealed = NumberSeal(salt, name).add(row["number"] for row in added).text()
    event = EventWriter(connection, sources).append(
        began.request,
        began.action,
        LIST_IMPORTED,
        actor=began.actor,
        data={"list": name, "added": numbers - kept, "numbers": numbers, SEALED: sealed},
        private={},
    )
    connection.execute("INSERT INTO seals VALUES (?, ?)", [event.seq, salt])
    to_tell(connection, sources, event)
    return Imported(event.request, numbers - kept, numbers)


def give_up(connection: Connection, began: Event) -> None:
    """Abandon an unfinished import. Its rows never count."""
    connection.execute("UPDATE unfinished_lists SET leaving = 1 WHERE event = ?", [began.seq])


def unfinished_imports(connection: Connection) -> list[UnfinishedImport]:
    """Return the imports that are running, or whose process ended early."""
    rows = connection.execute(
        """
        SELECT events.* FROM unfinished_lists JOIN events ON events.seq = unfinished_lists.event
        WHERE NOT leaving ORDER BY seq
        """
    )
    events = map(as_event, rows)
    return [UnfinishedImport(one.request, str(one.data["list"]), one.at) for one in events]


def _remove_list(connection: Connection, sources: WriteContext, name: str, *, actor: str) -> int:
    """Remove a list and any unfinished import into it. Return how many numbers it had.

    Its rows no longer count. `sweep` deletes them.
    """
    removed = _count_numbers(connection, name) if name else 0
    connection.execute("UPDATE unfinished_lists SET leaving = 1 WHERE list = ?", [name])
    if removed:
        unseal(connection, "list = ?", name)
        connection.execute(
            """
            INSERT INTO unfinished_lists SELECT DISTINCT event, list, 1 FROM stops WHERE list = ?
            ON CONFLICT DO NOTHING
            """,
            [name],
        )
        data: dict[str, Scalar] = {"list": name, "removed": removed}
        event = EventWriter(connection, sources).append_new("S", LIST_REMOVED, actor=actor, data=data)
        to_tell(connection, sources, event)
    return removed


def sweep(connection: Connection) -> bool:
    """Delete some rows that will never count. Return False if there are none."""
    leaving = connection.execute("SELECT event, list FROM unfinished_lists WHERE leaving LIMIT 1").fetchone()
    if leaving is None:
        return False
    gone = connection.execute(
        """
        DELETE FROM stops WHERE (number, list) IN (
            SELECT number, list FROM stops WHERE list = :list AND event = :event LIMIT :most)
        """,
        {**leaving, "most": TOGETHER},
    )
    if gone.rowcount < TOGETHER:
        connection.execute("DELETE FROM unfinished_lists WHERE event = ?", [leaving["event"]])
    return True


def _count_numbers(connection: Connection, name: str) -> int:
    [(numbers,)] = connection.execute(
        f"SELECT count(*) FROM stops WHERE list = ? AND {COUNTS}",  # noqa: S608 - fixed text
        [name],
    )
    return int(numbers)


def _check_unfinished(connection: Connection, began: Event) -> None:
    found = connection.execute(
        "SELECT 1 FROM unfinished_lists WHERE event = ? AND NOT leaving", [began.seq]
    ).fetchone()
    if found is None:
        raise ImportSupersededError(
            f"The list {began.data['list']} was removed, or another import of it began meanwhile."
        )


class DoNotCallLists(Repository):
    """Lists of numbers that are not called."""

    unfinished_imports = reads(unfinished_imports)

    async def unlisted(self, name: str, numbers: Iterable[str]) -> int:
        """Return how many of these distinct numbers are not in a do-not-call list yet."""
        return sum([await self._unlisted(name, some) for some in await self._parts(numbers)])

    async def _unlisted(self, name: str, some: Sequence[bytes]) -> int:
        return await self._read(lambda connection: _unlisted(connection, name, some))

    async def _parts(self, numbers: Iterable[str]) -> list[list[bytes]]:
        """Return the distinct hashes of numbers, in parts for one transaction each.

        They are in the table's order, so that each of its pages is read and written about once.
        """
        hashed = await asyncio.to_thread(lambda: sorted({*map(self._sources.lookup, numbers)}))
        return [hashed[first : first + TOGETHER] for first in range(0, len(hashed), TOGETHER)]

    async def add(
        self, name: str, numbers: Iterable[str], *, actor: str, progress: Callable[[int], None] | None = None
    ) -> Imported:
        """Add numbers to a do-not-call list: all or none. Only their keyed hashes are kept.

        They are written in small parts, and are in force all at once after the last. ``progress`` is called
        with the size of each part. An error, or cancelling the call, leaves the list unchanged.

        Raises:
            ImportSupersededError: The list was removed meanwhile, or another import of it began.
        """
        if not name:
            raise ValueError("a list has a name")
        parts = await self._parts(numbers)
        for some in parts:
            if await self._unlisted(name, some):
                break
        else:
            return Imported(None, 0, await self._read(partial(_count_numbers, name=name)))
        await self._sweep()
        began = await self._write(lambda connection: begin_list(connection, self._sources, name, actor=actor))
        try:
            for some in parts:
                await self._write(partial(add_some, began=began, numbers=some))
                if progress:
                    progress(len(some))
        except BaseException:
            await self._write(partial(give_up, began=began))
            raise
        finishing = asyncio.ensure_future(
            self._write(partial(finish_list, sources=self._sources, began=began))
        )
        try:
            return await asyncio.shield(finishing)
        except asyncio.CancelledError:  # too late: the numbers are in force, and the caller gets the result
            return await finishing

    async def remove(self, name: str, *, actor: str) -> int:
        """Remove a do-not-call list. Return how many numbers it had."""
        removed = await self._write(
            lambda connection: _remove_list(connection, self._sources, name, actor=actor)
        )
        await self._sweep()
        await self._database.writer.wipe()
        return removed

    async def _sweep(self) -> None:
        """Delete the rows of removed lists and abandoned imports."""
        while await self._write(sweep):
            pass

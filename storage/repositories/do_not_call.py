"""Numbers that are not called: who stopped them, and which lists they stand on.

Only the keyed hash of a number is kept here, apart from what can be erased: forgetting a person's data does
not lift the stop. The chain says who and when, and how many numbers a list has; why, and the number masked,
stand in erasable rows. Its events also commit to the hashes that they stopped, with a salt that goes once
these are stopped no more: whoever exchanges hashes in the table is found out.
Each function is what happens in one transaction.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from sqlite3 import Connection
from typing import Final

from storage.database.repository import Repository, reads, reads_with_sources, writes_with_sources
from storage.event_log.hash_chain import (
    CALLS_ALLOWED,
    CALLS_STOPPED,
    LIST_IMPORT_BEGAN,
    LIST_IMPORTED,
    LIST_REMOVED,
    NumberSeal,
)
from storage.event_log.writer import SALT_BYTES, Chain, Sources
from storage.ids import new_id
from storage.models import Announced, Announcement, Event, Imported, Scalar, Stop, UnfinishedImport
from storage.repositories.outbox import announce
from storage.repositories.rows import as_event

EVENTS: Final = frozenset({CALLS_STOPPED, CALLS_ALLOWED, LIST_IMPORT_BEGAN, LIST_IMPORTED, LIST_REMOVED})

TOGETHER: Final = 2_000
"""Rows of a list that one transaction adds or deletes: some 20 ms in which no other process writes."""

NUMBER: Final = "number"
"""The erasable field that holds the number of a stop, masked."""
LOOKUP: Final = "lookup"
"""The erasable field that holds the keyed hash of a number whose stop was lifted."""
SEALED: Final = "sealed"
"""In an event's data: what it commits to of the numbers that it stopped."""

_BY_PERSON: Final = ""
"""In place of a list's name: a person stopped it."""

COUNTS: Final = "stops.event NOT IN (SELECT event FROM unfinished_lists)"
"""Whether a row of ``stops`` counts."""

STOPPED: Final = f"""
    (actions.kind = 'place_call' AND EXISTS (
        SELECT 1 FROM lookup JOIN stops ON stops.number = lookup.number
        WHERE lookup.action = actions.n AND {COUNTS}))
"""  # noqa: S608 - fixed text
"""Whether an entry of ``actions`` is a call to a number that is not called."""


class ImportSuperseded(Exception):
    """An import cannot go on: its list was removed, or another import of it began."""


def holds_back(connection: Connection, entry: str) -> bool:
    """Whether an entry is a call to a number that is not called."""
    found = connection.execute(f"SELECT 1 FROM actions WHERE id = ? AND {STOPPED}", [entry])  # noqa: S608 - fixed text
    return found.fetchone() is not None


def find(connection: Connection, number: bytes) -> list[Stop]:
    """Why a number is not called, a person's stop first; empty where it may be called."""
    rows = connection.execute(
        f"""
        SELECT list, events.* FROM stops JOIN events ON events.seq = stops.event
        WHERE number = ? AND {COUNTS} ORDER BY list
        """,  # noqa: S608 - fixed text
        [number],
    )
    return [_stop(as_event(row), row["list"]) for row in rows]


def stops(connection: Connection, sources: Sources, number: str) -> list[Stop]:
    """Why a number is not called, a person's stop first; empty where it may be called."""
    return find(connection, sources.lookup(number))


def stop(
    connection: Connection, sources: Sources, number: str, *, masked: str, actor: str, reason: str | None
) -> tuple[Stop, bool]:
    """Stop all calls to a number from now on; True where nobody had before.

    No `PlaceCall` to it moves to ``sending`` any more, and none that is there is held: `apply` conflicts
    and `hold` says no. Forgetting anybody's personal data does not lift it.
    """
    hashed = sources.lookup(number)
    for known in find(connection, hashed):
        if known.list is None:
            return known, False
    stop_id = _new_id(connection, sources)
    salt = sources.random(SALT_BYTES)
    event = Chain(connection, sources).append(
        stop_id,
        stop_id,
        CALLS_STOPPED,
        actor=actor,
        data={SEALED: NumberSeal(salt, _BY_PERSON).add([hashed]).text()},
        private={NUMBER: masked} | ({"reason": reason} if reason else {}),
    )
    connection.execute("INSERT INTO stops VALUES (?, ?, ?)", [hashed, _BY_PERSON, event.seq])
    connection.execute("INSERT INTO seals VALUES (?, ?)", [event.seq, salt])
    _announce(connection, sources, event)
    return _stop(event, _BY_PERSON), True


def _allow(
    connection: Connection, sources: Sources, number: str, *, masked: str, actor: str, reason: str
) -> Stop | None:
    """Let calls to a number go out again that a person stopped; None where nobody had. Lists stay."""
    hashed = sources.lookup(number)
    known = next((one for one in find(connection, hashed) if one.list is None), None)
    if known is None:
        return None
    _unseal(connection, "number = ? AND list = ?", hashed, _BY_PERSON)
    connection.execute("DELETE FROM stops WHERE number = ? AND list = ?", [hashed, _BY_PERSON])
    event = Chain(connection, sources).append(
        known.id,
        known.id,
        CALLS_ALLOWED,
        actor=actor,
        data={},
        private={NUMBER: masked, "reason": reason, LOOKUP: hashed.hex()},
    )
    _announce(connection, sources, event)
    return known


def _unlisted(connection: Connection, name: str, numbers: Iterable[bytes]) -> int:
    """Return how many of these numbers a list does not have yet."""
    query = f"SELECT 1 FROM stops WHERE number = ? AND list = ? AND {COUNTS}"  # noqa: S608 - fixed text
    return sum(connection.execute(query, [one, name]).fetchone() is None for one in numbers)


def begin_list(connection: Connection, sources: Sources, name: str, *, actor: str) -> Event:
    """Begin to add numbers to a list, in place of any import of it that has not finished."""
    connection.execute("UPDATE unfinished_lists SET leaving = 1 WHERE list = ?", [name])
    stop_id = _new_id(connection, sources)
    event = Chain(connection, sources).append(
        stop_id, stop_id, LIST_IMPORT_BEGAN, actor=actor, data={"list": name}, private={}
    )
    connection.execute("INSERT INTO unfinished_lists VALUES (?, ?, 0)", [event.seq, name])
    return event


def add_some(connection: Connection, began: Event, numbers: Iterable[bytes]) -> None:
    """Add some of a list's numbers, but for those it has already. Raises `ImportSuperseded`."""
    _check_unfinished(connection, began)
    connection.executemany(
        """
        INSERT INTO stops VALUES (?, ?, ?) ON CONFLICT (number, list) DO UPDATE SET event = excluded.event
        WHERE event IN (SELECT event FROM unfinished_lists)
        """,
        [(one, began.data["list"], began.seq) for one in numbers],
    )


def finish_list(connection: Connection, sources: Sources, began: Event) -> Imported:
    """Let all numbers of an import count at once. Raises `ImportSuperseded`."""
    _check_unfinished(connection, began)
    name = str(began.data["list"])
    kept = _numbers_of(connection, name)
    connection.execute("DELETE FROM unfinished_lists WHERE event = ?", [began.seq])
    numbers, salt = _numbers_of(connection, name), sources.random(SALT_BYTES)
    added = connection.execute(
        "SELECT number FROM stops WHERE list = ? AND event = ? ORDER BY number", [name, began.seq]
    )
    sealed = NumberSeal(salt, name).add(row["number"] for row in added).text()
    event = Chain(connection, sources).append(
        began.request,
        began.entry,
        LIST_IMPORTED,
        actor=began.actor,
        data={"list": name, "added": numbers - kept, "numbers": numbers, SEALED: sealed},
        private={},
    )
    connection.execute("INSERT INTO seals VALUES (?, ?)", [event.seq, salt])
    _announce(connection, sources, event)
    return Imported(event.request, numbers - kept, numbers)


def give_up(connection: Connection, began: Event) -> None:
    """End an import that did not finish: its rows never count."""
    connection.execute("UPDATE unfinished_lists SET leaving = 1 WHERE event = ?", [began.seq])


def unfinished_imports(connection: Connection) -> list[UnfinishedImport]:
    """The imports that run, or whose process ended before they did."""
    rows = connection.execute(
        """
        SELECT events.* FROM unfinished_lists JOIN events ON events.seq = unfinished_lists.event
        WHERE NOT leaving ORDER BY seq
        """
    )
    events = map(as_event, rows)
    return [UnfinishedImport(one.request, str(one.data["list"]), one.at) for one in events]


def _remove_list(connection: Connection, sources: Sources, name: str, *, actor: str) -> int:
    """Take a list away with any import of it that has not finished; return how many numbers it had.

    Its rows count no longer. `sweep` deletes them.
    """
    removed = 0 if not name else _numbers_of(connection, name)
    connection.execute("UPDATE unfinished_lists SET leaving = 1 WHERE list = ?", [name])
    if removed:
        _unseal(connection, "list = ?", name)
    if removed:
        connection.execute(
            """
            INSERT OR IGNORE INTO unfinished_lists SELECT DISTINCT event, list, 1 FROM stops WHERE list = ?
            """,
            [name],
        )
        stop_id = _new_id(connection, sources)
        data: dict[str, Scalar] = {"list": name, "removed": removed}
        event = Chain(connection, sources).append(
            stop_id, stop_id, LIST_REMOVED, actor=actor, data=data, private={}
        )
        _announce(connection, sources, event)
    return removed


def sweep(connection: Connection) -> bool:
    """Delete some rows that will never count; return False once none is left."""
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


def _numbers_of(connection: Connection, name: str) -> int:
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
        raise ImportSuperseded(
            f"The list {began.data['list']} was removed, or another import of it began meanwhile."
        )


def _unseal(connection: Connection, which: str, *values: object) -> None:
    """Forget the salts of the events whose numbers are stopped no more."""
    connection.execute(
        f"""
        UPDATE seals SET salt = NULL WHERE event IN (
            SELECT seq FROM events WHERE request IN (
                SELECT request FROM events WHERE seq IN (SELECT event FROM stops WHERE {which})))
        """,  # noqa: S608 - fixed text
        values,
    )


def stopped_numbers(connection: Connection) -> Mapping[str | None, int]:
    """How many numbers are not called, by list; under None those that people stopped."""
    return {name or None: numbers for name, numbers in _by_list(connection)}


def _by_list(connection: Connection) -> list[tuple[str, int]]:
    """How many rows count, by the name of their list."""
    rows = connection.execute(
        f"SELECT list, count(*) FROM stops WHERE {COUNTS} GROUP BY list ORDER BY list"  # noqa: S608 - fixed text
    )
    return [(name, numbers) for name, numbers in rows]


def faults(connection: Connection) -> Iterator[str]:
    """What the events say and the numbers' rows do not, or the other way round."""
    expected, lists, sealed = _as_events_say(connection)
    query = f"SELECT event FROM stops WHERE list = ? AND {COUNTS}"  # noqa: S608 - fixed text
    kept = {row["event"] for row in connection.execute(query, [_BY_PERSON])}
    for stop_id, seq in expected.items():
        if seq not in kept:
            del sealed[stop_id]
            yield f"{stop_id}: calls to its number are not stopped any more, though nobody allowed them."
    for seq in sorted(kept - set(expected.values())):
        yield f"Event {seq} does not stop calls, though a number's row says so."
    counted = {name: numbers for name, numbers in _by_list(connection) if name}
    for name in sorted({*lists, *counted}):
        if lists.get(name, 0) != counted.get(name, 0):
            sealed = {request: one for request, one in sealed.items() if one[0] != name}
            yield f"The list {name} has {counted.get(name, 0)} numbers, its events say {lists.get(name, 0)}."
    yield from _seal_faults(connection, sealed)


def _seal_faults(connection: Connection, sealed: Mapping[str, tuple[str, Scalar]]) -> Iterator[str]:
    """Compare the hashes that each event stopped with what it says of them."""
    salts = dict(
        tuple(row)
        for row in connection.execute(
            "SELECT events.request, salt FROM seals JOIN events ON events.seq = seals.event"
        )
    )
    rows = connection.execute(
        f"""
        SELECT events.request, stops.list, stops.number FROM stops JOIN events ON events.seq = stops.event
        WHERE {COUNTS} ORDER BY events.request, stops.list, stops.number
        """  # noqa: S608 - fixed text
    )
    found = {
        (request, name): NumberSeal(salts.get(request) or b"", name).add(row["number"] for row in some).text()
        for (request, name), some in groupby(rows, key=lambda row: (row["request"], row["list"]))
    }
    for request, (name, promise) in sealed.items():
        if found.get((request, name)) != promise:
            yield f"{request}: the numbers that it stopped are not those that were written down."


def _as_events_say(
    connection: Connection,
) -> tuple[dict[str, int], dict[str, int], dict[str, tuple[str, Scalar]]]:
    """The stops that hold, each with its event, how many numbers each list has, and what seals them.

    A seal is that of a request, with the list that its numbers were added to.
    """
    stopped: dict[str, int] = {}
    lists: dict[str, int] = {}
    sealed: dict[str, tuple[str, Scalar]] = {}
    marks = ", ".join("?" for _ in EVENTS)
    rows = connection.execute(
        f"SELECT * FROM events WHERE name IN ({marks}) ORDER BY seq",  # noqa: S608 - marks alone
        sorted(EVENTS),
    )
    for event in map(as_event, rows):
        name = str(event.data.get("list"))
        match event.name:
            case "calls_stopped":
                stopped[event.request] = event.seq
                sealed[event.request] = (_BY_PERSON, event.data.get(SEALED))
            case "calls_allowed":
                stopped.pop(event.request, None)
                sealed.pop(event.request, None)
            case "list_imported":
                lists[name] = lists.get(name, 0) + int(event.data.get("added") or 0)
                sealed[event.request] = (name, event.data.get(SEALED))
            case "list_removed":
                lists[name] = lists.get(name, 0) - int(event.data.get("removed") or 0)
                sealed = {request: one for request, one in sealed.items() if one[0] != name}
    return stopped, lists, sealed


def _stop(event: Event, name: str) -> Stop:
    return Stop(event.request, event.actor, event.at, name or None)


def _new_id(connection: Connection, sources: Sources) -> str:
    return new_id("S", random=sources.random, taken=partial(_has_events, connection))


def _has_events(connection: Connection, request: str) -> bool:
    return connection.execute("SELECT 1 FROM events WHERE request = ?", [request]).fetchone() is not None


def _announce(connection: Connection, sources: Sources, event: Event) -> None:
    announce(connection, sources, Announcement(Announced.DO_NOT_CALL, str(event.seq), event=event.seq))


class DoNotCall(Repository):
    """Numbers that are not called."""

    stop = writes_with_sources(stop)
    stops = reads_with_sources(stops)
    stopped_numbers = reads(stopped_numbers)
    unfinished_imports = reads(unfinished_imports)

    async def allow(self, number: str, *, masked: str, actor: str, reason: str) -> Stop | None:
        """Let calls to a number go out again that a person stopped; None where nobody had. Lists stay."""
        allowed = await self._write(
            lambda connection: _allow(
                connection, self._sources, number, masked=masked, actor=actor, reason=reason
            )
        )
        await self._database.writer.wipe()
        return allowed

    async def unlisted(self, name: str, numbers: Iterable[str]) -> int:
        """How many of these different numbers a do-not-call list does not have yet."""
        return sum([await self._unlisted(name, some) for some in await self._parts(numbers)])

    async def _unlisted(self, name: str, some: Sequence[bytes]) -> int:
        return await self._read(lambda connection: _unlisted(connection, name, some))

    async def _parts(self, numbers: Iterable[str]) -> list[list[bytes]]:
        """Return the hashes of numbers, each once, as transactions take them.

        They are in the table's order: each of its pages is read and written about once.
        """
        hashed = await asyncio.to_thread(lambda: sorted({*map(self._sources.lookup, numbers)}))
        return [hashed[first : first + TOGETHER] for first in range(0, len(hashed), TOGETHER)]

    async def add_list(
        self, name: str, numbers: Iterable[str], *, actor: str, progress: Callable[[int], None] | None = None
    ) -> Imported:
        """Add numbers to a do-not-call list: all of them or none. Only their keyed hashes are kept.

        They are written in small parts, and count all at once when the last one is; ``progress`` is told how
        many each part had. An error, or cancelling the call, leaves the list as it was. Raises
        `storage.repositories.do_not_call.ImportSuperseded` where the list is removed meanwhile, or another
        import of it begins.
        """
        if not name:
            raise ValueError("a list has a name")
        parts = await self._parts(numbers)
        for some in parts:
            if await self._unlisted(name, some):
                break
        else:
            return Imported(None, 0, (await self.stopped_numbers()).get(name, 0))
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
        except asyncio.CancelledError:  # too late: the numbers count, and whoever cancelled hears of it
            return await finishing

    async def remove_list(self, name: str, *, actor: str) -> int:
        """Take a do-not-call list away, and say how many numbers it had."""
        removed = await self._write(
            lambda connection: _remove_list(connection, self._sources, name, actor=actor)
        )
        await self._sweep()
        await self._database.writer.wipe()
        return removed

    async def _sweep(self) -> None:
        """Delete what is left of lists that were removed, and of imports that were given up."""
        while await self._write(sweep):
            pass

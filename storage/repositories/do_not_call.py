"""Numbers that are not called: who stopped them, and which lists they stand on.

Only the keyed hash of a number is kept here, apart from what can be erased: forgetting a person's data does
not lift the stop. The chain says who and when, and how many numbers a list has; why, and the number masked,
stand in erasable rows. Its events also commit to the hashes that they stopped, with a salt that goes once
these are stopped no more: whoever exchanges hashes in the table is found out.
Each function is what happens in one transaction.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Final

from storage.changes import Announced, Announcement
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import (
    CALLS_ALLOWED,
    CALLS_STOPPED,
    LIST_IMPORT_BEGAN,
    LIST_IMPORTED,
    LIST_REMOVED,
    NumberSeal,
)
from storage.event_log.writer import SALT_BYTES, EventWriter, WriteContext
from storage.models import DoNotCallEntry, Event
from storage.repositories.outbox import announce
from storage.repositories.rows import as_event

EVENTS: Final = frozenset({CALLS_STOPPED, CALLS_ALLOWED, LIST_IMPORT_BEGAN, LIST_IMPORTED, LIST_REMOVED})


NUMBER: Final = "number"
"""The erasable field that holds the number of a stop, masked."""
LOOKUP: Final = "lookup"
"""The erasable field that holds the keyed hash of a number whose stop was lifted."""
SEALED: Final = "sealed"
"""In an event's data: what it commits to of the numbers that it stopped."""

BY_PERSON: Final = ""
"""In place of a list's name: a person stopped it."""

COUNTS: Final = "stops.event NOT IN (SELECT event FROM unfinished_lists)"
"""Whether a row of ``stops`` counts."""

STOPPED: Final = f"""
    (actions.kind = 'place_call' AND EXISTS (
        SELECT 1 FROM lookup JOIN stops ON stops.number = lookup.number
        WHERE lookup.action = actions.n AND {COUNTS}))
"""  # noqa: S608 - fixed text
"""Whether an entry of ``actions`` is a call to a number that is not called."""


def holds_back(connection: Connection, entry: str) -> bool:
    """Return whether an entry is a call to a number that is not called."""
    found = connection.execute(f"SELECT 1 FROM actions WHERE id = ? AND {STOPPED}", [entry])  # noqa: S608 - fixed text
    return found.fetchone() is not None


def find(connection: Connection, number: bytes) -> list[DoNotCallEntry]:
    """Return why a number is not called, a person's stop first; empty where it may be called."""
    rows = connection.execute(
        f"""
        SELECT list, events.* FROM stops JOIN events ON events.seq = stops.event
        WHERE number = ? AND {COUNTS} ORDER BY list
        """,  # noqa: S608 - fixed text
        [number],
    )
    return [_stop(as_event(row), row["list"]) for row in rows]


def stops(connection: Connection, sources: WriteContext, number: str) -> list[DoNotCallEntry]:
    """Return why a number is not called, a person's stop first; empty where it may be called."""
    return find(connection, sources.lookup(number))


def add(
    connection: Connection, sources: WriteContext, number: str, *, masked: str, actor: str, reason: str | None
) -> tuple[DoNotCallEntry, bool]:
    """Stop all calls to a number from now on; True where nobody had before.

    No `PlaceCall` to it moves to ``sending`` any more, and none that is there is held: `apply` conflicts
    and `hold` says no. Forgetting anybody's personal data does not lift it.
    """
    hashed = sources.lookup(number)
    for known in find(connection, hashed):
        if known.list is None:
            return known, False
    salt = sources.random(SALT_BYTES)
    event = EventWriter(connection, sources).append_new(
        "S",
        CALLS_STOPPED,
        actor=actor,
        data={SEALED: NumberSeal(salt, BY_PERSON).add([hashed]).text()},
        private={NUMBER: masked} | ({"reason": reason} if reason else {}),
    )
    connection.execute("INSERT INTO stops VALUES (?, ?, ?)", [hashed, BY_PERSON, event.seq])
    connection.execute("INSERT INTO seals VALUES (?, ?)", [event.seq, salt])
    to_tell(connection, sources, event)
    return _stop(event, BY_PERSON), True


def _remove(
    connection: Connection, sources: WriteContext, number: str, *, masked: str, actor: str, reason: str
) -> DoNotCallEntry | None:
    """Let calls to a number go out again that a person stopped; None where nobody had. Lists stay."""
    hashed = sources.lookup(number)
    known = next((one for one in find(connection, hashed) if one.list is None), None)
    if known is None:
        return None
    unseal(connection, "number = ? AND list = ?", hashed, BY_PERSON)
    connection.execute("DELETE FROM stops WHERE number = ? AND list = ?", [hashed, BY_PERSON])
    event = EventWriter(connection, sources).append(
        known.id,
        known.id,
        CALLS_ALLOWED,
        actor=actor,
        data={},
        private={NUMBER: masked, "reason": reason, LOOKUP: hashed.hex()},
    )
    to_tell(connection, sources, event)
    return known


def unseal(connection: Connection, which: str, *values: object) -> None:
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
    """Return how many numbers are not called, by list; under None those that people stopped."""
    return {name or None: numbers for name, numbers in count_by_list(connection)}


def count_by_list(connection: Connection) -> list[tuple[str, int]]:
    """Return how many rows count, by the name of their list."""
    rows = connection.execute(
        f"SELECT list, count(*) FROM stops WHERE {COUNTS} GROUP BY list ORDER BY list"  # noqa: S608 - fixed text
    )
    return [(name, numbers) for name, numbers in rows]


def _stop(event: Event, name: str) -> DoNotCallEntry:
    return DoNotCallEntry(event.request, event.actor, event.at, name or None)


def to_tell(connection: Connection, sources: WriteContext, event: Event) -> None:
    """Have an event told of in Slack."""
    announce(connection, sources, Announcement(Announced.DO_NOT_CALL, str(event.seq), event=event.seq))


class DoNotCall(Repository):
    """Numbers that are not called."""

    add = writes(add)
    stops = reads(stops)
    stopped_numbers = reads(stopped_numbers)

    async def remove(self, number: str, *, masked: str, actor: str, reason: str) -> DoNotCallEntry | None:
        """Let calls to a number go out again that a person stopped; None where nobody had. Lists stay."""
        allowed = await self._write(
            lambda connection: _remove(
                connection, self._sources, number, masked=masked, actor=actor, reason=reason
            )
        )
        await self._database.writer.wipe()
        return allowed

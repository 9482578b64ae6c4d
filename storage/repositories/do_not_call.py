"""Numbers that are not called: who stopped them, and the lists that they are on.

Only a number's keyed hash is kept here, apart from erasable data, so erasing a person's data does not lift
the stop. The chain records who and when, and how many numbers a list has. The reason and the masked number
are in erasable rows. Events also commit to the hashes that they stopped, with a salt that is deleted once
these are no longer stopped. So an exchange of hashes in the table is detected. Each function runs in one
transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection
from types import MappingProxyType
from typing import Final

from storage import StorageError
from storage.changes import APPROVALS, Announced, Announcement
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import (
    CALLS_ALLOWED,
    CALLS_STOPPED,
    LIST_IMPORT_BEGAN,
    LIST_IMPORTED,
    LIST_REMOVED,
    NumberSeal,
    microseconds,
)
from storage.event_log.writer import SALT_BYTES, EventWriter, WriteContext
from storage.models import DoNotCallEntry, Event, Scalar
from storage.repositories.outbox import announce
from storage.repositories.rows import as_event

EVENTS: Final = frozenset({CALLS_STOPPED, CALLS_ALLOWED, LIST_IMPORT_BEGAN, LIST_IMPORTED, LIST_REMOVED})


NUMBER: Final = "number"
"""The erasable field with the masked number of a stop."""
LOOKUP: Final = "lookup"
"""The erasable field with the keyed hash of a number whose stop was lifted."""
SEALED: Final = "sealed"
"""The key in an event's data of its commitment to the numbers that it stopped."""

UNDONE: Final = "undone"
"""The key in an event's data that says that a person undid their own stop."""
_BLOCKS: Final = "block:"
"""Prefix of a button's nonce that a stop used up. Its content is the id of the stop that it made."""
_ALSO: Final = "also:"
"""Prefix of that content if another person's stop was there already."""
_PRESSED: Final = "SELECT content FROM nonces WHERE nonce = ?"

BY_PERSON: Final = ""
"""Stands in place of a list's name for a number that a person stopped."""

COUNTS: Final = "stops.event NOT IN (SELECT event FROM unfinished_lists)"
"""SQL condition: a row of ``stops`` counts."""

STOPPED: Final = f"""
    (actions.kind = 'place_call' AND EXISTS (
        SELECT 1 FROM lookup JOIN stops ON stops.number = lookup.number
        WHERE lookup.action = actions.n AND {COUNTS}))
"""  # noqa: S608 - fixed text
"""SQL condition: a row of ``actions`` is a call to a stopped number."""


def holds_back(connection: Connection, action: str) -> bool:
    """Return whether an action is a call to a stopped number."""
    found = connection.execute(f"SELECT 1 FROM actions WHERE id = ? AND {STOPPED}", [action])  # noqa: S608 - fixed text
    return found.fetchone() is not None


def find(connection: Connection, number: bytes) -> list[DoNotCallEntry]:
    """Return the reasons why a number is not called, a person's stop first. Empty if it may be called."""
    rows = connection.execute(
        f"""
        SELECT list, events.* FROM stops JOIN events ON events.seq = stops.event
        WHERE number = ? AND {COUNTS} ORDER BY list
        """,  # noqa: S608 - fixed text
        [number],
    )
    return [_stop(as_event(row), row["list"]) for row in rows]


def stops(connection: Connection, sources: WriteContext, number: str) -> list[DoNotCallEntry]:
    """Return the reasons why a number is not called, a person's stop first. Empty if it may be called."""
    return find(connection, sources.lookup(number))


def stopped_of(connection: Connection, sources: WriteContext, numbers: Sequence[str]) -> set[str]:
    """Return those of some numbers that are not called."""
    return {number for number in numbers if find(connection, sources.lookup(number))}


class StopSharedError(StorageError):
    """Another person asked for the same stop meanwhile, so its author alone cannot undo it."""


class StopLiftedError(StorageError):
    """A button was pressed again, and the stop that it had made was lifted since."""


def add(
    connection: Connection,
    sources: WriteContext,
    number: str,
    *,
    masked: str,
    actor: str,
    reason: str | None,
    nonce: str | None = None,
) -> tuple[DoNotCallEntry, bool]:
    """Stop all calls to a number from now on. Return the stop, and True if it is new.

    No `PlaceCall` to the number enters ``sending`` any more: `apply` raises a conflict. `renew_lease` returns
    False for one that is there already. Erasing personal data does not lift the stop.

    ``nonce`` is that of the button. Another press of it makes no other stop: its own stop is returned as new.
    Raises `StopLiftedError` if that was lifted since.
    """
    hashed = sources.lookup(number)
    known = _by_a_person(connection, hashed)
    if nonce and (pressed := connection.execute(_PRESSED, [f"{_BLOCKS}{nonce}"]).fetchone()):
        if known is None:
            raise StopLiftedError(nonce)
        return known, known.id == pressed["content"]
    stop = known or _add(connection, sources, hashed, masked, actor, reason)
    if nonce:
        connection.execute(
            "INSERT INTO nonces (nonce, person, content, at) VALUES (?, ?, ?, ?)",
            [f"{_BLOCKS}{nonce}", actor, f"{_ALSO if known else ''}{stop.id}", microseconds(sources.clock())],
        )
    return stop, known is None


def _add(
    connection: Connection,
    sources: WriteContext,
    hashed: bytes,
    masked: str,
    actor: str,
    reason: str | None,
) -> DoNotCallEntry:
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
    return _stop(event, BY_PERSON)


def _by_a_person(connection: Connection, hashed: bytes) -> DoNotCallEntry | None:
    """Return the stop of a number by a person, or None."""
    return next((one for one in find(connection, hashed) if one.list is None), None)


def _remove(
    connection: Connection, sources: WriteContext, number: str, *, masked: str, actor: str, reason: str
) -> DoNotCallEntry | None:
    """Allow calls to a number that a person stopped. Return that stop, or None. Lists are not changed."""
    hashed = sources.lookup(number)
    known = _by_a_person(connection, hashed)
    if known is None:
        return None
    _allow(connection, sources, known, hashed, actor, {NUMBER: masked, "reason": reason})
    return known


def _undo(
    connection: Connection, sources: WriteContext, stop: str, *, actor: str, not_before: datetime
) -> tuple[DoNotCallEntry, list[DoNotCallEntry]] | None:
    """Allow calls to a number that this person stopped not long ago.

    Return that stop and the stops that remain, or None. Raises `StopSharedError`.
    """
    shared = "SELECT 1 FROM nonces WHERE content = ? AND person <> ?"
    if connection.execute(shared, [f"{_ALSO}{stop}", actor]).fetchone():
        raise StopSharedError(stop)
    row = connection.execute(
        """
        SELECT stops.number, personal.value, events.* FROM events JOIN stops ON stops.event = events.seq
            LEFT JOIN personal ON personal.event = events.seq AND personal.field = ?
        WHERE events.request = ? AND events.name = ? AND events.actor = ? AND events.at >= ? AND list = ?
        """,
        [NUMBER, stop, CALLS_STOPPED, actor, microseconds(not_before), BY_PERSON],
    ).fetchone()
    if row is None:
        return _undone_before(connection, stop, actor)
    known = _stop(as_event(row), BY_PERSON)
    kept = {NUMBER: row["value"]} if row["value"] else {}
    _allow(connection, sources, known, row["number"], actor, kept, {UNDONE: True})
    return known, find(connection, row["number"])


def _undone_before(
    connection: Connection, stop: str, actor: str
) -> tuple[DoNotCallEntry, list[DoNotCallEntry]] | None:
    """Return the same for another press of the button, or None if this person did not undo the stop."""
    row = connection.execute(
        """
        SELECT made.*, personal.value AS hashed
        FROM events JOIN events AS made ON made.request = events.request
            JOIN personal ON personal.event = events.seq AND personal.field = ?
        WHERE events.request = ? AND events.name = ? AND events.actor = ? AND made.name = ?
            AND json_extract(events.data, ?) AND personal.value IS NOT NULL
        """,
        [LOOKUP, stop, CALLS_ALLOWED, actor, CALLS_STOPPED, f"$.{UNDONE}"],
    ).fetchone()
    return row and (_stop(as_event(row), BY_PERSON), find(connection, bytes.fromhex(row["hashed"])))


def _allow(
    connection: Connection,
    sources: WriteContext,
    known: DoNotCallEntry,
    hashed: bytes,
    actor: str,
    private: Mapping[str, str],
    data: Mapping[str, Scalar] = MappingProxyType({}),
) -> None:
    """Delete a person's stop of a number, and record who allowed the calls."""
    unseal(connection, "number = ? AND list = ?", hashed, BY_PERSON)
    connection.execute("DELETE FROM stops WHERE number = ? AND list = ?", [hashed, BY_PERSON])
    event = EventWriter(connection, sources).append(
        known.id,
        known.id,
        CALLS_ALLOWED,
        actor=actor,
        data=dict(data),
        private={**private, LOOKUP: hashed.hex()},
    )
    to_tell(connection, sources, event)


def unseal(connection: Connection, which: str, *values: object) -> None:
    """Delete the salts of the events whose numbers are no longer stopped."""
    connection.execute(
        f"""
        UPDATE seals SET salt = NULL WHERE event IN (
            SELECT seq FROM events WHERE request IN (
                SELECT request FROM events WHERE seq IN (SELECT event FROM stops WHERE {which})))
        """,  # noqa: S608 - fixed text
        values,
    )


def stopped_numbers(connection: Connection) -> Mapping[str | None, int]:
    """Return the count of stopped numbers by list. None stands for the numbers that people stopped."""
    return {name or None: numbers for name, numbers in count_by_list(connection)}


def count_by_list(connection: Connection) -> list[tuple[str, int]]:
    """Return the count of valid rows by the name of their list."""
    rows = connection.execute(
        f"SELECT list, count(*) FROM stops WHERE {COUNTS} GROUP BY list ORDER BY list"  # noqa: S608 - fixed text
    )
    return [(name, numbers) for name, numbers in rows]


def _stop(event: Event, name: str) -> DoNotCallEntry:
    return DoNotCallEntry(event.request, event.actor, event.at, name or None)


def to_tell(connection: Connection, sources: WriteContext, event: Event) -> None:
    """Queue an announcement of an event in Slack. Approvers are told of what a person did, too."""
    announce(connection, sources, Announcement(Announced.DO_NOT_CALL, str(event.seq), event=event.seq))
    if event.name in {CALLS_STOPPED, CALLS_ALLOWED}:
        about = f"{event.seq}:{APPROVALS}"
        told = Announcement(Announced.DO_NOT_CALL, about, to=APPROVALS, event=event.seq)
        announce(connection, sources, told)


class DoNotCall(Repository):
    """Numbers that are not called."""

    add = writes(add)
    stops = reads(stops)
    stopped_numbers = reads(stopped_numbers)
    stopped_of = reads(stopped_of)

    async def remove(self, number: str, *, masked: str, actor: str, reason: str) -> DoNotCallEntry | None:
        """Allow calls to a number that a person stopped. Return that stop, or None. Lists are not changed."""
        allowed = await self._write(
            lambda connection: _remove(
                connection, self._sources, number, masked=masked, actor=actor, reason=reason
            )
        )
        await self._database.writer.wipe()
        return allowed

    async def undo(
        self, stop: str, *, actor: str, not_before: datetime
    ) -> tuple[DoNotCallEntry, list[DoNotCallEntry]] | None:
        """Allow calls to a number that this person stopped since ``not_before``.

        Return that stop and the stops that remain, or None.
        """
        undone = await self._write(
            lambda connection: _undo(connection, self._sources, stop, actor=actor, not_before=not_before)
        )
        await self._database.writer.wipe()
        return undone

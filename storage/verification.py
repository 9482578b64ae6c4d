"""Verifying a SQLite log: the file, the chain, the commitments, and that replayed events give the rows.

It reads one state of the file from beginning to end, in little memory and on a connection of its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from storage import stops
from storage.chain import ERASED, Links, Row, commitment, replay
from storage.connection import UNREADABLE, CannotOpen, open_for_reading
from storage.entries import Event, Verdict
from storage.migrations import applied, schema
from storage.reading import as_event

FAULTS_NAMED: Final = 20
"""So many faults are named; a log with more of them needs its backup."""

_OPERATIONAL: Final = {"lease_until"}
"""Renewed without an event."""

_DAMAGED: Final = (*UNREADABLE, CannotOpen, IndexError, TypeError, ValueError, OverflowError)
"""What reading a damaged file raises: a torn page gives any value, of any type, under any column."""


def verify(path: Path) -> Verdict:
    """Verify the log in a file. What keeps the file from being read is a fault, too."""
    links, entries, faults = Links(), 0, list[str]()
    try:
        with closing(open_for_reading(path)) as connection:
            connection.text_factory = lambda text: text.decode(errors="replace")
            connection.execute("BEGIN")
            faults.extend(_faults(connection, links))
            [(entries,)] = connection.execute("SELECT count(*) FROM actions")
    except _DAMAGED as error:
        faults.append(_unreadable(error))
    return Verdict(links.seq, entries, links.head, tuple(faults[:FAULTS_NAMED]))


def _faults(connection: Connection, links: Links) -> Iterator[str]:
    """Make every check, also where another one could not be made to its end."""
    chain_faults = partial(_chain_faults, links)
    for check in (
        _schema_faults,
        chain_faults,
        _commitment_faults,
        _row_faults,
        stops.faults,
        _file_faults,
    ):
        try:
            yield from islice(check(connection), FAULTS_NAMED)
        except _DAMAGED as error:
            yield _unreadable(error)


def _unreadable(error: Exception) -> str:
    return f"The file is damaged and cannot be read to its end: {error}."


def _file_faults(connection: Connection) -> Iterator[str]:
    for (found,) in connection.execute(f"PRAGMA integrity_check({FAULTS_NAMED})"):
        if found != "ok":
            yield f"SQLite finds the file damaged: {found}."


def _schema_faults(connection: Connection) -> Iterator[str]:
    """Every table, index and trigger is as the file's own migrations make it."""
    expected = schema(applied(connection))
    found = dict(tuple(row) for row in connection.execute("SELECT name, sql FROM sqlite_schema"))
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            yield f"The schema is not ours: {name} was changed, added or taken away."


def _chain_faults(links: Links, connection: Connection) -> Iterator[str]:
    for row in connection.execute("SELECT * FROM events ORDER BY seq"):
        try:
            fault = links.fault(as_event(row))
        except _DAMAGED:
            links.seq, links.head = row["seq"], row["hash"]
            fault = f"Event {row['seq']} ({row['entry']}) cannot be read."
        if fault:
            yield fault


def _commitment_faults(connection: Connection) -> Iterator[str]:
    """Every promised value is there and as promised, or was erased by an event that says so."""
    erased = dict(
        tuple(row)
        for row in connection.execute(
            "SELECT request, max(seq) FROM events WHERE name = ? GROUP BY request", [ERASED]
        )
    )
    rows = connection.execute(
        """
        SELECT events.*, personal.field, personal.salt, personal.value
        FROM events LEFT JOIN personal ON personal.event = events.seq
        WHERE events.private <> '{}' OR personal.id IS NOT NULL ORDER BY events.seq
        """
    )
    for seq, group in groupby(rows, key=lambda row: row["seq"]):
        kept = list(group)
        event = _readable(kept[0])
        if event is None:
            continue
        values = {
            row["field"]: (row["salt"] or b"", row["value"]) for row in kept if row["value"] is not None
        }
        for field in sorted({*event.private, *values}):
            promise = event.private.get(field)
            if field not in values:
                if erased.get(event.request, 0) < seq:
                    yield f"Event {seq} ({event.entry}): its {field} is gone, though nobody erased it."
            elif promise != commitment(*values[field]):
                yield f"Event {seq} ({event.entry}): its {field} is not what was written down."


def _row_faults(connection: Connection) -> Iterator[str]:
    rows = connection.execute("SELECT * FROM events ORDER BY request, seq")
    for request, group in groupby(rows, key=lambda row: row["request"]):
        replayed = replay(event for row in group if (event := _readable(row)))
        if not replayed.request:
            continue  # the report of a fault has no row
        for rows_of_request, name, expected in (
            ("SELECT * FROM requests WHERE id = ?", "id", {request: replayed.request}),
            ("SELECT * FROM actions WHERE request = ?", "id", replayed.entries),
            ("SELECT * FROM approvals WHERE request = ?", "event", replayed.approvals),
        ):
            found = connection.execute(rows_of_request, [request])
            yield from _differences(request, expected, {row[name]: row for row in found})
    for (orphan,) in connection.execute(
        """
        SELECT id FROM (SELECT id, id AS request FROM requests UNION SELECT id, request FROM actions) AS row
        WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.request = row.request)
        """
    ):
        yield f"{orphan}: no event made its row."


def _differences(
    request: str, expected: Mapping[Any, Row], found: Mapping[Any, Mapping[str, Any]]
) -> Iterator[str]:
    for key in sorted({*expected, *found}, key=str):
        name = key if isinstance(key, str) else f"{request}, the decision of event {key}"
        if key not in found:
            yield f"{name}: its row is gone."
        elif key not in expected:
            yield f"{name}: no event made its row."
        else:
            row = dict(found[key])
            for column, value in expected[key].items():
                # A column that the file's migrations do not have yet says nothing, like its events.
                if column not in _OPERATIONAL and row.get(column) != value:
                    yield f"{name}: its row says {column} = {row.get(column)}, its events say {value}."


def _readable(row: Mapping[str, Any]) -> Event | None:
    try:
        event = as_event(row)
    except _DAMAGED:
        return None
    return event if isinstance(event.data, dict) and isinstance(event.private, dict) else None

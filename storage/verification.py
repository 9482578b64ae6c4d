"""Verifying a SQLite log: the file, the chain, the commitments, and that replayed events give the rows.

It reads one state of the file from beginning to end, in little memory and on a connection of its own. With
the key of look-ups it also checks that each action is found under its own number.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from storage import stops
from storage.appending import Sources
from storage.chain import ERASED, Links, Row, canonical, commitment, replay
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


def verify(path: Path, *, key: bytes | None = None) -> Verdict:
    """Verify the log in a file. What keeps the file from being read is a fault, too.

    Without the ``key`` of look-ups, only that there are as many as there should be is checked of these.
    """
    links, entries, faults = Links(), 0, list[str]()
    try:
        with closing(open_for_reading(path)) as connection:
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")
            connection.execute("BEGIN")
            faults.extend(_faults(connection, links, key))
            [(entries,)] = connection.execute("SELECT count(*) FROM actions")
    except _DAMAGED as error:
        faults.append(_unreadable(error))
    named = [fault.encode(errors="backslashreplace").decode() for fault in faults[:FAULTS_NAMED]]
    return Verdict(links.seq, entries, links.head, tuple(named))


def _faults(connection: Connection, links: Links, key: bytes | None) -> Iterator[str]:
    """Make every check, also where another one could not be made to its end."""
    checks: tuple[Callable[[Connection], Iterator[str]], ...] = (
        _schema_faults,
        partial(_chain_faults, links),
        _commitment_faults,
        _row_faults,
        _orphans,
        partial(_lookup_faults, key),
        stops.faults,
        _file_faults,
    )
    for check in checks:
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
            event = as_event(row)
            fault = links.fault(event)
            # SQL reads the text itself: of a key that stands twice, the first; here, the last counts.
            written = canonical(event.data), canonical(event.private)
            if fault is None and (row["data"], row["private"]) != written:
                fault = f"Event {event.seq} ({event.entry}) was changed after it was written."
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
            elif not _keeps(promise, *values[field]):
                yield f"Event {seq} ({event.entry}): its {field} is not what was written down."


def _keeps(promise: str | None, salt: bytes, value: str) -> bool:
    try:
        return promise == commitment(salt, value)
    except UnicodeEncodeError:  # no text that was ever written
        return False


def _row_faults(connection: Connection) -> Iterator[str]:
    rows = connection.execute("SELECT * FROM events ORDER BY request, seq")
    for request, group in groupby(rows, key=lambda row: row["request"]):
        replayed = replay(event for row in group if (event := _readable(row)))
        own = {request: replayed.request} if replayed.request else {}  # the report of a fault has no row
        for rows_of_request, name, expected in (
            ("SELECT * FROM requests WHERE id = ?", "id", own),
            ("SELECT * FROM actions WHERE request = ?", "id", replayed.entries),
            ("SELECT * FROM approvals WHERE request = ?", "event", replayed.approvals),
        ):
            found = connection.execute(rows_of_request, [request])
            yield from _differences(request, expected, {row[name]: row for row in found})


def _orphans(connection: Connection) -> Iterator[str]:
    """Rows that no event made, and actions in another order than they were asked in."""
    for (orphan,) in connection.execute(
        """
        SELECT id FROM (
            SELECT id, id AS request FROM requests UNION SELECT id, request FROM actions
            UNION SELECT request, request FROM approvals) AS row
        WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.request = row.request)
        """
    ):
        yield f"{orphan}: no event made its row."
    for event, field in connection.execute(
        "SELECT event, field FROM personal WHERE event NOT IN (SELECT seq FROM events)"
    ):
        yield f"Event {event} is not there, though its {field} is."
    for (moved,) in connection.execute(
        "SELECT id FROM (SELECT id, asked_event, lag(asked_event) OVER (ORDER BY n) AS before FROM actions)"
        " WHERE asked_event <= before"
    ):
        yield f"{moved}: its row is not in the place in which it was asked."


def _lookup_faults(key: bytes | None, connection: Connection) -> Iterator[str]:
    """Every action that is aimed at a number is found by that, and no other."""
    sources = Sources(key) if key else None
    kept = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone() if sources else None
    if sources and (kept is None or kept["value"] != sources.lookup("key")):
        yield "The log was written with another key: whether numbers are found under it was not checked."
        sources = None
    rows = connection.execute(
        """
        SELECT actions.id, lookup.number, CASE
                WHEN target_id IS NOT NULL THEN NULL
                WHEN json_extract(value, '$.to') IS NOT NULL THEN json_extract(value, '$.to')
                ELSE coalesce(json_extract(value, '$.target.to'), json_extract(value, '$.target.call_id'),
                    json_extract(value, '$.target.campaign_id'))
            END AS aim
        FROM actions LEFT JOIN lookup ON lookup.action = actions.n
        LEFT JOIN personal ON personal.event = actions.asked_event AND personal.field = 'action'
        UNION ALL
        SELECT 'action ' || action, number, NULL FROM lookup WHERE action NOT IN (SELECT n FROM actions)
        """
    )
    for row in rows:
        match row["aim"], row["number"]:
            case None, None:
                pass
            case _, None:
                yield f"{row['id']}: it is not found by what it is aimed at."
            case None, _:
                yield f"{row['id']}: it is found by a number, and is aimed at none that is kept."
            case aim, number if sources and number != sources.lookup(aim):
                yield f"{row['id']}: it is found by another number than it is aimed at."


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
                if column not in _OPERATIONAL and column in row and row[column] != value:
                    yield f"{name}: its row says {column} = {row.get(column)}, its events say {value}."


def _readable(row: Mapping[str, Any]) -> Event | None:
    try:
        event = as_event(row)
    except _DAMAGED:
        return None
    return event if isinstance(event.data, dict) and isinstance(event.private, dict) else None

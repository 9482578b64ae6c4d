"""Verifies a SQLite log: the file, the chain, the commitments, and that replayed events give the rows.

It needs little memory, and reads in portions on a connection of its own. Each portion is read as of one
moment, which ends with it, so that the write-ahead log can be truncated while a bot writes. Concurrent
changes of a bot cause no fault and hide none:

- Events are only appended. A portion of the chain begins with the last event of the previous portion, which
  must still have its hash. Reading continues to the end of the chain, and the report is about that end.
- An erasure blanks values and appends its event together. Both are read as of the same moment.
- A request's rows are compared with all its events as of the same moment, including those appended since.

With the key of look-ups it also checks that each action is found under its own number.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from sqlite_utils import Database

from providers.phone import InvalidNumberError, mask
from storage.database.connection import UNREADABLE, CannotOpenLogError, is_overgrown, open_for_reading, wipe
from storage.database.migrations import OtherSchemaError, refuse_others, schema
from storage.event_log.hash_chain import ERASED, ChainVerifier, Row, canonical, commitment, replay
from storage.event_log.writer import WriteContext, keeps_to
from storage.maintenance.call_list_verification import call_list_faults
from storage.maintenance.do_not_call_verification import stop_faults
from storage.maintenance.pause_verification import pause_faults
from storage.models import Event, VerificationReport
from storage.repositories.rows import as_event
from storage.states import State

FAULTS_NAMED: Final = 20
"""Faults that are named, at most. A log with more of them needs its backup."""

PORTION: Final = 2_000
"""Events, requests or actions that are read as of one moment: about a tenth of a second."""

_OPERATIONAL: Final = {"lease_until"}
"""Columns that are renewed without an event."""

_DAMAGED: Final = (*UNREADABLE, CannotOpenLogError, LookupError, TypeError, ValueError, OverflowError)
"""Errors of reading a damaged file. A torn page gives any value, of any type, in any column."""

_Advance = Callable[[float], None]
"""Callback with the share of a check that is done."""


def verify(
    path: Path,
    *,
    key: bytes | None = None,
    portion: int = PORTION,
    progress: Callable[[float], None] | None = None,
) -> VerificationReport:
    """Verify the log in a file. An unreadable file is a fault, too.

    Without the ``key`` of look-ups, only the presence of the look-ups is checked. ``portion`` is the number
    of events, requests or actions that are read as of one moment. ``progress`` is called between two moments
    with the share of the work that is done, from 0 to 1.
    """
    links, actions, faults = ChainVerifier(), 0, list[str]()
    try:
        with closing(open_for_reading(path)) as connection:
            refuse_others(Database(connection, execute_plugins=False))
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")
            faults.extend(_faults(connection, links, key, portion, progress or (lambda _: None)))
            [(actions,)] = connection.execute("SELECT count(*) FROM actions")
    except OtherSchemaError as error:
        faults.append(f"The file can't be verified: {error}.")
    except _DAMAGED as error:
        faults.append(_unreadable(error))
    named = [fault.encode(errors="backslashreplace").decode() for fault in faults[:FAULTS_NAMED]]
    return VerificationReport(links.seq, actions, links.head, tuple(named))


def _faults(
    connection: Connection,
    links: ChainVerifier,
    key: bytes | None,
    portion: int,
    progress: Callable[[float], None],
) -> Iterator[str]:
    """Yield the faults of every check, even if another check could not finish."""
    checks: tuple[Callable[[Connection, _Advance], Iterator[str]], ...] = (
        _at_once(_schema_faults),
        partial(_chain_faults, links, portion),
        partial(_commitment_faults, portion),
        partial(_row_faults, portion),
        _at_once(_orphans),
        partial(_lookup_faults, key, portion),
        _at_once(partial(_masked_faults, key)),
        *map(_at_once, (stop_faults, pause_faults, call_list_faults, _file_faults)),
    )
    for number, check in enumerate(checks):

        def advance(share: float, done: int = number) -> None:
            progress((done + min(share, 1.0)) / len(checks))

        try:
            yield from islice(check(connection, advance), FAULTS_NAMED)
        except _DAMAGED as error:
            yield _unreadable(error)
        advance(1.0)


@contextmanager
def _moment(connection: Connection) -> Iterator[None]:
    """Read as of one moment. Before it begins, try to truncate a write-ahead log that has grown.

    A writer truncates it only if all of it is in the file and nobody reads it. Between the moments of a
    verification a writer rarely meets that, however short they are.
    """
    if is_overgrown(connection):
        wipe(connection)
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _at_once(
    check: Callable[[Connection], Iterator[str]],
) -> Callable[[Connection, _Advance], Iterator[str]]:
    """Return a check that runs as of one moment, because it reads little or must count a whole."""

    def made(connection: Connection, _: _Advance) -> Iterator[str]:
        with _moment(connection):
            found = list(islice(check(connection), FAULTS_NAMED))
        yield from found

    return made


def _ends(connection: Connection, numbers: str, portion: int, advance: _Advance) -> Iterator[tuple[Any, Any]]:
    """Begin a moment for each portion of ``numbers``, a table and its column, in ascending order.

    Yield each portion as the value before it and its last value.
    """
    table, column = numbers.split(".")
    after: Any = None
    done = 0
    while True:
        with _moment(connection):
            beyond, values = ("TRUE", []) if after is None else (f"{column} > ?", [after])
            [(last, found)] = connection.execute(
                f"SELECT max({column}), count(*) FROM (SELECT DISTINCT {column} FROM {table}"  # noqa: S608 - fixed text
                f" WHERE {beyond} ORDER BY {column} LIMIT ?)",
                [*values, portion],
            )
            if last is None:
                return
            if done == 0:
                [(every,)] = connection.execute(f"SELECT count(DISTINCT {column}) FROM {table}")  # noqa: S608 - fixed text
            yield after, last
        after, done = last, done + found
        advance(done / max(every, 1))


def _behind(column: str, after: object, last: object) -> tuple[str, list[object]]:
    """Return the condition for a portion, and its values."""
    return (f"{column} <= ?", [last]) if after is None else (f"{column} > ? AND {column} <= ?", [after, last])


def _unreadable(error: Exception) -> str:
    return f"The file is damaged and can't be read to its end: {error}."


def _file_faults(connection: Connection) -> Iterator[str]:
    for (found,) in connection.execute(f"PRAGMA integrity_check({FAULTS_NAMED})"):
        if found != "ok":
            yield f"SQLite finds the file damaged: {found}."


def _schema_faults(connection: Connection) -> Iterator[str]:
    """Yield every table, index or trigger that differs from the migrations'."""
    expected = schema()
    found = dict(tuple(row) for row in connection.execute("SELECT name, sql FROM sqlite_schema"))
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            yield f"The schema isn't ours: {name} was changed, added or taken away."


def _chain_faults(
    links: ChainVerifier, portion: int, connection: Connection, advance: _Advance
) -> Iterator[str]:
    known: tuple[int, object] | None = None
    while True:
        with _moment(connection):
            where, values = ("TRUE", []) if known is None else ("seq >= ?", [known[0]])
            rows = connection.execute(
                f"SELECT * FROM events WHERE {where} ORDER BY seq LIMIT ?",  # noqa: S608 - fixed text
                [*values, portion + 1],
            ).fetchall()
            [(end,)] = connection.execute("SELECT max(seq) FROM events")
        if known:
            if not rows or (rows[0]["seq"], rows[0]["hash"]) != known:
                yield f"Event {known[0]} was changed while the log was read."
                return
            rows = rows[1:]
        if not rows or (known and rows[-1]["seq"] <= known[0]):
            return
        for row in rows:
            if fault := _link_fault(links, row):
                yield fault
        known = rows[-1]["seq"], rows[-1]["hash"]
        advance(known[0] / max(end, 1))


def _link_fault(links: ChainVerifier, row: Mapping[str, Any]) -> str | None:
    try:
        event = as_event(row)
        fault = links.fault(event)
        # For a duplicate key, SQL reads the first value, but Python reads the last.
        written = canonical(event.data), canonical(event.private)
        if fault is None and (row["data"], row["private"]) != written:
            fault = f"Event {event.seq} ({event.action}) was changed after it was written."
    except _DAMAGED:
        links.seq, links.head = row["seq"], row["hash"]
        return f"Event {row['seq']} ({row['action']}) can't be read."
    return fault


def _commitment_faults(portion: int, connection: Connection, advance: _Advance) -> Iterator[str]:
    """Yield committed values that differ from their commitment, or are missing without an erasure."""
    for after, last in _ends(connection, "events.seq", portion, advance):
        where, values = _behind("events.seq", after, last)
        rows = connection.execute(
            f"""
            SELECT events.*, personal.field, personal.salt, personal.value
            FROM events LEFT JOIN personal ON personal.event = events.seq
            WHERE {where} AND (events.private <> '{{}}' OR personal.id IS NOT NULL) ORDER BY events.seq
            """,  # noqa: S608 - fixed text
            values,
        )
        for _, group in groupby(rows, key=lambda row: row["seq"]):
            yield from _broken_promises(connection, list(group))


def _broken_promises(connection: Connection, kept: list[Mapping[str, Any]]) -> Iterator[str]:
    event = _readable(kept[0])
    if event is None:
        return
    values = {row["field"]: (row["salt"] or b"", row["value"]) for row in kept if row["value"] is not None}
    for field in sorted({*event.private, *values}):
        promise = event.private.get(field)
        if field not in values:
            if not _was_erased(connection, event):
                yield f"Event {event.seq} ({event.action}): its {field} is gone, though nobody erased it."
        elif not _keeps(promise, *values[field]):
            yield f"Event {event.seq} ({event.action}): its {field} isn't what was written down."


def _was_erased(connection: Connection, event: Event) -> bool:
    erased = connection.execute(
        "SELECT 1 FROM events WHERE request = ? AND name = ? AND seq > ?", [event.request, ERASED, event.seq]
    )
    return erased.fetchone() is not None


def _keeps(promise: str | None, salt: bytes, value: str) -> bool:
    try:
        return promise == commitment(salt, value)
    except UnicodeEncodeError:  # no such text was ever written
        return False


def _row_faults(portion: int, connection: Connection, advance: _Advance) -> Iterator[str]:
    for after, last in _ends(connection, "events.request", portion, advance):
        where, values = _behind("request", after, last)
        rows = connection.execute(
            f"SELECT * FROM events WHERE {where} ORDER BY request, seq",  # noqa: S608 - fixed text
            values,
        )
        for request, group in groupby(rows, key=lambda row: row["request"]):
            replayed = replay(event for row in group if (event := _readable(row)))
            own = {request: replayed.request} if replayed.request else {}  # a reported error has no row
            for rows_of_request, name, expected in (
                ("SELECT * FROM requests WHERE id = ?", "id", own),
                ("SELECT * FROM actions WHERE request = ?", "id", replayed.actions),
                ("SELECT * FROM approvals WHERE request = ?", "event", replayed.approvals),
            ):
                found = connection.execute(rows_of_request, [request])
                yield from _differences(request, expected, {row[name]: row for row in found})


def _orphans(connection: Connection) -> Iterator[str]:
    """Yield rows without an event, and actions that are not in the order in which they were requested."""
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
        yield f"Event {event} isn't there, though its {field} is."
    for (moved,) in connection.execute(
        "SELECT id FROM (SELECT id, asked_event, lag(asked_event) OVER (ORDER BY n) AS before FROM actions)"
        " WHERE asked_event <= before"
    ):
        yield f"{moved}: its row isn't in the place in which it was asked."


def _lookup_faults(
    key: bytes | None, portion: int, connection: Connection, advance: _Advance
) -> Iterator[str]:
    """Yield actions that are not found under their own number, or that are found under another."""
    sources = WriteContext(key) if key else None
    if sources and not keeps_to(connection, sources):
        yield "The log was written with another key: whether numbers are found under it wasn't checked."
        sources = None
    for after, last in _ends(connection, "actions.n", portion, advance):
        where, values = _behind("actions.n", after, last)
        rows = connection.execute(
            f"""
            SELECT actions.id, lookup.number, CASE
                    WHEN target_id IS NOT NULL THEN NULL
                    WHEN json_extract(value, '$.to') IS NOT NULL THEN json_extract(value, '$.to')
                    ELSE coalesce(json_extract(value, '$.target.to'), json_extract(value, '$.target.call_id'),
                        json_extract(value, '$.target.campaign_id'))
                END AS aim
            FROM actions LEFT JOIN lookup ON lookup.action = actions.n
            LEFT JOIN personal ON personal.event = actions.asked_event AND personal.field = 'action'
            WHERE {where}
            """,  # noqa: S608 - fixed text
            values,
        )
        for row in rows:
            match row["aim"], row["number"]:
                case None, None:
                    pass
                case _, None:
                    yield f"{row['id']}: it isn't found by what it is aimed at."
                case None, _:
                    yield f"{row['id']}: it is found by a number, and is aimed at none that is kept."
                case aim, number if sources and number != sources.lookup(aim):
                    yield f"{row['id']}: it is found by another number than it is aimed at."
    with _moment(connection):
        loose = connection.execute("SELECT action FROM lookup WHERE action NOT IN (SELECT n FROM actions)")
        for (action,) in loose:
            yield f"action {action}: it is found by a number, and is aimed at none that is kept."


def _masked_faults(key: bytes | None, connection: Connection) -> Iterator[str]:
    """Yield pending actions not found under their masked number, and others that are found."""
    sources = WriteContext(key) if key else None
    if sources is None or not keeps_to(connection, sources):
        return
    rows = connection.execute(
        """
        SELECT actions.id, masked, state,
            coalesce(json_extract(value, '$.to'), json_extract(value, '$.target.to')) AS dialled
        FROM lookup CROSS JOIN actions ON actions.n = lookup.action
        LEFT JOIN personal ON personal.event = asked_event AND personal.field = 'action'
        WHERE masked IS NOT NULL OR state = 'pending'
        """
    )
    for row in rows:
        pending = row["state"] == State.PENDING and row["dialled"] is not None
        try:
            expected = sources.lookup(mask(row["dialled"])) if pending else None
        except InvalidNumberError:
            continue  # no valid number was ever written: the event's fault says so
        if row["masked"] != expected:
            yield f"{row['id']}: it isn't found, while it's pending, by what its number reads like."


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
                if column not in _OPERATIONAL and row[column] != value:
                    yield f"{name}: its row says {column} = {row.get(column)}, its events say {value}."


def _readable(row: Mapping[str, Any]) -> Event | None:
    try:
        event = as_event(row)
    except _DAMAGED:
        return None
    return event if isinstance(event.data, dict) and isinstance(event.private, dict) else None

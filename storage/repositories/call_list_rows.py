"""The rows of call lists before they are requested: kept, counted, and erased.

The hash over all rows is in the list's request. The commitment to each row stays when its value is erased.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from providers.actions import RequestedAction
from storage.event_log import hash_chain
from storage.event_log.hash_chain import microseconds
from storage.event_log.writer import SALT_BYTES, WriteContext
from storage.repositories.rows import as_json

KEPT: Final = 86_400_000_000
"""Microseconds for which the rows of a list that nobody asked for are kept."""
ERASED_PROBLEM: Final = "Erased."
"""Stands in place of the reason for which an erased row was left out."""


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row of a file: what to do, or the ``problem`` for which it is left out.

    ``number`` is where it is found by. ``due_at`` is the earliest time to request it.
    """

    line: int
    action: RequestedAction | None
    number: str | None = None
    zone: str | None = None
    problem: str | None = None
    due_at: datetime | None = None


def begin(connection: Connection, sources: WriteContext, person: str) -> int:
    """Create an empty list, and erase the rows of lists that nobody asked for in time. Return its id."""
    forget_unasked(connection, sources)
    now = microseconds(sources.clock())
    made = connection.execute("INSERT INTO call_lists (person, at) VALUES (?, ?)", [person, now])
    return int(made.lastrowid or 0)


def forget(connection: Connection, which: str, values: Mapping[str, object]) -> int:
    """Erase rows that meet a condition: the action, and the text of a problem. Return their count."""
    blanked = connection.execute(
        f"""
        UPDATE call_list_rows SET number = NULL, salt = NULL, value = NULL, due_at = NULL,
            problem = CASE WHEN problem IS NULL THEN NULL ELSE :erased END
        WHERE (value IS NOT NULL OR problem <> :erased) AND {which}
        """,  # noqa: S608 - fixed text
        {"erased": ERASED_PROBLEM, **values},
    )
    return blanked.rowcount


def forget_unasked(connection: Connection, sources: WriteContext) -> int:
    """Erase the rows of lists that nobody asked for in time. Return their count."""
    return forget(
        connection,
        "list IN (SELECT id FROM call_lists WHERE request IS NULL AND at < :before)",
        {"before": microseconds(sources.clock()) - KEPT},
    )


def add(connection: Connection, sources: WriteContext, list_id: int, rows: Sequence[NewRow]) -> None:
    """Append rows to a list that is not requested yet."""
    now = sources.clock()
    connection.executemany(
        """
        INSERT INTO call_list_rows (list, line, number, salt, value, sealed, problem, due_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [_columns(sources, list_id, row, now) for row in rows],
    )


def _columns(sources: WriteContext, list_id: int, row: NewRow, now: datetime) -> list[object]:
    if row.action is None or row.problem:
        return [list_id, row.line, None, None, None, None, row.problem, None]
    salt, value = sources.random(SALT_BYTES), _value(row.action, row.zone)
    return [
        list_id,
        row.line,
        sources.lookup(row.number) if row.number else None,
        salt,
        value,
        hash_chain.commitment(salt, value),
        None,
        microseconds(row.due_at or now),
    ]


def _value(action: RequestedAction, zone: str | None) -> str:
    return f"{zone or ''}\n{as_json(action)}"


def rows_of(connection: Connection, list_id: int) -> str:
    """Return the hash over all rows of a list: the line of each, and its commitment."""
    told = hashlib.sha256()
    rows = connection.execute("SELECT line, sealed FROM call_list_rows WHERE list = ? ORDER BY id", [list_id])
    for line, sealed in rows:
        told.update(f"{line} {sealed or ''}\n".encode())
    return told.hexdigest()


def mine(connection: Connection, list_id: int, person: str) -> bool:
    """Return whether a list is this person's and not requested yet."""
    found = connection.execute(
        "SELECT 1 FROM call_lists WHERE id = ? AND person = ? AND request IS NULL", [list_id, person]
    )
    return found.fetchone() is not None


def requested_before(connection: Connection, sha256: str) -> list[str]:
    """Return the requests of call lists with the same file, the newest last, at most three."""
    rows = connection.execute(
        """
        SELECT call_lists.request FROM call_lists CROSS JOIN actions ON actions.request = call_lists.request
            CROSS JOIN events ON events.seq = actions.asked_event
        WHERE json_extract(events.data, '$.sha256') = ? AND state NOT IN ('denied', 'expired', 'refused')
        ORDER BY call_lists.id DESC LIMIT 3
        """,
        [sha256],
    ).fetchall()
    return [request for (request,) in reversed(rows)]


def problems(connection: Connection, list_id: int) -> list[tuple[int, str]]:
    """Return the rows of a list that are left out: line and reason, in the file's order."""
    rows = connection.execute(
        "SELECT line, problem FROM call_list_rows WHERE list = ? AND problem IS NOT NULL ORDER BY id",
        [list_id],
    )
    return [(line, problem) for line, problem in rows]

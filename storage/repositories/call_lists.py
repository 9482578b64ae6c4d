"""Call lists: files with many calls, which are requested and approved as one.

A list is a request with a single action, which no provider carries out. Each row of its file becomes a
request of its own when its turn comes, in one transaction with the mark on the row, so that none is made
twice. The action of the list commits to all rows.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Final

from providers.actions import CallList, RequestedAction
from storage.changes import ChangeSet, NewRequest, Transition
from storage.database.repository import Repository, reads, writes
from storage.errors import ConflictError, RequestNotFoundError
from storage.event_log import hash_chain
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import SALT_BYTES, WriteContext
from storage.models import ListProgress, Request
from storage.repositories.rows import as_action, as_json, read_request
from storage.repositories.transitions import StaleChangeError, apply
from storage.states import State

STOPPED: Final = "list_stopped"
"""The transition of a call list, and of its requests that are not sent yet, when a person stops the rest."""
FINISHED: Final = "list_finished"
"""The transition of a call list whose rows have all ended."""
KEPT: Final = 86_400_000_000
"""Microseconds for which the rows of a list that nobody asked for are kept."""


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


@dataclass(frozen=True, slots=True)
class DueRow:
    """A row that is to be requested now. ``action`` is None if it was erased or changed."""

    id: int
    action: RequestedAction | None
    zone: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """The rows of a list to request next. ``over`` means that no row is left, and no request is open."""

    rows: Sequence[DueRow]
    over: bool


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: its request as it is now, or the problem for which it was left out.

    All three are None for a row that was not requested.
    """

    line: int
    action: RequestedAction | None
    problem: str | None
    request: Request | None


def begin(connection: Connection, sources: WriteContext, person: str) -> int:
    """Create an empty list, and erase the rows of lists that nobody asked for in time. Return its id."""
    now = microseconds(sources.clock())
    connection.execute(
        """
        UPDATE call_list_rows SET number = NULL, salt = NULL, value = NULL, due_at = NULL
        WHERE value IS NOT NULL AND list IN (SELECT id FROM call_lists WHERE request IS NULL AND at < ?)
        """,
        [now - KEPT],
    )
    made = connection.execute("INSERT INTO call_lists (person, at) VALUES (?, ?)", [person, now])
    return int(made.lastrowid or 0)


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


def row_request(connection: Connection, new: NewRequest) -> str | None:
    """Return the request that a row or a list has already, or None."""
    found = None
    if new.row is not None:
        found = connection.execute("SELECT request FROM call_list_rows WHERE id = ?", [new.row]).fetchone()
    elif isinstance(asked := new.actions[0].action, CallList):
        found = connection.execute("SELECT request FROM call_lists WHERE id = ?", [asked.list]).fetchone()
    return found and found["request"]


def mark(connection: Connection, new: NewRequest, request: str) -> None:
    """Record that a row or a list is requested. From then on, a row's request has its value."""
    if new.row is not None:
        connection.execute(
            """
            UPDATE call_list_rows SET request = ?, due_at = NULL, number = NULL, salt = NULL, value = NULL
            WHERE id = ?
            """,
            [request, new.row],
        )
    elif isinstance(asked := new.actions[0].action, CallList):
        connection.execute("UPDATE call_lists SET request = ? WHERE id = ?", [request, asked.list])


def progress(connection: Connection, sources: WriteContext, request: str) -> ListProgress:
    """Return the progress of a call list. Raises `RequestNotFoundError` for any other request."""
    known = connection.execute("SELECT id, paused FROM call_lists WHERE request = ?", [request]).fetchone()
    if known is None:
        raise RequestNotFoundError(request)
    counts: dict[State, int] = {}
    endings: dict[str, int] = {}
    made = connection.execute(
        """
        SELECT actions.state, actions.ending, count(*) AS count
        FROM call_list_rows AS one CROSS JOIN actions ON actions.request = one.request
        WHERE one.list = ? GROUP BY actions.state, actions.ending
        """,
        [known["id"]],
    )
    for row in made:
        counts[State(row["state"])] = counts.get(State(row["state"]), 0) + row["count"]
        if row["ending"]:
            endings[row["ending"]] = endings.get(row["ending"], 0) + row["count"]
    [(waiting, next_at)] = connection.execute(
        "SELECT count(*), min(due_at) FROM call_list_rows WHERE list = ? AND due_at IS NOT NULL",
        [known["id"]],
    )
    now = microseconds(sources.clock())
    next_due = None if next_at is None or next_at <= now else moment(next_at)
    return ListProgress(counts, endings, waiting, next_due, paused=bool(known["paused"]))


def mine(connection: Connection, list_id: int, person: str) -> bool:
    """Return whether a list is this person's and not requested yet."""
    found = connection.execute(
        "SELECT 1 FROM call_lists WHERE id = ? AND person = ? AND request IS NULL", [list_id, person]
    )
    return found.fetchone() is not None


def turn(connection: Connection, request: str, now: datetime, most: int) -> Turn:
    """Return a list's next rows to request, so that at most ``most`` of its requests are open.

    They are in the file's order, as far as their hours allow.
    """
    [(list_id, paused)] = connection.execute(
        "SELECT id, paused FROM call_lists WHERE request = ?", [request]
    ).fetchall()
    [(open_,)] = connection.execute(
        """
        SELECT count(*) FROM actions INDEXED BY actions_state CROSS JOIN requests ON requests.id = request
        WHERE state IN ('approved', 'sending') AND call_list = ?
        """,
        [request],
    )
    rows = connection.execute(
        "SELECT * FROM call_list_rows WHERE list = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?",
        [list_id, microseconds(now), max(0, most - open_)],
    ).fetchall()
    left = connection.execute(
        "SELECT 1 FROM call_list_rows WHERE list = ? AND due_at IS NOT NULL LIMIT 1", [list_id]
    )
    return Turn([] if paused else [_due(row) for row in rows], over=not open_ and left.fetchone() is None)


def _due(row: Row) -> DueRow:
    value, salt = row["value"], row["salt"]
    if value is None or hash_chain.commitment(salt or b"", value) != row["sealed"]:
        return DueRow(row["id"], None, None)
    zone, _, action = value.partition("\n")
    return DueRow(row["id"], as_action(action), zone or None)


def postpone(connection: Connection, row: int, until: datetime) -> None:
    """Request a row at a later time."""
    connection.execute(
        "UPDATE call_list_rows SET due_at = ? WHERE id = ? AND due_at IS NOT NULL", [microseconds(until), row]
    )


def leave_out(connection: Connection, row: int, problem: str) -> None:
    """Leave a row out for good, with the reason."""
    connection.execute(
        "UPDATE call_list_rows SET due_at = NULL, problem = ? WHERE id = ? AND due_at IS NOT NULL",
        [problem, row],
    )


def running(connection: Connection, now: datetime) -> list[Request]:
    """Return the call lists that are approved and not at their end."""
    rows = connection.execute(
        """
        SELECT request FROM actions INDEXED BY actions_kind
        WHERE kind IN ('place_list', 'cancel_list') AND state = 'approved' ORDER BY asked_at
        """
    ).fetchall()
    return [read_request(connection, request, now) for (request,) in rows]


def ended_since(connection: Connection, since: datetime) -> list[str]:
    """Return the call lists that finished or were stopped since, whose calls may still end."""
    rows = connection.execute(
        """
        SELECT request FROM actions INDEXED BY actions_kind
        WHERE kind IN ('place_list', 'cancel_list') AND state IN ('succeeded', 'withdrawn')
          AND updated_at >= ?
        """,
        [microseconds(since)],
    )
    return [request for (request,) in rows]


def set_paused(connection: Connection, sources: WriteContext, change: ChangeSet, *, paused: bool) -> Request:
    """Hold the calls of a list back, or let them go on. ``change`` records it.

    Raises:
        StaleChangeError: The list is over, or paused already, or not paused.
    """
    changed = connection.execute(
        """
        UPDATE call_lists SET paused = :paused WHERE request = :request AND paused <> :paused
          AND EXISTS (SELECT 1 FROM actions WHERE actions.request = :request AND state = 'approved')
        """,
        {"request": change.request, "paused": paused},
    )
    if not changed.rowcount:
        raise StaleChangeError(change.request)
    return apply(connection, sources, change)


def stop(connection: Connection, sources: WriteContext, change: ChangeSet) -> Request:
    """Stop a list: its other rows are not requested, and its requests that are not sent are withdrawn.

    Raises:
        StaleChangeError: The list is over.
    """
    now = sources.clock()
    unsent = connection.execute(
        """
        SELECT actions.id, actions.request
        FROM call_lists CROSS JOIN call_list_rows AS one ON one.list = call_lists.id
            CROSS JOIN actions ON actions.request = one.request
        WHERE call_lists.request = ? AND state = 'approved' AND maybe_executed = 0 ORDER BY one.id
        """,
        [change.request],
    ).fetchall()
    for action, request in unsent:
        move = Transition(action, STOPPED, frozenset({State.APPROVED}), State.WITHDRAWN)
        apply(connection, sources, ChangeSet(request, change.actor, [move]))
    connection.execute("UPDATE call_lists SET paused = 0 WHERE request = ?", [change.request])
    apply(connection, sources, change)
    return read_request(connection, change.request, now)


def tell(connection: Connection, sources: WriteContext, request: str) -> bool:
    """Queue an update of a list's audit message, unless one waits. Return whether it was queued."""
    now = microseconds(sources.clock())
    queued = connection.execute(
        """
        INSERT INTO outbox (request, action, event, template, slot, added_at)
        SELECT request, id, last_event, 'state', 'audit', :now FROM actions
        WHERE request = :request AND NOT EXISTS (
            SELECT 1 FROM outbox WHERE outbox.request = :request AND slot = 'audit' AND ended IS NULL)
        """,
        {"request": request, "now": now},
    )
    return queued.rowcount == 1


def results(
    connection: Connection, request: str, now: datetime, after: int, limit: int
) -> list[tuple[int, RowResult]]:
    """Return what became of the rows of a list after a row's id, in the file's order, each with its id."""
    rows = connection.execute(
        """
        SELECT one.* FROM call_lists CROSS JOIN call_list_rows AS one ON one.list = call_lists.id
        WHERE call_lists.request = ? AND one.id > ? ORDER BY one.id LIMIT ?
        """,
        [request, after, limit],
    ).fetchall()
    return [(row["id"], _result(connection, row, now)) for row in rows]


def _result(connection: Connection, row: Row, now: datetime) -> RowResult:
    made = read_request(connection, row["request"], now) if row["request"] else None
    action = as_action(row["value"].partition("\n")[2]) if row["value"] else None
    return RowResult(row["line"], action, row["problem"], made)


def problems(connection: Connection, list_id: int) -> list[tuple[int, str]]:
    """Return the rows of a list that are left out: line and reason, in the file's order."""
    rows = connection.execute(
        "SELECT line, problem FROM call_list_rows WHERE list = ? AND problem IS NOT NULL ORDER BY id",
        [list_id],
    )
    return [(line, problem) for line, problem in rows]


class CallLists(Repository):
    """Call lists and their rows."""

    begin = writes(begin)
    add = writes(add)
    rows_of = reads(rows_of)
    mine = reads(mine)
    turn = reads(turn)
    progress = reads(progress)
    ended_since = reads(ended_since)
    postpone = writes(postpone)
    leave_out = writes(leave_out)
    running = reads(running)
    tell = writes(tell)
    results = reads(results)
    problems = reads(problems)

    async def set_paused(self, change: ChangeSet, *, paused: bool) -> Request:
        """Hold the calls of a list back, or let them go on. ``change`` records it.

        Raises `ConflictError` if the list is over, or is paused or goes on already.
        """
        return await self._changed(
            change, lambda connection: set_paused(connection, self._sources, change, paused=paused)
        )

    async def stop(self, change: ChangeSet) -> Request:
        """Stop a list: its other rows are not requested, and its requests that are not sent are withdrawn.

        Raises `ConflictError` if the list is over.
        """
        return await self._changed(change, lambda connection: stop(connection, self._sources, change))

    async def _changed(self, change: ChangeSet, work: Callable[[Connection], Request]) -> Request:
        try:
            return await self._write(work)
        except StaleChangeError:
            now = self._sources.clock()
            current = await self._read(lambda connection: read_request(connection, change.request, now))
            raise ConflictError(current) from None

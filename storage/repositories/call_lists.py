"""Call lists: files with many calls, which are requested and approved as one.

A list is a request with a single action, which no provider carries out. Each row of its file becomes a
request of its own when its turn comes, in one transaction with the mark on the row, so that none is made
twice. The action of the list commits to all rows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Final

from providers.actions import CallList, RequestedAction
from storage.changes import ChangeSet, NewRequest, Transition
from storage.database.repository import Repository, reads, writes
from storage.errors import ConflictError, RequestNotFoundError, RowNotDueError
from storage.event_log import hash_chain
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import WriteContext
from storage.models import SYSTEM, ListProgress, Request
from storage.repositories import call_list_rows
from storage.repositories.rows import as_action, read_request
from storage.repositories.transitions import StaleChangeError, apply
from storage.states import State

STOPPED: Final = "list_stopped"
"""The transition of a call list, and of its requests that are not sent yet, when a person stops the rest."""
FINISHED: Final = "list_finished"
"""The transition of a call list whose rows have all ended."""


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
    """Result of a row: its request as it is now, or the problem for which it was left out.

    All three are None for a row that was not requested.
    """

    line: int
    action: RequestedAction | None
    problem: str | None
    request: Request | None


def row_request(connection: Connection, new: NewRequest) -> str | None:
    """Return the request that a row or a list has already, or None.

    Raises:
        RowNotDueError: The row is not to be requested any more.
    """
    found = None
    if new.row is not None:
        found = connection.execute(
            """
            SELECT one.request, due_at, state
            FROM call_list_rows AS one CROSS JOIN call_lists ON call_lists.id = one.list
                CROSS JOIN actions ON actions.request = call_lists.request
            WHERE one.id = ?
            """,
            [new.row],
        ).fetchone()
        if found["request"] is None and (found["due_at"] is None or found["state"] != State.APPROVED):
            raise RowNotDueError(new.call_list)
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
    held = connection.execute(
        "SELECT data FROM events WHERE request = ? AND name = ? ORDER BY seq DESC LIMIT 1",
        [request, hash_chain.LIST_PAUSED],
    ).fetchone()
    why = json.loads(held["data"]).get("reasons") if held and known["paused"] else None
    next_due = None if next_at is None or next_at <= now else moment(next_at)
    return ListProgress(counts, endings, waiting, next_due, paused=bool(known["paused"]), held_because=why)


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


def ended_since(connection: Connection, since: datetime) -> dict[str, State]:
    """Return the call lists that ended since, whose calls may still end, with their states."""
    rows = connection.execute(
        """
        SELECT request, state FROM actions INDEXED BY actions_kind
        WHERE kind IN ('place_list', 'cancel_list') AND state IN ('succeeded', 'withdrawn', 'refused')
          AND updated_at >= ?
        """,
        [microseconds(since)],
    )
    return {request: State(state) for request, state in rows}


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
    _withdraw(connection, sources, _unsent(connection, change.request), change.actor)
    apply(connection, sources, change)
    return read_request(connection, change.request, now)


def withdraw_rest(connection: Connection, sources: WriteContext, request: str) -> int:
    """Withdraw what came back to a list after it was stopped: what was being sent, and was not sent at all.

    Return the count.
    """
    unsent = _unsent(connection, request)
    _withdraw(connection, sources, unsent, SYSTEM)
    return len(unsent)


def _unsent(connection: Connection, request: str) -> list[Row]:
    """Return the actions of a list's requests that were certainly not sent."""
    return connection.execute(
        """
        SELECT actions.id, actions.request
        FROM call_lists CROSS JOIN call_list_rows AS one ON one.list = call_lists.id
            CROSS JOIN actions ON actions.request = one.request
        WHERE call_lists.request = ? AND state = 'approved' AND maybe_executed = 0 ORDER BY one.id
        """,
        [request],
    ).fetchall()


def _withdraw(connection: Connection, sources: WriteContext, unsent: Sequence[Row], actor: str) -> None:
    for action, request in unsent:
        move = Transition(action, STOPPED, frozenset({State.APPROVED}), State.WITHDRAWN)
        apply(connection, sources, ChangeSet(request, actor, [move]))


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


class CallLists(Repository):
    """Call lists and their rows."""

    begin = writes(call_list_rows.begin)
    add = writes(call_list_rows.add)
    rows_of = reads(call_list_rows.rows_of)
    mine = reads(call_list_rows.mine)
    turn = reads(turn)
    progress = reads(progress)
    ended_since = reads(ended_since)
    postpone = writes(postpone)
    leave_out = writes(leave_out)
    running = reads(running)
    tell = writes(tell)
    withdraw_rest = writes(withdraw_rest)
    requested_before = reads(call_list_rows.requested_before)
    results = reads(results)
    problems = reads(call_list_rows.problems)

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

"""Pending requests, and the people who were asked to decide them."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final

from providers.actions import Kind
from storage.database.migrations import NEVER
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import WriteContext
from storage.models import ActionRecord, PendingRequest, Request
from storage.repositories.rows import FROM, moment_or_none, read_request, select_actions

_MASKED: Final = FROM.format("lookup CROSS JOIN actions ON actions.n = lookup.action")


_DECIDE_BY: Final = f"coalesce(decide_by, {NEVER})"


_PENDING: Final = "requests WHERE pending = 1"


_APPROVED_BY: Final = """
    (SELECT group_concat(DISTINCT person) FROM approvals
     WHERE approvals.request = requests.id AND decision = 'approve') AS approved_by
"""


def decision_expired(connection: Connection, now: datetime, limit: int) -> list[Request]:
    """Return pending requests whose deadline for a decision has passed, at most ``limit``."""
    past = connection.execute(
        f"SELECT id FROM {_PENDING} AND {_DECIDE_BY} <= ? ORDER BY {_DECIDE_BY}, asked_at, id LIMIT ?",  # noqa: S608 - fixed text
        [microseconds(now), limit],
    ).fetchall()
    return [read_request(connection, found, now) for (found,) in past]


def pending(
    connection: Connection, limit: int, *, after: PendingRequest | None = None, team: str | None = None
) -> list[PendingRequest]:
    """Return a page of pending requests, ordered by their deadline for a decision.

    ``after`` is the last request of the previous page. ``team`` limits the page to a workspace.
    """
    beyond, values = "TRUE", list[object]()
    if after:
        beyond = f"{_DECIDE_BY} >= ? AND ({_DECIDE_BY}, asked_at, id) > (?, ?, ?)"
        end = NEVER if after.decide_by is None else microseconds(after.decide_by)
        values = [end, end, microseconds(after.asked_at), after.id]
    rows = connection.execute(
        f"""
        SELECT *, {_APPROVED_BY} FROM {_PENDING} AND {beyond} AND team = coalesce(?, team)
        ORDER BY {_DECIDE_BY}, asked_at, id LIMIT ?
        """,  # noqa: S608 - fixed text
        [*values, team, limit],
    )
    return list(map(_waiting, rows))


def count_pending(connection: Connection, at_most: int, *, team: str | None = None) -> int:
    """Return the number of pending requests, of a workspace or of all. Counting stops at ``at_most``."""
    [(count,)] = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {_PENDING} AND team = coalesce(?, team) LIMIT ?)",  # noqa: S608 - fixed text
        [team, at_most],
    )
    return int(count)


def pending_since(connection: Connection, after: int, limit: int) -> tuple[list[str], int]:
    """Return the ids of requests that became pending after a place in the log, in order.

    Also return the place to continue from. 0 is before the first.
    """
    # The planner would read and sort everything pending, by its state.
    rows = connection.execute(
        """
        SELECT n, request FROM actions INDEXED BY actions_pending
        WHERE state = 'pending' AND n > ? ORDER BY n LIMIT ?
        """,
        [after, limit],
    ).fetchall()
    return list(dict.fromkeys(row["request"] for row in rows)), rows[-1]["n"] if rows else after


def pending_request(connection: Connection, request: str) -> PendingRequest | None:
    """Return a pending request in short, or None if it is not pending any more."""
    row = connection.execute(
        f"SELECT *, {_APPROVED_BY} FROM requests WHERE id = ? AND pending = 1",  # noqa: S608 - fixed text
        [request],
    ).fetchone()
    return None if row is None else _waiting(row)


def _waiting(row: Mapping[str, Any]) -> PendingRequest:
    return PendingRequest(
        row["id"],
        row["requester"],
        row["team"],
        row["rule"],
        moment(row["asked_at"]),
        decide_by=moment_or_none(row["decide_by"]),
        kind=Kind(row["kind"]),
        approved_by=frozenset(filter(None, (row["approved_by"] or "").split(","))),
    )


def pending_ending_with(connection: Connection, sources: WriteContext, masked: str) -> list[ActionRecord]:
    """Return pending actions whose number looks like ``masked`` when masked, oldest first."""
    return select_actions(
        connection,
        _MASKED,
        "WHERE lookup.masked = :masked ORDER BY actions.n",
        {"masked": sources.lookup(masked)},
    )


def last_notified_at(connection: Connection, people: Collection[str]) -> dict[str, datetime]:
    """Return when each person was last asked to decide or to settle, without those who never were."""
    rows = connection.execute(
        """
        SELECT value AS person, (
            SELECT max(at) FROM events
            WHERE name IN ('asked', 'settle_asked') AND json_extract(data, '$.person') = value) AS at
        FROM json_each(?)
        """,
        [json.dumps(list(people))],
    )
    return {row["person"]: moment(row["at"]) for row in rows if row["at"] is not None}


class Approvals(Repository):
    """Pending requests."""

    decision_expired = reads(decision_expired)
    pending = reads(pending)
    count_pending = reads(count_pending)
    pending_since = reads(pending_since)
    pending_request = reads(pending_request)
    pending_ending_with = reads(pending_ending_with)
    last_notified_at = reads(last_notified_at)

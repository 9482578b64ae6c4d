"""Due work: actions to send, to look up or to give up, and reschedules to continue."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from providers.actions import Kind
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import microseconds, moment
from storage.models import ActionRecord, Request
from storage.repositories.brake import PAUSED
from storage.repositories.exclusion import HOLDING, WAITS
from storage.repositories.rate_limits import MINUTE
from storage.repositories.rows import ACTIONS, FROM, as_looked_up, read_request, select_actions

CARRIED_OUT: Final = "kind NOT IN ('place_list', 'cancel_list')"
"""SQL condition: an adapter carries the action out. Call lists have requests of their own for that."""

_OVERDUE: Final = FROM.format("actions INDEXED BY actions_not_after")
"""The planner would read and sort everything approved, although few rows have such a time."""


_APPROVED_NOW: Final = f"""
    WITH {HOLDING} {ACTIONS}
    WHERE state = 'approved' AND (not_before IS NULL OR not_before <= :now OR updated_at > :ahead)
    AND (not_after IS NULL OR not_after > :now)
    AND connection = :connection AND {CARRIED_OUT} AND NOT {WAITS} AND NOT {PAUSED}
    AND actions.id NOT IN (SELECT value FROM json_each(:held))
"""  # noqa: S608 - fixed text


_READY: Final = f"{_APPROVED_NOW} ORDER BY last_event LIMIT :limit"


_READY_OF_KINDS: Final = f"""
    {_APPROVED_NOW} AND kind IN (SELECT value FROM json_each(:kinds)) ORDER BY last_event LIMIT :limit
"""  # noqa: S608 - fixed text


_WAITED_FOR: Final = """
    WITH RECURSIVE one (name) AS (
        SELECT min(connection) FROM actions INDEXED BY actions_approved WHERE state = 'approved'
        UNION ALL
        SELECT (SELECT min(connection) FROM actions INDEXED BY actions_approved
                WHERE state = 'approved' AND connection > one.name)
        FROM one WHERE name IS NOT NULL)
    SELECT name FROM one WHERE name IS NOT NULL
"""
"""The connections of approved actions: a step in the index for each, however many actions wait.

The planner would read everything approved for each of them, by its state.
"""


def due(
    connection: Connection,
    now: datetime,
    limit: int,
    *,
    without: Collection[str] = (),
    kinds: Collection[Kind] = (),
    held: Collection[str] = (),
) -> list[ActionRecord]:
    """Return approved actions that are due, in the order in which they were approved.

    ``limit`` applies to each connection. ``without`` are connections that have no worker free, or that wait
    for their rate limit. ``kinds``, if any, are the only kinds to return. ``held`` are actions to leave out,
    so that they hide none behind them. Actions that wait for another action (see
    `storage.repositories.exclusion`) or are paused are left out, too.
    """
    names = [name for (name,) in connection.execute(_WAITED_FOR).fetchall() if name not in without]
    ahead = microseconds(now + MINUTE)  # a later change was made by a clock that has been set back since
    values = {"now": microseconds(now), "ahead": ahead, "limit": limit, "held": json.dumps(list(held))} | (
        {"kinds": json.dumps(list(kinds))} if kinds else {}
    )
    query = _READY_OF_KINDS if kinds else _READY
    return _of_each(connection, names, query, values, order="last_event")


def paused(connection: Connection, now: datetime, limit: int) -> list[ActionRecord]:
    """Return approved actions that a pause holds back, in the order in which they were approved."""
    return select_actions(
        connection,
        ACTIONS,
        f"WHERE state = 'approved' AND {PAUSED} ORDER BY last_event LIMIT :limit",
        {"now": microseconds(now), "limit": limit},
    )


def retry_window_expired(connection: Connection, now: datetime) -> list[ActionRecord]:
    """Return approved actions whose ``not_after`` has come, so that their attempt may not begin any more."""
    return select_actions(
        connection,
        _OVERDUE,
        "WHERE state = 'approved' AND not_after <= :now ORDER BY not_after",
        {"now": microseconds(now)},
    )


def awaiting_lookup(
    connection: Connection, connections: Collection[str], limit: int, after: Mapping[str, int]
) -> tuple[list[ActionRecord], dict[str, int]]:
    """Return pending or approved actions that were never attempted and never looked up.

    ``limit`` actions of each connection are read. ``after`` is the place in the log to continue from, by
    connection. Also return the places for the next call.
    """
    query = f"""
        {ACTIONS}
        WHERE state IN ('pending', 'approved') AND attempt = 0 AND {CARRIED_OUT}
        AND connection = :connection AND n > :after ORDER BY n LIMIT :limit
    """
    rows = [
        row
        for name in connections
        for row in connection.execute(
            query, {"connection": name, "after": after.get(name, 0), "limit": limit}
        ).fetchall()
    ]
    found = sorted((row for row in rows if row["looked_up"] is None), key=lambda row: row["n"])
    return list(map(as_looked_up, found)), {**after, **{row["connection"]: row["n"] for row in rows}}


def unknown_awaiting_lookup(
    connection: Connection, connections: Collection[str], limit: int
) -> list[ActionRecord]:
    """Return unknown actions with a target that were not looked up since, ``limit`` of each connection."""
    query = f"""
        {ACTIONS}
        WHERE state = 'unknown' AND kind <> 'place_call'
        AND (look.seq IS NULL OR look.seq < actions.last_event)
        AND connection = :connection ORDER BY n LIMIT :limit
    """
    return _of_each(connection, connections, query, {"limit": limit}, order="n")


def unknown_requests(connection: Connection) -> dict[str, datetime]:
    """Return the requests with an unknown action, each with the time since which it has been unknown."""
    rows = connection.execute(
        "SELECT request, min(updated_at) AS since FROM actions WHERE state = 'unknown' GROUP BY request"
    )
    return {row["request"]: moment(row["since"]) for row in rows}


def lease_expired(connection: Connection, now: datetime) -> list[ActionRecord]:
    """Return actions in ``sending`` whose lease has expired, because their owner died."""
    return select_actions(
        connection,
        ACTIONS,
        """
        WHERE state = 'sending' AND (lease_until IS NULL OR lease_until <= :now)
        ORDER BY lease_until
        """,
        {"now": microseconds(now)},
    )


def _of_each(
    connection: Connection,
    connections: Collection[str],
    query: str,
    values: Mapping[str, object],
    *,
    order: str,
) -> list[ActionRecord]:
    """Return the results of a query for each of these connections, in one order."""
    rows = [
        row
        for name in connections
        for row in connection.execute(query, {**values, "connection": name}).fetchall()
    ]
    return list(map(as_looked_up, sorted(rows, key=lambda row: row[order])))


LOOKED_BACK: Final = timedelta(days=90)
"""The age at which reschedules are no longer looked at.

An unknown outcome of the first step may be resolved long after the new time.
"""


def reschedules_due(connection: Connection, now: datetime) -> list[Request]:
    """Return reschedules whose call is cancelled, without a second step or a record that it is impossible."""
    found = connection.execute(
        """
        SELECT id FROM requests
        WHERE reschedules IS NOT NULL AND new_time > :since
          AND NOT EXISTS (SELECT 1 FROM requests AS second WHERE second.second_step_of = requests.id)
          AND NOT EXISTS (SELECT 1 FROM events WHERE request = requests.id AND name = 'followed')
          AND NOT EXISTS (SELECT 1 FROM actions WHERE request = requests.id AND state <> 'succeeded')
        """,
        {"since": microseconds(now - LOOKED_BACK)},
    ).fetchall()
    return [read_request(connection, move, now) for (move,) in found]


def reschedules_completed(connection: Connection, now: datetime) -> list[Request]:
    """Return reschedules whose second step ended or is unknown, without a `FOLLOWED` event for that."""
    found = connection.execute(
        """
        SELECT first.id FROM requests AS first
        JOIN requests AS second ON second.second_step_of = first.id
        JOIN actions ON actions.request = second.id
        WHERE first.reschedules IS NOT NULL AND first.new_time > :since
          AND state NOT IN ('pending', 'approved', 'sending')
          AND NOT EXISTS (
              SELECT 1 FROM events WHERE events.request = first.id AND name = 'followed'
              AND json_extract(data, '$.second') = state)
        """,
        {"since": microseconds(now - LOOKED_BACK)},
    ).fetchall()
    return [read_request(connection, move, now) for (move,) in found]


class DispatchQueue(Repository):
    """Work that is due."""

    due = reads(due)
    paused = reads(paused)
    retry_window_expired = reads(retry_window_expired)
    awaiting_lookup = reads(awaiting_lookup)
    unknown_awaiting_lookup = reads(unknown_awaiting_lookup)
    unknown_requests = reads(unknown_requests)
    lease_expired = reads(lease_expired)
    reschedules_due = reads(reschedules_due)
    reschedules_completed = reads(reschedules_completed)

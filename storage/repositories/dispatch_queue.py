"""What is due: entries to send, to look up, to give up, and moves to follow."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from providers.actions import Kind
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import microseconds
from storage.models import ActionRecord, Request
from storage.repositories.exclusion import HOLDING, WAITS
from storage.repositories.rate_limits import MINUTE
from storage.repositories.rows import ENTRIES, FROM, as_looked_up, read_request, select_entries

_OVERDUE: Final = FROM.format("actions INDEXED BY actions_not_after")
"""The planner would read and sort all that is approved, however few of it has such a time."""


_APPROVED_NOW: Final = f"""
    WITH {HOLDING} {ENTRIES}
    WHERE state = 'approved' AND (not_before IS NULL OR not_before <= :now OR updated_at > :ahead)
    AND (not_after IS NULL OR not_after > :now)
    AND connection = :connection AND NOT {WAITS}
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
"""The connections of approved entries: one step of the index for each, however many entries wait.

The planner would read all that is approved for each of them, by its state.
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
    """Return approved entries whose time to be sent has come, in the order they were approved.

    ``limit``: at most so many of each connection. ``without``: connections that have no worker free, or
    that wait for their turn. ``kinds``: of these only, where there are any. ``held``: entries that are
    left out, and so hide none behind them. Entries that have to wait for another one's (see `apply`) are
    left out too.
    """
    names = [name for (name,) in connection.execute(_WAITED_FOR).fetchall() if name not in without]
    ahead = microseconds(now + MINUTE)  # what is moved after that is moved by a clock that is set back since
    values = {"now": microseconds(now), "ahead": ahead, "limit": limit, "held": json.dumps(list(held))} | (
        {"kinds": json.dumps(list(kinds))} if kinds else {}
    )
    query = _READY_OF_KINDS if kinds else _READY
    return _of_each(connection, names, query, values, order="last_event")


def retry_window_expired(connection: Connection, now: datetime) -> list[ActionRecord]:
    """Return approved entries whose ``not_after`` has come: their attempt may not begin any more."""
    return select_entries(
        connection,
        _OVERDUE,
        "WHERE state = 'approved' AND not_after <= :now ORDER BY not_after",
        {"now": microseconds(now)},
    )


def awaiting_lookup(
    connection: Connection, connections: Collection[str], limit: int, after: Mapping[str, int]
) -> tuple[list[ActionRecord], dict[str, int]]:
    """Return pending or approved entries that were never begun and never looked up.

    ``limit``: so many of each connection are read. ``after`` says where in the log to go on, by connection;
    where it says nothing, at the beginning. Returned with it is where to go on the next time.
    """
    query = f"""
        {ENTRIES}
        WHERE state IN ('pending', 'approved') AND attempt = 0
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


def unknown_deletions(connection: Connection, connections: Collection[str], limit: int) -> list[ActionRecord]:
    """Return deletions in ``unknown`` that were not looked up since, so many of each connection."""
    query = f"""
        {ENTRIES}
        WHERE state = 'unknown' AND kind = 'delete_campaign'
        AND (look.seq IS NULL OR look.seq < actions.last_event)
        AND connection = :connection ORDER BY n LIMIT :limit
    """
    return _of_each(connection, connections, query, {"limit": limit}, order="n")


def lease_expired(connection: Connection, now: datetime) -> list[ActionRecord]:
    """Return entries in ``sending`` whose lease has run out: their owner died."""
    return select_entries(
        connection,
        ENTRIES,
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
    """Return what a query finds for each of these connections, all in one order."""
    rows = [
        row
        for name in connections
        for row in connection.execute(query, {**values, "connection": name}).fetchall()
    ]
    return list(map(as_looked_up, sorted(rows, key=lambda row: row[order])))


LOOKED_BACK: Final = timedelta(days=90)
"""A doubt about the first step may be settled long after the new time."""


def reschedules_due(connection: Connection, now: datetime) -> list[Request]:
    """Return moves whose call is cancelled and was neither placed again nor found impossible to place."""
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
    return [read_request(connection, move) for (move,) in found]


def reschedules_completed(connection: Connection, now: datetime) -> list[Request]:
    """Return moves whose second step ended, or is in doubt, without a note (`FOLLOWED`) of that."""
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
    return [read_request(connection, move) for (move,) in found]


class DispatchQueue(Repository):
    """What is due to be sent, looked up, given up or followed."""

    due = reads(due)
    retry_window_expired = reads(retry_window_expired)
    awaiting_lookup = reads(awaiting_lookup)
    unknown_deletions = reads(unknown_deletions)
    lease_expired = reads(lease_expired)
    reschedules_due = reads(reschedules_due)
    reschedules_completed = reads(reschedules_completed)

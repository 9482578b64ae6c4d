"""Placed calls whose end is still to be asked for at their providers, and when.

The rows are a schedule and no history: they are not in the event log, and are deleted when they are over.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import microseconds, moment


@dataclass(frozen=True, slots=True)
class EndPoll:
    """A placed call by its action, the first time that its end was asked for, and the next one."""

    action: str
    connection: str
    since: datetime
    due_at: datetime


def add(connection: Connection, action: str, at: datetime) -> None:
    """Schedule the first request for the end of a call."""
    connection.execute(
        """
        INSERT OR IGNORE INTO end_polls (action, connection, since, due_at)
        SELECT n, connection, :at, :at FROM actions WHERE id = :action
        """,
        {"action": action, "at": microseconds(at)},
    )


def due(connection: Connection, connections: Collection[str], now: datetime, limit: int) -> list[EndPoll]:
    """Return what is due, the oldest first, at most ``limit`` of each connection."""
    found = [
        EndPoll(row["id"], name, moment(row["since"]), moment(row["due_at"]))
        for name in connections
        for row in connection.execute(
            """
            SELECT actions.id, since, due_at FROM end_polls JOIN actions ON actions.n = end_polls.action
            WHERE end_polls.connection = :connection AND due_at <= :now ORDER BY due_at LIMIT :limit
            """,
            {"connection": name, "now": microseconds(now), "limit": limit},
        ).fetchall()
    ]
    return sorted(found, key=lambda one: one.due_at)


def postpone(connection: Connection, poll: EndPoll, until: datetime) -> bool:
    """Move a due request to a later time. Return False if another process did so before."""
    moved = connection.execute(
        """
        UPDATE end_polls SET due_at = :until
        WHERE due_at = :due_at AND action = (SELECT n FROM actions WHERE id = :action)
        """,
        {"action": poll.action, "due_at": microseconds(poll.due_at), "until": microseconds(until)},
    )
    return moved.rowcount == 1


def remove(connection: Connection, action: str) -> None:
    """Ask no more for the end of a call."""
    connection.execute("DELETE FROM end_polls WHERE action = (SELECT n FROM actions WHERE id = ?)", [action])


class EndPolls(Repository):
    """Requests for the ends of placed calls."""

    due = reads(due)
    postpone = writes(postpone)
    remove = writes(remove)

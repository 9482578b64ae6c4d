"""The numbers for monitoring: what waits, what is unknown, and what happened since the last look.

Reads cost as much as waits or is new, however long the log is. Nothing that a person wrote is read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from providers.actions import Code
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import moment
from storage.maintenance import anchors
from storage.repositories.rows import moment_or_none
from storage.states import State

OUTCOMES: Final = (State.SUCCEEDED, State.FAILED, State.UNKNOWN, State.REFUSED)
"""States that count as outcomes."""
NO_CODE: Final = "none"
"""Stands in place of the code of an outcome that has none."""
PORTION: Final = 20_000
"""New events that are read at once: some 20 ms. The rest is read at the next looks."""

QUEUES: Final = """
    SELECT queue.connection, queue.actions, events.at FROM (
        SELECT connection, count(*) AS actions, min(last_event) AS first
        FROM actions INDEXED BY actions_approved WHERE state = 'approved' GROUP BY connection) AS queue
    CROSS JOIN events ON events.seq = queue.first
"""
UNKNOWN: Final = "SELECT count(*) FROM actions INDEXED BY actions_state WHERE state = 'unknown'"
OLDEST_POST: Final = """
    SELECT added_at FROM outbox
    WHERE id = (SELECT min(id) FROM outbox INDEXED BY outbox_waiting WHERE ended IS NULL)
"""
NEW_OUTCOMES: Final = """
    SELECT seq, json_extract(data, '$.state') AS state, json_extract(data, '$.code') AS code
    FROM events WHERE seq > ? ORDER BY seq LIMIT ?
"""
DECIDED: Final = """
    SELECT approvals.at - requests.asked_at
    FROM approvals CROSS JOIN requests ON requests.id = approvals.request
    WHERE approvals.event > ? AND approvals.event <= ?
"""
LAST: Final = "SELECT coalesce(max(seq), 0) FROM events"
WRITTEN: Final = "SELECT at FROM events WHERE seq = ?"


@dataclass(frozen=True, slots=True)
class Queue:
    """Approved actions of a connection that are not sent yet. The first in line waits ``since`` then."""

    actions: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Measurements:
    """The numbers of the log at a moment, and of the events since the last look.

    ``outcomes`` counts new outcomes by state and code. ``decided`` are the seconds from the request to each
    new decision. ``seen`` is the last event that was looked at. The times are None if there is no such thing.
    """

    queues: Mapping[str, Queue]
    unknown: int
    oldest_post: datetime | None
    anchored_at: datetime | None
    unanchored_since: datetime | None
    outcomes: Mapping[tuple[str, str], int]
    decided: Sequence[float]
    seen: int


def last_event(connection: Connection) -> int:
    """Return the number of the last event, 0 for an empty log."""
    [(last,)] = connection.execute(LAST)
    return int(last)


def measure(connection: Connection, after: int, anchored: int) -> Measurements:
    """Return the numbers of the log. ``after`` is the last event that was looked at.

    ``anchored`` is the last event that has an anchor, or 0.
    """
    queues = {name: Queue(count, moment(since)) for name, count, since in connection.execute(QUEUES)}
    [(unknown,)] = connection.execute(UNKNOWN)
    post = connection.execute(OLDEST_POST).fetchone()
    new = connection.execute(NEW_OUTCOMES, [after, PORTION]).fetchall()
    seen = new[-1]["seq"] if new else after
    outcomes = Counter((str(row["state"]), _code(row["code"])) for row in new if row["state"] in OUTCOMES)
    decided = [max(waited, 0) / 1_000_000 for (waited,) in connection.execute(DECIDED, [after, seen])]
    return Measurements(
        queues,
        unknown,
        moment_or_none(post and post["added_at"]),
        _written(connection, anchored),
        _written(connection, anchored + 1),
        outcomes,
        decided,
        seen,
    )


def _code(code: object) -> str:
    """Return an outcome's code, but for one that is not a `Code`."""
    return str(code) if code in [*Code] else NO_CODE


def _written(connection: Connection, seq: int) -> datetime | None:
    row = connection.execute(WRITTEN, [seq]).fetchone()
    return None if row is None else moment(row["at"])


class Metrics(Repository):
    """The numbers for monitoring."""

    last_event = reads(last_event)
    measure = reads(measure)

    @property
    def path(self) -> Path:
        """The log's file."""
        return self._database.path

    def anchored(self) -> int:
        """Return the last event in the anchors' file, or 0. It reads the end of that file."""
        kept = anchors.last_kept(self._database.path)
        return kept.seq if kept else 0

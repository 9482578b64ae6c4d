"""The cost of the numbers for monitoring: what waits and what is new, never the length of the log."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from storage.changes import Notification
from storage.database.connection import open_for_writing
from storage.event_log.writer import WriteContext
from storage.repositories import metrics, outbox, requests, transitions
from tests.storage.samples import KEY, NOON, Clock, approve, cancelling, claim, finish, many_numbers

FEW, MANY = 20, 1_000
SOURCES = WriteContext(KEY, Clock())
UNTIL = NOON + timedelta(seconds=30)
QUERIES = {
    "queues": (metrics.QUEUES, []),
    "unknown": (metrics.UNKNOWN, []),
    "oldest post": (metrics.OLDEST_POST, []),
    "new outcomes": (metrics.NEW_OUTCOMES, [1, 10]),
    "decided": (metrics.DECIDED, [1, 10]),
    "last": (metrics.LAST, []),
    "written": (metrics.WRITTEN, [1]),
}
PARTIAL = ("actions_approved", "outbox_waiting")
"""Indexes of what waits alone."""


def fill(connection: Connection, done: int) -> int:
    """Create that many requests which were decided, sent and told of. Return the last event."""
    connection.execute("BEGIN IMMEDIATE")
    posts = [Notification("asked", "audit")]
    for number in many_numbers(done):
        made = requests.create(connection, SOURCES, replace(cancelling(number), notifications=posts)).request
        [action] = [one.id for one in made.actions]
        transitions.apply(connection, SOURCES, approve(action))
        transitions.apply(connection, SOURCES, claim(action, until=UNTIL))
        transitions.apply(connection, SOURCES, finish(action))
        for post in outbox.outgoing(connection, NOON, owner="one", until=UNTIL, limit=1):
            outbox.delivered(connection, SOURCES, post, None, seen=post.event)
    connection.execute("COMMIT")
    return metrics.last_event(connection)


def steps(folder: Path, done: int) -> int:
    """Return the steps of SQLite's machine for a look at a log with so many finished requests."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1

    with closing(open_for_writing(folder / f"{done}.db")) as connection:
        last = fill(connection, done)
        connection.set_progress_handler(step, 1)
        found = metrics.measure(connection, last - 8, 1)
    assert (found.seen, len(found.decided), sum(found.outcomes.values())) == (last, 2, 2)
    return taken


def test_a_look_costs_the_same_in_a_long_log(tmp_path: Path) -> None:
    """Fifty times as many finished requests take hardly more steps."""
    few, many = steps(tmp_path, FEW), steps(tmp_path, MANY)
    assert many <= few * 1.2 + 50, f"{few} steps beside {FEW}, {many} beside {MANY}"


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_scans_a_growing_table(tmp_path: Path, name: str) -> None:
    """Each reads by a key, or scans an index of what waits."""
    query, values = QUERIES[name]
    with closing(open_for_writing(tmp_path / "log.db")) as connection:
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    scans = [one for one in plan if one.startswith("SCAN") and not one.endswith("queue")]
    assert [one for one in scans if not any(index in one for index in PARTIAL)] == []
    assert [one for one in plan if "TEMP B-TREE" in one] == []

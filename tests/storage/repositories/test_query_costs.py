"""Costs of workers' runs and lists, in steps of SQLite's virtual machine, with any number waiting."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory

import pytest

from providers.phone import mask
from storage.changes import Annotation, ChangeSet, Notification
from storage.database.connection import open_for_writing
from storage.event_log.writer import WriteContext
from storage.repositories import exclusion, outages, outbox, requests, transitions
from storage.repositories.approvals import (
    count_pending,
    decision_expired,
    last_notified_at,
    pending,
    pending_ending_with,
    pending_since,
)
from storage.repositories.dispatch_queue import awaiting_lookup, due, retry_window_expired
from storage.states import State
from tests.storage.samples import (
    KEY,
    NOON,
    Clock,
    cancelling,
    cancelling_by_id,
    deny,
    many_numbers,
    noted,
    placing,
)

FEW, MANY = 50, 5_000
ALONE = "+919876549999"
"""A number that resembles no other one here."""
SOURCES = WriteContext(KEY, Clock())
UNTIL = NOON + timedelta(seconds=30)
LATER_BY = timedelta(minutes=1)
LATER = NOON + LATER_BY


def fill(connection: Connection, waiting: int) -> None:
    """Create that many pending requests, each with a post that waits for its channel and one behind it."""
    connection.execute("BEGIN IMMEDIATE")
    posts = [Notification("asked", "audit"), Notification("told", "dm:U1")]
    for number in many_numbers(waiting):
        made = requests.create(connection, SOURCES, replace(cancelling(number), notifications=posts)).request
        asked = noted(
            Annotation(made.id, "asked", {"person": "U0MANAGER"}),
            Annotation(made.id, "looked_up", {"found": True}),
        )
        transitions.apply(connection, SOURCES, asked)
        call = placing(number, at=NOON + timedelta(hours=1))
        requests.create(connection, SOURCES, replace(call, state=State.PENDING))
    while due := outbox.outgoing(connection, NOON, owner="one", until=UNTIL, limit=20):
        for post in due:
            outbox.postpone(connection, SOURCES, post, not_before=LATER, error=None, lane="C1")
    connection.execute("COMMIT")


def post_of_a_lane(connection: Connection) -> None:
    """Deliver the oldest post of a lane, and let the next ones wait again."""
    for now in (LATER, 2 * LATER_BY + NOON):
        sources = WriteContext(KEY, Clock(now))
        until = now + LATER_BY
        for post in outbox.outgoing(connection, now, owner="one", until=until, limit=1):
            outbox.delivered(connection, sources, post, None, seen=post.event)
        for post in outbox.outgoing(connection, now, owner="one", until=until, limit=20):
            outbox.postpone(connection, sources, post, not_before=until, error=None, lane="C1")


WORK: dict[str, Callable[[Connection], object]] = {
    "a page of what waits": lambda db: pending(db, 10, team="T0"),
    "the next page": lambda db: pending(db, 10, after=pending(db, 10)[-1]),
    "how many wait": lambda db: count_pending(db, 40, team="T0"),
    "what is new": lambda db: pending_since(db, _last(db), 50),
    "what ran out of time": lambda db: decision_expired(db, NOON, 100),
    "whose number reads alike": lambda db: pending_ending_with(db, SOURCES, mask(ALONE)),
    "who was asked last": lambda db: last_notified_at(db, ["U0MANAGER"]),
    "what was not looked up": lambda db: awaiting_lookup(db, ["reminders"], 40, {"reminders": _last(db)}),
    "a page of what is not looked up": lambda db: awaiting_lookup(db, ["reminders"], 40, {}),
    "what is ready": lambda db: due(db, NOON, 8),
    "what is overdue": lambda db: retry_window_expired(db, NOON),
    "what others send": lambda db: outages.traffic(db, "one"),
    "a new request": lambda db: requests.create(db, SOURCES, cancelling_by_id("vx_1")),
    "a decision": lambda db: transitions.apply(db, SOURCES, _denied(db)),
    "a post": post_of_a_lane,
    "what waits for another": lambda db: exclusion.waits(db, "A-2222"),
}


def _last(connection: Connection) -> int:
    [(last,)] = connection.execute("SELECT max(n) FROM actions")
    return int(last)


def _denied(connection: Connection) -> ChangeSet:

    return deny(pending(connection, 1)[0].id)


@cache
def steps(waiting: int) -> dict[str, int]:
    """Return the steps of each kind of work with that many pending requests."""
    found = {}
    with TemporaryDirectory() as folder, closing(open_for_writing(Path(folder) / "log.db")) as connection:
        fill(connection, waiting)
        for name, work in WORK.items():
            taken = [0]

            def step(taken: list[int] = taken) -> None:
                taken[0] += 1

            connection.execute("BEGIN IMMEDIATE")
            connection.set_progress_handler(step, 1)
            work(connection)
            connection.set_progress_handler(None, 1)
            connection.execute("ROLLBACK")
            found[name] = taken[0]
    return found


@pytest.mark.parametrize("name", WORK)
def test_what_waits_costs_no_round(name: str) -> None:
    """With a hundred times as much waiting, finding changes takes hardly more steps."""
    few, many = steps(FEW)[name], steps(MANY)[name]
    assert many <= few * 1.2 + 50, f"{few} steps beside {FEW}, {many} beside {MANY}"

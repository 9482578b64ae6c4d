import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from providers.actions import Code, Ending, Kind
from storage.database.connection import CannotOpenLogError, open_for_reading, open_for_writing
from storage.event_log.writer import WriteContext
from storage.models import PendingRequest
from storage.queries import Query
from storage.repositories import (
    cancellations,
    dispatch_queue,
    end_polls,
    exclusion,
    outbox,
    rate_limits,
    search,
)
from storage.repositories.approvals import (
    decision_expired,
    last_notified_at,
    pending,
    pending_ending_with,
    pending_since,
)
from storage.repositories.call_history import (
    connections_knowing,
    find_scheduled,
    found_before_attempt,
    placed_as,
    scheduled,
    scheduled_to,
    seen,
    still_goes_out,
    upcoming_calls,
)
from storage.repositories.dispatch_queue import (
    _READY,
    _READY_OF_KINDS,
    awaiting_lookup,
    due,
    lease_expired,
    retry_window_expired,
    unknown_awaiting_lookup,
    unknown_requests,
)
from storage.states import State
from storage.store import Store
from tests.storage.samples import KEY, NOON, Clock, placing, verified
from tests.support.tree import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log to come."""
    return tmp_path / "log.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """Yield a new log."""
    log = await Store.open(path, key=KEY, clock=Clock())
    yield log
    await log.close()


async def start(path: Path, *arguments: object, module: str = "writer") -> asyncio.subprocess.Process:
    """Start a process that records requests and prints their ids, or another module on the log."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"tests.storage.{module}", str(path), *map(str, arguments)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )


async def test_what_was_accepted_survives_kill_9(path: Path) -> None:
    """Every request that a process called accepted before the kill is in the log, and the log is whole."""
    for round_ in range(3):
        process = await start(path, f"round{round_}", 0)
        assert process.stdout is not None
        accepted = [(await process.stdout.readline()).decode().strip() for _ in range(20 + 7 * round_)]
        process.kill()
        accepted += [line.decode().strip() async for line in process.stdout if line.endswith(b"\n")]
        await process.wait()
        log = await Store.open(path, key=KEY, clock=Clock())
        for request in accepted:
            assert (await log.requests.request(request)).state in {State.APPROVED, State.WITHDRAWN}
        assert not (await verified(log)).faults
        await log.close()


async def test_processes_that_start_together_share_one_new_file(path: Path) -> None:
    """Several processes create and write the same file at once, and its chain is one."""
    processes = [await start(path, f"process{n}", 15) for n in range(4)]
    output = [(await process.communicate())[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    log = await Store.open(path, key=KEY, clock=Clock())
    verdict = await verified(log)
    assert (verdict.actions, verdict.events, verdict.faults) == (60, 120, ())
    assert len({request for requests in output for request in requests}) == 60
    await log.close()


def test_a_log_that_is_set_up_is_opened_beside_a_busy_writer(path: Path) -> None:
    """Starting needs the write lock only for a new file."""
    with closing(open_for_writing(path)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        with closing(open_for_writing(path)) as connection:
            assert connection.execute("SELECT count(*) FROM actions").fetchone()[0] == 0
        busy.execute("ROLLBACK")


async def test_processes_that_share_a_file_share_an_account_s_rate(path: Path) -> None:
    """However many ask at once, the limit goes, and no more until a minute has passed."""

    async def given(later: int) -> int:
        processes = [await start(path, 30, 25, later, module="taker") for _ in range(4)]
        return sum([int((await process.communicate())[0]) for process in processes])

    assert [await given(later) for later in (0, 30, 90, 120)] == [25, 0, 25, 0]


async def test_a_log_is_as_it_was_when_it_is_opened_again(path: Path) -> None:
    """Closing and opening changes nothing."""
    log = await Store.open(path, key=KEY, clock=Clock())
    made = (await log.requests.create(placing())).request
    await log.close()
    log = await Store.open(path, key=KEY, clock=Clock())
    assert await log.requests.request(made.id) == made
    await log.close()


def garbage(path: Path) -> None:
    """Write a file that is no database."""
    path.write_bytes(b"no database at all, but longer than a header of one hundred bytes" * 9)


def somebody_elses(path: Path) -> None:
    """Write a database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (name TEXT)")


def newer(path: Path) -> None:
    """Write a log that a later version of this program has migrated."""
    with closing(open_for_writing(path)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('callops', 'future', '')"
        )


def content(path: Path) -> bytes | None:
    """Return the bytes of the file, or None."""
    return path.read_bytes() if path.exists() else None


def in_no_folder(path: Path) -> None:
    """Create a link to a path where no file can be."""
    path.symlink_to(path.parent / "missing" / "log.db")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (garbage, "not a database"),
        (somebody_elses, "another program"),
        (newer, "made by another version of CallOps .schema future."),
        (in_no_folder, "unable to open"),
    ],
)
async def test_a_file_that_is_no_log_of_ours_is_said_and_left_alone(
    path: Path, prepare: Callable[[Path], None], why: str
) -> None:
    """Opening names the fault of the file, and changes nothing in it."""
    prepare(path)
    before = content(path)
    with pytest.raises(CannotOpenLogError, match=why):
        await Store.open(path, key=KEY, clock=Clock())
    assert content(path) == before


async def test_another_key_is_refused(path: Path) -> None:
    """A log whose numbers the key could not find is not opened."""
    await (await Store.open(path, key=KEY, clock=Clock())).close()
    with pytest.raises(CannotOpenLogError, match="another key"):
        await Store.open(path, key=b"another", clock=Clock())


async def test_commits_reach_the_disk_and_erased_bytes_are_zeroed(path: Path) -> None:
    """Durability and erasing rest on these settings."""
    with closing(open_for_writing(path)) as connection:
        settings = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
        for name, value in settings.items():
            assert connection.execute(f"PRAGMA {name}").fetchone()[0] == value


async def test_readers_cannot_write(store: Store, path: Path) -> None:
    """A connection for reading refuses to write."""
    assert not (await store.search.page(Query())).actions
    with (
        closing(open_for_reading(path)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM events")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'U0MALLORY'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT 1, at, request, action, name, 'U0MALLORY', data, private, previous, hash FROM events",
        "INSERT INTO events SELECT 9, at, request, action, name, actor, data, private, previous, hash FROM events",
    ],
)
async def test_events_are_only_appended(store: Store, path: Path, statement: str) -> None:
    """SQLite itself refuses to change, delete, replace or skip events, for any program."""
    made = (await store.requests.create(placing())).request
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="events are"),
    ):
        connection.execute(statement)
    assert (await store.requests.events(made.id))[0].actor == "U0AGENT"


SOURCES = WriteContext(KEY, Clock())
NUMBER = "+919876543210"

QUERIES: dict[str, tuple[Callable[[sqlite3.Connection], object], str]] = {
    "page": (lambda db: search.page(db, SOURCES, Query(), after=9, limit=50), "actions_asked"),
    "page by state": (
        lambda db: search.page(db, SOURCES, Query(state=State.PENDING), after=9, limit=50),
        "actions_state",
    ),
    "page by code": (
        lambda db: search.page(
            db, SOURCES, Query(state=State.SUCCEEDED, code=Code.SCHEDULED), after=9, limit=50
        ),
        "actions_code (code=?",
    ),
    "page by requester": (
        lambda db: search.page(db, SOURCES, Query(requester="U1"), limit=50),
        "actions_requester",
    ),
    "page by connection": (
        lambda db: search.page(db, SOURCES, Query(connection="a"), after=9, limit=50),
        "actions_connection",
    ),
    "page by kind": (
        lambda db: search.page(db, SOURCES, Query(kind=Kind.PLACE_CALL, team="T0"), after=9, limit=50),
        "actions_kind",
    ),
    "page of a day": (
        lambda db: search.page(db, SOURCES, Query(since=NOON, until=NOON), after=9, limit=50),
        "actions_asked",
    ),
    "page of a person's day": (
        lambda db: search.page(db, SOURCES, Query(requester="U1", since=NOON, until=NOON), after=9, limit=50),
        "actions_requester (requester=? AND asked_at>? AND asked_at<?",
    ),
    "page by ending": (
        lambda db: search.page(db, SOURCES, Query(ended=Ending.BUSY, since=NOON), after=9, limit=50),
        "actions_ending (ending=? AND asked_at>?",
    ),
    "page without news": (
        lambda db: search.page(db, SOURCES, Query(ended="none"), after=9, limit=50),
        "actions_ending (ending=?",
    ),
    "page of newer ones": (
        lambda db: search.find(db, SOURCES, Query(connection="a"), before=9, limit=50),
        "actions_connection",
    ),
    "page by words": (
        lambda db: search.find(db, SOURCES, Query(text="a"), after=9, limit=50),
        "actions_asked",
    ),
    "page by number": (
        lambda db: search.page(db, SOURCES, Query(number=NUMBER, state=State.PENDING), after=9, limit=50),
        "lookup_number",
    ),
    "page with what was cancelled": (
        lambda db: search.page(db, SOURCES, Query(), limit=50),
        "events_cancelled",
    ),
    "asked to stop": (lambda db: search.asked_to_stop(db, SOURCES, NUMBER), "lookup_number"),
    "coming up": (lambda db: upcoming_calls(db, SOURCES, "a", "b", NUMBER, NOON), "lookup_number"),
    "seen": (lambda db: seen(db, "a", "f", "ck_1", NOON), "events_reference"),
    "taken away": (lambda db: cancellations._found(db, "A-2222"), "events_reference (<expr>=?"),
    "what is waited for": (lambda db: due(db, NOON, 9), "actions_approved"),
    "ready": (
        lambda db: db.execute(_READY, {"connection": "a", "now": 1, "ahead": 1, "limit": 9, "held": "[]"}),
        "actions_approved (connection=?)",
    ),
    "ready to be removed": (
        lambda db: db.execute(
            _READY_OF_KINDS,
            {"connection": "a", "now": 1, "ahead": 1, "limit": 9, "held": "[]", "kinds": '["cancel_call"]'},
        ),
        "actions_approved (connection=?)",
    ),
    "overdue": (lambda db: retry_window_expired(db, NOON), "actions_not_after"),
    "unsighted": (
        lambda db: awaiting_lookup(db, ["a"], 9, {}),
        "actions_unbegun (connection=? AND rowid>?)",
    ),
    "unsure": (lambda db: unknown_awaiting_lookup(db, ["a"], 9), "actions_unsure (connection=?)"),
    "due ends": (lambda db: end_polls.due(db, ["a"], NOON, 9), "end_polls_due (connection=? AND due_at<?)"),
    "placed as": (lambda db: placed_as(db, "a", "ck_1"), "events_reference (<expr>=?"),
    "unknown requests": (unknown_requests, "actions_state (state=?)"),
    "sighted before": (lambda db: found_before_attempt(db, "A-2222"), "events_looked_up"),
    "a turn": (lambda db: rate_limits.try_acquire(db, "a", 5, NOON), "PRIMARY KEY"),
    "waits": (lambda db: exclusion.waits(db, "A-2222"), "actions_maybe_executed"),
    "lapsed": (lambda db: lease_expired(db, NOON), "actions_state"),
    "undecided": (lambda db: decision_expired(db, NOON, 9), "requests_pending (<expr><?)"),
    "pending": (
        lambda db: pending(
            db, 9, after=PendingRequest("A-2222", "U1", "T1", None, NOON, NOON, Kind.PLACE_CALL)
        ),
        "requests_pending (<expr>>?)",
    ),
    "pending since": (lambda db: pending_since(db, 5, 9), "actions_pending (n>?)"),
    "alike": (lambda db: pending_ending_with(db, SOURCES, NUMBER), "lookup_masked (masked=?)"),
    "last asked": (lambda db: last_notified_at(db, ["U1"]), "events_asked (<expr>=?)"),
    "scheduled": (
        lambda db: scheduled(db, ["a"], NOON, mine="U1", limit=9),
        "actions_scheduled_by (requester=? AND scheduled_for>?)",
    ),
    "outgoing": (
        lambda db: outbox.outgoing(db, NOON, owner="one", until=NOON + timedelta(1), limit=9),
        "outbox_lane (lane>?)",
    ),
    "an announcement anew": (lambda db: outbox.announce_anew(db, "anchor:1", {}), "outbox_dedupe_key"),
    "outgoing beside what somebody posts": (
        lambda db: outbox.outgoing(db, NOON, owner="one", until=NOON + timedelta(1), limit=9),
        "outbox_leased (lease_until>?",
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_what_is_asked_often_is_found_by_index(path: Path, name: str) -> None:
    """No frequent query scans a table, or sorts what it would read first, in a log of any length."""
    query, index = QUERIES[name]
    statements = list[str]()
    with closing(open_for_writing(path)) as connection:
        connection.set_trace_callback(statements.append)
        query(connection)
        connection.set_trace_callback(None)
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}")]
    assert any(index in step for step in plan), plan
    short = (
        "SCAN first",
        "SCAN due",
        "SCAN (subquery",
        "SCAN holding",
        "SCAN one",
        "SCAN done",
        "SCAN hit",
        "SCAN lanes",
    )  # a few rows each
    assert not [
        step
        for step in plan
        if step.startswith("SCAN") and "INDEX" not in step and not step.startswith(short)
    ], plan
    if name.startswith(("page", "ready")):
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


ONE_BY_ONE: dict[str, Callable[[sqlite3.Connection], object]] = {
    "scheduled": lambda db: scheduled(db, ["a"], NOON, mine="U1", limit=9),
    "scheduled to": lambda db: scheduled_to(db, SOURCES, NUMBER, NOON),
    "known call": lambda db: find_scheduled(db, "a", "ck_1", NOON),
    "holders": lambda db: connections_knowing(db, SOURCES, ["ck_1", "ck_12345678"]),
    "still goes out": lambda db: still_goes_out(db, "A-2222", NOON),
    "moves due": lambda db: dispatch_queue.reschedules_due(db, NOON),
    "moves followed": lambda db: dispatch_queue.reschedules_completed(db, NOON),
}


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_what_is_asked_before_an_answer_reads_no_whole_state_kind_or_connection(
    path: Path, name: str
) -> None:
    """Each of those may be most of a long log, and Slack waits for three seconds."""
    statements = list[str]()
    with closing(open_for_writing(path)) as connection:
        connection.set_trace_callback(statements.append)
        ONE_BY_ONE[name](connection)
        connection.set_trace_callback(None)
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[0]}")]
    assert not [
        step
        for step in plan
        if any(
            f"USING INDEX {index} " in step
            for index in ("actions_kind", "actions_connection", "actions_state")
        )
    ], plan


def test_the_file_is_for_its_owners_eyes(tmp_path: Path) -> None:
    """The umask does not matter, and SQLite's own files beside it follow."""
    before = os.umask(0)
    try:
        with closing(open_for_writing(tmp_path / "log.db")):
            modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {0o600}

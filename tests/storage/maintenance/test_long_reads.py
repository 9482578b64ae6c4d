"""Verification and backup of a log that others write to meanwhile."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.database.connection import WAL_KEPT, open_for_reading, open_for_writing
from storage.event_log.writer import WriteContext
from storage.maintenance.backup import backup
from storage.maintenance.verification import verify
from storage.repositories import requests, retention, transitions
from storage.store import keep_key
from tests.storage.samples import KEY, Clock, approve, cancelling, many_numbers

SOURCES = WriteContext(KEY, Clock())
REQUESTS = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the log."""
    return tmp_path / "log.db"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a bot's connection to a log with some requests in it."""
    with closing(open_for_writing(path)) as connection:
        keep_key(connection, SOURCES)
        for number in many_numbers(REQUESTS):
            requests.create(connection, SOURCES, cancelling(number))
        yield connection


def known_requests(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of all requests."""
    return [name for (name,) in connection.execute("SELECT id FROM requests")]


def emptied(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log. Return whether that worked, which a reader of an older moment prevents."""
    connection.execute("PRAGMA busy_timeout = 0")
    [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return not busy


def test_the_write_ahead_log_is_emptied_while_a_log_is_verified(
    path: Path, writer: sqlite3.Connection
) -> None:
    """Between two portions nothing is held, so a long verification grows no file."""
    shares, could = list[float](), list[bool]()

    def between(share: float) -> None:
        shares.append(share)
        could.append(emptied(writer))

    assert not verify(path, key=KEY, portion=4, progress=between).faults
    assert all(could)
    assert len(shares) > 3 * REQUESTS / 4
    assert (shares, shares[-1]) == (sorted(shares), 1.0)


def test_what_a_bot_writes_meanwhile_is_no_fault(path: Path, writer: sqlite3.Connection) -> None:
    """Requests are made, decided and erased between portions, and the report covers the chain's end."""
    waiting = known_requests(writer)
    [(end,)] = writer.execute("SELECT max(seq) FROM events")

    def meanwhile(_: float) -> None:
        if len(waiting) > 1:
            writer.execute("BEGIN IMMEDIATE")
            requests.create(writer, SOURCES, cancelling())
            transitions.apply(writer, SOURCES, approve(waiting.pop()))
            retention.erase(writer, SOURCES, waiting.pop(0), "U0DPO")
            writer.execute("COMMIT")

    verdict = verify(path, key=KEY, portion=4, progress=meanwhile)
    assert not verdict.faults
    assert verdict.events > end


@pytest.mark.parametrize("erased", [0, -1])
def test_what_is_erased_without_an_event_is_found(
    path: Path, writer: sqlite3.Connection, erased: int
) -> None:
    """Other erasures hide no value that is gone without an event."""
    lost = known_requests(writer)[erased]
    first, *others = [one for one in known_requests(writer) if one != lost]
    writer.execute(
        "UPDATE personal SET value = NULL WHERE event IN (SELECT seq FROM events WHERE request = ?)", [lost]
    )

    def meanwhile(_: float) -> None:
        retention.erase(writer, SOURCES, first, "U0DPO")

    faults = verify(path, key=KEY, portion=4, progress=meanwhile).faults
    assert any(f"({lost}): its action is gone" in fault for fault in faults), faults
    assert not any(first in fault or others[0] in fault for fault in faults), faults


def test_a_chain_that_is_written_anew_meanwhile_is_found(path: Path, writer: sqlite3.Connection) -> None:
    """A portion continues from the last event of the one before, or fails."""
    told = list[float]()

    def meanwhile(share: float) -> None:
        told.append(share)
        if len(told) == 3:  # after the schema and two portions of the chain
            writer.execute("DROP TRIGGER events_hold")
            writer.execute("UPDATE events SET hash = 'another' WHERE seq = 9")

    faults = verify(path, portion=4, progress=meanwhile).faults
    assert "Event 9 was changed while the log was read." in faults


def test_a_backup_is_of_one_moment_however_much_is_written(
    path: Path, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    """The copy does not restart with each commit, and holds the state of its beginning."""
    before, shares = len(known_requests(writer)), list[float]()

    def meanwhile(share: float) -> None:
        shares.append(share)
        requests.create(writer, SOURCES, cancelling())

    verdict = backup(path, tmp_path / "copy.db", pages=5, progress=meanwhile)
    assert not verdict.faults
    assert verdict.actions == before
    assert (shares, shares[-1]) == (sorted(shares), 1.0)
    assert len(known_requests(writer)) == before + len(shares)


def grown(path: Path, writer: sqlite3.Connection) -> Callable[[], int]:
    """Write much during a long read. Return a function that tells the write-ahead log's size."""

    def size() -> int:
        return path.with_name(f"{path.name}-wal").stat().st_size

    with closing(open_for_reading(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT max(seq) FROM events").fetchone()
        for n in range(2 * WAL_KEPT // 1_000_000 + 2):
            writer.execute(
                "INSERT INTO nonces (nonce, content, at) VALUES (?, hex(zeroblob(500000)), 0)", [str(n)]
            )
        assert size() > 2 * WAL_KEPT
    return size


def test_a_write_ahead_log_that_grew_is_short_again(path: Path, writer: sqlite3.Connection) -> None:
    """The commits after a long read give the disk space back."""
    size = grown(path, writer)
    for _ in range(3):
        requests.create(writer, SOURCES, cancelling())
    assert size() <= WAL_KEPT


def test_verifying_empties_a_write_ahead_log_that_grew(path: Path, writer: sqlite3.Connection) -> None:
    """The reads follow each other closely, so a busy writer alone would hardly find time between them."""
    size, sizes = grown(path, writer), list[int]()
    assert not verify(path, key=KEY, progress=lambda _: sizes.append(size())).faults
    assert max(sizes) == 0


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("UPDATE lookup SET masked = NULL WHERE action = 1", "it isn't found, while it's pending, by what"),
        (
            "UPDATE lookup SET masked = zeroblob(32) WHERE action = 1",
            "it isn't found, while it's pending, by",
        ),
        ("UPDATE requests SET pending = 0", "its row says pending = 0, its events say True"),
    ],
)
def test_what_waits_is_not_hidden(path: Path, writer: sqlite3.Connection, changed: str, named: str) -> None:
    """A pending request that no worker would find, or without its similar numbers, is named."""
    writer.execute(changed)
    assert any(named in fault for fault in verify(path, key=KEY).faults)

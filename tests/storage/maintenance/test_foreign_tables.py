"""A log that Litestream replicates: its tables, and its read transaction that stays open.

Litestream itself does not run here. Its part is played by a connection with the same statements.
"""

import runpy
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.workers.retention import WIPE_EVERY, RetentionWorker
from storage.database.migrations import FOREIGN
from storage.maintenance.backup import backup
from storage.maintenance.verification import verify
from storage.repositories.erasure_list import PurgeFilter
from storage.store import Store
from tests.integration.bench import BotWorld, bench
from tests.storage.samples import KEY, NUMBER, Clock, cancelling, deny, placing
from tests.support.tree import ROOT

CREATE = (
    "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);",
    "CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);",
    "INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1",
)


def holds_number(folder: Path) -> bool:
    """Return whether any file of a log holds the number."""
    return any(NUMBER[3:].encode() in file.read_bytes() for file in folder.glob("*.db*"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Yield an open log with a denied request in it."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    made = (await log.requests.create(cancelling(NUMBER))).request
    await log.requests.apply(deny(made.actions[0].id))
    yield log
    await log.close()


@pytest.fixture
def replicated(store: Store, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Yield the connection of what replicates the log, in its read transaction."""
    del store
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for statement in CREATE:
            connection.execute(statement)
        connection.execute("BEGIN")
        connection.execute("SELECT count(1) FROM _litestream_seq").fetchone()
        yield connection


@pytest.mark.usefixtures("replicated")
async def test_a_replicated_log_verifies_and_is_backed_up(store: Store, tmp_path: Path) -> None:
    """Both verifiers find it whole, while the reader is there and others write."""
    await store.requests.create(placing(NUMBER))
    assert verify(tmp_path / "log.db", key=KEY).faults == ()
    assert backup(tmp_path / "log.db", tmp_path / "copy.db").faults == ()
    document = runpy.run_path(str(ROOT / "docs/verify_log.py"))
    assert dict(document["FOREIGN"]) == dict(FOREIGN)
    assert list(document["faults"](tmp_path / "copy.db", key=KEY)) == []


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE _litestream_more (id INTEGER)",
        "CREATE TRIGGER _litestream_seq_t AFTER INSERT ON events BEGIN DELETE FROM pauses; END",
        "ALTER TABLE _litestream_lock ADD COLUMN number TEXT",
    ],
)
async def test_only_the_known_tables_are_taken(
    replicated: sqlite3.Connection, tmp_path: Path, change: str
) -> None:
    """Another table, a trigger or another column is a fault."""
    replicated.execute("COMMIT")
    replicated.execute(change)
    [fault] = verify(tmp_path / "log.db", key=KEY).faults
    assert "The schema isn't ours: _litestream_" in fault


async def test_a_purge_beside_a_long_reader_is_finished_later(
    store: Store, replicated: sqlite3.Connection, tmp_path: Path
) -> None:
    """It says how much is left. Once the reader lets go, the bytes are wiped, and that is done once."""
    erasing = PurgeFilter("by number", numbers=frozenset({NUMBER}))
    done = await store.retention.purge(erasing, actor="operator")
    wal = tmp_path / "log.db-wal"
    assert done.requests
    assert not done.wiped
    assert done.unwiped == wal.stat().st_size
    assert holds_number(tmp_path)
    assert await store.retention.wipe_rest() is False
    replicated.execute("ROLLBACK")
    assert await store.retention.wipe_rest() is True
    assert await store.retention.wipe_rest() is None
    assert not holds_number(tmp_path)


async def test_the_bot_finishes_a_purge_by_itself(tmp_path: Path) -> None:
    """Its worker tries again, a minute apart."""
    async with bench(tmp_path) as stage:
        worker, clock = _worker(stage), stage.clock
        with closing(sqlite3.connect(stage.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM events").fetchone()
            made = (await stage.bot.store.requests.create(cancelling(NUMBER))).request
            await stage.bot.store.requests.apply(deny(made.actions[0].id))
            erasing = PurgeFilter("by number", numbers=frozenset({NUMBER}))
            assert not (await stage.bot.store.retention.purge(erasing, actor="operator")).wiped
            await worker.run_once()
        await worker.run_once()
        assert holds_number(tmp_path), "it waits for a minute"
        clock.move(seconds=WIPE_EVERY.total_seconds())
        await worker.run_once()
        assert not holds_number(tmp_path)


def _worker(stage: BotWorld) -> RetentionWorker:
    return RetentionWorker(stage.bot.store, stage.bot.settings, stage.clock)

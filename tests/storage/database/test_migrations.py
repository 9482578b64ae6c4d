import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.database.migrations import APPLICATION_ID
from storage.maintenance.verification import verify
from storage.models import Note, Query
from storage.states import State
from storage.store import SQLiteLog
from tests.storage.samples import KEY, NUMBER, Clock, noted

OLD = Path(__file__).with_name("second_schema.sql")
"""A log as it was written before there were notes: two cancellations, approved, one of them in doubt."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of that log."""
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return path


async def test_a_log_is_verified_with_the_schema_it_has(path: Path) -> None:
    """Verifying finds no fault with an old log, and migrates nothing."""
    verdict = verify(path)
    assert (verdict.entries, verdict.events, verdict.faults) == (2, 6, ())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (2,)


async def test_an_old_log_is_migrated_and_goes_on(path: Path) -> None:
    """What was written before reads as it was, what is new is empty, and the chain goes on."""
    log = await SQLiteLog.open(path, key=KEY, clock=Clock())
    request = await log.request("A-2222")
    assert (request.reason, request.mode) == ("customer asked", None)
    first, second = request.entries
    assert (first.state, second.state) == (State.UNKNOWN, State.APPROVED)
    assert (first.not_after, first.looked_up, first.sighted, first.known_as) == (None, False, None, None)
    assert [entry.id for entry in (await log.page(Query(number=NUMBER))).entries] == [first.id]
    await log.apply(noted(Note(first.id, "looked_up", {"found": True})))
    assert (await log.request("A-2222")).entries[0].sighted is True
    assert (await log.verify()).faults == ()
    await log.close()
    assert verify(path).events == 7

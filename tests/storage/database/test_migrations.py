"""The schema of a release never changes, and a file of an unknown version is refused and left unchanged."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage.database.connection import CannotOpenLogError
from storage.database.migrations import MIGRATIONS, SCHEMA, known
from storage.maintenance.inspection import inspect
from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.samples import KEY, Clock, placing

FIRST_RELEASE = "bd45bc81253e054d70bddd5a3147929cbdbc5e23bead20a2797fb10bd24318d5"
"""SHA-256 of the schema of version 1.0.0."""

OTHERS = {
    "before the first release": "UPDATE _sqlite_migrations SET name = 'initial_0123456789ab'",
    "one more migration": (
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('callops', 'later', '')"
    ),
}


@pytest.fixture(params=OTHERS)
async def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return the path of a log with a request in it, as another version would have made it."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    await log.requests.create(placing())
    await log.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(OTHERS[request.param])
    return path


async def test_a_file_of_another_version_is_refused(path: Path) -> None:
    """The message says what to do, and the file stays unchanged."""
    before = await asyncio.to_thread(path.read_bytes)
    with pytest.raises(CannotOpenLogError, match=r"made by another version of CallOps .*begin a new file"):
        await Store.open(path, key=KEY, clock=Clock())
    [fault] = verify(path, key=KEY).faults
    assert "made by another version" in fault
    assert "made by another version" in str(inspect(path, KEY).problem)
    assert await asyncio.to_thread(path.read_bytes) == before


async def test_a_file_says_which_schema_it_has(tmp_path: Path) -> None:
    """Its migrations are those that this program knows."""
    path = tmp_path / "log.db"
    await (await Store.open(path, key=KEY, clock=Clock())).close()
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations")}
    assert names == known()


def test_the_first_release_is_never_edited() -> None:
    """A change of the schema is another migration. The logs of people already have this one."""
    assert hashlib.sha256(SCHEMA.encode()).hexdigest() == FIRST_RELEASE
    assert next(iter(MIGRATIONS.pending(Database(memory=True)))).name == "1.0.0"

"""Inspection of a log's location: it reports faults, and changes nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.database.migrations import APPLICATION_ID
from storage.maintenance.inspection import inspect
from storage.store import Store
from tests.storage.samples import KEY, Clock, placing


async def made(path: Path) -> None:
    """Create a log with one action, and close it."""
    log = await Store.open(path, key=KEY, clock=Clock())
    await log.requests.create(placing())
    await log.close()


def written(path: Path, statement: str) -> None:
    """Change the file as another program might."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def files(folder: Path) -> dict[str, bytes]:
    """Return everything in a folder, byte by byte."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


async def test_a_log_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    """The inspection reports the size, the key and the place, and changes no byte and no file."""
    await made(tmp_path / "log.db")
    before = files(tmp_path)
    found = inspect(tmp_path / "log.db", KEY)
    assert (found.exists, found.problem, found.actions) == (True, None, 1)
    assert found.free
    assert found.cleared  # pytest's folders are the system's to empty
    assert files(tmp_path) == before


async def test_a_log_in_use_is_read_too(tmp_path: Path) -> None:
    """A recent commit counts, though it is still in the write-ahead log."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    await log.requests.create(placing())
    assert inspect(tmp_path / "log.db", KEY).actions == 1
    await log.close()


async def test_another_key_does_not_fit(tmp_path: Path) -> None:
    """The report says so. Without a key it is not checked."""
    await made(tmp_path / "log.db")
    assert "another CALLOPS_KEY" in str(inspect(tmp_path / "log.db", bytes(32)).problem)
    assert inspect(tmp_path / "log.db", None).problem is None


async def test_a_file_whose_making_was_broken_off_is_a_new_one(tmp_path: Path) -> None:
    """The file has our mark and no tables, and the next start creates them."""
    written(tmp_path / "begun.db", f"PRAGMA application_id = {APPLICATION_ID}")
    assert (inspect(tmp_path / "begun.db", KEY).problem, inspect(tmp_path / "begun.db", KEY).actions) == (
        None,
        0,
    )
    await made(tmp_path / "begun.db")
    assert inspect(tmp_path / "begun.db", KEY).problem is None


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("nowhere/log.db", "its folder"),
        ("folder", "it is a folder"),
        ("text.db", "file is not a database"),
        ("theirs.db", "the database of another program"),
    ],
)
def test_what_cannot_be_a_log(tmp_path: Path, name: str, part: str) -> None:
    """A missing folder, a folder itself, a text and another program's file each have a reason."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text(
        "a text that is longer than the head of a database " * 4, encoding="utf-8"
    )
    written(tmp_path / "theirs.db", "CREATE TABLE theirs (x)")
    assert part in str(inspect(tmp_path / name, KEY).problem)


def test_what_may_become_a_log(tmp_path: Path) -> None:
    """An absent file stays absent, and an empty one counts as new."""
    (tmp_path / "empty.db").touch()
    assert inspect(tmp_path / "empty.db", KEY).problem is None
    absent = inspect(tmp_path / "absent.db", KEY)
    assert (absent.exists, absent.problem) == (False, None)
    assert sorted(files(tmp_path)) == ["empty.db"]

"""The verifier in the documents, which knows nothing of this program, finds what `log verify` finds."""

import runpy
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from storage.sqlite import SQLiteLog
from storage.verification import verify
from tests.storage.samples import KEY, Clock
from tests.storage.test_sqlite_tampering import CASES, path, tamper

__all__ = ["path"]

VALUES = {"TEXT": "'changed'", "BLOB": "x'01'"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "verify_log.py"
_faults: Callable[..., Iterator[str]] = runpy.run_path(str(DOCUMENT))["faults"]


def found(path: Path, *anchors: str) -> list[str]:
    """What the document's verifier finds; an error while it reads is a fault."""
    try:
        return list(_faults(path, anchors))
    except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError) as error:
        return [f"cannot be read: {error}"]


@pytest.mark.parametrize("statement", CASES)
def test_it_names_what_was_tampered_with(path: Path, statement: str) -> None:
    """Each change behind the log's back that `log verify` names is a fault here, too."""
    assert tamper(path, statement)
    assert found(path)


async def test_it_finds_nothing_in_a_whole_log(path: Path) -> None:
    """Neither before nor after erasing, and the head that `log verify` prints is one of its anchors."""
    assert found(path) == []
    log = await SQLiteLog.open(path, key=KEY, clock=Clock())
    await log.erase("A-2222", actor="U0DPO")
    await log.close()
    verdict = verify(path)
    assert verdict.faults == ()
    assert found(path, f"{verdict.events}:{verdict.head}") == []
    assert found(path, f"{verdict.events + 1}:{verdict.head}") == [
        f"anchor {verdict.events + 1}:{verdict.head} is not in the log"
    ]


def test_the_two_agree_on_values_changed_anywhere(path: Path) -> None:
    """Of values changed at random in the tables of the log, both find each one, or neither does."""
    whole, chosen = path.read_bytes(), Random(11)  # noqa: S311 - the same changes every time
    with closing(sqlite3.connect(path)) as connection:
        columns = [
            (table, column, kind, rowid)
            for table in ("events", "requests", "actions", "approvals", "personal")
            for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
            for (rowid,) in connection.execute(f"SELECT rowid FROM {table}").fetchall()  # noqa: S608 - names of a closed set
        ]
    named = 0
    for table, column, kind, rowid in chosen.sample(columns, 60):
        for beside in ("-wal", "-shm"):
            path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)
        path.write_bytes(whole)
        try:
            faults = tamper(
                path,
                f'UPDATE {table} SET "{column}" = {VALUES.get(kind, 77)} WHERE rowid = {rowid}',  # noqa: S608
            )
        except sqlite3.Error:
            continue  # SQLite itself does not take it: a second row of that name, or no JSON
        named += bool(faults)
        assert bool(found(path)) == bool(faults), (table, column, rowid, faults)
    assert named


def test_it_runs_with_nothing_but_python(path: Path) -> None:
    """As its page says: a sentence, and an exit status; no package of ours or of others."""
    alone = [sys.executable, "-I", "-S", str(DOCUMENT), str(path)]
    whole = subprocess.run(alone, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    assert (whole.returncode, whole.stdout, whole.stderr) == (0, "The log is whole\n", "")
    tamper(path, "UPDATE events SET actor = 'U0MALLORY' WHERE seq = 3")
    changed = subprocess.run(alone, capture_output=True, text=True, check=False)  # noqa: S603
    assert changed.returncode == 1
    assert changed.stdout.splitlines() == [
        "event 3 is not the one that was written after event 2",
        "The log is NOT whole",
    ]

"""The verifier in the documents, which is independent of this program, finds what `log verify` finds."""

import hashlib
import json
import runpy
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.kept_log import make
from tests.storage.maintenance.test_verification import CASES, path, tamper
from tests.storage.samples import (
    KEY,
    NUMBER,
    Clock,
    erase,
    verified,
)
from tests.support.tree import ROOT

__all__ = ["path"]

VALUES = {"TEXT": ("'changed'", "''", "NULL"), "BLOB": ("x'01'", "x''", "NULL")}
NUMBERS = ("77", "0", "NULL")
DOCUMENT = ROOT / "docs" / "verify_log.py"
_DOCUMENT = runpy.run_path(str(DOCUMENT))
_faults: Callable[..., Iterator[str]] = _DOCUMENT["faults"]


def found(path: Path, *anchors: str, key: bytes | None = None) -> list[str]:
    """Return the faults that the document's verifier finds."""
    return list(_faults(path, anchors, key))


@pytest.mark.parametrize("statement", CASES)
def test_it_names_what_was_tampered_with(path: Path, statement: str) -> None:
    """Each change that `log verify` names is a fault here, too."""
    assert tamper(path, statement)
    assert found(path)


async def test_it_finds_nothing_in_a_whole_log(path: Path) -> None:
    """An erasure makes no difference. The head that `log verify` prints is one of its anchors."""
    assert found(path) == []
    log = await Store.open(path, key=KEY, clock=Clock())
    await erase(log, "A-2222", actor="U0DPO")
    await log.close()
    verdict = verify(path)
    assert verdict.faults == ()
    assert found(path, f"{verdict.events}:{verdict.head}") == []
    assert found(path, f"{verdict.events + 1}:{verdict.head}") == [
        f"anchor {verdict.events + 1}:{verdict.head} is not in the log"
    ]


def test_the_two_agree_on_values_changed_anywhere(whole: Path) -> None:
    """Of random changes in the log's tables, both find each one, or neither does."""
    before, chosen = whole.read_bytes(), Random(11)  # noqa: S311 - the same changes every time
    tables = ("events", "requests", "actions", "approvals", "personal", "lookup", "seals")
    with closing(sqlite3.connect(whole)) as connection:
        columns = [
            (table, column, value, rowid)
            for table in tables
            for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
            for (rowid,) in connection.execute(f"SELECT rowid FROM {table}").fetchall()  # noqa: S608 - names of a closed set
            for value in VALUES.get(kind, NUMBERS)
            if column != "masked"  # the document says that it leaves this one out
        ]
    named = tried = 0
    for table, column, value, rowid in chosen.sample(columns, 150):
        for beside in ("-wal", "-shm"):
            whole.with_name(f"{whole.name}{beside}").unlink(missing_ok=True)
        whole.write_bytes(before)
        try:
            tamper(whole, f'UPDATE {table} SET "{column}" = {value} WHERE rowid = {rowid}')  # noqa: S608
        except sqlite3.Error:
            continue  # SQLite itself refuses it as a second row of that name, or as no JSON
        faults = verify(whole, key=KEY).faults
        tried, named = tried + 1, named + bool(faults)
        assert bool(found(whole, key=KEY)) == bool(faults), (table, column, value, rowid, faults)
    assert 0 < named < tried


def test_it_runs_with_nothing_but_python(path: Path) -> None:
    """As its page says, it prints a sentence, has an exit status, and needs no package."""
    alone = [sys.executable, "-I", "-S", str(DOCUMENT), str(path)]
    whole = subprocess.run(alone, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    assert (whole.returncode, whole.stdout, whole.stderr) == (0, "The log is intact\n", "")
    tamper(path, "UPDATE events SET actor = 'U0MALLORY' WHERE seq = 3")
    changed = subprocess.run(alone, capture_output=True, text=True, check=False)  # noqa: S603
    assert changed.returncode == 1
    assert changed.stdout.splitlines() == [
        "event 3 is not the one that was written after event 2",
        "The log is DAMAGED",
    ]


def test_it_knows_the_schema(path: Path) -> None:
    """The hash in the document is that of the current schema. After a change, this test shows the new one."""
    with closing(sqlite3.connect(path)) as connection:
        found = sorted(tuple(row) for row in connection.execute("SELECT name, sql FROM sqlite_schema"))
    made = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    assert _DOCUMENT["SCHEMA"] == hashlib.sha256(made.encode()).hexdigest()


@pytest.fixture
async def whole(tmp_path: Path) -> Path:
    """Return the path of a closed log with something in every table."""
    await make(tmp_path / "whole.db")
    return tmp_path / "whole.db"


TAMPERING: dict[str, tuple[str, ...]] = {
    "another hash is stopped": ("UPDATE stops SET number = zeroblob(32) WHERE list = ''",),
    "a person's stop is given to a list": ("UPDATE stops SET list = 'ndnc2' WHERE list = ''",),
    "a hash of a list is another": (
        "UPDATE stops SET number = zeroblob(32) WHERE number = (SELECT min(number) FROM stops WHERE list = 'ndnc')",
    ),
    "two hashes of two lists are exchanged": (
        "UPDATE stops SET list = 'x' WHERE list = 'mine'",
        "UPDATE stops SET list = 'mine' WHERE rowid_of_one",
        "UPDATE stops SET list = 'ndnc' WHERE list = 'x'",
    ),
    "a list's hash is gone": ("DELETE FROM stops WHERE list = 'mine'",),
    "a hash is added to a list": (
        "INSERT INTO stops SELECT zeroblob(32), list, event FROM stops WHERE list = 'mine'",
    ),
    "a second number is stopped by one stop": (
        "INSERT INTO stops SELECT zeroblob(32), list, event FROM stops WHERE list = ''",
    ),
    "hashes are of another import": (
        "UPDATE stops SET event = (SELECT max(event) FROM stops WHERE list = 'ndnc') WHERE list = 'ndnc'",
    ),
    "a removed list is back": (
        "INSERT INTO stops SELECT zeroblob(32), 'gone', max(seq) FROM events WHERE name = 'list_imported'",
    ),
    "a lifted stop is back": (
        "INSERT INTO stops SELECT zeroblob(32), '', seq FROM events WHERE name = 'calls_allowed'",
    ),
    "a salt of a stop is another": ("UPDATE seals SET salt = zeroblob(16) WHERE salt IS NOT NULL",),
    "a salt of a stop is gone": ("UPDATE seals SET salt = NULL WHERE salt IS NOT NULL",),
    "a key stands twice in an event": (
        """UPDATE events SET data = '{"state":"denied",' || substr(data, 2) WHERE name = 'approved'""",
    ),
    "a key stands twice in a commitment": (
        """UPDATE events SET private = '{"action":"00",' || substr(private, 2) WHERE seq = 1""",
    ),
    "an event is spaced": ("UPDATE events SET data = replace(data, ',', ', ') WHERE seq = 1",),
    "an event is escaped": (
        "UPDATE events SET data = replace(data, 'reminders', '\\u0072eminders') WHERE seq = 1",
    ),
    "an event has a fraction": ("UPDATE events SET data = replace(data, ':1,', ':1.0,') WHERE seq = 1",),
    "an event is in another order": (
        """UPDATE events SET data = '{"state":"approved",' || substr(json_remove(data, '$.state'), 2) WHERE seq = 1""",
    ),
    "an event is no text": ("UPDATE events SET actor = CAST(x'55FF' AS TEXT) WHERE seq = 2",),
    "what is kept is no text": ("UPDATE personal SET value = CAST(x'55FF' AS TEXT) WHERE event = 2",),
    "a request has an empty mode": ("UPDATE requests SET mode = ''",),
    "a message is empty": ("UPDATE actions SET message = '' WHERE message IS NULL",),
    "a flag is another": ("UPDATE actions SET maybe_executed = 1 - maybe_executed",),
    "a call ended otherwise": (
        "UPDATE actions SET ending = iif(ending = 'busy', 'answered', 'busy') WHERE ending IS NOT NULL",
    ),
    "a call was tried once more": ("UPDATE actions SET end_try = 2 WHERE ending IS NOT NULL",),
    "what was approved is another": ("UPDATE approvals SET content = 'another hash'",),
    "an approval is of no event": (
        'INSERT INTO approvals SELECT 1, request, person, decision, "group", members, content, at FROM approvals LIMIT 1',
    ),
    "an approval is of no request": (
        "INSERT INTO approvals SELECT 99, 'A-9999', person, decision, \"group\", members, content, at FROM approvals LIMIT 1",
    ),
    "a request is forged under a fault's id": (
        "CREATE TEMP TABLE forged AS SELECT * FROM requests LIMIT 1",
        "UPDATE forged SET id = (SELECT request FROM events WHERE name = 'fault')",
        "INSERT INTO requests SELECT * FROM forged",
    ),
    "a value is kept of an event that is not there": (
        "INSERT INTO personal (event, field, salt, value) VALUES (999, 'note', x'00', 'forged')",
    ),
    "what was erased is back": (
        "UPDATE personal SET value = 'forged' WHERE event IN (SELECT seq - 2 FROM events WHERE name = 'erased')",
    ),
    "a look-up is gone": ("DELETE FROM lookup WHERE action = 1",),
    "an erased action is looked up": ("INSERT INTO lookup SELECT max(n), zeroblob(32), NULL FROM actions",),
    "a look-up is of no action": ("INSERT INTO lookup VALUES (999, zeroblob(32), NULL)",),
    "two actions are exchanged in their order": (
        "UPDATE actions SET n = 999 WHERE n = 1",
        "UPDATE actions SET n = 1 WHERE n = 2",
        "UPDATE actions SET n = 2 WHERE n = 999",
    ),
    "a view tells another story": (
        "DROP VIEW decisions",
        "CREATE VIEW decisions AS SELECT 'U0NOBODY' AS who",
    ),
    "an index is gone": ("DROP INDEX actions_target",),
    "a table was added": ("CREATE TABLE more (n INTEGER)",),
}
"""Changes of somebody with a SQLite shell, each of which is found without the key."""

KEYED: dict[str, tuple[str, ...]] = {
    "two look-ups are exchanged": (
        "CREATE TEMP TABLE two AS SELECT * FROM lookup WHERE action IN (1, 2)",
        "UPDATE lookup SET number = (SELECT number FROM two WHERE two.action = 3 - lookup.action) WHERE action IN (1, 2)",
    ),
    "a look-up is another": ("UPDATE lookup SET number = zeroblob(32) WHERE action = 1",),
    "an id's look-up is another": ("UPDATE lookup SET number = zeroblob(32) WHERE action = 3",),
    "the key is another": ("UPDATE meta SET value = zeroblob(32) WHERE name = 'key'",),
}
"""Changes that only the lookup key reveals."""


def changed(path: Path, *statements: str) -> None:
    """Change a file as somebody with a SQLite shell would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            of_one = "number = (SELECT min(number) FROM stops WHERE list = 'ndnc') AND list = 'ndnc'"
            done = connection.execute(statement.replace("rowid_of_one", of_one))
            assert done.rowcount, statement
        for _, sql in triggers:
            connection.execute(sql)


@pytest.mark.parametrize("what", TAMPERING)
def test_both_name_what_was_tampered_with(whole: Path, what: str) -> None:
    """The key makes no difference for these changes."""
    changed(whole, *TAMPERING[what])
    for key in (None, KEY):
        assert verify(whole, key=key).faults, "log verify"
        assert found(whole, key=key), "verify_log.py"


def test_both_name_stops_whose_tables_are_gone(whole: Path) -> None:
    """Removed tables lift no stop without being named."""
    with closing(sqlite3.connect(whole)) as connection, connection:
        for table in ("unfinished_lists", "seals", "stops"):
            connection.execute(f"DROP TABLE {table}")
    faults = verify(whole, key=KEY).faults
    assert any("stops was changed, added or taken away" in fault for fault in faults)
    assert any("can't be read to its end: no such table: " in fault for fault in faults)
    assert found(whole, key=KEY)


@pytest.mark.parametrize("what", KEYED)
def test_both_name_with_the_key_what_only_the_key_tells(whole: Path, what: str) -> None:
    """An action that is found by another number no longer counts for stops and erasing."""
    changed(whole, *KEYED[what])
    assert verify(whole, key=KEY).faults, "log verify"
    assert found(whole, key=KEY), "verify_log.py"
    assert not verify(whole).faults
    assert not found(whole)


def test_neither_names_anything_in_a_whole_log(whole: Path) -> None:
    """The key makes no difference. With another log's key, both say so."""
    changed(whole)
    for key in (None, KEY):
        assert (verify(whole, key=key).faults, found(whole, key=key)) == ((), [])
    [said] = verify(whole, key=bytes(32)).faults
    [told] = found(whole, key=bytes(32))
    assert "another key" in said
    assert "another key" in told


async def test_what_seals_a_stop_is_there_for_as_long_as_it_holds(whole: Path) -> None:
    """The salt goes with the stop or the list, and then nobody can tell the stopped number."""

    def salts() -> int:
        with closing(sqlite3.connect(whole)) as connection:
            return int(connection.execute("SELECT count(salt) FROM seals").fetchone()[0])

    assert salts() == 4
    log = await Store.open(whole, key=KEY, clock=Clock())
    await log.do_not_call.remove(NUMBER, masked="+91\u00a0•••3210", actor="U0MANAGER", reason="well again")
    assert salts() == 3
    await log.do_not_call_lists.remove("ndnc", actor="system")
    assert salts() == 1
    assert not (await verified(log)).faults
    await log.close()
    assert not found(whole, key=KEY)

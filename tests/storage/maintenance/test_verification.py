import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from storage.maintenance.verification import FAULTS_NAMED, verify
from storage.store import Store
from tests.storage.samples import KEY, NUMBER, OTHER_NUMBER, Clock, approve, cancelling, claim, finish


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return the path of a closed log: two targets, approved, the first sent, events 1 to 6."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock, random=bytes)
    request = (await log.requests.create(cancelling(NUMBER, OTHER_NUMBER))).request
    await log.requests.apply(approve(*(record.id for record in request.actions)))
    await log.requests.apply(claim("A-2222.1", until=clock.now + timedelta(seconds=30)))
    await log.requests.apply(finish("A-2222.1"))
    await log.close()
    return tmp_path / "log.db"


def tamper(path: Path, *statements: str) -> tuple[str, ...]:
    """Change the file as somebody with a SQLite shell would, and return its faults."""
    with closing(sqlite3.connect(path)) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount
        for _, sql in triggers:
            connection.execute(sql)
    return tuple(verify(path).faults)


CASES = {
    "UPDATE events SET actor = 'U0MALLORY' WHERE seq = 3": [
        "Event 3 (A-2222.1) was changed after it was written."
    ],
    "UPDATE events SET data = replace(data, 'approved', 'denied') WHERE seq = 4": [
        "Event 4 (A-2222.2) was changed after it was written.",
        "A-2222.2: its row says state = approved, its events say denied.",
    ],
    "UPDATE events SET data = '[1]' WHERE seq = 5": ["Event 5 (A-2222.1) was changed after it was written."],
    "UPDATE events SET at = 9223372036854775807 WHERE seq = 5": ["Event 5 (A-2222.1) can't be read."],
    "UPDATE events SET data = json_set(data, '$.x', 1.5) WHERE seq = 5": [
        "Event 5 (A-2222.1) can't be read."
    ],
    "DELETE FROM events WHERE seq = 4": ["Event 4 is missing: event 5 follows event 3."],
    "DELETE FROM events WHERE seq = 6": ["A-2222.1: its row says state = succeeded, its events say sending."],
    "UPDATE actions SET state = 'succeeded' WHERE position = 2": [
        "A-2222.2: its row says state = succeeded, its events say approved."
    ],
    "UPDATE requests SET requester = 'U0OTHER'": [
        "A-2222: its row says requester = U0OTHER, its events say U0AGENT."
    ],
    "UPDATE approvals SET person = 'U0AGENT'": [
        "A-2222, the decision of event 3: its row says person = U0AGENT, its events say U0MANAGER."
    ],
    "DELETE FROM approvals": ["A-2222, the decision of event 3: its row is gone."],
    "DELETE FROM actions WHERE position = 2": ["A-2222.2: its row is gone."],
    "UPDATE personal SET value = replace(value, '3210', '9999') WHERE event = 1": [
        "Event 1 (A-2222.1): its action isn't what was written down."
    ],
    "UPDATE personal SET value = NULL WHERE event = 2": [
        "Event 2 (A-2222.2): its action is gone, though nobody erased it."
    ],
    "INSERT INTO personal (event, field, salt, value) VALUES (3, 'note', x'00', 'forged')": [
        "Event 3 (A-2222.1): its note isn't what was written down."
    ],
}


@pytest.mark.parametrize("statement", CASES)
def test_tampering_is_named(path: Path, statement: str) -> None:
    """Each change behind the log's back is named, with its target."""
    faults = tamper(path, statement)
    for expected in CASES[statement]:
        assert expected in faults


def test_an_untouched_log_has_no_fault(path: Path) -> None:
    """A log that was opened with a SQLite shell, and not changed, verifies."""
    assert tamper(path) == ()


def test_a_trigger_that_is_gone_is_named(path: Path) -> None:
    """A missing trigger is reported, even without another change."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER events_hold")
    [fault] = verify(path).faults
    assert "events_hold" in fault


def test_a_forged_row_has_no_event(path: Path) -> None:
    """A request without a requester is named."""
    faults = tamper(
        path,
        "CREATE TEMP TABLE forged AS SELECT * FROM requests",
        "UPDATE forged SET id = 'A-9999'",
        "INSERT INTO requests SELECT * FROM forged",
    )
    assert faults == ("A-9999: no event made its row.",)


def test_one_fault_does_not_hide_the_others(path: Path) -> None:
    """Faults elsewhere are named, too."""
    faults = tamper(
        path, "UPDATE events SET actor = 'U1' WHERE seq = 1", "UPDATE actions SET state = 'failed'"
    )
    assert [fault.split(" ", 2)[:2] for fault in faults] == [
        ["Event", "1"],
        ["A-2222.1:", "its"],
        ["A-2222.2:", "its"],
    ]


def test_many_faults_are_named_up_to_a_limit(path: Path) -> None:
    """A log that is wrong everywhere does not fill the screen."""
    faults = tamper(
        path,
        "UPDATE events SET actor = 'U1'",
        """UPDATE actions SET kind = 'x', connection = 'x', requester = 'x', agent = 'x', code = 'x',
           message = 'x', attempt = 9, asked_at = 0, updated_at = 0""",
    )
    assert len(faults) == FAULTS_NAMED


def test_a_damaged_file_is_named(path: Path) -> None:
    """A page of rubbish in the middle of the file is a fault, never a traceback."""
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'")
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    assert any("malformed" in fault or "damaged" in fault for fault in verify(path).faults)


def exported(path: Path) -> list[tuple[object, ...]]:
    """Return the whole content of the log: its events, its rows and its personal values."""
    with closing(sqlite3.connect(path)) as connection:
        return [
            row
            for table in ("events", "requests", "actions", "approvals", "personal")
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - a closed set
        ]


def test_a_flipped_bit_is_a_fault_or_harmless(path: Path) -> None:
    """Any flipped bit is named, or the log has the same content as before."""
    whole, kept = path.read_bytes(), exported(path)
    chosen = Random(7)  # noqa: S311 - the same bits every time
    named = 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[chosen.randrange(len(whole))] ^= 1 << chosen.randrange(8)
        path.write_bytes(damaged)
        faults = verify(path).faults
        named += bool(faults)
        assert faults or exported(path) == kept
    assert named


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    """Verifying a missing file says so, and creates nothing."""
    [fault] = verify(tmp_path / "log.db").faults
    assert "unable to open" in fault
    assert not list(tmp_path.iterdir())

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.samples import KEY, NUMBER, OTHER_NUMBER, Clock


async def test_rows_that_were_made_to_count_no_longer_are_found(tmp_path: Path) -> None:
    """A list or a stop that is switched off by hand contradicts the events."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    stop, _ = await log.do_not_call.add(NUMBER, masked="masked", actor="U0AGENT", reason=None)
    await log.do_not_call_lists.add("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    await log.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO unfinished_lists SELECT DISTINCT event, list, 0 FROM stops")
        connection.commit()
    assert verify(path).faults == (
        f"{stop.id}: calls to its number are no longer stopped, though nobody allowed them.",
        "The list ndnc has 0 numbers, its events say 2.",
    )

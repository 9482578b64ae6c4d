"""Every released schema: a log that its version made is opened, read, verified and used by the present one."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.kept_log import KEPT, dump, facts, head, keep, restore
from tests.storage.samples import KEY, Clock, placing

RELEASED = sorted(file.stem for file in KEPT.glob("*.sql"))
PRESENT = "the present schema"


def kept(name: str, folder: Path) -> tuple[str, dict[str, object]]:
    """Return a kept log as SQL, and what it says. The present schema's is made now."""
    if name == PRESENT:
        keep("present", folder)
        name = "present"
    else:
        folder = KEPT
    said = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return (folder / f"{name}.sql").read_text(encoding="utf-8"), said


@pytest.mark.parametrize("name", [*RELEASED, PRESENT])
def test_a_kept_log_is_opened_and_used(tmp_path: Path, name: str) -> None:
    """It says the same as before, both verifiers' chain holds, its events are untouched, and it takes more."""
    sql, said = kept(name, tmp_path)
    path = tmp_path / "callops.db"
    restore(sql, path)
    assert asyncio.run(facts(path)) == said["facts"]
    assert verify(path, key=KEY).faults == ()
    assert head(path) == said["head"]

    async def use() -> None:
        store = await Store.open(path, key=KEY, clock=Clock())
        await store.requests.create(placing("+919876543299"))
        await store.close()

    asyncio.run(use())
    assert verify(path, key=KEY).faults == ()


def test_a_kept_log_is_never_written_anew(tmp_path: Path) -> None:
    """A second log under the same name would not be what the released version made."""
    keep("present", tmp_path)
    with pytest.raises(FileExistsError):
        keep("present", tmp_path)


def test_a_dump_is_the_whole_file(tmp_path: Path) -> None:
    """The restored file has the same schema and rows as the one that was kept."""
    sql, _ = kept(PRESENT, tmp_path)
    restore(sql, tmp_path / "callops.db")
    assert dump(tmp_path / "callops.db") == sql
    with closing(sqlite3.connect(tmp_path / "callops.db")) as connection:
        filled = [
            table
            for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - our own names
        ]
    assert {"events", "requests", "actions", "approvals", "personal", "lookup", "stops", "seals"} <= {*filled}

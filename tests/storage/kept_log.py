"""A small log of the present schema, kept as text, so that later versions are tested with it.

`python -m tests.storage.kept_log 1.0.0` writes `tests/storage/kept/1.0.0.sql`, and what the log says as
`1.0.0.json`. It is run once for each released schema. Neither file is ever changed again.
"""

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from providers.actions import CallList, Ending, Kind, PlaceCall
from storage.changes import NewAction
from storage.database.migrations import APPLICATION_ID
from storage.maintenance.verification import verify
from storage.queries import Query
from storage.repositories.call_list_rows import NewRow
from storage.store import Store
from tests.storage.samples import (
    KEY,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    deny,
    ended,
    erase,
    finish,
    placing,
    withdraw,
)

KEPT: Final = Path(__file__).parent / "kept"


async def make(path: Path) -> None:
    """Create a log with something in every table, and close it."""
    clock = Clock()
    log = await Store.open(path, key=KEY, clock=clock)
    first = (await log.requests.create(replace(placing(NUMBER), reason="one"))).request.id
    second = (await log.requests.create(replace(placing(OTHER_NUMBER), reason="two"))).request.id
    for made in (first, second):
        await log.requests.apply(claim(made, until=clock.now + timedelta(seconds=30)))
        await log.requests.apply(finish(made, reference=f"ck_{made}"))
    by_id = (await log.requests.create(cancelling_by_id("c_9876543210"))).request.id
    await log.requests.apply(approve(by_id))
    denied = (await log.requests.create(cancelling(NUMBER, OTHER_NUMBER))).request
    await log.requests.apply(deny(*(record.id for record in denied.actions)))
    await log.do_not_call.add(NUMBER, masked="+91\u00a0•••3210", actor="U0AGENT", reason="cross")
    await log.do_not_call.add(OTHER_NUMBER, masked="+91\u00a0•••3211", actor="U0AGENT", reason=None)
    await log.do_not_call.remove(
        OTHER_NUMBER, masked="+91\u00a0•••3211", actor="U0MANAGER", reason="well again"
    )
    await log.do_not_call_lists.add("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    await log.do_not_call_lists.add("ndnc", [f"+9198765432{n}" for n in range(20, 24)], actor="system")
    await log.do_not_call_lists.add("mine", ["+919876543230"], actor="system")
    await log.do_not_call_lists.add("gone", ["+919876543240"], actor="system")
    await log.do_not_call_lists.remove("gone", actor="system")
    await log.audit.record_error(actor="U0AGENT", where="commands", private={"traceback": "a fault"})
    for ending, number in ((Ending.ANSWERED, 1), (Ending.BUSY, None), (Ending.NO_ANSWER, 0)):
        await log.requests.apply(ended(first, ending, number))
    list_id = await log.call_lists.begin("U0AGENT")
    calls = [PlaceCall(to=number, agent="payments") for number in (NUMBER, OTHER_NUMBER)]
    await log.call_lists.add(list_id, [NewRow(n, call, call.to) for n, call in enumerate(calls, start=2)])
    listed = CallList(
        kind=Kind.PLACE_LIST,
        list=list_id,
        name="calls.csv",
        sha256="0" * 64,
        rows_sha256=await log.call_lists.rows_of(list_id),
        rows=2,
    )
    new = replace(placing(), kind=Kind.PLACE_LIST, actions=[NewAction(listed)])
    asked = (await log.requests.create(new)).request.id
    [row, _] = (await log.call_lists.turn(asked, clock.now, 2)).rows
    await log.requests.create(replace(placing(NUMBER), call_list=asked, row=row.id, delivery_key="row"))
    await log.pauses.pause("voxworks", actor="U0MANAGER", reason="why", until=None, nonce="pause")
    gone = (await log.requests.create(placing("+919876543250"))).request.id
    await log.requests.apply(withdraw(gone))
    await erase(log, gone, actor="U0DPO")
    await log.close()


def dump(path: Path) -> str:
    """Return a log as SQL, with the SQL of its schema as it stands in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return "".join(f"{line}\n" for line in connection.iterdump())


def restore(sql: str, path: Path) -> None:
    """Create the log that `dump` returned."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


async def facts(path: Path) -> dict[str, Any]:
    """Return what a log says: its end, every action with its target, and what is blocked."""
    log = await Store.open(path, key=KEY, clock=Clock())
    try:
        page = await log.search.page(Query(), limit=100)
        blocked = await log.do_not_call.stopped_numbers()
        return {
            "actions": [
                [one.id, one.state, one.code, one.action and one.action.model_dump(mode="json")]
                for one in sorted(page.actions, key=lambda one: one.id)
            ],
            "to the number": sorted(
                one.id for one in (await log.search.page(Query(number=NUMBER), limit=100)).actions
            ),
            "blocked": {name or "by people": count for name, count in sorted(blocked.items(), key=str)},
            "is blocked": bool(await log.do_not_call.stops(NUMBER)),
        }
    finally:
        await log.close()


def head(path: Path) -> dict[str, Any]:
    """Return the number and the hash of the last event."""
    verdict = verify(path, key=KEY)
    return {"events": verdict.events, "hash": verdict.head}


def keep(name: str, folder: Path = KEPT) -> None:
    """Write a log of the present schema, and what it says. Raises `FileExistsError`."""
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "callops.db"
        asyncio.run(make(path))
        said = {"head": head(path), "facts": asyncio.run(facts(path))}
        with (folder / f"{name}.sql").open("x", encoding="utf-8") as file:
            file.write(dump(path))
    with (folder / f"{name}.json").open("x", encoding="utf-8") as file:
        file.write(f"{json.dumps(said, indent=1, ensure_ascii=False)}\n")


if __name__ == "__main__":
    keep(sys.argv[1])

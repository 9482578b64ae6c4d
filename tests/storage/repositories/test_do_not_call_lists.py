import asyncio
import base64
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from storage.maintenance.verification import verify
from storage.repositories.do_not_call import COUNTS, holds_back
from storage.repositories.do_not_call_lists import TOGETHER, ImportSupersededError
from storage.store import Store
from tests.storage.samples import KEY, NUMBER, OTHER_NUMBER, Clock, many_numbers, placing, verified
from tests.support.tree import ROOT


def _written(folder: Path) -> bytes:
    """Return every byte of every file of the log."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_list_keeps_hashes_and_nothing_else(tmp_path: Path) -> None:
    """No number of a list or a stop is in the file, not even its digits. Another import adds nothing."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    added = await log.do_not_call_lists.add("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    again = await log.do_not_call_lists.add("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    await log.do_not_call.add(NUMBER, masked="+91\u00a0•••3210", actor="U0AGENT", reason=None)
    assert (added.added, added.numbers) == (2, 2)
    assert (again.id, again.added, again.numbers) == (None, 0, 2)
    assert await log.do_not_call.stopped_numbers() == {None: 1, "ndnc": 2}
    assert (await verified(log)).faults == ()
    written = _written(tmp_path)
    for number in (NUMBER, OTHER_NUMBER):
        assert number[3:].encode() not in written
    await log.close()


async def test_a_list_without_a_name_is_no_list(tmp_path: Path) -> None:
    """A nameless list's numbers would count as people's stops."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    with pytest.raises(ValueError, match="has a name"):
        await log.do_not_call_lists.add("", [NUMBER], actor="system")
    assert await log.do_not_call_lists.remove("", actor="system") == 0
    await log.close()


def _rows(path: Path, condition: str = "TRUE") -> int:
    with closing(sqlite3.connect(path)) as connection:
        [(rows,)] = connection.execute(f"SELECT count(*) FROM stops WHERE {condition}")  # noqa: S608 - fixed text
    return int(rows)


def import_until_killed(path: Path, key: bytes) -> int:
    """Import three parts of a list ndnc in a process that dies after two, and return its exit status."""
    importing = [sys.executable, "-m", "tests.storage.importer", str(path), base64.b64encode(key).decode()]
    importing += ["ndnc", str(3 * TOGETHER), "2"]
    return subprocess.run(importing, check=False, cwd=ROOT).returncode  # noqa: S603 - our own interpreter


def _are_held_back(path: Path, entries: Sequence[str]) -> list[bool]:
    with closing(sqlite3.connect(path)) as connection:
        return [holds_back(connection, action) for action in entries]


async def test_a_long_list_is_written_in_small_parts_and_counts_all_at_once(tmp_path: Path) -> None:
    """Between two parts another process can write. Until the last part, nobody is blocked."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    parts: list[int] = []
    written = [0]

    def progress(looked_up: int) -> None:
        parts.append(looked_up)
        written.append(_rows(path))
        assert _rows(path, COUNTS) == 0
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")

    amount = 2 * TOGETHER + 1
    imported = await log.do_not_call_lists.add(
        "ndnc", many_numbers(amount), actor="system", progress=progress
    )
    assert parts == [TOGETHER, TOGETHER, 1]
    assert written == [0, TOGETHER, 2 * TOGETHER, amount]
    assert (imported.added, imported.numbers, _rows(path, COUNTS)) == (amount, amount, amount)
    assert imported.id
    assert [event.name for event in await log.requests.events(imported.id)] == [
        "list_import_began",
        "list_imported",
    ]
    assert await log.do_not_call_lists.unlisted("ndnc", many_numbers(amount + 7)) == 7
    assert await log.do_not_call_lists.unlisted("another", [NUMBER, NUMBER]) == 1
    assert await log.do_not_call_lists.unfinished_imports() == []
    await log.close()
    assert verify(path).faults == ()


async def test_an_import_that_fails_leaves_the_list_as_it_was(tmp_path: Path) -> None:
    """The failed import's rows never count, and go with the next import, which is whole."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    await log.do_not_call_lists.add("ndnc", [NUMBER], actor="system")

    def fail(_: int) -> None:
        raise RuntimeError("the disk is full")

    numbers = many_numbers(TOGETHER + 1)
    with pytest.raises(RuntimeError, match="the disk is full"):
        await log.do_not_call_lists.add("ndnc", numbers, actor="system", progress=fail)
    assert _rows(path) == 1 + TOGETHER
    assert await log.do_not_call.stopped_numbers() == {"ndnc": 1}
    assert await log.do_not_call.stops(NUMBER)
    assert await log.do_not_call_lists.unfinished_imports() == []
    assert (await verified(log)).faults == ()
    again = await log.do_not_call_lists.add("ndnc", numbers, actor="system")
    assert (again.added, again.numbers, _rows(path)) == (TOGETHER + 1, TOGETHER + 2, TOGETHER + 2)
    assert (await verified(log)).faults == ()
    await log.close()


@pytest.mark.parametrize("again", ["import", "remove"])
async def test_an_import_that_was_killed_blocks_nobody_and_is_said(tmp_path: Path, again: str) -> None:
    """The log names it as unfinished, until the list is imported again or removed."""
    path = tmp_path / "log.db"
    assert import_until_killed(path, KEY) == -9
    log = await Store.open(path, key=KEY, clock=Clock())
    assert (_rows(path), await log.do_not_call.stopped_numbers()) == (2 * TOGETHER, {})
    [unfinished] = await log.do_not_call_lists.unfinished_imports()
    assert unfinished.list == "ndnc"
    [began] = await log.requests.events(unfinished.id)
    assert (began.name, began.at) == ("list_import_began", unfinished.began_at)
    assert (await verified(log)).faults == ()
    numbers = many_numbers(20)  # two thirds of them have a row
    calls = [(await log.requests.create(placing(number))).request.id for number in numbers]
    assert not any(_are_held_back(path, calls))
    assert [await log.do_not_call.stops(number) for number in numbers] == [[]] * 20
    assert [await log.search.asked_to_stop(number) for number in numbers] == [None] * 20
    if again == "import":
        await log.do_not_call_lists.add("ndnc", many_numbers(3), actor="system")
    else:
        assert await log.do_not_call_lists.remove("ndnc", actor="system") == 0
    assert await log.do_not_call_lists.unfinished_imports() == []
    assert await log.do_not_call.stopped_numbers() == ({"ndnc": 3} if again == "import" else {})
    assert _are_held_back(path, calls[:4]) == [again == "import"] * 3 + [False]
    await log.do_not_call_lists.add("another", [NUMBER], actor="system")
    assert _rows(path) == (4 if again == "import" else 1)
    assert (await verified(log)).faults == ()
    await log.close()


def _meanwhile(path: Path, work: Callable[[Store], Awaitable[object]]) -> Callable[[int], None]:
    """Return a function that changes the list on another connection, once, between two parts of an import."""
    left = [work]

    async def run() -> None:
        log = await Store.open(path, key=KEY, clock=Clock())
        await left.pop()(log)
        await log.close()

    def progress(_: int) -> None:
        if left:
            other = Thread(target=asyncio.run, args=[run()])
            other.start()
            other.join()

    return progress


@pytest.mark.parametrize(
    ("work", "left"),
    [
        (lambda log: log.do_not_call_lists.remove("ndnc", actor="system"), {}),
        (lambda log: log.do_not_call_lists.add("ndnc", many_numbers(2), actor="system"), {"ndnc": 3}),
        (
            lambda log: log.do_not_call_lists.add("ndnc", many_numbers(TOGETHER), actor="system"),
            {"ndnc": TOGETHER + 1},
        ),
    ],
    ids=["removed", "imported anew", "imported anew, the same numbers"],
)
async def test_of_two_changes_of_a_list_the_later_one_holds(
    tmp_path: Path, work: Callable[[Store], Awaitable[object]], left: dict[str, int]
) -> None:
    """An import whose list changes meanwhile stops with a message, and adds nothing."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    await log.do_not_call_lists.add("ndnc", [NUMBER], actor="system")
    with pytest.raises(
        ImportSupersededError, match="The list ndnc was removed, or another import of it began"
    ):
        await log.do_not_call_lists.add(
            "ndnc", many_numbers(2 * TOGETHER), actor="system", progress=_meanwhile(path, work)
        )
    assert await log.do_not_call.stopped_numbers() == left
    await log.do_not_call_lists.add("another", [NUMBER], actor="system")
    assert _rows(path) == sum(left.values()) + 1
    await log.close()
    assert verify(path).faults == ()


@pytest.mark.parametrize("part", [1, 2])
async def test_an_import_that_is_cancelled_is_whole_or_nothing(tmp_path: Path, part: int) -> None:
    """Cancelled between two parts, it adds nothing. Cancelled during the last step, it says so."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    parts: list[int] = []

    def progress(looked_up: int) -> None:
        parts.append(looked_up)
        if len(parts) == part:
            importing.cancel()

    importing = asyncio.create_task(
        log.do_not_call_lists.add("ndnc", many_numbers(TOGETHER + 1), actor="system", progress=progress)
    )
    await asyncio.wait([importing])
    if part == 1:
        assert importing.cancelled()
        assert await log.do_not_call.stopped_numbers() == {}
    else:
        assert importing.result().added == TOGETHER + 1
        assert await log.do_not_call.stopped_numbers() == {"ndnc": TOGETHER + 1}
    assert await log.do_not_call_lists.unfinished_imports() == []
    assert (await verified(log)).faults == ()
    await log.close()

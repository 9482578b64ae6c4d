"""Another key for a log: what is carried over, what is refused, and a process that is killed."""

import runpy
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from providers.actions import PlaceCall
from storage.database.connection import CannotOpenLogError, open_for_reading
from storage.maintenance.rekey import RekeyError, UnknownNumbersError, has_key, rekey
from storage.maintenance.verification import verify
from storage.queries import Query
from storage.repositories import brake
from storage.repositories.call_list_rows import NewRow
from storage.repositories.erasure_list import PurgeFilter
from storage.repositories.processes import ProcessLock
from storage.store import Store
from tests.storage.samples import NOON, NUMBER, OTHER_NUMBER, Clock, cancelling, cancelling_by_id, placing
from tests.support.tree import ROOT

OLD, NEW = bytes(32), bytes([1] * 32)
MASKED = "+91\u00a0•••3210"
LISTED = ["+919876500001", "+919876500002", "+919876500003"]
BLOCKED = "+919876500009"
"""A number that a person blocked, and no request has."""


@asynccontextmanager
async def opened(path: Path, key: bytes) -> AsyncIterator[Store]:
    """Yield the log of a file."""
    store = await Store.open(path, key=key, clock=Clock())
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return the path of a log with requests, blocks, a lifted block, and two lists."""
    path = tmp_path / "log.db"
    async with opened(path, OLD) as store:
        await store.requests.create(placing(NUMBER, OTHER_NUMBER))
        await store.requests.create(cancelling(NUMBER))
        await store.requests.create(cancelling_by_id("c_9876543210"))
        for number in (NUMBER, OTHER_NUMBER, BLOCKED):
            await store.do_not_call.add(number, masked=MASKED, actor="U0AGENT", reason="asked")
        await store.do_not_call.remove(OTHER_NUMBER, masked=MASKED, actor="U0MANAGER", reason="asked again")
        await store.do_not_call_lists.add("registry", [NUMBER, *LISTED], actor="system")
        await store.do_not_call_lists.add("vip", [NUMBER], actor="system")
    return path


async def is_blocked(path: Path, key: bytes, number: str) -> bool:
    """Return whether calls to a number are blocked."""
    async with opened(path, key) as store:
        return bool(await store.do_not_call.stops(number))


def faults(path: Path, key: bytes) -> list[str]:
    """Return what both verifiers find."""
    document = runpy.run_path(str(ROOT / "docs/verify_log.py"))
    return [*verify(path, key=key).faults, *document["faults"](path, key=key)]


async def test_everything_is_carried_over_whose_number_is_known(path: Path) -> None:
    """Requests are found, blocks hold, nothing is paused, and both verifiers find the log whole."""
    done = rekey(path, OLD, NEW, actor="operator", numbers=[*LISTED, BLOCKED])
    assert done
    assert (done.targets, done.stops, done.dropped, done.pause) == (4, 7, [], None)
    assert faults(path, NEW) == []
    for number in (NUMBER, BLOCKED, *LISTED):
        assert await is_blocked(path, NEW, number)
    assert not await is_blocked(path, NEW, OTHER_NUMBER)
    async with opened(path, NEW) as store:
        assert len((await store.search.page(Query(number=NUMBER))).actions) == 2
        assert await store.do_not_call.stopped_numbers() == {None: 2, "registry": 4, "vip": 1}
        assert await store.do_not_call.remove(NUMBER, masked=MASKED, actor="U0MANAGER", reason="asked again")
        assert await store.do_not_call_lists.remove("registry", actor="system") == 4
    assert faults(path, NEW) == []


async def test_the_old_key_is_refused_afterwards(path: Path) -> None:
    """The file has one key, and a second run changes nothing."""
    rekey(path, OLD, NEW, actor="operator", numbers=[*LISTED, BLOCKED])
    before = verify(path, key=NEW)
    with pytest.raises(CannotOpenLogError):
        await Store.open(path, key=OLD, clock=Clock())
    assert rekey(path, OLD, NEW, actor="operator") is None
    with pytest.raises(RekeyError, match="another key than CALLOPS_KEY"):
        rekey(path, OLD, bytes([2] * 32), actor="operator")
    assert verify(path, key=NEW) == before


async def test_no_old_hash_is_left(path: Path) -> None:
    """The old key may be known to others, so nothing in the files can be tested with it."""
    async with opened(path, OLD) as store:
        hashes = [store._database.sources.lookup(one) for one in (NUMBER, BLOCKED, *LISTED)]
    done = rekey(path, OLD, NEW, actor="operator", numbers=[*LISTED, BLOCKED])
    assert done
    assert done.wiped
    for file in path.parent.glob("log.db*"):
        content = file.read_bytes()
        assert not [one for one in hashes if one in content]


async def test_a_purge_by_number_finds_what_was_before(path: Path) -> None:
    """Lifted blocks, too."""
    rekey(path, OLD, NEW, actor="operator", numbers=[*LISTED, BLOCKED])
    async with opened(path, NEW) as store:
        found = await store.retention.erasable(PurgeFilter("by number", numbers=frozenset({OTHER_NUMBER})))
        lifted = [one.id for one in found.requests if one.id.startswith("S-")]
        events = await store.requests.events(lifted[0])
        assert [one.name for one in events] == ["calls_stopped", "calls_allowed", "stop_rekeyed"]


async def test_the_rows_of_a_call_list_are_carried_over(path: Path) -> None:
    """A purge by number still finds a row that waits."""
    async with opened(path, OLD) as store:
        list_id = await store.call_lists.begin("U0AGENT")
        call = PlaceCall(to=OTHER_NUMBER, agent="payments")
        await store.call_lists.add(list_id, [NewRow(2, call, OTHER_NUMBER)])
    assert rekey(path, OLD, NEW, actor="operator", numbers=[*LISTED, BLOCKED])
    assert faults(path, NEW) == []
    async with opened(path, NEW) as store:
        await store.retention.purge(PurgeFilter("number", frozenset({OTHER_NUMBER})), actor="operator")
    with closing(open_for_reading(path)) as connection:
        [(number, value)] = connection.execute("SELECT number, value FROM call_list_rows")
    assert (number, value) == (None, None)


async def test_nothing_is_lost_in_silence(path: Path) -> None:
    """Unknown numbers are named by list and block, and the log keeps its key."""
    before = verify(path, key=OLD)
    with pytest.raises(UnknownNumbersError) as refused:
        rekey(path, OLD, NEW, actor="operator", numbers=[LISTED[0]])
    assert [(one.list, one.numbers) for one in refused.value.unknown] == [("registry", 2), (None, 1)]
    assert has_key(path, OLD)
    assert verify(path, key=OLD) == before


async def test_what_is_dropped_holds_back_all_calls(path: Path) -> None:
    """The pause names the lists and blocks. Once they are there again and a person resumes, calls go on."""
    done = rekey(path, OLD, NEW, actor="operator", drop=True)
    assert done
    assert [(one.list, one.numbers) for one in done.dropped] == [("registry", 3), (None, 1)]
    assert faults(path, NEW) == []
    block = done.dropped[1].id
    assert await is_blocked(path, NEW, NUMBER)
    assert not await is_blocked(path, NEW, LISTED[0])
    async with opened(path, NEW) as store:
        [pause] = await store.pauses.active(NOON)
        assert (pause.id, pause.connection, pause.until, pause.by) == (done.pause, None, None, "system")
        assert pause.reason == (
            f"CallOps has a new key. Before you resume, import registry again and block the numbers of {block} again."
        )
        call = (await store.requests.create(placing("+919876500077"))).request
        assert await store.pauses.holds_back(call.actions[0].id, NOON)
        assert (await store.do_not_call_lists.add("registry", [NUMBER, *LISTED], actor="system")).added == 3
        await store.pauses.resume(None, actor="U0MANAGER")
        assert not await store.pauses.holds_back(call.actions[0].id, NOON)
    assert await is_blocked(path, NEW, LISTED[0])
    assert faults(path, NEW) == []


async def test_it_waits_for_no_bot(path: Path) -> None:
    """While a bot serves the log, nothing is changed."""
    lock = ProcessLock.acquire(path, "one")
    with pytest.raises(RekeyError, match="1 running CallOps uses this log"):
        rekey(path, OLD, NEW, actor="operator", drop=True)
    assert has_key(path, OLD)
    async with opened(path, OLD) as store:
        await lock.release(store.processes.release_owner)


async def test_a_bot_that_starts_meanwhile_notices(path: Path) -> None:
    """It opened the log with the old key, and checks that again once it can be seen."""
    async with opened(path, OLD) as store:
        await store.check_key()
        rekey(path, OLD, NEW, actor="operator", drop=True)
        with pytest.raises(CannotOpenLogError, match="another key"):
            await store.check_key()


async def test_a_key_can_change_more_than_once(path: Path) -> None:
    """Each time the commitments are made anew."""
    third = bytes([2] * 32)
    numbers = [*LISTED, BLOCKED]
    rekey(path, OLD, NEW, actor="operator", numbers=numbers)
    rekey(path, NEW, third, actor="operator", numbers=numbers)
    assert faults(path, third) == []
    assert await is_blocked(path, third, BLOCKED)


def run(path: Path, last: int) -> subprocess.CompletedProcess[str]:
    """Run the process that dies before a statement."""
    told = [sys.executable, "-m", "tests.storage.rekeyer", str(path), str(last), *LISTED, BLOCKED]
    return subprocess.run(told, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 - our own


def test_a_killed_process_leaves_one_key_and_a_whole_log(path: Path, tmp_path: Path) -> None:
    """At whatever statement it dies, the log has the old key or the new one, and the next run finishes."""
    whole = shutil.copyfile(path, tmp_path / "whole.db")
    statements = int(run(whole, 0).stdout)
    assert statements > 30
    keys = set()
    for last in [*range(1, statements, max(statements // 8, 1)), statements - 1, statements]:
        copy = shutil.copyfile(path, tmp_path / f"{last}.db")
        assert run(copy, last).returncode == -9
        key = NEW if has_key(copy, NEW) else OLD
        keys.add(key)
        assert verify(copy, key=key).faults == ()
        assert run(copy, 0).returncode == 0
        assert verify(copy, key=NEW).faults == ()
    assert keys == {OLD, NEW}


async def test_a_damaged_lookup_is_refused(path: Path) -> None:
    """A hash that is not its request's would be lost."""
    async with opened(path, OLD) as store:
        await store._database.writer.do(
            lambda connection: connection.execute("UPDATE lookup SET number = x'00' WHERE action = 1")
        )
    with pytest.raises(RekeyError, match="isn't that of its request"):
        rekey(path, OLD, NEW, actor="operator", drop=True)
    with closing(open_for_reading(path)) as connection:
        assert brake.active(connection, NOON) == []

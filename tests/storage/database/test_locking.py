import asyncio
import os
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from storage.database.connection import BUSY_SECONDS
from storage.database.deadlines import deadline
from storage.database.threads import Writer
from storage.errors import CommitUnknownError, LogBusyError
from storage.models import Person
from storage.queries import Query
from storage.store import Store
from tests.storage.holder import held
from tests.storage.samples import KEY, NOON, Clock, placing, verified, withdraw
from tests.support.tree import ROOT

SOON = 0.3
"""Seconds until an answer is due."""
SLOWLY = 2.0
"""Seconds that a busy computer may take for an immediate effect."""
ASHA = Person(
    "U0AGENT",
    "T0ACME",
    "Asha",
    "Asia/Kolkata",
    bot=False,
    deleted=False,
    guest=False,
    is_external=False,
    read_at=NOON,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a log to come."""
    return tmp_path / "log.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """Yield a new log."""
    log = await Store.open(path, key=KEY, clock=Clock())
    yield log
    await log.close()


def count(path: Path) -> int:
    """Return how many requests are committed, as another process reads it."""
    with closing(sqlite3.connect(path)) as connection:
        [(number,)] = connection.execute("SELECT count(*) FROM requests")
    return int(number)


async def test_what_is_not_written_by_its_deadline_never_is(store: Store, path: Path) -> None:
    """Callers of requests, changes, reports and turns are told in time, and nothing is recorded later."""
    made = (await store.requests.create(placing())).request
    new = replace(placing(), delivery_key="the same trigger")
    writes = (
        lambda: store.requests.create(new),
        lambda: store.requests.apply(withdraw(made.actions[0].id)),
        lambda: store.audit.record_error(actor="U0AGENT", where="/calls", private={}),
        lambda: store.rate_limits.try_acquire("an account", a_minute=1, now=NOON),
    )
    async with held(path) as let_go:
        began = time.monotonic()
        for write in writes:
            with deadline(SOON) as due, pytest.raises(LogBusyError):
                await write()
            assert due.committed == 0
        assert time.monotonic() - began < SOON * len(writes) + SLOWLY
        assert await store.requests.request(made.id) == made
        await let_go()
    await store.audit.record_error(actor="U0AGENT", where="/calls", private={})
    assert count(path) == 1
    assert await store.requests.request(made.id) == made
    again = await store.requests.create(new)
    assert again.created
    assert (await store.requests.create(new)).request.id == again.request.id
    assert not (await verified(store)).faults


async def test_a_deadline_ends_the_wait_of_one_and_not_of_those_it_waits_with(
    store: Store, path: Path
) -> None:
    """Changes that wait together are withdrawn one by one, and the others are committed after the lock."""

    async def soon() -> None:
        with deadline(SOON):
            await store.requests.create(placing())

    async with held(path) as let_go:
        waiting = [asyncio.create_task(store.requests.create(placing())) for _ in range(3)]
        hasty = [asyncio.create_task(soon()) for _ in range(3)]
        told = await asyncio.gather(*hasty, return_exceptions=True)
        assert [type(one) for one in told] == [LogBusyError] * 3
        assert not any(one.done() for one in waiting)
        await let_go()
        async with asyncio.timeout(BUSY_SECONDS):
            made = await asyncio.gather(*waiting)
    assert all(one.created for one in made)
    assert count(path) == 3


async def test_whoever_gives_up_waiting_withdraws_what_they_wanted_written(store: Store, path: Path) -> None:
    """A caller that is cancelled while it waits for the lock leaves nothing behind."""
    async with held(path) as let_go:
        waiting = asyncio.create_task(store.requests.create(placing()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), SOON)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await let_go()
    await store.requests.create(placing())
    assert count(path) == 1


async def test_a_change_that_is_being_committed_at_its_deadline_is_not_called_withdrawn(path: Path) -> None:
    """The caller is told that nobody knows yet, and afterwards the change is there."""
    writer = await Writer.open(path)

    def slowly(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO meta VALUES ('slow', x'00')")
        time.sleep(1.0)

    with deadline(SOON) as due, pytest.raises(CommitUnknownError):
        await writer.do(slowly)
    assert due.committed == 0
    [row] = await writer.do(
        lambda connection: connection.execute("SELECT name FROM meta WHERE name = 'slow'").fetchall()
    )
    assert row["name"] == "slow"
    await writer.close()


async def test_a_deadline_that_knows_of_its_commits(store: Store) -> None:
    """Commits for an answer count, and commits for the cache do not."""
    with deadline(SLOWLY) as due:
        await store.users.keep_person(ASHA)
        await store.users.keep_draft("nonce", person="U0AGENT", content={"line": "x"})
        assert due.committed == 0
        await store.requests.create(placing())
        assert due.committed == 1


async def test_people_and_drafts_are_read_before_they_are_written(path: Path) -> None:
    """Nobody waits for the write, and after the lock they are in the file."""
    log = await Store.open(path, key=KEY, clock=Clock())
    content = {"line": {"targets": ("+919876543210",)}}
    async with held(path) as let_go:
        began = time.monotonic()
        await log.users.keep_person(ASHA)
        await log.users.keep_draft("nonce", person="U0AGENT", content=content)
        assert time.monotonic() - began < SLOWLY
        assert await log.users.person("U0AGENT") == ASHA
        kept = await log.users.draft("nonce")
        assert kept
        assert (kept.person, kept.content) == ("U0AGENT", {"line": {"targets": ["+919876543210"]}})
        await log.users.keep_person(replace(ASHA, name="Asha B."))
        assert await log.users.person("U0AGENT") == replace(ASHA, name="Asha B.")
        await let_go()
        await log.requests.create(placing())  # the writer has had its turn
    await log.close()
    other = await Store.open(path, key=KEY, clock=Clock())
    assert await other.users.person("U0AGENT") == replace(ASHA, name="Asha B.")
    assert await other.users.draft("nonce") == kept
    await other.close()


async def test_a_log_is_opened_and_read_beside_a_held_lock(store: Store, path: Path) -> None:
    """Opening a log that has its key writes nothing, so the command line reads it at any time."""
    made = (await store.requests.create(placing())).request
    async with held(path):
        began = time.monotonic()
        other = await Store.open(path, key=KEY, clock=Clock())
        assert await other.requests.request(made.id) == made
        assert len((await other.search.page(Query())).actions) == 1
        await other.close()
        assert time.monotonic() - began < SLOWLY


async def test_closing_with_a_deadline_tells_who_waits_and_leaves_nothing_to_commit(path: Path) -> None:
    """A log with a held lock is closed in time. Its close does not commit the waiting changes."""
    log = await Store.open(path, key=KEY, clock=Clock())
    async with held(path) as let_go:
        waiting = [asyncio.create_task(log.requests.create(placing())) for _ in range(100)]
        await log.users.keep_person(ASHA)
        began = time.monotonic()
        with deadline(SOON):
            await log.close()
        assert time.monotonic() - began < SOON + SLOWLY
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(one) for one in told} == {LogBusyError}
        await let_go()
    assert count(path) == 0


async def test_a_stopped_process_that_holds_the_lock_is_a_busy_log(store: Store, path: Path) -> None:
    """A stopped holder is like a running one, and no answer waits for it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.holder", str(path), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"held\n"
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with deadline(SOON), pytest.raises(LogBusyError):
            await store.requests.create(placing())
        assert not (await store.search.page(Query())).actions
    finally:
        process.kill()
        await process.wait()
    assert (await store.requests.create(placing())).created
    assert count(path) == 1

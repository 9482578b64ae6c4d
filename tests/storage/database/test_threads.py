import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.database.connection import open_for_reading
from storage.database.threads import TOGETHER, Reader, Writer
from storage.states import State
from storage.store import Store
from tests.storage.samples import KEY, Clock, erase, placing, verified


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


async def test_a_long_read_does_not_delay_a_commit(store: Store, path: Path) -> None:
    """A long reader of an old state keeps nobody from writing."""
    await store.requests.create(placing())
    with closing(open_for_reading(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM events").fetchone()
        async with asyncio.timeout(5):
            made = (await store.requests.create(placing())).request
            await erase(store, made.id, actor="U1")
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == 1


async def test_what_waits_to_be_read_is_read_together(path: Path) -> None:
    """A single transaction serves them, and a read may fail alone. It sees earlier commits."""
    writer, reader = await Writer.open(path), await Reader.open(path)
    begun = list[str]()
    await reader.do(lambda connection: connection.set_trace_callback(begun.append))

    def fails(_connection: sqlite3.Connection) -> int:
        raise LookupError

    def count(connection: sqlite3.Connection) -> int:
        [(number,)] = connection.execute("SELECT count(*) FROM meta WHERE name = 'made'")
        return int(number)

    assert await reader.do(count) == 0
    await writer.do(lambda connection: connection.execute("INSERT INTO meta VALUES ('made', x'00')").rowcount)
    begun.clear()
    found = await asyncio.gather(*(reader.do(one) for one in (count, fails, count)), return_exceptions=True)
    assert [found[0], type(found[1]), found[2]] == [1, LookupError, 1]
    assert begun.count("BEGIN") == begun.count("ROLLBACK") == 2
    await reader.close()
    await writer.close()


@pytest.mark.parametrize("kind", [Reader, Writer])
async def test_whatever_happens_to_it_every_caller_is_told(
    path: Path, kind: type[Reader] | type[Writer]
) -> None:
    """An exception that a future refuses, and a file that is being closed, are included."""
    await (await Writer.open(path)).close()
    opened = await kind.open(path)

    def ends(_connection: sqlite3.Connection) -> None:
        raise StopIteration

    def nothing(_connection: sqlite3.Connection) -> None:
        pass

    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await opened.do(ends)
        await opened.do(nothing)
        closing_ = asyncio.ensure_future(opened.close())
        late = [asyncio.ensure_future(opened.do(nothing)) for _ in range(3 * TOGETHER)]
        await closing_
        late.append(asyncio.ensure_future(opened.do(nothing)))
        told = await asyncio.gather(*late, return_exceptions=True)
    assert isinstance(told[-1], RuntimeError)
    assert all(one is None or isinstance(one, sqlite3.ProgrammingError | RuntimeError) for one in told)


async def test_changes_that_wait_are_committed_together(path: Path) -> None:
    """Of changes committed together one may fail alone, and it leaves nothing behind."""
    writer = await Writer.open(path)
    commits = list[str]()
    await writer.do(lambda connection: connection.set_trace_callback(commits.append))

    def keep(name: str) -> Callable[[sqlite3.Connection], str]:
        def work(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT INTO meta VALUES (?, x'00')", [name])
            if name == "3":
                raise ValueError(name)
            return name

        return work

    results = await asyncio.gather(*(writer.do(keep(str(n))) for n in range(8)), return_exceptions=True)
    kept = await writer.do(lambda connection: connection.execute("SELECT name FROM meta").fetchall())
    assert [str(result) for result in results] == [str(n) for n in range(8)]
    assert isinstance(results[3], ValueError)
    assert [row["name"] for row in kept] == ["0", "1", "2", "4", "5", "6", "7"]
    assert commits.count("COMMIT") <= 4
    await writer.close()


async def test_a_transaction_that_sqlite_gave_up_is_told_to_all(path: Path) -> None:
    """On a full disk no caller is told that a change was committed, and the next change works."""
    writer = await Writer.open(path)

    def limit(connection: sqlite3.Connection, spare: int) -> None:
        [(pages,)] = connection.execute("PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages + spare}")

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('big', zeroblob(100000))")

    await writer.do(lambda connection: limit(connection, 4))
    results = await asyncio.gather(*(writer.do(fill) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [sqlite3.OperationalError] * 3
    await writer.do(lambda connection: limit(connection, 1000))
    await writer.do(fill)
    await writer.close()


async def test_a_caller_that_is_cancelled_leaves_nothing_half_done(store: Store) -> None:
    """Each request of a cancelled caller is complete or absent, and others are not delayed."""
    tasks = [asyncio.create_task(store.requests.create(placing())) for _ in range(30)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 15
    made = (await store.requests.create(placing())).request
    assert (await store.requests.request(made.id)).state is State.APPROVED
    verdict = await verified(store)
    assert verdict.faults == ()
    assert verdict.actions >= 16

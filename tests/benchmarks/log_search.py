"""Benchmark of reading a page of the log, in a long log against a short one: `make bench`.

    python -m tests.benchmarks.log_search [10000 100000 1000000]

One log grows in a folder of its own. At each size every kind of search is measured warm, and its median is
compared with the median at the first size. `make test` does not run this file.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from providers.actions import Kind
from storage.changes import NewAction, NewRequest
from storage.database.connection import open_for_writing
from storage.event_log.writer import WriteContext
from storage.queries import Query
from storage.repositories import requests
from storage.states import State
from storage.store import Store
from tests.storage.samples import KEY, NOON, Clock, cancelling_by_id, placing

SIZES: Final = (10_000, 100_000, 1_000_000)
RUNS: Final = 101
"""Measured searches for each median."""
WARM_UP: Final = 5
"""Runs that are not measured: the first ones read the file."""
TOGETHER: Final = 2_000
"""Requests in a single transaction as the log grows."""
ROWS: Final = 10
"""Rows of a page in Slack."""
GOALS: Final = {"indexed": 1.5, "words": 5.0}
"""Largest allowed ratio to the median at the first size."""
HOT: Final = "+919800000001"
"""A number that is called often."""
CONNECTIONS: Final = ("reminders", "voxworks", "dialer", "kore")
REASONS: Final = ("customer asked", "wrong number", "duplicate", "rescheduled")
EVERY: Final = timedelta(seconds=20)
"""Time between two requests: a million requests are eight months."""


def made(draw: random.Random) -> NewRequest:
    """Return a request as a team makes them."""
    number = HOT if draw.random() < 0.01 else f"+9198{draw.randrange(10**8):08}"
    new = placing(number) if draw.random() < 0.7 else cancelling_by_id(f"vx_{draw.randrange(10**9)}")
    state = draw.choices((State.APPROVED, State.REFUSED, State.PENDING), (90, 9, 1))[0]
    actions = [replace(one, scheduled_for=None) for one in new.actions if isinstance(one, NewAction)]
    return replace(
        new,
        actions=actions,
        connection=draw.choice(CONNECTIONS),
        requester=f"U{draw.randrange(50):04}",
        state=state,
        reason="the customer moved away" if draw.random() < 0.01 else draw.choice(REASONS),
    )


def grow(path: Path, clock: Clock, draw: random.Random, more: int) -> None:
    """Record that many more requests, with the store's own code."""
    sources = WriteContext(KEY, clock)
    with closing(open_for_writing(path)) as connection:
        for begin in range(0, more, TOGETHER):
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(min(TOGETHER, more - begin)):
                clock.now += EVERY
                requests.create(connection, sources, made(draw))
            connection.execute("COMMIT")
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{begin + TOGETHER:,} more …")


def searches(clock: Clock) -> dict[str, tuple[str, Query, int | None]]:
    """Return each search by its name: its goal, its query, and the key after which it begins."""
    week = timedelta(days=7)
    return {
        "everything": ("indexed", Query(), None),
        "one person": ("indexed", Query(requester="U0007"), None),
        "one connection": ("indexed", Query(connection="kore"), None),
        "what waits": ("indexed", Query(state=State.PENDING), None),
        "one kind": ("indexed", Query(kind=Kind.CANCEL_CALL), None),
        "one number": ("indexed", Query(number=HOT), None),
        "a day of a person": (
            "indexed",
            Query(requester="U0007", since=clock.now - timedelta(days=1), until=clock.now),
            None,
        ),
        "a day at the beginning": ("indexed", Query(since=NOON, until=NOON + timedelta(days=1)), None),
        "the last page": ("indexed", Query(connection="kore"), 100),
        "words that are there": ("words", Query(text="moved"), None),
        "words that are not": ("words", Query(text="no such words", since=clock.now - 52 * week), None),
    }


async def medians(path: Path, clock: Clock) -> dict[str, float]:
    """Return the median time of each search, in milliseconds."""
    log = await Store.open(path, key=KEY, clock=clock)
    found = {}
    for name, (goal, query, after) in searches(clock).items():
        times = []
        for _ in range(WARM_UP + (RUNS if goal == "indexed" else RUNS // 5)):
            begin = time.perf_counter()
            await log.search.find(query, after=after, limit=ROWS)
            times.append((time.perf_counter() - begin) * 1000)
        found[name] = statistics.median(times[WARM_UP:])
    await log.close()
    return found


def main(sizes: list[int]) -> int:
    """Measure, print the results, and return 1 if a goal was missed."""
    clock, draw, missed = Clock(), random.Random(1), 0  # noqa: S311 - the same log each time
    with tempfile.TemporaryDirectory() as folder:
        path, size = Path(folder) / "log.db", 0
        first: dict[str, float] = {}
        for wanted in sizes:
            grow(path, clock, draw, wanted - size)
            size = wanted
            now = asyncio.run(medians(path, clock))
            first = first or now
            print(f"\n{size:,} requests, {path.stat().st_size / 1e6:,.0f} MB")  # noqa: T201 - it prints
            for name, (goal, _, _) in searches(clock).items():
                ratio = now[name] / first[name]
                missed += ratio > GOALS[goal]
                mark = "" if ratio <= GOALS[goal] else f"  over {GOALS[goal]}"
                print(f"  {name:24} {now[name]:8.2f} ms  {ratio:5.2f} x{mark}")  # noqa: T201
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or list(SIZES)))

"""Benchmark of a provider request through an adapter, against bare httpx: `make bench`.

Both open a connection for each request, as an adapter does, and send the same bytes to the same server in a
process of its own. They take turns, so that other load slows both. `make test` does not run this file.
"""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Final

import httpx

from providers.actions import Status
from tests.providers.made import CANCEL, CONTEXT, voxworks
from tests.providers.wire import listening, perform, reply

RUNS: Final = 1000
WARM_UP: Final = 50
"""Requests that are not measured."""
GOAL: Final = 1.3
"""Largest allowed ratio of the medians (p50)."""
ANSWER: Final = {"success": True, "call_id": "vx_123", "status": "cancelled"}


def serve(tell: Connection) -> None:
    """Answer every request, until the process is ended."""

    async def forever() -> None:
        async with listening(reply(200, ANSWER)) as wire:
            tell.send(wire.base_url)
            await asyncio.Event().wait()

    asyncio.run(forever())


async def measured(base_url: str) -> tuple[float, float]:
    """Return the medians of the adapter and of httpx alone, in milliseconds."""
    adapter = voxworks(base_url)
    prepared = adapter.prepare(CANCEL, CONTEXT)
    bare = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    async def through_the_adapter() -> bool:
        return (await perform(adapter, CANCEL, CONTEXT)).status is Status.OK

    async def alone() -> bool:
        answer = await bare.request(prepared.method, prepared.url, headers=dict(prepared.headers))
        return bool(answer.json()["success"])

    took: tuple[list[float], list[float]] = ([], [])
    async with bare:
        for _ in range(RUNS + WARM_UP):
            for ask, times in zip((through_the_adapter, alone), took, strict=True):
                times.append(await _timed(ask))
    await adapter.aclose()
    ours, theirs = (statistics.median(times[WARM_UP:]) for times in took)
    return ours, theirs


async def _timed(ask: Callable[[], Awaitable[bool]]) -> float:
    begun = time.perf_counter()
    assert await ask()
    return (time.perf_counter() - begun) * 1000


def main() -> int:
    """Measure, print the results, and return 1 if the goal was missed."""
    hear, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(tell,), daemon=True)
    server.start()
    try:
        ours, theirs = asyncio.run(measured(hear.recv()))
    finally:
        server.terminate()
    ratio = ours / theirs
    mark = "" if ratio <= GOAL else f"  over {GOAL}"
    print(f"a provider request, p50: {ours:.2f} ms, httpx alone {theirs:.2f} ms  {ratio:.2f} x{mark}")  # noqa: T201 - it prints
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())

"""A process that asks a log for turns of an account, and prints how many it got."""

import asyncio
import sys
from datetime import timedelta

from storage.event_log.writer import utc_now
from storage.store import Store
from tests.storage.samples import KEY


async def take(path: str, asks: int, a_minute: int, later: int) -> None:
    """Ask that many times, by a clock that is ``later`` seconds ahead."""
    log = await Store.open(path, key=KEY, clock=lambda: utc_now() + timedelta(seconds=later))
    given = 0
    for _ in range(asks):
        now = utc_now() + timedelta(seconds=later)
        given += await log.rate_limits.try_acquire("an account", a_minute=a_minute, now=now) is None
    await log.close()
    sys.stdout.write(f"{given}\n")


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1], *map(int, sys.argv[2:])))

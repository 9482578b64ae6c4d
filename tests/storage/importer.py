"""A process that imports a do-not-call list and kills itself after so many parts of it."""

import asyncio
import os
import signal
import sys
from itertools import count

from storage.appending import utc_now
from storage.sqlite import SQLiteLog
from tests.storage.samples import KEY, many_numbers


async def run(path: str, name: str, amount: int, parts: int) -> None:
    """Import that many numbers, as far as that part."""
    log = await SQLiteLog.open(path, key=KEY, clock=utc_now)
    done = count(1)

    def progress(_: int) -> None:
        if next(done) == parts:
            os.kill(os.getpid(), signal.SIGKILL)

    await log.add_list(name, many_numbers(amount), actor="system", progress=progress)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

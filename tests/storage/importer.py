"""A process that imports a do-not-call list, and kills itself after some parts."""

import asyncio
import base64
import os
import signal
import sys
from itertools import count

from storage.event_log.writer import utc_now
from storage.store import Store
from tests.storage.samples import many_numbers


async def run(path: str, key: str, name: str, amount: int, parts: int) -> None:
    """Import that many numbers up to that part. ``key`` is in base64."""
    log = await Store.open(path, key=base64.b64decode(key), clock=utc_now)
    done = count(1)

    def progress(_: int) -> None:
        if next(done) == parts:
            os.kill(os.getpid(), signal.SIGKILL)

    await log.do_not_call_lists.add(name, many_numbers(amount), actor="system", progress=progress)


if __name__ == "__main__":
    _, path, key, name, amount, parts = sys.argv
    asyncio.run(run(path, key, name, int(amount), int(parts)))

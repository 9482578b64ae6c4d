"""A process beside a log that holds an outbox item and an action under a long lease, and waits."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from storage.changes import Notification
from storage.event_log.writer import utc_now
from storage.repositories.processes import ProcessLock
from storage.store import Store
from tests.storage.samples import KEY, claim, placing

LONG = timedelta(hours=1)


async def hold(path: Path, owner: str) -> None:
    """Lease an action and its outbox item, print its id, and end cleanly with the input."""
    log = await Store.open(path, key=KEY, clock=utc_now)
    presence = ProcessLock.acquire(path, owner)
    until = utc_now() + LONG
    made = (
        await log.requests.create(replace(placing(), notifications=[Notification("placed", "audit")]))
    ).request
    await log.requests.apply(claim(made.id, until=until, owner=owner))
    await log.outbox.outgoing(utc_now(), owner=owner, until=until, limit=1)
    sys.stdout.write(f"{made.id}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await presence.release(log.processes.release_owner)
    await log.close()


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1]), sys.argv[2]))

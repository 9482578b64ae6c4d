"""A process that records requests in a log, and prints each id after its commit."""

import asyncio
import sys
from dataclasses import replace
from itertools import count

from storage.changes import ChangeSet, Notification, Transition
from storage.event_log.writer import utc_now
from storage.states import State
from storage.store import Store
from tests.storage.samples import KEY, placing


async def write(path: str, name: str, amount: int) -> None:
    """Record that many requests (0 means without end), and withdraw each one."""
    log = await Store.open(path, key=KEY, clock=utc_now)
    for n in range(amount) if amount else count():
        new = replace(placing(), delivery_key=f"{name}-{n}", notifications=[Notification("placed", "audit")])
        made = (await log.requests.create(new)).request
        sys.stdout.write(f"{made.id}\n")
        sys.stdout.flush()
        move = Transition(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)
        await log.requests.apply(ChangeSet(made.id, name, [move]))
    await log.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))

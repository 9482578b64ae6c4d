"""Which processes use a store now."""

from datetime import timedelta

from storage.store import Store
from tests.storage.samples import Clock, verified

LIVES = timedelta(seconds=20)


class BeingPresent:
    """Signs of life."""

    async def test_a_process_counts_while_it_says_that_it_lives(self, log: Store, clock: Clock) -> None:
        """Each counts once however often it says so, until it takes itself out or says nothing for too long."""
        assert await log.processes.present("one", LIVES) == 1
        assert await log.processes.present("one", LIVES) == 1
        assert await log.processes.present("two", LIVES) == 2
        assert await log.processes.present("one", timedelta()) == 1
        assert await log.processes.present("one", LIVES) == 2
        clock.move(seconds=15)
        assert await log.processes.present("one", LIVES) == 2
        clock.move(seconds=6)
        assert await log.processes.present("one", LIVES) == 1
        assert not (await verified(log)).faults

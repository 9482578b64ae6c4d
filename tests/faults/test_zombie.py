import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.faults.crew import aim, put_there
from tests.faults.processes import Steps, begin, bot, ended, one_life, send_one
from tests.faults.reporting import Report, report_judgement
from tests.faults.world import world

LOOKS = 0.01
WITHIN = 20.0


async def stopped(pid: int) -> None:
    """Wait until a process has been stopped (proc(5), stat: the state is T)."""
    async with asyncio.timeout(WITHIN):
        while state_of(pid) != "T":  # noqa: ASYNC110 - the system has no event for it
            await asyncio.sleep(LOOKS)


def state_of(pid: int) -> str:
    """Return the state of a process."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="whether a process is stopped is read in /proc"
)
@pytest.mark.parametrize("kind", ["place", "cancel by id", "cancel by number"])
async def test_who_was_stopped_past_its_lease_sends_nothing(kind: str, report: Report) -> None:
    """SIGSTOP hits between `sending` and the send, another process continues, then SIGCONT.

    Each order has one request.
    """
    async with world() as stage:
        put_there(stage.providers, kind, 1)
        made, _ = await bot(stage.place, Steps(None, stage.place.providers))
        request, _ = await made.ask(aim(kind, 1), "one")
        if request.approvals_needed:
            await made.approve(request)
        await made.store.close()
        zombie = begin(send_one, stage.place)
        assert zombie.pid
        await stopped(zombie.pid)
        for _ in range(3):
            stage.clock.move(seconds=31)
            assert await ended(begin(one_life, stage.place, kind, (), None)) == 0
        before = len(stage.providers.journal.exchanges)
        os.kill(zombie.pid, signal.SIGCONT)
        assert await ended(zombie) == 0
        assert len(stage.providers.journal.exchanges) == before, "who overslept sent as well"
        judged = await stage.judged()
    report_judgement(report, "zombie", judged)
    assert judged.clean, f"{judged}"

import asyncio
import os
import signal

from playground.faults import Fault
from tests.faults.amounts import dice, scaled
from tests.faults.crew import put_there
from tests.faults.processes import begin, ended, one_life, toil
from tests.faults.reporting import Report, report_judgement
from tests.faults.world import world

ACTIONS, KILLS, PROCESSES = 4000, 60, 4
KINDS = ("place", "cancel by id", "place", "cancel by number")
TICK, PASSES = 0.02, 0.6
"""Real seconds between two steps of the world's clock, and the seconds of a step.

A lease lasts a real second.
"""
WITHIN = 600.0
RECOVERIES = 6
SENT, REAPED, AGAIN = 0.8, 0.5, 0.02
"""Least requests for each action, and least reaps and retries for each kill and action."""
FAULTS = (
    [None] * 80
    + [Fault(does="slow", seconds=0.01)] * 12
    + [Fault(does="reset"), Fault(does="reset", effect=False), Fault(does="server_error")]
    + [Fault(does="html_502"), Fault(does="close"), Fault(does="cut")]
)


async def test_killed_at_random_nothing_is_lost_repeated_or_made_up(report: Report) -> None:
    """Four processes share a file, and one of them is killed again and again while all are busy."""
    actions, kills, chance = scaled(ACTIONS), scaled(KILLS), dice("kill at random")
    done = 0
    async with world() as stage:
        for job in range(actions):
            put_there(stage.providers, KINDS[job % len(KINDS)], job)
        stage.choose = lambda: chance.choice(FAULTS)
        shares = [range(first, actions, PROCESSES) for first in range(PROCESSES)]
        finished = stage.place.folder / "done.jsonl"
        finished.touch()
        processes = [begin(toil, stage.place, KINDS, share) for share in shares]
        async with asyncio.timeout(WITHIN * max(1.0, actions / ACTIONS)):
            count = 0
            with finished.open("rb") as lines:
                while count < actions or done < kills:
                    await asyncio.sleep(TICK)
                    stage.clock.move(seconds=PASSES)
                    count += lines.read().count(b"\n")
                    if done < kills and count * (kills + 1) >= (done + 1) * actions:
                        await asyncio.sleep(chance.random() * TICK)
                        victim = chance.randrange(PROCESSES)
                        pid = processes[victim].pid
                        assert pid is not None
                        os.kill(pid, signal.SIGKILL)
                        assert await ended(processes[victim]) == -signal.SIGKILL
                        processes[victim] = begin(toil, stage.place, KINDS, shares[victim])
                        done += 1
        for process in processes:
            process.kill()
            await ended(process)
        stage.choose = lambda: None
        for _ in range(RECOVERIES):
            assert await ended(begin(one_life, stage.place, "place", (), None)) == 0
            stage.clock.move(seconds=31)
        judged = await stage.judged()
        again, reaped = stage.events.count("retry_scheduled"), stage.reaped
    report_judgement(report, "random kill -9", judged, kills=done + PROCESSES)
    assert judged.clean, f"{judged}"
    assert (judged.accepted, done) == (actions, kills)
    assert judged.sent >= SENT * actions, judged.sent
    assert reaped >= REAPED * kills, reaped
    assert again >= AGAIN * actions, again

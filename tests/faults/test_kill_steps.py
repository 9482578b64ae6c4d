import signal

import pytest

from playground.faults import Fault
from tests.faults.amounts import scaled
from tests.faults.crew import KINDS, put_there
from tests.faults.processes import STEPS, begin, ended, one_life
from tests.faults.reporting import Report, report_judgement
from tests.faults.world import world

EACH = 3
"""Kills at each step of each kind: alone, without a provider's answer, and beside another action."""
AT_LEAST = 12
RECOVERIES = 4
"""Processes after the last kill: two lease periods pass, and retries are sent."""
EACH_SENDS = 30
"""Requests that a provider accepts from each of them at most: sixty a minute."""


@pytest.mark.parametrize("kind", KINDS)
async def test_killed_at_every_step_nothing_is_lost_repeated_or_made_up(kind: str, report: Report) -> None:
    """After a kill -9 at each labelled step, the next process finds everything in order."""
    steps = [step for step in STEPS if kind != "place" or "approved" not in step]
    assert len(steps) >= AT_LEAST
    kills = number = 0
    async with world() as stage:
        for step in steps:
            for turn in range(scaled(EACH)):
                if turn and turn % EACH == 0:  # otherwise an outage begins, after that many without an answer
                    put_there(stage.providers, kind, number)
                    healthy = begin(one_life, stage.place, kind, [number], None)
                    number += 1
                    assert await ended(healthy) == 0
                alone, silent = turn % EACH != 2, turn % EACH == 1
                numbers = range(number, number + (1 if alone else 2))
                number = numbers.stop
                for one in numbers:
                    put_there(stage.providers, kind, one)
                faults = [Fault(does="reset")] if silent and step != "the answer is here" else []
                stage.choose = lambda faults=faults: faults.pop() if faults else None  # type: ignore[misc]
                process = begin(one_life, stage.place, kind, numbers, step)
                assert await ended(process) == -signal.SIGKILL, f"no {step}"
                kills += 1
                stage.clock.move(seconds=31)
        stage.choose = lambda: None
        for recovery in range(RECOVERIES + number // EACH_SENDS):
            asked_again = range(number) if recovery < RECOVERIES else ()
            assert await ended(begin(one_life, stage.place, kind, asked_again, None)) == 0
            stage.clock.move(seconds=31)
        judged = await stage.judged()
    report_judgement(report, "kill -9 at every step", judged, kills=kills)
    assert judged.clean, f"{judged}"
    assert judged.accepted == number
    assert kills == scaled(EACH) * len(steps)

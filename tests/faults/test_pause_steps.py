"""A pause at every step of a process: nothing whose last renewal is later than the pause is sent."""

import asyncio
import os
import signal

import pytest

from tests.faults.amounts import scaled
from tests.faults.crew import put_there
from tests.faults.judging import has_effect
from tests.faults.processes import STEPS, WIRE_STEPS, Place, Steps, begin, bot, ended, live, one_life
from tests.faults.test_zombie import stopped
from tests.faults.world import World, world
from tests.integration.bench import MANAGER

RENEWED = frozenset(
    {"after hold", "before the request", "the request is out", "the answer is here", "before outcome"}
)
"""Steps between the last renewal and the recorded outcome: the request may leave, or has left."""
EACH = 2
BEFORE = ("before recorded", "after recorded", "before approved", "after approved", "before sending")
CLAIMED = ("after sending", "before hold")


def lives_on(place: Place, kind: str, number: int, step: str) -> None:
    """Ask, decide and send, and stop at a step until the process may continue."""
    asyncio.run(_lives_on(place, kind, number, step))


async def _lives_on(place: Place, kind: str, number: int, step: str) -> None:
    steps = Steps(None, place.providers)
    made, _ = await bot(place, steps)
    steps.stopping = step
    await live(made, place, kind, number)
    await made.run_until_idle()
    await made.posts()
    await made.store.close()


def sent(stage: World, number: int) -> int:
    """Return how many requests that change something reached a provider for an action."""
    return sum(
        f"{number:07}" in f"{one.request.target} {one.request.body}"
        for one in stage.providers.journal.exchanges
        if has_effect(one.request.method, one.request.target)
    )


@pytest.mark.parametrize("kind", ["place", "start", "cancel by id", "delete"])
async def test_nothing_renews_its_lease_after_a_pause(kind: str) -> None:
    """A process stops at a step, another pauses, and the first goes on. After the resume all is sent once.

    A removal is sent as if there were no pause.
    """
    held = kind in {"place", "start"}
    steps = [one for one in (*BEFORE, *CLAIMED, *RENEWED) if kind != "place" or "approved" not in one]
    steps = [one for one in steps if one in STEPS and one != "the request is out"]
    if kind == "start":  # a campaign is looked up before its claim, by the same steps of the wire
        steps = [one for one in steps if one not in WIRE_STEPS]
    number, late = 0, 0
    async with world() as stage:
        for step in steps:
            for _ in range(scaled(EACH)):
                number += 1
                put_there(stage.providers, kind, number)
                process = begin(lives_on, stage.place, kind, number, step)
                assert process.pid
                await stopped(process.pid)
                made, _ = await bot(stage.place, Steps(None, stage.place.providers))
                pause = await made.store.pauses.pause(
                    None, actor=MANAGER, reason="why", until=None, nonce=str(number)
                )
                before = sent(stage, number)
                os.kill(process.pid, signal.SIGCONT)
                assert await ended(process) == 0
                if held and step not in RENEWED:
                    late += sent(stage, number) - before
                    assert pause.found.leaving == (step in CLAIMED), step
                else:
                    assert sent(stage, number) == 1, step
                await made.store.pauses.resume(None, actor=MANAGER)
                await made.store.close()
                assert await ended(begin(one_life, stage.place, kind, (), None)) == 0
                assert sent(stage, number) == 1, step
                stage.clock.move(seconds=31)
        judged = await stage.judged()
    assert late == 0
    assert [*judged.lost, *judged.false_success] == []  # each was sent once, as counted above
    assert judged.accepted == number == scaled(EACH) * len(steps)

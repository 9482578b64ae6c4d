"""A crash at every labelled step of every kind of action: nothing lost, nothing twice, nothing made up."""

from pathlib import Path

import pytest

from playground import callkaro, voxworks
from playground.journal import Exchange
from providers.actions import CallAction, CallRef, CancelCall, NumberRef, PlaceCall
from storage.models import Request
from storage.states import TERMINAL, State
from tests.integration.bench import BotWorld, bench
from tests.storage.samples import verified

STEPS = [
    f"{when} {step}"
    for step in ("requested", "approved", "sending", "hold", "succeeded")
    for when in ("before", "after")
]
KINDS = ("place", "cancel by number", "cancel by id")


def aim(kind: str, number: int) -> tuple[CallAction, str]:
    """Return an action of its own for each step, and the mark of its requests."""
    to = f"+9198765432{number:02}"
    match kind:
        case "place":
            return PlaceCall(to=to, agent="payments"), to[1:]
        case "cancel by number":
            return CancelCall(target=NumberRef(agent="payments", to=to)), to[1:]
        case _:
            return CancelCall(target=CallRef(call_id=f"vx_{number}")), f"vx_{number}"


async def schedule(stage: BotWorld, provider: str, kind: str, number: int) -> None:
    """Add a call to cancel."""
    due = stage.clock().replace(year=2027)
    if provider == "voxworks":
        await stage.providers.add_call(provider, f"vx_{number}", due=due, owner=voxworks.TEAM)
    elif kind != "place":
        to = f"+9198765432{number:02}"
        await stage.providers.add_call(provider, f"call {number}", due=due, owner=callkaro.AGENT, to=to)


async def live(stage: BotWorld, action: CallAction, step: str) -> Request:
    """Ask (again, as Slack repeats a delivery without acknowledgement), approve, send and post."""
    request = await stage.bot.ask(action, delivery_key=step)
    if request.state is State.PENDING:
        await stage.bot.approve(request)
    await stage.bot.run_until_idle()
    stage.bot.store.breathe()
    await stage.bot.posts()
    return await stage.bot.store.requests.request(request.id)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crash_at_any_step_loses_repeats_and_makes_up_nothing(kind: str, tmp_path: Path) -> None:
    """After any death each order has one request, and people read of an end or of an unknown outcome."""
    provider = "voxworks" if kind == "cancel by id" else "callkaro"
    steps = [step for step in STEPS if kind != "place" or "approved" not in step]
    async with bench(tmp_path) as stage:
        for number, step in enumerate(steps):
            action, mark = aim(kind, number)
            await schedule(stage, provider, kind, number)
            dying = stage.bot.store
            dying.at[step] = dying.die
            await stage.survives(live(stage, action, step))
            assert dying.dead, f"no {step}"
            await stage.crash()
            for _ in range(3):
                request = await live(stage, action, step)
                await stage.pass_time(seconds=31)
            sent = [
                one for one in await stage.asked(provider) if mark in one.request.target + one.request.body
            ]
            await judge(stage, request, sent, step)
        assert len(await stage.bot.actions()) == len(steps)
        assert not (await verified(stage.bot.store)).faults


async def judge(stage: BotWorld, request: Request, sent: list[Exchange], step: str) -> None:
    """Compare the log and the channel with the provider's journal."""
    [record] = request.actions
    events = [event.name for event in await stage.bot.store.requests.events(request.id)]
    assert record.state in TERMINAL | {State.UNKNOWN}, f"lost by a crash {step}: {record.state}"
    assert len(sent) <= events.count("sending"), f"duplicated by a crash {step}"
    assert len(sent) <= 1 + events.count("retry_scheduled"), f"duplicated by a crash {step}"
    if record.state is State.SUCCEEDED:
        assert any(one.effects for one in sent), f"made up after a crash {step}"
    [audit] = [
        one for one in await stage.said("C0AUDIT") if not one.thread_ts and request.id in str(one.blocks)
    ]
    assert ("Outcome unknown" in audit.text) == (record.state is State.UNKNOWN), audit.text
    told = any(
        request.id in str(one.blocks) and "Outcome unknown" in one.text for one in await stage.said("D0AGENT")
    )
    assert told == (record.state is State.UNKNOWN)

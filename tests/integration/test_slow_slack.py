"""Calls that Slack does not answer: they delay their own message, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.workers.outbox import Outbox
from providers.actions import CallRef, CancelCall
from storage.models import Request
from tests.integration.bench import CANCEL_BY_ID, PLACE, BotWorld, Parts, bench

POST, UPDATE = "chat.postMessage", "chat.update"
SOON = 10.0
"""Seconds that a busy computer may take. Shorter than the outbox's timeout."""


class Impatient(Outbox):
    """An outbox that gives a call up after a second."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, answer_within=1.0, **named)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made
        await made.bot.outbox.break_off()


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world whose bot soon gives a call up."""
    async with bench(tmp_path, Parts(outbox=Impatient)) as made:
        yield made
        await made.bot.outbox.break_off()


async def until(stage: BotWorld, holds: Callable[[], Awaitable[bool]], seconds: float = 0.0) -> None:
    """Run the outbox until a condition holds. ``seconds`` pass with each run."""
    async with asyncio.timeout(SOON):
        while not await holds():
            await stage.bot.outbox.run_once()
            stage.clock.move(seconds=seconds)


async def ask(stage: BotWorld, number: int) -> Request:
    """Ask for a cancellation of another call for each number."""
    return await stage.bot.ask(CancelCall(target=CallRef(call_id=f"vx_{number}")), delivery_key=f"{number}")


async def cards(stage: BotWorld) -> int:
    """Return the number of cards."""
    return len([one for one in await stage.said("C0APPROVE") if not one.thread_ts])


async def hang(stage: BotWorld, request: Request, slot: str) -> None:
    """Let Slack leave every edit of one of a request's messages unanswered."""
    ts = (await stage.bot.store.requests.request(request.id)).messages[slot].ts
    await stage.people.fail(UPDATE, "silence", times=10_000, where={"ts": ts})


@pytest.mark.parametrize("slot", ["audit", "card"])
async def test_an_edit_that_hangs_holds_up_no_other_message(stage: BotWorld, slot: str) -> None:
    """New cards, and edits of other messages, come long before the hanging call is given up."""
    first, other = [await ask(stage, number) for number in (1001, 1002)]
    await stage.bot.posts()
    await hang(stage, first, slot)
    for one in (first, other):
        await stage.bot.approve(one)
    await stage.bot.run_until_idle()
    for number in range(6):
        await ask(stage, number)

    async def all_there() -> bool:
        edited = [one for one in await stage.said("C0AUDIT") if "Cancelled" in one.text and not one.thread_ts]
        return await cards(stage) == 8 and len(edited) == (1 if slot == "audit" else 2)

    await until(stage, all_there)
    troubled = [one for one in await stage.people.journal(UPDATE) if one["trouble"]]
    assert len(troubled) == 1


async def test_a_channel_that_hangs_holds_up_no_other_channel(stage: BotWorld) -> None:
    """Audit messages and direct messages come meanwhile. Then the cards come, each once."""
    await stage.people.fail(POST, "silence", times=10_000, where={"channel": "C0APPROVE"})
    for number in range(4):
        await ask(stage, number)

    async def audited() -> bool:
        return len(await stage.said("C0AUDIT")) == 4

    await until(stage, audited)
    assert await cards(stage) == 0


async def test_a_call_that_hung_is_tried_again_on_its_own(impatient: BotWorld) -> None:
    """The call's wait grows, other messages of its request continue, and it succeeds later."""
    stage = impatient
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.posts()
    await hang(stage, made, "audit")
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await stage.bot.ask(PLACE, delivery_key="meanwhile")

    async def card_edited() -> bool:
        return any("Cancelled" in one.text for one in await stage.said("C0APPROVE"))

    await until(stage, card_edited, seconds=0.2)
    assert not [one for one in await stage.said("C0AUDIT") if "Cancelled" in one.text]
    await stage.people.heal()

    async def made_good() -> bool:
        return any("Cancelled" in one.text for one in await stage.said("C0AUDIT"))

    await until(stage, made_good, seconds=2)
    roots = [one for one in await stage.said("C0AUDIT") if not one.thread_ts]
    assert len(roots) == 2


async def test_where_slack_answers_nothing_it_is_tried_ever_more_slowly(impatient: BotWorld) -> None:
    """A single call goes ahead of the waiting ones, and nothing is lost."""
    stage = impatient
    await stage.people.fail(POST, "silence", times=10_000)
    for number in range(3):
        await stage.bot.ask(PLACE, delivery_key=f"{number}")
    for _ in range(5):
        await stage.bot.posts()
        stage.clock.move(seconds=10)
    assert len(await stage.people.journal(POST)) <= 3 + 5
    await stage.people.heal()

    async def there() -> bool:
        return len([one for one in await stage.said("C0AUDIT") if not one.thread_ts]) == 3

    await until(stage, there, seconds=5)

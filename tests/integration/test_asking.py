import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import RequestSource, RequestSpec
from providers.actions import CallRef, CancelCall, NumberRef
from storage.models import Event, Request
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_ID, CANCEL_BY_NUMBER, MANAGER, SECOND, BotWorld, bench

RULE = 'expires = "8h"'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def by_id(number: int) -> CancelCall:
    """Return a cancellation of another call for each number."""
    return CancelCall(target=CallRef(call_id=f"vx_100{number}"))


async def noted(stage: BotWorld, request: Request, name: str) -> list[Event]:
    """Return a request's annotations of that name."""
    return [event for event in await stage.bot.store.requests.events(request.id) if event.name == name]


async def asked(stage: BotWorld, request: Request) -> list[object]:
    """Return the people who were asked to decide a request, in order."""
    return [event.data["person"] for event in await noted(stage, request, "asked")]


async def rung(stage: BotWorld) -> tuple[int, int]:
    """Return how many direct messages each of the two managers got."""
    return len(await stage.said("D0MANAGER")), len(await stage.said("D0SECOND"))


async def test_one_phone_rings_and_the_next_after_some_minutes(stage: BotWorld) -> None:
    """An approver is asked at once, the next one while nobody decides, until nobody is left to ask."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.bot.asks()
    assert await rung(stage) == (1, 0)
    [message] = await stage.said("D0MANAGER")
    assert "needs your approval" in message.text
    assert "<@U0AGENT> needs your approval:* cancel call `vx_1001`" in message.text
    assert "Review…" in str(message.blocks)
    assert "expires <!date^" in str(message.blocks)
    await stage.pass_time(minutes=4, seconds=59)
    await stage.bot.asks()
    assert await rung(stage) == (1, 0)
    await stage.pass_time(seconds=1)
    for _ in range(3):
        await stage.bot.asks()
        await stage.pass_time(minutes=6)
    assert await rung(stage) == (1, 1)
    assert await asked(stage, made) == [MANAGER, SECOND]


async def test_nobody_else_is_asked_once_it_is_decided(stage: BotWorld) -> None:
    """The next approver gets no message, and unposted messages are dropped."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asking.run_once()
    await stage.bot.approve(made)
    await stage.pass_time(minutes=6)
    await stage.bot.asks()
    assert await asked(stage, made) == [MANAGER]
    assert await rung(stage) == (0, 0)


@pytest.mark.parametrize("end", ["approved", "taken back", "expired"])
async def test_who_was_asked_sees_that_it_is_over(stage: BotWorld, end: str) -> None:
    """The direct message is edited as the card is: no button, and the outcome."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.pass_time(minutes=5)
    await stage.bot.asks()
    match end:
        case "approved":
            await stage.bot.approve(made)
        case "taken back":
            await stage.bot.approvals.withdraw(made.id, await stage.bot.person(AGENT), delivery_key="back")
        case _:
            await stage.pass_time(hours=8)
    await stage.bot.run_until_idle()
    await stage.bot.asks()
    says = {"approved": "*Cancelled*", "taken back": "Withdrawn", "expired": "Expired"}[end]
    for channel in ("D0MANAGER", "D0SECOND"):
        message = (await stage.said(channel))[0]
        assert says in message.text
        assert "Review…" not in str(message.blocks)
        assert "needs your approval" in message.edits[0]["text"]


async def test_who_was_asked_least_recently_is_asked(stage: BotWorld) -> None:
    """Requests are spread: each asks the person whose last one is longest ago."""
    made = []
    for number in range(3):
        made.append(await stage.bot.ask(by_id(number), delivery_key=f"{number}"))
        await stage.bot.asks()
        await stage.pass_time(seconds=1)
    assert [await asked(stage, one) for one in made] == [[MANAGER], [SECOND], [MANAGER]]


async def test_who_is_away_is_passed_over(stage: BotWorld) -> None:
    """Slack knows the presence. If everybody is away, or Slack says nothing, somebody is still asked."""
    await stage.people.person(MANAGER).be_away()
    first = await stage.bot.ask(by_id(1), delivery_key="first")
    await stage.bot.asks()
    assert await asked(stage, first) == [SECOND]
    await stage.people.person(SECOND).be_away()
    await stage.pass_time(minutes=2)
    second = await stage.bot.ask(by_id(2), delivery_key="second")
    await stage.bot.asks()
    assert await asked(stage, second) == [MANAGER]
    await stage.people.fail("users.getPresence", "error", times=9, code="fatal_error")
    await stage.pass_time(minutes=2)
    third = await stage.bot.ask(by_id(3), delivery_key="third")
    await stage.bot.asks()
    assert await asked(stage, third) == [SECOND]


async def test_the_requester_is_not_asked_about_their_own(stage: BotWorld) -> None:
    """Requesters cannot decide."""
    made = await stage.bot.ask(CANCEL_BY_ID, by=MANAGER)
    await stage.bot.asks()
    await stage.pass_time(minutes=6)
    await stage.bot.asks()
    assert await asked(stage, made) == [SECOND]


@pytest.mark.parametrize(("notify", "who"), [("all", [MANAGER, SECOND]), ("nobody", [])])
async def test_all_or_nobody_can_be_asked(stage: BotWorld, notify: str, who: list[str]) -> None:
    """The rule says who gets a message, and the card is there in any case."""
    await stage.crash(**{RULE: f'{RULE}\nnotify = "{notify}"'})
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.pass_time(minutes=6)
    await stage.bot.asks()
    assert await asked(stage, made) == who
    assert await rung(stage) == ((1, 1) if who else (0, 0))
    assert len(await stage.said("C0APPROVE")) == 1


async def test_a_restart_neither_loses_nor_repeats_who_is_asked(stage: BotWorld) -> None:
    """The next process posts a recorded notification, once. Two processes at once ask one person."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asking.run_once()
    await stage.crash()
    await stage.bot.asks()
    assert await rung(stage) == (1, 0)
    other = await stage.bot.ask(by_id(2), delivery_key="other")
    here, there = stage.bot, await stage.start()
    await asyncio.gather(here.asking.run_once(), there.asking.run_once())
    await stage.bot.posts()
    assert [len(await asked(stage, one)) for one in (made, other)] == [1, 1]
    assert await rung(stage) == (1, 1)


async def test_reminders_come_at_half_time_and_before_the_end(stage: BotWorld) -> None:
    """Each comes once despite restarts, below the card and to the people who were asked."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    for hours in (3, 1, 0, 3):
        await stage.pass_time(hours=hours)
        await stage.bot.asks()
    assert [event.data["which"] for event in await noted(stage, made, "reminded")] == ["half"]
    await stage.crash()
    await stage.pass_time(minutes=45)
    for _ in range(2):
        await stage.bot.asks()
    assert [event.data["which"] for event in await noted(stage, made, "reminded")] == ["half", "last"]
    card, half, last = await stage.said("C0APPROVE")
    assert [one.thread_ts for one in (half, last)] == [card.ts, card.ts]
    assert "*Expires <!date^" in half.text
    assert "If a call is scheduled, it goes out" in last.text
    assert len([one for one in await stage.said("D0MANAGER") if "*Expires <!date^" in one.text]) == 2
    journal = await stage.people.journal("chat.postMessage")
    assert len([call for call in journal if call["args"].get("reply_broadcast")]) == 2


async def test_nobody_is_reminded_of_what_is_decided(stage: BotWorld) -> None:
    """A decided request gets no annotation and no post."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.bot.approve(made)
    await stage.pass_time(hours=5)
    await stage.bot.asks()
    assert await noted(stage, made, "reminded") == []
    assert not [one for one in await stage.said("C0APPROVE") if one.thread_ts]


async def test_a_deadline_that_passes_is_told_to_requester_and_channel(stage: BotWorld) -> None:
    """The message tells what it means for the call, and who named the call's time."""
    at = stage.clock() + timedelta(minutes=30)
    spec = RequestSpec("reminders", (CANCEL_BY_NUMBER,), "customer asked", reported_call_time=at)
    origin = RequestSource(await stage.bot.person(AGENT), "C0SUPPORT", "said")
    made = (await stage.bot.requests.ask(spec, origin)).request
    await stage.bot.posts()
    await stage.pass_time(minutes=28)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.record(made)).state is State.EXPIRED
    [told] = await stage.said("D0AGENT")
    [audit] = await stage.said("C0AUDIT")
    [card] = await stage.said("C0APPROVE")
    for one in (told, audit, card):
        assert one.text.startswith("❌ *Not cancelled*")
    for one in (told, audit, card):
        assert "No one approved it in time. If a call is scheduled, it goes out." in one.text


async def test_numbers_that_read_alike_are_told_apart(stage: BotWorld) -> None:
    """Each of the two cards names the other number, the older card too. Other requests are left alone."""
    first = await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="first")
    other = await stage.bot.ask(CANCEL_BY_ID, delivery_key="by id")
    await stage.bot.asks()
    twin = CancelCall(target=NumberRef(agent="payments", to="+919876503210"))
    second = await stage.bot.ask(twin, delivery_key="second")
    for _ in range(2):
        await stage.bot.asks()
    cards = await stage.said("C0APPROVE")
    one, by_id, two = (
        next(card for card in cards if made.id in str(card.blocks[-1])) for made in (first, other, second)
    )
    read = re.sub(r"<http[^|]*\|([^>]*)>", r"\1", json.dumps([one.blocks, two.blocks], ensure_ascii=False))
    assert f"*Not the same number* as in {second.id}, though both read +91\u00a0•••3210" in read
    assert f"*Not the same number* as in {first.id}" in read
    assert "2 more waiting" in str(two.blocks)
    assert "Not the same number" not in str(by_id.blocks)
    assert len(await noted(stage, first, "alike")) == 1

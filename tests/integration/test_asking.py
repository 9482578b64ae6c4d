import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import Origin, Wish
from providers.actions import CallRef, CancelCall, NumberRef
from storage.models import Event, Request
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_ID, CANCEL_BY_NUMBER, MANAGER, SECOND, Bench, bench

RULE = 'expires = "8h"'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Bench]:
    """A world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def by_id(number: int) -> CancelCall:
    """One of several cancellations, each of another call."""
    return CancelCall(target=CallRef(call_id=f"vx_100{number}"))


async def noted(stage: Bench, request: Request, name: str) -> list[Event]:
    """The notes of that name about a request."""
    return [event for event in await stage.bot.log.requests.events(request.id) if event.name == name]


async def asked(stage: Bench, request: Request) -> list[object]:
    """Who was asked to decide a request, in order."""
    return [event.data["person"] for event in await noted(stage, request, "asked")]


async def rung(stage: Bench) -> tuple[int, int]:
    """How often the two managers were written to."""
    return len(await stage.said("D0MANAGER")), len(await stage.said("D0SECOND"))


async def test_one_phone_rings_and_the_next_after_some_minutes(stage: Bench) -> None:
    """One approver is asked at once, the next while nobody decides; after that nobody is left to ask."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.bot.asks()
    assert await rung(stage) == (1, 0)
    [message] = await stage.said("D0MANAGER")
    assert "You are asked to decide" in message.text
    assert "<@U0AGENT> asks to cancel call `vx_1001`" in message.text
    assert "Review…" in str(message.blocks)
    assert "If nobody decides" in str(message.blocks)
    await stage.pass_time(minutes=4, seconds=59)
    await stage.bot.asks()
    assert await rung(stage) == (1, 0)
    await stage.pass_time(seconds=1)
    for _ in range(3):
        await stage.bot.asks()
        await stage.pass_time(minutes=6)
    assert await rung(stage) == (1, 1)
    assert await asked(stage, made) == [MANAGER, SECOND]


async def test_nobody_else_is_asked_once_it_is_decided(stage: Bench) -> None:
    """The next phone stays silent, and what was not posted yet is not posted any more."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asking.step()
    await stage.bot.approve(made)
    await stage.pass_time(minutes=6)
    await stage.bot.asks()
    assert await asked(stage, made) == [MANAGER]
    assert await rung(stage) == (0, 0)


@pytest.mark.parametrize("end", ["approved", "taken back", "expired"])
async def test_who_was_asked_sees_that_it_is_over(stage: Bench, end: str) -> None:
    """The message that asked is edited as the card is: no button, and how it ended."""
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
    await stage.bot.rounds()
    await stage.bot.asks()
    says = {"approved": "Cancelled:", "taken back": "Taken back", "expired": "Time ran out"}[end]
    for channel in ("D0MANAGER", "D0SECOND"):
        message = (await stage.said(channel))[0]
        assert says in message.text
        assert "Review…" not in str(message.blocks)
        assert "You are asked to decide" in message.edits[0]["text"]


async def test_who_was_asked_least_recently_is_asked(stage: Bench) -> None:
    """Requests are spread: each asks the one whose last time is longest ago."""
    made = []
    for number in range(3):
        made.append(await stage.bot.ask(by_id(number), delivery_key=f"{number}"))
        await stage.bot.asks()
        await stage.pass_time(seconds=1)
    assert [await asked(stage, one) for one in made] == [[MANAGER], [SECOND], [MANAGER]]


async def test_who_is_away_is_passed_over(stage: Bench) -> None:
    """As Slack says; where everybody is, or Slack says nothing, somebody is asked all the same."""
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


async def test_the_requester_is_not_asked_about_their_own(stage: Bench) -> None:
    """Whoever asked cannot decide."""
    made = await stage.bot.ask(CANCEL_BY_ID, by=MANAGER)
    await stage.bot.asks()
    await stage.pass_time(minutes=6)
    await stage.bot.asks()
    assert await asked(stage, made) == [SECOND]


@pytest.mark.parametrize(("notify", "who"), [("all", [MANAGER, SECOND]), ("nobody", [])])
async def test_all_or_nobody_can_be_asked(stage: Bench, notify: str, who: list[str]) -> None:
    """The rule says whose phone rings; the card is there in any case."""
    await stage.crash(**{RULE: f'{RULE}\nnotify = "{notify}"'})
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.pass_time(minutes=6)
    await stage.bot.asks()
    assert await asked(stage, made) == who
    assert await rung(stage) == ((1, 1) if who else (0, 0))
    assert len(await stage.said("C0APPROVE")) == 1


async def test_a_restart_neither_loses_nor_repeats_who_is_asked(stage: Bench) -> None:
    """What was noted is posted by the next process, once; two processes at once ask one person."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asking.step()
    await stage.crash()
    await stage.bot.asks()
    assert await rung(stage) == (1, 0)
    other = await stage.bot.ask(by_id(2), delivery_key="other")
    here, there = stage.bot, await stage.start()
    await asyncio.gather(here.asking.step(), there.asking.step())
    await stage.bot.posts()
    assert [len(await asked(stage, one)) for one in (made, other)] == [1, 1]
    assert await rung(stage) == (1, 1)


async def test_reminders_come_at_half_time_and_before_the_end(stage: Bench) -> None:
    """Each once, restarts or not: below the card, and to those who were asked."""
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
    assert "Still waiting" in half.text
    assert "The customer *will* be called" in last.text
    assert len([one for one in await stage.said("D0MANAGER") if "Still waiting" in one.text]) == 2
    journal = await stage.people.journal("chat.postMessage")
    assert len([call for call in journal if call["args"].get("reply_broadcast")]) == 2


async def test_nobody_is_reminded_of_what_is_decided(stage: Bench) -> None:
    """No note, and no post."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.bot.approve(made)
    await stage.pass_time(hours=5)
    await stage.bot.asks()
    assert await noted(stage, made, "reminded") == []
    assert not [one for one in await stage.said("C0APPROVE") if one.thread_ts]


async def test_a_deadline_that_passes_is_told_to_requester_and_channel(stage: Bench) -> None:
    """With what it means for the call, by whose word its time is known."""
    at = stage.clock() + timedelta(minutes=30)
    wish = Wish("reminders", (CANCEL_BY_NUMBER,), "customer asked", reported_call_time=at)
    origin = Origin(await stage.bot.person(AGENT), "C0SUPPORT", "said")
    made = (await stage.bot.requests.ask(wish, origin)).request
    await stage.bot.posts()
    await stage.pass_time(minutes=28)
    await stage.bot.rounds()
    await stage.bot.posts()
    assert (await stage.bot.entry(made)).state is State.EXPIRED
    [told] = await stage.said("D0AGENT")
    audit, reply = await stage.said("C0AUDIT")
    [card] = await stage.said("C0APPROVE")
    for one in (told, audit, card):
        assert one.text.startswith("⌛ *Not cancelled:*")
    for one in (told, audit, card, reply):
        assert "as <@U0AGENT> says: nobody decided in time. The customer *will* be called." in one.text


async def test_numbers_that_read_alike_are_told_apart(stage: Bench) -> None:
    """Each of the two cards names the other, the one that was there first as well; the rest is left alone."""
    first = await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="first")
    other = await stage.bot.ask(CANCEL_BY_ID, delivery_key="by id")
    await stage.bot.asks()
    twin = CancelCall(target=NumberRef(agent="payments", to="+919876503210"))
    second = await stage.bot.ask(twin, delivery_key="second")
    for _ in range(2):
        await stage.bot.asks()
    cards = await stage.said("C0APPROVE")
    one, by_id, two = (
        next(card for card in cards if f"`{made.id}`" in str(card.blocks[-1]))
        for made in (first, other, second)
    )
    assert f"not the same number as in `{second.id}`, though both read +91 ••••• •3210" in str(one.blocks)
    assert f"not the same number as in `{first.id}`" in str(two.blocks)
    assert "2 others wait as this is written" in str(two.blocks)
    assert "not the same number" not in str(by_id.blocks)
    assert len(await noted(stage, first, "alike")) == 1

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.approvals import content
from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec, Settlement
from bot.services.outcomes import MAX_ATTEMPTS, PAUSES
from bot.text.interactions import Evidence
from providers.actions import CancelCall, CannotSendError, NumberRef, PlaceCall
from storage.errors import ConflictError
from storage.models import Request
from storage.queries import Query
from storage.states import State
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    SECOND,
    Bot,
    BotWorld,
    bench,
)
from tests.storage.samples import NUMBER, OTHER_NUMBER, verified

Does = Callable[[Bot, Request, str], Awaitable[Request]]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def approve(bot: Bot, request: Request, by: str) -> Request:
    """Approve the request as shown."""
    person = await bot.person(by)
    return await bot.approvals.approve(request.id, person, shown=content(request), nonce=f"approve {by}")


async def deny(bot: Bot, request: Request, by: str) -> Request:
    """Deny the request as shown."""
    person, shown = await bot.person(by), content(request)
    return await bot.approvals.deny(request.id, person, reason="no", shown=shown, nonce=f"deny {by}")


async def withdraw(bot: Bot, request: Request, by: str) -> Request:
    """Take a request back."""
    return await bot.approvals.withdraw(request.id, await bot.person(by), delivery_key=f"back {by}")


async def settle(bot: Bot, request: Request, by: str, how: Settlement = Settlement.HAPPENED) -> Request:
    """Record what became of an unknown outcome."""
    person = await bot.person(by)
    evidence = Evidence.NONE if how is Settlement.RETRY_REQUESTED else Evidence.SCREEN
    return await bot.approvals.settle(
        request.id, person, how, evidence=evidence, reason="I looked", nonce=f"settle {by}"
    )


async def bring_to(stage: BotWorld, state: State) -> Request:
    """Create a cancellation in that state."""
    bot = stage.bot
    made = await bot.ask(CANCEL_BY_NUMBER)
    match state:
        case State.PENDING:
            pass
        case State.DENIED:
            await deny(bot, made, SECOND)
        case State.EXPIRED:
            await stage.pass_time(hours=9)
            await bot.run_until_idle()
        case State.WITHDRAWN:
            await withdraw(bot, made, AGENT)
        case _:
            await approve(bot, made, SECOND)
    match state:
        case State.SENDING:
            bot.store.at["before succeeded"] = bot.store.die
            await bot.run_until_idle()
            await stage.crash()
        case State.UNKNOWN:
            await stage.providers.fail("callkaro", "reset", times=MAX_ATTEMPTS)
            for _ in range(MAX_ATTEMPTS):
                await bot.run_until_idle()
                await stage.pass_time(seconds=PAUSES[-1].total_seconds())
        case State.SUCCEEDED:
            await bot.run_until_idle()
        case _:
            pass
    assert (await stage.bot.record(made)).state is state
    return await stage.bot.store.requests.request(made.id)


POSSIBLE: dict[State, dict[Does, State]] = {
    State.PENDING: {approve: State.APPROVED, deny: State.DENIED, withdraw: State.WITHDRAWN},
    State.APPROVED: {withdraw: State.WITHDRAWN},
    State.SENDING: {},
    State.UNKNOWN: {settle: State.SUCCEEDED},
    State.SUCCEEDED: {},
    State.DENIED: {},
    State.WITHDRAWN: {},
    State.EXPIRED: {},
}


@pytest.mark.parametrize("state", POSSIBLE)
async def test_who_comes_too_late_reads_how_it_stands(stage: BotWorld, state: State) -> None:
    """An operation that is no longer possible is a conflict that tells the request's state."""
    made = await bring_to(stage, state)
    for does, by in ((approve, MANAGER), (deny, MANAGER), (withdraw, AGENT), (settle, MANAGER)):
        if does not in POSSIBLE[state]:
            with pytest.raises(ConflictError) as conflict:
                await does(stage.bot, made, by)
            assert conflict.value.current.state is state
    assert (await stage.bot.record(made)).state is state


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (Settlement.HAPPENED, "A person checked: it happened. The provider's dashboard shows it."),
        (
            Settlement.DID_NOT_HAPPEN,
            "A person checked: it didn't happen. If you still want it, request it again. The provider's dashboard shows it.",
        ),
    ],
)
async def test_the_card_shows_what_somebody_settled(stage: BotWorld, how: Settlement, says: str) -> None:
    """The approver reads the outcome in the card, as the audit channel does."""
    made = await bring_to(stage, State.UNKNOWN)
    await stage.bot.posts()
    await settle(stage.bot, made, MANAGER, how)
    await stage.bot.posts()
    [card] = await stage.said("C0APPROVE")
    assert says in card.text


@pytest.mark.parametrize(
    ("state", "does", "after"),
    [(state, does, after) for state, possible in POSSIBLE.items() for does, after in possible.items()],
)
async def test_what_people_can_do_moves_it(stage: BotWorld, state: State, does: Does, after: State) -> None:
    """Each possible operation makes its single transition, once for each nonce or delivery."""
    made = await bring_to(stage, state)
    by = AGENT if does is withdraw else MANAGER
    assert (await does(stage.bot, made, by)).state is after
    with pytest.raises(ConflictError):
        await does(stage.bot, made, by)
    assert not (await verified(stage.bot.store)).faults


@pytest.mark.parametrize(
    ("state", "does", "by", "why"),
    [
        (
            State.PENDING,
            approve,
            AGENT,
            "You can't approve your own request. Someone else in managers has to.",
        ),
        (State.PENDING, deny, AGENT, "You can't approve your own request. Someone else in managers has to."),
        (State.PENDING, approve, "U0AUDITOR", "Only managers"),
        (State.PENDING, deny, "U0AUDITOR", "Only managers"),
        (State.PENDING, approve, "U0GUEST", "Guests"),
        (State.PENDING, approve, "U0GONE", "deactivated"),
        (State.PENDING, approve, "U0BOT", "Apps and bots"),
        (State.PENDING, deny, "U0STRANGER", "another organisation"),
        (State.PENDING, withdraw, MANAGER, "Only the requester"),
        (State.APPROVED, withdraw, MANAGER, "Only the requester"),
        (State.UNKNOWN, settle, AGENT, "You can't record the outcome of your own request"),
        (State.UNKNOWN, settle, "U0AUDITOR", "Only managers"),
        (State.UNKNOWN, settle, "U0GUEST", "Guests"),
    ],
)
async def test_who_may_not_reads_why(stage: BotWorld, state: State, does: Does, by: str, why: str) -> None:
    """The rules give the reason, and no state changes."""
    made = await bring_to(stage, state)
    with pytest.raises(PermissionDeniedError, match=why):
        await does(stage.bot, made, by)
    assert (await stage.bot.record(made)).state is state


async def test_nobody_decides_about_something_else_than_they_were_shown(stage: BotWorld) -> None:
    """An approval is bound to what the person saw."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    person = await stage.bot.person(MANAGER)
    with pytest.raises(PermissionDeniedError, match="changed since you opened it"):
        await stage.bot.approvals.approve(made.id, person, shown="something else", nonce="1")


async def test_the_log_keeps_who_decided_and_who_could_have(stage: BotWorld) -> None:
    """An approval names the person, the group, and everyone in it but the requester."""
    made = await stage.bot.ask(CANCEL_BY_ID, by=SECOND)
    after = await approve(stage.bot, made, MANAGER)
    [approval] = after.approvals
    assert (approval.person, approval.group, list(approval.members)) == (MANAGER, "managers", [MANAGER])
    assert approval.content == content(made)
    assert approval.at == stage.clock()


async def lost(stage: BotWorld) -> Request:
    """Create a cancellation whose answer is lost, and let the time for another attempt pass."""
    await stage.providers.fail("callkaro", "reset", effect=False)
    made = await stage.bot.approved(CANCEL_BY_NUMBER)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=40)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.UNKNOWN
    return made


@pytest.mark.parametrize(
    ("how", "after", "requests"),
    [
        (Settlement.HAPPENED, State.SUCCEEDED, 1),
        (Settlement.DID_NOT_HAPPEN, State.FAILED, 1),
        (Settlement.RETRY_REQUESTED, State.SUCCEEDED, 2),
    ],
)
async def test_a_person_settles_what_nobody_knows(
    stage: BotWorld, how: Settlement, after: State, requests: int
) -> None:
    """A person's word becomes the state, and a retry is sent once.

    The log has the reason, the requester hears.
    """
    made = await lost(stage)
    await stage.bot.posts()
    before = len(await stage.said("D0AGENT"))
    await settle(stage.bot, made, MANAGER, how)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.record(made)).state is after
    assert len(await stage.asked("callkaro")) == requests
    [event] = [one for one in await stage.bot.store.requests.events(made.id) if one.name == how]
    assert (event.actor, event.data["group"]) == (MANAGER, "managers")
    assert (event.seq, "note", "I looked") in await stage.bot.store.requests.personal_values(made.id)
    assert any("I looked" in one.text for one in await stage.said("C0AUDIT") if one.thread_ts)
    assert len(await stage.said("D0AGENT")) > before


async def test_a_second_attempt_that_fails_does_not_end_the_doubt_about_the_first(stage: BotWorld) -> None:
    """A refused second attempt says nothing about the first."""
    made = await lost(stage)
    await settle(stage.bot, made, MANAGER, Settlement.RETRY_REQUESTED)
    await stage.providers.fail("callkaro", "refused", times=9)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.APPROVED
    await stage.pass_time(hours=9)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.UNKNOWN


async def scheduled(stage: BotWorld, hours: int) -> None:
    """Schedule a call through CallOps, that many hours ahead."""
    at = stage.clock() + timedelta(hours=hours)
    await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="place")
    await stage.bot.run_until_idle()


@pytest.mark.parametrize(
    ("hours", "waits"),
    [(3, timedelta(hours=2, minutes=58)), (30, timedelta(hours=8))],
    ids=["the call's own time", "eight hours"],
)
async def test_a_request_waits_until_its_call_goes_out_at_most(
    stage: BotWorld, hours: int, waits: timedelta
) -> None:
    """A cancellation by number must be decided before the known call, or by the rule's time."""
    asked_at = stage.clock.now = stage.clock.now.replace(microsecond=0)
    await scheduled(stage, hours)
    made = await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="cancel")
    assert made.decide_by == asked_at + waits
    other = CancelCall(target=NumberRef(agent="payments", to=OTHER_NUMBER))
    unknown = await stage.bot.ask(other, delivery_key="other")
    assert unknown.decide_by == asked_at + timedelta(hours=8)


async def test_when_a_call_goes_out_can_be_said(stage: BotWorld) -> None:
    """The requester's time brings the deadline forward, unless the log knows the call's time."""
    asked_at = stage.clock.now = stage.clock.now.replace(microsecond=0)
    said = asked_at + timedelta(hours=2)
    spec = RequestSpec("reminders", (CANCEL_BY_NUMBER,), "customer asked", reported_call_time=said)
    person = await stage.bot.person(AGENT)
    made = (await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", "said"))).request
    assert (made.reported_call_time, made.decide_by) == (said, said - timedelta(minutes=2))
    assert content(made) != content(replace(made, reported_call_time=None))
    await stage.bot.approvals.withdraw(made.id, person, delivery_key="back")
    await scheduled(stage, 3)
    known = (await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", "known"))).request
    assert (known.reported_call_time, known.decide_by) == (None, asked_at + timedelta(hours=2, minutes=58))


async def test_a_call_that_was_cancelled_is_not_waited_for(stage: BotWorld) -> None:
    """A scheduled call that was cancelled through CallOps shortens no deadline."""
    await scheduled(stage, 3)
    await stage.bot.approve(await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="cancel"))
    await stage.bot.run_until_idle()
    again = await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="again")
    assert again.decide_by == stage.clock() + timedelta(hours=8)


async def test_what_the_rule_wants_a_reason_for_is_not_asked_without(stage: BotWorld) -> None:
    """A missing reason is a fault of its field, and uses up neither nonce nor delivery."""
    person = await stage.bot.person(AGENT)
    origin = RequestSource(person, "C0SUPPORT", delivery_key="trigger", nonce="form")
    with pytest.raises(CannotSendError) as refused:
        await stage.bot.requests.ask(RequestSpec("voxworks", (CANCEL_BY_ID,)), origin)
    assert refused.value.field == "reason"
    assert not await stage.bot.actions()
    recorded = await stage.bot.requests.ask(
        RequestSpec("voxworks", (CANCEL_BY_ID,), "customer asked"), origin
    )
    assert recorded.created
    assert recorded.request.reason == "customer asked"


async def test_a_request_for_several_is_decided_as_one(stage: BotWorld) -> None:
    """A single approval decides about every target, in one transaction."""
    other = CancelCall(target=NumberRef(agent="payments", to=OTHER_NUMBER))
    made = await stage.bot.ask(CANCEL_BY_NUMBER, other)
    assert [record.id for record in made.actions] == [f"{made.id}.1", f"{made.id}.2"]
    after = await approve(stage.bot, made, MANAGER)
    assert {record.state for record in after.actions} == {State.APPROVED}
    assert len(after.approvals) == 1
    await stage.bot.run_until_idle()
    assert len(await stage.asked("callkaro")) == 2


async def test_what_the_rules_refuse_is_in_the_log_with_its_why(stage: BotWorld) -> None:
    """A refusal is also a request with its reason, and nothing is posted or sent."""
    with pytest.raises(PermissionDeniedError) as no:
        await stage.bot.ask(PLACE, by="U0GUEST")
    [record] = (await stage.bot.store.search.page(Query(state=State.REFUSED))).actions
    assert no.value.request
    assert no.value.request.id == record.id
    assert record.message == no.value.reasons[0]
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert not await stage.asked("callkaro")
    assert not await stage.said("C0AUDIT")

"""Invariants 2 and 10: at most one request for each order, and no success without evidence."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.services.outcomes import MAX_ATTEMPTS, PAUSES, OutcomeDecision
from bot.workers.attempt import Attempts
from playground.faults import Fault
from providers.actions import (
    CallRef,
    CampaignRef,
    CancelCall,
    CannotSendError,
    DeleteCampaign,
    Outcome,
    Retry,
    Status,
)
from storage.changes import NewRequest, Recorded, Transition
from storage.models import ActionRecord, Request
from storage.repositories.call_history import CallHistory
from storage.states import State
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    LEASE,
    PLACE,
    BotWorld,
    StepLog,
    StepRequests,
)
from tests.integration.seeding import Invariant, Seeded


async def a_crash_around_the_send_repeats_nothing(bench: BotWorld) -> None:
    """Check that a crash just before `sending` or the outcome is written leaves one request."""
    for number, step in enumerate(("before sending", "before succeeded"), start=1):
        bench.bot.store.at[step] = bench.bot.store.die
        await bench.bot.ask(PLACE, delivery_key=step)
        await bench.bot.run_until_idle()
        await bench.crash()
        for _ in range(3):
            await bench.pass_time(seconds=31)
            await bench.bot.run_until_idle()
        assert len(await bench.asked("callkaro")) == number, f"a crash {step} sent again what was sent"


class SendsFirst(Attempts):
    """A bug: sends, and records that afterwards."""

    async def run(self, record: ActionRecord) -> None:
        """Send, then claim the action."""
        request = await self._store.requests.request(record.request)
        outcome = await self._adapters[record.connection].send(await self._last_look(request, record))
        claimed = await self._claim(request, record)
        if claimed:
            await self._record(request, claimed, outcome)


class RetriesOnRecovery(Attempts):
    """A bug: treats a dead process's action as not sent."""

    async def reap(self, record: ActionRecord) -> None:
        """Let the action be sent once more."""
        move = Transition(record.id, "recovered", frozenset({State.SENDING}), State.APPROVED)
        await self._changes.apply(await self._store.requests.request(record.request), move)


async def a_process_that_overslept_sends_nothing(bench: BotWorld) -> None:
    """Check that a process stopped between `sending` and the send, past its lease, sends nothing."""
    sleeper, awake = bench.bot, asyncio.Event()
    slept = _sleeps(sleeper.store, "after sending", awake)
    request = await sleeper.approved(CANCEL_BY_ID)
    await sleeper.dispatcher.run_once()
    await slept.wait()

    other = await bench.start()
    await bench.pass_time(seconds=LEASE.total_seconds() + 1)
    await other.run_until_idle()
    await bench.pass_time(seconds=3)
    done = asyncio.Event()
    answered = _sleeps(other.store, "before succeeded", done)
    await other.dispatcher.run_once()
    await answered.wait()
    assert (await other.record(request)).attempt == 2

    awake.set()
    await sleeper.run_until_idle()  # the other process has its answer, and has not recorded it
    done.set()
    await other.run_until_idle()
    assert len(await bench.asked("voxworks")) == 1, "who overslept sent as well"
    assert (await other.record(request)).state is State.SUCCEEDED


def _sleeps(store: StepLog, step: str, awake: asyncio.Event) -> asyncio.Event:
    """Let a log stop at a step until ``awake``. Return an event that is set once it is there."""
    there = asyncio.Event()

    async def sleep() -> None:
        there.set()
        await awake.wait()

    store.at[step] = sleep
    return there


class NoOwnerCheck(Attempts):
    """A bug: sends an action that it once claimed."""

    async def _still_ours(self, record: ActionRecord) -> bool:  # noqa: ARG002 - the bug
        return True


class AnyOwnerHolds(StepRequests):
    """A bug: checks only the state when it renews a lease."""

    async def renew_lease(self, action: str, *, owner: str, attempt: int, until: datetime) -> bool:  # noqa: ARG002
        """Return whether anybody holds the action."""
        return (await self.request(action)).actions[0].state is State.SENDING


async def a_call_in_doubt_is_never_placed_again(bench: BotWorld) -> None:
    """Check that a placed call without an answer is requested once."""
    faults = ("reset", "html_502", "malformed")
    for number, fault in enumerate(faults, start=1):
        await bench.providers.fail("callkaro", fault)
        request = await bench.bot.ask(PLACE, delivery_key=fault)
        for _ in range(3):
            await bench.bot.run_until_idle()
            await bench.pass_time(minutes=1)
        assert len(await bench.asked("callkaro")) == number, "a call in doubt was placed again"
        assert (await bench.bot.record(request)).state is State.UNKNOWN


class RetriesInDoubt(Attempts):
    """A bug: retries after every unknown outcome."""

    async def _consequence(self, *what: Any, owner: str) -> OutcomeDecision:
        found = await super()._consequence(*what, owner=owner)
        [move] = found.transitions
        order = Transition(move.action, "retry_scheduled", frozenset({State.UNKNOWN}), State.APPROVED)
        return replace(found, transitions=[move, order]) if move.to_state is State.UNKNOWN else found


async def what_cannot_be_reached_is_tried_a_few_times(bench: BotWorld) -> None:
    """Check that an unsent action has three attempts in all, though its host could be reached each time."""
    request = await bench.bot.ask(PLACE)
    for _ in range(5):
        await bench.providers.fail("callkaro", "refused")
        await bench.bot.run_until_idle()
        await bench.pass_time(seconds=10)
        await bench.providers.clear("callkaro")
        await bench.bot.dispatcher.run_once()
        await bench.bot.dispatcher.finish(timedelta(seconds=10))
    assert bench.bot.store.steps.count("after sending") == MAX_ATTEMPTS, "it is tried without end"
    assert (await bench.bot.record(request)).state is State.FAILED


class Tireless(Attempts):
    """A bug: counts no attempts."""

    async def _consequence(
        self, request: Request, record: ActionRecord, outcome: Outcome, *, owner: str
    ) -> OutcomeDecision:
        found = await super()._consequence(request, record, outcome, owner=owner)
        if outcome.retry is not Retry.SAFE:
            return found
        again = replace(found.transitions[0], name="retry_scheduled", to_state=State.APPROVED)
        return replace(found, transitions=[again], notifications=())


async def who_says_later_is_asked_later(bench: BotWorld) -> None:
    """Check that a provider's Retry-After is respected, and the action retried then."""
    await bench.providers.fail("voxworks", Fault(does="rate_limited", headers={"Retry-After": "40"}))
    request = await bench.bot.approved(CANCEL_BY_ID)
    await bench.bot.run_until_idle()
    await bench.pass_time(seconds=39)
    await bench.bot.run_until_idle()
    assert len(await bench.asked("voxworks")) == 1, "a provider that said later was asked sooner"
    await bench.pass_time(seconds=1)
    await bench.bot.run_until_idle()
    assert (await bench.bot.record(request)).state is State.SUCCEEDED


class Impatient(Attempts):
    """A bug: ignores Retry-After."""

    async def _record(self, request: Request, record: ActionRecord, outcome: Outcome) -> None:
        heard = outcome.model_copy(update={"retry_after": 0.0, "pause": None})
        await super()._record(request, record, heard)


async def a_cancellation_by_number_has_a_short_window(bench: BotWorld) -> None:
    """Check that a retry comes shortly after the first attempt, and never when a newer schedule may exist."""
    await bench.providers.fail("callkaro", "reset", times=None)
    request = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.bot.run_until_idle()
    await bench.pass_time(seconds=2)
    await bench.bot.run_until_idle()
    assert len(await bench.asked("callkaro")) == 2
    await bench.pass_time(seconds=28)
    await bench.bot.run_until_idle()
    assert len(await bench.asked("callkaro")) == 2, "it was sent again after its window"
    record = await bench.bot.record(request)
    assert (record.state, record.maybe_executed) == (State.UNKNOWN, True)


class WindowWide(Attempts):
    """A bug: keeps the window open for an hour."""

    async def _consequence(self, *what: Any, owner: str) -> OutcomeDecision:
        found = await super()._consequence(*what, owner=owner)
        later = self._clock() + timedelta(hours=1)
        moves = [
            replace(one, changes={**one.changes, "not_after": later}) if "not_after" in one.changes else one
            for one in found.transitions
        ]
        return replace(found, transitions=moves)


async def nothing_begins_beside_a_cancellation_by_number(bench: BotWorld) -> None:
    """Check that a call to a number waits for an unknown cancellation by number, and is then placed."""
    await bench.providers.fail("callkaro", "reset")
    cancel = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.bot.run_until_idle()
    place = await bench.bot.ask(PLACE, delivery_key="newer")
    await bench.bot.run_until_idle()
    assert len(await bench.asked("callkaro")) == 1, "a call was placed under a deletion sending again"
    assert (await bench.bot.record(place)).state is State.APPROVED
    await bench.pass_time(seconds=2)
    await bench.bot.run_until_idle()
    await bench.bot.run_until_idle()
    paths = [one.request.target.partition("?")[0] for one in await bench.asked("callkaro")]
    assert paths == ["/call/delete-schedule-call", "/call/delete-schedule-call", "/call/outbound"]
    for one in (cancel, place):
        assert (await bench.bot.record(one)).state is State.SUCCEEDED


class ForgetsWhom(StepRequests):
    """A bug: stores no trace of an action's number."""

    async def create(self, new: NewRequest) -> Recorded:
        """Record the request, and forget the number."""
        recorded = await super().create(new)
        await self._write(lambda connection: connection.execute("DELETE FROM lookup"))
        return recorded


async def a_doubt_ends_in_no_silence(bench: BotWorld) -> None:
    """Check that an unknown outcome which is withdrawn, refused or late stays for people to settle."""
    for number, end in enumerate(("taken back", "refused", "too late")):
        await bench.providers.fail("voxworks", "reset", effect=False)
        call = CancelCall(target=CallRef(call_id=f"vx_100{number}"))  # an unknown one would be a duplicate
        request = await bench.bot.ask(call, delivery_key=end)
        await bench.bot.approve(request)
        await bench.bot.run_until_idle()
        assert (await bench.bot.record(request)).state is State.APPROVED
        match end:
            case "taken back":
                agent = await bench.bot.person(AGENT)
                await bench.bot.approvals.withdraw(request.id, agent, delivery_key=f"back {number}")
            case "refused":
                await bench.crash(**{"env:VOXWORKS_API_KEY": "env:NOT_SET"})
            case _:
                await bench.pass_time(hours=9)
        await bench.pass_time(seconds=2)
        await bench.bot.run_until_idle()
        assert (await bench.bot.record(request)).state is State.UNKNOWN, f"a doubt was hidden: {end}"
        if end == "refused":
            await bench.crash()
    assert len(await bench.asked("voxworks")) == 3


class ForgetsDoubts(Attempts):
    """A bug: retries as if there had been no attempt before."""

    async def _consequence(self, *what: Any, owner: str) -> OutcomeDecision:
        found = await super()._consequence(*what, owner=owner)
        moves = [replace(one, changes={**one.changes, "maybe_executed": False}) for one in found.transitions]
        return replace(found, transitions=moves)


async def what_cannot_be_said_is_never_begun(bench: BotWorld) -> None:
    """Check that a request that can no longer be built is refused without an attempt."""
    at = bench.clock() + timedelta(hours=1)
    request = await bench.bot.ask(PLACE.model_copy(update={"at": at}))
    await bench.pass_time(hours=2)
    await bench.bot.run_until_idle()
    record = await bench.bot.record(request)
    assert (record.state, record.attempt) == (State.REFUSED, 0), "an attempt was begun that could not be made"
    assert not await bench.asked("callkaro")


class ClaimsFirst(Attempts):
    """A bug: builds the request after `sending`."""

    async def run(self, record: ActionRecord) -> None:
        """Claim the action, then check it."""
        request = await self._store.requests.request(record.request)
        claimed = await self._claim(request, record)
        if claimed is None:
            return
        try:
            prepared = await self._last_look(request, record)
        except CannotSendError as no:
            outcome = Outcome(status=Status.FAILED, code=no.code, message=no.message)
        else:
            outcome = await self._adapters[record.connection].send(prepared)
        await self._record(request, claimed, outcome)


NOT_FOUND = Fault(does="reply", status=404, body='{"success": false, "message": "Not found"}')


async def gone_is_not_done(bench: BotWorld) -> None:
    """Check that an id that was never right, with a lost first answer, is no success."""
    await bench.providers.fail("voxworks", "reset", effect=False)
    request = await bench.bot.approved(CancelCall(target=CallRef(call_id="vx_mistyped")))
    await bench.bot.run_until_idle()
    await bench.pass_time(seconds=3)
    await bench.bot.run_until_idle()
    answers = [one.answer.status for one in await bench.asked("voxworks") if one.answer]
    assert answers == [None, 404]
    record = await bench.bot.record(request)
    assert record.state is State.UNKNOWN, "success was inferred from what was never there"
    assert not await bench.effects("voxworks")


class BelievesAnyId(CallHistory):
    """A bug: treats every id as one that existed."""

    async def seen(self, *_: object) -> bool:
        """Return True for any id."""
        return True


async def what_no_look_up_saw_is_not_done(bench: BotWorld) -> None:
    """Check that a campaign that was absent before the first request does not count as deleted."""
    bot = await bench.with_kore()
    request = await bot.ask(DeleteCampaign(target=CampaignRef(campaign_id="cd-mistyped")))
    await bot.run_until_idle()
    await bench.providers.fail("kore", "reset", times=MAX_ATTEMPTS, effect=False)
    await bot.approve(request)
    for _ in range(MAX_ATTEMPTS + 1):
        await bot.run_until_idle()
        await bench.pass_time(seconds=PAUSES[-1].total_seconds())
    methods = [one.request.method for one in await bench.asked("kore")]
    assert methods == ["GET", "DELETE", "DELETE", "DELETE", "GET"]
    record = await bot.record(request)
    assert (record.state, record.lookup_found) == (State.UNKNOWN, False), (
        "success was inferred from what nobody saw"
    )


class BelievesInSightings(CallHistory):
    """A bug: treats every target as seen before."""

    async def found_before_attempt(self, action: str) -> bool:  # noqa: ARG002 - the bug
        """Return True for any action."""
        return True


SENT_ONCE = Invariant(
    2,
    [
        a_crash_around_the_send_repeats_nothing,
        a_process_that_overslept_sends_nothing,
        a_call_in_doubt_is_never_placed_again,
        what_cannot_be_reached_is_tried_a_few_times,
        who_says_later_is_asked_later,
        what_cannot_be_said_is_never_begun,
        a_cancellation_by_number_has_a_short_window,
        nothing_begins_beside_a_cancellation_by_number,
        a_doubt_ends_in_no_silence,
    ],
    [
        Seeded(a_crash_around_the_send_repeats_nothing, SendsFirst, "before sending sent again"),
        Seeded(a_crash_around_the_send_repeats_nothing, RetriesOnRecovery, "before succeeded sent again"),
        Seeded(a_process_that_overslept_sends_nothing, NoOwnerCheck, "overslept"),
        Seeded(a_process_that_overslept_sends_nothing, AnyOwnerHolds, "overslept"),
        Seeded(a_call_in_doubt_is_never_placed_again, RetriesInDoubt, "placed again"),
        Seeded(what_cannot_be_reached_is_tried_a_few_times, Tireless, "without end"),
        Seeded(who_says_later_is_asked_later, Impatient, "asked sooner"),
        Seeded(what_cannot_be_said_is_never_begun, ClaimsFirst, "could not be made"),
        Seeded(a_cancellation_by_number_has_a_short_window, WindowWide, "after its window"),
        Seeded(nothing_begins_beside_a_cancellation_by_number, ForgetsWhom, "sending again"),
        Seeded(a_doubt_ends_in_no_silence, ForgetsDoubts, "was hidden: taken back"),
    ],
)
NEVER_INFERRED = Invariant(
    10,
    [gone_is_not_done, what_no_look_up_saw_is_not_done],
    [
        Seeded(gone_is_not_done, BelievesAnyId, "inferred"),
        Seeded(what_no_look_up_saw_is_not_done, BelievesInSightings, "nobody saw"),
    ],
)

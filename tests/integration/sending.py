"""Invariants 2 and 10: at most one request for each order, and no success that nobody saw."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.services.outcomes import MAX_ATTEMPTS, PAUSES, Consequence
from bot.workers.attempt import Attempts
from playground.faults import Fault
from providers.actions import (
    CallRef,
    CampaignRef,
    CancelCall,
    DeleteCampaign,
    Outcome,
    Refused,
    Retry,
    Status,
)
from storage.changes import Move, NewRequest, Recorded
from storage.models import LogEntry, Request
from storage.repositories.call_history import CallHistory
from storage.states import State
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    LEASE,
    PLACE,
    Bench,
    StepLog,
    StepRequests,
)
from tests.integration.seeding import Invariant, Seeded


async def a_crash_around_the_send_repeats_nothing(bench: Bench) -> None:
    """A process that dies just before it writes `sending` or the outcome leaves one request, not two."""
    for number, step in enumerate(("before sending", "before succeeded"), start=1):
        bench.bot.log.at[step] = bench.bot.log.die
        await bench.bot.ask(PLACE, delivery_key=step)
        await bench.bot.rounds()
        await bench.crash()
        for _ in range(3):
            await bench.pass_time(seconds=31)
            await bench.bot.rounds()
        assert len(await bench.asked("callkaro")) == number, f"a crash {step} sent again what was sent"


class SendsFirst(Attempts):
    """Sends, and writes down afterwards that it does."""

    async def run(self, entry: LogEntry) -> None:
        """Send, then claim."""
        request = await self._log.requests.request(entry.request)
        outcome = await self._adapters[entry.connection].send(await self._last_look(request, entry))
        claimed = await self._claim(request, entry)
        if claimed:
            await self._record(request, claimed, outcome)


class RetriesOnRecovery(Attempts):
    """Takes what a dead process left for not sent."""

    async def reap(self, entry: LogEntry) -> None:
        """Let it be sent once more."""
        move = Move(entry.id, "recovered", frozenset({State.SENDING}), State.APPROVED)
        await self._changes.apply(await self._log.requests.request(entry.request), move)


async def a_process_that_overslept_sends_nothing(bench: Bench) -> None:
    """One that is stopped between `sending` and the send, past its lease, finds the action taken from it."""
    sleeper, awake = bench.bot, asyncio.Event()
    slept = _sleeps(sleeper.log, "after sending", awake)
    request = await sleeper.approved(CANCEL_BY_ID)
    await sleeper.dispatcher.step()
    await slept.wait()

    other = await bench.start()
    await bench.pass_time(seconds=LEASE.total_seconds() + 1)
    await other.rounds()
    await bench.pass_time(seconds=3)
    done = asyncio.Event()
    answered = _sleeps(other.log, "before succeeded", done)
    await other.dispatcher.step()
    await answered.wait()
    assert (await other.entry(request)).attempt == 2

    awake.set()
    await sleeper.rounds()  # while the other one has its answer, and has not written it down
    done.set()
    await other.rounds()
    assert len(await bench.asked("voxworks")) == 1, "who overslept sent as well"
    assert (await other.entry(request)).state is State.SUCCEEDED


def _sleeps(log: StepLog, step: str, awake: asyncio.Event) -> asyncio.Event:
    """Let a log stop at a step until ``awake``; what is returned is set once it is there."""
    there = asyncio.Event()

    async def sleep() -> None:
        there.set()
        await awake.wait()

    log.at[step] = sleep
    return there


class NoOwnerCheck(Attempts):
    """Sends what it once claimed."""

    async def _still_ours(self, entry: LogEntry) -> bool:  # noqa: ARG002 - the bug
        return True


class AnyOwnerHolds(StepRequests):
    """Looks at the state alone when it is asked who holds an entry."""

    async def hold(self, entry: str, *, owner: str, attempt: int, until: datetime) -> bool:  # noqa: ARG002
        """Whether somebody holds it."""
        return (await self.request(entry)).entries[0].state is State.SENDING


async def a_call_in_doubt_is_never_placed_again(bench: Bench) -> None:
    """Whatever swallowed the answer to a placed call, the system asks for it once."""
    faults = ("reset", "html_502", "malformed")
    for number, fault in enumerate(faults, start=1):
        await bench.providers.fail("callkaro", fault)
        request = await bench.bot.ask(PLACE, delivery_key=fault)
        for _ in range(3):
            await bench.bot.rounds()
            await bench.pass_time(minutes=1)
        assert len(await bench.asked("callkaro")) == number, "a call in doubt was placed again"
        assert (await bench.bot.entry(request)).state is State.UNKNOWN


class RetriesInDoubt(Attempts):
    """Orders another attempt after every doubt."""

    async def _consequence(self, *what: Any, owner: str) -> Consequence:
        found = await super()._consequence(*what, owner=owner)
        [move] = found.moves
        order = Move(move.entry, "retry_scheduled", frozenset({State.UNKNOWN}), State.APPROVED)
        return replace(found, moves=[move, order]) if move.after is State.UNKNOWN else found


async def what_cannot_be_reached_is_tried_a_few_times(bench: Bench) -> None:
    """What was certainly not sent is begun three times in all, though each time its host could be reached."""
    request = await bench.bot.ask(PLACE)
    for _ in range(5):
        await bench.providers.fail("callkaro", "refused")
        await bench.bot.rounds()
        await bench.pass_time(seconds=10)
        await bench.providers.clear("callkaro")
        await bench.bot.dispatcher.step()
        await bench.bot.dispatcher.finish(timedelta(seconds=10))
    assert bench.bot.log.steps.count("after sending") == MAX_ATTEMPTS, "it is tried without end"
    assert (await bench.bot.entry(request)).state is State.FAILED


class Tireless(Attempts):
    """Counts no attempts."""

    async def _consequence(
        self, request: Request, entry: LogEntry, outcome: Outcome, *, owner: str
    ) -> Consequence:
        found = await super()._consequence(request, entry, outcome, owner=owner)
        if outcome.retry is not Retry.SAFE:
            return found
        again = replace(found.moves[0], name="retry_scheduled", after=State.APPROVED)
        return replace(found, moves=[again], posts=())


async def who_says_later_is_asked_later(bench: Bench) -> None:
    """A provider that puts us off is left alone for as long as it said, and asked again then."""
    await bench.providers.fail("voxworks", Fault(does="rate_limited", headers={"Retry-After": "40"}))
    request = await bench.bot.approved(CANCEL_BY_ID)
    await bench.bot.rounds()
    await bench.pass_time(seconds=39)
    await bench.bot.rounds()
    assert len(await bench.asked("voxworks")) == 1, "a provider that said later was asked sooner"
    await bench.pass_time(seconds=1)
    await bench.bot.rounds()
    assert (await bench.bot.entry(request)).state is State.SUCCEEDED


class Impatient(Attempts):
    """Does not listen to how long a provider wants to be left alone."""

    async def _record(self, request: Request, entry: LogEntry, outcome: Outcome) -> None:
        heard = outcome.model_copy(update={"retry_after": 0.0, "pause": None})
        await super()._record(request, entry, heard)


async def a_cancellation_by_number_has_a_short_window(bench: Bench) -> None:
    """It is sent again shortly after the first time, and not once a newer schedule may be there."""
    await bench.providers.fail("callkaro", "reset", times=None)
    request = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.bot.rounds()
    await bench.pass_time(seconds=2)
    await bench.bot.rounds()
    assert len(await bench.asked("callkaro")) == 2
    await bench.pass_time(seconds=28)
    await bench.bot.rounds()
    assert len(await bench.asked("callkaro")) == 2, "it was sent again after its window"
    entry = await bench.bot.entry(request)
    assert (entry.state, entry.maybe_executed) == (State.UNKNOWN, True)


class WindowWide(Attempts):
    """Lets a window stand open for an hour."""

    async def _consequence(self, *what: Any, owner: str) -> Consequence:
        found = await super()._consequence(*what, owner=owner)
        later = self._clock() + timedelta(hours=1)
        moves = [
            replace(one, changes={**one.changes, "not_after": later}) if "not_after" in one.changes else one
            for one in found.moves
        ]
        return replace(found, moves=moves)


async def nothing_begins_beside_a_cancellation_by_number(bench: Bench) -> None:
    """While it is in doubt and about to be sent again, a call to its number waits, and is then placed."""
    await bench.providers.fail("callkaro", "reset")
    cancel = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.bot.rounds()
    place = await bench.bot.ask(PLACE, delivery_key="newer")
    await bench.bot.rounds()
    assert len(await bench.asked("callkaro")) == 1, (
        "a call was placed under a deletion about to be sent again"
    )
    assert (await bench.bot.entry(place)).state is State.APPROVED
    await bench.pass_time(seconds=2)
    await bench.bot.rounds()
    await bench.bot.rounds()
    paths = [one.request.target.partition("?")[0] for one in await bench.asked("callkaro")]
    assert paths == ["/call/delete-schedule-call", "/call/delete-schedule-call", "/call/outbound"]
    for one in (cancel, place):
        assert (await bench.bot.entry(one)).state is State.SUCCEEDED


class ForgetsWhom(StepRequests):
    """Keeps no trace of the number that an action is aimed at."""

    async def record(self, new: NewRequest) -> Recorded:
        """Record, and forget."""
        recorded = await super().record(new)
        await self._write(lambda connection: connection.execute("DELETE FROM lookup"))
        return recorded


async def a_doubt_ends_in_no_silence(bench: Bench) -> None:
    """What is in doubt and is taken back, refused or too late stays a doubt that people can settle."""
    for number, end in enumerate(("taken back", "refused", "too late")):
        await bench.providers.fail("voxworks", "reset", effect=False)
        call = CancelCall(target=CallRef(call_id=f"vx_100{number}"))  # one in doubt is not asked for again
        request = await bench.bot.ask(call, delivery_key=end)
        await bench.bot.approve(request)
        await bench.bot.rounds()
        assert (await bench.bot.entry(request)).state is State.APPROVED
        match end:
            case "taken back":
                agent = await bench.bot.person(AGENT)
                await bench.bot.approvals.withdraw(request.id, agent, delivery_key=f"back {number}")
            case "refused":
                await bench.crash(**{"env:VOXWORKS_API_KEY": "env:NOT_SET"})
            case _:
                await bench.pass_time(hours=9)
        await bench.pass_time(seconds=2)
        await bench.bot.rounds()
        assert (await bench.bot.entry(request)).state is State.UNKNOWN, f"a doubt was hidden: {end}"
        if end == "refused":
            await bench.crash()
    assert len(await bench.asked("voxworks")) == 3


class ForgetsDoubts(Attempts):
    """Orders another attempt as if there had been none before."""

    async def _consequence(self, *what: Any, owner: str) -> Consequence:
        found = await super()._consequence(*what, owner=owner)
        moves = [replace(one, changes={**one.changes, "maybe_executed": False}) for one in found.moves]
        return replace(found, moves=moves)


async def what_cannot_be_said_is_never_begun(bench: Bench) -> None:
    """A request that cannot be built any more is refused without an attempt."""
    at = bench.clock() + timedelta(hours=1)
    request = await bench.bot.ask(PLACE.model_copy(update={"at": at}))
    await bench.pass_time(hours=2)
    await bench.bot.rounds()
    entry = await bench.bot.entry(request)
    assert (entry.state, entry.attempt) == (State.REFUSED, 0), "an attempt was begun that could not be made"
    assert not await bench.asked("callkaro")


class ClaimsFirst(Attempts):
    """Builds the request after `sending`."""

    async def run(self, entry: LogEntry) -> None:
        """Claim, then look."""
        request = await self._log.requests.request(entry.request)
        claimed = await self._claim(request, entry)
        if claimed is None:
            return
        try:
            prepared = await self._last_look(request, entry)
        except Refused as no:
            outcome = Outcome(status=Status.FAILED, code=no.code, message=no.message)
        else:
            outcome = await self._adapters[entry.connection].send(prepared)
        await self._record(request, claimed, outcome)


NOT_FOUND = Fault(does="reply", status=404, body='{"success": false, "message": "Not found"}')


async def gone_is_not_done(bench: Bench) -> None:
    """An id that was never right, and a first answer that was lost, are no success."""
    await bench.providers.fail("voxworks", "reset", effect=False)
    request = await bench.bot.approved(CancelCall(target=CallRef(call_id="vx_mistyped")))
    await bench.bot.rounds()
    await bench.pass_time(seconds=3)
    await bench.bot.rounds()
    answers = [one.answer.status for one in await bench.asked("voxworks") if one.answer]
    assert answers == [None, 404]
    entry = await bench.bot.entry(request)
    assert entry.state is State.UNKNOWN, "success was inferred from what was never there"
    assert not await bench.effects("voxworks")


class BelievesAnyId(CallHistory):
    """Takes every id for one that existed."""

    async def seen(self, *_: object) -> bool:
        """Whatever it is."""
        return True


async def what_no_look_up_saw_is_not_done(bench: Bench) -> None:
    """A campaign that was not there before the first request, and is not there after, was not deleted by it."""
    bot = await bench.with_kore()
    request = await bot.ask(DeleteCampaign(target=CampaignRef(campaign_id="cd-mistyped")))
    await bot.rounds()
    await bench.providers.fail("kore", "reset", times=MAX_ATTEMPTS, effect=False)
    await bot.approve(request)
    for _ in range(MAX_ATTEMPTS + 1):
        await bot.rounds()
        await bench.pass_time(seconds=PAUSES[-1].total_seconds())
    methods = [one.request.method for one in await bench.asked("kore")]
    assert methods == ["GET", "DELETE", "DELETE", "DELETE", "GET"]
    entry = await bot.entry(request)
    assert (entry.state, entry.sighted) == (State.UNKNOWN, False), "success was inferred from what nobody saw"


class BelievesInSightings(CallHistory):
    """Takes everything for seen before."""

    async def sighted_before(self, entry: str) -> bool:  # noqa: ARG002 - the bug
        """Whatever it is."""
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
        Seeded(nothing_begins_beside_a_cancellation_by_number, ForgetsWhom, "about to be sent again"),
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

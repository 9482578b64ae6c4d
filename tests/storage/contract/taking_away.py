"""Cancellations that are done, and the calls that they took away."""

from dataclasses import replace
from datetime import timedelta

from providers.actions import Code
from storage.chain import CANCELLED
from storage.entries import Cancelled, NewRequest, Request
from storage.lifecycle import State
from storage.log import ActionLog
from tests.storage.contract.changes import recorded, succeeded
from tests.storage.samples import (
    NOON,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    finish,
    placing,
)

TOMORROW = NOON + timedelta(days=1)


class TakingAway:
    """What every store promises of a scheduled call that is cancelled."""

    async def test_a_call_is_told_that_it_was_cancelled_by_number(self, log: ActionLog, clock: Clock) -> None:
        """In its own story and its own message, by whom; a call to another number stands as it stood."""
        call, other = await _scheduled(log, clock), await _scheduled(log, clock, OTHER_NUMBER)
        cancel = await _done(log, clock, cancelling())
        assert (await log.request(call.id)).cancelled == Cancelled(cancel.id)
        note = (await log.events(call.id))[-1]
        assert (note.name, note.entry, note.data["by"]) == (CANCELLED, call.id, cancel.id)
        assert (await log.request(other.id)).cancelled is None
        posts = await log.outgoing(clock.now, owner="one", until=clock.now + timedelta(minutes=1), limit=9)
        assert [(post.request, post.template, post.to) for post in posts] == [(call.id, "state", "audit")]
        assert not (await log.verify()).faults

    async def test_a_call_is_told_that_it_was_cancelled_by_id(self, log: ActionLog, clock: Clock) -> None:
        """Only through its own connection, where ids mean that call."""
        call = await _scheduled(log, clock, reference="vx_1")
        await _done(log, clock, replace(cancelling_by_id("vx_1"), connection="second"))
        assert (await log.request(call.id)).cancelled is None
        cancel = await _done(log, clock, cancelling_by_id("vx_1"))
        assert (await log.request(call.id)).cancelled == Cancelled(cancel.id)

    async def test_a_call_that_is_moved_says_to_when(self, log: ActionLog, clock: Clock) -> None:
        """The cancellation is the first step of a move: the call goes out at another time."""
        call, to = await _scheduled(log, clock), TOMORROW + timedelta(hours=2)
        move = await _done(log, clock, replace(cancelling(), moves=call.id, moves_to=to))
        assert (await log.request(call.id)).cancelled == Cancelled(move.id, to)

    async def test_what_is_cancelled_twice_is_told_once(self, log: ActionLog, clock: Clock) -> None:
        """The first one took it away; the second found nothing."""
        call = await _scheduled(log, clock)
        first = await _done(log, clock, cancelling())
        await _done(log, clock, cancelling())
        assert (await log.request(call.id)).cancelled == Cancelled(first.id)
        assert [event.name for event in await log.events(call.id)].count(CANCELLED) == 1

    async def test_a_cancellation_that_is_not_done_takes_nothing_away(
        self, log: ActionLog, clock: Clock
    ) -> None:
        """In doubt, it says nothing about the call."""
        call = await _scheduled(log, clock)
        cancel = await recorded(log, cancelling())
        await log.apply(approve(cancel.id))
        await log.apply(claim(cancel.id, until=clock.now + timedelta(seconds=30)))
        await log.apply(finish(cancel.id, State.UNKNOWN, code=Code.NO_ANSWER))
        assert (await log.request(call.id)).cancelled is None


async def _scheduled(log: ActionLog, clock: Clock, *numbers: str, reference: str | None = None) -> Request:
    call = await recorded(log, placing(*numbers, at=TOMORROW))
    await succeeded(log, call.id, clock, Code.SCHEDULED, reference)
    return call


async def _done(log: ActionLog, clock: Clock, new: NewRequest) -> Request:
    cancel = await recorded(log, new)
    await log.apply(approve(cancel.id))
    await succeeded(log, cancel.id, clock, Code.CANCELLED)
    return cancel

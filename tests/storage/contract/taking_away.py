"""Cancellations that are done, and the calls that they removed."""

from dataclasses import replace
from datetime import timedelta

from providers.actions import Code
from storage.changes import Annotation, ChangeSet, NewRequest, Notification, Transition
from storage.event_log.hash_chain import CANCELLED
from storage.models import Cancelled, MessageRef, Request
from storage.states import State
from storage.store import Store
from tests.storage.contract.changes import recorded, succeeded
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    finish,
    noted,
    placing,
    verified,
)

TOMORROW = NOON + timedelta(days=1)
LEASE = timedelta(minutes=1)


def by(request: Request, *, moved: bool = False) -> Cancelled:
    """Return the value of a call that a request cancelled, with its requester and reason."""
    return Cancelled(request.id, moved, request.requester, request.reason)


class TakingAway:
    """Contract of a scheduled call that is cancelled."""

    async def test_a_call_is_told_that_it_was_cancelled_by_number(self, store: Store, clock: Clock) -> None:
        """The call's events and its message name the user. A call to another number is unchanged."""
        call, other = await _scheduled(store, clock), await _scheduled(store, clock, OTHER_NUMBER)
        cancel = await _done(store, clock, cancelling())
        assert (await store.requests.request(call.id)).cancelled == by(cancel)
        note = (await store.requests.events(call.id))[-1]
        assert (note.name, note.action, note.data["by"]) == (CANCELLED, call.id, cancel.id)
        assert (await store.requests.request(other.id)).cancelled is None
        posts = await store.outbox.outgoing(clock.now, owner="one", until=clock.now + LEASE, limit=9)
        assert [(post.request, post.template, post.to) for post in posts] == [(call.id, "state", "audit")]
        assert not (await verified(store)).faults

    async def test_a_call_is_told_that_it_was_cancelled_by_id(self, store: Store, clock: Clock) -> None:
        """Only its own connection counts, because an id means that call only there."""
        call = await _scheduled(store, clock, reference="vx_1")
        await _done(store, clock, replace(cancelling_by_id("vx_1"), connection="second"))
        assert (await store.requests.request(call.id)).cancelled is None
        cancel = await _done(store, clock, cancelling_by_id("vx_1"))
        assert (await store.requests.request(call.id)).cancelled == by(cancel)

    async def test_a_move_says_so_of_the_call_that_it_moves(self, store: Store, clock: Clock) -> None:
        """Another call to the number that goes with it is cancelled, and not placed anew."""
        call, beside = await _scheduled(store, clock), await _scheduled(store, clock)
        to = TOMORROW + timedelta(hours=2)
        move = await _done(store, clock, replace(cancelling(), reschedules=call.id, new_time=to))
        assert (await store.requests.request(call.id)).cancelled == by(move, moved=True)
        assert (await store.requests.request(beside.id)).cancelled == by(move)

    async def test_what_is_placed_meanwhile_is_not_gone(self, store: Store, clock: Clock) -> None:
        """The cancellation was on its way already, and is settled much later. The newer call is unchanged."""
        before = await _scheduled(store, clock)
        cancel = await recorded(store, cancelling())
        await store.requests.apply(approve(cancel.id))
        await store.requests.apply(claim(cancel.id, until=clock.now + timedelta(seconds=30)))
        await store.requests.apply(finish(cancel.id, State.UNKNOWN, code=Code.NO_ANSWER))
        clock.move(minutes=5)
        meanwhile = await _scheduled(store, clock)
        settled = Transition(cancel.id, "happened", frozenset({State.UNKNOWN}), State.SUCCEEDED)
        await store.requests.apply(ChangeSet(cancel.id, "U0MANAGER", [settled]))
        assert (await store.requests.request(before.id)).cancelled == by(cancel)
        assert (await store.requests.request(meanwhile.id)).cancelled is None
        coming = await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)
        assert [record.id for record in coming] == [meanwhile.id]

    async def test_what_is_placed_between_two_attempts_goes_with_the_second(
        self, store: Store, clock: Clock
    ) -> None:
        """The first attempt never left. The answered one removed the calls of its own time."""
        cancel = await recorded(store, cancelling())
        await store.requests.apply(approve(cancel.id))
        await store.requests.apply(claim(cancel.id, until=clock.now + timedelta(seconds=30)))
        sending = frozenset({State.SENDING})
        again = Transition(cancel.id, "retry_scheduled", sending, State.APPROVED, owner="one", attempt=1)
        await store.requests.apply(ChangeSet(cancel.id, "system", [again]))
        call = await _scheduled(store, clock)
        await store.requests.apply(claim(cancel.id, until=clock.now + timedelta(seconds=30), attempt=2))
        await store.requests.apply(finish(cancel.id, code=Code.CANCELLED, attempt=2))
        assert (await store.requests.request(call.id)).cancelled == by(cancel)
        assert not await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)

    async def test_an_answer_that_comes_after_the_call_takes_nothing_away(
        self, store: Store, clock: Clock
    ) -> None:
        """By number the provider gives the same answer if the call went out meanwhile."""
        call = await _scheduled(store, clock)
        cancel = await recorded(store, cancelling())
        await store.requests.apply(approve(cancel.id))
        clock.now = TOMORROW - timedelta(seconds=5)
        await store.requests.apply(claim(cancel.id, until=clock.now + timedelta(seconds=30)))
        clock.move(seconds=10)
        await store.requests.apply(finish(cancel.id, code=Code.CANCELLED))
        assert (await store.requests.request(call.id)).cancelled is None

    async def test_a_cancellation_that_ended_unsent_knows_who_did_it(
        self, store: Store, clock: Clock
    ) -> None:
        """Another request cancelled the same target. Without such a request, none is named."""
        for new in (cancelling(), cancelling_by_id("vx_1")):
            waiting = await recorded(store, new)
            done = await _done(store, clock, replace(new, deduplicate=False))
            over = Transition(waiting.id, "expired", frozenset({State.PENDING}), State.EXPIRED)
            await store.requests.apply(ChangeSet(waiting.id, "system", [over]))
            assert (await store.requests.request(waiting.id)).done_by == done.id
            alone = await recorded(store, new)
            await store.requests.apply(ChangeSet(alone.id, "system", [replace(over, action=alone.id)]))
            assert (await store.requests.request(alone.id)).done_by is None

    async def test_what_another_account_has_is_not_gone(self, store: Store, clock: Clock) -> None:
        """The connection changed since: by number to another agent, by id to another account."""
        calls = {}
        for account, reference in (("other:1", "vx_1"), ("callkaro:1 another agent", "vx_2")):
            made = await recorded(store, replace(placing(at=TOMORROW), fingerprint=account))
            await succeeded(store, made.id, clock, Code.SCHEDULED, reference)
            calls[reference] = made.id
        await _done(store, clock, replace(cancelling(), fingerprint="callkaro:1 agent"))
        by_id = [await _done(store, clock, cancelling_by_id(reference)) for reference in calls]
        assert (await store.requests.request(calls["vx_1"])).cancelled is None
        assert (await store.requests.request(calls["vx_2"])).cancelled == by(by_id[1])
        coming = await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)
        assert [record.id for record in coming] == [calls["vx_1"]]

    async def test_a_call_whose_time_had_come_is_not_gone(self, store: Store, clock: Clock) -> None:
        """By number and by id, the call had gone out when the cancellation was sent."""
        call = await _scheduled(store, clock, reference="vx_1")
        later = await recorded(store, placing(at=TOMORROW + timedelta(hours=3)))
        await succeeded(store, later.id, clock, Code.SCHEDULED)
        clock.now = TOMORROW + timedelta(hours=1)
        cancel = await _done(store, clock, cancelling())
        await _done(store, clock, cancelling_by_id("vx_1"))
        assert (await store.requests.request(call.id)).cancelled is None
        assert (await store.requests.request(later.id)).cancelled == by(cancel)

    async def test_each_message_of_the_call_is_edited_and_its_requester_told(
        self, store: Store, clock: Clock
    ) -> None:
        """Card and confirmation are edited if they exist. The user who cancelled it needs no message."""
        call = await _scheduled(store, clock)
        for slot in ("card", "origin"):
            await store.requests.apply(
                replace(noted(Annotation(call.id, "said", {})), notifications=[Notification("state", slot)])
            )
            [post] = await store.outbox.outgoing(clock.now, owner="one", until=clock.now + LEASE, limit=9)
            await store.outbox.delivered(post, MessageRef("C0", slot), seen=post.event)
        await _done(store, clock, replace(cancelling(), requester="U0OTHER"))
        told = []
        while posts := await store.outbox.outgoing(clock.now, owner="one", until=clock.now + LEASE, limit=9):
            for post in posts:
                told.append((post.template, post.to))
                await store.outbox.delivered(post, MessageRef("C0", post.to), seen=post.event)
        assert told == [("state", slot) for slot in ("audit", "card", "origin", "dm:U0AGENT")]

    async def test_what_is_cancelled_twice_is_told_once(self, store: Store, clock: Clock) -> None:
        """The first one removed it, and the second found nothing."""
        call = await _scheduled(store, clock)
        first = await _done(store, clock, cancelling())
        await _done(store, clock, cancelling())
        assert (await store.requests.request(call.id)).cancelled == by(first)
        assert [event.name for event in await store.requests.events(call.id)].count(CANCELLED) == 1

    async def test_a_cancellation_that_is_not_done_takes_nothing_away(
        self, store: Store, clock: Clock
    ) -> None:
        """An unknown outcome says nothing about the call."""
        call = await _scheduled(store, clock)
        cancel = await recorded(store, cancelling())
        await store.requests.apply(approve(cancel.id))
        await store.requests.apply(claim(cancel.id, until=clock.now + timedelta(seconds=30)))
        await store.requests.apply(finish(cancel.id, State.UNKNOWN, code=Code.NO_ANSWER))
        assert (await store.requests.request(call.id)).cancelled is None


async def _scheduled(store: Store, clock: Clock, *numbers: str, reference: str | None = None) -> Request:
    call = await recorded(store, placing(*numbers, at=TOMORROW))
    await succeeded(store, call.id, clock, Code.SCHEDULED, reference)
    return call


async def _done(store: Store, clock: Clock, new: NewRequest) -> Request:
    cancel = await recorded(store, new)
    await store.requests.apply(approve(cancel.id))
    await succeeded(store, cancel.id, clock, Code.CANCELLED)
    return cancel

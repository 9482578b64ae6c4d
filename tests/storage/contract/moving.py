"""Reschedules: a cancellation, and the placing that follows it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from storage.changes import Annotation, ChangeSet, Transition
from storage.event_log.hash_chain import FOLLOWED
from storage.models import Request, SecondStep
from storage.states import State
from storage.store import Store
from tests.storage.contract.beginning import begin
from tests.storage.contract.changes import recorded
from tests.storage.samples import Clock, approve, cancelling, finish, noted, placing, verified


class Moving:
    """Contract of a call that is cancelled to be placed again."""

    async def test_a_move_is_due_once_its_first_step_is_done(self, store: Store, clock: Clock) -> None:
        """A reschedule is due after its first step, until its second is requested.

        Later it has the result.
        """
        move = await _moving(store, clock.now + timedelta(hours=2))
        await store.requests.apply(approve(move.id))
        await store.requests.apply(begin(move, clock))
        assert not await store.dispatch_queue.reschedules_due(clock.now)
        await store.requests.apply(finish(move.id))
        assert [one.id for one in await store.dispatch_queue.reschedules_due(clock.now)] == [move.id]
        second = await recorded(store, replace(placing(), second_step_of=move.id))
        assert not await store.dispatch_queue.reschedules_due(clock.now)
        assert (await store.requests.request(move.id)).followed_by == SecondStep(second.id, State.APPROVED)
        assert (await store.requests.request(second.id)).second_step_of == move.id
        assert not (await verified(store)).faults

    async def test_each_end_of_the_second_step_is_told_once(self, store: Store, clock: Clock) -> None:
        """First unknown and then done are both reported, and neither is twice."""
        move = await _moving(store, clock.now + timedelta(hours=2))
        second = await recorded(store, replace(placing(), second_step_of=move.id))
        await store.requests.apply(begin(second, clock))
        assert not await store.dispatch_queue.reschedules_completed(clock.now)
        settled = Transition(second.id, "happened", frozenset({State.UNKNOWN}), State.SUCCEEDED)
        for end, change in (
            (State.UNKNOWN, finish(second.id, State.UNKNOWN)),
            (State.SUCCEEDED, ChangeSet(second.id, "U0MANAGER", [settled])),
        ):
            await store.requests.apply(change)
            [told] = await store.dispatch_queue.reschedules_completed(clock.now)
            assert told.followed_by
            assert (told.followed_by.id, told.followed_by.state) == (second.id, end)
            await store.requests.apply(noted(Annotation(move.id, FOLLOWED, {"second": end})))
            assert not await store.dispatch_queue.reschedules_completed(clock.now)

    async def test_a_second_step_that_is_impossible_is_due_no_more(self, store: Store, clock: Clock) -> None:
        """An annotation says so, and the reschedule has failed."""
        move = await _moving(store, clock.now + timedelta(hours=2))
        await store.requests.apply(approve(move.id))
        await store.requests.apply(begin(move, clock))
        await store.requests.apply(finish(move.id))
        await store.requests.apply(noted(Annotation(move.id, FOLLOWED, {"second": None})))
        assert not await store.dispatch_queue.reschedules_due(clock.now)
        assert (await store.requests.request(move.id)).followed_by == SecondStep(None, State.REFUSED)

    async def test_one_move_has_one_second_step(self, store: Store, clock: Clock) -> None:
        """The store itself refuses a further one."""
        move = await _moving(store, clock.now + timedelta(hours=2))
        await recorded(store, replace(placing(), second_step_of=move.id))
        with pytest.raises(Exception, match=r"UNIQUE|unique"):
            await store.requests.create(replace(placing(), second_step_of=move.id))


async def _moving(store: Store, to: datetime) -> Request:
    """Create a cancellation that belongs to a reschedule."""
    call = await recorded(store, placing(at=to - timedelta(hours=1)))
    return await recorded(store, replace(cancelling(), reschedules=call.id, new_time=to))

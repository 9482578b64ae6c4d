import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from providers.actions import Code, PlaceCall
from storage.changes import Annotation, ChangeSet, NewAction, NewRequest, Transition
from storage.errors import ConflictError
from storage.models import Request
from storage.states import InvalidTransitionError, State
from storage.store import Store
from tests.storage.contract.changes import assert_replayable, recorded, succeeded
from tests.storage.samples import (
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    deleting,
    doubt,
    finish,
    noted,
    placing,
    withdraw,
)

LEASE = timedelta(seconds=30)
KORE = replace(deleting("cd-1"), connection="kore")


async def approved(store: Store, new: NewRequest) -> Request:
    """Record a request and have it approved if needed."""
    made = await recorded(store, new)
    return await store.requests.apply(approve(made.id)) if made.approvals_needed else made


async def in_doubt(
    store: Store, clock: Clock, new: NewRequest, *, not_after: datetime | None = None
) -> Request:
    """Create a request whose first attempt is unknown, and which has another attempt ordered."""
    made = await approved(store, new)
    await store.requests.apply(claim(made.id, until=clock.now + LEASE))
    return await store.requests.apply(doubt(made.id, ordered=True, not_after=not_after))


def begin(request: Request, clock: Clock, *, attempt: int = 1) -> ChangeSet:
    """Claim a request's only action."""
    return claim(request.id, until=clock.now + LEASE, attempt=attempt)


class Beginning:
    """Contract of attempts that may not begin, and of unknown outcomes that stay unknown."""

    async def test_only_a_doubt_leads_back_to_unknown(self, store: Store, clock: Clock) -> None:
        """An unsent action cannot become unknown.

        An ordered attempt after an unknown outcome can, if it is dropped.
        """
        made = await recorded(store, placing())
        back = Transition(made.id, "not_sent_again", frozenset({State.APPROVED}), State.UNKNOWN)
        with pytest.raises(InvalidTransitionError):
            await store.requests.apply(ChangeSet(made.id, "system", [back]))
        assert (await store.requests.request(made.id)).state is State.APPROVED
        doubtful = await in_doubt(store, clock, cancelling_by_id("vx_1"))
        after = await store.requests.apply(
            ChangeSet(doubtful.id, "system", [replace(back, action=doubtful.id)])
        )
        assert (after.state, after.actions[0].maybe_executed) == (State.UNKNOWN, True)
        await assert_replayable(store, doubtful.id)

    @pytest.mark.parametrize("after", [State.WITHDRAWN, State.EXPIRED, State.REFUSED])
    async def test_a_doubt_ends_in_nothing_that_says_it_was_never_sent(
        self, store: Store, clock: Clock, after: State
    ) -> None:
        """A change that expects a known outcome comes too late."""
        made = await in_doubt(store, clock, cancelling_by_id("vx_1"))
        with pytest.raises(ConflictError) as conflict:
            await store.requests.apply(
                ChangeSet(
                    made.id, "U0AGENT", [Transition(made.id, "ended", frozenset({State.APPROVED}), after)]
                )
            )
        assert conflict.value.current.state is State.APPROVED

    async def test_an_attempt_begins_before_its_time_is_over_or_never(
        self, store: Store, clock: Clock
    ) -> None:
        """From ``not_after`` on it is overdue and not due, cannot be claimed, and its bytes may not leave."""
        until = clock.now + timedelta(seconds=20)
        made = await in_doubt(store, clock, cancelling(), not_after=until)
        clock.now = until - timedelta(microseconds=1)
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [made.id]
        assert not await store.dispatch_queue.retry_window_expired(clock.now)
        await store.requests.apply(begin(made, clock, attempt=2))
        lease = clock.now + LEASE
        assert await store.requests.renew_lease(made.id, owner="one", attempt=2, until=lease)
        clock.now = until
        assert not await store.requests.renew_lease(made.id, owner="one", attempt=2, until=lease)
        await store.requests.apply(doubt(made.id, ordered=True, attempt=2))
        assert not await store.dispatch_queue.due(clock.now, 9)
        [overdue] = await store.dispatch_queue.retry_window_expired(clock.now)
        assert (overdue.id, overdue.not_after) == (made.id, until)
        with pytest.raises(ConflictError):
            await store.requests.apply(begin(made, clock, attempt=3))
        await assert_replayable(store, made.id)

    @pytest.mark.parametrize("sent_again", [True, False])
    async def test_beside_a_cancellation_by_number_nothing_begins(
        self, store: Store, clock: Clock, *, sent_again: bool
    ) -> None:
        """During its attempt, or while its retry is ordered, no call and no other cancellation begins."""
        cancel = await approved(store, cancelling())
        if sent_again:
            await store.requests.apply(begin(cancel, clock))
            await store.requests.apply(
                doubt(cancel.id, ordered=True, not_before=clock.now + timedelta(seconds=2))
            )
        call, second = await approved(store, placing()), await approved(store, cancelling())
        if not sent_again:
            await store.requests.apply(begin(cancel, clock))
        others = [
            await approved(store, placing(OTHER_NUMBER)),
            await approved(store, replace(placing(), connection="second", fingerprint="callkaro:2")),
            await approved(store, cancelling_by_id("vx_1")),
        ]
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [
            one.id for one in others
        ]
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 1)] == [
            one.id for one in others[:2]
        ]
        for waiting in (call, second):
            with pytest.raises(ConflictError) as conflict:
                await store.requests.apply(begin(waiting, clock))
            assert conflict.value.current.state is State.APPROVED
        for other in others:
            await store.requests.apply(begin(other, clock))
        if sent_again:
            clock.move(seconds=2)
            await store.requests.apply(begin(cancel, clock, attempt=2))
        await store.requests.apply(finish(cancel.id, attempt=1 + sent_again))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [call.id, second.id]

    @pytest.mark.parametrize("connection", ["reminders", "second"])
    async def test_an_agent_with_two_names_is_one(self, store: Store, clock: Clock, connection: str) -> None:
        """The agent's own id, or another connection to the same agent, waits as well."""
        cancel = await approved(store, cancelling())
        call = PlaceCall(to=NUMBER, agent="raw-id-of-payments")
        other_name = replace(placing(), connection=connection, actions=[NewAction(call, number=NUMBER)])
        same = await approved(store, other_name)
        another = await approved(store, replace(other_name, fingerprint="callkaro:2"))
        await store.requests.apply(begin(cancel, clock))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [another.id]
        with pytest.raises(ConflictError):
            await store.requests.apply(begin(same, clock))
        await store.requests.apply(finish(cancel.id, attempt=1))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [same.id, another.id]

    async def test_a_cancellation_by_number_waits_for_a_call_being_placed(
        self, store: Store, clock: Clock
    ) -> None:
        """Nobody could say whether that call already exists. Other calls do not wait."""
        call, other = await approved(store, placing()), await approved(store, placing())
        cancel = await approved(store, cancelling())
        await store.requests.apply(begin(call, clock))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [other.id]
        with pytest.raises(ConflictError):
            await store.requests.apply(begin(cancel, clock))
        await store.requests.apply(begin(other, clock))
        for one in (call, other):
            await store.requests.apply(doubt(one.id))
        await store.requests.apply(begin(cancel, clock))

    async def test_a_doubt_that_waits_for_people_holds_up_nobody(self, store: Store, clock: Clock) -> None:
        """Others wait only while another attempt is ordered."""
        cancel, call = await approved(store, cancelling()), await approved(store, placing())
        await store.requests.apply(begin(cancel, clock))
        await store.requests.apply(doubt(cancel.id))
        await store.requests.apply(begin(call, clock))

    async def test_two_cancellations_in_doubt_do_not_wait_for_each_other(
        self, store: Store, clock: Clock
    ) -> None:
        """The one whose retry was ordered first goes first."""
        first, second = await approved(store, cancelling()), await approved(store, cancelling())
        for one in (first, second):
            await store.requests.apply(begin(one, clock))
            await store.requests.apply(doubt(one.id))
        for one in (second, first):
            order = Transition(one.id, "retry_requested", frozenset({State.UNKNOWN}), State.APPROVED)
            await store.requests.apply(ChangeSet(one.id, "U0MANAGER", [order]))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 9)] == [second.id]
        with pytest.raises(ConflictError):
            await store.requests.apply(begin(first, clock, attempt=2))
        await store.requests.apply(begin(second, clock, attempt=2))
        await store.requests.apply(finish(second.id, attempt=2))
        await store.requests.apply(begin(first, clock, attempt=2))

    async def test_of_many_that_begin_at_once_one_does(self, store: Store, clock: Clock) -> None:
        """Of cancellations by number with the same key, claimed together, one is sent and the others wait."""
        made = [await approved(store, cancelling()) for _ in range(8)]
        results = await asyncio.gather(
            *(store.requests.apply(begin(one, clock)) for one in made), return_exceptions=True
        )
        assert [type(one) for one in results].count(ConflictError) == len(made) - 1

    async def test_what_was_not_looked_up_yet(self, store: Store, clock: Clock) -> None:
        """Pending or approved actions that never began are listed by connection until their first lookup."""
        waiting, denied, begun = [await recorded(store, KORE) for _ in range(3)]
        await recorded(store, deleting("cd-2"))
        await store.requests.apply(withdraw(denied.id))
        assert [one.id for one in (await store.dispatch_queue.awaiting_lookup({"kore"}, 9, {}))[0]] == [
            waiting.id,
            begun.id,
        ]
        assert len((await store.dispatch_queue.awaiting_lookup({"kore"}, 1, {}))[0]) == 1
        await store.requests.apply(approve(begun.id))
        assert {one.id for one in (await store.dispatch_queue.awaiting_lookup({"kore", "x"}, 9, {}))[0]} == {
            waiting.id,
            begun.id,
        }
        await store.requests.apply(begin(begun, clock))
        await store.requests.apply(noted(Annotation(waiting.id, "looked_up", {"found": None})))
        assert not (await store.dispatch_queue.awaiting_lookup({"kore"}, 9, {}))[0]

    async def test_no_connection_s_look_ups_wait_behind_another_s(self, store: Store) -> None:
        """Each connection has its own limit, the oldest first."""
        late = [await recorded(store, KORE) for _ in range(2)]
        other = await recorded(store, replace(KORE, connection="another"))
        found = (await store.dispatch_queue.awaiting_lookup({"another", "kore"}, 1, {}))[0]
        assert [one.id for one in found] == [late[0].id, other.id]

    async def test_which_unknown_outcomes_are_looked_up(self, store: Store, clock: Clock) -> None:
        """Each unknown outcome is listed once, and not while another attempt is ordered."""
        made = await in_doubt(store, clock, KORE)
        await store.requests.apply(noted(Annotation(made.id, "looked_up", {"found": True})))
        assert not await store.dispatch_queue.unknown_awaiting_lookup({"kore"}, 9)
        await store.requests.apply(begin(made, clock, attempt=2))
        await store.requests.apply(doubt(made.id, attempt=2))
        assert [one.id for one in await store.dispatch_queue.unknown_awaiting_lookup({"kore"}, 9)] == [
            made.id
        ]
        assert not await store.dispatch_queue.unknown_awaiting_lookup({"other"}, 9)
        await store.requests.apply(noted(Annotation(made.id, "looked_up", {"found": None})))
        assert not await store.dispatch_queue.unknown_awaiting_lookup({"kore"}, 9)
        other = await approved(store, replace(cancelling(), connection="kore"))
        await store.requests.apply(begin(other, clock))
        await store.requests.apply(doubt(other.id))
        assert [one.id for one in await store.dispatch_queue.unknown_awaiting_lookup({"kore"}, 9)] == [
            other.id
        ]
        placed = await approved(store, replace(placing(), connection="kore"))
        await store.requests.apply(begin(placed, clock))
        await store.requests.apply(doubt(placed.id))
        assert [one.id for one in await store.dispatch_queue.unknown_awaiting_lookup({"kore"}, 9)] == [
            other.id
        ]

    @pytest.mark.parametrize("found", [True, False, None])
    async def test_what_a_look_up_saw_counts_from_before_the_first_attempt(
        self, store: Store, clock: Clock, *, found: bool | None
    ) -> None:
        """Only a found target counts. A later lookup, or another action's, does not."""
        made, later = await approved(store, KORE), await approved(store, KORE)
        await store.requests.apply(noted(Annotation(made.id, "looked_up", {"found": found})))
        for one in (made, later):
            await store.requests.apply(begin(one, clock))
            await store.requests.apply(doubt(one.id))
            await store.requests.apply(noted(Annotation(one.id, "looked_up", {"found": one is later})))
        assert await store.call_history.found_before_attempt(made.id) == bool(found)
        assert not await store.call_history.found_before_attempt(later.id)
        other = await approved(store, KORE)
        await succeeded(store, other.id, clock, Code.DELETED, "cd-1")
        assert not await store.call_history.found_before_attempt(made.id)

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from providers.actions import Code
from storage.changes import ChangeSet, NewRequest, Notification, Transition
from storage.errors import ConflictError, RequestNotFoundError
from storage.event_log.hash_chain import microseconds, replay
from storage.models import ActionRecord, Approval, MessageRef, Request
from storage.states import InvalidTransitionError, State
from storage.store import Store
from tests.storage.samples import (
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    deleting,
    deny,
    erase,
    finish,
    placing,
    verified,
    withdraw,
)

BESIDE = {"end", "action", "looked_up", "lookup_found", "known_as", "lookup_call_time", "sent_again"}
"""Values of an action that are no columns of its row."""


async def recorded(store: Store, new: NewRequest) -> Request:
    """Record a request that must be new."""
    made = await store.requests.create(new)
    assert made.created
    return made.request


async def succeeded(
    store: Store, action: str, clock: Clock, code: Code, reference: str | None = None
) -> None:
    """Send an approved action and record its success."""
    await store.requests.apply(claim(action, until=clock.now + timedelta(seconds=30)))
    await store.requests.apply(finish(action, code=code, reference=reference))


async def cancelled(store: Store, clock: Clock) -> tuple[Request, Request]:
    """Schedule a call for tomorrow and cancel it by its number. Return both requests."""
    call = await recorded(store, placing(at=clock.now + timedelta(days=1)))
    await succeeded(store, call.id, clock, Code.SCHEDULED)
    cancel = await recorded(store, cancelling())
    await store.requests.apply(approve(cancel.id))
    await succeeded(store, cancel.id, clock, Code.CANCELLED)
    return call, cancel


def row(record: ActionRecord) -> dict[str, object]:
    """Return an action as the replay of its events writes it."""
    columns = {name: getattr(record, name) for name in record.__dataclass_fields__ if name not in BESIDE}
    return {
        name: microseconds(value) if isinstance(value, datetime) else value for name, value in columns.items()
    }


async def assert_replayable(store: Store, request: str) -> None:
    """Assert that the events of a request give the rows of its actions."""
    replayed = replay(await store.requests.events(request)).actions
    records = (await store.requests.request(request)).actions
    assert set(replayed) == {record.id for record in records}
    for record in records:
        expected = {name: replayed[record.id][name] for name in row(record)}
        assert row(record) | {"lease_until": None} == expected | {"lease_until": None}


class Changing:
    """Contract of `create`, `apply`, `renew_lease`, `record_error` and `erase`."""

    async def test_a_request_reads_as_it_was_recorded(self, store: Store, clock: Clock) -> None:
        """The values come back by the request's id and by the action's."""
        new = replace(
            cancelling(),
            reason="asked",
            purpose="reminder",
            consent="form 7",
            channel="C1",
            message="so",
            code="rejected",
        )
        made = await recorded(store, new)
        assert made == await store.requests.request(made.id)
        assert (made.reason, made.purpose, made.consent, made.channel) == (
            "asked",
            "reminder",
            "form 7",
            "C1",
        )
        assert (made.state, made.decide_by, made.asked_at) == (State.PENDING, new.decide_by, clock.now)
        [record] = made.actions
        assert record.id == made.id
        assert record.action == new.actions[0].action
        assert (record.agent, record.target_id, record.attempt, record.maybe_executed) == (
            "payments",
            None,
            0,
            False,
        )
        assert (record.code, record.message) == (Code.REJECTED, "so")

    async def test_a_target_with_an_id_is_kept_beside_the_personal_data(self, store: Store) -> None:
        """The provider's id of a call or campaign is a column of its own."""
        [call] = (await recorded(store, cancelling_by_id("vx_1"))).actions
        [campaign] = (await recorded(store, deleting("cd-9"))).actions
        assert (call.target_id, campaign.target_id) == ("vx_1", "cd-9")

    async def test_several_targets_are_entries_of_one_request(self, store: Store) -> None:
        """Actions of several targets are numbered after their request, in order."""
        made = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
        assert [record.id for record in made.actions] == [f"{made.id}.1", f"{made.id}.2"]
        assert await store.requests.request(f"{made.id}.2") == made

    async def test_ids_can_be_said_on_the_phone(self, store: Store) -> None:
        """An id has no letter that sounds or looks like a digit."""
        made = await recorded(store, placing())
        prefix, symbols = made.id.split("-")
        assert prefix == "A"
        assert len(symbols) == 4
        assert not set(symbols) & set("0O1I")

    async def test_an_unknown_id_is_said(self, store: Store) -> None:
        """Reading or changing an unknown id raises."""
        for reading in (
            store.requests.request("A-0000"),
            store.requests.events("E-0000"),
            store.requests.personal_values("A-0000"),
        ):
            with pytest.raises(RequestNotFoundError):
                await reading
        with pytest.raises(RequestNotFoundError):
            await store.requests.apply(approve("A-0000"))
        with pytest.raises(RequestNotFoundError):
            await erase(store, "A-0000", actor="U1")

    async def test_a_change_reaches_only_its_own_request(self, store: Store) -> None:
        """A transition of another request's action cannot be a part of a change."""
        one, other = await recorded(store, cancelling()), await recorded(store, cancelling())
        with pytest.raises(RequestNotFoundError):
            await store.requests.apply(replace(approve(other.id), request=one.id))
        assert (await store.requests.request(other.id)).state is State.PENDING

    @pytest.mark.parametrize("key", [{"delivery_key": "once"}, {"nonce": "once"}])
    async def test_the_same_intent_twice_is_one_request(self, store: Store, key: dict[str, Any]) -> None:
        """A second request with the same delivery or nonce returns the first."""
        new = replace(placing(), **key)
        first = await recorded(store, new)
        again = await store.requests.create(replace(new, notifications=[Notification("placed", "audit")]))
        assert (again.request, again.created) == (first, False)
        assert len(await store.requests.events(first.id)) == 1

    @pytest.mark.parametrize("key", [{"delivery_key": "once"}, {"nonce": "once"}])
    async def test_the_same_intent_at_once_is_one_request(self, store: Store, key: dict[str, Any]) -> None:
        """Of many simultaneous deliveries one creates the request and the others find it."""
        new = replace(placing(), **key)
        made = await asyncio.gather(*(store.requests.create(new) for _ in range(20)))
        assert sum(one.created for one in made) == 1
        assert len({one.request.id for one in made}) == 1

    async def test_a_request_needs_a_target_and_a_first_state(self, store: Store) -> None:
        """A request without a target, or in a state that cannot be first, is not recorded."""
        with pytest.raises(ValueError, match="at least one"):
            await store.requests.create(replace(placing(), actions=()))
        with pytest.raises(InvalidTransitionError):
            await store.requests.create(replace(placing(), state=State.SUCCEEDED))

    async def test_one_decision_moves_all_targets(self, store: Store) -> None:
        """An approval covers every action and keeps the eligible people."""
        made = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
        after = await store.requests.apply(approve(*(record.id for record in made.actions)))
        assert [record.state for record in after.actions] == [State.APPROVED, State.APPROVED]
        [approval] = after.approvals
        assert (approval.person, approval.decision, approval.members) == (
            "U0MANAGER",
            "approve",
            ("U0MANAGER", "U0SECOND"),
        )
        assert after == await store.requests.request(made.id)

    async def test_all_moves_or_none(self, store: Store) -> None:
        """If an action is in another state, no action changes and nothing else of the change is kept."""
        made = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
        first, second = (record.id for record in made.actions)
        await store.requests.apply(withdraw(second))
        late = replace(
            approve(first, second), nonce="modal", notifications=[Notification("approved", "thread")]
        )
        with pytest.raises(ConflictError) as conflict:
            await store.requests.apply(late)
        assert conflict.value.current == await store.requests.request(made.id)
        assert [record.state for record in conflict.value.current.actions] == [State.PENDING, State.WITHDRAWN]
        assert not conflict.value.current.approvals
        assert await store.users.draft("modal") is None
        assert [event.name for event in await store.requests.events(made.id)] == [
            "requested",
            "requested",
            "withdrawn",
        ]

    async def test_exactly_one_of_many_deciders_wins(self, store: Store) -> None:
        """Twenty people approve, deny and withdraw at once. One wins, and the others get the new state."""
        for _ in range(5):
            made = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
            actions = [record.id for record in made.actions]
            changes = [approve(*actions, person=f"U{n}") for n in range(10)]
            changes += [deny(*actions, person=f"U{n}") for n in range(9)]
            changes.append(withdraw(*actions, before={State.PENDING}))
            results = await asyncio.gather(*map(store.requests.apply, changes), return_exceptions=True)
            winners = [result for result in results if isinstance(result, Request)]
            losers = [result for result in results if isinstance(result, ConflictError)]
            assert (len(winners), len(losers)) == (1, 19)
            assert all(loser.current == winners[0] for loser in losers)
            await assert_replayable(store, made.id)

    async def test_an_illegal_move_is_a_fault(self, store: Store) -> None:
        """An illegal transition is refused in any state of the action."""
        made = await recorded(store, placing())
        for before, after in ((State.APPROVED, State.SUCCEEDED), (State.SUCCEEDED, State.APPROVED)):
            move = Transition(made.id, "jump", frozenset({before}), after)
            with pytest.raises(InvalidTransitionError):
                await store.requests.apply(ChangeSet(made.id, "system", [move]))
        assert (await store.requests.request(made.id)).state is State.APPROVED

    async def test_a_move_that_would_not_replay_is_a_fault(self, store: Store) -> None:
        """Columns are set by changes alone, and only those that a transition may set."""
        made = await recorded(store, placing())
        move = Transition(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)
        for wrong in (replace(move, changes={"connection": "x"}), replace(move, data={"code": "x"})):
            with pytest.raises(ValueError, match="move"):
                await store.requests.apply(ChangeSet(made.id, "system", [wrong]))
        with pytest.raises(ValueError, match="moves something"):
            await store.requests.apply(ChangeSet(made.id, "system", []))

    async def test_only_the_owner_in_its_attempt_records_the_end(self, store: Store, clock: Clock) -> None:
        """Another owner, or the same in another attempt, comes too late."""
        made = await recorded(store, placing())
        await store.requests.apply(claim(made.id, until=clock.now + timedelta(seconds=30)))
        for wrong in (finish(made.id, owner="two"), finish(made.id, attempt=2)):
            with pytest.raises(ConflictError):
                await store.requests.apply(wrong)
        after = await store.requests.apply(finish(made.id, reference="ck_1"))
        [record] = after.actions
        assert (record.state, record.code, record.reference) == (State.SUCCEEDED, Code.QUEUED, "ck_1")
        assert (record.owner, record.lease_until, record.attempt) == (None, None, 1)

    async def test_two_moves_of_one_entry_happen_in_order(self, store: Store, clock: Clock) -> None:
        """An unknown outcome and its retry may be one change, and both are events."""
        made = await recorded(store, placing())
        await store.requests.apply(claim(made.id, until=clock.now + timedelta(seconds=30)))
        again = clock.now + timedelta(seconds=5)
        moves = [
            Transition(
                made.id,
                "unknown",
                frozenset({State.SENDING}),
                State.UNKNOWN,
                changes={"maybe_executed": True},
            ),
            Transition(
                made.id,
                "retry_scheduled",
                frozenset({State.UNKNOWN}),
                State.APPROVED,
                changes={"not_before": again},
                data={"order": 2},
            ),
        ]
        [record] = (await store.requests.apply(ChangeSet(made.id, "system", moves))).actions
        assert (record.state, record.maybe_executed, record.not_before) == (State.APPROVED, True, again)
        last = (await store.requests.events(made.id))[-1]
        assert (last.name, last.data["order"]) == ("retry_scheduled", 2)
        await assert_replayable(store, made.id)

    async def test_an_approval_that_is_not_the_last_moves_nothing(self, store: Store) -> None:
        """A partial approval is recorded once for each person, and only while the request is pending."""
        made = await recorded(store, replace(cancelling(), approvals_needed=2))
        approval = Approval("U1", "approve", None, ["U1", "U2"], "a hash")
        after = await store.requests.apply(ChangeSet(made.id, "U1", [], approval=approval))
        assert after.state is State.PENDING
        assert [one.person for one in after.approvals] == ["U1"]
        with pytest.raises(ConflictError):
            await store.requests.apply(ChangeSet(made.id, "U1", [], approval=approval))
        await store.requests.apply(deny(made.id))
        with pytest.raises(ConflictError):
            await store.requests.apply(ChangeSet(made.id, "U2", [], approval=replace(approval, person="U2")))
        assert [event.name for event in await store.requests.events(made.id)] == [
            "requested",
            "approval_recorded",
            "denied",
        ]

    @pytest.mark.parametrize("key", [{"delivery_key": "once"}, {"nonce": "once"}])
    async def test_a_change_is_made_once(self, store: Store, key: dict[str, Any]) -> None:
        """A repeated click finds its key used up, even if the transition were legal again."""
        made = await recorded(store, replace(cancelling(), approvals_needed=3))
        change = ChangeSet(made.id, "U1", [], approval=Approval("U1", "approve", None, ["U1"], "a hash"))
        await store.requests.apply(replace(change, **key))
        second = Approval("U2", "approve", None, ["U1", "U2"], "a hash")
        with pytest.raises(ConflictError) as conflict:
            await store.requests.apply(replace(change, approval=second, **key))
        assert len(conflict.value.current.approvals) == 1

    async def test_a_lease_is_renewed_only_while_it_is_held(self, store: Store, clock: Clock) -> None:
        """Renewing needs the owner, its attempt, and a lease that has not expired."""
        made = await recorded(store, placing())
        until = clock.now + timedelta(seconds=30)
        assert not await store.requests.renew_lease(made.id, owner="one", attempt=1, until=until)
        await store.requests.apply(claim(made.id, until=until))
        later = clock.move(seconds=29) + timedelta(seconds=30)
        assert await store.requests.renew_lease(made.id, owner="one", attempt=1, until=later)
        assert not await store.requests.renew_lease(made.id, owner="two", attempt=1, until=later)
        assert not await store.requests.renew_lease(made.id, owner="one", attempt=2, until=later)
        assert (await store.requests.request(made.id)).actions[0].lease_until == later
        clock.now = later
        assert not await store.requests.renew_lease(
            made.id, owner="one", attempt=1, until=later + timedelta(seconds=30)
        )

    async def test_what_a_dead_owner_held_is_free(self, store: Store, clock: Clock) -> None:
        """A dead owner's leases expire and its outbox items become free. Other owners keep theirs."""
        posts = [Notification("placed", "audit")]
        until = clock.now + timedelta(seconds=30)
        actions = {}
        for owner in ("one", "two"):
            made = await recorded(store, replace(placing(), notifications=posts))
            await store.requests.apply(claim(made.id, until=until, owner=owner))
            await store.outbox.outgoing(clock.now, owner=owner, until=until, limit=1)
            actions[owner] = made.id
        await store.processes.release_owner("one")
        assert [record.id for record in await store.dispatch_queue.lease_expired(clock.now)] == [
            actions["one"]
        ]
        assert not await store.requests.renew_lease(actions["one"], owner="one", attempt=1, until=until)
        assert await store.requests.renew_lease(actions["two"], owner="two", attempt=1, until=until)
        due = await store.outbox.outgoing(clock.now, owner="three", until=until, limit=9)
        assert [post.request for post in due] == [actions["one"]]
        assert not (await verified(store)).faults

    async def test_a_fault_of_the_program_has_an_id(self, store: Store, clock: Clock) -> None:
        """A report is read by its id, and its private values separately."""
        fault = await store.audit.record_error(
            actor="U1", where="commands", private={"traceback": "Traceback: \ud83d"}
        )
        assert fault.startswith("E-")
        [event] = await store.requests.events(fault)
        assert (event.name, event.actor, event.at) == ("fault", "U1", clock.now)
        assert event.data == {"where": "commands"}
        assert list(await store.requests.personal_values(fault)) == [
            (event.seq, "traceback", "Traceback: \\ud83d")
        ]
        await erase(store, fault, actor="U2")
        assert not await store.requests.personal_values(fault)
        assert not (await verified(store)).faults

    async def test_erasing_forgets_what_is_personal_and_nothing_else(
        self, store: Store, clock: Clock
    ) -> None:
        """The action's history stays, and no personal value does."""
        made = await recorded(store, replace(placing(), reason="asked", purpose="p", consent="c"))
        await succeeded(store, made.id, clock, Code.QUEUED, "ck_1")
        fields = [field for _, field, _ in await store.requests.personal_values(made.id)]
        assert sorted(fields) == ["action", "consent", "purpose", "raw", "reason"]
        await erase(store, made.id, actor="U0DPO")
        after = await store.requests.request(made.id)
        assert (after.reason, after.purpose, after.consent) == (None, None, None)
        [record] = after.actions
        assert (record.action, record.state, record.reference) == (None, State.SUCCEEDED, "ck_1")
        assert not await store.requests.personal_values(made.id)
        events = await store.requests.events(made.id)
        assert [event.name for event in events] == ["requested", "sending", "succeeded", "erased"]
        assert events[-1].actor == "U0DPO"
        await erase(store, made.id, actor="U0DPO")
        assert len(await store.requests.events(made.id)) == len(events)
        assert not (await verified(store)).faults
        await assert_replayable(store, made.id)

    async def test_events_tell_the_whole_story(self, store: Store, clock: Clock) -> None:
        """Events have user, time, the set columns, and commitments to private values."""
        made = await recorded(store, replace(cancelling(), reason="asked"))
        await store.requests.apply(approve(made.id))
        clock.move(hours=-1)
        await succeeded(store, made.id, clock, Code.CANCELLED)
        events = await store.requests.events(made.id)
        assert [event.seq for event in events] == [1, 2, 3, 4]
        assert [event.name for event in events] == ["requested", "approved", "sending", "succeeded"]
        assert [event.actor for event in events] == ["U0AGENT", "U0MANAGER", "one", "system"]
        assert set(events[0].private) == {"action", "reason"}
        assert events[1].data["approval.members"] == "U0MANAGER U0SECOND"
        assert events[2].data["owner"] == "one"
        assert events[3].at < events[0].at
        await assert_replayable(store, made.id)
        assert not (await verified(store)).faults

    async def test_messages_are_part_of_a_request(self, store: Store, clock: Clock) -> None:
        """The positions of the audit message and the card are read with the request."""
        made = await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
        until = clock.now + timedelta(seconds=30)
        [post] = await store.outbox.outgoing(clock.now, owner="one", until=until, limit=5)
        await store.outbox.delivered(post, MessageRef("C1", "1.2"), seen=post.event)
        assert (await store.requests.request(made.id)).messages == {"audit": MessageRef("C1", "1.2")}

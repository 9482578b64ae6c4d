import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from providers.actions import Code
from storage.changes import Change, Move, NewRequest, Post
from storage.errors import Conflict, NoSuchRequest
from storage.event_log.hash_chain import microseconds, replay
from storage.models import Approval, LogEntry, MessageRef, Request
from storage.states import IllegalMove, State
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

BESIDE = {"action", "looked_up", "sighted", "known_as"}
"""What an entry says that is no column of its row."""


async def recorded(log: Store, new: NewRequest) -> Request:
    """Record a request that must be new."""
    made = await log.requests.record(new)
    assert made.fresh
    return made.request


async def succeeded(log: Store, entry: str, clock: Clock, code: Code, reference: str | None = None) -> None:
    """Send an approved entry and record its success."""
    await log.requests.apply(claim(entry, until=clock.now + timedelta(seconds=30)))
    await log.requests.apply(finish(entry, code=code, reference=reference))


async def cancelled(log: Store, clock: Clock) -> tuple[Request, Request]:
    """Schedule a call for tomorrow, and cancel it by its number: both requests."""
    call = await recorded(log, placing(at=clock.now + timedelta(days=1)))
    await succeeded(log, call.id, clock, Code.SCHEDULED)
    cancel = await recorded(log, cancelling())
    await log.requests.apply(approve(cancel.id))
    await succeeded(log, cancel.id, clock, Code.CANCELLED)
    return call, cancel


def row(entry: LogEntry) -> dict[str, object]:
    """An entry as the replay of its events writes it."""
    columns = {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name not in BESIDE}
    return {
        name: microseconds(value) if isinstance(value, datetime) else value for name, value in columns.items()
    }


async def assert_replayable(log: Store, request: str) -> None:
    """Assert that the events of a request give the rows of its entries."""
    replayed = replay(await log.requests.events(request)).entries
    entries = (await log.requests.request(request)).entries
    assert set(replayed) == {entry.id for entry in entries}
    for entry in entries:
        expected = {name: replayed[entry.id][name] for name in row(entry)}
        assert row(entry) | {"lease_until": None} == expected | {"lease_until": None}


class Changing:
    """What every store promises of `record`, `apply`, `hold`, `report` and `erase`."""

    async def test_a_request_reads_as_it_was_recorded(self, log: Store, clock: Clock) -> None:
        """What was asked is what is read, by the request's id and by the entry's."""
        new = replace(
            cancelling(),
            reason="asked",
            purpose="reminder",
            consent="form 7",
            channel="C1",
            message="so",
            code="rejected",
        )
        made = await recorded(log, new)
        assert made == await log.requests.request(made.id)
        assert (made.reason, made.purpose, made.consent, made.channel) == (
            "asked",
            "reminder",
            "form 7",
            "C1",
        )
        assert (made.state, made.decide_by, made.asked_at) == (State.PENDING, new.decide_by, clock.now)
        [entry] = made.entries
        assert entry.id == made.id
        assert entry.action == new.actions[0].action
        assert (entry.agent, entry.target_id, entry.attempt, entry.maybe_executed) == (
            "payments",
            None,
            0,
            False,
        )
        assert (entry.code, entry.message) == (Code.REJECTED, "so")

    async def test_a_target_with_an_id_is_kept_beside_the_personal_data(self, log: Store) -> None:
        """The provider's id of a call or campaign is a column of its own."""
        [call] = (await recorded(log, cancelling_by_id("vx_1"))).entries
        [campaign] = (await recorded(log, deleting("cd-9"))).entries
        assert (call.target_id, campaign.target_id) == ("vx_1", "cd-9")

    async def test_several_targets_are_entries_of_one_request(self, log: Store) -> None:
        """Entries of several targets are numbered after their request, in order."""
        made = await recorded(log, cancelling(NUMBER, OTHER_NUMBER))
        assert [entry.id for entry in made.entries] == [f"{made.id}.1", f"{made.id}.2"]
        assert await log.requests.request(f"{made.id}.2") == made

    async def test_ids_can_be_said_on_the_phone(self, log: Store) -> None:
        """An id has no letter that sounds or looks like a digit."""
        made = await recorded(log, placing())
        prefix, symbols = made.id.split("-")
        assert prefix == "A"
        assert len(symbols) == 4
        assert not set(symbols) & set("0O1I")

    async def test_an_unknown_id_is_said(self, log: Store) -> None:
        """Reading or changing what does not exist raises."""
        for reading in (
            log.requests.request("A-0000"),
            log.requests.events("E-0000"),
            log.requests.private("A-0000"),
        ):
            with pytest.raises(NoSuchRequest):
                await reading
        with pytest.raises(NoSuchRequest):
            await log.requests.apply(approve("A-0000"))
        with pytest.raises(NoSuchRequest):
            await erase(log, "A-0000", actor="U1")

    async def test_a_change_reaches_only_its_own_request(self, log: Store) -> None:
        """A move of another request's entry is no part of a change."""
        one, other = await recorded(log, cancelling()), await recorded(log, cancelling())
        with pytest.raises(NoSuchRequest):
            await log.requests.apply(replace(approve(other.id), request=one.id))
        assert (await log.requests.request(other.id)).state is State.PENDING

    @pytest.mark.parametrize("key", [{"delivery_key": "once"}, {"nonce": "once"}])
    async def test_the_same_intent_twice_is_one_request(self, log: Store, key: dict[str, Any]) -> None:
        """A second request with the same delivery or nonce is the first one again."""
        new = replace(placing(), **key)
        first = await recorded(log, new)
        again = await log.requests.record(replace(new, posts=[Post("placed", "audit")]))
        assert (again.request, again.fresh) == (first, False)
        assert len(await log.requests.events(first.id)) == 1

    @pytest.mark.parametrize("key", [{"delivery_key": "once"}, {"nonce": "once"}])
    async def test_the_same_intent_at_once_is_one_request(self, log: Store, key: dict[str, Any]) -> None:
        """Of many deliveries at the same moment one makes the request and the others find it."""
        new = replace(placing(), **key)
        made = await asyncio.gather(*(log.requests.record(new) for _ in range(20)))
        assert sum(one.fresh for one in made) == 1
        assert len({one.request.id for one in made}) == 1

    async def test_a_request_needs_a_target_and_a_first_state(self, log: Store) -> None:
        """What no action's life begins with is not recorded."""
        with pytest.raises(ValueError, match="at least one"):
            await log.requests.record(replace(placing(), actions=()))
        with pytest.raises(IllegalMove):
            await log.requests.record(replace(placing(), state=State.SUCCEEDED))

    async def test_one_decision_moves_all_targets(self, log: Store) -> None:
        """An approval moves every entry and keeps who could have decided."""
        made = await recorded(log, cancelling(NUMBER, OTHER_NUMBER))
        after = await log.requests.apply(approve(*(entry.id for entry in made.entries)))
        assert [entry.state for entry in after.entries] == [State.APPROVED, State.APPROVED]
        [approval] = after.approvals
        assert (approval.person, approval.decision, approval.members) == (
            "U0MANAGER",
            "approve",
            ("U0MANAGER", "U0SECOND"),
        )
        assert after == await log.requests.request(made.id)

    async def test_all_moves_or_none(self, log: Store) -> None:
        """If one entry stands elsewhere, no entry moves and nothing else is kept of the change."""
        made = await recorded(log, cancelling(NUMBER, OTHER_NUMBER))
        first, second = (entry.id for entry in made.entries)
        await log.requests.apply(withdraw(second))
        late = replace(approve(first, second), nonce="modal", posts=[Post("approved", "thread")])
        with pytest.raises(Conflict) as conflict:
            await log.requests.apply(late)
        assert conflict.value.current == await log.requests.request(made.id)
        assert [entry.state for entry in conflict.value.current.entries] == [State.PENDING, State.WITHDRAWN]
        assert not conflict.value.current.approvals
        assert await log.users.draft("modal") is None
        assert [event.name for event in await log.requests.events(made.id)] == [
            "requested",
            "requested",
            "withdrawn",
        ]

    async def test_exactly_one_of_many_deciders_wins(self, log: Store) -> None:
        """Of twenty who approve, deny and take back at once, one wins and the others read how it stands."""
        for _ in range(5):
            made = await recorded(log, cancelling(NUMBER, OTHER_NUMBER))
            entries = [entry.id for entry in made.entries]
            changes = [approve(*entries, person=f"U{n}") for n in range(10)]
            changes += [deny(*entries, person=f"U{n}") for n in range(9)]
            changes.append(withdraw(*entries, before={State.PENDING}))
            results = await asyncio.gather(*map(log.requests.apply, changes), return_exceptions=True)
            winners = [result for result in results if isinstance(result, Request)]
            losers = [result for result in results if isinstance(result, Conflict)]
            assert (len(winners), len(losers)) == (1, 19)
            assert all(loser.current == winners[0] for loser in losers)
            await assert_replayable(log, made.id)

    async def test_an_illegal_move_is_a_fault(self, log: Store) -> None:
        """What no action's life contains is refused, whatever state the entry is in."""
        made = await recorded(log, placing())
        for before, after in ((State.APPROVED, State.SUCCEEDED), (State.SUCCEEDED, State.APPROVED)):
            move = Move(made.id, "jump", frozenset({before}), after)
            with pytest.raises(IllegalMove):
                await log.requests.apply(Change(made.id, "system", [move]))
        assert (await log.requests.request(made.id)).state is State.APPROVED

    async def test_a_move_that_would_not_replay_is_a_fault(self, log: Store) -> None:
        """Columns are set by changes alone, and only those that a move may set."""
        made = await recorded(log, placing())
        move = Move(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)
        for wrong in (replace(move, changes={"connection": "x"}), replace(move, data={"code": "x"})):
            with pytest.raises(ValueError, match="move"):
                await log.requests.apply(Change(made.id, "system", [wrong]))
        with pytest.raises(ValueError, match="moves something"):
            await log.requests.apply(Change(made.id, "system", []))

    async def test_only_the_owner_in_its_attempt_records_the_end(self, log: Store, clock: Clock) -> None:
        """Another owner, or the same in another attempt, comes too late."""
        made = await recorded(log, placing())
        await log.requests.apply(claim(made.id, until=clock.now + timedelta(seconds=30)))
        for wrong in (finish(made.id, owner="two"), finish(made.id, attempt=2)):
            with pytest.raises(Conflict):
                await log.requests.apply(wrong)
        after = await log.requests.apply(finish(made.id, reference="ck_1"))
        [entry] = after.entries
        assert (entry.state, entry.code, entry.reference) == (State.SUCCEEDED, Code.QUEUED, "ck_1")
        assert (entry.owner, entry.lease_until, entry.attempt) == (None, None, 1)

    async def test_two_moves_of_one_entry_happen_in_order(self, log: Store, clock: Clock) -> None:
        """A doubt and the order of another attempt may be one change, and both are events."""
        made = await recorded(log, placing())
        await log.requests.apply(claim(made.id, until=clock.now + timedelta(seconds=30)))
        again = clock.now + timedelta(seconds=5)
        moves = [
            Move(
                made.id,
                "unknown",
                frozenset({State.SENDING}),
                State.UNKNOWN,
                changes={"maybe_executed": True},
            ),
            Move(
                made.id,
                "retry_scheduled",
                frozenset({State.UNKNOWN}),
                State.APPROVED,
                changes={"not_before": again},
                data={"order": 2},
            ),
        ]
        [entry] = (await log.requests.apply(Change(made.id, "system", moves))).entries
        assert (entry.state, entry.maybe_executed, entry.not_before) == (State.APPROVED, True, again)
        last = (await log.requests.events(made.id))[-1]
        assert (last.name, last.data["order"]) == ("retry_scheduled", 2)
        await assert_replayable(log, made.id)

    async def test_an_approval_that_is_not_the_last_moves_nothing(self, log: Store) -> None:
        """It is recorded once for each person, and only while the request waits."""
        made = await recorded(log, replace(cancelling(), approvals_needed=2))
        approval = Approval("U1", "approve", None, ["U1", "U2"], "a hash")
        after = await log.requests.apply(Change(made.id, "U1", [], approval=approval))
        assert after.state is State.PENDING
        assert [one.person for one in after.approvals] == ["U1"]
        with pytest.raises(Conflict):
            await log.requests.apply(Change(made.id, "U1", [], approval=approval))
        await log.requests.apply(deny(made.id))
        with pytest.raises(Conflict):
            await log.requests.apply(Change(made.id, "U2", [], approval=replace(approval, person="U2")))
        assert [event.name for event in await log.requests.events(made.id)] == [
            "requested",
            "approval_recorded",
            "denied",
        ]

    @pytest.mark.parametrize("key", [{"delivery_key": "once"}, {"nonce": "once"}])
    async def test_a_change_is_made_once(self, log: Store, key: dict[str, Any]) -> None:
        """A repeated click finds its key used up, even where the move would be possible again."""
        made = await recorded(log, replace(cancelling(), approvals_needed=3))
        change = Change(made.id, "U1", [], approval=Approval("U1", "approve", None, ["U1"], "a hash"))
        await log.requests.apply(replace(change, **key))
        second = Approval("U2", "approve", None, ["U1", "U2"], "a hash")
        with pytest.raises(Conflict) as conflict:
            await log.requests.apply(replace(change, approval=second, **key))
        assert len(conflict.value.current.approvals) == 1

    async def test_a_lease_is_renewed_only_while_it_is_held(self, log: Store, clock: Clock) -> None:
        """Renewing needs the owner, its attempt, and a lease that has not run out."""
        made = await recorded(log, placing())
        until = clock.now + timedelta(seconds=30)
        assert not await log.requests.hold(made.id, owner="one", attempt=1, until=until)
        await log.requests.apply(claim(made.id, until=until))
        later = clock.move(seconds=29) + timedelta(seconds=30)
        assert await log.requests.hold(made.id, owner="one", attempt=1, until=later)
        assert not await log.requests.hold(made.id, owner="two", attempt=1, until=later)
        assert not await log.requests.hold(made.id, owner="one", attempt=2, until=later)
        assert (await log.requests.request(made.id)).entries[0].lease_until == later
        clock.now = later
        assert not await log.requests.hold(
            made.id, owner="one", attempt=1, until=later + timedelta(seconds=30)
        )

    async def test_what_a_dead_owner_held_is_free(self, log: Store, clock: Clock) -> None:
        """Its entries' leases are over and its posts can be taken; what others hold stays theirs."""
        posts = [Post("placed", "audit")]
        until = clock.now + timedelta(seconds=30)
        entries = {}
        for owner in ("one", "two"):
            made = await recorded(log, replace(placing(), posts=posts))
            await log.requests.apply(claim(made.id, until=until, owner=owner))
            await log.outbox.outgoing(clock.now, owner=owner, until=until, limit=1)
            entries[owner] = made.id
        await log.processes.release("one")
        assert [entry.id for entry in await log.dispatch_queue.lapsed(clock.now)] == [entries["one"]]
        assert not await log.requests.hold(entries["one"], owner="one", attempt=1, until=until)
        assert await log.requests.hold(entries["two"], owner="two", attempt=1, until=until)
        due = await log.outbox.outgoing(clock.now, owner="three", until=until, limit=9)
        assert [post.request for post in due] == [entries["one"]]
        assert not (await verified(log)).faults

    async def test_a_fault_of_the_program_has_an_id(self, log: Store, clock: Clock) -> None:
        """A report can be read by its id, what is private to it apart."""
        fault = await log.audit.report(
            actor="U1", where="commands", private={"traceback": "Traceback: \ud83d"}
        )
        assert fault.startswith("E-")
        [event] = await log.requests.events(fault)
        assert (event.name, event.actor, event.at) == ("fault", "U1", clock.now)
        assert event.data == {"where": "commands"}
        assert list(await log.requests.private(fault)) == [(event.seq, "traceback", "Traceback: \\ud83d")]
        await erase(log, fault, actor="U2")
        assert not await log.requests.private(fault)
        assert not (await verified(log)).faults

    async def test_erasing_forgets_what_is_personal_and_nothing_else(self, log: Store, clock: Clock) -> None:
        """After erasing, the life of the entry is still there and no personal value is."""
        made = await recorded(log, replace(placing(), reason="asked", purpose="p", consent="c"))
        await succeeded(log, made.id, clock, Code.QUEUED, "ck_1")
        fields = [field for _, field, _ in await log.requests.private(made.id)]
        assert sorted(fields) == ["action", "consent", "purpose", "raw", "reason"]
        await erase(log, made.id, actor="U0DPO")
        after = await log.requests.request(made.id)
        assert (after.reason, after.purpose, after.consent) == (None, None, None)
        [entry] = after.entries
        assert (entry.action, entry.state, entry.reference) == (None, State.SUCCEEDED, "ck_1")
        assert not await log.requests.private(made.id)
        events = await log.requests.events(made.id)
        assert [event.name for event in events] == ["requested", "sending", "succeeded", "erased"]
        assert events[-1].actor == "U0DPO"
        await erase(log, made.id, actor="U0DPO")
        assert len(await log.requests.events(made.id)) == len(events)
        assert not (await verified(log)).faults
        await assert_replayable(log, made.id)

    async def test_events_tell_the_whole_story(self, log: Store, clock: Clock) -> None:
        """Who did what when, with the columns it set and commitments to what is private."""
        made = await recorded(log, replace(cancelling(), reason="asked"))
        await log.requests.apply(approve(made.id))
        clock.move(hours=-1)
        await succeeded(log, made.id, clock, Code.CANCELLED)
        events = await log.requests.events(made.id)
        assert [event.seq for event in events] == [1, 2, 3, 4]
        assert [event.name for event in events] == ["requested", "approved", "sending", "succeeded"]
        assert [event.actor for event in events] == ["U0AGENT", "U0MANAGER", "one", "system"]
        assert set(events[0].private) == {"action", "reason"}
        assert events[1].data["approval.members"] == "U0MANAGER U0SECOND"
        assert events[2].data["owner"] == "one"
        assert events[3].at < events[0].at
        await assert_replayable(log, made.id)
        assert not (await verified(log)).faults

    async def test_messages_are_part_of_a_request(self, log: Store, clock: Clock) -> None:
        """Where the audit message and the card stand is read with the request."""
        made = await recorded(log, replace(placing(), posts=[Post("placed", "audit")]))
        until = clock.now + timedelta(seconds=30)
        [post] = await log.outbox.outgoing(clock.now, owner="one", until=until, limit=5)
        await log.outbox.delivered(post, MessageRef("C1", "1.2"), seen=post.event)
        assert (await log.requests.request(made.id)).messages == {"audit": MessageRef("C1", "1.2")}

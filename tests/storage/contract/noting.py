from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import Code
from storage.changes import Change, Move, Note, Post
from storage.errors import Conflict, NoSuchRequest
from storage.models import Approval, Query
from storage.states import State
from storage.store import Store
from tests.storage.contract.changes import assert_replayable, recorded, succeeded
from tests.storage.samples import (
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    deleting,
    erase,
    noted,
    placing,
    verified,
    withdraw,
)


class Noting:
    """What every store promises of notes, of what look-ups saw, and of the mode that a request was asked in."""

    async def test_a_note_moves_nothing(self, log: Store) -> None:
        """It is an event with data and erasable fields, about an entry or a whole request; rows stay."""
        made = await recorded(log, cancelling(NUMBER, OTHER_NUMBER))
        notes = [
            Note(f"{made.id}.2", "heard", {"times": 2}, {"words": "call later"}),
            Note(made.id, "seen", {"ok": True}),
        ]
        after = await log.requests.apply(Change(made.id, "system", [], notes=notes))
        assert after == made
        events = (await log.requests.events(made.id))[2:]
        assert [(one.entry, one.name, one.actor, one.data) for one in events] == [
            (f"{made.id}.2", "heard", "system", {"times": 2}),
            (made.id, "seen", "system", {"ok": True}),
        ]
        assert (events[0].seq, "words", "call later") in await log.requests.private(made.id)
        await assert_replayable(log, made.id)
        assert not (await verified(log)).faults

    async def test_posts_hang_on_the_first_event_of_a_change(self, log: Store, clock: Clock) -> None:
        """With moves, that is the first move's; without, the first note's."""
        made = await recorded(log, placing())
        note = Note(made.id, "heard")
        await log.requests.apply(replace(noted(note, note), posts=[Post("heard", "thread")]))
        until = clock.now + timedelta(seconds=30)
        [post] = await log.outbox.outgoing(clock.now, owner="one", until=until, limit=9)
        first, last = (await log.requests.events(made.id))[1:]
        assert (post.event, post.template) == (first.seq, "heard")
        await log.outbox.delivered(post, None, seen=last.seq)
        move = Move(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)
        change = Change(made.id, "U0AGENT", [move], notes=[note], posts=[Post("state", "audit")])
        await log.requests.apply(change)
        [post] = await log.outbox.outgoing(clock.now, owner="one", until=until, limit=9)
        assert [event.name for event in await log.requests.events(made.id)][-2:] == ["withdrawn", "heard"]
        assert post.event == last.seq + 1

    async def test_a_note_never_comes_too_late(self, log: Store) -> None:
        """Wherever the entry stands it is written; only a key that was used up keeps it out."""
        made = await recorded(log, placing())
        await log.requests.apply(
            Change(
                made.id,
                "U0AGENT",
                [Move(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)],
            )
        )
        change = replace(noted(Note(made.id, "heard")), delivery_key="once")
        await log.requests.apply(change)
        with pytest.raises(Conflict):
            await log.requests.apply(change)
        assert [event.name for event in await log.requests.events(made.id)] == [
            "requested",
            "withdrawn",
            "heard",
        ]

    async def test_notes_of_a_change_that_came_too_late_are_not_kept(self, log: Store) -> None:
        """A note stands or falls with the moves it is made with."""
        made = await recorded(log, placing())
        move = Move(made.id, "approved", frozenset({State.PENDING}), State.APPROVED)
        with pytest.raises(Conflict):
            await log.requests.apply(Change(made.id, "U1", [move], notes=[Note(made.id, "heard")]))
        assert len(await log.requests.events(made.id)) == 1

    async def test_a_note_that_would_be_replayed_as_more_is_a_fault(self, log: Store) -> None:
        """No note sets a column, decides, or passes for an event of another kind."""
        made = await recorded(log, placing())
        for name, data in (
            ("heard", {"state": "succeeded"}),
            ("heard", {"code": "x"}),
            ("heard", {"approval.person": "U1"}),
            ("erased", {}),
            ("requested", {}),
        ):
            with pytest.raises(ValueError, match="note"):
                await log.requests.apply(noted(Note(made.id, name, data)))
        other = await recorded(log, placing())
        with pytest.raises(NoSuchRequest):
            await log.requests.apply(replace(noted(Note(other.id, "heard")), request=made.id))

    async def test_an_approval_and_a_note_are_one_change(self, log: Store) -> None:
        """The approval is written first."""
        made = await recorded(log, replace(cancelling(), approvals_needed=2))
        approval = Approval("U1", "approve", None, ["U1", "U2"], "a hash")
        await log.requests.apply(Change(made.id, "U1", [], approval=approval, notes=[Note(made.id, "heard")]))
        assert [event.name for event in await log.requests.events(made.id)][1:] == [
            "approval_recorded",
            "heard",
        ]
        assert [one.person for one in (await log.requests.request(made.id)).approvals] == ["U1"]

    async def test_an_entry_tells_what_its_last_look_up_saw(self, log: Store) -> None:
        """The last one counts, and it may not know; the name goes when the request is erased."""
        made = await recorded(log, deleting("cd-1"))
        other = await recorded(log, deleting("cd-2"))
        [entry] = made.entries
        assert (entry.looked_up, entry.sighted, entry.known_as) == (False, None, None)
        for found, name in ((True, "Diwali offers"), (None, None), (False, None), (True, "Diwali offers")):
            private = {"known_as": name} if name else {}
            await log.requests.apply(noted(Note(made.id, "looked_up", {"found": found}, private)))
            [entry] = (await log.requests.request(made.id)).entries
            assert (entry.looked_up, entry.sighted, entry.known_as) == (True, found, name)
        page = (await log.search.page(Query())).entries
        assert [(one.id, one.sighted, one.known_as) for one in page] == [
            (other.id, None, None),
            (made.id, True, "Diwali offers"),
        ]
        await log.requests.apply(approve(made.id))
        [ready] = await log.dispatch_queue.ready(made.asked_at, 9)
        assert (ready.sighted, ready.known_as) == (True, "Diwali offers")
        await erase(log, made.id, actor="U0DPO")
        [entry] = (await log.requests.request(made.id)).entries
        assert (entry.looked_up, entry.sighted, entry.known_as) == (True, True, None)

    async def test_a_request_keeps_the_mode_it_was_asked_in(self, log: Store) -> None:
        """It is part of the request from its first event on."""
        made = await recorded(log, replace(placing(), mode="dry-run"))
        assert made.mode == (await log.requests.request(made.id)).mode == "dry-run"
        assert (await recorded(log, placing())).mode is None
        assert not (await verified(log)).faults

    async def test_campaigns_are_known_by_what_look_ups_called_them(self, log: Store, clock: Clock) -> None:
        """Each name once, by connection and id, until the campaign is deleted through us or its name erased."""
        ids = ("cd-1", "cd-2", "cd-2", "cd-3")
        made = [await recorded(log, deleting(one)) for one in ids]
        for one, name in zip(made, ("Dues", "DUES", "Dues 2", "Dues"), strict=True):
            await log.requests.apply(noted(Note(one.id, "looked_up", {"found": True}, {"known_as": name})))
            await log.requests.apply(noted(Note(one.id, "looked_up", {"found": True}, {"known_as": name})))
        await log.requests.apply(noted(Note(made[0].id, "looked_up", {"found": False})))
        via = made[0].connection
        first, second, third = (via, "cd-1", "Dues"), (via, "cd-2", "DUES"), (via, "cd-2", "Dues 2")
        fourth = (via, "cd-3", "Dues")
        assert {*await log.call_history.campaigns_seen()} == {first, second, third, fourth}
        await log.requests.apply(withdraw(made[3].id))
        await erase(log, made[3].id, actor="U1")
        assert {*await log.call_history.campaigns_seen()} == {first, second, third}
        await log.requests.apply(approve(made[1].id))
        await succeeded(log, made[1].id, clock, Code.DELETED)
        assert {*await log.call_history.campaigns_seen()} == {first}

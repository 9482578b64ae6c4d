from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import Code
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError, RequestNotFoundError
from storage.models import Approval
from storage.queries import Query
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
    """Contract of annotations, of lookup results, and of the mode of a request."""

    async def test_a_note_moves_nothing(self, store: Store) -> None:
        """An annotation is an event with data and erasable values, about an action or a request.

        The rows stay.
        """
        made = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
        notes = [
            Annotation(f"{made.id}.2", "heard", {"times": 2}, {"words": "call later"}),
            Annotation(made.id, "seen", {"ok": True}),
        ]
        after = await store.requests.apply(ChangeSet(made.id, "system", [], annotations=notes))
        assert after == made
        events = (await store.requests.events(made.id))[2:]
        assert [(one.action, one.name, one.actor, one.data) for one in events] == [
            (f"{made.id}.2", "heard", "system", {"times": 2}),
            (made.id, "seen", "system", {"ok": True}),
        ]
        assert (events[0].seq, "words", "call later") in await store.requests.personal_values(made.id)
        await assert_replayable(store, made.id)
        assert not (await verified(store)).faults

    async def test_posts_hang_on_the_first_event_of_a_change(self, store: Store, clock: Clock) -> None:
        """With transitions it is the first transition's event, otherwise the first annotation's."""
        made = await recorded(store, placing())
        note = Annotation(made.id, "heard")
        await store.requests.apply(
            replace(noted(note, note), notifications=[Notification("heard", "thread")])
        )
        until = clock.now + timedelta(seconds=30)
        [post] = await store.outbox.outgoing(clock.now, owner="one", until=until, limit=9)
        first, last = (await store.requests.events(made.id))[1:]
        assert (post.event, post.template) == (first.seq, "heard")
        await store.outbox.delivered(post, None, seen=last.seq)
        move = Transition(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)
        change = ChangeSet(
            made.id, "U0AGENT", [move], annotations=[note], notifications=[Notification("state", "audit")]
        )
        await store.requests.apply(change)
        [post] = await store.outbox.outgoing(clock.now, owner="one", until=until, limit=9)
        assert [event.name for event in await store.requests.events(made.id)][-2:] == ["withdrawn", "heard"]
        assert post.event == last.seq + 1

    async def test_a_note_never_comes_too_late(self, store: Store) -> None:
        """An annotation is written in any state of the action. Only a used-up key prevents it."""
        made = await recorded(store, placing())
        await store.requests.apply(
            ChangeSet(
                made.id,
                "U0AGENT",
                [Transition(made.id, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN)],
            )
        )
        change = replace(noted(Annotation(made.id, "heard")), delivery_key="once")
        await store.requests.apply(change)
        with pytest.raises(ConflictError):
            await store.requests.apply(change)
        assert [event.name for event in await store.requests.events(made.id)] == [
            "requested",
            "withdrawn",
            "heard",
        ]

    async def test_notes_of_a_change_that_came_too_late_are_not_kept(self, store: Store) -> None:
        """An annotation is kept only with its transitions."""
        made = await recorded(store, placing())
        move = Transition(made.id, "approved", frozenset({State.PENDING}), State.APPROVED)
        with pytest.raises(ConflictError):
            await store.requests.apply(
                ChangeSet(made.id, "U1", [move], annotations=[Annotation(made.id, "heard")])
            )
        assert len(await store.requests.events(made.id)) == 1

    async def test_a_note_that_would_be_replayed_as_more_is_a_fault(self, store: Store) -> None:
        """No annotation sets a column, decides, or has the name of another kind of event."""
        made = await recorded(store, placing())
        for name, data in (
            ("heard", {"state": "succeeded"}),
            ("heard", {"code": "x"}),
            ("heard", {"approval.person": "U1"}),
            ("erased", {}),
            ("requested", {}),
        ):
            with pytest.raises(ValueError, match="note"):
                await store.requests.apply(noted(Annotation(made.id, name, data)))
        other = await recorded(store, placing())
        with pytest.raises(RequestNotFoundError):
            await store.requests.apply(replace(noted(Annotation(other.id, "heard")), request=made.id))

    async def test_an_approval_and_a_note_are_one_change(self, store: Store) -> None:
        """The approval is written first."""
        made = await recorded(store, replace(cancelling(), approvals_needed=2))
        approval = Approval("U1", "approve", None, ["U1", "U2"], "a hash")
        await store.requests.apply(
            ChangeSet(made.id, "U1", [], approval=approval, annotations=[Annotation(made.id, "heard")])
        )
        assert [event.name for event in await store.requests.events(made.id)][1:] == [
            "approval_recorded",
            "heard",
        ]
        assert [one.person for one in (await store.requests.request(made.id)).approvals] == ["U1"]

    async def test_an_entry_tells_what_its_last_look_up_saw(self, store: Store) -> None:
        """The last one counts, even if its result is unknown. The name goes when the request is erased."""
        made = await recorded(store, deleting("cd-1"))
        other = await recorded(store, deleting("cd-2"))
        [record] = made.actions
        assert (record.looked_up, record.lookup_found, record.known_as) == (False, None, None)
        for found, name in ((True, "Diwali offers"), (None, None), (False, None), (True, "Diwali offers")):
            private = {"known_as": name} if name else {}
            await store.requests.apply(noted(Annotation(made.id, "looked_up", {"found": found}, private)))
            [record] = (await store.requests.request(made.id)).actions
            assert (record.looked_up, record.lookup_found, record.known_as) == (True, found, name)
        page = (await store.search.page(Query())).actions
        assert [(one.id, one.lookup_found, one.known_as) for one in page] == [
            (other.id, None, None),
            (made.id, True, "Diwali offers"),
        ]
        await store.requests.apply(approve(made.id))
        [ready] = await store.dispatch_queue.due(made.asked_at, 9)
        assert (ready.lookup_found, ready.known_as) == (True, "Diwali offers")
        await erase(store, made.id, actor="U0DPO")
        [record] = (await store.requests.request(made.id)).actions
        assert (record.looked_up, record.lookup_found, record.known_as) == (True, True, None)

    async def test_a_request_keeps_the_mode_it_was_asked_in(self, store: Store) -> None:
        """The mode belongs to the request from its first event on."""
        made = await recorded(store, replace(placing(), mode="dry-run"))
        assert made.mode == (await store.requests.request(made.id)).mode == "dry-run"
        assert (await recorded(store, placing())).mode is None
        assert not (await verified(store)).faults

    async def test_campaigns_are_known_by_what_look_ups_called_them(self, store: Store, clock: Clock) -> None:
        """Each name comes once, by connection and id, until the campaign is deleted or the name erased."""
        ids = ("cd-1", "cd-2", "cd-2", "cd-3")
        made = [await recorded(store, deleting(one)) for one in ids]
        for one, name in zip(made, ("Dues", "DUES", "Dues 2", "Dues"), strict=True):
            await store.requests.apply(
                noted(Annotation(one.id, "looked_up", {"found": True}, {"known_as": name}))
            )
            await store.requests.apply(
                noted(Annotation(one.id, "looked_up", {"found": True}, {"known_as": name}))
            )
        await store.requests.apply(noted(Annotation(made[0].id, "looked_up", {"found": False})))
        via = made[0].connection
        first, second, third = (via, "cd-1", "Dues"), (via, "cd-2", "DUES"), (via, "cd-2", "Dues 2")
        fourth = (via, "cd-3", "Dues")
        assert {*await store.call_history.campaigns_seen()} == {first, second, third, fourth}
        await store.requests.apply(withdraw(made[3].id))
        await erase(store, made[3].id, actor="U1")
        assert {*await store.call_history.campaigns_seen()} == {first, second, third}
        await store.requests.apply(approve(made[1].id))
        await succeeded(store, made[1].id, clock, Code.DELETED)
        assert {*await store.call_history.campaigns_seen()} == {first}

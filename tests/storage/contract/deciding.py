from dataclasses import replace

import pytest

from storage.changes import ChangeSet
from storage.errors import ConflictError
from storage.states import State
from storage.store import Store
from tests.storage.contract.changes import assert_replayable, recorded
from tests.storage.samples import approve, cancelling, erase, verified

RULES = {"rules": '{"rules":[]}', "difference": "These are the first."}


def one_of_two(request: str, person: str, *, after: int) -> ChangeSet:
    """Return an approval that is not the last, made after that many decisions."""
    full = approve(request, person=person)
    return replace(full, transitions=[], expected_decisions=after, private={"note": "checked"})


class Deciding:
    """Contract of several approvals, of the rules' reasons, and of the rules in force."""

    async def test_an_approval_knows_those_before_it(self, store: Store) -> None:
        """An approval that expects fewer decisions comes too late, and changes nothing."""
        made = await recorded(store, cancelling())
        first = await store.requests.apply(one_of_two(made.id, "U0MANAGER", after=0))
        assert (first.state, first.approved_by) == (State.PENDING, ["U0MANAGER"])
        with pytest.raises(ConflictError) as late:
            await store.requests.apply(one_of_two(made.id, "U0SECOND", after=0))
        assert [one.person for one in late.value.current.approvals] == ["U0MANAGER"]
        last = await store.requests.apply(replace(approve(made.id, person="U0SECOND"), expected_decisions=1))
        assert (last.state, last.approved_by) == (State.APPROVED, ["U0MANAGER", "U0SECOND"])
        await assert_replayable(store, made.id)
        assert not (await verified(store)).faults

    async def test_words_of_an_approval_that_moves_nothing_are_kept(self, store: Store) -> None:
        """The texts belong to the approval's event, and can be erased."""
        made = await recorded(store, cancelling())
        await store.requests.apply(one_of_two(made.id, "U0MANAGER", after=0))
        [event] = [one for one in await store.requests.events(made.id) if one.name == "approval_recorded"]
        assert (event.seq, "note", "checked") in await store.requests.personal_values(made.id)
        assert [one.note for one in (await store.requests.request(made.id)).approvals] == ["checked"]
        await erase(store, made.id, actor="U0AUDITOR")
        assert [one.note for one in (await store.requests.request(made.id)).approvals] == [None]
        assert (event.seq, "note", "checked") not in await store.requests.personal_values(made.id)

    async def test_what_waits_says_who_approved(self, store: Store) -> None:
        """A person who denied is not among them."""
        made = await recorded(store, cancelling())
        assert [one.approved_by for one in await store.approvals.pending(9)] == [frozenset()]
        for number, person in enumerate(("U0MANAGER", "U0SECOND")):
            await store.requests.apply(one_of_two(made.id, person, after=number))
        assert [one.approved_by for one in await store.approvals.pending(9)] == [
            frozenset({"U0MANAGER", "U0SECOND"})
        ]

    async def test_what_the_rules_said_is_kept(self, store: Store) -> None:
        """The reasons are in the request, and in its first event."""
        made = await recorded(store, replace(cancelling(), reasons='The rule "x" asks.\nEveryone is told.'))
        assert (await store.requests.request(made.id)).reasons == 'The rule "x" asks.\nEveryone is told.'
        [event] = await store.requests.events(made.id)
        assert event.data["reasons"] == made.reasons

    async def test_the_rules_in_force_follow_one_another(self, store: Store) -> None:
        """Each event names its predecessor. Another one in between prevents it."""
        assert await store.audit.rules() is None
        first = await store.audit.record_rules(actor="system", data=RULES, after=None)
        kept = await store.audit.rules()
        assert kept
        assert (kept.request, kept.name, kept.data) == (first, "rules_changed", RULES)
        assert await store.audit.record_rules(actor="system", data=RULES, after=None) is None
        assert await store.audit.record_rules(
            actor="system", data={**RULES, "difference": "more"}, after=kept
        )
        last = await store.audit.rules()
        assert last
        assert last.data["difference"] == "more"
        assert [one.name for one in await store.requests.events(last.request)] == ["rules_changed"]
        assert not (await verified(store)).faults

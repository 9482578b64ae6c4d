from dataclasses import replace
from datetime import timedelta

from providers.actions import Code
from storage.changes import Notification
from storage.models import MessageRef, Person
from storage.queries import Query
from storage.repositories.erasure_list import Listed, PurgeFilter, RetainedBecause
from storage.store import Store
from tests.storage.contract.changes import recorded, succeeded
from tests.storage.contract.slack import take
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    deny,
    erase,
    placing,
    verified,
    withdraw,
)

BY_NUMBER = PurgeFilter("by number", numbers=frozenset({NUMBER}))


def somebody(name: str, *, read_at: int = 0) -> Person:
    """Return a person with a name, read that many hours after noon."""
    at = NOON + timedelta(hours=read_at)
    flags = {"bot": False, "deleted": False, "guest": False, "is_external": False}
    return Person("U0AGENT", "T0", name, "Asia/Kolkata", **flags, read_at=at)


class Forgetting:
    """Contract of erasing personal data: what goes, and what stays."""

    async def test_a_number_is_forgotten_wherever_it_stands(self, store: Store, clock: Clock) -> None:
        """Calls to the number, mentions in any spelling, faults and drafts go, and nobody else's."""
        aimed = await recorded(store, placing(NUMBER))
        await succeeded(store, aimed.id, clock, Code.QUEUED, "ck_1")
        mentioning = await recorded(
            store, replace(cancelling_by_id("vx_1"), reason="is 098765 43210, not hers")
        )
        await store.requests.apply(deny(mentioning.id))
        fault = await store.audit.record_error(
            actor="U1", where="commands", private={"line": "/place-call +91-98765-43210"}
        )
        other = await recorded(store, replace(placing(OTHER_NUMBER), reason="asked"))
        await succeeded(store, other.id, clock, Code.QUEUED, "ck_2")
        for nonce, text in (("theirs", "98765 43210 tomorrow"), ("others", OTHER_NUMBER)):
            await store.users.keep_draft(nonce, person="U0AGENT", content={"text": text})

        found = await store.retention.erasable(BY_NUMBER)
        done = await store.retention.purge(BY_NUMBER, actor="operator")
        for one in (found, done):
            assert {listed.id for listed in one.requests} == {aimed.id, mentioning.id, fault}
            assert (one.kept, one.drafts) == ([], 1)
        for gone in (aimed.id, mentioning.id, fault):
            assert not await store.requests.personal_values(gone)
        assert len(await store.requests.personal_values(other.id)) == 3
        assert (await store.search.page(Query(number=NUMBER))).actions == ()
        assert [
            record.request for record in (await store.search.page(Query(number=OTHER_NUMBER))).actions
        ] == [other.id]
        assert await store.users.draft("theirs") is None
        assert await store.users.draft("others") is not None
        assert not (await verified(store)).faults

    async def test_a_purge_is_an_event_that_counts(self, store: Store, clock: Clock) -> None:
        """The event has user, rule and count, and no number. Each request has its own event, too."""
        made = await recorded(store, placing())
        await succeeded(store, made.id, clock, Code.QUEUED)
        done = await store.retention.purge(BY_NUMBER, actor="operator ops")
        assert done.id is not None
        [event] = await store.requests.events(done.id)
        assert (event.name, event.actor, dict(event.data)) == (
            "purged",
            "operator ops",
            {"rule": "by number", "requests": 1, "drafts": 0, "people": 0, "kept": 0},
        )
        erased = (await store.requests.events(made.id))[-1]
        assert (erased.name, dict(erased.data)) == ("erased", {"rule": "by number"})
        again = await store.retention.purge(BY_NUMBER, actor="operator ops")
        assert (again.id, again.anything) == (None, False)

    async def test_what_is_not_at_its_end_stays(self, store: Store, clock: Clock) -> None:
        """Pending, sending and unknown actions and future calls stay, with the reason.

        After their end they go.
        """
        waiting = await recorded(store, replace(cancelling(), fingerprint="1"))
        at = clock.now + timedelta(hours=5)
        call = await recorded(store, placing(at=at))
        await succeeded(store, call.id, clock, Code.SCHEDULED, "ck_1")
        done = await store.retention.purge(BY_NUMBER, actor="operator")
        assert not done.requests
        assert [(one.request, one.why, one.until) for one in done.kept] == [
            (waiting.id, RetainedBecause.UNDER_WAY, None),
            (call.id, RetainedBecause.GOES_OUT, at),
        ]
        await store.requests.apply(withdraw(waiting.id))
        clock.move(hours=6)
        done = await store.retention.purge(BY_NUMBER, actor="operator")
        assert {one.id for one in done.requests} == {waiting.id, call.id}

    async def test_a_call_that_was_cancelled_does_not_go_out(self, store: Store, clock: Clock) -> None:
        """After a cancellation by number, the call itself can be erased at once."""
        call = await recorded(store, placing(at=clock.now + timedelta(hours=5)))
        await succeeded(store, call.id, clock, Code.SCHEDULED, "ck_1")
        cancel = await recorded(store, cancelling())
        await store.requests.apply(approve(cancel.id))
        await succeeded(store, cancel.id, clock, Code.CANCELLED)
        done = await store.retention.purge(BY_NUMBER, actor="operator")
        assert {one.id for one in done.requests} == {call.id, cancel.id}

    async def test_a_call_that_is_being_moved_stays(self, store: Store, clock: Clock) -> None:
        """Between its two steps a reschedule needs the number. After the second request it does not."""
        call = await recorded(store, placing())
        to = clock.now + timedelta(hours=2)
        move = await recorded(store, replace(cancelling(), reschedules=call.id, new_time=to))
        await store.requests.apply(approve(move.id))
        await succeeded(store, move.id, clock, Code.CANCELLED)
        done = await store.retention.erasable(BY_NUMBER)
        assert [(one.request, one.why) for one in done.kept] == [
            (call.id, RetainedBecause.UNDER_WAY),
            (move.id, RetainedBecause.MOVING),
        ]
        await recorded(store, replace(placing(), second_step_of=move.id))
        assert move.id in {one.id for one in (await store.retention.erasable(BY_NUMBER)).requests}

    async def test_what_is_on_hold_stays(self, store: Store, clock: Clock) -> None:
        """The hold names the request's id or the number, and beats any rule."""
        first, second = [await recorded(store, placing(number)) for number in (NUMBER, OTHER_NUMBER)]
        for made in (first, second):
            await succeeded(store, made.id, clock, Code.QUEUED)
        clock.move(days=400)
        hold = frozenset({first.id, OTHER_NUMBER})
        done = await store.retention.purge(
            PurgeFilter("older than a day", before=clock.now, hold=hold), actor="system"
        )
        assert not done.requests
        assert {(one.request, one.why) for one in done.kept} == {
            (first.id, RetainedBecause.HELD),
            (second.id, RetainedBecause.HELD),
        }
        assert not (await store.retention.erasable(PurgeFilter("older than a day", before=clock.now))).kept

    async def test_what_is_too_young_stays(self, store: Store, clock: Clock) -> None:
        """If the settings keep everything for a while, not even a number goes earlier."""
        made = await recorded(store, placing())
        await succeeded(store, made.id, clock, Code.QUEUED)
        done = await store.retention.purge(replace(BY_NUMBER, spare_after=clock.now), actor="operator")
        assert [(one.request, one.why, one.until) for one in done.kept] == [
            (made.id, RetainedBecause.YOUNG, clock.now)
        ]
        spare_after = clock.now + timedelta(seconds=1)
        assert (
            await store.retention.purge(replace(BY_NUMBER, spare_after=spare_after), actor="operator")
        ).requests

    async def test_what_is_old_enough_goes(self, store: Store, clock: Clock) -> None:
        """The age counts from the end, or from the call's time, not from the request.

        Names and faults go as well.
        """
        old = await recorded(store, placing())
        await succeeded(store, old.id, clock, Code.QUEUED)
        late = await recorded(store, placing(OTHER_NUMBER, at=clock.now + timedelta(hours=30)))
        await succeeded(store, late.id, clock, Code.SCHEDULED, "ck_1")
        fault = await store.audit.record_error(actor="U1", where="commands", private={"line": "x"})
        await store.users.keep_person(somebody("Asha Rao"))
        open_still = await recorded(store, cancelling())
        clock.move(days=1)
        before = clock.now
        clock.move(days=1)
        young = await recorded(store, placing())
        await succeeded(store, young.id, clock, Code.QUEUED)

        done = await store.retention.purge(PurgeFilter("older than a day", before=before), actor="system")
        assert [one.id for one in done.requests] == [old.id, fault]
        assert [(one.request, one.why) for one in done.kept] == [(open_still.id, RetainedBecause.UNDER_WAY)]
        assert (done.people, done.id is None) == (1, False)
        person = await store.users.person("U0AGENT")
        assert person is not None
        assert person.name == ""
        for kept in (late, open_still, young):
            assert await store.requests.personal_values(kept.id)
        assert not (await verified(store)).faults

    async def test_many_go_some_at_a_time(self, store: Store, clock: Clock) -> None:
        """The oldest go first, past those that stay, until nothing is left."""
        waits = await recorded(store, cancelling())
        made = []
        for _ in range(5):
            made.append((await recorded(store, replace(cancelling_by_id("vx_1"), reason="asked"))).id)
            await store.requests.apply(deny(made[-1]))
        clock.move(days=1)
        erasing = PurgeFilter("older than an hour", before=clock.now - timedelta(hours=1), at_most=2)
        gone = []
        while (done := await store.retention.purge(erasing, actor="system")).requests:
            assert len(done.requests) <= 2
            gone += [one.id for one in done.requests]
        assert gone == made
        assert await store.requests.personal_values(waits.id)

    async def test_a_name_is_forgotten_and_may_come_back(self, store: Store, clock: Clock) -> None:
        """Slack's values until then go, with the drafts. Later ones are not touched again."""
        await store.users.keep_person(somebody("Asha Rao"))
        await store.users.keep_draft("hers", person="U0AGENT", content={"text": "x"})
        erasing = PurgeFilter("by person", names=[Listed("U0AGENT", clock.now)])
        done = await store.retention.purge(erasing, actor="operator")
        assert (done.people, done.drafts) == (1, 1)
        clock.move(hours=1)
        await store.users.keep_person(somebody("Asha Rao", read_at=1))
        again = await store.retention.erased_before(hold=frozenset())
        assert again is not None
        assert not (await store.retention.purge(again, actor="system")).anything

    async def test_drafts_go_when_nobody_can_use_them(self, store: Store, clock: Clock) -> None:
        """Drafts go after a day, without any rule and without an event."""
        await store.users.keep_draft("early", person="U0AGENT", content={"text": NUMBER})
        clock.move(hours=25)
        done = await store.retention.purge(PurgeFilter("drafts"), actor="system")
        assert (done.drafts, done.id) == (1, None)
        assert await store.users.draft("early") is None

    async def test_erasing_a_request_forgets_drafts_with_its_number(self, store: Store, clock: Clock) -> None:
        """A draft for the same number goes with the request."""
        made = await recorded(store, placing())
        await succeeded(store, made.id, clock, Code.QUEUED)
        await store.users.keep_draft("again", person="U0AGENT", content={"text": "(98765) 43210 today"})
        await erase(store, made.id, actor="U0DPO")
        assert await store.users.draft("again") is None

    async def test_our_words_are_taken_out_of_slack(self, store: Store, clock: Clock) -> None:
        """Every posted message gets an edit, replies as well, and so does one that is posted meanwhile."""
        posts = [
            Notification("denied", "audit"),
            Notification("denied", "thread"),
            Notification("denied", "card"),
        ]
        made = await recorded(store, cancelling())
        await store.requests.apply(replace(deny(made.id), notifications=posts))
        seen = (await store.requests.events(made.id))[-1].seq
        for ts in ("1.1", "1.2"):
            [post] = await take(store, clock)
            await store.outbox.delivered(post, MessageRef("C1", ts), seen=seen)
        [on_its_way] = await take(store, clock)
        done = await store.retention.purge(BY_NUMBER, actor="operator")
        assert done.messages == 2
        await store.outbox.delivered(on_its_way, MessageRef("C2", "2.1"), seen=seen)
        edits = []
        while due := await take(store, clock):
            edits.append((due[0].template, due[0].to))
            await store.outbox.delivered(due[0], MessageRef("C1", "1.1"), seen=99)
        assert sorted(edits) == [("erased", "audit"), ("erased", "card"), ("erased", "reply:2")]

    async def test_an_anchor_is_where_the_log_ended(self, store: Store, clock: Clock) -> None:
        """An anchor is the last event before a time, with its hash. Before the first event there is none."""
        start = clock.now
        made = await recorded(store, placing())
        clock.move(hours=1)
        await succeeded(store, made.id, clock, Code.QUEUED)
        first = (await store.requests.events(made.id))[0]
        assert await store.audit.anchor(start) is None
        anchor = await store.audit.anchor(start + timedelta(minutes=1))
        assert anchor is not None
        assert (anchor.seq, anchor.hash, anchor.at) == (1, first.hash, first.at)

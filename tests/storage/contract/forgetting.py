from dataclasses import replace
from datetime import timedelta

from providers.actions import Code
from storage.changes import Post
from storage.models import MessageRef, Person, Query
from storage.repositories.erasure_list import Erasing, Listed, Why
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

BY_NUMBER = Erasing("by number", numbers=frozenset({NUMBER}))


def somebody(name: str, *, read_at: int = 0) -> Person:
    """A person whose name is known, read so many hours after noon."""
    at = NOON + timedelta(hours=read_at)
    flags = {"bot": False, "deleted": False, "guest": False, "is_external": False}
    return Person("U0AGENT", "T0", name, "Asia/Kolkata", **flags, read_at=at)


class Forgetting:
    """By which rules personal data goes, and what stays."""

    async def test_a_number_is_forgotten_wherever_it_stands(self, log: Store, clock: Clock) -> None:
        """Calls to it, what mentions it in whatever spelling, faults and drafts; nobody else's."""
        aimed = await recorded(log, placing(NUMBER))
        await succeeded(log, aimed.id, clock, Code.QUEUED, "ck_1")
        mentioning = await recorded(
            log, replace(cancelling_by_id("vx_1"), reason="is 098765 43210, not hers")
        )
        await log.requests.apply(deny(mentioning.id))
        fault = await log.audit.report(
            actor="U1", where="commands", private={"line": "/place-call +91-98765-43210"}
        )
        other = await recorded(log, replace(placing(OTHER_NUMBER), reason="asked"))
        await succeeded(log, other.id, clock, Code.QUEUED, "ck_2")
        for nonce, text in (("theirs", "98765 43210 tomorrow"), ("others", OTHER_NUMBER)):
            await log.users.keep_draft(nonce, person="U0AGENT", content={"text": text})

        found = await log.retention.erasable(BY_NUMBER)
        done = await log.retention.purge(BY_NUMBER, actor="operator")
        for one in (found, done):
            assert {listed.id for listed in one.requests} == {aimed.id, mentioning.id, fault}
            assert (one.kept, one.drafts) == ([], 1)
        for gone in (aimed.id, mentioning.id, fault):
            assert not await log.requests.private(gone)
        assert len(await log.requests.private(other.id)) == 3
        assert (await log.search.page(Query(number=NUMBER))).entries == ()
        assert [entry.request for entry in (await log.search.page(Query(number=OTHER_NUMBER))).entries] == [
            other.id
        ]
        assert await log.users.draft("theirs") is None
        assert await log.users.draft("others") is not None
        assert not (await verified(log)).faults

    async def test_a_purge_is_an_event_that_counts(self, log: Store, clock: Clock) -> None:
        """Who, by which rule, how many, and no number; each request has its own event, too."""
        made = await recorded(log, placing())
        await succeeded(log, made.id, clock, Code.QUEUED)
        done = await log.retention.purge(BY_NUMBER, actor="operator ops")
        assert done.id is not None
        [event] = await log.requests.events(done.id)
        assert (event.name, event.actor, dict(event.data)) == (
            "purged",
            "operator ops",
            {"rule": "by number", "requests": 1, "drafts": 0, "people": 0, "kept": 0},
        )
        erased = (await log.requests.events(made.id))[-1]
        assert (erased.name, dict(erased.data)) == ("erased", {"rule": "by number"})
        again = await log.retention.purge(BY_NUMBER, actor="operator ops")
        assert (again.id, again.anything) == (None, False)

    async def test_what_is_not_at_its_end_stays(self, log: Store, clock: Clock) -> None:
        """What waits, is sent or unknown, and a call that still goes out; with why. Once it has ended, it goes."""
        waiting = await recorded(log, replace(cancelling(), fingerprint="1"))
        at = clock.now + timedelta(hours=5)
        call = await recorded(log, placing(at=at))
        await succeeded(log, call.id, clock, Code.SCHEDULED, "ck_1")
        done = await log.retention.purge(BY_NUMBER, actor="operator")
        assert not done.requests
        assert [(one.request, one.why, one.until) for one in done.kept] == [
            (waiting.id, Why.UNDER_WAY, None),
            (call.id, Why.GOES_OUT, at),
        ]
        await log.requests.apply(withdraw(waiting.id))
        clock.move(hours=6)
        done = await log.retention.purge(BY_NUMBER, actor="operator")
        assert {one.id for one in done.requests} == {waiting.id, call.id}

    async def test_a_call_that_was_cancelled_does_not_go_out(self, log: Store, clock: Clock) -> None:
        """After a cancellation by number, the call itself can be forgotten at once."""
        call = await recorded(log, placing(at=clock.now + timedelta(hours=5)))
        await succeeded(log, call.id, clock, Code.SCHEDULED, "ck_1")
        cancel = await recorded(log, cancelling())
        await log.requests.apply(approve(cancel.id))
        await succeeded(log, cancel.id, clock, Code.CANCELLED)
        done = await log.retention.purge(BY_NUMBER, actor="operator")
        assert {one.id for one in done.requests} == {call.id, cancel.id}

    async def test_a_call_that_is_being_moved_stays(self, log: Store, clock: Clock) -> None:
        """Between its two steps a move needs the number; once the second was asked for, it does not."""
        call = await recorded(log, placing())
        to = clock.now + timedelta(hours=2)
        move = await recorded(log, replace(cancelling(), reschedules=call.id, new_time=to))
        await log.requests.apply(approve(move.id))
        await succeeded(log, move.id, clock, Code.CANCELLED)
        done = await log.retention.erasable(BY_NUMBER)
        assert [(one.request, one.why) for one in done.kept] == [
            (call.id, Why.UNDER_WAY),
            (move.id, Why.MOVING),
        ]
        await recorded(log, replace(placing(), second_step_of=move.id))
        assert move.id in {one.id for one in (await log.retention.erasable(BY_NUMBER)).requests}

    async def test_what_is_on_hold_stays(self, log: Store, clock: Clock) -> None:
        """By the request's id or by the number, whatever rule would have it go."""
        first, second = [await recorded(log, placing(number)) for number in (NUMBER, OTHER_NUMBER)]
        for made in (first, second):
            await succeeded(log, made.id, clock, Code.QUEUED)
        clock.move(days=400)
        hold = frozenset({first.id, OTHER_NUMBER})
        done = await log.retention.purge(
            Erasing("older than a day", before=clock.now, hold=hold), actor="system"
        )
        assert not done.requests
        assert {(one.request, one.why) for one in done.kept} == {(first.id, Why.HELD), (second.id, Why.HELD)}
        assert not (await log.retention.erasable(Erasing("older than a day", before=clock.now))).kept

    async def test_what_is_too_young_stays(self, log: Store, clock: Clock) -> None:
        """Where the settings keep everything for a while, not even a number goes before."""
        made = await recorded(log, placing())
        await succeeded(log, made.id, clock, Code.QUEUED)
        done = await log.retention.purge(replace(BY_NUMBER, spare_after=clock.now), actor="operator")
        assert [(one.request, one.why, one.until) for one in done.kept] == [(made.id, Why.YOUNG, clock.now)]
        spare_after = clock.now + timedelta(seconds=1)
        assert (
            await log.retention.purge(replace(BY_NUMBER, spare_after=spare_after), actor="operator")
        ).requests

    async def test_what_is_old_enough_goes(self, log: Store, clock: Clock) -> None:
        """By when it ended, or when its call went out, not by when it was asked; names and faults as well."""
        old = await recorded(log, placing())
        await succeeded(log, old.id, clock, Code.QUEUED)
        late = await recorded(log, placing(OTHER_NUMBER, at=clock.now + timedelta(hours=30)))
        await succeeded(log, late.id, clock, Code.SCHEDULED, "ck_1")
        fault = await log.audit.report(actor="U1", where="commands", private={"line": "x"})
        await log.users.keep_person(somebody("Asha Rao"))
        open_still = await recorded(log, cancelling())
        clock.move(days=1)
        before = clock.now
        clock.move(days=1)
        young = await recorded(log, placing())
        await succeeded(log, young.id, clock, Code.QUEUED)

        done = await log.retention.purge(Erasing("older than a day", before=before), actor="system")
        assert [one.id for one in done.requests] == [old.id, fault]
        assert [(one.request, one.why) for one in done.kept] == [(open_still.id, Why.UNDER_WAY)]
        assert (done.people, done.id is None) == (1, False)
        person = await log.users.person("U0AGENT")
        assert person is not None
        assert person.name == ""
        for kept in (late, open_still, young):
            assert await log.requests.private(kept.id)
        assert not (await verified(log)).faults

    async def test_many_go_some_at_a_time(self, log: Store, clock: Clock) -> None:
        """The oldest first, past what stays, until nothing is left."""
        waits = await recorded(log, cancelling())
        made = []
        for _ in range(5):
            made.append((await recorded(log, replace(cancelling_by_id("vx_1"), reason="asked"))).id)
            await log.requests.apply(deny(made[-1]))
        clock.move(days=1)
        erasing = Erasing("older than an hour", before=clock.now - timedelta(hours=1), at_most=2)
        gone = []
        while (done := await log.retention.purge(erasing, actor="system")).requests:
            assert len(done.requests) <= 2
            gone += [one.id for one in done.requests]
        assert gone == made
        assert await log.requests.private(waits.id)

    async def test_a_name_is_forgotten_and_may_come_back(self, log: Store, clock: Clock) -> None:
        """What Slack said until then goes, with their drafts; what it says later is not touched again."""
        await log.users.keep_person(somebody("Asha Rao"))
        await log.users.keep_draft("hers", person="U0AGENT", content={"text": "x"})
        erasing = Erasing("by person", names=[Listed("U0AGENT", clock.now)])
        done = await log.retention.purge(erasing, actor="operator")
        assert (done.people, done.drafts) == (1, 1)
        clock.move(hours=1)
        await log.users.keep_person(somebody("Asha Rao", read_at=1))
        again = await log.retention.erased_before(hold=frozenset())
        assert again is not None
        assert not (await log.retention.purge(again, actor="system")).anything

    async def test_drafts_go_when_nobody_can_use_them(self, log: Store, clock: Clock) -> None:
        """After a day, without any rule, and without an event."""
        await log.users.keep_draft("early", person="U0AGENT", content={"text": NUMBER})
        clock.move(hours=25)
        done = await log.retention.purge(Erasing("drafts"), actor="system")
        assert (done.drafts, done.id) == (1, None)
        assert await log.users.draft("early") is None

    async def test_erasing_a_request_forgets_drafts_with_its_number(self, log: Store, clock: Clock) -> None:
        """What somebody was about to ask for the same number does not outlive it."""
        made = await recorded(log, placing())
        await succeeded(log, made.id, clock, Code.QUEUED)
        await log.users.keep_draft("again", person="U0AGENT", content={"text": "(98765) 43210 today"})
        await erase(log, made.id, actor="U0DPO")
        assert await log.users.draft("again") is None

    async def test_our_words_are_taken_out_of_slack(self, log: Store, clock: Clock) -> None:
        """Every message that stands somewhere gets an edit, replies as well; one posted meanwhile, too."""
        posts = [Post("denied", "audit"), Post("denied", "thread"), Post("denied", "card")]
        made = await recorded(log, cancelling())
        await log.requests.apply(replace(deny(made.id), posts=posts))
        seen = (await log.requests.events(made.id))[-1].seq
        for ts in ("1.1", "1.2"):
            [post] = await take(log, clock)
            await log.outbox.delivered(post, MessageRef("C1", ts), seen=seen)
        [on_its_way] = await take(log, clock)
        done = await log.retention.purge(BY_NUMBER, actor="operator")
        assert done.messages == 2
        await log.outbox.delivered(on_its_way, MessageRef("C2", "2.1"), seen=seen)
        edits = []
        while due := await take(log, clock):
            edits.append((due[0].template, due[0].to))
            await log.outbox.delivered(due[0], MessageRef("C1", "1.1"), seen=99)
        assert sorted(edits) == [("erased", "audit"), ("erased", "card"), ("erased", "reply:2")]

    async def test_an_anchor_is_where_the_log_ended(self, log: Store, clock: Clock) -> None:
        """The last event before a time, with its hash; none before the first."""
        start = clock.now
        made = await recorded(log, placing())
        clock.move(hours=1)
        await succeeded(log, made.id, clock, Code.QUEUED)
        first = (await log.requests.events(made.id))[0]
        assert await log.audit.anchor(start) is None
        anchor = await log.audit.anchor(start + timedelta(minutes=1))
        assert anchor is not None
        assert (anchor.seq, anchor.hash, anchor.at) == (1, first.hash, first.at)

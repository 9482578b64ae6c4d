import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.changes import Announced, Announcement, Post
from storage.errors import Conflict
from storage.event_log.hash_chain import microseconds
from storage.models import Approval, MessageRef, Outgoing, Person
from storage.store import Store
from tests.storage.contract.changes import recorded
from tests.storage.samples import NOON, Clock, approve, cancelling, deny, placing, verified

LEASE = timedelta(seconds=30)


async def take(log: Store, clock: Clock, owner: str = "one", limit: int = 10) -> Sequence[Outgoing]:
    """Take what is due for half a minute."""
    return await log.outbox.outgoing(clock.now, owner=owner, until=clock.now + LEASE, limit=limit)


async def fail(log: Store, clock: Clock) -> None:
    """Count a failure of a provider, of which people are told at once."""
    await log.outages.failed(
        "voxworks", began=clock.move(seconds=1), pause=lambda _: LEASE, reachable=False, told_from=1
    )


class Posting:
    """What every store promises of the outbox."""

    async def test_posts_are_named_by_what_they_tell_of(self, log: Store, clock: Clock) -> None:
        """A post carries its request, entry, event and template, and where it goes."""
        made = await recorded(log, replace(placing(), posts=[Post("placed", "audit")]))
        [post] = await take(log, clock)
        assert (post.request, post.entry, post.event) == (made.id, made.id, 1)
        assert (post.template, post.to, post.tries) == ("placed", "audit", 1)

    async def test_a_request_is_told_of_in_order(self, log: Store, clock: Clock) -> None:
        """Only a request's first undelivered post is due; other requests do not wait for it."""
        posts = [Post("asked", "audit"), Post("review", "card"), Post("told", "dm:U1")]
        made = await recorded(log, replace(cancelling(), posts=posts))
        other = await recorded(log, replace(placing(), posts=[Post("placed", "audit")]))
        first, second = await take(log, clock)
        assert (first.request, first.template, second.request) == (made.id, "asked", other.id)
        await log.outbox.postpone(first, not_before=clock.now + timedelta(seconds=9), error="ratelimited")
        await log.outbox.delivered(second, None, seen=second.event)
        assert not await take(log, clock)
        clock.move(seconds=9)
        order = []
        while due := await take(log, clock):
            [post] = due
            order.append((post.template, post.tries))
            await log.outbox.delivered(post, None, seen=post.event)
        assert order == [("asked", 2), ("review", 1), ("told", 1)]

    async def test_a_post_is_taken_once_until_its_lease_runs_out(self, log: Store, clock: Clock) -> None:
        """Nobody else gets a post that is being made, and somebody does when its maker died."""
        await recorded(log, replace(placing(), posts=[Post("placed", "audit")]))
        [post] = await take(log, clock)
        assert not await take(log, clock, owner="two")
        clock.move(seconds=30)
        [again] = await take(log, clock, owner="two")
        assert (again.id, again.tries) == (post.id, 2)

    async def test_an_announcement_is_added_once(self, log: Store, clock: Clock) -> None:
        """Its key is that of what it tells of, whatever else it says; a request's posts do not wait for it."""
        made = await recorded(log, replace(placing(), posts=[Post("placed", "audit")]))
        for day in ("first", "second"):
            one = Announcement(Announced.ANCHOR, "7", payload={"day": day, "event": 7})
            await log.outbox.announce(one, replace(one, about=day))
        posts = await take(log, clock)
        assert [post.request for post in posts] == [made.id, None, None, None]
        assert [post.key for post in posts] == [None, "anchor:7", "anchor:first", "anchor:second"]
        assert posts[1].payload == {"day": "first", "event": 7}
        assert (posts[1].template, posts[1].to, posts[1].stands) == ("anchor", "audit", None)
        await log.outbox.delivered(posts[1], MessageRef("C1", "1.1"), seen=None)
        await log.outbox.announce(Announcement(Announced.ANCHOR, "7"))
        clock.move(seconds=30)
        assert [post.key for post in await take(log, clock)] == [None, "anchor:first", "anchor:second"]

    async def test_an_outage_is_one_announcement_that_tells_its_end(self, log: Store, clock: Clock) -> None:
        """Where it was posted the same row is due again, and knows where; the next outage has its own."""
        began = clock.now + timedelta(seconds=1)
        for _ in range(2):
            await fail(log, clock)
        [post] = await take(log, clock)
        assert (post.template, post.to) == ("outage", "audit:voxworks")
        await log.outbox.delivered(post, MessageRef("C1", "1.1"), seen=None)
        clock.move(minutes=1)
        await log.outages.answered("voxworks")
        [edit] = await take(log, clock)
        assert (edit.id, edit.stands) == (post.id, MessageRef("C1", "1.1"))
        assert (edit.payload["since"], edit.payload["ended"]) == (
            microseconds(began),
            microseconds(clock.now),
        )
        await log.outbox.delivered(edit, MessageRef("C1", "1.1"), seen=None)
        await fail(log, clock)
        [other] = await take(log, clock)
        assert (other.id > post.id, other.stands) == (True, None)

    async def test_an_announcement_that_changes_while_it_is_posted_is_due_again(
        self, log: Store, clock: Clock
    ) -> None:
        """What was posted is not what it tells by now: it is edited."""
        await fail(log, clock)
        [post] = await take(log, clock)
        await log.outages.answered("voxworks")
        assert not await take(log, clock)
        await log.outbox.delivered(post, MessageRef("C1", "1.1"), seen=None)
        [edit] = await take(log, clock)
        assert (edit.id, edit.stands, "ended" in edit.payload) == (post.id, MessageRef("C1", "1.1"), True)

    async def test_a_limit_takes_the_oldest(self, log: Store, clock: Clock) -> None:
        """Where more is due than is asked for, the oldest comes first."""
        made = [await recorded(log, replace(placing(), posts=[Post("placed", "audit")])) for _ in range(4)]
        assert [post.request for post in await take(log, clock, limit=2)] == [made[0].id, made[1].id]
        assert [post.request for post in await take(log, clock, limit=9)] == [made[2].id, made[3].id]

    async def test_an_edit_covers_the_later_ones_it_already_showed(self, log: Store, clock: Clock) -> None:
        """Edits of the same message up to what was shown need not be made; threads and later edits do."""
        made = await recorded(log, replace(cancelling(), posts=[Post("asked", "audit")]))
        [first] = await take(log, clock)
        approved = [Post("approved", "thread"), Post("state", "audit"), Post("state", "card")]
        await log.requests.apply(replace(approve(made.id), posts=approved))
        seen = (await log.requests.events(made.id))[-1].seq
        await log.outbox.delivered(first, MessageRef("C1", "1.1"), seen=seen)
        left = []
        while due := await take(log, clock):
            left += [(post.template, post.to) for post in due]
            await log.outbox.delivered(due[0], None, seen=due[0].event)
        assert left == [("approved", "thread"), ("state", "card")]

    async def test_what_the_machine_did_to_many_is_said_once(self, log: Store, clock: Clock) -> None:
        """The same words about another entry are covered when the machine did it, and said when a person did."""
        posts = [Post("expired", "thread")]
        made = await recorded(log, replace(cancelling(), posts=posts))
        for actor in ("system", "U0MANAGER"):
            approval = Approval(person=actor, decision="approve", group=None, members=[], content="")
            change = replace(approve(made.id), actor=actor, moves=[], approval=approval, posts=posts)
            await log.requests.apply(change)
        [first] = await take(log, clock)
        await log.outbox.delivered(first, None, seen=(await log.requests.events(made.id))[-1].seq)
        [left] = await take(log, clock)
        assert left.event
        event, _ = await log.audit.event(left.event)
        assert event.actor == "U0MANAGER"

    async def test_a_message_edited_elsewhere_is_remembered_anew(self, log: Store, clock: Clock) -> None:
        """When an audit message was posted again, the new place is the one to edit; a reply keeps its own."""
        posts = [Post("asked", "audit"), Post("so", "thread"), Post("state", "audit")]
        made = await recorded(log, replace(cancelling(), posts=posts))
        for ts in ("1.1", "1.2", "1.3"):
            [post] = await take(log, clock)
            await log.outbox.delivered(post, MessageRef("C1", ts), seen=0)
        assert (await log.requests.request(made.id)).messages == {
            "audit": MessageRef("C1", "1.3"),
            "reply:2": MessageRef("C1", "1.2"),
        }

    async def test_who_was_asked_has_a_message_of_their_own(self, log: Store, clock: Clock) -> None:
        """One for each person, edited from then on; a direct message beside it is remembered to be erased."""
        posts = [Post("asked", "asked:U1"), Post("asked", "asked:U2"), Post("reminded", "dm:U1")]
        made = await recorded(log, replace(cancelling(), posts=posts))
        for ts in ("1.1", "1.2", "1.3"):
            [post] = await take(log, clock)
            await log.outbox.delivered(post, MessageRef("D1", ts), seen=0)
        assert (await log.requests.request(made.id)).messages == {
            "asked:U1": MessageRef("D1", "1.1"),
            "asked:U2": MessageRef("D1", "1.2"),
            "reply:3": MessageRef("D1", "1.3"),
        }

    async def test_what_can_never_be_posted_holds_nothing_up(self, log: Store, clock: Clock) -> None:
        """An abandoned post is not tried again, and the next one of its request is due."""
        posts = [Post("asked", "audit"), Post("review", "card")]
        await recorded(log, replace(cancelling(), posts=posts))
        [post] = await take(log, clock)
        await log.outbox.abandon(post, error="is_archived")
        [following] = await take(log, clock)
        assert following.template == "review"

    async def test_a_lane_gives_its_oldest_alone(self, log: Store, clock: Clock) -> None:
        """What waits in a lane waits together, in order; what was not tried counts no try."""
        made = [await recorded(log, replace(placing(), posts=[Post("placed", "audit")])) for _ in range(3)]
        later = clock.now + timedelta(seconds=5)
        for post in await take(log, clock):
            await log.outbox.postpone(post, not_before=clock.now, error=None, lane="C1")
        [first] = await take(log, clock)
        await log.outbox.postpone(first, not_before=later, error="busy", lane="C1")
        assert not await take(log, clock)
        clock.now = later
        order = []
        while due := await take(log, clock):
            order += [(post.request, post.tries) for post in due]
            await log.outbox.delivered(due[0], None, seen=due[0].event)
        assert order == [(made[0].id, 2), (made[1].id, 1), (made[2].id, 1)]

    async def test_a_lane_that_is_opened_is_due_at_once(self, log: Store, clock: Clock) -> None:
        """A post that was made shows that what others wait for is over."""
        made = [await recorded(log, replace(placing(), posts=[Post("placed", "audit")])) for _ in range(3)]
        *waiting, last = await take(log, clock)
        for post in waiting:
            await log.outbox.postpone(post, not_before=clock.now + LEASE, error="down", lane="slack")
        await log.outbox.delivered(last, None, seen=last.event, opens=["slack", "another"])
        assert [post.request for post in await take(log, clock)] == [made[0].id, made[1].id]

    async def test_what_is_set_aside_holds_up_its_own_place_alone(self, log: Store, clock: Clock) -> None:
        """Replies wait for the message they stand below; what goes elsewhere does not."""
        posts = [Post("asked", "audit"), Post("so", "thread"), Post("review", "card"), Post("told", "dm:U1")]
        await recorded(log, replace(cancelling(), posts=posts))
        [audit] = await take(log, clock)
        shut = clock.now + timedelta(minutes=1)
        await log.outbox.postpone(audit, not_before=shut, error="is_archived", lane="shut C1", unordered=True)
        order = []
        while due := await take(log, clock):
            order += [post.to for post in due]
            await log.outbox.delivered(due[0], None, seen=due[0].event)
        assert order == ["card", "dm:U1"]
        clock.now = shut
        [again] = await take(log, clock)
        assert (again.to, again.unordered, again.tries) == ("audit", True, 2)
        await log.outbox.delivered(again, MessageRef("C1", "1.1"), seen=0, opens=["shut C1"])
        [reply] = await take(log, clock)
        assert reply.to == "thread"

    async def test_a_request_is_read_as_of_one_moment(self, log: Store) -> None:
        """A request, its events and what is kept of it agree with each other."""
        made = await recorded(log, cancelling())
        await log.requests.apply(deny(made.id))
        whole = await log.requests.whole(made.id)
        assert whole.request == await log.requests.request(made.id)
        assert (whole.events, whole.private) == (
            await log.requests.events(made.id),
            await log.requests.private(made.id),
        )

    async def test_nothing_is_announced_of_a_change_that_failed(self, log: Store, clock: Clock) -> None:
        """The posts of a change that came too late are not in the outbox."""
        made = await recorded(log, cancelling())
        await log.requests.apply(replace(deny(made.id), posts=[Post("denied", "thread")]))
        with pytest.raises(Conflict):
            await log.requests.apply(replace(approve(made.id), posts=[Post("approved", "thread")]))
        [post] = await take(log, clock)
        await log.outbox.delivered(post, None, seen=post.event)
        assert post.template == "denied"
        assert not await take(log, clock)


class Remembering:
    """What every store promises of drafts and people."""

    async def test_a_draft_is_kept_until_its_nonce_is_used(self, log: Store) -> None:
        """A used draft says which request it made and no longer what it held."""
        content: dict[str, object] = {"to": "+919876543210", "meta": {"age": 2.5}}
        await log.users.keep_draft("n1", person="U1", content=content)
        await log.users.keep_draft("n1", person="U2", content={})
        draft = await log.users.draft("n1")
        assert draft is not None
        assert (draft.person, draft.content, draft.request) == ("U1", content, None)
        made = await recorded(log, replace(placing(), nonce="n1"))
        used = await log.users.draft("n1")
        assert used is not None
        assert (used.person, used.content, used.request) == ("U1", {}, made.id)

    async def test_a_nonce_without_a_draft_can_be_used(self, log: Store) -> None:
        """A modal's nonce has no draft, and still says which request it made."""
        assert await log.users.draft("n1") is None
        made = await recorded(log, replace(placing(), nonce="n1"))
        used = await log.users.draft("n1")
        assert used is not None
        assert used.request == made.id

    async def test_a_name_is_claimed_once(self, log: Store) -> None:
        """Of many who claim it at once, one may go on; another name is another matter."""
        claims = await asyncio.gather(*(log.users.claim("daily:1") for _ in range(5)))
        assert sorted(claims) == [False] * 4 + [True]
        assert await log.users.claim("daily:2")

    async def test_old_drafts_are_forgotten(self, log: Store, clock: Clock) -> None:
        """A draft nobody used is gone after a day, its nonce can still be used, and used ones stay."""
        await log.users.keep_draft("old", person="U1", content={"a": 1})
        await log.users.keep_draft("used", person="U1", content={"a": 1})
        made = await recorded(log, replace(placing(), nonce="used"))
        clock.move(days=1, seconds=1)
        await log.users.keep_draft("new", person="U1", content={"a": 2})
        assert await log.users.draft("old") is None
        used, new = await log.users.draft("used"), await log.users.draft("new")
        assert used is not None
        assert used.request == made.id
        assert new is not None
        assert (await log.requests.record(replace(placing(), nonce="old"))).fresh

    async def test_a_delivery_is_forgotten_after_a_week(self, log: Store, clock: Clock) -> None:
        """What Slack delivered is told apart for days; a nonce for ever."""
        made = await recorded(log, replace(placing(), delivery_key="t1", nonce="n1"))
        clock.move(days=6)
        await recorded(log, replace(placing(), delivery_key="t2"))
        assert not (await log.requests.record(replace(placing(), delivery_key="t1"))).fresh
        clock.move(days=2)
        await recorded(log, replace(placing(), delivery_key="t3"))
        assert (await log.requests.record(replace(placing(), delivery_key="t1"))).fresh
        again = await log.requests.record(replace(placing(), nonce="n1"))
        assert (again.request.id, again.fresh) == (made.id, False)

    async def test_a_denied_attempt_is_an_event_once_a_day(self, log: Store, clock: Clock) -> None:
        """It stands in the chain by an id of its own; another place, person or day is another one."""
        tried = {"actor": "U1", "where": "/calls", "why": "Guests cannot."}
        first = await log.audit.record_denied_attempt(**tried)
        assert first is not None
        [event] = await log.requests.events(first)
        assert (event.name, event.actor) == ("denied_attempt", "U1")
        assert event.data == {"what": "/calls", "why": "Guests cannot."}
        assert await log.audit.record_denied_attempt(**tried) is None
        assert await log.audit.record_denied_attempt(**{**tried, "where": "/place-call"}) is not None
        assert await log.audit.record_denied_attempt(**{**tried, "actor": "U2"}) is not None
        clock.move(days=1)
        assert await log.audit.record_denied_attempt(**tried) not in {None, first}
        assert not (await verified(log)).faults

    async def test_a_person_is_what_slack_said_last(self, log: Store) -> None:
        """What is known of a person is replaced as a whole."""
        person = Person(
            "U1",
            "T1",
            "Asha",
            "Asia/Kolkata",
            bot=False,
            deleted=False,
            guest=True,
            is_external=False,
            read_at=NOON,
        )
        assert await log.users.person("U1") is None
        await log.users.keep_person(person)
        assert await log.users.person("U1") == person
        changed = replace(
            person, name="Asha R.", guest=False, deleted=True, read_at=NOON + timedelta(hours=1)
        )
        await log.users.keep_person(changed)
        assert await log.users.person("U1") == changed

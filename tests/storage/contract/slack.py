import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.changes import Announced, Announcement, Notification
from storage.errors import ConflictError
from storage.event_log.hash_chain import microseconds
from storage.models import Approval, MessageRef, OutboxItem, Person
from storage.store import Store
from tests.storage.contract.changes import recorded
from tests.storage.samples import NOON, Clock, approve, cancelling, deny, placing, verified

LEASE = timedelta(seconds=30)


async def take(store: Store, clock: Clock, owner: str = "one", limit: int = 10) -> Sequence[OutboxItem]:
    """Lease due outbox items for half a minute."""
    return await store.outbox.outgoing(clock.now, owner=owner, until=clock.now + LEASE, limit=limit)


async def fail(store: Store, clock: Clock) -> None:
    """Record a provider's failure, which is announced at once."""
    await store.outages.failed(
        "voxworks", began=clock.move(seconds=1), pause=lambda _: LEASE, reachable=False, told_from=1
    )


class Posting:
    """Contract of the outbox."""

    async def test_posts_are_named_by_what_they_tell_of(self, store: Store, clock: Clock) -> None:
        """An outbox item has its request, action, event and template, and its destination."""
        made = await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
        [post] = await take(store, clock)
        assert (post.request, post.action, post.event) == (made.id, made.id, 1)
        assert (post.template, post.to, post.tries) == ("placed", "audit", 1)

    async def test_a_request_is_told_of_in_order(self, store: Store, clock: Clock) -> None:
        """Only a request's first undelivered item is due, and other requests do not wait for it."""
        posts = [
            Notification("asked", "audit"),
            Notification("review", "card"),
            Notification("told", "dm:U1"),
        ]
        made = await recorded(store, replace(cancelling(), notifications=posts))
        other = await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
        first, second = await take(store, clock)
        assert (first.request, first.template, second.request) == (made.id, "asked", other.id)
        await store.outbox.postpone(first, not_before=clock.now + timedelta(seconds=9), error="ratelimited")
        await store.outbox.delivered(second, None, seen=second.event)
        assert not await take(store, clock)
        clock.move(seconds=9)
        order = []
        while due := await take(store, clock):
            [post] = due
            order.append((post.template, post.tries))
            await store.outbox.delivered(post, None, seen=post.event)
        assert order == [("asked", 2), ("review", 1), ("told", 1)]

    async def test_a_post_is_taken_once_until_its_lease_runs_out(self, store: Store, clock: Clock) -> None:
        """Nobody else gets a leased item. If its owner dies, somebody does."""
        await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
        [post] = await take(store, clock)
        assert not await take(store, clock, owner="two")
        clock.move(seconds=30)
        [again] = await take(store, clock, owner="two")
        assert (again.id, again.tries) == (post.id, 2)

    async def test_an_announcement_is_added_once(self, store: Store, clock: Clock) -> None:
        """The key is that of the announcement's subject, whatever its text.

        A request's items do not wait for it.
        """
        made = await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
        for day in ("first", "second"):
            one = Announcement(Announced.ANCHOR, "7", payload={"day": day, "event": 7})
            await store.outbox.announce(one, replace(one, about=day))
        posts = await take(store, clock)
        assert [post.request for post in posts] == [made.id, None, None, None]
        assert [post.key for post in posts] == [None, "anchor:7", "anchor:first", "anchor:second"]
        assert posts[1].payload == {"day": "first", "event": 7}
        assert (posts[1].template, posts[1].to, posts[1].stands) == ("anchor", "audit", None)
        await store.outbox.delivered(posts[1], MessageRef("C1", "1.1"), seen=None)
        await store.outbox.announce(Announcement(Announced.ANCHOR, "7"))
        clock.move(seconds=30)
        assert [post.key for post in await take(store, clock)] == [None, "anchor:first", "anchor:second"]

    async def test_an_outage_is_one_announcement_that_tells_its_end(self, store: Store, clock: Clock) -> None:
        """After it is posted, the same row is due again, with its position. The next outage has its own."""
        began = clock.now + timedelta(seconds=1)
        for _ in range(2):
            await fail(store, clock)
        [post] = await take(store, clock)
        assert (post.template, post.to) == ("outage", "audit:voxworks")
        await store.outbox.delivered(post, MessageRef("C1", "1.1"), seen=None)
        clock.move(minutes=1)
        await store.outages.answered("voxworks")
        [edit] = await take(store, clock)
        assert (edit.id, edit.stands) == (post.id, MessageRef("C1", "1.1"))
        assert (edit.payload["since"], edit.payload["ended"]) == (
            microseconds(began),
            microseconds(clock.now),
        )
        await store.outbox.delivered(edit, MessageRef("C1", "1.1"), seen=None)
        await fail(store, clock)
        [other] = await take(store, clock)
        assert (other.id > post.id, other.stands) == (True, None)

    async def test_an_announcement_that_changes_while_it_is_posted_is_due_again(
        self, store: Store, clock: Clock
    ) -> None:
        """The posted text is outdated by then, so the message is edited."""
        await fail(store, clock)
        [post] = await take(store, clock)
        await store.outages.answered("voxworks")
        assert not await take(store, clock)
        await store.outbox.delivered(post, MessageRef("C1", "1.1"), seen=None)
        [edit] = await take(store, clock)
        assert (edit.id, edit.stands, "ended" in edit.payload) == (post.id, MessageRef("C1", "1.1"), True)

    async def test_a_limit_takes_the_oldest(self, store: Store, clock: Clock) -> None:
        """If more is due than wanted, the oldest comes first."""
        made = [
            await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
            for _ in range(4)
        ]
        assert [post.request for post in await take(store, clock, limit=2)] == [made[0].id, made[1].id]
        assert [post.request for post in await take(store, clock, limit=9)] == [made[2].id, made[3].id]

    async def test_an_edit_covers_the_later_ones_it_already_showed(self, store: Store, clock: Clock) -> None:
        """Edits of the same message up to the shown event are covered. Replies and later edits are not."""
        made = await recorded(store, replace(cancelling(), notifications=[Notification("asked", "audit")]))
        [first] = await take(store, clock)
        approved = [
            Notification("approved", "thread"),
            Notification("state", "audit"),
            Notification("state", "card"),
        ]
        await store.requests.apply(replace(approve(made.id), notifications=approved))
        seen = (await store.requests.events(made.id))[-1].seq
        await store.outbox.delivered(first, MessageRef("C1", "1.1"), seen=seen)
        left = []
        while due := await take(store, clock):
            left += [(post.template, post.to) for post in due]
            await store.outbox.delivered(due[0], None, seen=due[0].event)
        assert left == [("approved", "thread"), ("state", "card")]

    async def test_what_the_machine_did_to_many_is_said_once(self, store: Store, clock: Clock) -> None:
        """The system's same words about another action are covered. A person's are posted."""
        posts = [Notification("expired", "thread")]
        made = await recorded(store, replace(cancelling(), notifications=posts))
        for actor in ("system", "U0MANAGER"):
            approval = Approval(person=actor, decision="approve", group=None, members=[], content="")
            change = replace(
                approve(made.id), actor=actor, transitions=[], approval=approval, notifications=posts
            )
            await store.requests.apply(change)
        [first] = await take(store, clock)
        await store.outbox.delivered(first, None, seen=(await store.requests.events(made.id))[-1].seq)
        [left] = await take(store, clock)
        assert left.event
        event, _ = await store.audit.event(left.event)
        assert event.actor == "U0MANAGER"

    async def test_a_message_edited_elsewhere_is_remembered_anew(self, store: Store, clock: Clock) -> None:
        """After a new audit message, its position is the one to edit. A reply keeps its own."""
        posts = [Notification("asked", "audit"), Notification("so", "thread"), Notification("state", "audit")]
        made = await recorded(store, replace(cancelling(), notifications=posts))
        for ts in ("1.1", "1.2", "1.3"):
            [post] = await take(store, clock)
            await store.outbox.delivered(post, MessageRef("C1", ts), seen=0)
        assert (await store.requests.request(made.id)).messages == {
            "audit": MessageRef("C1", "1.3"),
            "reply:2": MessageRef("C1", "1.2"),
        }

    async def test_who_was_asked_has_a_message_of_their_own(self, store: Store, clock: Clock) -> None:
        """Each person has one, which is edited. A direct message beside it is remembered for erasing."""
        posts = [
            Notification("asked", "asked:U1"),
            Notification("asked", "asked:U2"),
            Notification("reminded", "dm:U1"),
        ]
        made = await recorded(store, replace(cancelling(), notifications=posts))
        for ts in ("1.1", "1.2", "1.3"):
            [post] = await take(store, clock)
            await store.outbox.delivered(post, MessageRef("D1", ts), seen=0)
        assert (await store.requests.request(made.id)).messages == {
            "asked:U1": MessageRef("D1", "1.1"),
            "asked:U2": MessageRef("D1", "1.2"),
            "reply:3": MessageRef("D1", "1.3"),
        }

    async def test_what_can_never_be_posted_holds_nothing_up(self, store: Store, clock: Clock) -> None:
        """An abandoned item is not tried again, and the next one of its request is due."""
        posts = [Notification("asked", "audit"), Notification("review", "card")]
        await recorded(store, replace(cancelling(), notifications=posts))
        [post] = await take(store, clock)
        await store.outbox.abandon(post, error="is_archived")
        [following] = await take(store, clock)
        assert following.template == "review"

    async def test_a_lane_gives_its_oldest_alone(self, store: Store, clock: Clock) -> None:
        """Items in a lane wait together, in order. An item that was not tried counts no attempt."""
        made = [
            await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
            for _ in range(3)
        ]
        later = clock.now + timedelta(seconds=5)
        for post in await take(store, clock):
            await store.outbox.postpone(post, not_before=clock.now, error=None, lane="C1")
        [first] = await take(store, clock)
        await store.outbox.postpone(first, not_before=later, error="busy", lane="C1")
        assert not await take(store, clock)
        clock.now = later
        order = []
        while due := await take(store, clock):
            order += [(post.request, post.tries) for post in due]
            await store.outbox.delivered(due[0], None, seen=due[0].event)
        assert order == [(made[0].id, 2), (made[1].id, 1), (made[2].id, 1)]

    async def test_a_lane_that_is_opened_is_due_at_once(self, store: Store, clock: Clock) -> None:
        """A successful post shows that the others' reason to wait is over."""
        made = [
            await recorded(store, replace(placing(), notifications=[Notification("placed", "audit")]))
            for _ in range(3)
        ]
        *waiting, last = await take(store, clock)
        for post in waiting:
            await store.outbox.postpone(post, not_before=clock.now + LEASE, error="down", lane="slack")
        await store.outbox.delivered(last, None, seen=last.event, opens=["slack", "another"])
        assert [post.request for post in await take(store, clock)] == [made[0].id, made[1].id]

    async def test_what_is_set_aside_holds_up_its_own_place_alone(self, store: Store, clock: Clock) -> None:
        """Replies wait for the message above them, and other destinations do not."""
        posts = [
            Notification("asked", "audit"),
            Notification("so", "thread"),
            Notification("review", "card"),
            Notification("told", "dm:U1"),
        ]
        await recorded(store, replace(cancelling(), notifications=posts))
        [audit] = await take(store, clock)
        shut = clock.now + timedelta(minutes=1)
        await store.outbox.postpone(
            audit, not_before=shut, error="is_archived", lane="shut C1", unordered=True
        )
        order = []
        while due := await take(store, clock):
            order += [post.to for post in due]
            await store.outbox.delivered(due[0], None, seen=due[0].event)
        assert order == ["card", "dm:U1"]
        clock.now = shut
        [again] = await take(store, clock)
        assert (again.to, again.unordered, again.tries) == ("audit", True, 2)
        await store.outbox.delivered(again, MessageRef("C1", "1.1"), seen=0, opens=["shut C1"])
        [reply] = await take(store, clock)
        assert reply.to == "thread"

    async def test_a_request_is_read_as_of_one_moment(self, store: Store) -> None:
        """A request, its events and its personal values agree with each other."""
        made = await recorded(store, cancelling())
        await store.requests.apply(deny(made.id))
        whole = await store.requests.get_with_history(made.id)
        assert whole.request == await store.requests.request(made.id)
        assert (whole.events, whole.private) == (
            await store.requests.events(made.id),
            await store.requests.personal_values(made.id),
        )

    async def test_nothing_is_announced_of_a_change_that_failed(self, store: Store, clock: Clock) -> None:
        """The outbox has no items of a change that came too late."""
        made = await recorded(store, cancelling())
        await store.requests.apply(replace(deny(made.id), notifications=[Notification("denied", "thread")]))
        with pytest.raises(ConflictError):
            await store.requests.apply(
                replace(approve(made.id), notifications=[Notification("approved", "thread")])
            )
        [post] = await take(store, clock)
        await store.outbox.delivered(post, None, seen=post.event)
        assert post.template == "denied"
        assert not await take(store, clock)


class Remembering:
    """Contract of drafts and people."""

    async def test_a_draft_is_kept_until_its_nonce_is_used(self, store: Store) -> None:
        """A used draft names its request and has no content any more."""
        content: dict[str, object] = {"to": "+919876543210", "meta": {"age": 2.5}}
        await store.users.keep_draft("n1", person="U1", content=content)
        await store.users.keep_draft("n1", person="U2", content={})
        draft = await store.users.draft("n1")
        assert draft is not None
        assert (draft.person, draft.content, draft.request) == ("U1", content, None)
        made = await recorded(store, replace(placing(), nonce="n1"))
        used = await store.users.draft("n1")
        assert used is not None
        assert (used.person, used.content, used.request) == ("U1", {}, made.id)

    async def test_a_nonce_without_a_draft_can_be_used(self, store: Store) -> None:
        """A modal's nonce has no draft, and still names its request."""
        assert await store.users.draft("n1") is None
        made = await recorded(store, replace(placing(), nonce="n1"))
        used = await store.users.draft("n1")
        assert used is not None
        assert used.request == made.id

    async def test_a_name_is_claimed_once(self, store: Store) -> None:
        """Of many simultaneous claims one succeeds. Another name is independent."""
        claims = await asyncio.gather(*(store.users.claim_once("daily:1") for _ in range(5)))
        assert sorted(claims) == [False] * 4 + [True]
        assert await store.users.claim_once("daily:2")

    async def test_old_drafts_are_forgotten(self, store: Store, clock: Clock) -> None:
        """An unused draft is gone after a day, its nonce still works, and used drafts stay."""
        await store.users.keep_draft("old", person="U1", content={"a": 1})
        await store.users.keep_draft("used", person="U1", content={"a": 1})
        made = await recorded(store, replace(placing(), nonce="used"))
        clock.move(days=1, seconds=1)
        await store.users.keep_draft("new", person="U1", content={"a": 2})
        assert await store.users.draft("old") is None
        used, new = await store.users.draft("used"), await store.users.draft("new")
        assert used is not None
        assert used.request == made.id
        assert new is not None
        assert (await store.requests.create(replace(placing(), nonce="old"))).created

    async def test_a_delivery_is_forgotten_after_a_week(self, store: Store, clock: Clock) -> None:
        """Deliveries of Slack are recognised for days, and a nonce for ever."""
        made = await recorded(store, replace(placing(), delivery_key="t1", nonce="n1"))
        clock.move(days=6)
        await recorded(store, replace(placing(), delivery_key="t2"))
        assert not (await store.requests.create(replace(placing(), delivery_key="t1"))).created
        clock.move(days=2)
        await recorded(store, replace(placing(), delivery_key="t3"))
        assert (await store.requests.create(replace(placing(), delivery_key="t1"))).created
        again = await store.requests.create(replace(placing(), nonce="n1"))
        assert (again.request.id, again.created) == (made.id, False)

    async def test_a_denied_attempt_is_an_event_once_a_day(self, store: Store, clock: Clock) -> None:
        """The attempt is in the chain under an id of its own.

        Another place, person or day is another event.
        """
        tried = {"actor": "U1", "where": "/calls", "reason": "Guests cannot."}
        first = await store.audit.record_denied_attempt(**tried)
        assert first is not None
        [event] = await store.requests.events(first)
        assert (event.name, event.actor) == ("denied_attempt", "U1")
        assert event.data == {"tried": "/calls", "reason": "Guests cannot."}
        assert await store.audit.record_denied_attempt(**tried) is None
        assert await store.audit.record_denied_attempt(**{**tried, "where": "/place-call"}) is not None
        assert await store.audit.record_denied_attempt(**{**tried, "actor": "U2"}) is not None
        clock.move(days=1)
        assert await store.audit.record_denied_attempt(**tried) not in {None, first}
        assert not (await verified(store)).faults

    async def test_a_person_is_what_slack_said_last(self, store: Store) -> None:
        """A person's data are replaced as a whole."""
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
        assert await store.users.person("U1") is None
        await store.users.keep_person(person)
        assert await store.users.person("U1") == person
        changed = replace(
            person, name="Asha R.", guest=False, deleted=True, read_at=NOON + timedelta(hours=1)
        )
        await store.users.keep_person(changed)
        assert await store.users.person("U1") == changed

from dataclasses import replace
from datetime import timedelta

from providers.actions import Code, Ending, Kind
from providers.phone import mask
from storage.changes import Annotation, ChangeSet, Transition
from storage.event_log.hash_chain import ASKED, GENESIS
from storage.models import PendingRequest
from storage.queries import Query
from storage.states import State
from storage.store import Store
from tests.storage.contract.changes import recorded, succeeded
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    deleting,
    deny,
    ended,
    erase,
    finish,
    noted,
    placing,
    verified,
    withdraw,
)

TOMORROW = NOON + timedelta(days=1)


class Reading:
    """Contract of lists, lookups, due actions and verification."""

    async def test_pages_are_newest_first_and_do_not_overlap(self, store: Store) -> None:
        """Following the keys visits every action once, even while new ones are recorded."""
        made = [await recorded(store, placing()) for _ in range(7)]
        page = await store.search.page(Query(), limit=3)
        ids = [record.id for record in page.actions]
        await recorded(store, placing())
        while page.after is not None:
            page = await store.search.page(Query(), after=page.after, limit=3)
            ids += [record.id for record in page.actions]
        assert ids == [request.id for request in reversed(made)]

    async def test_a_query_is_every_condition_together(self, store: Store) -> None:
        """Actions are found by state, kind, connection, requester and number, and by all at once."""
        placed = await recorded(store, placing(NUMBER))
        cancel = await recorded(store, replace(cancelling(NUMBER), requester="U2"))
        other = await recorded(store, replace(cancelling(OTHER_NUMBER), connection="second"))
        queries = {
            Query(state=State.PENDING): [other.id, cancel.id],
            Query(kind=Kind.PLACE_CALL): [placed.id],
            Query(connection="second"): [other.id],
            Query(requester="U2"): [cancel.id],
            Query(number=NUMBER): [cancel.id, placed.id],
            Query(State.PENDING, Kind.CANCEL_CALL, "reminders", "U2", NUMBER): [cancel.id],
            Query(State.PENDING, Kind.PLACE_CALL, number=NUMBER): [],
        }
        for query, expected in queries.items():
            assert [record.id for record in (await store.search.page(query)).actions] == expected, query
        assert (await store.search.page(Query(number=NUMBER), limit=1)).after is not None

    async def test_a_number_erased_is_found_no_more(self, store: Store) -> None:
        """The search key of a number is erased, too."""
        made = await recorded(store, placing(NUMBER))
        await erase(store, made.id, actor="U1")
        assert not (await store.search.page(Query(number=NUMBER))).actions
        assert [record.id for record in (await store.search.page(Query())).actions] == [made.id]

    async def test_what_is_coming_up_for_a_number(self, store: Store, clock: Clock) -> None:
        """Only future scheduled calls of that connection, agent and number are listed, soonest first."""
        later = await recorded(store, placing(at=TOMORROW + timedelta(hours=2)))
        sooner = await recorded(store, placing(at=TOMORROW))
        past = await recorded(store, placing(at=clock.now))
        other = await recorded(store, placing(OTHER_NUMBER, at=TOMORROW))
        await recorded(store, placing(at=TOMORROW))  # not sent yet
        for request in (later, sooner, past, other):
            await succeeded(store, request.id, clock, Code.SCHEDULED)
        coming = await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)
        assert [record.id for record in coming] == [sooner.id, later.id]
        assert not await store.call_history.upcoming_calls("second", "payments", NUMBER, clock.now)
        assert not await store.call_history.upcoming_calls("reminders", "sales", NUMBER, clock.now)

    async def test_a_cancellation_by_number_takes_what_was_asked_before_it(
        self, store: Store, clock: Clock
    ) -> None:
        """Calls from before the cancellation's success are gone, and a later one is listed."""
        before = await recorded(store, placing(at=TOMORROW))
        await succeeded(store, before.id, clock, Code.SCHEDULED)
        cancel = await recorded(store, cancelling())
        assert len(await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)) == 1
        await store.requests.apply(approve(cancel.id))
        await succeeded(store, cancel.id, clock, Code.CANCELLED)
        assert not await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)
        clock.move(hours=-1)  # the order is that of the chain, not of the clock
        after = await recorded(store, placing(at=TOMORROW))
        await succeeded(store, after.id, clock, Code.SCHEDULED)
        [coming] = await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)
        assert coming.id == after.id

    async def test_a_cancellation_by_id_takes_that_call(self, store: Store, clock: Clock) -> None:
        """A call that was cancelled by its provider's id is not listed."""
        for reference in ("vx_1", "vx_2"):
            made = await recorded(store, placing(at=TOMORROW))
            await succeeded(store, made.id, clock, Code.SCHEDULED, reference)
        cancel = await recorded(store, cancelling_by_id("vx_1"))
        await store.requests.apply(approve(cancel.id))
        await succeeded(store, cancel.id, clock, Code.CANCELLED)
        [coming] = await store.call_history.upcoming_calls("reminders", "payments", NUMBER, clock.now)
        assert coming.reference == "vx_2"

    async def test_what_is_scheduled_is_listed_with_ones_own_first(self, store: Store, clock: Clock) -> None:
        """Of the chosen connections, a person's own calls come first, and of each the next to go out."""
        others = [
            await recorded(store, replace(placing(number, at=TOMORROW), requester="U2"))
            for number in (NUMBER, OTHER_NUMBER)
        ]
        later = await recorded(store, placing(at=TOMORROW + timedelta(hours=2)))
        sooner = await recorded(store, placing(OTHER_NUMBER, at=TOMORROW))
        elsewhere = await recorded(store, replace(placing(at=TOMORROW), connection="second"))
        past = await recorded(store, placing(at=clock.now))
        gone = await recorded(store, placing(at=TOMORROW))
        for request in (*others, later, sooner, elsewhere, past, gone):
            await succeeded(store, request.id, clock, Code.SCHEDULED, f"vx_{request.id}")
        cancel = await recorded(store, cancelling_by_id(f"vx_{gone.id}"))
        await store.requests.apply(approve(cancel.id))
        await succeeded(store, cancel.id, clock, Code.CANCELLED)
        erased = await recorded(store, placing(at=TOMORROW))
        await succeeded(store, erased.id, clock, Code.SCHEDULED)
        await erase(store, erased.id, actor="U1")

        found = await store.call_history.scheduled(["reminders"], clock.now, mine="U0AGENT", limit=100)
        assert [record.id for record in found] == [one.id for one in (sooner, later, *others)]
        found = await store.call_history.scheduled(["reminders", "second"], clock.now, mine="U2", limit=3)
        assert [record.id for record in found] == [one.id for one in (*others, sooner)]

    async def test_what_is_scheduled_to_a_number_anywhere(self, store: Store, clock: Clock) -> None:
        """Scheduled calls of any connection come soonest first, without cancelled ones."""
        later = await recorded(store, placing(at=TOMORROW + timedelta(hours=1)))
        sooner = await recorded(store, replace(placing(at=TOMORROW), connection="second"))
        other = await recorded(store, placing(OTHER_NUMBER, at=TOMORROW))
        for request in (later, sooner, other):
            await succeeded(store, request.id, clock, Code.SCHEDULED)
        coming = await store.call_history.scheduled_to(NUMBER, clock.now)
        assert [record.id for record in coming] == [sooner.id, later.id]
        cancel = await recorded(store, cancelling())
        await store.requests.apply(approve(cancel.id))
        await succeeded(store, cancel.id, clock, Code.CANCELLED)
        assert [record.id for record in await store.call_history.scheduled_to(NUMBER, clock.now)] == [
            sooner.id
        ]
        assert await store.call_history.scheduled_to(NUMBER, TOMORROW) == []

    async def test_ids_belong_to_the_connections_that_know_them(self, store: Store, clock: Clock) -> None:
        """A connection knows the ids that its provider gave, and those that were targets, and no others."""
        placed = await recorded(store, placing())
        await succeeded(store, placed.id, clock, Code.QUEUED, "vx_1")
        deleted = await recorded(store, replace(deleting("cd-1"), connection="second"))
        await recorded(store, replace(deleting("cd-2"), connection="second"))
        assert await store.call_history.connections_knowing(["vx_1", "cd-1", "cd-2"]) == {"reminders"}
        await store.requests.apply(approve(deleted.id))
        await succeeded(store, deleted.id, clock, Code.DELETED)
        assert await store.call_history.connections_knowing(["vx_1", "cd-1", "cd-2"]) == {
            "reminders",
            "second",
        }
        assert await store.call_history.connections_knowing(["cd-2", "vx_2"]) == frozenset()
        assert await store.call_history.connections_knowing([]) == frozenset()

    async def test_a_call_is_known_by_its_providers_id(self, store: Store, clock: Clock) -> None:
        """The id is known for that connection until the call goes out or is cancelled by that id."""
        made = await recorded(store, placing(at=TOMORROW))
        assert await store.call_history.find_scheduled("reminders", "vx_1", clock.now) is None
        await succeeded(store, made.id, clock, Code.SCHEDULED, "vx_1")
        known = await store.call_history.find_scheduled("reminders", "vx_1", clock.now)
        assert known is not None
        assert (known.id, known.scheduled_for) == (made.id, TOMORROW)
        assert await store.call_history.find_scheduled("second", "vx_1", clock.now) is None
        assert await store.call_history.find_scheduled("reminders", "vx_2", clock.now) is None
        assert await store.call_history.find_scheduled("reminders", "vx_1", TOMORROW) is None
        cancel = await recorded(store, cancelling_by_id("vx_1"))
        await store.requests.apply(approve(cancel.id))
        await succeeded(store, cancel.id, clock, Code.CANCELLED)
        assert await store.call_history.find_scheduled("reminders", "vx_1", clock.now) is None

    async def test_which_ids_are_known(self, store: Store, clock: Clock) -> None:
        """Known ids are those that a provider gave, and those that were targets."""
        made = await recorded(store, placing())
        await succeeded(store, made.id, clock, Code.QUEUED, "vx_1")
        await recorded(store, cancelling_by_id("vx_2"))
        assert set(await store.call_history.known_ids(["vx_1", "vx_2", "vx_3", made.id])) == {"vx_1", "vx_2"}
        assert not await store.call_history.known_ids([])

    async def test_a_reference_was_seen_from_when_it_was_recorded(self, store: Store, clock: Clock) -> None:
        """The log knows an id from its recording event on, for that connection alone."""
        made = await recorded(store, placing())
        await succeeded(store, made.id, clock, Code.QUEUED, "ck_1")
        recorded_at = clock.now
        after = clock.move(seconds=1)
        assert await store.call_history.seen("reminders", "callkaro:1", "ck_1", after)
        assert not await store.call_history.seen("reminders", "callkaro:1", "ck_1", recorded_at)
        assert not await store.call_history.seen("second", "callkaro:1", "ck_1", after)
        assert not await store.call_history.seen("reminders", "callkaro:1", "ck_2", after)
        assert not await store.call_history.seen("reminders", "callkaro:2", "ck_1", after)

    async def test_what_was_cancelled_is_not_seen_any_more(self, store: Store, clock: Clock) -> None:
        """An id that CallOps cancelled is gone, and a second cancellation finds nothing."""
        made = await recorded(store, placing(at=TOMORROW))
        await succeeded(store, made.id, clock, Code.SCHEDULED, "vx_1")
        cancel = await recorded(store, cancelling_by_id("vx_1"))
        await store.requests.apply(approve(cancel.id))
        after = clock.move(seconds=1)
        assert await store.call_history.seen("reminders", "callkaro:1", "vx_1", after)
        await succeeded(store, cancel.id, clock, Code.CANCELLED, "vx_1")
        assert not await store.call_history.seen("reminders", "callkaro:1", "vx_1", clock.move(seconds=1))

    async def test_what_a_day_brought_is_counted(self, store: Store, clock: Clock) -> None:
        """Ended actions count since then, pending and unknown ones at any age.

        Annotations change no count.
        """
        before = await recorded(store, placing())
        await succeeded(store, before.id, clock, Code.QUEUED)
        await recorded(store, cancelling())
        since = clock.move(hours=1)
        await store.requests.apply(noted(Annotation(before.id, "looked_up", {"found": True})))
        for number in (NUMBER, OTHER_NUMBER):
            made = await recorded(store, placing(number))
            await succeeded(store, made.id, clock, Code.QUEUED)
        other = await recorded(store, replace(cancelling(), connection="second"))
        await store.requests.apply(deny(other.id))
        assert [(one.connection, one.state, one.count) for one in await store.search.tally(since)] == [
            ("reminders", State.PENDING, 1),
            ("reminders", State.SUCCEEDED, 2),
            ("second", State.DENIED, 1),
        ]

    async def test_a_day_counts_whom_its_calls_reached(self, store: Store, clock: Clock) -> None:
        """The last try of a call counts. An end of an earlier day's call, or of no placed call, does not."""
        before = await recorded(store, placing())
        await succeeded(store, before.id, clock, Code.QUEUED)
        since = clock.move(hours=1)
        for endings in ([Ending.NO_ANSWER, Ending.ANSWERED], [Ending.ANSWERED, Ending.BUSY], []):
            made = await recorded(store, placing())
            await succeeded(store, made.id, clock, Code.QUEUED)
            for number, ending in enumerate(endings):
                await store.requests.apply(ended(made.id, ending, number))
        await store.requests.apply(ended(before.id, Ending.ANSWERED, 0))
        removed = await recorded(store, replace(cancelling(), connection="second"))
        await store.requests.apply(approve(removed.id))
        await succeeded(store, removed.id, clock, Code.CANCELLED)
        told = {
            one.connection: (one.placed, one.reported, one.reached) for one in await store.search.tally(since)
        }
        assert told == {"reminders": (3, 2, 1), "second": (0, 0, 0)}

    async def test_what_is_ready_comes_in_the_order_of_approval(self, store: Store, clock: Clock) -> None:
        """Approved actions come in the order of approval, once they are due."""
        first, second = await recorded(store, cancelling()), await recorded(store, cancelling())
        await store.requests.apply(approve(second.id))
        clock.move(hours=-1)
        await store.requests.apply(approve(first.id))
        retried = await recorded(store, placing())
        await store.requests.apply(claim(retried.id, until=clock.now + timedelta(seconds=30)))
        again = clock.now + timedelta(minutes=5)
        move = Transition(
            retried.id, "retry", frozenset({State.SENDING}), State.APPROVED, changes={"not_before": again}
        )
        await store.requests.apply(ChangeSet(retried.id, "system", [move]))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 10)] == [
            second.id,
            first.id,
        ]
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 1)] == [second.id]
        assert [record.id for record in await store.dispatch_queue.due(again, 10)] == [
            second.id,
            first.id,
            retried.id,
        ]

    async def test_a_busy_connection_hides_no_other(self, store: Store, clock: Clock) -> None:
        """Each connection has a limit of due actions, and one without a free worker has none."""
        made, second = await recorded(store, placing()), await recorded(store, placing())
        other = await recorded(store, replace(placing(), connection="another"))
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 1)] == [made.id, other.id]
        assert [
            record.id for record in await store.dispatch_queue.due(clock.now, 9, without={made.connection})
        ] == [other.id]
        assert [record.id for record in await store.dispatch_queue.due(clock.now, 1, held={made.id})] == [
            second.id,
            other.id,
        ]

    async def test_what_lapsed_has_nobody_any_more(self, store: Store, clock: Clock) -> None:
        """A sending action with an expired lease is listed until somebody ends it."""
        made = await recorded(store, placing())
        until = clock.now + timedelta(seconds=30)
        await store.requests.apply(claim(made.id, until=until))
        assert not await store.dispatch_queue.lease_expired(until - timedelta(microseconds=1))
        [record] = await store.dispatch_queue.lease_expired(until)
        assert (record.id, record.owner, record.attempt) == (made.id, "one", 1)
        await store.requests.apply(finish(made.id, State.UNKNOWN, code=Code.NO_ANSWER))
        assert not await store.dispatch_queue.lease_expired(until)

    async def test_what_nobody_decided_in_time(self, store: Store, clock: Clock) -> None:
        """Pending requests past their deadline come whole, the longest past first."""
        hour = timedelta(hours=1)
        late = await recorded(store, replace(deleting("cd-1"), decide_by=clock.now + 2 * hour))
        soon = await recorded(store, replace(cancelling(NUMBER, OTHER_NUMBER), decide_by=clock.now + hour))
        await recorded(store, replace(cancelling(), decide_by=None))
        taken_back = await recorded(store, replace(cancelling(), decide_by=clock.now))
        await store.requests.apply(withdraw(taken_back.id))
        assert not await store.approvals.decision_expired(clock.now, 9)
        assert list(await store.approvals.decision_expired(clock.now + 2 * hour, 9)) == [soon, late]
        assert list(await store.approvals.decision_expired(clock.now + 2 * hour, 1)) == [soon]

    async def test_who_waits_comes_with_the_soonest_deadline_first(self, store: Store, clock: Clock) -> None:
        """Each pending request comes once, in short.

        Those without a deadline are last, and decided ones are missing.
        """
        hour = timedelta(hours=1)
        never = await recorded(store, replace(cancelling(), decide_by=None))
        late = await recorded(store, replace(deleting("cd-1"), decide_by=clock.now + 2 * hour))
        soon = await recorded(store, replace(cancelling(NUMBER, OTHER_NUMBER), decide_by=clock.now + hour))
        decided = await recorded(store, cancelling())
        await store.requests.apply(approve(decided.id))
        assert list(await store.approvals.pending(9)) == [
            PendingRequest(one.id, one.requester, one.team, one.rule, one.asked_at, one.decide_by, one.kind)
            for one in (soon, late, never)
        ]

    async def test_numbers_that_read_alike_are_found_while_they_wait(self, store: Store) -> None:
        """Placed and cancelled calls are compared by their visible digits, unless decided or erased."""
        masked = mask(NUMBER)
        one = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
        other = await recorded(store, replace(placing("+91912345" + NUMBER[-4:]), state=State.PENDING))
        await recorded(store, replace(placing("+44207946" + NUMBER[-4:]), state=State.PENDING))
        decided = await recorded(store, cancelling())
        await store.requests.apply(approve(decided.id))
        assert [record.id for record in await store.approvals.pending_ending_with(masked)] == [
            f"{one.id}.1",
            other.id,
        ]
        await erase(store, one.id, actor="U0DPO")
        assert [record.id for record in await store.approvals.pending_ending_with(masked)] == [other.id]

    async def test_who_was_asked_last_is_known(self, store: Store, clock: Clock) -> None:
        """Each person has the last time, whatever it was about."""
        for person in ("U1", "U2", "U1"):
            made = await recorded(store, cancelling())
            await store.requests.apply(noted(Annotation(made.id, ASKED, {"person": person})))
            clock.move(minutes=1)
        await store.requests.apply(noted(Annotation(made.id, "revealed", {"person": "U3"})))
        asked = await store.approvals.last_notified_at(["U2", "U1", "U3"])
        assert asked == {
            "U1": clock.now - timedelta(minutes=1),
            "U2": clock.now - timedelta(minutes=2),
        }
        assert await store.approvals.last_notified_at(["U2"]) == {"U2": asked["U2"]}

    async def test_a_request_keeps_when_it_is_said_to_go_out(self, store: Store, clock: Clock) -> None:
        """The reported time belongs to the request from its first event on."""
        at = clock.now + timedelta(hours=1)
        made = await recorded(store, replace(cancelling(), reported_call_time=at))
        assert made.reported_call_time == (await store.requests.request(made.id)).reported_call_time == at
        assert not (await verified(store)).faults

    async def test_an_empty_log_is_whole(self, store: Store) -> None:
        """Verification finds no fault in an empty log."""
        verdict = await verified(store)
        assert (verdict.events, verdict.actions, verdict.head, verdict.faults) == (0, 0, GENESIS, ())

    async def test_verifying_reads_everything(self, store: Store, clock: Clock) -> None:
        """The report counts events and actions and names the head of the chain."""
        made = await recorded(store, cancelling(NUMBER, OTHER_NUMBER))
        await store.requests.apply(approve(*(record.id for record in made.actions)))
        await store.audit.record_error(actor="U1", where="here", private={"traceback": "x"})
        until = clock.now + timedelta(seconds=30)
        await store.requests.apply(claim(f"{made.id}.1", until=until))
        assert await store.requests.renew_lease(
            f"{made.id}.1", owner="one", attempt=1, until=until + timedelta(seconds=9)
        )
        verdict = await verified(store)
        assert (verdict.events, verdict.actions, verdict.faults) == (6, 2, ())
        assert verdict.head == (await store.requests.events(made.id))[-1].hash

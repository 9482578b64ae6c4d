# ruff: noqa: RUF001 - texts as people write them
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import CallEnd, Code, Ending, Kind
from storage.changes import Annotation
from storage.models import Person
from storage.queries import AskedToStop, Query, SearchHit, SearchPage
from storage.states import State
from storage.store import Store
from tests.storage.contract.changes import cancelled, recorded, succeeded
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    deny,
    ended,
    erase,
    noted,
    placing,
    verified,
)


class Searching:
    """Contract of searching: filters, words, days, pages either way, and reports."""

    async def test_days_and_teams_are_conditions_too(self, store: Store, clock: Clock) -> None:
        """From a moment on and before one, with any other condition, in the order of the requests."""
        noon = clock.now
        first = await recorded(store, placing())
        clock.move(days=1)
        second = await recorded(store, replace(placing(OTHER_NUMBER), requester="U2"))
        is_external = await recorded(store, replace(placing(), team="T9"))
        clock.move(days=-2)
        early = await recorded(store, placing())
        day = timedelta(days=1)
        queries = {
            Query(since=noon): [is_external.id, second.id, first.id],
            Query(until=noon + day): [first.id, early.id],
            Query(since=noon, until=noon + day): [first.id],
            Query(since=noon, requester="U2"): [second.id],
            Query(number=NUMBER, until=noon + day): [early.id, first.id],
            Query(team="T9"): [is_external.id],
        }
        for query, expected in queries.items():
            assert _ids(await store.search.find(query)) == expected, query

    async def test_pages_go_either_way(self, store: Store) -> None:
        """The keys give neither gaps nor repeats. The newest page says that nothing is newer."""
        made = [await recorded(store, placing()) for _ in range(7)]
        ids = [one.id for one in reversed(made)]
        for query in (Query(), Query(number=NUMBER), Query(kind=Kind.PLACE_CALL)):
            first = await store.search.find(query, limit=3)
            second = await store.search.find(query, after=first.after, limit=3)
            third = await store.search.find(query, after=second.after, limit=3)
            assert [_ids(one) for one in (first, second, third)] == [ids[:3], ids[3:6], ids[6:]]
            assert first.before is None
            assert third.after is None
            back = await store.search.find(query, before=third.before, limit=3)
            assert _ids(back) == ids[3:6]
            top = await store.search.find(query, before=back.before, limit=3)
            assert (_ids(top), top.before, top.after) == (ids[:3], None, first.after)
            middle = await store.search.find(query, before=third.before, limit=2)
            assert (_ids(middle), _ids(await store.search.find(query, before=middle.before, limit=2))) == (
                ids[4:6],
                ids[2:4],
            )

    async def test_words_are_found_in_what_people_wrote(self, store: Store) -> None:
        """Reasons and notes are searched, with any special characters, until they are erased."""
        gave = await recorded(store, replace(cancelling(NUMBER, OTHER_NUMBER), reason="Customer MOVED 100%"))
        other = await recorded(store, replace(cancelling(), reason="100 rupees"))
        await store.requests.apply(noted(Annotation(other.id, "heard", {}, {"note": "she moved, too"})))
        targets = [f"{gave.id}.2", f"{gave.id}.1"]
        assert _ids(await store.search.find(Query(text="moved"))) == [other.id, *targets]
        assert _ids(await store.search.find(Query(text="0%"))) == targets
        assert _ids(await store.search.find(Query(text="moved", number=NUMBER))) == [other.id, f"{gave.id}.1"]
        assert _ids(await store.search.find(Query(text="moved", kind=Kind.PLACE_CALL))) == []
        await erase(store, gave.id, actor="U1")
        assert _ids(await store.search.find(Query(text="moved"))) == [other.id]

    @pytest.mark.parametrize(
        ("wrote", "typed"),
        [
            ("MÜLLER", "müller"),
            ("Mu\u0308ller", "MÜLLER"),
            ("Straße", "STRASSE"),
            ("КЛИЕНТ", "клиент"),
            ("Ｃｕｓｔｏｍｅｒ asked", "customer asked"),
            ("ISPARTA", "ısparta"),
            ("İPTAL", "iptal"),
            ("ΠΕΛΆΤΗΣ", "πελάτης"),
            ("DIDN’T", "didn't"),
            ("می\u200cخواهد", "میخواهد"),
            ("अमित ने क\u093cहा", "अमित ने क़हा"),
            ("asked\n  twice", "asked twice"),
            ("24\u20117", "24-7"),
            ("é" * 50, "É" * 50),
        ],
    )
    async def test_words_are_found_however_they_are_written(
        self, store: Store, wrote: str, typed: str
    ) -> None:
        """Case, composition, width, joiners and curly quotes do not count, on either side."""
        await recorded(store, replace(cancelling(), reason="something else"))
        for reason, text in ((wrote, typed), (typed, wrote)):
            made = await recorded(store, replace(cancelling(), reason=f"– {reason} –"))
            assert made.id in _ids(await store.search.find(Query(text=text))), text
            await erase(store, made.id, actor="U1")
            assert _ids(await store.search.find(Query(text=text))) == []

    @pytest.mark.parametrize(
        ("wrote", "typed"),
        [("Müller", "muller"), ("résumé", "resume"), ("कल", "कला"), ("МИР", "mир"), ("100", "1०0")],
    )
    async def test_other_words_are_not_found(self, store: Store, wrote: str, typed: str) -> None:
        """An accent, a vowel sign, or a letter of another script makes another word."""
        await recorded(store, replace(cancelling(), reason=wrote))
        assert _ids(await store.search.find(Query(text=typed))) == []

    async def test_a_hit_says_who_why_and_who_decided(self, store: Store, clock: Clock) -> None:
        """Each target of a request has the texts about all of them."""
        made = await recorded(
            store,
            replace(
                cancelling(NUMBER, OTHER_NUMBER),
                reason="duplicate",
                purpose="dues",
                consent="c-1",
                channel="C1",
            ),
        )
        clock.move(minutes=1)
        await store.requests.apply(approve(*(record.id for record in made.actions)))
        denied = await recorded(store, cancelling())
        await store.requests.apply(deny(denied.id))
        other, second, first = (await store.search.find(Query())).hits
        records = (await store.requests.request(made.id)).actions
        assert [first, second] == [
            SearchHit(
                record,
                "U0AGENT",
                "C1",
                made.rule,
                None,
                None,
                None,
                "duplicate",
                "dues",
                "c-1",
                "U0MANAGER",
                "approve",
                clock.now,
                None,
                None,
            )
            for record in records
        ]
        assert (other.decision, other.reason, other.record.state) == ("deny", None, State.DENIED)

    async def test_a_hit_says_which_request_cancelled_it(self, store: Store, clock: Clock) -> None:
        """The hit of a removed call names that request, and no other hit does.

        A second cancellation found nothing.
        """
        other = await recorded(store, placing(OTHER_NUMBER))
        call, first = await cancelled(store, clock)
        second = await recorded(store, cancelling())
        await store.requests.apply(approve(second.id))
        await succeeded(store, second.id, clock, Code.CANCELLED)
        hits = {hit.record.id: hit.cancelled_by for hit in (await store.search.find(Query())).hits}
        assert hits == {call.id: first.id, other.id: None, first.id: None, second.id: None}

    async def test_a_call_is_found_by_the_end_of_its_last_try(self, store: Store, clock: Clock) -> None:
        """Reports come in any order. The last try counts, and of one try the last report."""
        reached, missed, other = [await recorded(store, placing()) for _ in range(3)]
        for ending, number in ((Ending.BUSY, 0), (Ending.ANSWERED, 2), (Ending.NO_ANSWER, 1)):
            await store.requests.apply(ended(reached.id, ending, number))
        for ending in (Ending.ANSWERED, Ending.NO_ANSWER):
            await store.requests.apply(ended(missed.id, ending, None))
        expected = {Ending.ANSWERED: [reached.id], Ending.NO_ANSWER: [missed.id], Ending.BUSY: []}
        for ending, ids in expected.items():
            for query in (Query(ended=ending), Query(ended=ending, number=NUMBER)):
                hits = (await store.search.find(query)).hits
                assert [hit.record.id for hit in hits] == ids, query
                assert all(hit.record.end and hit.record.end.ending is ending for hit in hits)
        await succeeded(store, other.id, clock, Code.QUEUED)
        assert _ids(await store.search.find(Query(ended="none"))) == [other.id]
        assert not (await verified(store)).faults

    async def test_a_call_without_news_is_one_that_still_counts(self, store: Store, clock: Clock) -> None:
        """Only a placed call that nobody cancelled waits for news of its end."""
        await cancelled(store, clock)
        await recorded(store, placing(OTHER_NUMBER))
        assert _ids(await store.search.find(Query(ended="none"))) == []

    async def test_an_erased_end_keeps_its_ending(self, store: Store) -> None:
        """The length and the provider's word are gone, and the call is still found by its ending."""
        made = await recorded(store, placing())
        await store.requests.apply(ended(made.id, Ending.ANSWERED, 0))
        await erase(store, made.id, actor="U0DPO")
        [hit] = (await store.search.find(Query(ended=Ending.ANSWERED))).hits
        assert hit.record.end == CallEnd(ending=Ending.ANSWERED, try_number=0)
        assert not (await verified(store)).faults

    async def test_since_when_a_number_wants_no_more_calls(self, store: Store, clock: Clock) -> None:
        """The time is that of the first cancellation by the customer's wish, whatever its end."""
        await recorded(store, replace(cancelling(), reason="wrong number"))
        assert await store.search.asked_to_stop(NUMBER) is None
        at = clock.move(hours=1)
        stop = await recorded(
            store, replace(cancelling(OTHER_NUMBER, NUMBER), reason="CUSTOMER\u00a0 asked, twice")
        )
        clock.move(hours=1)
        await recorded(store, replace(cancelling(), reason="customer asked"))
        assert await store.search.asked_to_stop(NUMBER) == AskedToStop(stop.id, at)

    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("asha", ["U1"]),
            ("AS", ["U1", "U3"]),
            ("ashanti", ["U3"]),
            ("mira", []),
            ("JU\u0308RGEN o'neil", ["U4"]),
            ("ｊürgen", ["U4"]),
            ("", []),
        ],
    )
    async def test_people_are_known_by_name(self, store: Store, name: str, found: list[str]) -> None:
        """A whole name comes before names that begin so, in any writing."""
        people = (("U3", "Ashanti"), ("U1", "Asha"), ("U2", "Zoe"), ("U4", "Jürgen O’Neil"))
        for id_, called in people:
            await store.users.keep_person(_member(id_, called))
        assert [one.id for one in await store.users.people_named(name)] == found

    async def test_taking_full_numbers_out_is_an_event(self, store: Store) -> None:
        """The export is in the chain under an id of its own. Its query can be erased."""
        made = await store.audit.record_export(
            actor="os:asha", rows="all", private={"query": f"number={NUMBER}"}
        )
        [event] = await store.requests.events(made)
        assert (event.name, event.actor, event.data["rows"]) == ("exported", "os:asha", "all")
        assert [value for _, _, value in await store.requests.personal_values(made)] == [f"number={NUMBER}"]
        await erase(store, made, actor="U1")
        assert await store.requests.personal_values(made) == []
        assert not (await verified(store)).faults


def _ids(found: SearchPage) -> Sequence[str]:
    return [hit.record.id for hit in found.hits]


def _member(user: str, name: str) -> Person:
    known = {"bot": False, "deleted": False, "guest": False, "is_external": False}
    return Person(user, "T1", name, "Asia/Kolkata", **known, read_at=NOON)

import asyncio
from datetime import timedelta

from storage.repositories.rate_limits import RateLimit
from storage.store import Store
from tests.storage.samples import Clock

SECOND = timedelta(seconds=1)


class Pacing:
    """Contract of the rate limits of an account."""

    async def test_no_minute_has_more_turns_than_its_limit(self, store: Store, clock: Clock) -> None:
        """Any sixty seconds count, not those of the clock. A caller that is too early gets the next time."""
        begun = []
        for _ in range(40):
            again = await store.rate_limits.try_acquire("kore", a_minute=3, now=clock.now)
            if again is None:
                begun.append(clock.now)
                clock.move(seconds=7)
            else:
                assert clock.now < again <= clock.now + timedelta(minutes=1)
                clock.now = again
        assert len(begun) > 10
        for nth, at in enumerate(begun[3:]):
            assert at - begun[nth] >= timedelta(minutes=1)

    async def test_who_is_told_when_finds_a_turn_then(self, store: Store, clock: Clock) -> None:
        """With a limit of one, the second has to wait exactly a minute."""
        start = clock.now
        assert await store.rate_limits.try_acquire("kore", a_minute=1, now=start) is None
        again = await store.rate_limits.try_acquire("kore", a_minute=1, now=start + 20 * SECOND)
        assert again == start + 60 * SECOND
        assert await store.rate_limits.try_acquire("kore", a_minute=1, now=again - SECOND / 1000) == again
        assert await store.rate_limits.try_acquire("kore", a_minute=1, now=again) is None

    async def test_of_many_who_ask_at_once_the_limit_goes(self, store: Store, clock: Clock) -> None:
        """Turns are given in sequence."""
        asked = await asyncio.gather(
            *(store.rate_limits.try_acquire("kore", a_minute=5, now=clock.now) for _ in range(20))
        )
        assert asked.count(None) == 5
        assert set(asked) == {None, clock.now + 60 * SECOND}

    async def test_accounts_do_not_wait_for_each_other(self, store: Store, clock: Clock) -> None:
        """Turns and pauses belong to an account."""
        assert await store.rate_limits.try_acquire("kore", a_minute=1, now=clock.now) is None
        await store.outages.pause("ryng", clock.now + SECOND)
        assert await store.rate_limits.try_acquire("dialer", a_minute=1, now=clock.now) is None
        assert await store.rate_limits.try_acquire("kore", a_minute=2, now=clock.now) is None

    async def test_nothing_goes_during_a_pause(self, store: Store, clock: Clock) -> None:
        """A limit does not matter. A shorter pause shortens none, and a longer one extends it."""
        until = clock.now + 10 * SECOND
        await store.outages.pause("a", until)
        await store.outages.pause("a", until - 5 * SECOND)
        for a_minute in (None, 60):
            assert await store.rate_limits.try_acquire("a", a_minute=a_minute, now=until - SECOND) == until
        await store.outages.pause("a", until + SECOND)
        assert await store.rate_limits.try_acquire("a", a_minute=None, now=until) == until + SECOND
        for a_minute in (None, 60):
            assert await store.rate_limits.try_acquire("a", a_minute=a_minute, now=until + SECOND) is None

    async def test_a_clock_that_was_wrong_stops_no_account(self, store: Store, clock: Clock) -> None:
        """Turns and pauses from a clock that was days ahead count from now at most."""
        clock.move(days=3)
        await store.rate_limits.try_acquire("a", a_minute=1, now=clock.now)
        await store.outages.pause("b", clock.now + timedelta(hours=1))
        clock.move(days=-3)
        assert await store.rate_limits.try_acquire("a", a_minute=1, now=clock.now) == clock.now + 60 * SECOND
        assert await store.rate_limits.try_acquire("b", a_minute=1, now=clock.now) is None
        await store.outages.pause("b", clock.now + 5 * SECOND)
        assert await store.rate_limits.try_acquire("b", a_minute=1, now=clock.now) == clock.now + 5 * SECOND

    async def test_places_are_taken_of_all_or_of_none(self, store: Store, clock: Clock) -> None:
        """A caller that waits for one limit takes nothing of the others, and gets the latest of the times."""
        method, channel = RateLimit("method", 2, 60 * SECOND), RateLimit("channel", 1, SECOND)
        assert await store.rate_limits.take([method, channel], clock.now) is None
        assert await store.rate_limits.take([method, channel], clock.now) == clock.now + SECOND
        clock.move(seconds=1)
        assert await store.rate_limits.take([method, channel], clock.now) is None
        assert await store.rate_limits.take([method, channel], clock.now) == clock.now + 59 * SECOND

    async def test_an_account_may_be_kept_at_another_distance_each_time(
        self, store: Store, clock: Clock
    ) -> None:
        """The distance may be three seconds for an open request, one after its end.

        A pause holds for both.
        """
        assert await store.rate_limits.take([RateLimit("edit", 1, 3 * SECOND)], clock.now) is None
        clock.move(seconds=1)
        assert (
            await store.rate_limits.take([RateLimit("edit", 1, 3 * SECOND)], clock.now)
            == clock.now + 2 * SECOND
        )
        assert await store.rate_limits.take([RateLimit("edit", 1, SECOND)], clock.now) is None
        await store.outages.pause("edit", clock.now + 9 * SECOND)
        for places in (None, 1):
            assert (
                await store.rate_limits.take([RateLimit("edit", places, SECOND)], clock.now)
                == clock.now + 9 * SECOND
            )

    async def test_something_may_be_removed_during_a_long_pause(self, store: Store, clock: Clock) -> None:
        """Once due, one of many callers may go. The next may after an answer, or after a while."""
        until, soon = clock.now + timedelta(days=1), clock.now + timedelta(minutes=15)
        await store.outages.pause("a", until, connections=["one", "two"], probe=soon)
        both = {"one": soon, "two": soon}
        assert {held.connection: held.probe_at for held in await store.outages.all_outages()} == both
        assert not await store.outages.next_probe(["one", "two"], until, due=soon - SECOND)
        later = soon + 30 * SECOND
        taken = await asyncio.gather(
            *(store.outages.next_probe(["one", "two"], later, due=soon) for _ in range(9)),
            store.outages.next_probe(["two", "one"], later, due=soon),
        )
        assert sum(taken) == 1
        assert not await store.outages.next_probe(["one"], later, due=later - SECOND)
        assert await store.outages.next_probe(["one", "two"], soon + SECOND)  # the probe was answered
        assert await store.outages.next_probe(["two"], later, due=soon + SECOND)
        await store.outages.pause("a", soon, connections=["one", "two"], probe=until)
        assert {held.probe_at for held in await store.outages.all_outages()} == {until}
        assert not await store.outages.next_probe(["three"], later)

    async def test_what_removes_something_may_go_in_spite_of_a_pause(
        self, store: Store, clock: Clock
    ) -> None:
        """A removal still takes its turn among the others."""
        until = clock.now + timedelta(days=1)
        await store.outages.pause("a", until)
        for a_minute in (None, 1):
            assert await store.rate_limits.try_acquire("a", a_minute=a_minute, now=clock.now) == until
            assert (
                await store.rate_limits.try_acquire("a", a_minute=a_minute, now=clock.now, paused=False)
                is None
            )
        assert (
            await store.rate_limits.try_acquire("a", a_minute=1, now=clock.now, paused=False)
            == clock.now + 60 * SECOND
        )

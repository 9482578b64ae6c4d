from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import CampaignRef, Kind, StartCampaign
from storage.changes import Announced, ChangeSet, NewAction, NewRequest, Notification
from storage.errors import ConflictError
from storage.models import Approval, MessageRef, OutboxItem, Pause, PauseCounts
from storage.repositories.pauses import CARDS_TOLD
from storage.states import State
from storage.store import Store
from tests.storage.contract.beginning import LEASE, approved, begin
from tests.storage.contract.changes import assert_replayable, recorded
from tests.storage.samples import Clock, cancelling, deleting, erase, placing, verified

STARTING = replace(
    deleting("cd-1"),
    kind=Kind.START_CAMPAIGN,
    actions=[NewAction(StartCampaign(target=CampaignRef(campaign_id="cd-1")))],
)
HELD = [placing(), STARTING]
CARD = Notification("state", "card")


async def paused(
    store: Store, name: str | None = None, *, until: timedelta | None = None, nonce: str = "n"
) -> Pause:
    """Pause calls as a manager."""
    now = store._database.sources.clock()
    return await store.pauses.pause(
        name,
        actor="U0MANAGER",
        reason="wrong list",
        until=None if until is None else now + until,
        nonce=nonce,
    )


async def told(store: Store, clock: Clock) -> list[OutboxItem]:
    """Return the announcements of pauses that are due."""
    items = await store.outbox.outgoing(clock.now, owner="one", until=clock.now + LEASE, limit=50)
    return [one for one in items if one.template == Announced.PAUSE]


async def asked(store: Store, clock: Clock, number: int) -> str:
    """Request a call that has to be approved, and return its id."""
    asked_for = replace(
        placing(f"+9198765{number:05}"),
        fingerprint=f"call {number}",
        state=State.PENDING,
        approvals_needed=1,
        decide_by=clock.now + timedelta(hours=1, seconds=number),
        notifications=[CARD],
    )
    return (await recorded(store, asked_for)).id


async def posted(store: Store, clock: Clock, ts: str | None = None) -> list[str | None]:
    """Deliver every card and edit that is due, and return the requests. New cards get the time ``ts``."""
    found: list[str | None] = []
    while due := await store.outbox.outgoing(clock.now, owner="one", until=clock.now + LEASE, limit=200):
        for one in due:
            stands = (await store.requests.request(one.request)).messages if one.request else {}
            ref = stands.get("card", MessageRef("C0APPROVE", ts or "1.1"))
            await store.outbox.delivered(one, ref, seen=one.event)
            found += [one.request] if one.request else []
    return found


async def editing(store: Store, clock: Clock, request: str) -> Sequence[OutboxItem]:
    """Queue an edit of a card, as an approval of several does, and lease it."""
    approval = Approval(person="U0MANAGER", decision="approve", group=None, members=[], content="")
    change = ChangeSet(request, "U0MANAGER", [], approval=approval, notifications=[CARD])
    await store.requests.apply(change)
    return await store.outbox.outgoing(clock.now, owner="one", until=clock.now + LEASE, limit=9)


class Pausing:
    """Contract of the brake: pauses that hold back calls and the start of campaigns."""

    @pytest.mark.parametrize("new", HELD)
    @pytest.mark.parametrize("name", [None, "reminders"])
    async def test_nothing_is_claimed_during_a_pause(
        self, store: Store, clock: Clock, new: NewRequest, name: str | None
    ) -> None:
        """It is neither due nor claimable, and both once the calls go on."""
        made = await approved(store, new)
        await paused(store, name)
        assert not await store.dispatch_queue.due(clock.now, 9)
        assert [one.id for one in await store.dispatch_queue.paused(clock.now, 9)] == [made.id]
        with pytest.raises(ConflictError):
            await store.requests.apply(begin(made, clock))
        assert await store.pauses.resume(name, actor="U0MANAGER")
        assert not await store.dispatch_queue.paused(clock.now, 9)
        assert [one.id for one in await store.dispatch_queue.due(clock.now, 9)] == [made.id]
        await store.requests.apply(begin(made, clock))
        await assert_replayable(store, made.id)

    @pytest.mark.parametrize("new", HELD)
    async def test_what_was_claimed_is_not_renewed_after_a_pause(
        self, store: Store, clock: Clock, new: NewRequest
    ) -> None:
        """Its bytes may not leave. The pause counts it among those that may have left."""
        made = await approved(store, new)
        await store.requests.apply(begin(made, clock))
        lease = clock.now + LEASE
        assert await store.requests.renew_lease(made.id, owner="one", attempt=1, until=lease)
        made_pause = await paused(store, "reminders")
        assert (made_pause.found.leaving, made_pause.found.waiting) == (1, 0)
        assert not await store.requests.renew_lease(made.id, owner="one", attempt=1, until=lease)

    @pytest.mark.parametrize("new", [cancelling(), deleting("cd-1")])
    async def test_what_removes_something_goes_on(self, store: Store, clock: Clock, new: NewRequest) -> None:
        """A pause holds back neither cancellations nor deletions."""
        made = await approved(store, new)
        await paused(store)
        assert [one.id for one in await store.dispatch_queue.due(clock.now, 9)] == [made.id]
        await store.requests.apply(begin(made, clock))
        lease = clock.now + LEASE
        assert await store.requests.renew_lease(made.id, owner="one", attempt=1, until=lease)
        assert (await store.requests.request(made.id)).paused_by is None

    async def test_another_connection_goes_on(self, store: Store, clock: Clock) -> None:
        """A pause of one connection concerns no other."""
        made = await recorded(store, placing())
        await paused(store, "voxworks")
        assert [one.id for one in await store.dispatch_queue.due(clock.now, 9)] == [made.id]
        assert (await store.requests.request(made.id)).paused_by is None

    async def test_a_pause_ends_by_the_clock(self, store: Store, clock: Clock) -> None:
        """At its end nobody needs to do anything, and nobody can end it any more."""
        made = await recorded(store, placing())
        held = await paused(store, until=timedelta(minutes=5))
        clock.move(minutes=5, microseconds=-1)
        assert await store.pauses.active(clock.now) == [held]
        assert not await store.dispatch_queue.due(clock.now, 9)
        clock.move(microseconds=1)
        assert not await store.pauses.active(clock.now)
        assert [one.id for one in await store.dispatch_queue.due(clock.now, 9)] == [made.id]
        assert (await store.requests.request(made.id)).paused_by is None
        assert await store.pauses.resume(None, actor="U0MANAGER") is None
        assert not (await verified(store)).faults

    async def test_a_pause_begins_before_it_ends(self, store: Store) -> None:
        """An end that has come is refused, and nothing is recorded."""
        with pytest.raises(ValueError, match="ends after it begins"):
            await paused(store, until=timedelta())
        assert (await verified(store)).events == 0

    async def test_a_request_says_by_whom_it_is_paused(self, store: Store) -> None:
        """It says so as soon as it is recorded, and as long as it waits."""
        held = await paused(store, "reminders", until=timedelta(hours=1))
        assert held.reason == "wrong list"
        created = (await store.requests.create(placing())).request
        assert created.paused_by == held
        assert (await store.requests.request(created.id)).paused_by == held
        assert (await store.requests.create(cancelling())).request.paused_by is None

    async def test_the_same_delivery_pauses_once(self, store: Store) -> None:
        """Slack may deliver a command again."""
        first = await paused(store)
        assert await paused(store) == first
        assert (await verified(store)).events == 1

    async def test_a_later_pause_takes_the_place_of_an_earlier_one(self, store: Store, clock: Clock) -> None:
        """One is in force. The other's announcement says which took its place."""
        first = await paused(store)
        later = await paused(store, until=timedelta(hours=1), nonce="other")
        assert await store.pauses.active(clock.now) == [later]
        payloads = {one.key: one.payload for one in await told(store, clock)}
        assert payloads == {f"pause:{first.id}": {"replaced_by": later.id}, f"pause:{later.id}": {}}
        assert not (await verified(store)).faults

    async def test_a_pause_of_all_and_one_of_a_connection_end_apart(self, store: Store, clock: Clock) -> None:
        """Both have to end before calls go out."""
        await recorded(store, placing())
        everywhere, one = await paused(store), await paused(store, "reminders", nonce="other")
        assert await store.pauses.active(clock.now) == [everywhere, one]
        assert await store.pauses.resume(None, actor="U0MANAGER") == everywhere
        assert not await store.dispatch_queue.due(clock.now, 9)
        assert await store.pauses.resume("reminders", actor="U0MANAGER") == one
        assert await store.dispatch_queue.due(clock.now, 9)
        assert await store.pauses.resume("reminders", actor="U0MANAGER") is None
        assert not (await verified(store)).faults

    async def test_the_reason_of_a_pause_is_erasable(self, store: Store, clock: Clock) -> None:
        """The pause stays in force without it."""
        held = await paused(store)
        await erase(store, held.id, actor="U0DPO")
        assert await store.pauses.active(clock.now) == [replace(held, reason=None)]
        assert not (await verified(store)).faults

    async def test_a_pause_is_ended_by_its_id_once(self, store: Store) -> None:
        """The id of a pause that another one replaced ends nothing."""
        first, second = await paused(store, nonce="1"), await paused(store, nonce="2")
        assert await store.pauses.resume(None, actor="U0MANAGER", only=first.id) is None
        assert await store.pauses.resume(None, actor="U0MANAGER", only=second.id) == second
        assert await store.pauses.resume(None, actor="U0MANAGER", only=second.id) is None

    async def test_what_a_pause_would_find_is_counted_by_connection(self, store: Store, clock: Clock) -> None:
        """Actions that wait and those that are being sent, as the pause itself counts them."""
        await store.requests.apply(begin(await approved(store, placing()), clock))
        await approved(store, replace(STARTING, connection="kore"))
        await approved(store, cancelling())
        found = await store.pauses.counts(clock.now)
        assert found == {"reminders": PauseCounts(leaving=1), "kore": PauseCounts(waiting=1)}
        assert await store.pauses.counts(clock.now, "kore") == {"kore": PauseCounts(waiting=1)}
        assert (await paused(store)).found == PauseCounts(waiting=1, leaving=1)

    async def test_cards_show_a_pause_and_not_after_it(self, store: Store, clock: Clock) -> None:
        """The next to be decided are edited, and after the pause those that showed it."""
        made = [await asked(store, clock, number) for number in range(CARDS_TOLD + 2)]
        cancelled = await recorded(store, replace(cancelling(), notifications=[CARD]))
        await posted(store, clock, f"{clock.now.timestamp()}")
        clock.move(minutes=5)
        await paused(store)
        assert await posted(store, clock) == made[:CARDS_TOLD]
        clock.move(minutes=5)
        during = await asked(store, clock, 200)
        await posted(store, clock, f"{clock.now.timestamp()}")
        await store.pauses.resume(None, actor="U0MANAGER")
        assert await posted(store, clock) == [*made[:CARDS_TOLD], during]
        assert cancelled.id not in made

    async def test_a_card_that_is_sent_during_a_pause_is_edited_again(
        self, store: Store, clock: Clock
    ) -> None:
        """It may have been rendered just before, so the edit is not taken for shown."""
        made = await asked(store, clock, 1)
        await posted(store, clock, "1.1")
        [first] = await editing(store, clock, made)
        clock.move(seconds=1)
        await paused(store)
        seen = (await store.requests.events(made))[-1].seq
        await store.outbox.delivered(first, MessageRef("C0APPROVE", "1.1"), seen=seen)
        assert await posted(store, clock) == [made]

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import CampaignRef, Code, Kind, StopCampaign
from storage.changes import NewAction, NewRequest
from storage.errors import DuplicateRequestError
from storage.queries import Query
from storage.states import State
from storage.store import Store
from tests.storage.contract.changes import recorded, succeeded
from tests.storage.samples import (
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    deleting,
    deny,
    finish,
    placing,
    withdraw,
)


def joining(new: NewRequest) -> NewRequest:
    """Return a request with deduplication."""
    return replace(new, deduplicate=True)


async def joined(store: Store, new: NewRequest) -> dict[int, str]:
    """Return the id of the request that already has each target."""
    with pytest.raises(DuplicateRequestError) as asked:
        await store.requests.create(joining(new))
    return {place: request.id for place, request in asked.value.by.items()}


class Joining:
    """Contract of a second request for the same target."""

    @pytest.mark.parametrize("new", [cancelling(), cancelling_by_id("vx_1"), deleting("cd-1")])
    async def test_what_is_under_way_is_not_asked_again(
        self, store: Store, clock: Clock, new: NewRequest
    ) -> None:
        """A pending, approved, sending or unknown request is returned, and nothing is written."""
        first = await recorded(store, joining(new))
        assert await joined(store, new) == {0: first.id}
        await store.requests.apply(approve(first.id))
        assert await joined(store, new) == {0: first.id}
        await store.requests.apply(claim(first.id, until=clock.now + timedelta(seconds=30)))
        assert await joined(store, new) == {0: first.id}
        await store.requests.apply(finish(first.id, State.UNKNOWN, code=Code.NO_ANSWER))
        assert await joined(store, new) == {0: first.id}
        assert len((await store.search.page(Query())).actions) == 1

    async def test_what_has_ended_is_asked_anew(self, store: Store, clock: Clock) -> None:
        """After a denied, withdrawn, done or late request, the next one is new."""
        for end in (deny, withdraw):
            first = await recorded(store, joining(cancelling()))
            await store.requests.apply(end(first.id))
        done = await recorded(store, joining(cancelling()))
        await store.requests.apply(approve(done.id))
        await succeeded(store, done.id, clock, Code.CANCELLED)
        late = await recorded(store, joining(cancelling()))
        assert late.decide_by is not None
        clock.now = late.decide_by
        await recorded(store, joining(cancelling()))

    async def test_another_target_is_another_request(self, store: Store) -> None:
        """Only the same kind, number and agent, or id, at the same account is a duplicate."""
        await recorded(store, joining(cancelling()))
        await recorded(store, joining(deleting("cd-1")))
        await recorded(store, joining(cancelling(OTHER_NUMBER)))
        await recorded(store, joining(replace(cancelling(), connection="second")))
        await recorded(store, joining(replace(cancelling(), fingerprint="callkaro:2")))
        await recorded(store, joining(replace(cancelling(), mode="dry-run")))
        stop = NewAction(StopCampaign(target=CampaignRef(campaign_id="cd-1")))
        await recorded(store, joining(replace(deleting("cd-1"), kind=Kind.STOP_CAMPAIGN, actions=[stop])))
        await recorded(store, placing())
        await recorded(store, cancelling())  # without deduplication

    async def test_some_of_several_are_named(self, store: Store) -> None:
        """Duplicate targets of several are named by their position."""
        first = await recorded(store, joining(cancelling(OTHER_NUMBER)))
        assert await joined(store, cancelling(NUMBER, OTHER_NUMBER)) == {1: first.id}

    async def test_a_doubt_about_something_older_is_not_joined(self, store: Store, clock: Clock) -> None:
        """After another call was requested, an unknown cancellation concerns the earlier calls."""
        first = await recorded(store, joining(cancelling()))
        await store.requests.apply(approve(first.id))
        await store.requests.apply(claim(first.id, until=clock.now + timedelta(seconds=30)))
        await store.requests.apply(finish(first.id, State.UNKNOWN, code=Code.NO_ANSWER))
        await recorded(store, placing())
        await recorded(store, joining(cancelling()))

    async def test_the_same_intent_is_found_before_anything_is_joined(self, store: Store) -> None:
        """A repeated delivery returns its own request, not another person's."""
        new = replace(joining(cancelling()), delivery_key="command:1")
        first = await recorded(store, new)
        again = await store.requests.create(new)
        assert (again.request.id, again.created) == (first.id, False)

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import CampaignRef, Code, Kind, StopCampaign
from storage.changes import NewAction, NewRequest
from storage.errors import DuplicateRequestError
from storage.models import Query
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
    """A request that asks for nothing twice."""
    return replace(new, deduplicate=True)


async def joined(store: Store, new: NewRequest) -> dict[int, str]:
    """Which request each target is asked for by already."""
    with pytest.raises(DuplicateRequestError) as asked:
        await store.requests.create(joining(new))
    return {place: request.id for place, request in asked.value.by.items()}


class Joining:
    """What every store promises of a second request for the same target."""

    @pytest.mark.parametrize("new", [cancelling(), cancelling_by_id("vx_1"), deleting("cd-1")])
    async def test_what_is_under_way_is_not_asked_again(
        self, store: Store, clock: Clock, new: NewRequest
    ) -> None:
        """A request that is pending, approved, being sent or unknown is the answer; nothing is written."""
        first = await recorded(store, joining(new))
        assert await joined(store, new) == {0: first.id}
        await store.requests.apply(approve(first.id))
        assert await joined(store, new) == {0: first.id}
        await store.requests.apply(claim(first.id, until=clock.now + timedelta(seconds=30)))
        assert await joined(store, new) == {0: first.id}
        await store.requests.apply(finish(first.id, State.UNKNOWN, code=Code.NO_ANSWER))
        assert await joined(store, new) == {0: first.id}
        assert len((await store.search.page(Query())).entries) == 1

    async def test_what_has_ended_is_asked_anew(self, store: Store, clock: Clock) -> None:
        """Denied, taken back, done, or past its time: the next request is a new one."""
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
        """Only the same kind, number and agent, or id, at the same account joins."""
        await recorded(store, joining(cancelling()))
        await recorded(store, joining(deleting("cd-1")))
        await recorded(store, joining(cancelling(OTHER_NUMBER)))
        await recorded(store, joining(replace(cancelling(), connection="second")))
        await recorded(store, joining(replace(cancelling(), fingerprint="callkaro:2")))
        await recorded(store, joining(replace(cancelling(), mode="dry-run")))
        stop = NewAction(StopCampaign(target=CampaignRef(campaign_id="cd-1")))
        await recorded(store, joining(replace(deleting("cd-1"), kind=Kind.STOP_CAMPAIGN, actions=[stop])))
        await recorded(store, placing())
        await recorded(store, cancelling())  # nobody asked to join

    async def test_some_of_several_are_named(self, store: Store) -> None:
        """Of several targets those that are asked for already are told by their place."""
        first = await recorded(store, joining(cancelling(OTHER_NUMBER)))
        assert await joined(store, cancelling(NUMBER, OTHER_NUMBER)) == {1: first.id}

    async def test_a_doubt_about_something_older_is_not_joined(self, store: Store, clock: Clock) -> None:
        """Once another call was asked for, a cancellation in doubt is about the ones before it."""
        first = await recorded(store, joining(cancelling()))
        await store.requests.apply(approve(first.id))
        await store.requests.apply(claim(first.id, until=clock.now + timedelta(seconds=30)))
        await store.requests.apply(finish(first.id, State.UNKNOWN, code=Code.NO_ANSWER))
        await recorded(store, placing())
        await recorded(store, joining(cancelling()))

    async def test_the_same_intent_is_found_before_anything_is_joined(self, store: Store) -> None:
        """What Slack delivers twice is its own request again, not somebody else's."""
        new = replace(joining(cancelling()), delivery_key="command:1")
        first = await recorded(store, new)
        again = await store.requests.create(new)
        assert (again.request.id, again.created) == (first.id, False)

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.actions import CampaignRef, Code, Kind, StopCampaign
from storage.changes import NewAction, NewRequest
from storage.errors import AlreadyAsked
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
    return replace(new, joins=True)


async def joined(log: Store, new: NewRequest) -> dict[int, str]:
    """Which request each target is asked for by already."""
    with pytest.raises(AlreadyAsked) as asked:
        await log.requests.record(joining(new))
    return {place: request.id for place, request in asked.value.by.items()}


class Joining:
    """What every store promises of a second request for the same target."""

    @pytest.mark.parametrize("new", [cancelling(), cancelling_by_id("vx_1"), deleting("cd-1")])
    async def test_what_is_under_way_is_not_asked_again(
        self, log: Store, clock: Clock, new: NewRequest
    ) -> None:
        """A request that is pending, approved, being sent or unknown is the answer; nothing is written."""
        first = await recorded(log, joining(new))
        assert await joined(log, new) == {0: first.id}
        await log.requests.apply(approve(first.id))
        assert await joined(log, new) == {0: first.id}
        await log.requests.apply(claim(first.id, until=clock.now + timedelta(seconds=30)))
        assert await joined(log, new) == {0: first.id}
        await log.requests.apply(finish(first.id, State.UNKNOWN, code=Code.NO_ANSWER))
        assert await joined(log, new) == {0: first.id}
        assert len((await log.search.page(Query())).entries) == 1

    async def test_what_has_ended_is_asked_anew(self, log: Store, clock: Clock) -> None:
        """Denied, taken back, done, or past its time: the next request is a new one."""
        for end in (deny, withdraw):
            first = await recorded(log, joining(cancelling()))
            await log.requests.apply(end(first.id))
        done = await recorded(log, joining(cancelling()))
        await log.requests.apply(approve(done.id))
        await succeeded(log, done.id, clock, Code.CANCELLED)
        late = await recorded(log, joining(cancelling()))
        assert late.decide_by is not None
        clock.now = late.decide_by
        await recorded(log, joining(cancelling()))

    async def test_another_target_is_another_request(self, log: Store) -> None:
        """Only the same kind, number and agent, or id, at the same account joins."""
        await recorded(log, joining(cancelling()))
        await recorded(log, joining(deleting("cd-1")))
        await recorded(log, joining(cancelling(OTHER_NUMBER)))
        await recorded(log, joining(replace(cancelling(), connection="second")))
        await recorded(log, joining(replace(cancelling(), fingerprint="callkaro:2")))
        await recorded(log, joining(replace(cancelling(), mode="dry-run")))
        stop = NewAction(StopCampaign(target=CampaignRef(campaign_id="cd-1")))
        await recorded(log, joining(replace(deleting("cd-1"), kind=Kind.STOP_CAMPAIGN, actions=[stop])))
        await recorded(log, placing())
        await recorded(log, cancelling())  # nobody asked to join

    async def test_some_of_several_are_named(self, log: Store) -> None:
        """Of several targets those that are asked for already are told by their place."""
        first = await recorded(log, joining(cancelling(OTHER_NUMBER)))
        assert await joined(log, cancelling(NUMBER, OTHER_NUMBER)) == {1: first.id}

    async def test_a_doubt_about_something_older_is_not_joined(self, log: Store, clock: Clock) -> None:
        """Once another call was asked for, a cancellation in doubt is about the ones before it."""
        first = await recorded(log, joining(cancelling()))
        await log.requests.apply(approve(first.id))
        await log.requests.apply(claim(first.id, until=clock.now + timedelta(seconds=30)))
        await log.requests.apply(finish(first.id, State.UNKNOWN, code=Code.NO_ANSWER))
        await recorded(log, placing())
        await recorded(log, joining(cancelling()))

    async def test_the_same_intent_is_found_before_anything_is_joined(self, log: Store) -> None:
        """What Slack delivers twice is its own request again, not somebody else's."""
        new = replace(joining(cancelling()), delivery_key="command:1")
        first = await recorded(log, new)
        again = await log.requests.record(new)
        assert (again.request.id, again.fresh) == (first.id, False)

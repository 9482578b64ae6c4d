"""The adapters against the stand-ins: each request is understood, and has its effect once."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from playground import kore as kore_standin
from playground import ryng as ryng_standin
from playground import voxworks as voxworks_standin
from playground.faults import HONEST, REPLIES, SILENT, Fault
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Kind,
    Outcome,
    PlaceCall,
    Retry,
    StartCampaign,
    Status,
    StopCampaign,
)
from providers.base import Adapter, Context
from providers.registry import PROVIDERS
from tests.playground.providers_running import NUMBER, START, Running, running
from tests.providers.made import open_adapter
from tests.providers.wire import perform

CONTEXT = Context(now=START, action_id="A-7K3F")
HURRIED = 0.5
"""Seconds of a deadline that a test can wait for."""
PLACE = PlaceCall(to=NUMBER, agent="asha")
READY = CampaignRef(campaign_id=kore_standin.READY)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "voxworks": {
        "api_key": voxworks_standin.KEY,
        "from_number": voxworks_standin.FROM_NUMBER,
        "agents": {"asha": voxworks_standin.SCRIPT},
    },
    "ryng": {
        "subdomain": ryng_standin.SUBDOMAIN,
        "access_token": ryng_standin.TOKEN,
        "campaign_id": ryng_standin.CAMPAIGN,
        "agents": {"asha": ryng_standin.AGENT},
    },
    "kore": {
        "app_id": kore_standin.APP,
        "account_id": kore_standin.ACCOUNT,
        "client_id": kore_standin.CLIENT_ID,
        "client_secret": kore_standin.CLIENT_SECRET,
        "jti": True,
    },
}
CALLING: list[tuple[str, PlaceCall | StartCampaign]] = [
    ("voxworks", PLACE),
    ("ryng", PLACE),
    ("kore", StartCampaign(target=READY)),
]
"""Undocumented actions that make phones ring."""


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


def connected(on: Running, provider: str, *, deadline: float = 5.0, **settings: Any) -> Adapter:
    """Return a connection to a stand-in, with undocumented features allowed."""
    kind = PROVIDERS[provider]
    address = str(getattr(on, provider).base_url).rstrip("/")
    given = {"base_url": address, "allow_undocumented": True, **SETTINGS[provider], **settings}
    return kind(kind.settings_type.model_validate(given), deadline=deadline, clock=lambda: START)


async def performed(
    on: Running, provider: str, action: CallAction, *, context: Context = CONTEXT, **options: Any
) -> Outcome:
    """Perform an action at a stand-in, and return its outcome."""
    async with open_adapter(connected(on, provider, **options)) as adapter:
        return await perform(adapter, action, context)


@pytest.mark.parametrize("provider", ["voxworks", "ryng"])
async def test_a_placed_call_is_cancelled_by_its_id(on: Running, provider: str) -> None:
    """The id in the answer to the first is the target of the second."""
    action = PLACE
    if provider == "voxworks":
        action = PLACE.model_copy(update={"at": START + timedelta(hours=1)})
    placed = await performed(on, provider, action)
    assert (placed.status, placed.warnings) == (Status.OK, ())
    assert placed.reference is not None
    gone = await performed(on, provider, CancelCall(target=CallRef(call_id=placed.reference)))
    assert (gone.code, gone.warnings) == (Code.CANCELLED, ())
    assert await on.effects(provider) == [("placed", placed.reference), ("cancelled", placed.reference)]


@pytest.mark.parametrize("style", ["agentassist-v1", "campaign-v2"])
async def test_a_campaigns_whole_life(on: Running, style: str) -> None:
    """The campaign is looked up, started, stopped and deleted, in either version of the paths."""
    async with open_adapter(connected(on, "kore", api_style=style)) as adapter:
        told = []
        life: tuple[CallAction, ...] = (
            StartCampaign(target=READY),
            StopCampaign(target=READY),
            DeleteCampaign(target=READY),
        )
        for hour, action in enumerate(life):
            context = Context(now=START + timedelta(hours=hour), action_id="A-7K3F")
            seen = await adapter.look_up(action, context)
            assert seen is not None
            assert seen.found
            told.append((seen.name, (await perform(adapter, action, context)).code))
        after = await adapter.look_up(DeleteCampaign(target=READY), Context(now=START, action_id="A-2222"))
        again = await perform(adapter, StopCampaign(target=READY), Context(now=START, action_id="A-2222"))
    name = "Service Renewal Outreach Campaign61"
    assert told == [
        (name, Code.STARTED),
        (name, Code.STOPPED),
        (name, Code.DELETED),
    ]
    assert after is not None
    assert (after.found, again.code) == (False, Code.NOT_FOUND)
    what = ["started", "stopped", "deleted"]
    assert await on.effects("kore") == [(one, kore_standin.READY) for one in what]


FAULTS = sorted({*SILENT, *HONEST, *REPLIES, "endless", "server_error"} - {"reply"})


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("provider", "action"), CALLING, ids=lambda one: str(getattr(one, "kind", one)))
async def test_phones_ring_once(on: Running, provider: str, action: CallAction, fault: str) -> None:
    """A single request reaches the provider, without an automatic retry, for every fate of the answer."""
    seconds = {"slow": HURRIED * 2, "drip": HURRIED / 10, "endless": HURRIED / 10}.get(fault, 0)
    await on.control.fail(provider, Fault(does=fault, seconds=seconds))
    outcome = await performed(on, provider, action, deadline=HURRIED)
    exchanges = (await on.control.journal(provider)).exchanges
    assert len(exchanges) == 1
    assert outcome.retry in {Retry.NEVER, Retry.VERIFY}
    assert outcome.status is not Status.OK
    certain = fault == "redirect" and not isinstance(action, PlaceCall)  # a redirected request did nothing
    assert (outcome.status is Status.FAILED) == certain
    assert (outcome.retry is Retry.VERIFY) == (not certain)


@pytest.mark.parametrize(("provider", "action"), CALLING, ids=lambda one: str(getattr(one, "kind", one)))
async def test_nobody_there(on: Running, provider: str, action: CallAction) -> None:
    """A refused connection was certainly not sent, and is safe to retry."""
    await on.control.fail(provider, "refused")
    outcome = await performed(on, provider, action)
    assert (outcome.code, outcome.retry) == (Code.UNREACHABLE, Retry.SAFE)
    assert (await on.control.journal(provider)).exchanges == ()


REFUSED: list[tuple[str, CallAction, Mapping[str, Any], Code]] = [
    ("voxworks", PLACE, {"from_number": "+61290000000"}, Code.NOT_FOUND),
    ("voxworks", PLACE, {"agents": {"asha": "another"}}, Code.NOT_FOUND),
    ("voxworks", PLACE, {"api_key": "wrong"}, Code.AUTH_FAILED),
    ("ryng", PLACE, {"number_format": "digits"}, Code.REJECTED),
    ("ryng", PLACE, {"access_token": "wrong"}, Code.AUTH_FAILED),
    ("ryng", PLACE, {"auth_header": "x-access-key"}, Code.AUTH_FAILED),
    ("kore", StartCampaign(target=READY), {"iid": "st-other"}, Code.AUTH_FAILED),
    ("kore", StopCampaign(target=CampaignRef(campaign_id="cd-0")), {}, Code.NOT_FOUND),
    ("kore", StopCampaign(target=READY), {"trigger_template": "/elsewhere/{campaignId}"}, Code.NOT_FOUND),
]


@pytest.mark.parametrize(("provider", "action", "settings", "code"), REFUSED)
async def test_what_the_provider_refuses(
    on: Running, provider: str, action: CallAction, settings: Mapping[str, Any], code: Code
) -> None:
    """A wrong setting ends with a message, once, and changes nothing."""
    outcome = await performed(on, provider, action, **settings)
    assert (outcome.status, outcome.code, outcome.retry) == (Status.FAILED, code, Retry.NEVER)
    assert await on.effects(provider) == []


RATE: list[tuple[str, CallAction, Callable[[Outcome], bool]]] = [
    ("voxworks", PLACE, lambda outcome: outcome.retry is Retry.NEVER and outcome.pause == 5.0),
    ("voxworks", CancelCall(target=CallRef(call_id="vx_1001")), lambda outcome: outcome.retry is Retry.AFTER),
    ("kore", StartCampaign(target=READY), lambda outcome: outcome.retry is Retry.NEVER),
    ("kore", StopCampaign(target=READY), lambda outcome: outcome.retry is Retry.AFTER),
]


@pytest.mark.parametrize(("provider", "action", "holds"), RATE)
async def test_too_many_requests(
    on: Running, provider: str, action: CallAction, holds: Callable[[Outcome], bool]
) -> None:
    """A request that calls people is not retried, even if it was not processed."""
    await on.control.fail(provider, "rate_limited")
    outcome = await performed(on, provider, action)
    assert outcome.code is Code.RATE_LIMITED
    assert holds(outcome)
    assert await on.effects(provider) == []


async def test_every_stand_in_is_in_reach(on: Running) -> None:
    """The reachability check finds each host, and changes nothing there."""
    for provider in SETTINGS:
        async with open_adapter(connected(on, provider)) as adapter:
            assert await adapter.ping() is None
            await on.control.fail(provider, "refused")
            assert "refuses connections" in str(await adapter.ping())
            await on.control.clear(provider)
        assert await on.effects(provider) == []


def test_everything_beyond_that_calls_people_is_here() -> None:
    """A new way to make phones ring is tried against every fault, too."""
    undocumented = {
        (name, known.kind)
        for name, adapter in PROVIDERS.items()
        for known in adapter.capabilities
        if known.source != "documented" and known.kind in {Kind.PLACE_CALL, Kind.START_CAMPAIGN}
    }
    assert undocumented == {(provider, action.kind) for provider, action in CALLING}

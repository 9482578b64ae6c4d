"""Look-ups that show whether an unknown cancellation, stop or start took effect."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.services.models import RequestSource, RequestSpec
from bot.services.outcomes import MAX_ATTEMPTS, PAUSES
from bot.ui.decision_facts import facts_to_decide
from bot.ui.request_summary import target
from playground import kore
from playground.faults import Fault
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from storage.models import Request
from storage.queries import Query
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_ID, BotWorld, bench
from tests.integration.test_end_polls import SETTINGS
from tests.storage.samples import NUMBER

UNDOCUMENTED = {'provider = "voxworks"\n': 'provider = "voxworks"\nallow_undocumented = true\n'}
CAMPAIGN = CampaignRef(campaign_id=kore.CAMPAIGN)
STOP, START = StopCampaign(target=CAMPAIGN), StartCampaign(target=CAMPAIGN)
RULE = """
[[rules]]
name = "campaigns"
actions = ["stop_campaign", "start_campaign"]
request = ["everyone"]
settle = ["managers"]

[[rules]]
name = "cancellations"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def told(status: int = 200, /, **document: Any) -> Fault:
    """Return one reply in place of the provider's own."""
    return Fault(does="reply", status=status, body=json.dumps(document), effect=False)


def call(**fields: object) -> Fault:
    """Return a reply to a look-up of the call at Voxworks."""
    return told(success=True, call={"call_id": "vx_1001", **fields})


async def lost_cancellation(stage: BotWorld, first: Fault, then: Fault) -> Request:
    """Create a cancellation whose answers are all lost, looked up before and after with these replies."""
    await stage.crash(**UNDOCUMENTED)
    bot = stage.bot
    await stage.providers.fail("voxworks", first)
    made = await bot.ask(CANCEL_BY_ID)
    await bot.run_until_idle()
    await bot.approve(made)
    await stage.providers.fail("voxworks", "reset", times=MAX_ATTEMPTS, effect=True)
    for _ in range(MAX_ATTEMPTS):
        await bot.dispatcher.run_once()
        assert await bot.dispatcher.finish(timedelta(seconds=10))
        await stage.pass_time(seconds=PAUSES[-1].total_seconds())
    await stage.providers.fail("voxworks", then)
    await bot.run_until_idle()
    return await bot.store.requests.request(made.id)


async def test_who_decides_reads_when_and_whom_the_call_was_to_reach(stage: BotWorld) -> None:
    """The time and the masked number come from the provider. The number is in no event."""
    await stage.crash(**UNDOCUMENTED)
    reply = call(
        status="scheduled", scheduled_time="2030-02-25T09:00:00Z", contact={"phone_number": "+919876543210"}
    )
    await stage.providers.fail("voxworks", reply)
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.run_until_idle()
    request = await stage.bot.store.requests.request(made.id)
    [record] = request.actions
    assert (record.lookup_found, record.known_as) == (True, "+91\u00a0•••3210")
    assert target(record) == "call `vx_1001` to +91 •••3210"
    when = dict(facts_to_decide(request))["Call time"]
    assert "1898240400" in when
    assert when.endswith("the provider says")
    assert "3210" not in str([event.data for event in await stage.bot.store.requests.events(made.id)])
    assert (await stage.bot.store.search.page(Query())).actions[0].lookup_call_time == record.lookup_call_time
    assert [one.request.method for one in await stage.asked("voxworks")] == ["GET"]


async def test_a_call_that_the_log_knows_is_cancelled_without_a_look_up_before(stage: BotWorld) -> None:
    """Its look-up could only make the cancellation late. The log saw the id when the call was placed."""
    await stage.crash(**{'provider = "voxworks"\n': SETTINGS})
    at = stage.clock() + timedelta(hours=1)
    placed = RequestSpec("voxworks", (PlaceCall(to=NUMBER, agent="reminder", at=at),), "a reason")
    source = RequestSource(await stage.bot.person(AGENT), "C0SUPPORT", "placed", None)
    call = await stage.bot.requests.ask(placed, source)
    await stage.bot.run_until_idle()
    reference = (await stage.bot.record(call.request)).reference or ""
    made = await stage.bot.approved(CancelCall(target=CallRef(call_id=reference)))
    await stage.bot.look_ups.run_once()
    assert not stage.bot.look_ups.running
    assert await stage.bot.look_ups.before_first_attempt(made.actions[0])
    assert [one.request.method for one in await stage.asked("voxworks")] == ["POST"]
    unknown = await stage.bot.ask(CANCEL_BY_ID, delivery_key="other")
    assert await stage.bot.look_ups.before_first_attempt(unknown.actions[0])
    assert [one.request.method for one in await stage.asked("voxworks")] == ["POST", "GET"]


async def test_a_call_that_is_cancelled_now_settles_its_cancellation(stage: BotWorld) -> None:
    """The call was seen before the first attempt, and the provider shows the effect."""
    made = await lost_cancellation(stage, call(status="scheduled"), call(status="cancelled"))
    [record] = made.actions
    assert (record.state, record.code, record.reference) == (State.SUCCEEDED, Code.CANCELLED, "vx_1001")
    assert "shows this as done" in (record.message or "")
    assert not (await stage.bot.store.verify()).faults
    assert await stage.effects("voxworks") == ["cancelled"]
    await stage.bot.posts()
    assert any("Cancelled" in one.text for one in await stage.said("D0AGENT"))


async def test_a_call_that_is_still_scheduled_stays_a_doubt(stage: BotWorld) -> None:
    """The thread says so once, and people settle it."""
    made = await lost_cancellation(stage, call(status="scheduled"), call(status="scheduled"))
    for _ in range(3):
        await stage.bot.run_until_idle()
    [record] = made.actions
    assert (record.state, record.lookup_found) == (State.UNKNOWN, True)
    assert [one.request.method for one in await stage.asked("voxworks")].count("GET") == 2
    await stage.bot.posts()
    assert any("The provider still has it" in one.text for one in await stage.said("C0AUDIT"))


GONE = told(404, success=False, message="The requested resource was not found.")
PAGE = Fault(does="reply", status=404, body="<h1>404 Not Found</h1>", effect=False)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (GONE, call(status="cancelled")),  # nobody had seen it before
        (PAGE, call(status="cancelled")),
        (call(status="scheduled"), GONE),  # also the answer for another team's call
        (call(status="scheduled"), PAGE),
        (call(status="scheduled"), call(status="completed")),
        (call(status="scheduled"), call(status="paused")),  # an unknown word
        (call(status="scheduled"), told(success=True, call={"status": "cancelled"})),  # of which call?
        (call(status="scheduled"), told(success=True, call={"call_id": "vx_2", "status": "cancelled"})),
        (call(status="scheduled"), told(success=False, call={"call_id": "vx_1001", "status": "cancelled"})),
        (call(status="scheduled"), told(500, success=True, call={"call_id": "vx_1001"})),
    ],
)
async def test_nothing_else_settles_a_cancellation(stage: BotWorld, first: Fault, then: Fault) -> None:
    """A call is cancelled only if its own provider says so of this very call, seen before."""
    made = await lost_cancellation(stage, first, then)
    assert made.state is State.UNKNOWN


def status_is(word: str, of: str = kore.CAMPAIGN) -> Fault:
    """Return a reply to a look-up of a campaign's status."""
    return told(status="success", data={"id": of, "status": word, "name": "Renewals"})


async def lost(stage: BotWorld, action: CallAction, then: Fault) -> Request:
    """Create a stop or a start whose answer is lost, with this reply to the look-up after it."""
    await stage.with_kore(**{'[[rules]]\nname = "cancellations': RULE})
    bot = stage.bot
    bot.store.at["after sending"] = partial(stage.providers.fail, "kore", "reset", effect=True)
    bot.store.at["after unknown"] = partial(stage.providers.fail, "kore", then)
    spec = RequestSpec("kore", (action,), "customer asked")
    source = RequestSource(await bot.person(AGENT), "C0SUPPORT", "trigger", None)
    made = (await bot.requests.ask(spec, source)).request
    await bot.run_until_idle()
    assert "after unknown" in bot.store.steps
    return await bot.store.requests.request(made.id)


@pytest.mark.parametrize(
    ("action", "status", "code"), [(STOP, "Stopped", Code.STOPPED), (START, "Active", Code.STARTED)]
)
async def test_a_status_settles_a_stop_and_a_start(
    stage: BotWorld, action: CallAction, status: str, code: Code
) -> None:
    """The campaign's status is the effect itself. It is asked for once, with a request of its own."""
    made = await lost(stage, action, status_is(status))
    [record] = made.actions
    assert (record.state, record.code) == (State.SUCCEEDED, code)
    asked = [one.request for one in await stage.asked("kore")]
    look_up = f"/agentassist/api/v1/public/{kore.APP}/campaign/{kore.CAMPAIGN}/status?"
    assert ["trigger=" in one.target for one in asked] == [False, True, False]
    assert asked[0].target == asked[2].target
    assert asked[2].target.startswith(look_up)
    assert not (await stage.bot.store.verify()).faults


@pytest.mark.parametrize(
    ("action", "then"),
    [
        (STOP, status_is("Active")),
        (START, status_is("Stopped")),
        (STOP, status_is("Ready")),
        (STOP, status_is("Stopped", of="cd-2")),
        (STOP, told(status="success", data={"status": "Stopped"})),  # of which campaign?
        (STOP, told(status="failure")),
        (STOP, told(404, status="error", message="Campaign not found")),
        (STOP, told(500, status="success", data={"id": kore.CAMPAIGN, "status": "Stopped"})),
        (STOP, PAGE),
        (STOP, told(message="Rate limit for this API has been reached")),
    ],
)
async def test_any_other_status_is_no_news(stage: BotWorld, action: CallAction, then: Fault) -> None:
    """The request may yet have its effect, so people settle it. Nobody is told anything."""
    made = await lost(stage, action, then)
    assert made.state is State.UNKNOWN
    await stage.bot.posts()
    assert not [one for one in await stage.said("C0AUDIT") if "still has it" in one.text]

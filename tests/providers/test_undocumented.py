"""Undocumented features of providers: the switch for them, and the meaning of their replies."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import JsonValue, ValidationError

from bot.ui.request_summary import MAX_NAME
from providers.actions import (
    CallAction,
    CallEnd,
    CallRef,
    CampaignRef,
    CancelCall,
    CannotSendError,
    Code,
    DeleteCampaign,
    Ending,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from providers.base import Response
from providers.kore import Kore, KoreSettings
from providers.phone import mask
from providers.registry import PROVIDERS
from providers.ryng import Ryng, RyngSettings
from providers.transport.redaction import Redactor
from providers.voxworks import Voxworks, VoxworksSettings
from tests.providers.made import CONTEXT, KEY, NOW, NUMBER, ask, callkaro, open_adapter
from tests.providers.wire import listening, nobody_listening, perform, reply

CALLER = "+61291234567"  # Voxworks' own example
CAMPAIGN = CampaignRef(campaign_id="cd-1")
PLACE = PlaceCall(to=NUMBER, agent="asha")
STOP, START, DELETE = (
    StopCampaign(target=CAMPAIGN),
    StartCampaign(target=CAMPAIGN),
    DeleteCampaign(target=CAMPAIGN),
)
AT = datetime(2026, 2, 25, 14, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))


def voxworks(**settings: Any) -> Voxworks:
    """Return a Voxworks connection that may place calls."""
    given = {
        "api_key": KEY,
        "allow_undocumented": True,
        "from_number": CALLER,
        "agents": {"asha": "script-1"},
    }
    return Voxworks(VoxworksSettings.model_validate(given | settings), clock=lambda: NOW)


def ryng(**settings: Any) -> Ryng:
    """Return a Ryng connection that may place calls."""
    given = {
        "subdomain": "tenant",
        "access_token": KEY,
        "allow_undocumented": True,
        "campaign_id": 595,
        "agents": {"asha": 7},
    }
    return Ryng(RyngSettings.model_validate(given | settings), clock=lambda: NOW)


def kore(**settings: Any) -> Kore:
    """Return a Kore.ai connection with every feature."""
    way_in = {} if "client_id" in settings else {"token": KEY}
    given = {
        "base_url": "https://platform.kore.ai",
        "app_id": "st-1",
        "account_id": "acc-1",
        "allow_undocumented": True,
    }
    return Kore(KoreSettings.model_validate(given | way_in | settings), clock=lambda: NOW)


def received(action: CallAction, status: int, document: dict[str, JsonValue] | None) -> Response:
    """Return a reply as an adapter gets it."""
    redactor = Redactor.of(action, ())
    return Response(status=status, document=document, raw="", retry_after=None, redactor=redactor)


def test_a_time_is_shown_as_it_is_sent() -> None:
    """Voxworks gets UTC, and the preview gets that very string."""
    prepared = voxworks().prepare(PLACE.model_copy(update={"at": AT}), CONTEXT)
    assert json.loads(prepared.body or b"")["scheduled_time"] == prepared.provider_time
    assert (prepared.provider_time, prepared.zone) == ("2026-02-25T09:00:00Z", "UTC")
    assert voxworks().prepare(PLACE, CONTEXT).zone is None


FOUND: dict[str, JsonValue] = {
    "_id": "cd-1",
    "name": "Renewals\n+1 812 345 6789",
    "status": "Ready",
    "dialingMode": "Preview",
}


@pytest.mark.parametrize("action", [DELETE, STOP, START])
@pytest.mark.parametrize(
    ("status", "document", "found"),
    [
        (200, {"status": "success", "data": FOUND}, True),
        (200, {"status": "success", "data": FOUND | {"_id": "cd-2"}}, None),
        (200, {"status": "success", "data": {"name": "Renewals"}}, None),
        (200, {"status": "success"}, None),
        (200, {"status": "error", "data": FOUND}, None),
        (200, None, None),
        (404, {"status": "error"}, False),
        (404, None, None),
        (401, None, None),
        (403, None, None),
        (429, None, None),
        (500, {"status": "success", "data": FOUND}, None),
    ],
)
def test_a_look_up(
    action: CallAction, status: int, document: dict[str, JsonValue] | None, *, found: bool | None
) -> None:
    """Only the requested campaign counts as found, and only Kore.ai's own 404 as absent."""
    sighting = kore().lookup_result(action, received(action, status, document))
    assert sighting.found is found
    assert sighting.name == ("Renewals +1\u00a0•••6789" if found else None)
    assert "cd-1" not in sighting.message


def test_a_name_that_is_not_shown_whole_is_not_taken_for_whole() -> None:
    """A cut name does not tell two such campaigns apart."""
    data = FOUND | {"name": "Renewals " * 20}
    sighting = kore().lookup_result(DELETE, received(DELETE, 200, {"status": "success", "data": data}))
    assert len(sighting.name or "") > MAX_NAME


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_a_look_up_with_the_rate_text_is_none(status: int) -> None:
    """Kore.ai did not look, whatever the status says. The campaign is neither there nor gone."""
    document: dict[str, JsonValue] = {"message": "Rate limit for this API has been reached"}
    sighting = kore().lookup_result(DELETE, received(DELETE, status, document))
    assert (sighting.found, sighting.put_off) == (None, True)


async def test_a_look_up_on_the_wire() -> None:
    """A lookup is a single GET without a body, to the path of a deletion, with a token of its own."""
    signing = {"client_id": "cs-1", "client_secret": "canary-client-secret-7b1e", "jti": True}
    async with (
        listening(reply(200, {"status": "success", "data": FOUND})) as wire,
        open_adapter(kore(base_url=wire.base_url, **signing)) as adapter,
    ):
        sighting = await adapter.look_up(DELETE, CONTEXT)
        await perform(adapter, DELETE, CONTEXT)
    assert sighting is not None
    assert sighting.found
    look, delete = wire.received
    assert (look.method, look.target, look.body) == ("GET", delete.target, b"")
    assert delete.method == "DELETE"
    assert look.headers["auth"] != delete.headers["auth"]


async def test_a_look_up_of_no_id_says_nothing() -> None:
    """An invalid id proves nothing about a campaign."""
    async with nobody_listening() as base_url, open_adapter(kore(base_url=base_url)) as adapter:
        smuggled = DeleteCampaign.model_construct(target=CampaignRef.model_construct(campaign_id="../x"))
        refused = await adapter.look_up(smuggled, CONTEXT)
    assert refused is not None
    assert refused.found is None


async def test_a_dry_run_looks_nothing_up() -> None:
    """A dry run does not even look up."""
    async with open_adapter(kore(mode="dry-run")) as adapter:
        assert await adapter.look_up(DELETE, CONTEXT) is None


CANCEL = CancelCall(target=CallRef(call_id="vx_1"))
SCHEDULED: dict[str, JsonValue] = {
    "call_id": "vx_1",
    "status": "scheduled",
    "scheduled_time": "2026-02-25T09:00:00Z",
    "contact": {"phone_number": NUMBER, "first_name": "Abhinav"},
    "summary": "He owes 500",
    "transcript": "Hello",
}


@pytest.mark.parametrize(
    ("status", "document", "found", "done"),
    [
        (200, {"success": True, "call": SCHEDULED}, True, False),
        (200, {"success": True, "call": {"id": "vx_1"}}, True, False),
        (200, {"success": True, "call": {"id": "vx_1", "status": "Cancelled"}}, True, True),
        (200, {"success": True, "call": {"id": "vx_1", "status": "canceled"}}, True, True),
        (200, {"success": True, "call": {"id": "vx_1", "status": "completed"}}, None, False),
        (200, {"success": True, "call": {"id": "vx_1", "status": "not cancelled"}}, None, False),
        (200, {"success": True, "call": {"id": "vx_1", "status": 7}}, True, False),
        (200, {"success": True, "call": {"id": "vx_2", "status": "cancelled"}}, None, False),
        (200, {"success": True, "call": {"status": "cancelled"}}, None, False),
        (200, {"success": True, "call": [SCHEDULED]}, None, False),
        (200, {"success": True}, None, False),
        (200, {"success": False, "call": SCHEDULED}, None, False),
        (200, {"call": SCHEDULED}, None, False),
        (404, {"success": False, "message": "Not found"}, False, False),
        (404, {"message": "Not found"}, None, False),
        (404, None, None, False),
        (401, {"success": False}, None, False),
        (429, {"success": False}, None, False),
        (500, {"success": True, "call": SCHEDULED}, None, False),
    ],
)
def test_a_look_up_of_a_call(
    status: int, document: dict[str, JsonValue] | None, *, found: bool | None, done: bool
) -> None:
    """Only the requested call counts, and what is not said of it is not known."""
    sighting = voxworks().lookup_result(CANCEL, received(CANCEL, status, document))
    assert (sighting.found, sighting.done) == (found, done)


def test_a_look_up_of_a_call_keeps_its_time_and_its_masked_number() -> None:
    """Names, summary and transcript are left out. A time without an offset is not a moment."""
    document: dict[str, JsonValue] = {"success": True, "call": SCHEDULED}
    sighting = voxworks().lookup_result(CANCEL, received(CANCEL, 200, document))
    assert sighting.name == mask(NUMBER)
    assert sighting.call_time == datetime(2026, 2, 25, 9, tzinfo=UTC)
    assert not [word for word in ("Abhinav", "owes", "Hello", NUMBER[-10:]) if word in repr(sighting)]
    for at in ("2026-02-25T09:00:00", "soon", "", 1, None):
        document = {"success": True, "call": SCHEDULED | {"scheduled_time": at}}
        assert voxworks().lookup_result(CANCEL, received(CANCEL, 200, document)).call_time is None
    for number in ("0429069971", "9876543210", "Abhinav Rao", "+91 98765 43210 x", 919876543210, None):
        document = {"success": True, "call": SCHEDULED | {"contact": {"phone_number": number}}}
        assert voxworks().lookup_result(CANCEL, received(CANCEL, 200, document)).name is None


def test_a_placed_call_is_not_looked_up() -> None:
    """It has no id yet, and without the setting nothing undocumented is asked."""
    assert voxworks().build_look_up(PLACE, CONTEXT) is None
    assert voxworks(allow_undocumented=False).build_look_up(CANCEL, CONTEXT) is None


@pytest.mark.parametrize(("action", "effect"), [(STOP, "Stopped"), (START, "Active"), (DELETE, None)])
def test_a_campaign_s_status_shows_the_effect(action: CallAction, effect: str | None) -> None:
    """A deletion has no such status. The page's sample has the id under `id`, and the name."""
    data: dict[str, JsonValue] = {"id": "cd-1", "name": "Renewals"}
    for status in ("Active", "Stopped", "Ready", "success", "Deleted", 7, None):
        document: dict[str, JsonValue] = {"status": "success", "data": {**data, "status": status}}
        sighting = kore().lookup_result(action, received(action, 200, document))
        assert (sighting.found, sighting.name, sighting.done) == (
            True,
            "Renewals",
            bool(effect) and status == effect,
        )


ANSWERED = CallEnd(ending=Ending.ANSWERED, word="completed", seconds=42)


@pytest.mark.parametrize(
    ("call", "end"),
    [
        ({"status": "completed", "duration": 42}, ANSWERED),
        ({"status": "completed", "duration": "42 s"}, CallEnd(ending=Ending.ANSWERED, word="completed")),
        ({"status": "voicemail"}, CallEnd(ending=Ending.VOICEMAIL, word="voicemail")),
        ({"status": "rang-out"}, CallEnd(ending=Ending.NO_ANSWER, word="rang-out")),
        ({"status": "failed"}, CallEnd(ending=Ending.FAILED, word="failed")),
        ({"status": "User rejected"}, CallEnd(ending=Ending.REJECTED, word="User rejected")),
        ({"status": "User unavailable"}, CallEnd(ending=Ending.OTHER, word="User unavailable")),
        ({"status": "hang-up", "duration": 3}, CallEnd(ending=Ending.OTHER, word="hang-up", seconds=3)),
        ({"status": "dropout"}, CallEnd(ending=Ending.OTHER, word="dropout")),
        ({"status": "cancelled"}, CallEnd(ending=Ending.DELETED, word="cancelled")),
        (
            {"status": "answered twice", "ended_at": "2026-02-25T09:00:00Z"},
            CallEnd(ending=Ending.OTHER, word="answered twice"),
        ),
        ({"status": "+919876543210", "ended_at": "2026-02-25T09:00:00Z"}, None),
        ({"status": "call +919876543210", "ended_at": "x"}, CallEnd(ending=Ending.OTHER)),
        ({"status": "answered twice"}, None),
        ({"status": "scheduled", "ended_at": "2026-02-25T09:00:00Z"}, None),
        ({"status": "in_progress"}, None),
        ({"status": "Ringing"}, None),
        ({"status": None, "ended_at": "2026-02-25T09:00:00Z"}, None),
        ({"status": 7, "ended_at": "2026-02-25T09:00:00Z"}, None),
        ({"ended_at": "2026-02-25T09:00:00Z"}, None),
        ({"status": "completed", "call_id": "vx_2"}, None),
        ({"status": "completed", "call_id": None}, None),
    ],
)
def test_the_end_of_a_call(call: dict[str, JsonValue], end: CallEnd | None) -> None:
    """A word that is not known is no end by itself, and never an answer. A missing field says nothing."""
    document: dict[str, JsonValue] = {"success": True, "call": {"call_id": "vx_1", **call}}
    assert voxworks().end_result(PLACE, "vx_1", None, received(PLACE, 200, document)).end == end
    for status, said in ((404, document), (500, document), (200, {**document, "success": False})):
        assert voxworks().end_result(PLACE, "vx_1", None, received(PLACE, status, said)).end is None
    others: list[dict[str, JsonValue] | None] = [
        None,
        {"call": document["call"]},
        {"success": True, "call": "x"},
    ]
    for other in others:
        assert voxworks().end_result(PLACE, "vx_1", None, received(PLACE, 200, other)).end is None


async def test_the_rest_of_an_end_on_the_wire() -> None:
    """Of a call's result only the address of its recording is kept. What fails leaves the end as it is."""
    url = "https://recordings.example/1.mp3"
    call: dict[str, JsonValue] = {"call_id": "vx_1", "status": "completed", "duration": 42}
    result = {**call, "recording_url": url, "call_summary": "He owes 500", "transcript": "Hello"}
    answers = [reply(200, {"success": True, "call": one}) for one in (call, result)]
    async with listening(answers[0]) as wire, open_adapter(voxworks(base_url=wire.base_url)) as adapter:
        first = await adapter.look_up_end(PLACE, "vx_1", None, CONTEXT)
        assert first is not None
        wire.answer = answers[1]
        second = await adapter.look_up_end(PLACE, "vx_1", first.end, CONTEXT)
    assert second is not None
    assert (first.end, second.end) == (ANSWERED, ANSWERED.model_copy(update={"recording": url}))
    assert "owes" not in repr((first, second))
    asked = [(one.method, one.target, one.body) for one in wire.received]
    assert asked == [("GET", f"/api/v1/{name}/vx_1", b"") for name in ("get-call", "get-call-result")]
    documents: list[dict[str, JsonValue]] = [
        {"success": True, "call": {**result, "recording_url": "javascript:x"}},
        {"success": True},
    ]
    for document in documents:
        kept = voxworks().parse_end("vx_1", ANSWERED, received(PLACE, 200, document))
        assert kept == ANSWERED


async def test_an_end_is_asked_for_where_it_may_be() -> None:
    """A connection without undocumented requests and a dry run ask nothing, and neither does a deleted call."""
    deleted = CallEnd(ending=Ending.DELETED)
    assert voxworks(allow_undocumented=False).build_end("vx_1", None, CONTEXT) is None
    assert (voxworks().tells_ends, voxworks(allow_undocumented=False).tells_ends) == (True, False)
    assert voxworks().build_end("vx_1", deleted, CONTEXT) is None
    assert kore().build_end("vx_1", None, CONTEXT) is None
    async with open_adapter(voxworks(mode="dry-run")) as adapter:
        assert await adapter.look_up_end(PLACE, "vx_1", None, CONTEXT) is None
    async with nobody_listening() as base_url, open_adapter(voxworks(base_url=base_url)) as adapter:
        for call_id in ("vx_1", "../vx_1"):
            failed = await adapter.look_up_end(PLACE, call_id, None, CONTEXT)
            assert failed is not None
            assert failed.end is None


SPENT: dict[str, JsonValue] = {"success": False, "message": "Rate limit exceeded"}


def test_an_end_that_was_put_off_pauses_the_connection() -> None:
    """The call may be over or not."""
    seen = voxworks().end_result(PLACE, "vx_1", None, received(PLACE, 429, SPENT))
    assert (seen.end, seen.put_off, bool(seen.pause)) == (None, True, True)


TRIGGER: dict[str, JsonValue] = {"call_id": "vx_1", "call_status": "completed", "phone_user": "+61400111222"}


@pytest.mark.parametrize(
    ("document", "ending", "number"),
    [
        ({"trigger": TRIGGER, "contact": {"phone_number": NUMBER}}, Ending.ANSWERED, NUMBER),
        ({"call_id": "vx_1", "status": "rang-out", "phone_number": NUMBER}, Ending.NO_ANSWER, NUMBER),
        ({"call_id": "vx_1", "call_status": "voicemail"}, Ending.VOICEMAIL, None),
        ({"call_id": "vx_1", "status": "unavailable"}, Ending.OTHER, None),
        ({"call_id": "vx_1", "status": "rejected"}, Ending.REJECTED, None),
        ({"call_id": "vx_1", "status": "sublime"}, Ending.OTHER, None),
        ({"call_id": "vx_1", "status": "completed", "phone_number": "0429069971"}, Ending.ANSWERED, None),
        ({"call_id": "vx_1", "status": "completed", "phone_number": 919876543210}, Ending.ANSWERED, None),
        ({"trigger": TRIGGER | {"call_status": "scheduled"}}, None, None),
        ({"trigger": TRIGGER | {"call_id": "../vx_1"}}, None, None),
        ({"trigger": TRIGGER | {"call_id": 7}}, None, None),
        ({"trigger": TRIGGER | {"call_status": None}}, None, None),
        ({"trigger": TRIGGER | {"call_status": ["completed"]}}, None, None),
        ({"trigger": "x", "contact": []}, None, None),
        ({}, None, None),
        (["call_id"], None, None),
        (None, None, None),
    ],
)
def test_a_webhook_of_voxworks(document: JsonValue, ending: Ending | None, number: str | None) -> None:
    """It names the call by Voxworks' own id. A word that is not known is told as it is, and is no answer."""
    event = voxworks().parse_webhook(document)
    assert (event and event.end.ending, event and event.number) == (ending, number)
    if event:
        assert (event.action_id, event.reference) == (None, "vx_1")


def test_a_webhook_of_voxworks_needs_the_switch_and_a_word() -> None:
    """Nothing else tells Voxworks from others."""
    word = "canary-webhook-word-of-128-bits"
    assert voxworks(webhook_secret=word).webhook_secret == word
    assert voxworks().webhook_secret is None
    with pytest.raises(ValidationError, match="allow_undocumented"):
        voxworks(webhook_secret=word, allow_undocumented=False)
    with pytest.raises(ValidationError, match="22 to 128 random letters"):
        voxworks(webhook_secret="guess")


UNDOCUMENTED = [(voxworks, PLACE), (ryng, PLACE), (kore, STOP), (kore, START)]


@pytest.mark.parametrize(("of", "action"), UNDOCUMENTED)
def test_the_switch(of: Any, action: CallAction) -> None:
    """Without it, what only other pages know is not offered."""
    closed = of(allow_undocumented=False)
    assert closed.capability(action.kind) is None
    assert closed.agents == ()
    known = of().capability(action.kind)
    assert known is not None
    assert known.source == "undocumented"


def test_only_what_is_documented_is_on_by_default() -> None:
    """A new connection does what its provider's document has, and no more."""
    for adapter in PROVIDERS.values():
        assert not adapter.settings_type.model_fields["allow_undocumented"].default
        assert any(known.source == "documented" for known in adapter.capabilities)


def test_the_second_style_needs_the_switch() -> None:
    """The second version of Kore.ai's paths is known from another page, and says so when it loads."""
    with pytest.raises(ValidationError, match="allow_undocumented = true"):
        kore(api_style="campaign-v2", allow_undocumented=False)


@pytest.mark.parametrize(
    ("of", "settings"),
    [
        (voxworks, {"from_number": "0291234567"}),
        (voxworks, {"from_number": "+"}),
        (voxworks, {"agents": {"asha": ""}}),
        (voxworks, {"agents": {"asha": "two words"}}),
        (voxworks, {"number_format": "digits"}),
        (voxworks, {"campaign_id": 1}),
        (ryng, {"agents": {"asha": "seven"}}),
        (ryng, {"agents": {"asha": 0}}),
        (ryng, {"campaign_id": "595"}),
        (ryng, {"campaign_id": True}),
        (ryng, {"agents": {"asha": "7"}}),
        (ryng, {"campaign_id": -1}),
        (ryng, {"number_format": "national"}),
        (kore, {"trigger_template": "/campaign"}),
        (kore, {"trigger_template": "/../{campaignId}"}),
    ],
)
def test_a_wrong_setting_is_refused_at_load(of: Any, settings: dict[str, Any]) -> None:
    """A setting that cannot work is a fault at load, and shows no secret."""
    with pytest.raises(ValidationError) as refused:
        of(**settings)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("of", "changes", "agent"),
    [
        (voxworks, [{}, {"from_number": "+61290000000"}, {"agents": {"asha": "script-2"}}], "asha"),
        (ryng, [{}, {"campaign_id": 1}, {"agents": {"asha": 8}}, {"subdomain": "other"}], "asha"),
        (kore, [{}, {"trigger_template": "/{campaignId}"}, {"account_id": "a"}], None),
    ],
)
def test_where_it_goes_is_in_the_fingerprint(
    of: Any, changes: list[dict[str, Any]], agent: str | None
) -> None:
    """Each setting that changes caller, script, campaign or path changes the fingerprint."""
    assert len({of(**settings).fingerprint(agent) for settings in changes}) == len(changes)


def test_whose_requests_are_counted_together() -> None:
    """Kore.ai counts for an account, Ryng for a subdomain. The others document nothing."""
    assert kore().budget == kore(app_id="st-2", api_style="campaign-v2").budget
    assert len({kore().budget, kore(account_id="a").budget, kore(base_url="https://eu.kore.ai").budget}) == 3
    assert ryng().budget == ryng(campaign_id=1, access_token="another").budget
    assert ryng().budget != ryng(subdomain="other").budget
    assert (voxworks().budget, callkaro().budget) == (None, None)
    assert {
        adapter.provider: adapter.requests_a_minute for adapter in (kore(), ryng(), voxworks(), callkaro())
    } == {
        "kore": 60,
        "ryng": 60,
        "voxworks": None,
        "callkaro": None,
    }


@pytest.mark.parametrize("of", [voxworks, ryng])
def test_only_the_numbers_that_are_allowed(of: Any) -> None:
    """With a list of numbers, no other number is called."""
    with pytest.raises(CannotSendError, match="allow_numbers") as refused:
        of(allow_numbers=["+919876500000"]).prepare(PLACE, CONTEXT)
    assert (refused.value.code, refused.value.field) == (Code.NOT_ALLOWED, "to")
    assert of(allow_numbers=[NUMBER]).prepare(PLACE, CONTEXT).body


def test_no_campaign_is_started_where_numbers_are_limited() -> None:
    """Whom a campaign calls is not known here, so none is started; stopping and deleting one calls nobody."""
    limited = kore(allow_undocumented=True, allow_numbers=[NUMBER])
    with pytest.raises(CannotSendError, match="allow_numbers") as refused:
        limited.prepare(START, CONTEXT)
    assert (refused.value.code, refused.value.field) == (Code.NOT_ALLOWED, "target")
    assert limited.prepare(STOP, CONTEXT)
    assert limited.prepare(DELETE, CONTEXT)


async def test_what_is_personal_is_not_kept() -> None:
    """A reply that repeats number, name and key leaves none of them in stored or shown text."""
    action = PLACE.model_copy(update={"metadata": {"first_name": "Abhinav"}})
    echo = {"success": False, "message": f"Abhinav at {NUMBER} with {KEY}"}
    outcome, [request] = await ask(action, reply(400, echo), of=_at)
    assert json.loads(request.body)["contact"]["first_name"] == "Abhinav"
    assert "Abhinav" not in outcome.message
    kept = outcome.model_dump_json()
    assert KEY not in kept
    assert NUMBER[3:] not in kept


def _at(base_url: str, **settings: Any) -> Voxworks:
    return voxworks(base_url=base_url, **settings)

"""What is known from the providers' other pages only: the switch before it, and what its replies mean."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import JsonValue, ValidationError

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
    Refused,
    Retry,
    StartCampaign,
    Status,
    StopCampaign,
)
from providers.base import Adapter, Context, Reply
from providers.kore import Kore, KoreSettings
from providers.redaction import Redactor
from providers.registry import PROVIDERS
from providers.ryng import Ryng, RyngSettings
from providers.voxworks import Voxworks, VoxworksSettings
from tests.providers.made import CONTEXT, KEY, NOW, NUMBER, ask, callkaro, open_adapter
from tests.providers.wire import hang_up, listening, nobody_listening, reply, silence

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
    """A Voxworks connection that may place calls."""
    given = {"api_key": KEY, "beyond_documents": True, "from_number": CALLER, "agents": {"asha": "script-1"}}
    return Voxworks(VoxworksSettings.model_validate(given | settings), clock=lambda: NOW)


def ryng(**settings: Any) -> Ryng:
    """A Ryng connection that may place calls."""
    given = {
        "subdomain": "tenant",
        "access_token": KEY,
        "beyond_documents": True,
        "campaign_id": 595,
        "agents": {"asha": 7},
    }
    return Ryng(RyngSettings.model_validate(given | settings), clock=lambda: NOW)


def kore(**settings: Any) -> Kore:
    """A Kore.ai connection that may do all it can."""
    way_in = {} if "client_id" in settings else {"token": KEY}
    given = {
        "base_url": "https://platform.kore.ai",
        "app_id": "st-1",
        "account_id": "acc-1",
        "beyond_documents": True,
    }
    return Kore(KoreSettings.model_validate(given | way_in | settings), clock=lambda: NOW)


def body(adapter: Adapter, **fields: Any) -> dict[str, Any]:
    """The document that a placed call with these fields is asked for with."""
    action = PlaceCall.model_validate({"to": NUMBER, "agent": "asha", **fields})
    document: dict[str, Any] = json.loads(adapter.prepare(action, CONTEXT).body or b"")
    return document


def test_placing_at_voxworks() -> None:
    """The request is the page's example; its time is UTC, and is shown as it is sent."""
    assert body(voxworks()) == {
        "from_number": CALLER,
        "script_id": "script-1",
        "contact": {"phone_number": NUMBER},
    }
    names = {"first_name": "John", "last_name": "Smith"}
    assert body(voxworks(), at=AT, metadata=names) == {
        "from_number": CALLER,
        "script_id": "script-1",
        "contact": {"phone_number": NUMBER, **names},
        "scheduled_time": "2026-02-25T09:00:00Z",
    }
    prepared = voxworks().prepare(PLACE.model_copy(update={"at": AT}), CONTEXT)
    assert (prepared.method, prepared.url) == ("POST", "https://api.voxworks.ai/api/v1/create-phone-call")
    assert (prepared.provider_time, prepared.zone) == ("2026-02-25T09:00:00Z", "UTC")
    assert prepared.fresh_connection
    assert voxworks().prepare(PLACE, CONTEXT).zone is None


def test_a_contacts_number_may_be_national() -> None:
    """The page's example has a national number: a setting writes it so, trunk prefix included."""
    national = voxworks(number_format="national")
    assert body(national)["contact"] == {"phone_number": "09876543210"}
    assert body(national, to="+61429069971")["contact"] == {"phone_number": "0429069971"}


def test_placing_at_ryng() -> None:
    """The request is the page's example: ids are whole numbers, and the name may be missing."""
    assert body(ryng()) == {"agentID": 7, "campaignID": 595, "customerNumber": NUMBER}
    assert body(ryng(number_format="digits"), metadata={"name": "Joe"}) == {
        "agentID": 7,
        "campaignID": 595,
        "customerNumber": NUMBER[1:],
        "customerName": "Joe",
    }
    prepared = ryng().prepare(PLACE, CONTEXT)
    assert (prepared.method, prepared.url) == ("POST", "https://tenant.ryng.in/rest-api/v1/preview/call")
    assert prepared.fresh_connection


@pytest.mark.parametrize("action", [STOP, START])
def test_triggering_at_kore(action: StopCampaign | StartCampaign) -> None:
    """A trigger has an empty object as its body; starting has a connection of its own, as it calls people."""
    prepared = kore().prepare(action, CONTEXT)
    word = "stop" if action is STOP else "play"
    assert prepared.method == "POST"
    assert prepared.url == (
        "https://platform.kore.ai/campaign/api/v1/public/st-1/campaign/cd-1"
        f"?campaignType=voice&trigger={word}"
    )
    assert prepared.body == b"{}"
    assert prepared.fresh_connection is (action is START)
    second = kore(api_style="campaign-v2").prepare(action, CONTEXT)
    assert second.url == (
        "https://platform.kore.ai/api/v2/public/st-1/campaign/trigger/cd-1"
        f"?accountId=acc-1&campaignType=voice&trigger={word}"
    )
    own = kore(trigger_template="/x/{campaignId}").prepare(action, CONTEXT)
    assert own.url == f"https://platform.kore.ai/x/cd-1?campaignType=voice&trigger={word}"


BAD_WISHES: list[tuple[Adapter, dict[str, Any], str | None, Code, str]] = [
    (voxworks(), {"at": NOW}, "at", Code.INVALID_REQUEST, "passed"),
    (voxworks(), {"at": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))}, "at", Code.INVALID_REQUEST, "far"),
    (voxworks(number_format="national"), {"to": "+9991234567"}, "to", Code.INVALID_REQUEST, "No country has that code"),
    (voxworks(), {"agent": "mira"}, "agent", Code.INVALID_REQUEST, "It knows: asha"),
    (voxworks(agents={}), {}, "agent", Code.INVALID_REQUEST, "none yet"),
    (voxworks(from_number=None), {}, None, Code.CONFIG_ERROR, "from_number"),
    (voxworks(), {"metadata": {"age": "25"}}, "metadata", Code.INVALID_REQUEST, "first_name and last_name in the metadata, not age"),
    (voxworks(), {"metadata": {"<!channel>": "x"}}, "metadata", Code.INVALID_REQUEST, "not any other name"),
    (voxworks(), {"metadata": {"first_name": 25}}, "metadata", Code.INVALID_REQUEST, "words as first_name"),
    (voxworks(), {"retries": 1}, "retries", Code.UNSUPPORTED, "no retries"),
    (voxworks(), {"batch": "b"}, "batch", Code.UNSUPPORTED, "no batch"),
    (ryng(), {"agent": "mira"}, "agent", Code.INVALID_REQUEST, "It knows: asha"),
    (ryng(campaign_id=None), {}, None, Code.CONFIG_ERROR, "campaign_id"),
    (ryng(), {"metadata": {"first_name": "Joe"}}, "metadata", Code.INVALID_REQUEST, "takes name in the metadata, not first_name"),
    (ryng(), {"at": AT}, "at", Code.UNSUPPORTED, "no at"),
]  # fmt: skip


@pytest.mark.parametrize(("adapter", "fields", "where", "code", "says"), BAD_WISHES)
def test_what_cannot_be_placed(
    adapter: Adapter, fields: dict[str, Any], where: str | None, code: Code, says: str
) -> None:
    """What cannot be expressed, or lacks a setting, is refused before any request and named."""
    with pytest.raises(Refused) as refused:
        body(adapter, **fields)
    assert (refused.value.field, refused.value.code) == (where, code)
    assert says in refused.value.message


@dataclass(frozen=True, slots=True)
class Row:
    """A reply, and what it must mean, as people read it: ``failed not_found never``."""

    status: int
    document: dict[str, JsonValue] | None
    expected: str
    reference: str | None = None
    warnings: int = 0
    says: str = ""
    action: CallAction = field(default=PLACE)

    def __str__(self) -> str:
        return f"{self.action.kind} {self.status} {self.document} → {self.expected}"


VOXWORKS = [
    Row(201, {"success": True, "call_id": "vx_7", "status": "scheduled"}, "ok queued never", "vx_7"),
    Row(201, {"call_id": "vx_7"}, "ok queued never", "vx_7"),
    Row(201, {"call_id": "vx_7"}, "ok scheduled never", "vx_7", says="for its time", action=PLACE.model_copy(update={"at": AT})),
    Row(201, {}, "ok queued never", None, warnings=1),
    Row(201, None, "unknown unreadable_reply verify"),
    Row(201, {"success": False, "call_id": "vx_7"}, "unknown unreadable_reply verify"),
    Row(201, {"success": "yes", "call_id": "vx_7"}, "unknown unreadable_reply verify"),
    Row(200, {"success": True, "call_id": "vx_7"}, "unknown unreadable_reply verify"),
    Row(200, {"success": False, "message": "Outside of calling hours"}, "failed rejected never", says="“Outside of calling hours”"),
    Row(202, {"call_id": "vx_7"}, "unknown unreadable_reply verify"),
    Row(400, {"success": False}, "failed invalid_request never", says="from_number"),
    Row(401, {"success": False}, "failed auth_failed never", says="api_key"),
    Row(404, {"success": False}, "failed not_found never", says="from_number"),
    Row(403, None, "failed rejected never"),
    Row(408, None, "unknown no_answer verify"),
    Row(429, {"success": False}, "failed rate_limited never", says="ask again"),
    Row(500, {"success": False}, "unknown server_error verify", says="Look at Voxworks before"),
    Row(502, None, "unknown server_error verify"),
    Row(301, None, "failed config_error never"),
    Row(405, None, "failed config_error never"),
]  # fmt: skip

RYNG = [
    Row(200, {"error": False, "data": {"callID": 4711, "logID": 4712}}, "ok queued never", "4711"),
    Row(200, {"error": False, "data": {"logID": 4712}}, "ok queued never", None, warnings=1),
    Row(200, {"error": False}, "ok queued never", None, warnings=1),
    Row(200, {"error": True, "message": "Agent is busy"}, "failed rejected never", says="“Agent is busy”"),
    Row(200, {"data": {"callID": 4711}}, "unknown unreadable_reply verify"),
    Row(200, {"error": 0, "data": {"callID": 4711}}, "unknown unreadable_reply verify"),
    Row(200, None, "unknown unreadable_reply verify"),
    Row(201, {"error": False, "data": {"callID": 4711}}, "unknown unreadable_reply verify"),
    Row(403, {"error": True}, "failed auth_failed never", says="auth_header"),
    Row(400, {"error": True}, "failed rejected never", says="project champion"),
    Row(429, None, "failed rate_limited never"),
    Row(500, {"error": True, "message": "Call ID does not exist"}, "unknown server_error verify"),
    Row(500, {"error": True, "message": "Agent does not exist"}, "unknown server_error verify"),
    Row(502, None, "unknown server_error verify"),
]  # fmt: skip

KORE = [
    Row(200, {"status": "Stopped", "message": "Campaign Stopped"}, "ok stopped never", "cd-1", action=STOP),
    Row(200, {"status": "Active", "message": "Campaign Started"}, "ok started never", "cd-1", action=START),
    Row(200, {"status": "Active"}, "unknown unreadable_reply idempotent", action=STOP),
    Row(200, {"status": "Stopped"}, "unknown unreadable_reply verify", action=START),
    Row(200, {"status": "success"}, "unknown unreadable_reply idempotent", action=STOP),
    Row(200, {"status": "success"}, "unknown unreadable_reply verify", action=START),
    Row(200, {"status": "Active"}, "unknown unreadable_reply idempotent", action=DELETE),
    Row(200, {"status": "error", "message": "Campaign is not active"}, "failed rejected never", says="did not stop the campaign", action=STOP),
    Row(200, {"status": "failure"}, "failed rejected never", says="did not start the campaign", action=START),
    Row(400, {"status": "error"}, "failed invalid_request never", says="perhaps it runs already", action=START),
    Row(401, None, "failed auth_failed never", says="Campaign Management", action=STOP),
    Row(403, None, "failed auth_failed never", says="Campaign Management", action=START),
    Row(404, {"status": "error"}, "failed not_found never", says="app_id", action=STOP),
    Row(429, None, "failed rate_limited after", action=STOP),
    Row(429, None, "failed rate_limited never", action=START),
    Row(200, {"message": "Rate limit for this API has been reached"}, "failed rate_limited never", action=START),
    Row(204, None, "unknown unreadable_reply idempotent", action=STOP),
    Row(204, None, "unknown unreadable_reply verify", action=START),
    Row(500, None, "unknown server_error idempotent", action=STOP),
    Row(500, None, "unknown server_error verify", action=START),
    Row(302, None, "failed config_error never", action=STOP),
]  # fmt: skip


def received(action: CallAction, status: int, document: dict[str, JsonValue] | None) -> Reply:
    """A reply as it is handed to an adapter."""
    redactor = Redactor.of(action, ())
    return Reply(status=status, document=document, raw="", retry_after=None, redactor=redactor)


def meaning(adapter: Adapter, row: Row) -> Outcome:
    """What a reply means, by the adapter's own rows or by those that all share."""
    answer = received(row.action, row.status, row.document)
    return adapter.parse(row.action, answer) or adapter._party.shared_row(row.action, answer)


@pytest.mark.parametrize(
    ("adapter", "row"),
    [
        pytest.param(adapter, row, id=f"{adapter.provider} {row}")
        for adapter, rows in ((voxworks(), VOXWORKS), (ryng(), RYNG), (kore(), KORE))
        for row in rows
    ],
)
def test_a_reply(adapter: Adapter, row: Row) -> None:
    """Each reply means what the table says; what makes phones ring is never repeated on a doubt."""
    outcome = meaning(adapter, row)
    assert f"{outcome.status} {outcome.code} {outcome.retry}" == row.expected
    assert (outcome.reference, len(outcome.warnings)) == (row.reference, row.warnings)
    assert row.says in outcome.message
    if row.action.kind in {Kind.PLACE_CALL, Kind.START_CAMPAIGN}:
        assert outcome.retry in {Retry.NEVER, Retry.VERIFY}


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
    """Only the campaign that was asked for is found, and only Kore.ai's own 404 says that it is not there."""
    sighting = kore().parse_look_up(action, received(action, status, document))
    assert sighting.found is found
    assert sighting.summary == ("name: Renewals +1 •••-•••-6789; status: Ready" if found else None)
    assert "cd-1" not in sighting.message


async def test_a_look_up_on_the_wire() -> None:
    """A look-up is one GET without a body, where a deletion would go, with a token of its own."""
    signing = {"client_id": "cs-1", "client_secret": "canary-client-secret-7b1e", "jti": True}
    async with (
        listening(reply(200, {"status": "success", "data": FOUND})) as wire,
        open_adapter(kore(base_url=wire.base_url, **signing)) as adapter,
    ):
        sighting = await adapter.look_up(DELETE, CONTEXT)
        await adapter.perform(DELETE, CONTEXT)
    assert sighting is not None
    assert sighting.found
    look, delete = wire.received
    assert (look.method, look.target, look.body) == ("GET", delete.target, b"")
    assert delete.method == "DELETE"
    assert look.headers["auth"] != delete.headers["auth"]


@pytest.mark.parametrize("answer", [hang_up, silence, reply(200, b"{")])
async def test_a_look_up_that_fails_says_nothing(answer: Any) -> None:
    """Whatever goes wrong with a look-up, nothing is known and nothing is raised."""
    async with listening(answer) as wire:
        settings = kore(base_url=wire.base_url).settings
        async with open_adapter(Kore(settings, deadline=0.3, clock=lambda: NOW)) as adapter:
            sighting = await adapter.look_up(STOP, CONTEXT)
    assert sighting is not None
    assert (sighting.found, sighting.summary) == (None, None)
    assert len(wire.received) == 1


async def test_a_look_up_of_nobody_says_nothing() -> None:
    """A host that is not there, or an id that is none, is no proof that a campaign is gone."""
    async with nobody_listening() as base_url, open_adapter(kore(base_url=base_url)) as adapter:
        sighting = await adapter.look_up(DELETE, CONTEXT)
        smuggled = DeleteCampaign.model_construct(target=CampaignRef.model_construct(campaign_id="../x"))
        refused = await adapter.look_up(smuggled, CONTEXT)
    assert sighting is not None
    assert refused is not None
    assert (sighting.found, refused.found) == (None, None)


async def test_what_cannot_be_looked_up() -> None:
    """Without the switch, in a dry run, and at providers that have no such request, nothing is asked."""
    cancel = CancelCall(target=CallRef(call_id="1"))
    for adapter, action in (
        (kore(beyond_documents=False), DELETE),
        (kore(mode="dry-run"), DELETE),
        (kore(), PLACE),
        (voxworks(), cancel),
        (ryng(), cancel),
        (callkaro(), PLACE),
    ):
        async with open_adapter(adapter):
            assert await adapter.look_up(action, CONTEXT) is None


BEYOND = [(voxworks, PLACE), (ryng, PLACE), (kore, STOP), (kore, START)]


@pytest.mark.parametrize(("of", "action"), BEYOND)
def test_the_switch(of: Any, action: CallAction) -> None:
    """Without it, what only other pages know is refused with the setting's name, and is not offered."""
    closed = of(beyond_documents=False)
    with pytest.raises(Refused, match="beyond_documents = true") as refused:
        closed.prepare(action, CONTEXT)
    assert refused.value.code is Code.UNSUPPORTED
    assert closed.capability(action.kind) is None
    assert closed.agents == ()
    known = of().capability(action.kind)
    assert known is not None
    assert known.source == "beyond"


def test_only_what_is_documented_is_on_by_default() -> None:
    """A new connection does what its provider's document has, and no more."""
    for adapter in PROVIDERS.values():
        assert not adapter.settings_type.model_fields["beyond_documents"].default
        assert any(known.source == "documented" for known in adapter.capabilities)


def test_the_second_style_needs_the_switch() -> None:
    """The second version of Kore.ai's paths is known from another page, and says so when it loads."""
    with pytest.raises(ValidationError, match="beyond_documents = true"):
        kore(api_style="campaign-v2", beyond_documents=False)
    assert (
        kore(api_style="campaign-v2")
        .prepare(DELETE, CONTEXT)
        .url.startswith("https://platform.kore.ai/campaign/api/v2/public/st-1/")
    )


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
    """A setting that cannot work is an error when it loads, and shows no secret."""
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
    """Whatever moves a call to another caller, script, campaign or path changes the fingerprint."""
    assert len({of(**settings).fingerprint(agent) for settings in changes}) == len(changes)


def test_whose_requests_are_counted_together() -> None:
    """Kore.ai counts for an account, Ryng for a subdomain; of the others nobody says."""
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


@pytest.mark.parametrize(("of", "action"), BEYOND)
async def test_a_dry_run_sends_nothing(of: Any, action: CallAction) -> None:
    """A connection that only tries things out says what it would have sent, without the number."""
    async with (
        listening(reply()) as wire,
        open_adapter(of(base_url=wire.base_url, mode="dry-run")) as adapter,
    ):
        outcome = await adapter.perform(action, CONTEXT)
    assert (outcome.status, outcome.code) == (Status.REFUSED, Code.DRY_RUN)
    assert outcome.message.startswith("Dry run: nothing was sent. It would have been POST /")
    assert wire.connections == 0
    assert NUMBER[3:] not in outcome.message


@pytest.mark.parametrize("of", [voxworks, ryng])
def test_only_the_numbers_that_are_allowed(of: Any) -> None:
    """Where numbers are listed, no other one is called."""
    with pytest.raises(Refused, match="allow_numbers") as refused:
        of(allow_numbers=["+919876500000"]).prepare(PLACE, CONTEXT)
    assert (refused.value.code, refused.value.field) == (Code.NOT_ALLOWED, "to")
    assert of(allow_numbers=[NUMBER]).prepare(PLACE, CONTEXT).body


async def test_what_is_personal_is_not_kept() -> None:
    """A reply that repeats number, name and key leaves none of them in what is kept or said."""
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


def test_secrets_and_numbers_are_not_shown() -> None:
    """A prepared call prints neither key nor number."""
    for adapter in (voxworks(), ryng()):
        printed = repr(adapter.prepare(PLACE, CONTEXT)) + repr(adapter.settings)
        assert KEY not in printed
        assert NUMBER not in printed


def test_a_time_is_sent_to_the_second() -> None:
    """Whatever zone a time was typed in, the instant is sent."""
    context = Context(now=datetime(2026, 1, 1, tzinfo=UTC), action_id="A-7K3F")
    action = PLACE.model_copy(update={"at": datetime(2026, 3, 1, 0, 30, 15, tzinfo=UTC)})
    assert (
        json.loads(voxworks().prepare(action, context).body or b"")["scheduled_time"]
        == "2026-03-01T00:30:15Z"
    )

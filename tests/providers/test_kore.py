import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from providers.actions import CallRef, CampaignRef, CancelCall, DeleteCampaign, PlaceCall, Refused
from providers.base import Context
from providers.kore import KoreSettings
from tests.providers.made import CONTEXT, KEY, NOW, NUMBER, PLACE, Case, ask, check, kore
from tests.providers.wire import cut_short, hang_up, nobody_listening, reply, reset, silence

ID = "cd-2129073-58d9-44d5-a5d1-454b1220xxxx"  # as in the document: like a UUID, and none
SECRET = "canary-client-secret-7b1e"  # shorter than HS256 likes
SIGNING: dict[str, Any] = {"client_id": "cs-1", "client_secret": SECRET}
DELETE = DeleteCampaign(target=CampaignRef(campaign_id=ID))
DATA = {
    "_id": ID,
    "name": "Billing Reminder\nVoice Campaign2",
    "description": "bien sûr, नमस्ते \ud83d",
    "dialingMode": "Preview",
    "dialingStrategy": {"callerId": {"phoneNumber": "+18123456789"}, "maxRingTime": 30, "share": 0.5},
    "status": "Stopped",
    "createdAt": "2025-06-26T09:11:00.612Z",
    "schedule": {"isSchedulingEnabled": False, "until": None},
    "contactLists": ["Recent Buyers - Q2 2025"],
}
DELETED = {"status": "success", "message": "Campaign Billing Reminder Voice Campaign2 deleted successfully", "data": DATA}  # fmt: skip
LIMIT = "Rate limit for this API has been reached. Please try again later"

DELETING = [
    Case("200 success", 200, DELETED, "ok deleted never", reference=ID, says="cannot be undone"),
    Case("200 success, was ready", 200, DELETED | {"data": DATA | {"status": "Ready"}}, "ok deleted never", reference=ID),
    Case("200 success, data says error", 200, DELETED | {"data": DATA | {"status": "error"}}, "ok deleted never", reference=ID),
    Case("200 success of another campaign", 200, DELETED | {"data": DATA | {"_id": "cd-other"}}, "ok deleted never", reference="cd-other", warnings=1),
    Case("200 success without an id", 200, DELETED | {"data": {"name": "a"}}, "ok deleted never", reference=ID, warnings=1),
    Case("200 success without data", 200, {"status": "success"}, "ok deleted never", reference=ID, warnings=1),
    Case("200 success with data in words", 200, {"status": "success", "data": "gone"}, "ok deleted never", reference=ID, warnings=1),
    Case("200 failure", 200, {"status": "failure", "message": "Campaign is active"}, "failed rejected never", says="“Campaign is active”"),
    Case("200 error", 200, {"status": "error"}, "failed rejected never", says="whether an active campaign can be deleted"),
    Case("200 the campaign's status at the top", 200, {"status": "Stopped", "data": DATA}, "unknown unreadable_reply idempotent"),
    Case("200 without status", 200, {"data": DATA}, "unknown unreadable_reply idempotent"),
    Case("200 status as a number", 200, {"status": 1}, "unknown unreadable_reply idempotent"),
    Case("200 the rate text", 200, {"status": "error", "message": LIMIT}, "failed rate_limited after"),
    Case("200 empty", 200, b"", "unknown unreadable_reply idempotent"),
    Case("200 half JSON", 200, b'{"status": "succ', "unknown unreadable_reply idempotent"),
    Case("200 infinity", 200, b'{"status": "success", "data": {"n": 1e999}}', "unknown unreadable_reply idempotent"),
    Case("204", 204, b"", "unknown unreadable_reply idempotent"),
    Case("400", 400, {"status": "error", "message": "Campaign is active"}, "failed invalid_request never", says="stop it if it is running"),
    Case("400 the rate text", 400, {"errors": [{"msg": LIMIT}]}, "failed rate_limited after"),
    Case("401", 401, {"errors": [{"msg": "invalid token"}]}, "failed auth_failed never", says="Campaign Management"),
    Case("403", 403, b"", "failed auth_failed never", says="account_id"),
    Case("404", 404, {"status": "error"}, "failed not_found never", says="app_id"),
    Case("404 HTML", 404, b"<html>", "failed not_found never"),
    Case("408", 408, b"", "unknown no_answer idempotent"),
    Case("409", 409, b"", "failed rejected never"),
    Case("429", 429, {"message": LIMIT}, "failed rate_limited after", headers={"Retry-After": "60"}, retry_after=60.0),
    Case("500", 500, b"", "unknown server_error idempotent"),
    Case("502 HTML", 502, b"<html>", "unknown server_error idempotent"),
    Case("302", 302, b"", "failed config_error never", headers={"Location": "/login"}),
    Case("405", 405, b"", "failed config_error never"),
    Case("415", 415, b"", "failed config_error never"),
]  # fmt: skip


@pytest.mark.parametrize("case", DELETING, ids=str)
async def test_a_reply_to_deleting(case: Case) -> None:
    """Each reply to a deletion means what the table says."""
    await check(case, DELETE, of=kore)


@pytest.mark.parametrize("answer", [reset, hang_up, cut_short, silence])
async def test_a_lost_answer_may_be_asked_for_again(answer: Any) -> None:
    """A deletion by id whose answer is lost is unknown, and harmless to repeat."""
    outcome, received = await ask(DELETE, answer, of=kore, deadline=0.3)
    assert (outcome.status, outcome.retry, len(received)) == ("unknown", "idempotent", 1)


async def test_nobody_there() -> None:
    """A refused connection was certainly not sent."""
    async with nobody_listening() as base_url:
        adapter = kore(base_url)
        outcome = await adapter.perform(DELETE, CONTEXT)
        await adapter.aclose()
    assert (outcome.status, outcome.code, outcome.retry) == ("failed", "unreachable", "safe")


async def test_delete_on_the_wire() -> None:
    """Deleting is the documented request: the id where the page shows its type, and a type without a body."""
    _, [request] = await ask(DELETE, reply(), of=kore)
    assert request.method == "DELETE"
    assert request.target == f"/agentassist/api/v1/public/st-1/campaign/{ID}?campaignType=voice"
    assert request.body == b""
    assert request.headers.pop("host").startswith("127.0.0.1:")
    assert request.headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "CallOps",
        "auth": KEY,
        "iid": "st-1",
        "accountid": "acc-1",
        "content-type": "application/json",
    }


async def test_the_apps_id_may_differ_between_path_and_header() -> None:
    """That both are one value is assumed, so that the header's can be set apart."""
    _, [request] = await ask(DELETE, reply(), of=kore, iid="st-2")
    assert (request.target.split("/")[5], request.headers["iid"]) == ("st-1", "st-2")


async def test_the_second_style() -> None:
    """The second version of the page has another path, and the account in its query."""
    _, [request] = await ask(DELETE, reply(), of=kore, api_style="campaign-v2", beyond_documents=True)
    assert request.target == f"/campaign/api/v2/public/st-1/campaign/{ID}?accountId=acc-1&campaignType=voice"


async def test_a_path_of_ones_own() -> None:
    """Where the page is wrong about the path, a setting mends it; ids are quoted into it."""
    action = DeleteCampaign(target=CampaignRef(campaign_id="cd:1"))
    _, [request] = await ask(
        action, reply(), of=kore, path_template="/x/{campaignId}/of/{IId}", app_id="st:1"
    )
    assert request.target == "/x/cd%3A1/of/st%3A1?campaignType=voice"


@pytest.mark.parametrize(
    "template",
    [
        "",
        "/campaign",
        "campaign/{campaignId}",
        "/{campaignId}/{campaignId}",
        "/{{campaignId}}",
        "/{streamId}/{campaignId}",
        "/../{campaignId}",
        "/a/./{campaignId}",
        "/a//{campaignId}",
        "/a/{campaignId}?x=1",
        "/a/{campaignId}#",
        "/a/%2e%2e/{campaignId}",
        "@evil.example/{campaignId}",
    ],
)
def test_a_path_that_is_refused(template: str) -> None:
    """A path that has no place for the id, or leads elsewhere, is refused when it loads."""
    with pytest.raises(ValidationError, match="is a path like"):
        kore(path_template=template)


@pytest.mark.parametrize(
    "pasted",
    ["https://platform.kore.ai", "platform.kore.ai", "https://platform.kore.ai/", "platform.kore.ai/"],
)
def test_a_host_as_it_is_pasted(pasted: str) -> None:
    """The environment's address may stand with or without its scheme."""
    assert kore(pasted).settings.base_url == "https://platform.kore.ai"


@pytest.mark.parametrize("pasted", ["http://platform.kore.ai", "", "platform.kore.ai?x", "a@evil.example"])
def test_a_host_that_is_refused(pasted: str) -> None:
    """What is no https address is none with a scheme before it either."""
    with pytest.raises(ValidationError):
        kore(pasted)


def claims(token: str, secret: str = SECRET) -> tuple[dict[str, Any], dict[str, Any]]:
    """A token's header and claims, if it is signed with the secret: RFC 7515 by hand, without the signer's library."""

    def decoded(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    signed, _, signature = token.rpartition(".")
    assert decoded(signature) == hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    header, _, payload = signed.partition(".")
    return json.loads(decoded(header)), json.loads(decoded(payload))


async def test_a_token_is_signed_here() -> None:
    """With the app's id and secret, each request carries a fresh JWT, HS256, without Bearer, without an end."""
    _, [request] = await ask(DELETE, reply(), of=kore, **SIGNING)
    assert claims(request.headers["auth"]) == (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": "CallOps", "appId": "cs-1"},
    )


def test_a_token_with_an_id() -> None:
    """Where the app enforces it, a token has an id that no two attempts share, and an end within the hour."""
    adapter = kore(**SIGNING, jti=True, subject="ops")
    contexts = [CONTEXT, Context(now=NOW + timedelta(seconds=2), action_id=CONTEXT.action_id)]
    first, second = (claims(adapter.prepare(DELETE, one).headers["auth"])[1] for one in contexts)
    assert first.keys() == {"sub", "appId", "jti", "exp"}
    assert first["sub"] == "ops"
    assert first["jti"] != second["jti"]
    assert 60 < first["exp"] - NOW.timestamp() < 3600
    assert adapter.prepare(DELETE, CONTEXT).headers == adapter.prepare(DELETE, CONTEXT).headers


@pytest.mark.parametrize(
    ("way_in", "says"),
    [
        ({}, "one of the two"),
        ({"token": KEY, **SIGNING}, "one of the two"),
        ({"token": KEY, "client_id": "cs-1"}, "one of the two"),
        ({"client_id": "cs-1"}, "one of the two"),
        ({"client_secret": SECRET}, "one of the two"),
        ({"token": f"Bearer {KEY}"}, "without Bearer"),
        ({"token": KEY, "jti": True}, "signed here"),
        ({"client_id": "", "client_secret": SECRET}, "client_id"),
        ({"client_id": "cs-1", "client_secret": "ssh-rsa AAAA"}, "another kind of key"),
    ],
)
def test_one_way_in(way_in: dict[str, Any], says: str) -> None:
    """A ready-made token, or the app's id with its secret: exactly one of the two, and neither is shown."""
    with pytest.raises(ValidationError, match=says) as refused:
        KoreSettings.model_validate(
            {"base_url": "https://platform.kore.ai", "app_id": "st-1", "account_id": "acc-1"} | way_in
        )
    assert not [secret for secret in (KEY, SECRET) if secret in str(refused.value)]


@pytest.mark.parametrize("field", ["app_id", "iid", "account_id"])
@pytest.mark.parametrize("value", ["", "..", "a/b", "a\r\nx: y", "a b"])
def test_an_account_that_is_refused(field: str, value: str) -> None:
    """What stands in a path or a header is an id, or it is refused when it loads."""
    settings: dict[str, Any] = {field: value}
    with pytest.raises(ValidationError):
        kore(**settings)


def test_where_it_goes_is_in_the_fingerprint() -> None:
    """Whatever setting moves the request to another app, account or path changes the fingerprint."""
    moved: list[dict[str, Any]] = [{}, {"app_id": "a"}, {"iid": "a"}, {"account_id": "a"}]
    moved += [
        {"api_style": "campaign-v2", "beyond_documents": True},
        {"path_template": "/{campaignId}"},
        {"base_url": "https://eu.kore.ai"},
    ]
    assert len({kore(**settings).fingerprint(None) for settings in moved}) == len(moved)
    assert kore().fingerprint(None) == kore(token="another").fingerprint(None)


async def test_the_deletion_record_is_whole() -> None:
    """What came back of the campaign is kept whole, numbers, zeros and odd characters included."""
    large = DATA | {"note": "x" * 20_000, "streamId": "st-1", "accountId": "acc-1"}
    outcome, _ = await ask(DELETE, reply(200, DELETED | {"data": large}), of=kore)
    assert outcome.record is not None
    assert json.loads(outcome.record) == large
    assert outcome.record.isascii()
    assert "+18123456789" not in (outcome.raw or "")


async def test_only_secrets_are_taken_out_of_the_record() -> None:
    """No secret that a reply repeats is kept, in whatever way its JSON writes it."""
    secret = "canary/se+cret=="
    body = json.dumps(DELETED | {"data": DATA | {"echo": f"<{secret}>"}}).replace(
        secret, "c\\u0061nary\\/se+cret=="
    )
    outcome, _ = await ask(DELETE, reply(200, body.encode()), of=kore, client_id="cs-1", client_secret=secret)
    assert outcome.record is not None
    assert json.loads(outcome.record) == DATA | {"echo": "<[secret]>"}


async def test_the_token_that_was_sent_is_taken_out() -> None:
    """A reply that repeats the signed token leaves none in record or raw reply."""
    token = kore(**SIGNING).prepare(DELETE, CONTEXT).headers["auth"]
    outcome, [request] = await ask(
        DELETE, reply(200, DELETED | {"data": DATA | {"x": token}}), of=kore, **SIGNING
    )
    assert request.headers["auth"] == token
    assert token not in outcome.model_dump_json()


async def test_a_summary_for_people() -> None:
    """One line says what is gone: its name, its state before, and no caller's number."""
    outcome, _ = await ask(DELETE, reply(200, DELETED), of=kore)
    assert outcome.summary == (
        "name: Billing Reminder Voice Campaign2; status before: Stopped; dialling: Preview; "
        "created: 2025-06-26T09:11:00.612Z"
    )
    called = DELETED | {"data": DATA | {"name": "call +1 812 345 6789 " + "x" * 500}}
    outcome, _ = await ask(DELETE, reply(200, called), of=kore)
    assert outcome.summary is not None
    assert "345 6789" not in outcome.summary
    assert len(outcome.summary) < 250
    outcome, _ = await ask(DELETE, reply(200, {"status": "success", "data": {"_id": ID}}), of=kore)
    assert outcome.summary is None


async def test_nothing_of_the_campaign_is_in_the_message() -> None:
    """What goes into the chain and channels names neither campaign nor caller."""
    for body in (DELETED, DELETED | {"data": DATA | {"_id": "cd-other"}}, DELETED | {"status": "error"}):
        outcome, _ = await ask(DELETE, reply(200, body), of=kore)
        told = " ".join((outcome.message, *outcome.warnings))
        assert not [word for word in ("Billing", "Preview", "8123456789", "cd-") if word in told]


async def test_a_failure_leaves_no_record() -> None:
    """Only what is gone has a last copy."""
    for status, body in ((200, DELETED | {"status": "error"}), (404, DELETED), (500, DELETED)):
        outcome, _ = await ask(DELETE, reply(status, body), of=kore)
        assert (outcome.record, outcome.summary) == (None, None)


async def test_a_smuggled_id_is_refused() -> None:
    """An id that could lead elsewhere never reaches a socket."""
    for campaign_id in ("", "..", "../campaigns", "a?x=1", "a/b", "{IId}", "x" * 129):
        smuggled = DeleteCampaign.model_construct(target=CampaignRef.model_construct(campaign_id=campaign_id))
        outcome, received = await ask(smuggled, reply(), of=kore)
        assert (outcome.status, outcome.code, received) == ("refused", "invalid_request", [])


@pytest.mark.parametrize(
    "action", [PLACE, PlaceCall(to=NUMBER, agent="a"), CancelCall(target=CallRef(call_id="c"))]
)
def test_what_kore_cannot_be_asked_for(action: Any) -> None:
    """What Kore.ai's document does not have is refused before any request."""
    with pytest.raises(Refused) as refused:
        kore().prepare(action, CONTEXT)
    assert refused.value.code == "unsupported"


def test_secrets_are_not_shown() -> None:
    """Neither settings nor a prepared request print a token or a secret."""
    signing = kore(**SIGNING)
    token = signing.prepare(DELETE, CONTEXT).headers["auth"]
    printed = repr(signing.settings) + repr(signing.prepare(DELETE, CONTEXT)) + repr(kore().settings)
    assert not [secret for secret in (KEY, SECRET, token) if secret in printed]
    assert kore().capabilities[0].irreversible

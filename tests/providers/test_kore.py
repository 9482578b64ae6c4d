import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from providers.actions import CampaignRef, DeleteCampaign
from providers.base import Context
from providers.kore import KoreSettings
from tests.providers.made import CONTEXT, KEY, NOW, ask, kore
from tests.providers.wire import reply

ID = "cd-2129073-58d9-44d5-a5d1-454b1220xxxx"  # like a UUID but none, as in the document
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
    """A path without a place for the id, or to another host, is refused at load."""
    with pytest.raises(ValidationError, match="is a path like"):
        kore(path_template=template)


@pytest.mark.parametrize(
    "pasted",
    ["https://platform.kore.ai", "platform.kore.ai", "https://platform.kore.ai/", "platform.kore.ai/"],
)
def test_a_host_as_it_is_pasted(pasted: str) -> None:
    """The environment's address may have its scheme or not."""
    assert kore(pasted).settings.base_url == "https://platform.kore.ai"


@pytest.mark.parametrize("pasted", ["http://platform.kore.ai", "", "platform.kore.ai?x", "a@evil.example"])
def test_a_host_that_is_refused(pasted: str) -> None:
    """An address that is not https is refused with a scheme before it too."""
    with pytest.raises(ValidationError):
        kore(pasted)


def claims(token: str, secret: str = SECRET) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and claims of a token, after checking its signature by hand (RFC 7515)."""

    def decoded(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    signed, _, signature = token.rpartition(".")
    assert decoded(signature) == hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    header, _, payload = signed.partition(".")
    return json.loads(decoded(header)), json.loads(decoded(payload))


async def test_a_token_is_signed_here() -> None:
    """With the app's id and secret, each request has a fresh HS256 JWT, without Bearer and without an end."""
    _, [request] = await ask(DELETE, reply(), of=kore, **SIGNING)
    assert claims(request.headers["auth"]) == (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": "CallOps", "appId": "cs-1"},
    )


def test_a_token_with_an_id() -> None:
    """If the app enforces it, a token has an id that no two attempts share, and ends within the hour."""
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
    """A connection has a ready-made token, or the app's id with its secret. Neither is shown."""
    with pytest.raises(ValidationError, match=says) as refused:
        KoreSettings.model_validate(
            {"base_url": "https://platform.kore.ai", "app_id": "st-1", "account_id": "acc-1"} | way_in
        )
    assert not [secret for secret in (KEY, SECRET) if secret in str(refused.value)]


@pytest.mark.parametrize("field", ["app_id", "iid", "account_id"])
@pytest.mark.parametrize("value", ["", "..", "a/b", "a\r\nx: y", "a b"])
def test_an_account_that_is_refused(field: str, value: str) -> None:
    """A value for a path or a header is an id, or is refused at load."""
    settings: dict[str, Any] = {field: value}
    with pytest.raises(ValidationError):
        kore(**settings)


def test_where_it_goes_is_in_the_fingerprint() -> None:
    """Each setting that changes app, account or path changes the fingerprint."""
    moved: list[dict[str, Any]] = [{}, {"app_id": "a"}, {"iid": "a"}, {"account_id": "a"}]
    moved += [
        {"api_style": "campaign-v2", "allow_undocumented": True},
        {"path_template": "/{campaignId}"},
        {"base_url": "https://eu.kore.ai"},
    ]
    assert len({kore(**settings).fingerprint(None) for settings in moved}) == len(moved)
    assert kore().fingerprint(None) == kore(token="another").fingerprint(None)


async def test_the_deletion_record_is_whole() -> None:
    """The returned campaign is kept whole, with numbers, zeros and odd characters."""
    large = DATA | {"note": "x" * 20_000, "streamId": "st-1", "accountId": "acc-1"}
    outcome, _ = await ask(DELETE, reply(200, DELETED | {"data": large}), of=kore)
    assert outcome.record is not None
    assert json.loads(outcome.record) == large
    assert outcome.record.isascii()
    assert "+18123456789" not in (outcome.raw or "")


async def test_only_secrets_are_taken_out_of_the_record() -> None:
    """No secret that a reply repeats is kept, in any JSON writing."""
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
    """A line has the campaign's name and its state before, without the caller's number."""
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
    """The text for the chain and channels names neither campaign nor caller."""
    for body in (DELETED, DELETED | {"data": DATA | {"_id": "cd-other"}}, DELETED | {"status": "error"}):
        outcome, _ = await ask(DELETE, reply(200, body), of=kore)
        told = " ".join((outcome.message, *outcome.warnings))
        assert not [word for word in ("Billing", "Preview", "8123456789", "cd-") if word in told]


async def test_a_failure_leaves_no_record() -> None:
    """Only a deleted campaign has a last copy."""
    for status, body in ((200, DELETED | {"status": "error"}), (404, DELETED), (500, DELETED)):
        outcome, _ = await ask(DELETE, reply(status, body), of=kore)
        assert (outcome.record, outcome.summary) == (None, None)


def test_secrets_are_not_shown() -> None:
    """Neither settings nor a prepared request print a token or a secret."""
    signing = kore(**SIGNING)
    token = signing.prepare(DELETE, CONTEXT).headers["auth"]
    printed = repr(signing.settings) + repr(signing.prepare(DELETE, CONTEXT)) + repr(kore().settings)
    assert not [secret for secret in (KEY, SECRET, token) if secret in printed]
    assert kore().capabilities[0].irreversible

from collections.abc import AsyncIterator, Mapping

import httpx
import jwt
import pytest

from playground.journal import Campaign
from playground.kore import (
    ACCOUNT,
    APP,
    CAMPAIGN,
    CLIENT_ID,
    CLIENT_SECRET,
    DELETE,
    DELETE_V2,
    READY,
    STATUS,
    STATUS_V2,
    TRIGGER,
    TRIGGER_V2,
)
from tests.playground.providers_running import START, Running, running

CLAIMS = {"sub": "somebody", "appId": CLIENT_ID}


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


def signed(
    claims: Mapping[str, object] = CLAIMS, secret: str = CLIENT_SECRET, algorithm: str = "HS256"
) -> str:
    """Return a token, signed by a library that the stand-in does not use."""
    return jwt.encode(dict(claims), secret, algorithm=algorithm)


async def delete(
    on: Running, campaign_id: str = CAMPAIGN, *, token: str | None = None, **headers: str
) -> httpx.Response:
    """Delete a campaign by its id."""
    return await on.kore.delete(
        DELETE.format(APP, campaign_id),
        params={"campaignType": "voice"},
        headers={"auth": signed() if token is None else token, **headers},
    )


async def test_delete(on: Running) -> None:
    """A campaign is deleted for good. The answer is its last copy, with the status before."""
    reply = await delete(on)
    body = reply.json()
    assert (reply.status_code, body["status"], body["data"]["_id"]) == (200, "success", CAMPAIGN)
    assert body["message"] == "Campaign Billing Reminder Voice Campaign2 deleted successfully"
    assert (body["data"]["status"], body["data"]["dialingStrategy"]["maxRingTime"]) == ("Stopped", 30)
    (effect,) = (await on.control.journal("kore")).effects
    assert (effect.what, effect.subject) == (
        "deleted",
        Campaign(id=CAMPAIGN, owner=APP, details=body["data"]),
    )
    assert (await delete(on)).status_code == 404
    assert (await delete(on, READY)).json()["data"]["status"] == "Ready"


async def test_unknown_campaign(on: Running) -> None:
    """An unknown campaign gets a 404, and nothing changes."""
    reply = await delete(on, "cd-0")
    assert (reply.status_code, reply.json()) == (404, {"status": "error", "message": "Campaign not found"})
    assert await on.effects("kore") == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        f"Bearer {signed()}",
        signed(secret="another secret that is long enough"),
        signed(algorithm="HS512", secret=CLIENT_SECRET * 2),
        signed(CLAIMS | {"appId": "cs-other"}),
        signed({"appId": CLIENT_ID}),
        signed(CLAIMS | {"exp": int(START.timestamp()) - 1}),
        signed() + "x",
    ],
)
async def test_tokens_that_do_not_count(on: Running, token: str) -> None:
    """Only a valid token of the app, signed with HS256, opens anything."""
    assert (await delete(on, token=token)).status_code == 401
    assert await on.effects("kore") == []


async def test_a_token_with_an_id_counts_once(on: Running) -> None:
    """A token may end later and have an id, which must not come twice."""
    token = signed(CLAIMS | {"jti": "1", "exp": int(START.timestamp()) + 60})
    assert [(await delete(on, one, token=token)).status_code for one in (CAMPAIGN, READY)] == [200, 401]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"iid": "st-other"}, 403), ({"accountId": "other"}, 403), ({"Content-Type": "text/plain"}, 415)],
)
async def test_headers_that_do_not_fit(on: Running, headers: dict[str, str], status: int) -> None:
    """App and account must be the token's. A content type is required although there is no body."""
    assert (await delete(on, **headers)).status_code == status
    assert await on.effects("kore") == []


async def test_the_second_version(on: Running) -> None:
    """The second version's path needs the account in its query too."""
    path, headers = DELETE_V2.format(APP, CAMPAIGN), {"auth": signed()}
    without = await on.kore.delete(path, params={"campaignType": "voice"}, headers=headers)
    params = {"accountId": ACCOUNT, "campaignType": "voice"}
    assert (
        without.status_code,
        (await on.kore.delete(path, params=params, headers=headers)).status_code,
    ) == (403, 200)


async def get(on: Running, campaign_id: str = CAMPAIGN) -> httpx.Response:
    """Look a campaign up as its page does, without a campaign type."""
    return await on.kore.get(DELETE.format(APP, campaign_id), headers={"auth": signed()})


async def trigger(
    on: Running,
    word: str,
    campaign_id: str = CAMPAIGN,
    *,
    path: str = TRIGGER,
    body: str = "{}",
    **query: str,
) -> httpx.Response:
    """Stop or start a campaign."""
    return await on.kore.post(
        path.format(APP, campaign_id),
        params={"campaignType": "voice", "trigger": word, **query},
        headers={"auth": signed()},
        content=body,
    )


async def test_get(on: Running) -> None:
    """Reading a campaign has no effect, until it is deleted."""
    reply = await get(on, READY)
    assert (reply.status_code, reply.json()["status"]) == (200, "success")
    assert {name: reply.json()["data"][name] for name in ("_id", "status")} == {
        "_id": READY,
        "status": "Ready",
    }
    await delete(on, READY)
    assert (await get(on, READY)).status_code == 404
    assert await on.effects("kore") == [("deleted", READY)]


async def test_stop_and_start(on: Running) -> None:
    """The status at the top is the campaign's own.

    A repeated trigger gets the same answer and changes nothing.
    """
    for word, told, state in (
        ("play", "Campaign Started", "Active"),
        ("play", "Campaign Started", "Active"),
        ("stop", "Campaign Stopped", "Stopped"),
    ):
        reply = await trigger(on, word, READY)
        assert (reply.status_code, reply.json()["status"], reply.json()["message"]) == (200, state, told)
        assert (await get(on, READY)).json()["data"]["status"] == state
    assert await on.effects("kore") == [("started", READY), ("stopped", READY)]
    await delete(on, READY)
    assert (await trigger(on, "stop", READY)).status_code == 404


async def test_the_second_version_of_the_trigger(on: Running) -> None:
    """The second version has a path of its own, and needs the account in the query."""
    without = await trigger(on, "play", path=TRIGGER_V2)
    assert without.status_code == 403
    assert (await trigger(on, "play", path=TRIGGER_V2, accountId=ACCOUNT)).json()["status"] == "Active"


async def test_triggers_that_are_none(on: Running) -> None:
    """Another word, another body or another kind of campaign is refused, and nothing changes."""
    for reply in (
        await trigger(on, "pause"),
        await trigger(on, "play", body=""),
        await trigger(on, "play", campaignType="sms"),
    ):
        assert reply.status_code == 400
    assert await on.effects("kore") == []


async def test_faults_of_a_trigger(on: Running) -> None:
    """A server error may hide that a campaign was started. A refusal hides nothing."""
    await on.control.fail("kore", "rejected")
    assert (await trigger(on, "play")).json() == {
        "status": "error",
        "message": "Campaign could not be triggered",
    }
    assert await on.effects("kore") == []
    await on.control.fail("kore", "server_error")
    assert (await trigger(on, "play")).status_code == 500
    assert await on.effects("kore") == [("started", CAMPAIGN)]


async def view(on: Running, path: str = STATUS, campaign_id: str = CAMPAIGN, **query: str) -> httpx.Response:
    """Look at the status of a campaign."""
    return await on.kore.post(
        path.format(APP, campaign_id), params={"view": "status", **query}, headers={"auth": signed()}
    )


@pytest.mark.parametrize("path", [STATUS, STATUS_V2])
async def test_status(on: Running, path: str) -> None:
    """The status is that of the last trigger. To look at it has no effect."""
    name = "Billing Reminder Voice Campaign2"
    for spec, status in ((None, "Stopped"), ("play", "Active"), ("stop", "Stopped")):
        if spec:
            await trigger(on, spec)
        reply = await view(on, path)
        data = {"id": CAMPAIGN, "status": status, "name": name}
        assert (reply.status_code, reply.json()) == (200, {"status": "success", "data": data})
    assert [what for what, _ in await on.effects("kore")] == ["started", "stopped"]


async def test_statuses_that_are_none(on: Running) -> None:
    """The documented failure is that of another view, by assumption. Others are as for a deletion."""
    assert (await view(on, view="everything")).json() == {"status": "failure"}
    assert (await view(on, campaign_id="cd-0")).status_code == 404
    await on.control.fail("kore", "rate_limited")
    assert (await view(on)).status_code == 429
    on.kore.headers["accountId"] = "another"
    assert (await view(on)).status_code == 403
    on.kore.headers["accountId"] = ACCOUNT
    path = STATUS.format(APP, CAMPAIGN)
    reply = await on.kore.post(path, params={"view": "status"}, headers={"auth": "wrong"})
    assert (reply.status_code, await on.effects("kore")) == (401, [])


async def test_what_is_not_there(on: Running) -> None:
    """Only the documented endpoints exist, for their methods and voice. There are no calls."""
    path, headers = DELETE.format(APP, CAMPAIGN), {"auth": signed()}
    assert (await on.kore.put(path, headers=headers)).status_code == 404
    assert (await on.kore.delete(DELETE.format(APP, "voice/x"), headers=headers)).status_code == 404
    assert (await on.kore.delete(path, headers=headers)).status_code == 400
    assert (await on.kore.delete(DELETE.format("st-other", CAMPAIGN), headers=headers)).status_code == 403
    with pytest.raises(ValueError, match="Not Found"):
        await on.control.calls("kore")


async def test_faults_of_its_own(on: Running) -> None:
    """A rate limit and a refusal have no effect. A server error may hide one."""
    for fault, status in (("rate_limited", 429), ("rejected", 200)):
        await on.control.fail("kore", fault)
        reply = await delete(on)
        assert (reply.status_code, reply.json()["status"]) == (status, "error")
        assert await on.effects("kore") == []
    await on.control.fail("kore", "server_error")
    assert (await delete(on)).status_code == 500
    assert await on.effects("kore") == [("deleted", CAMPAIGN)]


async def test_a_reset_brings_campaigns_back(on: Running) -> None:
    """A reset restores the initial campaigns, and the journal keeps its lines."""
    await delete(on)
    await on.control.reset()
    assert (await delete(on)).status_code == 200
    assert await on.effects("kore") == [("deleted", CAMPAIGN)] * 2


async def test_the_token_is_left_out(on: Running) -> None:
    """The journal holds no token. App and account are no secrets."""
    await delete(on)
    (exchange,) = (await on.control.journal("kore")).exchanges
    assert signed() not in exchange.request.model_dump_json()
    assert ("iid", APP) in exchange.request.headers

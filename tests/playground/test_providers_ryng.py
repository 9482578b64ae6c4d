from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from playground.calls import Ringing
from playground.journal import REDACTED, CallEnd
from playground.ryng import AGENT, CAMPAIGN, CANCEL, PREVIEW, SEEDED, SUBDOMAIN, TOKEN
from tests.playground.providers_running import NUMBER, Ears, Running, listening, running

CALL = SEEDED[0]


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


async def cancel(on: Running, call_id: str) -> tuple[int, dict[str, object]]:
    """Cancel a call by its id, and return the status and the answer."""
    reply = await on.ryng.post(CANCEL.format(call_id))
    return reply.status_code, reply.json()


async def test_cancel(on: Running) -> None:
    """The answer has the documented words."""
    assert await cancel(on, CALL) == (200, {"error": False, "message": "Call Cancelled", "data": {}})
    assert await on.effects("ryng") == [("cancelled", CALL)]
    states = {call.id: call.state for call in await on.control.calls("ryng")}
    assert states == dict.fromkeys(SEEDED, "scheduled") | {CALL: "cancelled"}


@pytest.mark.parametrize("call_id", ["0", "40961x", "40%2F961"])
async def test_500_for_an_unknown_call(on: Running, call_id: str) -> None:
    """An unknown id gets the documented 500."""
    assert await cancel(on, call_id) == (500, {"error": True, "message": "Call ID does not exist"})
    assert await on.effects("ryng") == []


@pytest.mark.parametrize("headers", [{}, {"x-access-token": "wrong"}, {"x-access-key": TOKEN}])
async def test_403(on: Running, headers: dict[str, str]) -> None:
    """A missing or wrong token gets the documented 403, and so does a token under the other name."""
    del on.ryng.headers["x-access-token"]
    on.ryng.headers.update(headers)
    assert await cancel(on, CALL) == (403, {"error": True, "message": "Unauthorized Token"})
    assert await on.effects("ryng") == []


async def test_too_late(on: Running) -> None:
    """A cancelled call, or one that went out, is refused with 200. This is an assumption."""
    await cancel(on, CALL)
    await on.control.advance(24 * 3600)
    for call_id in SEEDED[:2]:
        assert await cancel(on, call_id) == (200, {"error": True, "message": "Call already attempted"})
    assert await on.effects("ryng") == [("cancelled", CALL)]


async def test_faults_of_its_own(on: Running) -> None:
    """A 500 with other words may hide that the call was cancelled. A refusal at 200 hides nothing."""
    await on.control.fail("ryng", "rejected")
    status, body = await cancel(on, CALL)
    assert (status, body["error"]) == (200, True)
    assert await on.effects("ryng") == []
    await on.control.fail("ryng", "server_error")
    status, body = await cancel(on, CALL)
    assert (status, body["error"]) == (500, True)
    assert "does not exist" not in str(body)
    assert await on.effects("ryng") == [("cancelled", CALL)]


WISH: dict[str, object] = {"agentID": AGENT, "campaignID": CAMPAIGN, "customerNumber": NUMBER}


async def test_preview(on: Running) -> None:
    """A preview call gets a whole number, waits for its agent, and can be cancelled until then."""
    for name in ({}, {"customerName": "Joe"}):
        reply = (await on.ryng.post(PREVIEW, json=WISH | name)).json()
        assert reply["error"] is False
        assert {type(one) for one in reply["data"].values()} == {int}
        assert reply["data"].keys() == {"callID", "logID"}
    made = str(reply["data"]["callID"])
    [first, second] = [call for call in await on.control.calls("ryng") if call.id not in SEEDED]
    assert (second.id, second.to, second.details) == (made, NUMBER, WISH | {"customerName": "Joe"})
    assert (await cancel(on, made))[0] == 200
    await on.control.advance(3600)
    assert await cancel(on, first.id) == (200, {"error": True, "message": "Call already attempted"})
    assert await on.effects("ryng") == [("placed", first.id), ("placed", made), ("cancelled", made)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"agentID": "7"},
        {"agentID": 8},
        {"agentID": True},
        {"campaignID": None},
        {"customerNumber": NUMBER[1:]},
        {"customerNumber": 919876543210},
        {"customerName": 5},
        {"terminalCallbackUrl": 5},
        {"connectCallbackUrl": None},
        {"batch": "b1"},
    ],
    ids=str,
)
async def test_previews_that_are_refused(on: Running, wrong: dict[str, object]) -> None:
    """A request unlike the page's example is refused, and no call is made. This is an assumption."""
    assert (await on.ryng.post(PREVIEW, json=WISH | wrong)).status_code == 400
    assert await on.effects("ryng") == []


async def test_faults_of_a_preview(on: Running) -> None:
    """A server error may hide that somebody is called. A wrong token has no effect."""
    await on.control.fail("ryng", "server_error")
    assert (await on.ryng.post(PREVIEW, json=WISH)).status_code == 500
    assert [what for what, _ in await on.effects("ryng")] == ["placed"]
    await on.control.fail("ryng", "rejected")
    assert (await on.ryng.post(PREVIEW, json=WISH)).json()["error"] is True
    del on.ryng.headers["x-access-token"]
    assert (await on.ryng.post(PREVIEW, json=WISH)).status_code == 403
    assert len(await on.effects("ryng")) == 1


async def rings(on: Running, ears: Ears, end: CallEnd) -> str:
    """Let a preview call with both addresses ring for 20 seconds, and return its id."""
    await on.control.ring("ryng", Ringing(end=end, rings=20, seconds=125))
    urls = {"terminalCallbackUrl": ears.url, "connectCallbackUrl": ears.url}
    reply = (await on.ryng.post(PREVIEW, json=WISH | urls)).json()
    await on.control.advance(300 + 20)
    return str(reply["data"]["callID"])


@pytest.mark.parametrize(
    ("end", "disposition", "talktime"),
    [
        ("answered", "Answered", 125),
        ("no_answer", "No Answer", 0),
        ("voicemail", "Voicemail", 125),
        ("busy", "Busy", 0),
        ("rejected", "Rejected", 0),
        ("invalid_number", "Invalid Number", 0),
    ],
)
async def test_every_field_of_a_callback(on: Running, end: CallEnd, disposition: str, talktime: int) -> None:
    """Each address gets one callback with the page's fields: at the end, and when it is picked up."""
    async with listening(on) as ears:
        made = await rings(on, ears, end)
        await on.control.advance(125)
    ended = {
        "callID": int(made),
        "callLogID": int(made) + 1,
        "customerNum": NUMBER,
        "status": "completed",
        "disposition": disposition,
        "talktime": talktime,
        "callDuration": 20 + talktime,
        "recordingUrl": f"https://recordings.ryng.example/{made}.mp3" if talktime else "",
    }
    begun = {"status": "connected", "disposition": "", "talktime": 0, "callDuration": 20, "recordingUrl": ""}
    assert ears.heard == ([ended | begun] if talktime else []) + [ended]
    names = [one.webhook for one in (await on.control.journal("ryng")).told]
    assert names == (["connectCallbackUrl"] if talktime else []) + ["terminalCallbackUrl"]


@pytest.mark.parametrize(
    ("statuses", "sent"), [([], 1), ([204], 2), ([500, 500], 3), ([500, 500, 500], 3), ([500, 200], 2)]
)
async def test_a_callback_is_sent_again_a_minute_apart(on: Running, statuses: list[int], sent: int) -> None:
    """Unless the answer is 200, Ryng sends the same callback again, up to two more times."""
    async with listening(on) as ears:
        ears.statuses += statuses
        await rings(on, ears, "no_answer")
        times = []
        for _ in range(6):
            times.append(len(ears.heard))
            await on.control.advance(30)
    assert times == [min(1 + half_minutes // 2, sent) for half_minutes in range(6)]
    assert all(one == ears.heard[0] for one in ears.heard)


async def test_no_callback_without_an_address(on: Running) -> None:
    """A call without addresses, and a cancelled call, tell nothing. Nor does an address that is not open."""
    async with listening(on) as ears:
        await on.ryng.post(PREVIEW, json=WISH)
        reply = await on.ryng.post(PREVIEW, json=WISH | {"terminalCallbackUrl": ears.url})
        await cancel(on, str(reply.json()["data"]["callID"]))
        await on.ryng.post(PREVIEW, json=WISH | {"terminalCallbackUrl": "http://127.0.0.1:9/"})
        await on.control.advance(3600)
        assert ears.heard == []
    assert {one.status for one in (await on.control.journal("ryng")).told} == {None}


async def test_call_scheduled_by_hand(on: Running) -> None:
    """A call added through the control routes can be cancelled. It belongs to the only account."""
    due = datetime(2027, 1, 1, tzinfo=UTC)
    await on.control.add_call("ryng", "7", due=due, owner=SUBDOMAIN)
    with pytest.raises(ValueError, match="the account as owner: tenant"):
        await on.control.add_call("ryng", "8", due=due, owner="other")
    assert (await cancel(on, "7"))[0] == 200


async def test_what_is_not_there(on: Running) -> None:
    """Only the documented endpoints exist, and only for POST."""
    path = CANCEL.format(CALL)
    assert (await on.ryng.get(path)).status_code == 404
    assert (await on.ryng.post(f"{path}/again")).status_code == 404
    assert (await on.ryng.get(PREVIEW)).status_code == 404


async def test_the_token_is_left_out(on: Running) -> None:
    """The journal holds no token, under either name."""
    on.ryng.headers["x-access-key"] = TOKEN
    await cancel(on, CALL)
    (exchange,) = (await on.control.journal("ryng")).exchanges
    assert TOKEN not in exchange.request.model_dump_json()
    assert [value for name, value in exchange.request.headers if name.startswith("x-access")] == [
        REDACTED
    ] * 2

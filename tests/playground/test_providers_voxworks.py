from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playground.calls import Ringing
from playground.faults import Fault
from playground.journal import CallEnd
from playground.voxworks import CREATE, FROM_NUMBER, OTHER_KEY, SCRIPT, SEEDED, TEAM
from tests.playground.providers_running import NUMBER, START, Running, listening, running


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


async def test_cancel(on: Running) -> None:
    """A scheduled call is cancelled once, and the answer names it."""
    reply = await on.cancel("vx_1001")
    assert (reply.status_code, reply.json()) == (
        200,
        {"success": True, "call_id": "vx_1001", "status": "cancelled"},
    )
    assert await on.effects("voxworks") == [("cancelled", "vx_1001")]
    states = {call.id: call.state for call in await on.control.calls("voxworks")}
    assert states == dict.fromkeys(SEEDED, "scheduled") | {"vx_1001": "cancelled"}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic voxworks-playground-key"])
async def test_401(on: Running, authorization: str) -> None:
    """A missing, malformed or invalid authorization gets the documented 401."""
    on.voxworks.headers["Authorization"] = authorization
    reply = await on.cancel("vx_1001")
    assert (reply.status_code, reply.json()) == (401, {"success": False, "message": "Invalid API key"})
    assert await on.effects("voxworks") == []


@pytest.mark.parametrize("call_id", ["vx_0000", "vx_9001"])
async def test_404(on: Running, call_id: str) -> None:
    """A call that does not exist and a call of another team get the same answer."""
    reply = await on.cancel(call_id)
    assert (reply.status_code, reply.json()) == (
        404,
        {
            "success": False,
            "message": "The requested resource was not found or does not belong to your team.",
        },
    )
    assert await on.effects("voxworks") == []


async def test_the_other_team_cancels_its_own(on: Running) -> None:
    """The key decides which calls exist."""
    on.voxworks.headers["Authorization"] = f"Bearer {OTHER_KEY}"
    assert [(await on.cancel(call_id)).status_code for call_id in ("vx_9001", "vx_1001")] == [200, 404]


async def test_400_when_no_longer_scheduled(on: Running) -> None:
    """A call that was cancelled or went out cannot be cancelled. The 400 is an assumption."""
    await on.cancel("vx_1001")
    await on.control.advance(24 * 3600)
    for call_id in ("vx_1001", "vx_1002"):
        reply = await on.cancel(call_id)
        assert (reply.status_code, reply.json()) == (
            400,
            {"success": False, "message": "Call is no longer scheduled"},
        )
    assert await on.effects("voxworks") == [("cancelled", "vx_1001")]


@pytest.mark.parametrize("retry_after", ["2", "Fri, 20 Nov 2026 04:00:30 GMT", "soon"])
async def test_429(on: Running, retry_after: str) -> None:
    """The rate limit has its three headers, every form of `Retry-After`, and no effect."""
    await on.control.fail("voxworks", Fault(does="rate_limited", headers={"Retry-After": retry_after}))
    reply = await on.cancel("vx_1001")
    assert (reply.status_code, reply.json()) == (429, {"success": False, "message": "Rate limit exceeded"})
    assert reply.headers["Retry-After"] == retry_after
    assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remaining"]) == ("60", "0")
    assert await on.effects("voxworks") == []
    assert (await on.cancel("vx_1001")).status_code == 200


async def test_500_after_the_effect(on: Running) -> None:
    """A documented 500 may hide that the call was cancelled."""
    await on.control.fail("voxworks", "server_error")
    reply = await on.cancel("vx_1001")
    assert (reply.status_code, reply.json()) == (500, {"success": False, "message": "Internal server error"})
    assert await on.effects("voxworks") == [("cancelled", "vx_1001")]


async def test_success_false(on: Running) -> None:
    """200 with `success: false` is a refusal and has no effect."""
    await on.control.fail("voxworks", "rejected")
    reply = await on.cancel("vx_1001")
    assert (reply.status_code, reply.json()["success"], reply.json()["call_id"]) == (200, False, "vx_1001")
    assert await on.effects("voxworks") == []


CONTACT: dict[str, object] = {"phone_number": NUMBER}
WISH: dict[str, object] = {"from_number": FROM_NUMBER, "script_id": SCRIPT, "contact": CONTACT}


async def test_create(on: Running) -> None:
    """A created call waits for its time, and can be cancelled by the returned id."""
    names = {"first_name": "John", "last_name": "Smith"}
    spec = WISH | {"contact": CONTACT | names, "scheduled_time": "2026-11-21T09:00:00Z"}
    reply = await on.voxworks.post(CREATE, json=spec)
    call_id = reply.json()["call_id"]
    assert (reply.status_code, reply.json()) == (
        201,
        {"success": True, "call_id": call_id, "status": "scheduled"},
    )
    [call] = [call for call in await on.control.calls("voxworks") if call.id == call_id]
    assert (call.to, call.owner, call.due) == (NUMBER, TEAM, datetime(2026, 11, 21, 9, tzinfo=UTC))
    assert call.details == spec
    assert (await on.cancel(call_id)).json()["call_id"] == call_id
    assert await on.effects("voxworks") == [("placed", call_id), ("cancelled", call_id)]


async def test_create_at_once(on: Running) -> None:
    """Without a time the call goes out at once, by assumption. The example's national number is accepted."""
    spec = WISH | {"contact": {"phone_number": "0429069971"}}
    call_id = (await on.voxworks.post(CREATE, json=spec)).json()["call_id"]
    assert (await on.cancel(call_id)).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"from_number": None},
        {"script_id": 7},
        {"contact": NUMBER},
        {"contact": {}},
        {"contact": CONTACT | {"first_name": None}},
        {"contact": CONTACT | {"age": "25"}},
        {"scheduled_time": "2026-11-21T09:00:00"},
        {"scheduled_time": "2026-11-21T09:00:00+00:00"},
        {"scheduled_time": "2026-02-30T09:00:00Z"},
        {"batch": "b1"},
    ],
    ids=str,
)
async def test_calls_that_are_refused(on: Running, wrong: dict[str, object]) -> None:
    """A request unlike the page's example gets the documented 400, and no call is made."""
    reply = await on.voxworks.post(CREATE, json=WISH | wrong)
    assert (reply.status_code, reply.json()["success"]) == (400, False)
    assert (await on.voxworks.post(CREATE, content=b"{")).status_code == 400
    assert await on.effects("voxworks") == []


async def test_calls_of_somebody_else(on: Running) -> None:
    """A script or number that the team lacks gets the same answer as a call that it lacks."""
    for wrong in ({"script_id": "another"}, {"from_number": "+61290000000"}):
        assert (await on.voxworks.post(CREATE, json=WISH | wrong)).status_code == 404
    on.voxworks.headers["Authorization"] = f"Bearer {OTHER_KEY}"
    assert (await on.voxworks.post(CREATE, json=WISH)).status_code == 404
    on.voxworks.headers["Authorization"] = "Bearer wrong"
    assert (await on.voxworks.post(CREATE, json=WISH)).status_code == 401
    assert await on.effects("voxworks") == []


async def test_faults_of_creating(on: Running) -> None:
    """A 500 may hide that somebody is called. A rate limit and a refusal hide nothing."""
    for fault, status, made in (("server_error", 500, 1), ("rate_limited", 429, 1), ("rejected", 200, 1)):
        await on.control.fail("voxworks", fault)
        reply = await on.voxworks.post(CREATE, json=WISH)
        assert (reply.status_code, reply.json()["success"]) == (status, False)
        assert len(await on.effects("voxworks")) == made


async def look(on: Running, call_id: str, what: str = "get-call") -> dict[str, Any]:
    """Return what Voxworks tells of a call."""
    reply = await on.voxworks.get(f"/api/v1/{what}/{call_id}")
    body = reply.json()
    assert (reply.status_code, body["success"], body.keys()) == (200, True, {"success", "call"})
    told: dict[str, Any] = body["call"]
    return told


async def created(on: Running, end: CallEnd = "answered") -> str:
    """Create a call for nine o'clock that ends in this way, and return its id."""
    await on.control.ring("voxworks", Ringing(end=end, rings=20, seconds=125))
    names = {"first_name": "John", "last_name": "Smith"}
    spec = WISH | {"contact": CONTACT | names, "scheduled_time": "2026-11-20T09:00:00Z"}
    return str((await on.voxworks.post(CREATE, json=spec)).json()["call_id"])


NO_RESULT: dict[str, object] = dict.fromkeys(
    ("call_summary", "transcript", "recording_url", "structured_data", "rating", "objectives")
)


async def test_a_call_before_and_while_it_rings(on: Running) -> None:
    """A scheduled call has its time, its number and no end. A running one has begun."""
    call_id = await created(on)
    scheduled = {
        "call_id": call_id,
        "type": "outbound",
        "status": "scheduled",
        "scheduled_time": "2026-11-20T09:00:00Z",
        "contact": {"phone_number": NUMBER},
        "from_number": FROM_NUMBER,
        "script_id": SCRIPT,
        "actual_time": None,
        "ended_at": None,
        "duration": None,
    }
    assert await look(on, call_id) == scheduled
    assert await look(on, call_id, "get-call-result") == {
        "call_id": call_id,
        "status": "scheduled",
        **NO_RESULT,
    }
    await on.control.advance(5 * 3600 + 10)
    begun = {"status": "in_progress", "actual_time": "2026-11-20T09:00:00Z"}
    assert await look(on, call_id) == scheduled | begun


@pytest.mark.parametrize(
    ("end", "status", "seconds"),
    [
        ("answered", "completed", 125),
        ("no_answer", "rang-out", 0),
        ("voicemail", "voicemail", 125),
        ("busy", "User unavailable", 0),
        ("rejected", "User rejected", 0),
        ("invalid_number", "failed", 0),
    ],
)
async def test_every_field_of_a_call_that_ended(on: Running, end: CallEnd, status: str, seconds: int) -> None:
    """An ended call has a status of the page, its length, and a result if it was picked up."""
    call_id = await created(on, end)
    async with listening(on) as ears:
        await on.control.tell("voxworks", ears.url)
        await on.control.advance(6 * 3600)
    told = await look(on, call_id)
    ended_at = (
        f"{datetime(2026, 11, 20, 9, 0, 20, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
    )
    assert (told["status"], told["duration"], told["ended_at"]) == (status, seconds, ended_at)
    assert told["scheduled_time"] == told["actual_time"] == "2026-11-20T09:00:00Z"
    result = {
        "call_summary": "The customer will pay on Friday.",
        "transcript": "Full call transcript...",
        "recording_url": f"https://recordings.voxworks.example/{call_id}.mp3",
        "structured_data": {},
        "rating": 5,
        "objectives": [],
    }
    result = result if seconds else NO_RESULT
    assert await look(on, call_id, "get-call-result") == {"call_id": call_id, "status": status, **result}
    webhook = {
        "trigger": {
            "call_id": call_id,
            "call_type": "outbound",
            "call_status": status,
            "contact_name": "John Smith",
            "phone_user": NUMBER,
            "actual_time": "2026-11-20T09:00:00Z",
        },
        "contact": {"phone_number": NUMBER, "full_name": "John Smith"},
        "call": {"call_summary": result["call_summary"]},
    }
    assert ears.heard == [webhook]
    [line] = (await on.control.journal("voxworks")).told
    assert (line.webhook, line.status) == ("Call Completed", 200)


async def test_a_cancelled_call(on: Running) -> None:
    """A look-up has no effect, and finds a cancelled call with its status. It tells no webhook."""
    async with listening(on) as ears:
        await on.control.tell("voxworks", ears.url)
        await on.cancel("vx_1001")
        await on.control.advance(60)
        assert ears.heard == []
    assert ((await look(on, "vx_1001"))["status"], (await look(on, "vx_1002"))["status"]) == (
        "cancelled",
        "scheduled",
    )
    assert await on.effects("voxworks") == [("cancelled", "vx_1001")]


@pytest.mark.parametrize("what", ["get-call", "get-call-result"])
async def test_look_ups_that_are_refused(on: Running, what: str) -> None:
    """An unknown call, another team's, a wrong key, a rate limit and a 500 have the documented answers."""
    for call_id in ("vx_0000", "vx_9001"):
        reply = await on.voxworks.get(f"/api/v1/{what}/{call_id}")
        assert (reply.status_code, reply.json()["success"]) == (404, False)
    for fault, status in (("rate_limited", 429), ("server_error", 500)):
        await on.control.fail("voxworks", fault)
        reply = await on.voxworks.get(f"/api/v1/{what}/vx_1001")
        assert (reply.status_code, reply.json()["success"]) == (status, False)
    on.voxworks.headers["Authorization"] = "Bearer wrong"
    reply = await on.voxworks.get(f"/api/v1/{what}/vx_1001")
    assert (reply.status_code, reply.json()) == (401, {"success": False, "message": "Invalid API key"})
    assert (await on.voxworks.post(f"/api/v1/{what}/vx_1001")).status_code == 404


async def test_call_scheduled_by_hand(on: Running) -> None:
    """A call added through the control routes can be cancelled, and its id is taken from then on."""
    due = datetime(2027, 1, 1, tzinfo=UTC)
    await on.control.add_call("voxworks", "vx:7.a", due=due, owner=TEAM)
    with pytest.raises(ValueError, match=r"there is a call vx:7\.a already"):
        await on.control.add_call("voxworks", "vx:7.a", due=due, owner=TEAM)
    assert (await on.cancel("vx%3A7.a")).json()["call_id"] == "vx:7.a"


async def test_what_is_not_there(on: Running) -> None:
    """Only the documented endpoints exist, only for POST, and a path is not resolved."""
    assert (await on.voxworks.get("/api/v1/cancel-call/vx_1001")).status_code == 404
    assert (await on.voxworks.get(CREATE)).status_code == 404
    head = await on.voxworks.head(CREATE)
    assert (head.status_code, head.content) == (404, b"")
    assert (await on.voxworks.post("/api/v1/cancel-call/vx_1001/again")).status_code == 404
    assert (await on.control.calls("voxworks"))[0].due > START

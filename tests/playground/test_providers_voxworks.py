from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from playground.faults import Fault
from playground.voxworks import OTHER_KEY, SEEDED, TEAM
from tests.playground.providers_running import START, Running, running


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Running stand-ins."""
    async with running() as started:
        yield started


async def test_cancel(on: Running) -> None:
    """A scheduled call is cancelled, once, and the answer names it."""
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
    """A missing, malformed or invalid authorization is answered with the documented 401."""
    on.voxworks.headers["Authorization"] = authorization
    reply = await on.cancel("vx_1001")
    assert (reply.status_code, reply.json()) == (401, {"success": False, "message": "Invalid API key"})
    assert await on.effects("voxworks") == []


@pytest.mark.parametrize("call_id", ["vx_0000", "vx_9001"])
async def test_404(on: Running, call_id: str) -> None:
    """A call that is not there and one of another team are answered alike."""
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
    """The key decides whose calls there are."""
    on.voxworks.headers["Authorization"] = f"Bearer {OTHER_KEY}"
    assert [(await on.cancel(call_id)).status_code for call_id in ("vx_9001", "vx_1001")] == [200, 404]


async def test_400_when_no_longer_scheduled(on: Running) -> None:
    """A call that was cancelled or went out cannot be cancelled: assumed to be 400."""
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
    """The rate limit has its three headers, in every form `Retry-After` may take, and no effect."""
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


async def test_call_scheduled_by_hand(on: Running) -> None:
    """A call added through the control routes can be cancelled; its id is taken from then on."""
    due = datetime(2027, 1, 1, tzinfo=UTC)
    await on.control.add_call("voxworks", "vx:7.a", due=due, owner=TEAM)
    with pytest.raises(ValueError, match=r"there is a call vx:7\.a already"):
        await on.control.add_call("voxworks", "vx:7.a", due=due, owner=TEAM)
    assert (await on.cancel("vx%3A7.a")).json()["call_id"] == "vx:7.a"


async def test_what_is_not_there(on: Running) -> None:
    """Only the documented endpoint stands here, only for POST, and a path is not resolved."""
    assert (await on.voxworks.get("/api/v1/cancel-call/vx_1001")).status_code == 404
    assert (await on.voxworks.post("/api/v1/create-phone-call", json={})).status_code == 404
    assert (await on.voxworks.post("/api/v1/cancel-call/vx_1001/again")).status_code == 404
    assert (await on.control.calls("voxworks"))[0].due > START

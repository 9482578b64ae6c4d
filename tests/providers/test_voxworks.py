import pytest

from providers.actions import CallRef, CancelCall, NumberRef, PlaceCall, Refused
from tests.providers.made import CANCEL, CONTEXT, KEY, NUMBER, PLACE, Case, ask, check, voxworks
from tests.providers.wire import reply

CANCELLING = [
    Case("200 true", 200, {"success": True, "call_id": "vx_123", "status": "cancelled"}, "ok cancelled never", reference="vx_123"),
    Case("200 true without id", 200, {"success": True}, "ok cancelled never", reference="vx_123"),
    Case("200 true for another call", 200, {"success": True, "call_id": "vx_999"}, "ok cancelled never", reference="vx_999", warnings=1),
    Case("200 false", 200, {"success": False, "message": "Call already started"}, "failed rejected never", says="“Call already started”"),
    Case("200 without success", 200, {"call_id": "vx_123", "status": "cancelled"}, "unknown unreadable_reply idempotent"),
    Case("200 success in words", 200, {"success": "true", "call_id": "vx_123"}, "unknown unreadable_reply idempotent"),
    Case("200 success as a number", 200, {"success": 1}, "unknown unreadable_reply idempotent"),
    Case("200 success null", 200, {"success": None}, "unknown unreadable_reply idempotent"),
    Case("200 empty", 200, b"", "unknown unreadable_reply idempotent"),
    Case("400", 400, {"success": False, "message": "call is not scheduled"}, "failed invalid_request never", says="“call is not scheduled”"),
    Case("401", 401, {"success": False, "message": "Invalid API key"}, "failed auth_failed never", says="api_key"),
    Case("404", 404, {"success": False, "message": "Not found"}, "failed not_found never", says="not on this account"),
    Case("403", 403, {"success": False}, "failed rejected never"),
    Case("408", 408, b"", "unknown no_answer idempotent"),
    Case("429 seconds", 429, {"success": False, "message": "Rate limit exceeded"}, "failed rate_limited after", headers={"Retry-After": "120", "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}, retry_after=120.0),
    Case("429 HTTP date", 429, {"success": False}, "failed rate_limited after", headers={"Retry-After": "Tue, 30 Dec 2025 12:01:30 GMT"}, retry_after=90.0),
    Case("429 nonsense", 429, {"success": False}, "failed rate_limited after", headers={"Retry-After": "soon"}),
    Case("429 without Retry-After", 429, {"success": False}, "failed rate_limited after"),
    Case("500", 500, {"success": False, "message": "Internal server error"}, "unknown server_error idempotent"),
    Case("502 HTML", 502, b"<html>", "unknown server_error idempotent"),
    Case("301", 301, b"", "failed config_error never", headers={"Location": "https://elsewhere.example/"}),
    Case("405", 405, b"", "failed config_error never"),
    Case("415", 415, b"", "failed config_error never"),
]  # fmt: skip


@pytest.mark.parametrize("case", CANCELLING, ids=str)
async def test_a_reply_to_cancelling(case: Case) -> None:
    """Each reply to a cancellation means what the table says."""
    await check(case, CANCEL)


async def test_cancel_on_the_wire() -> None:
    """Cancelling is exactly the documented request: the id in the path, the key as a bearer token, no body."""
    _, [request] = await ask(CANCEL, reply())
    assert (request.method, request.target) == ("POST", "/api/v1/cancel-call/vx_123")
    assert request.body == b""
    assert request.headers.pop("host").startswith("127.0.0.1:")
    assert request.headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "CallOps",
        "authorization": f"Bearer {KEY}",
        "content-length": "0",
    }


async def test_an_id_is_quoted_on_the_wire() -> None:
    """Every character that an id may have arrives as the provider wrote it."""
    _, [request] = await ask(CancelCall(target=CallRef(call_id="vx:1.2-3_4")), reply())
    assert request.target == "/api/v1/cancel-call/vx%3A1.2-3_4"


@pytest.mark.parametrize("action", [PLACE, PlaceCall(to=NUMBER, agent="a", retries=1)])
def test_voxworks_places_no_calls(action: PlaceCall) -> None:
    """What Voxworks' document does not have is refused before any request."""
    with pytest.raises(Refused) as refused:
        voxworks().prepare(action, CONTEXT)
    assert refused.value.code == "unsupported"


def test_voxworks_does_not_cancel_by_number() -> None:
    """A number is no call id."""
    with pytest.raises(Refused, match="by its number") as refused:
        voxworks().prepare(CancelCall(target=NumberRef(agent="a", to=NUMBER)), CONTEXT)
    assert refused.value.field == "target"

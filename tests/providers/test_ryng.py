from typing import Any

import pytest
from pydantic import ValidationError

from providers.actions import CallRef, CampaignRef, CancelCall, DeleteCampaign, NumberRef, PlaceCall, Refused
from providers.ryng import RyngSettings
from tests.providers.made import CONTEXT, KEY, NUMBER, PLACE, Case, ask, check, ryng
from tests.providers.wire import cut_short, hang_up, nobody_listening, reply, reset, silence

CANCEL = CancelCall(target=CallRef(call_id="40961"))
CANCELLED = {"error": False, "message": "Call Cancelled", "data": {}}

CANCELLING = [
    Case("200 error false", 200, CANCELLED, "ok cancelled never", reference="40961", says="cancelled"),
    Case("200 error false alone", 200, {"error": False}, "ok cancelled never", reference="40961"),
    Case("200 error true", 200, {"error": True, "message": "Call already attempted"}, "failed rejected never", says="“Call already attempted”"),
    Case("200 error true without words", 200, {"error": True}, "failed rejected never", says="attempted already"),
    Case("200 without error", 200, {"message": "Call Cancelled", "data": {}}, "unknown unreadable_reply idempotent"),
    Case("200 error in words", 200, {"error": "false"}, "unknown unreadable_reply idempotent"),
    Case("200 error as a number", 200, {"error": 0}, "unknown unreadable_reply idempotent"),
    Case("200 error null", 200, {"error": None}, "unknown unreadable_reply idempotent"),
    Case("200 empty", 200, b"", "unknown unreadable_reply idempotent"),
    Case("200 a list", 200, [CANCELLED], "unknown unreadable_reply idempotent"),
    Case("204", 204, b"", "unknown unreadable_reply idempotent"),
    Case("403", 403, {"error": True, "message": "Unauthorized Token"}, "failed auth_failed never", says="access_token"),
    Case("403 may be the header's name", 403, {"error": True, "message": "Unauthorized Token"}, "failed auth_failed never", says='auth_header to "x-access-key"'),
    Case("500 of an unknown id", 500, {"error": True, "message": "Call ID does not exist"}, "failed not_found never", says="no call of this id"),
    Case("500 of an unknown id, named", 500, {"error": True, "message": "call id 40961 does not exist."}, "failed not_found never"),
    Case("500 of something else that does not exist", 500, {"error": True, "message": "Table does not exist"}, "unknown server_error idempotent"),
    Case("500 with other words", 500, {"error": True, "message": "Internal Server Error"}, "unknown server_error idempotent"),
    Case("500 HTML that says it", 500, b"<p>Call ID does not exist</p>", "unknown server_error idempotent"),
    Case("500 empty", 500, b"", "unknown server_error idempotent"),
    Case("502 HTML", 502, b"<html>", "unknown server_error idempotent"),
    Case("401", 401, {"error": True}, "failed rejected never", says="401"),
    Case("404", 404, b"<html>", "failed rejected never", says="project champion"),
    Case("408", 408, b"", "unknown no_answer idempotent"),
    Case("429", 429, {"error": True}, "failed rate_limited after", headers={"Retry-After": "30"}, retry_after=30.0),
    Case("301", 301, b"", "failed config_error never", headers={"Location": "https://elsewhere.example/"}),
    Case("405", 405, b"", "failed config_error never"),
    Case("415", 415, b"", "failed config_error never"),
]  # fmt: skip


@pytest.mark.parametrize("case", CANCELLING, ids=str)
async def test_a_reply_to_cancelling(case: Case) -> None:
    """Each reply to a cancellation means what the table says."""
    await check(case, CANCEL, of=ryng)


@pytest.mark.parametrize("answer", [reset, hang_up, cut_short, silence])
async def test_a_lost_answer_may_be_asked_for_again(answer: Any) -> None:
    """A cancellation by id whose answer is lost is unknown, and harmless to repeat."""
    outcome, received = await ask(CANCEL, answer, of=ryng, deadline=0.3)
    assert (outcome.status, outcome.retry, len(received)) == ("unknown", "idempotent", 1)


async def test_nobody_there() -> None:
    """A refused connection was certainly not sent."""
    async with nobody_listening() as base_url:
        adapter = ryng(base_url)
        outcome = await adapter.perform(CANCEL, CONTEXT)
        await adapter.aclose()
    assert (outcome.status, outcome.code, outcome.retry) == ("failed", "unreachable", "safe")


@pytest.mark.parametrize("header", ["x-access-token", "x-access-key"])
async def test_cancel_on_the_wire(header: str) -> None:
    """Cancelling is exactly the documented request, the token under the one name that is set, and no body."""
    _, [request] = await ask(CANCEL, reply(), of=ryng, auth_header=header)
    assert (request.method, request.target) == ("POST", "/rest-api/v1/progressive/call/40961/cancel")
    assert request.body == b""
    assert request.headers.pop("host").startswith("127.0.0.1:")
    assert request.headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "CallOps",
        header: KEY,
        "content-length": "0",
    }


async def test_the_hint_names_the_other_header() -> None:
    """Where the second name is set, a 403 speaks of the first."""
    outcome, _ = await ask(CANCEL, reply(403, {"error": True}), of=ryng, auth_header="x-access-key")
    assert 'auth_header to "x-access-token"' in outcome.message


def test_the_subdomain_says_where() -> None:
    """The account's subdomain is the host, over https, unless an address is set."""
    assert ryng().prepare(CANCEL, CONTEXT).url.startswith("https://tenant.ryng.in/rest-api/v1/")
    assert ryng(subdomain="a-1").settings.base_url == "https://a-1.ryng.in"
    assert ryng("http://127.0.0.1:4810").settings.base_url == "http://127.0.0.1:4810"


@pytest.mark.parametrize(
    "subdomain",
    ["", "evil.example/", "evil.example#", "evil.example?", "a.b", "a@b", "a:1", "-a", "a-", "a b", "ä", "a\n", "x" * 64],
)  # fmt: skip
def test_a_subdomain_is_one_label(subdomain: str) -> None:
    """Whatever could send the token to another host is refused when it loads, as one fault at one place."""
    with pytest.raises(ValidationError) as refused:
        RyngSettings.model_validate({"subdomain": subdomain, "access_token": KEY})
    assert [fault["loc"] for fault in refused.value.errors()] == [("subdomain",)]
    assert KEY not in str(refused.value)


def test_what_is_missing_is_named() -> None:
    """Without a subdomain or a token there is no connection."""
    with pytest.raises(ValidationError) as refused:
        RyngSettings.model_validate({})
    assert {fault["loc"] for fault in refused.value.errors()} == {("subdomain",), ("access_token",)}


def test_where_it_goes_is_in_the_fingerprint() -> None:
    """Another subdomain is another place to send to."""
    assert ryng().fingerprint(None) != ryng(subdomain="other").fingerprint(None)


async def test_an_id_that_is_no_whole_number_is_sent_with_a_warning() -> None:
    """Ids are whole numbers on Ryng's other pages only: any safe id is sent, and people are told."""
    action = CancelCall(target=CallRef(call_id="ry:1.2-3_4"))
    outcome, [request] = await ask(action, reply(200, CANCELLED), of=ryng)
    assert request.target == "/rest-api/v1/progressive/call/ry%3A1.2-3_4/cancel"
    assert "whole numbers" in outcome.warnings[0]
    outcome, _ = await ask(action, reply(500, {"error": True, "message": "Call ID does not exist"}), of=ryng)
    assert "whole numbers" in outcome.message


async def test_a_smuggled_id_is_refused() -> None:
    """An id that could lead elsewhere never reaches a socket."""
    for call_id in ("", "..", "../contacts", "a?x=1", "a/b", "x" * 129):
        smuggled = CancelCall.model_construct(target=CallRef.model_construct(call_id=call_id))
        outcome, received = await ask(smuggled, reply(), of=ryng)
        assert (outcome.status, outcome.code, received) == ("refused", "invalid_request", [])


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (PLACE, None),
        (PlaceCall(to=NUMBER, agent="a", retries=1), None),
        (CancelCall(target=NumberRef(agent="a", to=NUMBER)), "target"),
        (DeleteCampaign(target=CampaignRef(campaign_id="c")), None),
    ],
)
def test_what_ryng_cannot_be_asked_for(action: Any, field: str | None) -> None:
    """What Ryng's document does not have is refused before any request."""
    with pytest.raises(Refused) as refused:
        ryng().prepare(action, CONTEXT)
    assert (refused.value.code, refused.value.field) == ("unsupported", field)


async def test_the_token_is_nowhere() -> None:
    """Neither settings, request nor outcome show the token, even where the reply repeats it."""
    echo = {"error": True, "message": f"token {KEY}", "x": f"call +1 212 555 1234 with {KEY}"}
    outcome, _ = await ask(CANCEL, reply(200, echo), of=ryng)
    written = (
        repr(outcome)
        + outcome.model_dump_json()
        + repr(ryng().prepare(CANCEL, CONTEXT))
        + repr(ryng().settings)
    )
    assert KEY not in written
    assert "5551234" not in written.replace(" ", "")

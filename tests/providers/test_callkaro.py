import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from providers.actions import Code, Kind, NumberRef, PlaceCall, Refused, Retry
from tests.providers.made import (
    AGENT_ID,
    CONTEXT,
    DELETE,
    KEY,
    NOW,
    NUMBER,
    PLACE,
    Case,
    ask,
    callkaro,
    check,
)
from tests.providers.wire import reply

MISSING_KEY = {"status": "error", "message": "Missing X-API-KEY in headers"}
SERVER_ERROR = {"status": "error", "message": "Internal server error"}

PLACING = [
    Case("200 success with call_id", 200, {"status": "success", "message": "Call initiated successfully", "call_id": "a1b2c3d4e5"}, "ok queued never", reference="a1b2c3d4e5"),
    Case("200 done with call_sid", 200, {"status": "done", "message": "Call queued successfully", "call_sid": "a1b2c3d4e5"}, "ok queued never", reference="a1b2c3d4e5"),
    Case("200 with an integer id", 200, {"status": "success", "call_id": 12}, "ok queued never", reference="12"),
    Case("200 without an id", 200, {"status": "success", "message": "Call initiated successfully"}, "ok queued never", warnings=1),
    Case("200 with an id of the wrong type", 200, {"status": "done", "call_sid": {"id": True}}, "ok queued never", warnings=1),
    Case("200 error", 200, {"status": "error", "message": "Agent is paused"}, "failed rejected never", says="“Agent is paused”"),
    Case("200 another status", 200, {"status": "perhaps", "call_id": "a1"}, "unknown unreadable_reply verify"),
    Case("200 status of the wrong type", 200, {"status": True, "call_id": "a1"}, "unknown unreadable_reply verify"),
    Case("200 empty", 200, b"", "unknown unreadable_reply verify"),
    Case("200 HTML", 200, b"<html>", "unknown unreadable_reply verify"),
    Case("200 a list", 200, [], "unknown unreadable_reply verify"),
    Case("201", 201, {"status": "success", "call_id": "a1"}, "unknown unreadable_reply verify"),
    Case("204", 204, b"", "unknown unreadable_reply verify"),
    Case("400", 400, {"status": "error", "message": "Missing agent_id"}, "failed invalid_request never", says="“Missing agent_id”"),
    Case("400 without JSON", 400, b"", "failed invalid_request never", says="support@callkaro.ai"),
    Case("403", 403, MISSING_KEY, "failed auth_failed never", says="api_key"),
    Case("404", 404, {"status": "error", "message": "Agent does not exist"}, "failed not_found never", says="agent"),
    Case("400 DND_NUMBER", 400, {"status": "error", "message": "DND_NUMBER"}, "failed compliance_blocked never"),
    Case("403 VERIFICATION_REQUIRED", 403, {"status": "error", "code": "VERIFICATION_REQUIRED"}, "failed compliance_blocked never"),
    Case("200 error DND_NUMBER", 200, {"status": "error", "error": {"code": "DND_NUMBER"}}, "failed compliance_blocked never"),
    Case("401", 401, {}, "failed rejected never", says="401"),
    Case("408", 408, b"", "unknown no_answer verify"),
    Case("429", 429, b"", "failed rate_limited never", headers={"Retry-After": "7"}, retry_after=7.0),
    Case("500", 500, {"status": "error", "message": "Server error"}, "unknown server_error verify"),
    Case("502 HTML", 502, b"<html><h1>Bad gateway</h1></html>", "unknown server_error verify"),
    Case("503 with Retry-After", 503, b"", "unknown server_error verify", headers={"Retry-After": "30"}, retry_after=30.0),
    Case("302", 302, b"", "failed config_error never", headers={"Location": "/elsewhere"}, says="base_url"),
    Case("405", 405, b"", "failed config_error never", says="base_url"),
    Case("415", 415, b"", "failed config_error never", says="base_url"),
]  # fmt: skip

DELETING = [
    Case("200", 200, {"status": "success", "message": "Scheduled call deleted successfully"}, "ok cancelled never", says="without saying how many"),
    Case("200 empty", 200, b"", "unknown unreadable_reply short_window"),
    Case("400", 400, {"status": "error", "message": "Missing agent_id in request query"}, "failed invalid_request never", says="“Missing agent_id in request query”"),
    Case("403", 403, MISSING_KEY, "failed auth_failed never", says="https://callkaro.ai/dashboard/api-key"),
    Case("404", 404, b"", "failed rejected never"),
    Case("408", 408, b"", "unknown no_answer short_window"),
    Case("429", 429, b"", "failed rate_limited after"),
    Case("500", 500, SERVER_ERROR, "unknown server_error short_window"),
    Case("502 HTML", 502, b"<html>", "unknown server_error short_window"),
    Case("307", 307, b"", "failed config_error never", headers={"Location": "https://elsewhere.example/"}),
]  # fmt: skip


@pytest.mark.parametrize("case", PLACING, ids=str)
async def test_a_reply_to_placing(case: Case) -> None:
    """Each reply to a placed call means what the table says."""
    await check(case, PLACE)


@pytest.mark.parametrize("case", DELETING, ids=str)
async def test_a_reply_to_deleting(case: Case) -> None:
    """Each reply to a deletion means what the table says."""
    await check(case, DELETE)


async def test_a_scheduled_call_is_told_as_scheduled() -> None:
    """A call with a time is scheduled, not queued."""
    outcome, _ = await ask(
        placing(at=NOW + timedelta(hours=1)), reply(200, {"status": "done", "call_sid": "a1"})
    )
    assert outcome.code is Code.SCHEDULED
    assert "accepted" in outcome.message


async def test_place_on_the_wire() -> None:
    """Placing is exactly the documented request, on a connection of its own."""
    action = placing(
        at=datetime(2025, 12, 31, 4, 0, tzinfo=UTC),
        retries=3,
        gap=(30, 60),
        earliest="09:00",
        latest="18:00",
        carry_over=True,
        priority=1,
        language="hi",
        batch="b1",
        metadata={"name": "अभिनव", "age": 25, "vip": True, "note": None},
    )
    _, [request] = await ask(action, reply(200, {"status": "success"}))
    assert (request.method, request.target) == ("POST", "/call/outbound")
    host = request.headers.pop("host")
    assert host.startswith("127.0.0.1:")
    assert request.headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "CallOps",
        "x-api-key": KEY,
        "content-type": "application/json",
        "content-length": str(len(request.body)),
        "connection": "close",
    }
    assert json.loads(request.body) == {
        "to_number": NUMBER,
        "agent_id": AGENT_ID,
        "batch_id": "b1",
        "metadata": {"name": "अभिनव", "age": 25, "vip": True, "note": None},
        "schedule_at": "2025-12-31T09:30:00",
        "min_trigger_time": "09:00",
        "max_trigger_time": "18:00",
        "carry_over": True,
        "number_of_retries": 3,
        "gap_between_retries": [30, 60],
        "priority": 1,
        "language": "hi",
    }


async def test_a_bare_call_on_the_wire() -> None:
    """What was not asked for is not sent."""
    _, [request] = await ask(PLACE, reply())
    assert request.body == f'{{"to_number":"{NUMBER}","agent_id":"{AGENT_ID}"}}'.encode()


async def test_delete_on_the_wire() -> None:
    """Deleting names the agent in the query and the number, as digits, in the body."""
    _, [request] = await ask(DELETE, reply())
    assert (request.method, request.target) == ("POST", f"/call/delete-schedule-call?agent_id={AGENT_ID}")
    assert request.body == b'{"to_number":"919876543210"}'
    assert request.headers["x-api-key"] == KEY
    assert "connection" not in request.headers


async def test_a_raw_agent_id_is_quoted() -> None:
    """An agent's id is opaque: whatever it holds, it stays one value of the query."""
    adapter = callkaro(allow_raw_agents=True)
    prepared = adapter.prepare(
        DELETE.model_copy(update={"target": NumberRef(agent="a&b=c/../#?", to=NUMBER)}), CONTEXT
    )
    assert (
        prepared.url == "https://api.callkaro.ai/call/delete-schedule-call?agent_id=a%26b%3Dc%2F..%2F%23%3F"
    )


def test_a_deletion_can_send_e164() -> None:
    """`number_format = "e164"` keeps the plus."""
    assert callkaro(number_format="e164").prepare(DELETE, CONTEXT).body == b'{"to_number":"+919876543210"}'


def test_a_deletion_says_that_it_takes_everything() -> None:
    """Deleting by number removes all that the agent has scheduled there, and says so beforehand."""
    capability = callkaro().capability(Kind.CANCEL_CALL)
    assert capability is not None
    assert capability.removes_all
    assert capability.target is NumberRef


def test_each_gap_shape_is_kept() -> None:
    """One gap stays an integer, and unequal counts of gaps and retries are legal."""
    assert body(placing(retries=3, gap=30))["gap_between_retries"] == 30
    assert body(placing(retries=3, gap=(30, 60)))["gap_between_retries"] == [30, 60]


def test_a_window_may_have_one_end() -> None:
    """Either end of the window may stand alone, and its zone is told."""
    prepared = callkaro().prepare(placing(earliest="09:00"), CONTEXT)
    assert prepared.zone == "Asia/Kolkata"
    assert prepared.provider_time is None
    assert "max_trigger_time" not in json.loads(prepared.body or b"")


def test_a_time_is_sent_in_the_connections_zone() -> None:
    """The naive string is local time in the connection's zone, and the preview gets that very string."""
    prepared = callkaro(timezone="America/New_York").prepare(placing(at=NOW + timedelta(hours=2)), CONTEXT)
    assert json.loads(prepared.body or b"")["schedule_at"] == prepared.provider_time == "2025-12-30T09:00:00"
    assert prepared.zone == "America/New_York"


def test_a_time_can_carry_its_offset() -> None:
    """`schedule_format = "offset"` sends the instant unmistakably."""
    action = placing(at=NOW + timedelta(hours=1))
    assert body(action, schedule_format="offset")["schedule_at"] == "2025-12-30T18:30:00+05:30"


@pytest.mark.parametrize("at", ["2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00"])
def test_a_time_the_clock_shows_twice(at: str) -> None:
    """Both halves of the hour that comes twice are refused naively, and told apart with an offset."""
    action = placing(at=datetime.fromisoformat(at))
    with pytest.raises(Refused, match="show this time twice") as refused:
        body(action, timezone="Europe/Berlin")
    assert refused.value.field == "at"
    assert (
        datetime.fromisoformat(
            body(action, timezone="Europe/Berlin", schedule_format="offset")["schedule_at"]
        )
        == action.at
    )


def test_our_id_goes_along_only_when_allowed() -> None:
    """`send_action_id` adds our id to the metadata; without it the metadata is the person's alone."""
    assert "metadata" not in body(PLACE)
    assert body(PLACE, send_action_id=True)["metadata"] == {"callops_action_id": "A-7K3F"}
    assert body(placing(metadata={"age": 25}), send_action_id=True)["metadata"] == {
        "age": 25,
        "callops_action_id": "A-7K3F",
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"at": NOW}, "at"),
        ({"at": NOW - timedelta(days=1)}, "at"),
        ({"at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "at"),
        ({"retries": 11}, "retries"),
        ({"retries": -1}, "retries"),
        ({"priority": 101}, "priority"),
        ({"priority": -101}, "priority"),
        ({"language": "fr"}, "language"),
        ({"carry_over": True}, "carry_over"),
        ({"carry_over": True, "earliest": "09:00"}, "carry_over"),
        ({"agent": "collections"}, "agent"),
        ({"metadata": {"n": float("nan")}}, "metadata"),
        ({"metadata": {"callops_action_id": "mine"}}, "metadata"),
    ],
)
def test_what_the_document_forbids_is_refused(fields: dict[str, Any], field: str) -> None:
    """A limit that the document states is refused before any request, with its field named."""
    with pytest.raises(Refused) as refused:
        callkaro(send_action_id=True).prepare(placing(**fields), CONTEXT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "fields",
    [
        {"retries": 0},
        {"retries": 10},
        {"priority": -100},
        {"priority": 100},
        {"carry_over": False},
        {"language": "ml"},
    ],
)
def test_the_limits_themselves_are_legal(fields: dict[str, Any]) -> None:
    """The edge of each documented range is inside it."""
    assert callkaro().prepare(placing(**fields), CONTEXT).body


def test_an_agent_is_known_before_it_is_asked_for() -> None:
    """An agent that is not configured is refused with the names there are; raw ids only where allowed."""
    unknown = placing(agent="collections")
    with pytest.raises(Refused, match="It knows: payments"):
        callkaro().prepare(unknown, CONTEXT)
    assert body(unknown, allow_raw_agents=True)["agent_id"] == "collections"
    with pytest.raises(Refused, match="no spaces"):
        callkaro(allow_raw_agents=True).prepare(placing(agent="two words"), CONTEXT)


def test_the_fingerprint_follows_the_agent_behind_the_name() -> None:
    """Pointing a name at another agent, or the connection at another host, changes the fingerprint; the key does not."""
    before = callkaro().fingerprint("payments")
    assert callkaro(agents={"payments": "another"}).fingerprint("payments") != before
    assert callkaro(agents={}).fingerprint("payments") != before
    assert callkaro("http://127.0.0.1:1").fingerprint("payments") != before
    assert callkaro(api_key="rotated").fingerprint("payments") == before


@pytest.mark.parametrize(
    "setting",
    [
        {"timezone": "Asia"},
        {"timezone": "../etc/passwd"},
        {"timezone": "Nowhere/Here"},
        {"schedule_format": "utc"},
        {"number_format": "plus"},
        {"agents": {"a": ""}},
        {"agents": {"a": "x y"}},
        {"agents": {"": "x"}},
        {"surprise": 1},
    ],
)
def test_a_wrong_setting_is_refused_at_load(setting: dict[str, Any]) -> None:
    """A setting that cannot work is an error when it loads, not when somebody calls."""
    with pytest.raises(ValidationError):
        callkaro(**setting)


def test_only_deleting_may_be_repeated_on_doubt() -> None:
    """No reply to placing, however strange, lets the system send it again."""
    assert {case.expected.rsplit(" ", 1)[1] for case in PLACING} <= {Retry.NEVER, Retry.VERIFY}


def placing(**fields: Any) -> PlaceCall:
    """A call to the usual number by the usual agent, with these fields."""
    return PlaceCall.model_validate({"to": NUMBER, "agent": "payments", **fields})


def body(action: PlaceCall, **settings: Any) -> dict[str, Any]:
    """The document that CallKaro would get."""
    document: dict[str, Any] = json.loads(callkaro(**settings).prepare(action, CONTEXT).body or b"")
    return document


WORD = "canary-webhook-word-22"
HEARING: dict[str, Any] = {"webhook": WORD, "send_action_id": True, "beyond_documents": True}
ENDED: dict[str, Any] = {
    "event": "call_ended",
    "data": {
        "callSid": "2303fa770b666a64ab1694c1e",
        "agent": AGENT_ID,
        "from": "918000000000",
        "to": NUMBER.removeprefix("+"),
        "time": "2025-12-19 16:01:07",
        "call_metadata": {"name": "Jatin", "callops_action_id": "A-7K3F.2"},
    },
}


def test_the_end_of_a_call_that_was_placed_with_our_id_is_heard() -> None:
    """Our id, the number with its plus, CallKaro's id, and a sentence without any of them."""
    notice = callkaro(**HEARING).hear(ENDED)
    assert notice is not None
    assert (notice.action_id, notice.number, notice.reference) == (
        "A-7K3F.2",
        NUMBER,
        "2303fa770b666a64ab1694c1e",
    )
    assert notice.message == "CallKaro told us that this call ended."


@pytest.mark.parametrize(
    ("field", "value", "number", "reference"),
    [
        ("to", NUMBER, NUMBER, "2303fa770b666a64ab1694c1e"),
        ("to", None, None, "2303fa770b666a64ab1694c1e"),
        ("to", 919876543210, None, "2303fa770b666a64ab1694c1e"),
        ("to", "91 98765", None, "2303fa770b666a64ab1694c1e"),
        ("to", "++919876543210", None, "2303fa770b666a64ab1694c1e"),
        ("to", "919876543210\n", None, "2303fa770b666a64ab1694c1e"),
        ("callSid", None, NUMBER, None),
        ("callSid", 12, NUMBER, None),
        ("callSid", "../admin", NUMBER, None),
    ],
)
def test_what_cannot_be_read_of_an_end_is_left_out(
    field: str, value: Any, number: str | None, reference: str | None
) -> None:
    """A number or an id of the wrong shape is none; the rest is heard."""
    notice = callkaro(**HEARING).hear({**ENDED, "data": {**ENDED["data"], field: value}})
    assert notice is not None
    assert (notice.number, notice.reference) == (number, reference)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "call_ended",
        {},
        {"event": "call_ended"},
        {"event": "call_ended", "data": []},
        {"event": "call_ended", "data": {}},
        {**ENDED, "event": "call_started"},
        {**ENDED, "event": ["call_ended"]},
        {**ENDED, "data": {**ENDED["data"], "call_metadata": None}},
        {**ENDED, "data": {**ENDED["data"], "call_metadata": {"name": "Jatin"}}},
        {**ENDED, "data": {**ENDED["data"], "call_metadata": {"callops_action_id": 7}}},
        {**ENDED, "data": {**ENDED["data"], "call_metadata": {"callops_action_id": "A 7K3F"}}},
        {**ENDED, "data": {**ENDED["data"], "call_metadata": {"callops_action_id": "\ud800"}}},
    ],
)
def test_what_does_not_name_an_action_of_ours_is_not_for_us(document: Any) -> None:
    """Other events, calls that somebody else placed, and anything malformed: nothing, and no fault."""
    assert callkaro(**HEARING).hear(document) is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"send_action_id": True}, "add beyond_documents = true to this connection"),
        ({"beyond_documents": True}, "add send_action_id = true to this connection"),
        ({}, "add beyond_documents = true and send_action_id = true to this connection"),
        (HEARING | {"webhook": "canary-guessable"}, "22 to 128 random letters"),
        (HEARING | {"webhook": "canary/with/slashes/is/no/word"}, "22 to 128 random letters"),
        (HEARING | {"webhook": "canary-" * 20}, "22 to 128 random letters"),
    ],
)
def test_a_webhook_needs_two_settings_and_a_word_that_nobody_guesses(
    settings: dict[str, Any], says: str
) -> None:
    """The fault says which line to add, or what word to make, and never shows the word."""
    with pytest.raises(ValidationError) as caught:
        callkaro(**({"webhook": WORD} | settings))
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_word_of_a_webhook_is_a_secret() -> None:
    """It is among what must never be written anywhere; without it nothing is heard."""
    hearing = callkaro(**HEARING)
    assert hearing.webhook_secret == WORD
    assert WORD in hearing.settings.secrets()
    assert WORD not in repr(hearing.settings)
    assert callkaro().webhook_secret is None

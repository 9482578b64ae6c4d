import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from providers.actions import Kind, NumberRef, PlaceCall
from tests.providers.made import (
    AGENT_ID,
    CONTEXT,
    NOW,
    NUMBER,
    callkaro,
)


def test_a_deletion_says_that_it_takes_everything() -> None:
    """Deleting by number removes all that the agent has scheduled there, and says so beforehand."""
    capability = callkaro().capability(Kind.CANCEL_CALL)
    assert capability is not None
    assert capability.removes_all
    assert capability.target is NumberRef


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


def placing(**fields: Any) -> PlaceCall:
    """A call to the usual number by the usual agent, with these fields."""
    return PlaceCall.model_validate({"to": NUMBER, "agent": "payments", **fields})


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

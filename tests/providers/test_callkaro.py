import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from providers.actions import CallEnd, Ending, Kind, NumberRef, PlaceCall, ProviderEvent
from tests.providers.made import (
    AGENT_ID,
    CONTEXT,
    NOW,
    NUMBER,
    callkaro,
)


def test_a_deletion_says_that_it_takes_everything() -> None:
    """A deletion by number removes all that the agent has scheduled there, and says so beforehand."""
    capability = callkaro().capability(Kind.CANCEL_CALL)
    assert capability is not None
    assert capability.removes_all
    assert capability.target is NumberRef


def test_a_window_may_have_one_end() -> None:
    """Either end of the window may stand alone, and its zone is shown."""
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
    """A name with another agent, or a connection with another host, changes the fingerprint.

    The key does not.
    """
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
    """A setting that cannot work is a fault at load, not at the first call."""
    with pytest.raises(ValidationError):
        callkaro(**setting)


def placing(**fields: Any) -> PlaceCall:
    """Return a call to the usual number by the usual agent, with these fields."""
    return PlaceCall.model_validate({"to": NUMBER, "agent": "payments", **fields})


WORD = "canary-webhook-word-22"
HEARING: dict[str, Any] = {"webhook_secret": WORD, "send_action_id": True, "allow_undocumented": True}
ENDED: dict[str, Any] = {
    "event": "call_ended",
    "data": {
        "callSid": "2303fa770b666a64ab1694c1e",
        "agent": AGENT_ID,
        "from": "918000000000",
        "to": NUMBER.removeprefix("+"),
        "time": "2025-12-19 16:01:07",
        "hangup_reason": "CLIENT_INITIATED",
        "try_count": 0,
        "next_call_scheduled": False,
        "call_metadata": {"name": "Jatin", "callops_action_id": "A-7K3F.2"},
    },
}


def test_the_end_of_a_call_that_was_placed_with_our_id_is_heard() -> None:
    """The event has our id, the number with its plus, CallKaro's id, and a sentence without any of them."""
    notice = callkaro(**HEARING).parse_webhook(ENDED)
    assert notice is not None
    assert (notice.action_id, notice.number, notice.reference) == (
        "A-7K3F.2",
        NUMBER,
        "2303fa770b666a64ab1694c1e",
    )
    assert notice.end == CallEnd(ending=Ending.ANSWERED, word="CLIENT_INITIATED", try_number=0)
    assert notice.message == "CallKaro told us that this call ended. It was answered."


def heard(**changes: Any) -> ProviderEvent:
    """Return the event of a call's end with these fields."""
    notice = callkaro(**HEARING).parse_webhook({**ENDED, "data": {**ENDED["data"], **changes}})
    assert notice is not None
    return notice


@pytest.mark.parametrize(
    ("reason", "end", "says"),
    [
        ("CLIENT_INITIATED", "answered", "It was answered."),
        ("PARTICIPANT_REMOVED", "answered", "It was answered."),
        ("SESSION_TIMEOUT", "answered", "It was answered."),
        ("VOICEMAIL_DETECTED", "voicemail", "A voicemail took it."),
        ("USER_REJECTED", "rejected", "It rang, and was declined."),
        ("USER_UNAVAILABLE", "no_answer", "It rang, and nobody answered."),
        ("USER_UNRESPONSIVE", "not_reached", "didn't ring."),
        (
            "INVALID_PHONE_NUMBER",
            "invalid_number",
            "number isn't valid.",
        ),
        ("PRE_CALL_FN_FAILED", "not_dialled", "wasn't dialled."),
        (
            "OUTSIDE_TRIGGER_WINDOW",
            "not_dialled",
            "wasn't dialled.",
        ),
        ("DELETED_SCH_CALL_ALL", "deleted", "this scheduled call was deleted. It won't go out."),
        ("DELETED_SCH_CALL_ONE", "deleted", "this scheduled call was deleted. It won't go out."),
        ("UNKNOWN", "other", "didn't say whether a phone rang."),
        ("SOMETHING_NEW", "other", "didn't say whether a phone rang."),
        ("client_initiated", "other", "didn't say whether a phone rang."),
        ("CLIENT_INITIATED ", "other", "didn't say whether a phone rang."),
        (f"CALLED {NUMBER}", "other", "didn't say whether a phone rang."),
        ("<!channel>", "other", "didn't say whether a phone rang."),
        ("", "other", "didn't say whether a phone rang."),
        (None, "other", "didn't say whether a phone rang."),
        (7, "other", "didn't say whether a phone rang."),
        (["CLIENT_INITIATED"], "other", "didn't say whether a phone rang."),
    ],
)
def test_what_became_of_a_call_is_its_reason(reason: Any, end: str, says: str) -> None:
    """Each reason of CallKaro's page has one meaning, and any other reason has none."""
    notice = heard(hangup_reason=reason)
    assert notice.end.ending == end
    assert notice.message.endswith(says)


def test_an_end_without_a_reason_says_nothing() -> None:
    """An event alone proves no ringing."""
    document = {**ENDED, "data": {key: one for key, one in ENDED["data"].items() if key != "hangup_reason"}}
    notice = callkaro(**HEARING).parse_webhook(document)
    assert notice is not None
    assert notice.end == CallEnd(ending=Ending.OTHER, try_number=0)


def test_only_a_phone_that_rang_is_a_call() -> None:
    """Answered by a person or a voicemail, declined, and missed are calls."""
    assert [end for end in Ending if end.rang] == ["answered", "no_answer", "voicemail", "rejected"]


@pytest.mark.parametrize(
    ("tries", "attempt"), [(0, 0), (2, 2), (None, None), ("1", 1), ("x", None), (1.5, None), (True, None)]
)
def test_each_try_is_told_apart(tries: Any, attempt: int | None) -> None:
    """Each try has an event, which says whether another follows."""
    assert heard(try_count=tries).end.try_number == attempt
    again = heard(hangup_reason="USER_UNAVAILABLE", next_call_scheduled="2025-12-19 17:01:07")
    assert again.message.endswith("nobody answered. CallKaro tries again.")


@pytest.mark.parametrize(
    ("told", "at", "again"),
    [
        ("2025-12-19 17:01:07", datetime(2025, 12, 19, 11, 31, 7, tzinfo=UTC), True),
        ("2025-12-19T17:01:07Z", datetime(2025, 12, 19, 17, 1, 7, tzinfo=UTC), True),
        ("0001-01-01 00:00:00", None, True),
        ("9999-12-31T23:59:59-10:00", None, True),
        ("soon", None, True),
        ("false", None, False),
        (False, None, False),
        (None, None, False),
    ],
)
def test_the_next_try_is_a_time_in_utc(told: Any, at: datetime | None, *, again: bool) -> None:
    """A naive time is in the connection's zone. A time at the edge of the calendar is none."""
    end = heard(hangup_reason="USER_UNAVAILABLE", next_call_scheduled=told).end
    assert (end.next_at, end.again) == (at, again)


def test_a_call_that_a_customer_made_is_not_ours() -> None:
    """An inbound call's end proves nothing about a placed one."""
    assert callkaro(**HEARING).parse_webhook({**ENDED, "data": {**ENDED["data"], "try_count": -1}}) is None


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
    """A number or an id of the wrong shape is dropped, and the rest is used."""
    notice = callkaro(**HEARING).parse_webhook({**ENDED, "data": {**ENDED["data"], field: value}})
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
    """Other events, foreign calls and malformed ones give nothing, and no fault."""
    assert callkaro(**HEARING).parse_webhook(document) is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"send_action_id": True}, "add allow_undocumented = true to this connection"),
        ({"allow_undocumented": True}, "add send_action_id = true to this connection"),
        ({}, "add allow_undocumented = true and send_action_id = true to this connection"),
        (HEARING | {"webhook_secret": "canary-guessable"}, "22 to 128 random letters"),
        (HEARING | {"webhook_secret": "canary/with/slashes/is/no/word"}, "22 to 128 random letters"),
        (HEARING | {"webhook_secret": "canary-" * 20}, "22 to 128 random letters"),
    ],
)
def test_a_webhook_needs_two_settings_and_a_word_that_nobody_guesses(
    settings: dict[str, Any], says: str
) -> None:
    """The fault says which line to add, or how to make a secret, and never shows the secret."""
    with pytest.raises(ValidationError) as caught:
        callkaro(**({"webhook_secret": WORD} | settings))
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_word_of_a_webhook_is_a_secret() -> None:
    """The secret is redacted everywhere. Without it no webhook is received."""
    hearing = callkaro(**HEARING)
    assert hearing.webhook_secret == WORD
    assert WORD in hearing.settings.secrets()
    assert WORD not in repr(hearing.settings)
    assert callkaro().webhook_secret is None

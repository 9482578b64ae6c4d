import json
from typing import Any

import pytest
from pydantic import JsonValue, ValidationError

from providers.actions import CallEnd, CallRef, CancelCall, Ending, PlaceCall, Status
from providers.ryng import Ryng, RyngSettings
from tests.providers.made import CONTEXT, KEY, NUMBER, open_adapter, ryng
from tests.providers.wire import listening, reply

CANCEL = CancelCall(target=CallRef(call_id="40961"))


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
    """A value that could send the token to another host is refused at load, as a single fault."""
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
    """Another subdomain gives another fingerprint."""
    assert ryng().fingerprint(None) != ryng(subdomain="other").fingerprint(None)


ADDRESS = "https://bot.example/webhooks/dialer"
WORD = "canary-webhook-word-of-128-bits"
HEARING: dict[str, Any] = {
    "allow_undocumented": True,
    "campaign_id": 595,
    "agents": {"asha": 7},
    "webhook_secret": WORD,
}
PLACE = PlaceCall(to=NUMBER, agent="asha")
ENDED: dict[str, JsonValue] = {
    "callID": 50001,
    "callLogID": 50002,
    "customerNum": NUMBER,
    "status": "completed",
    "disposition": "Interested",
    "talktime": 42,
    "callDuration": 55,
    "recordingUrl": "https://recordings.ryng.example/50001.mp3",
}


def sent(adapter: Ryng) -> dict[str, JsonValue]:
    """Return the document that places a call."""
    document: dict[str, JsonValue] = json.loads(adapter.prepare(PLACE, CONTEXT).body or b"")
    return document


def test_the_address_for_a_calls_end_goes_out_with_the_call() -> None:
    """It ends in the secret word and our id. Without a public address or a word, none is sent."""
    adapter = ryng(webhook_url=ADDRESS, **HEARING)
    assert sent(adapter)["terminalCallbackUrl"] == f"{ADDRESS}/{WORD}/{CONTEXT.action_id}"
    assert "connectCallbackUrl" not in sent(adapter)
    assert "terminalCallbackUrl" not in sent(ryng(**HEARING))
    assert "terminalCallbackUrl" not in sent(
        ryng(webhook_url=ADDRESS, **(HEARING | {"webhook_secret": None}))
    )


def test_the_word_of_a_webhook_needs_undocumented_calls() -> None:
    """A word that can be guessed is refused, too, and neither is shown."""
    for change in ({"allow_undocumented": False}, {"webhook_secret": "canary"}):
        with pytest.raises(ValidationError) as refused:
            ryng(**(HEARING | change))
        assert "canary" not in str(refused.value)
    assert "canary" not in repr(ryng(**HEARING).settings)
    assert (ryng().webhook_secret, ryng(**HEARING).webhook_secret) == (None, WORD)


async def test_the_word_is_not_kept_of_a_reply_that_repeats_the_request() -> None:
    """The stored reply has no secret, however Ryng writes the address."""
    body = {"error": False, "data": {"terminalCallbackUrl": f"{ADDRESS}/{WORD}/A-2222", "callID": 5}}
    async with (
        listening(reply(200, body)) as wire,
        open_adapter(ryng(wire.base_url, webhook_url=ADDRESS, **HEARING)) as adapter,
    ):
        prepared = adapter.prepare(PLACE, CONTEXT)
        outcome = await adapter.send(prepared)
    assert outcome.status is Status.OK
    assert "terminalCallbackUrl" in (outcome.raw or "")
    assert WORD not in f"{outcome!r}{prepared!r}"
    assert WORD.encode() in wire.received[0].body


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, CallEnd(ending=Ending.ANSWERED, word="Interested", seconds=42)),
        ({"status": "2"}, CallEnd(ending=Ending.ANSWERED, word="Interested", seconds=42)),
        ({"status": 2, "talktime": "42"}, CallEnd(ending=Ending.ANSWERED, word="Interested", seconds=42)),
        ({"disposition": ""}, CallEnd(ending=Ending.ANSWERED, word="completed", seconds=42)),
        ({"talktime": 0}, CallEnd(ending=Ending.OTHER, word="Interested")),
        ({"talktime": None, "disposition": "No Answer"}, CallEnd(ending=Ending.OTHER, word="No Answer")),
        ({"status": "3"}, CallEnd(ending=Ending.OTHER, word="Interested", seconds=42)),
        ({"status": "failed", "disposition": None}, CallEnd(ending=Ending.OTHER, word="failed", seconds=42)),
        ({"status": ["2"], "disposition": NUMBER}, CallEnd(ending=Ending.OTHER, seconds=42)),
    ],
)
def test_an_end_is_answered_only_if_people_talked(changes: dict[str, JsonValue], end: CallEnd) -> None:
    """No page lists the dispositions, so any other end is shown in Ryng's word and proves nothing."""
    event = ryng(**HEARING).parse_webhook({**ENDED, **changes}, "A-2222.1")
    assert event is not None
    assert (event.action_id, event.number, event.reference) == ("A-2222.1", NUMBER, "50001")
    assert event.end.model_copy(update={"recording": None}) == end
    assert event.end.recording == ENDED["recordingUrl"]
    assert event.message.startswith("Ryng told us that this call ended.")


@pytest.mark.parametrize(
    ("document", "action_id"),
    [
        (ENDED, None),
        (ENDED, "../x"),
        (ENDED, ""),
        ({}, "A-2222"),
        ({"customerNum": NUMBER}, "A-2222"),
        ([], "A-2222"),
    ],
)
def test_a_webhook_that_names_no_call_of_ours_is_not_heard(
    document: JsonValue, action_id: str | None
) -> None:
    """Our id is in the path, and Ryng's id in the body."""
    assert ryng(**HEARING).parse_webhook(document, action_id) is None


def test_the_called_number_may_have_no_plus() -> None:
    """A number in another form is no number, so it is compared with none."""
    for given, number in ((NUMBER.removeprefix("+"), NUMBER), (0, None), ("98765 43210", None)):
        event = ryng(**HEARING).parse_webhook({**ENDED, "customerNum": given}, "A-2222")
        assert event is not None
        assert event.number == number

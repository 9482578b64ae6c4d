"""What only the person who typed reads: help, faults, the preview. Slack takes all of it, whatever was typed."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.answers import fault_message, help_message, preview, refusal
from bot.forms import PlacePreview
from bot.inference import infer
from bot.line import ConnectionWords, Line, Typist, Verb, Vocabulary
from bot.operations import Wish
from bot.parsing import parse
from playground.blocks import faults
from providers.actions import Kind, PlaceCall
from providers.request import Prepared

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
VOCABULARY = Vocabulary(
    {"reminders": ConnectionWords(("payments",), frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), "number")},
    "IN",
)


def read(text: str, door: Verb | None = Verb.PLACE) -> Line:
    """A line typed in India."""
    return parse(text, door=door, vocabulary=VOCABULARY, typist=Typist("Asia/Kolkata"), now=NOW)


@pytest.mark.parametrize(
    "typed",
    [
        "98765 43210 25:00",
        "98765 43210 <!channel> `code` *bold* 25:00",
        "12345 " + "x" * 4000,
        "foo=bar " * 300,
        ", ".join(f"98765 4{n:04}" for n in range(60)),
        "98765 43210 reason=" + "long " * 200,
    ],
)
@pytest.mark.parametrize("door", [Verb.PLACE, Verb.CANCEL, Verb.DELETE_CAMPAIGN, None])
def test_every_fault_is_shown_within_slacks_limits(typed: str, door: Verb | None) -> None:
    """However much was typed, Slack takes the answer, nobody is pinged, and there is a way on."""
    found = infer(read(typed, door), VOCABULARY)
    said = [*found.line.faults, *found.faults]
    if said:
        message = fault_message(found, said, "d" * 24)
        payload = {"text": message.text, "blocks": list(message.blocks)}
        assert faults("message", payload) == []
        assert "<!channel>" not in str(payload)
        assert "Open the form…" in str(payload) or "/calls help" in str(payload)


def test_the_preview_shows_exactly_what_would_be_placed() -> None:
    """Number and country, the time in both zones as the provider gets it, connection, agent and options."""
    line = infer(
        read("98765 43210 tomorrow 9:30 retries=3 gap=30,60 until=18:00 carry-over meta.age=25"), VOCABULARY
    ).line
    at = NOW + timedelta(days=1)
    action = PlaceCall(
        to="+919876543210", agent="payments", at=at, retries=3, gap=(30, 60), latest="18:00", carry_over=True, metadata={"age": 25, "note": "<!here>" * 50}
    )  # fmt: skip
    prepared = Prepared(
        action=action,
        method="POST",
        url="",
        headers={},
        body=None,
        fresh_connection=True,
        provider_time="2026-11-22T09:30:00",
        zone="Asia/Kolkata",
    )
    wish = Wish("reminders", (action,), purpose="payment due")
    message = preview(wish, prepared, line, inferred=frozenset({"agent"}), draft="d" * 24)
    payload = {"text": message.text, "blocks": list(message.blocks)}
    shown = str(payload)
    assert faults("message", payload) == []
    assert faults("modal", PlacePreview.build(wish, prepared, line, nonce="n" * 24, channel="C0")) == []
    for part in (
        "+91 98765 43210 (India)",
        "`2026-11-22T09:30:00` in Asia/Kolkata",
        "reminders, agent payments",
        "3, 30, 60 min apart",
        "until 18:00 (Asia/Kolkata), else the next day",
        "age = `25`",
        "“payment due”",
    ):
        assert part in shown, part
    assert "<!here>" not in shown


def test_help_names_what_is_on_and_what_is_off() -> None:
    """A connection without its secret is named with the reason."""
    message = help_message({"reminders": "places calls"}, {"vox": "VOX_KEY not set"})
    payload = {"text": message.text, "blocks": list(message.blocks)}
    assert faults("message", payload) == []
    assert "`vox` is off: VOX_KEY not set" in str(payload)


def test_help_tells_of_campaigns_where_one_can_be_deleted() -> None:
    """What nobody here can do is not offered."""
    shown = [str(help_message({}, {}, campaigns=campaigns).blocks) for campaigns in (True, False)]
    for words in ("Delete a campaign…", "/calls campaign delete cd-2129073"):
        assert [words in one for one in shown] == [True, False]


def test_a_refusal_says_why() -> None:
    """The rules' sentences reach the person."""
    message = refusal(["No rule lets you do this.", "Ask <@U1>."])
    assert message.text == "🚫 *Nothing was done.* No rule lets you do this. Ask &lt;@U1&gt;."

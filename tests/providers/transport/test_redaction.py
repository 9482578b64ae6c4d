import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.actions import PlaceCall
from providers.transport.redaction import LONGEST_RECORD, LONGEST_SENTENCE, Redactor
from tests.providers.made import CANCEL, DELETE, NUMBER, PLACE

SECRET = 'ca"n/ary\\key'


def test_a_secret_is_removed_in_every_writing() -> None:
    """A key is found plain, inside JSON and inside a URL."""
    redactor = Redactor.of(CANCEL, [SECRET])
    text = redactor.record(f"{SECRET} {json.dumps(SECRET)} https://x/?key=ca%22n%2Fary%5Ckey")
    assert "ary" not in text
    assert text.count("[secret]") == 3


@pytest.mark.parametrize("action", [PLACE, DELETE])
@pytest.mark.parametrize("echo", [NUMBER, NUMBER[1:], NUMBER[3:], "+91 98765 43210", "98765-43210"])
def test_the_actions_number_is_masked(action: PlaceCall, echo: str) -> None:
    """The action's number never stands in a record."""
    assert Redactor.of(action, []).record(f'{{"to":"{echo}"}}') == '{"to":"+91\u00a0•••3210"}'


def test_other_numbers_are_masked_too() -> None:
    """Any text like an international number is masked, whoever it belongs to."""
    assert "5551234" not in Redactor.of(CANCEL, []).record("call +1 212-555-1234 instead").replace("-", "")


def test_ids_and_times_stay() -> None:
    """A record keeps the parts that tell people what happened."""
    text = '{"call_id":"vx_123456789","status":"cancelled","at":"2025-12-31T09:30:00"}'
    assert Redactor.of(CANCEL, []).record(text) == text


def test_a_record_is_cut_after_it_was_redacted() -> None:
    """A secret that straddles the cut leaves no half behind."""
    record = Redactor.of(CANCEL, [SECRET]).record("x" * (LONGEST_RECORD - 4) + SECRET)
    assert len(record) == LONGEST_RECORD
    assert "ca" not in record


@pytest.mark.parametrize(
    "text",
    [
        "Missing agent_id in request query",
        "Agent does not exist",
        "Missing required field: to_number",
        "Call can't be cancelled.",
        "rate limit, try later",
        "Invalid API Key",
        "Agent ID not found",
        "Insufficient Balance. Please recharge your account.",
        "Number is on DND list",
        "Call not found. Contact support",
    ],
)
def test_sentences_that_may_be_shown(text: str) -> None:
    """A sentence of small words is the provider's own and may be quoted."""
    assert Redactor.of(PLACE, []).sentence(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Contact John Doe is blocked",
        "Blocked. Asha called already",
        "the number of Rao is invalid",
        "blocked ASHA",
        "ASHA is blocked",
        "aSHA is blocked",
        "Call Asha's Number",
        f"No call to {NUMBER}",
        "abhinav is blocked",
        "key sk_1",
        "<!channel>",
        "see https://x",
        "two\nlines",
        "\u202egnp",
        "a " * LONGEST_SENTENCE,
    ],
)
def test_sentences_that_may_not_be_shown(text: str) -> None:
    """A sentence with a digit, a name, a word of the metadata or any markup stays in the log."""
    action = PlaceCall(to=NUMBER, agent="a", metadata={"name": "abhinav", "age": 25})
    assert Redactor.of(action, []).sentence(text) is None


@given(st.text('ab"/\\ +é', min_size=4, max_size=12).filter(str.strip), st.text(max_size=20))
@settings(max_examples=100)
def test_no_record_holds_a_secret(secret: str, around: str) -> None:
    """The text around a secret does not matter."""
    record = Redactor.of(CANCEL, [secret]).record(around + secret + around)
    assert secret not in record.replace("[secret]", "")

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.actions import SAFE_ID_PATTERN, CallRef, CampaignRef, CancelCall, CannotSendError, NumberRef
from providers.transport.request import path_segment
from tests.providers.made import CONTEXT, voxworks

ADAPTER = voxworks()

BAD_IDS = [
    "",
    ".",
    "..",
    "../contacts",
    "..%2f",
    "a?x=1",
    "a#f",
    "a/b",
    "a\\b",
    "a b",
    "a\n",
    "é",
    "-a",
    "a@b",
    "a%00",
    "x" * 129,
]


@pytest.mark.parametrize("call_id", BAD_IDS)
def test_the_vocabulary_has_no_such_id(call_id: str) -> None:
    """An id that could lead elsewhere is no target."""
    with pytest.raises(ValidationError):
        CallRef(call_id=call_id)
    with pytest.raises(ValidationError):
        CampaignRef(campaign_id=call_id)


@given(st.from_regex(SAFE_ID_PATTERN, fullmatch=True))
@settings(max_examples=150)
def test_a_good_id_is_one_segment(call_id: str) -> None:
    """Every accepted id is the last part of the documented path."""
    prepared = ADAPTER.prepare(CancelCall(target=CallRef(call_id=call_id)), CONTEXT)
    assert prepared.url == f"https://api.voxworks.ai/api/v1/cancel-call/{call_id.replace(':', '%3A')}"


@given(st.text(max_size=140) | st.text("./%?#\\@:a", max_size=12))
@settings(max_examples=300)
def test_any_text_is_one_segment_or_refused(text: str) -> None:
    """No accepted text can leave its place in the path."""
    with suppress(CannotSendError):
        segment = path_segment(text, name="call_id")
        assert not set(segment) & set("/?#\\@")
        assert segment not in {"", ".", ".."}


def test_a_number_has_ascii_digits_only() -> None:
    """Digits of another script are no E.164 number, because the sent number must be the shown one."""
    with pytest.raises(ValidationError):
        NumberRef(agent="payments", to="+9٣٣٣٣٣٣٣")

"""The words for how a call ended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.text.call_ends import call_end, duration, end_of_call
from providers.actions import CallEnd, Ending, PlaceCall
from tests.support.values import an_action

AGAIN = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("end", "retries", "says"),
    [
        ({"ending": "answered", "seconds": 125}, None, "Answered, 2 min 5 s"),
        ({"ending": "answered", "seconds": 125, "try_number": 0}, None, "Answered, 2 min 5 s"),
        ({"ending": "answered", "seconds": 60, "try_number": 1}, 2, "Answered (try 2 of 3), 1 min"),
        ({"ending": "answered"}, None, "Answered"),
        ({"ending": "voicemail", "seconds": 12}, None, "Voicemail, 12 s"),
        ({"ending": "no_answer", "seconds": 0}, None, "No answer"),
        (
            {"ending": "no_answer", "try_number": 0, "again": True, "next_at": AGAIN},
            2,
            "No answer (try 1 of 3), again 10:30",
        ),
        ({"ending": "busy", "try_number": 3, "again": True}, 2, "Busy (try 4), the provider tries again"),
        ({"ending": "rejected", "word": "USER_REJECTED"}, None, "Declined"),
        ({"ending": "invalid_number"}, None, "Not dialled, invalid number"),
        ({"ending": "not_dialled", "word": "OUTSIDE_WINDOW"}, None, "Not dialled: OUTSIDE_WINDOW"),
        ({"ending": "not_reached"}, None, "The phone didn't ring"),
        ({"ending": "deleted"}, None, "Deleted at the provider, so it won't go out"),
        ({"ending": "failed", "word": "dropout"}, None, "Failed at the provider: dropout"),
        ({"ending": "other", "word": "SOMETHING_NEW", "seconds": 9}, None, "Ended: SOMETHING_NEW"),
        ({"ending": "other"}, None, "Ended"),
    ],
)
def test_an_end_is_one_line(end: dict[str, Any], retries: int | None, says: str) -> None:
    """The ending comes first, then the try, the length and the next try. Nothing is added to a report."""
    made = CallEnd.model_validate(end)
    assert call_end(made, retries=retries, at=lambda at: f"{at:%H:%M}") == says


def test_every_ending_has_words_of_its_own() -> None:
    """No two endings read the same, and an unknown one never reads as answered."""
    told = [call_end(CallEnd(ending=ending)) for ending in Ending]
    assert len(set(told)) == len(told)
    assert [one for one in told if "nswered" in one] == ["Answered"]


@pytest.mark.parametrize(("seconds", "says"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3605, "60 min 5 s")])
def test_a_length_is_in_minutes_and_seconds(seconds: int, says: str) -> None:
    """Parts that are zero are left out."""
    assert duration(seconds) == says


def test_silence_says_nothing() -> None:
    """A call without news has no line. The retries are those that were asked for."""
    call = PlaceCall(to="+919876543210", agent="payments", retries=2)
    assert end_of_call(an_action(action=call)) == ""
    end = CallEnd(ending=Ending.BUSY, try_number=0)
    assert end_of_call(an_action(action=call, end=end)) == "Busy (try 1 of 3)."

"""The daily summary: its time and its text."""

from datetime import UTC, date, datetime, time

import pytest

from bot.ui.announcements import daily_summary
from bot.workers.daily_summary import Day, due
from storage.states import State

DAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 21, 12, 29, tzinfo=UTC), None),
        (datetime(2026, 11, 21, 12, 30, tzinfo=UTC), DAY),
        (datetime(2026, 11, 21, 18, 29, tzinfo=UTC), DAY),  # the day is over by then in Kolkata
        (datetime(2026, 11, 21, 18, 30, tzinfo=UTC), None),
    ],
)
def test_a_line_is_due_from_its_hour_on_for_a_while(now: datetime, day: date | None) -> None:
    """The clock of its zone counts. After a longer downtime, yesterday's summary is not sent."""
    since = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    assert due(now, at=time(18), zone="Asia/Kolkata") == (Day(day, since) if day else None)


def test_a_line_says_what_there_was_in_plain_words() -> None:
    """Counts of zero are left out, and a day without requests has no summary."""
    counts = {State.SUCCEEDED: 12, State.DENIED: 2, State.UNKNOWN: 1, State.PENDING: 3, State.SENDING: 4}
    told = daily_summary(DAY, counts)
    assert told is not None
    assert told.text == ("*Sat, 21 Nov 2026:* 12 done, 2 denied, 1 outcome unknown, 3 waiting for approval.")
    assert daily_summary(DAY, {State.SENDING: 4}) is None


def test_a_line_counts_whom_the_calls_reached() -> None:
    """Of the placed calls, those that somebody answered are counted, where any end was reported."""
    told = daily_summary(DAY, {State.SUCCEEDED: 14}, placed=12, reached=7)
    assert told is not None
    assert told.text == "*Sat, 21 Nov 2026:* 14 done. 12 placed · 7 reached."

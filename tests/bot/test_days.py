"""Days that have been: from when to when, in the typist's zone."""

from datetime import UTC, datetime

import pytest

from bot.days import read
from bot.times import TimeFault

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
"""Sunday, 22 November, 1:30 in Kolkata."""


@pytest.mark.parametrize(
    ("typed", "date"),
    [
        ("today", "2026-11-22"),
        ("yesterday", "2026-11-21"),
        ("Sun", "2026-11-22"),
        ("monday", "2026-11-16"),
        ("3 days ago", "2026-11-19"),
        ("5 Dec", "2025-12-05"),
        ("Nov 5", "2026-11-05"),
        ("22 nov", "2026-11-22"),
        ("29 Feb 2024", "2024-02-29"),
        ("2026-01-31", "2026-01-31"),
    ],
)
def test_a_day_is_the_last_one_there_was(typed: str, date: str) -> None:
    """It lasts from midnight to midnight by the clocks there."""
    day = read(typed, zone="Asia/Kolkata", now=NOW)
    assert day.date == date
    begins = datetime.fromisoformat(f"{date}T00:00+05:30")
    assert (day.start, (day.end - day.start).total_seconds()) == (begins, 24 * 3600)


def test_a_day_is_as_long_as_its_clocks_make_it() -> None:
    """Where they go back, it has an hour more."""
    day = read("2026-11-01", zone="America/New_York", now=NOW)
    assert (day.end - day.start).total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("tomorrow", "still to come"),
        ("2026-12-01", "still to come"),
        ("05/12", "can be two days"),
        ("29 Feb", "There is no"),
        ("soon", "is not a day"),
        ("", "is not a day"),
        ("9999 days ago", None),
    ],
)
def test_what_is_no_day_is_not_guessed(typed: str, says: str | None) -> None:
    """It is said why, and how to type it."""
    if says is None:
        assert read(typed, zone="UTC", now=NOW).date.startswith("1999")
        return
    with pytest.raises(TimeFault, match=says):
        read(typed, zone="UTC", now=NOW)

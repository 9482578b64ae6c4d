"""Past days in the user's time zone, each with its begin and end."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.dates import read
from bot.parsing.times import InvalidTimeError

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
"""Sunday, 22 November 2026, 1:30 in Kolkata."""


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
        ("2026-1-5", "2026-01-05"),
        ("day before yesterday", "2026-11-20"),
        ("2 Nov.", "2026-11-02"),
    ],
)
def test_a_day_is_the_last_one_there_was(typed: str, date: str) -> None:
    """A day lasts from midnight to midnight by the clocks of the zone, and lies in the past."""
    day = read(typed, zone="Asia/Kolkata", now=NOW)
    assert day.date == date
    begins = datetime.fromisoformat(f"{date}T00:00+05:30")
    assert (day.start, (day.end - day.start).total_seconds()) == (begins, 24 * 3600)


def test_a_day_is_as_long_as_its_clocks_make_it() -> None:
    """A day on which clocks go back has 25 hours."""
    day = read("2026-11-01", zone="America/New_York", now=NOW)
    assert (day.end - day.start).total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("tomorrow", "is in the future"),
        ("2026-12-01", "is in the future"),
        ("05/12", "can mean two days"),
        ("29 Feb", "doesn't exist in"),
        ("soon", "isn't a day"),
        ("day after tomorrow", "is in the future"),
        ("in 2 days", "is in the future"),
        ("last monday", "isn't a day"),
        ("next monday", "isn't a day"),
        ("tonight", "isn't a day"),
        ("0001-01-01", "before 1970"),
        ("1 Jan 0000", "doesn't exist in"),
        ("2026/11/5", "can mean two days"),
        ("yesterday " * 4000, "is too long"),
        ("", "isn't a day"),
        ("9999 days ago", None),
    ],
)
def test_what_is_no_day_is_not_guessed(typed: str, says: str | None) -> None:
    """The fault gives the reason, and says how to type a day."""
    if says is None:
        assert read(typed, zone="UTC", now=NOW).date.startswith("1999")
        return
    with pytest.raises(InvalidTimeError, match=says):
        read(typed, zone="UTC", now=NOW)


@pytest.mark.parametrize(
    ("zone", "date", "begins"),
    [
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),  # clocks go from 0:00 to 1:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00"),  # clocks show 0:00 twice
        ("+05:30", "2026-11-05", "2026-11-04T18:30"),
        ("-09:30", "2026-11-05", "2026-11-05T09:30"),
    ],
)
def test_a_day_begins_with_its_first_moment(zone: str, date: str, begins: str) -> None:
    """A day begins after midnight if clocks skip midnight. An offset is a zone as well."""
    assert read(date, zone=zone, now=NOW).start == datetime.fromisoformat(f"{begins}+00:00")


@pytest.mark.parametrize(
    ("zone", "says"), [("", "Slack didn't send"), ("Mars/Olympus", "doesn't know your time zone")]
)
def test_days_are_not_told_apart_without_a_zone(zone: str, says: str) -> None:
    """No zone is guessed."""
    with pytest.raises(InvalidTimeError, match=says):
        read("yesterday", zone=zone, now=NOW)


@given(
    st.one_of(
        st.text(max_size=70),
        st.lists(
            st.sampled_from(
                ["9", "0001", "9999", "days", "ago", "Mon", "last", "5", "Dec", "2026-1-5", "12/05", "in"]
            )
        ).map(" ".join),
    ),
    st.sampled_from(["Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Apia", "-12:00", ""]),
)
def test_a_text_is_a_day_that_has_been_or_a_fault(text: str, zone: str) -> None:
    """Any text is a past day or a fault."""
    with contextlib.suppress(InvalidTimeError):
        day = read(text, zone=zone, now=NOW)
        assert day.start < day.end
        assert day.start <= NOW

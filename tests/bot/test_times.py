from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.times import TimeFault, clock, read

INDIA = "Asia/Kolkata"
NOW = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)
"""Saturday 21 November 2026, 09:13 in India."""

READ = [
    ("a time still to come is today", "9:30", "2026-11-21 09:30"),
    ("a dot stands for the colon", "9.30 pm", "2026-11-21 21:30"),
    ("a dot without am or pm is on the 24-hour clock", "9.30", "2026-11-21 09:30"),
    ("an hour with pm is enough", "9 pm", "2026-11-21 21:00"),
    ("am and pm may touch the hour", "9pm", "2026-11-21 21:00"),
    ("am and pm may have dots", "9.30 p.m.", "2026-11-21 21:30"),
    ("am and pm may be in capitals", "9 PM", "2026-11-21 21:00"),
    ("a phone puts a narrow space before PM", "9:30\u202fPM", "2026-11-21 21:30"),
    ("the 24-hour clock is read", "21:30", "2026-11-21 21:30"),
    ("a leading zero is read", "09:30", "2026-11-21 09:30"),
    ("seconds may be pasted", "9:30:15", "2026-11-21 09:30:15"),
    ("at may stand before a clock", "at 9:30", "2026-11-21 09:30"),
    ("noon is twelve", "noon", "2026-11-21 12:00"),
    ("12 noon is twelve", "12 noon", "2026-11-21 12:00"),
    ("12 pm is noon", "12 pm", "2026-11-21 12:00"),
    ("12 am is the day's first hour", "tomorrow 12:15 am", "2026-11-22 00:15"),
    ("Devanagari digits are digits", "९:३० pm", "2026-11-21 21:30"),
    ("Arabic-Indic digits are digits", "٩ pm", "2026-11-21 21:00"),
    ("a full-width colon is a colon", "9：30", "2026-11-21 09:30"),  # noqa: RUF001 - as typed
    ("trailing commas are no part of it", "9:30, ", "2026-11-21 09:30"),
    ("a trailing full stop is no part of it", "9:30.", "2026-11-21 09:30"),
    ("spaces around it are no part of it", "  9:30  ", "2026-11-21 09:30"),
    ("today is the typist's day", "today 9:30", "2026-11-21 09:30"),
    ("tomorrow is the day after", "tomorrow 9:30", "2026-11-22 09:30"),
    ("tomorrow may be in capitals", "TOMORROW 9:30", "2026-11-22 09:30"),
    ("tmrw is tomorrow", "tmrw 9pm", "2026-11-22 21:00"),
    ("tmr is tomorrow", "tmr 9pm", "2026-11-22 21:00"),
    ("a comma may follow the day", "tomorrow, 9:30", "2026-11-22 09:30"),
    ("at may stand between day and clock", "tomorrow at 9:30", "2026-11-22 09:30"),
    ("tomorrow noon is read", "tomorrow noon", "2026-11-22 12:00"),
    ("the day may come last", "9:30 tomorrow", "2026-11-22 09:30"),
    ("a weekday is the next one", "Mon 10:00", "2026-11-23 10:00"),
    ("a weekday may be written out", "Monday 10:00", "2026-11-23 10:00"),
    ("a weekday may be in small letters", "thurs 10:00", "2026-11-26 10:00"),
    ("on and at may be said", "on Monday at 10 am", "2026-11-23 10:00"),
    ("today's weekday is today when the time is to come", "Sat 10:00", "2026-11-21 10:00"),
    ("today's weekday is in a week when the time has passed", "Sat 9:00", "2026-11-28 09:00"),
    ("a weekday may come last", "10:00 Mon", "2026-11-23 10:00"),
    ("a day of a month is read", "5 Dec 10:00", "2026-12-05 10:00"),
    ("the month may come first", "Dec 5 10:00", "2026-12-05 10:00"),
    ("the month may be written out", "5 December 2026 9:30", "2026-12-05 09:30"),
    ("an ordinal is read", "5th Dec 10:00", "2026-12-05 10:00"),
    ("of may be said", "5th of December at 10 am", "2026-12-05 10:00"),
    ("dashes may join a date", "5-Dec-2026 10:00", "2026-12-05 10:00"),
    ("day and month may touch", "5dec 10:00", "2026-12-05 10:00"),
    ("an American date with a comma is read", "Dec 5, 2026 9:30", "2026-12-05 09:30"),
    ("Sept is September", "1 Sept 2027 9:30", "2027-09-01 09:30"),
    ("a date may come last", "10:00 5 Dec", "2026-12-05 10:00"),
    (
        "a date that passed lately is asked about, one of the coming months is not",
        "5 Jan 10:00",
        "2027-01-05 10:00",
    ),
    ("a weekday may agree with its date", "Sat 5 Dec 10:00", "2026-12-05 10:00"),
    ("minutes from now", "in 20 min", "2026-11-21 09:33"),
    ("minutes may touch their unit", "in 20m", "2026-11-21 09:33"),
    ("hours from now", "in 2 h", "2026-11-21 11:13"),
    ("hours and minutes from now", "in 1h 30m", "2026-11-21 10:43"),
    ("hours and minutes written out", "in 1 hour and 30 minutes", "2026-11-21 10:43"),
    ("an hour from now", "in an hour", "2026-11-21 10:13"),
    ("an ISO time is in the typist's zone", "2026-12-05T10:00", "2026-12-05 10:00"),
    ("an ISO time may have a space", "2026-12-05 10:00", "2026-12-05 10:00"),
    ("an ISO time may have seconds", "2026-12-05T10:00:30", "2026-12-05 10:00:30"),
    ("Z is UTC", "2026-12-05T10:00Z", "2026-12-05 15:30"),
    ("an offset is honoured", "2026-12-05T10:00+05:30", "2026-12-05 10:00"),
    ("an offset needs no colon", "2026-12-05 10:00 -0500", "2026-12-05 20:30"),
    ("an ISO date goes with any clock", "2026-12-05 9 pm", "2026-12-05 21:00"),
    ("now is now", "now", "2026-11-21 09:13"),
]

REFUSED = [
    ("there is no hour 25", "25:00", "does not exist", []),
    ("there is no hour 24", "24:00", "does not exist", []),
    ("there is no minute 75", "9:75", "does not exist", []),
    ("am and pm go with 1 to 12", "13:30 pm", "1 to 12", ["13:30"]),
    ("a single digit of minutes is a slip", "9:5", "two digits", []),
    ("five December or twelve May is asked", "05/12", "two ways", ["5 Dec", "12 May"]),
    ("what is asked about a date keeps its time", "05/12 10:00", "two ways", ["5 Dec 10:00", "12 May 10:00"]),
    ("it does so wherever the time stands", "10:00 05/12", "two ways", ["5 Dec 10:00", "12 May 10:00"]),
    ("dashes between digits are asked about", "5-12 10:00", "two ways", ["5 Dec 10:00", "12 May 10:00"]),
    ("a day that is no month is still asked about", "25/12/26 9 pm", "in digits", ["25 Dec 2026 9 pm"]),
    (
        "a date with dots is asked about, but for what has passed",
        "5.12.2026 10:00",
        "two ways",
        ["5 Dec 2026 10:00"],
    ),
    ("an impossible date in digits has no suggestion", "31/31", "in digits", []),
    ("an hour alone is asked about", "11", "morning or in the evening", ["11 am", "11 pm"]),
    ("what is suggested has not passed", "9", "morning or in the evening", ["tomorrow 9 am", "9 pm"]),
    ("an hour alone on a day is asked about", "Mon 9", "morning", ["Mon 9 am", "Mon 9 pm"]),
    ("an hour above twelve needs its minutes", "tomorrow 14", "alone", ["tomorrow 14:00"]),
    ("four digits need a colon", "2130", "colon", ["21:30"]),
    (
        "midnight begins or ends a day",
        "midnight",
        "begin the day or end it",
        ["tomorrow 00:00", "today 23:59"],
    ),
    ("a time that has passed today is not silently tomorrow's", "9:00", "has passed", ["tomorrow 9:00"]),
    ("nor is one said to be today's", "today 9:00", "has passed", ["tomorrow 9:00"]),
    ("this very minute has passed", "9:13", "has passed", ["tomorrow 9:13"]),
    ("an ISO time that has passed is refused", "2026-11-20T10:00", "has passed", []),
    ("an instant that has passed is refused", "2026-11-21T03:00Z", "has passed", []),
    ("yesterday's date without a year is a slip", "20 Nov 10:00", "give the year", ["20 Nov 2027 10:00"]),
    ("more than a year ahead is a slip", "5 Dec 2028 10:00", "more than a year", []),
    ("so it is within the next calendar year", "2027-12-05 10:00", "more than a year", []),
    ("so are many hours", "in 99999 h", "more than a year", []),
    ("no minutes from now is not later", "in 0 min", "not a later time", ["now", "in 20 min"]),
    ("a day needs a time", "tomorrow", "without a time", ["tomorrow 10:00"]),
    ("a date needs a time", "5 Dec", "without a time", ["5 Dec 10:00"]),
    ("an ISO date needs a time", "2026-12-05", "without a time", ["2026-12-05 10:00"]),
    ("a day no month has is refused", "30 Feb 10:00", "There is no", []),
    ("an ISO day no month has is refused", "2027-02-30 10:00", "There is no", []),
    ("an impossible offset is refused", "2026-12-05T10:00+99:00", "does not exist", []),
    ("a weekday must agree with its date", "Mon 5 Dec 10:00", "is a Sat", ["5 Dec 2026 10:00", "Mon 10:00"]),
    ("words behind a time are not ignored", "tomorrow 9:30 please", "not a time", []),
    ("a slip in a word is mended", "tommorow 9:30", "not a time", ["tomorrow 9:30"]),
    ("a slip in a word behind the clock is mended", "9:30 tmorrow", "not a time", ["9:30 tomorrow"]),
    ("a slip in a month is mended", "5 Decc 10:00", "not a time", ["5 dec 10:00"]),
    ("a named zone is not read", "10:00 IST", "your own zone, Asia/Kolkata", []),
    ("days from now are outside the grammar", "in 2 days", "not a time", []),
    ("next Monday could be two Mondays", "next Monday 10:00", "not a time", []),
    ("nothing is no time", "", "missing", []),
    ("commas are no time", " , ", "missing", []),
    ("a year in front with slashes is asked about", "2026/12/05 10:00", "month as a word", []),
    ("a word is no time", "soon", "not a time", []),
    ("a long text is no time", "tomorrow " * 50, "too long", []),
]


@pytest.mark.parametrize(("text", "local"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_a_time_in_the_grammar_is_read_in_the_typists_zone(text: str, local: str) -> None:
    """Each form of the grammar is one instant, in UTC."""
    moment = read(text, zone=INDIA, now=NOW)
    assert moment.at == datetime.fromisoformat(f"{local}+05:30")
    assert moment.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "message", "suggestions"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_not_one_certain_time_is_refused(text: str, message: str, suggestions: list[str]) -> None:
    """The fault says what is wrong and offers what may have been meant."""
    with pytest.raises(TimeFault) as caught:
        read(text, zone=INDIA, now=NOW)
    assert message in str(caught.value)
    assert list(caught.value.suggestions) == suggestions


@pytest.mark.parametrize("row", [row for row in REFUSED if row[3]], ids=lambda row: row[0])
def test_what_is_suggested_can_be_typed(row: tuple[str, str, str, list[str]]) -> None:
    """A suggestion is read without a fault, but for a bare date, which then asks for its time."""
    for suggestion in row[3]:
        if suggestion in {"5 Dec", "12 May"}:
            continue
        assert read(suggestion, zone=INDIA, now=NOW).at >= NOW


def test_a_time_the_clocks_skip_is_refused_with_both_sides() -> None:
    """In spring an hour does not exist; the hours around it are offered."""
    with pytest.raises(TimeFault, match="clocks go forward") as caught:
        read("tomorrow 2:30", zone="Europe/Paris", now=datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert caught.value.suggestions == ("2026-03-29 01:30", "2026-03-29 03:30")


def test_a_time_that_comes_twice_is_refused_with_both_offsets() -> None:
    """In autumn an hour comes twice; both are offered, and each is read as itself."""
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    with pytest.raises(TimeFault, match="comes twice") as caught:
        read("tomorrow 2:30", zone="Europe/Paris", now=now)
    assert caught.value.suggestions == ("2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00")
    first, second = (read(text, zone="Europe/Paris", now=now).at for text in caught.value.suggestions)
    assert second - first == timedelta(hours=1)


def test_tomorrow_is_the_typists_tomorrow() -> None:
    """Just before midnight in UTC it is the next day in India already."""
    late = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    assert read("tomorrow 9:30", zone=INDIA, now=late).at == datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    assert read("tomorrow 9:30", zone="America/New_York", now=late).at == datetime(
        2026, 11, 22, 14, 30, tzinfo=UTC
    )


def test_minutes_from_now_are_counted_across_a_change_of_the_clocks() -> None:
    """In 60 minutes is 60 minutes later, whatever the clocks do."""
    now = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert read("in 60 min", zone="Europe/Paris", now=now).at == now + timedelta(hours=1)


def test_an_unknown_zone_is_said() -> None:
    """A zone that no database has is a fault that names it."""
    with pytest.raises(TimeFault, match="Mars/Olympus"):
        read("9:30", zone="Mars/Olympus", now=NOW)


def test_how_it_was_read_is_kept() -> None:
    """The form of the grammar and the words are kept beside the instant."""
    forms = {
        "now": "now",
        "in 20 min": "relative",
        "9:30": "clock",
        "Tomorrow 9:30": "day",
        "Mon 10:00": "weekday",
        "5 Dec 10:00": "date",
        "2026-12-05T10:00": "date",
        "2026-12-05T10:00Z": "offset",
    }
    for text, reading in forms.items():
        moment = read(text, zone=INDIA, now=NOW)
        assert (moment.reading, moment.text) == (reading, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9:00", "09:00"),
        ("18:30", "18:30"),
        ("6 pm", "18:00"),
        ("9.30 pm", "21:30"),
        ("noon", "12:00"),
        ("१८:३५", "18:35"),
    ],
)
def test_a_time_of_day_is_written_on_the_24_hour_clock(text: str, expected: str) -> None:
    """Times of day are normalised to HH:MM."""
    assert clock(text) == expected


@pytest.mark.parametrize("text", ["9", "25:00", "9:75", "midnight", "tomorrow 9:00", "", "in 20 min", "now"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    """A time of day has no day, and is not guessed at."""
    with pytest.raises(TimeFault):
        clock(text)


_FRAGMENTS = st.sampled_from(
    (  # noqa: SIM905 - a list would be thirty lines
        "9 9:30 25:00 9:75 0000 31 pm a.m. today tomorrow Mon next 5 Dec 2026 9999 0001 2026-12-05 12/05 "
        "T10:00 Z +05:30 in an h 20 min at on , . noon"
    ).split()
)


@given(
    st.one_of(st.text(), st.lists(_FRAGMENTS, max_size=7).map(" ".join)),
    st.sampled_from([INDIA, "Europe/Paris", "America/St_Johns"]),
)
def test_a_text_is_a_time_to_come_or_a_fault(text: str, zone: str) -> None:
    """Whatever is typed, the answer is an instant within a year or a `TimeFault`."""
    for function in (lambda: read(text, zone=zone, now=NOW).at, lambda: clock(text)):
        try:
            result = function()
        except TimeFault:
            continue
        assert isinstance(result, str) or NOW <= result <= NOW + timedelta(days=366)


@given(st.integers(min_value=1, max_value=364 * 24 * 60))
def test_what_is_written_is_read_back(minutes: int) -> None:
    """A time written in several forms of the grammar is the same instant in all."""
    expected = NOW + timedelta(minutes=minutes)
    local = expected + timedelta(hours=5, minutes=30)
    for form in ("%Y-%m-%dT%H:%M", "%d %b %Y %H:%M", "%B %d, %Y at %I:%M %p", "%I.%M %p on %a %d-%b-%Y"):
        assert read(local.strftime(form), zone=INDIA, now=NOW).at == expected

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant, PlainDateTime

from bot.parsing import typed_zones
from bot.parsing.times import InvalidTimeError, clock, read
from bot.text import clocks

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
    ("today is the timezone's day", "today 9:30", "2026-11-21 09:30"),
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
    ("hours and minutes may touch", "in 2h30m", "2026-11-21 11:43"),
    ("hours and minutes may stand apart", "in 2 h 30 min", "2026-11-21 11:43"),
    ("hours may have a fraction", "in 1.5 hours", "2026-11-21 10:43"),
    ("a quarter of an hour is a fraction", "in 0.25h", "2026-11-21 09:28"),
    ("a typed half is a fraction", "in 2½ hours", "2026-11-21 11:43"),
    ("half an hour from now", "in half an hour", "2026-11-21 09:43"),
    ("an hour and a half from now", "in an hour and a half", "2026-11-21 10:43"),
    ("seconds from now", "in 90 sec", "2026-11-21 09:14:30"),
    ("from now may be said instead of in", "90 minutes from now", "2026-11-21 10:43"),
    ("an ISO date may have parts of one digit", "2026-12-5 10:00", "2026-12-05 10:00"),
    ("so may both its parts", "2027-1-5 9:30 pm", "2027-01-05 21:30"),
    ("so may one that comes last", "10:00 2026-12-5", "2026-12-05 10:00"),
    ("so may one with a T", "2026-12-5T10:00", "2026-12-05 10:00"),
    ("a slash may stand before a month's name", "5/Dec/2026 10:00", "2026-12-05 10:00"),
    ("a month's name may be shortened with a dot", "Dec. 5, 10:00", "2026-12-05 10:00"),
    ("the day after tomorrow", "day after tomorrow 10am", "2026-11-23 10:00"),
    ("it may have an article and come last", "10am the day after tomorrow", "2026-11-23 10:00"),
    ("days from now", "in 2 days at 10:00", "2026-11-23 10:00"),
    ("weeks from now", "in a week 10:00", "2026-11-28 10:00"),
    ("next and today's weekday is in a week", "next saturday 8:00", "2026-11-28 08:00"),
    ("next and a weekday that is far is read", "next fri 10:00", "2026-11-27 10:00"),
    ("it may come last", "10:00 next Fri", "2026-11-27 10:00"),
    ("this and a weekday is the coming one", "this friday 10:00", "2026-11-27 10:00"),
    ("this and today's weekday is today", "this sat 10:00", "2026-11-21 10:00"),
    ("tonight is in the evening", "tonight 9", "2026-11-21 21:00"),
    ("tonight may have minutes", "tonight 9:30", "2026-11-21 21:30"),
    ("tonight may come last", "9 pm tonight", "2026-11-21 21:00"),
    ("a part of the day tells which half", "tomorrow morning 9", "2026-11-22 09:00"),
    ("it may stand behind the hour", "9 in the evening", "2026-11-21 21:00"),
    ("this and a part of the day is today's", "this afternoon at 3", "2026-11-21 15:00"),
    ("at night is in the evening", "Mon 11 at night", "2026-11-23 23:00"),
    ("o'clock may be said", "10 o'clock am", "2026-11-21 10:00"),
    (
        "o'clock with a part of the day is one hour",
        "tomorrow morning at 10 o\N{RIGHT SINGLE QUOTATION MARK}clock",
        "2026-11-22 10:00",
    ),
    ("hours may be said behind minutes", "14:30 hrs", "2026-11-21 14:30"),
    ("hours may be said behind four digits", "1430 hrs", "2026-11-21 14:30"),
    ("four digits of hours are no year", "5 Dec 1430 hrs", "2026-12-05 14:30"),
    ("midday is twelve", "tomorrow midday", "2026-11-22 12:00"),
    ("one's own zone may be said", "9:30pm IST", "2026-11-21 21:30"),
    ("it may be in small letters and before the day", "9:30 pm ist tomorrow", "2026-11-22 21:30"),
    ("it may stand in brackets", "tomorrow 9:30 (IST)", "2026-11-22 09:30"),
    ("UTC is read", "9:30 UTC", "2026-11-21 15:00"),
    ("GMT is UTC for those who never have it", "tomorrow 9:30 GMT", "2026-11-22 15:00"),
    ("Z is UTC behind a clock", "9:30Z", "2026-11-21 15:00"),
    ("an offset may follow", "10:00 +05:30", "2026-11-21 10:00"),
    ("an offset from UTC may have one digit", "12:00 UTC+8", "2026-11-21 09:30"),
    ("an offset may touch", "12:00+08:00", "2026-11-21 09:30"),
    ("an offset may follow a day", "tomorrow 10:00 +0530", "2026-11-22 10:00"),
    ("an offset from UTC may be west of it", "5 Dec 10:00 UTC-5", "2026-12-05 20:30"),
    ("a minus sign is a minus", "5 Dec 10:00 GMT\N{MINUS SIGN}5", "2026-12-05 20:30"),
    ("a zone may be named", "5 Dec 10:00 America/New_York", "2026-12-05 20:30"),
    ("its capitals do not count", "5 Dec 10am america/new_york", "2026-12-05 20:30"),
    ("an ISO time is in the timezone's zone", "2026-12-05T10:00", "2026-12-05 10:00"),
    ("an ISO time may have a space", "2026-12-05 10:00", "2026-12-05 10:00"),
    ("an ISO time may have seconds", "2026-12-05T10:00:30", "2026-12-05 10:00:30"),
    ("Z is UTC", "2026-12-05T10:00Z", "2026-12-05 15:30"),
    ("an offset is honoured", "2026-12-05T10:00+05:30", "2026-12-05 10:00"),
    ("an offset needs no colon", "2026-12-05 10:00 -0500", "2026-12-05 20:30"),
    ("an ISO date goes with any clock", "2026-12-05 9 pm", "2026-12-05 21:00"),
    ("now is now", "now", "2026-11-21 09:13"),
]

REFUSED = [
    ("there is no hour 25", "25:00", "doesn't exist", []),
    ("there is no hour 24", "24:00", "doesn't exist", []),
    ("there is no minute 75", "9:75", "doesn't exist", []),
    ("am and pm go with 1 to 12", "13:30 pm", "1 to 12", ["13:30"]),
    ("a single digit of minutes is a slip", "9:5", "two digits", []),
    ("five December or twelve May is asked", "05/12", "two dates", ["5 Dec", "12 May"]),
    (
        "what is asked about a date keeps its time",
        "05/12 10:00",
        "two dates",
        ["5 Dec 10:00", "12 May 10:00"],
    ),
    ("it does so wherever the time stands", "10:00 05/12", "two dates", ["5 Dec 10:00", "12 May 10:00"]),
    ("dashes between digits are asked about", "5-12 10:00", "two dates", ["5 Dec 10:00", "12 May 10:00"]),
    ("a day that is no month is still asked about", "25/12/26 9 pm", "in digits", ["25 Dec 2026 9 pm"]),
    (
        "a date with dots is asked about, but for what has passed",
        "5.12.2026 10:00",
        "two dates",
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
        "the start or the end of a day",
        ["tomorrow 00:00", "today 23:59"],
    ),
    ("a time that has passed today is not silently tomorrow's", "9:00", "is in the past", ["tomorrow 9:00"]),
    ("nor is one said to be today's", "today 9:00", "is in the past", ["tomorrow 9:00"]),
    ("this very minute has passed", "9:13", "is in the past", ["tomorrow 9:13"]),
    ("an ISO time that has passed is refused", "2026-11-20T10:00", "is in the past", []),
    ("an instant that has passed is refused", "2026-11-21T03:00Z", "is in the past", []),
    ("yesterday's date without a year is a slip", "20 Nov 10:00", "add the year", ["20 Nov 2027 10:00"]),
    ("more than a year ahead is a slip", "5 Dec 2028 10:00", "more than a year", []),
    ("so it is within the next calendar year", "2027-12-05 10:00", "more than a year", []),
    ("so are many hours", "in 99999 h", "more than a year", []),
    ("no minutes from now is not later", "in 0 min", "isn't a later time", ["now", "in 20 min"]),
    ("a day needs a time", "tomorrow", "has no time", ["tomorrow 10:00"]),
    ("a date needs a time", "5 Dec", "has no time", ["5 Dec 10:00"]),
    ("an ISO date needs a time", "2026-12-05", "has no time", ["2026-12-05 10:00"]),
    ("a year long ago has passed", "0001-01-01 0:30", "is in the past", []),
    ("so has the year before last", "5 Dec 2024 10:00", "is in the past", []),
    ("a day no month has is refused", "30 Feb 10:00", "doesn't exist in", []),
    ("an ISO day no month has is refused", "2027-02-30 10:00", "doesn't exist in", []),
    ("an impossible offset is refused", "2026-12-05T10:00+99:00", "doesn't exist", []),
    ("a weekday must agree with its date", "Mon 5 Dec 10:00", "is a Sat", ["5 Dec 2026 10:00", "Mon 10:00"]),
    ("words behind a time are not ignored", "tomorrow 9:30 please", "isn't a time", []),
    ("a slip in a word is mended", "tommorow 9:30", "isn't a time", ["tomorrow 9:30"]),
    ("a slip in a word behind the clock is mended", "9:30 tmorrow", "isn't a time", ["9:30 tomorrow"]),
    ("a slip in a month is mended", "5 Decc 10:00", "isn't a time", ["5 dec 10:00"]),
    ("days from now need a time", "in 2 days", "has no time", ["in 2 days 10:00"]),
    (
        "next Monday could be two Mondays",
        "next Monday 10:00",
        "the coming one, or a week later",
        ["Mon 23 Nov 10:00", "Mon 30 Nov 10:00"],
    ),
    ("yesterday has passed", "yesterday 9:30", "is in the past", ["today 9:30"]),
    ("so has it when its time has passed today too", "yesterday 9:00", "is in the past", ["tomorrow 9:00"]),
    ("so has the day before", "9am day before yesterday", "is in the past", ["tomorrow 9am"]),
    ("so has last Monday", "last monday 10:00", "is in the past", ["monday 10:00"]),
    ("so has this weekday at a time that has passed", "this sat 9:00", "is in the past", ["sat 9:00"]),
    ("o'clock does not tell which half of the day", "10 o'clock", "morning or in", ["10 am", "10 pm"]),
    ("so does it not on a day", "Mon 9 o'clock", "morning or in", ["Mon 9 am", "Mon 9 pm"]),
    ("hours alone may be from now", "10 hours", "alone", ["in 10 hours", "10:00"]),
    ("minutes alone are nearly from now", "20 min", "isn't a time", ["in 20 min"]),
    ("a decimal comma is nearly a point", "in 1,5 hours", "isn't a time", ["in 1.5 hours"]),
    (
        "tonight at twelve could begin a day or be noon",
        "tonight 12",
        "at night",
        ["tomorrow 12 am", "today 12 pm"],
    ),
    ("tonight is not in the morning", "tonight 9 am", "at night", ["tomorrow 9 am", "today 9 pm"]),
    (
        "tonight at midnight is asked about",
        "tonight midnight",
        "the start or the end",
        ["tomorrow 00:00", "today 23:59"],
    ),
    ("a part of a day needs a time", "tomorrow evening", "has no time", ["tomorrow evening 7 pm"]),
    ("tonight needs a time", "tonight", "has no time", ["tonight 9 pm"]),
    (
        "an abbreviation of several places is asked about",
        "5 Dec 10:00 CST",
        "can mean several time zones",
        ["5 Dec 10:00 America/Chicago", "5 Dec 10:00 Asia/Shanghai", "5 Dec 10:00 America/Havana"],
    ),
    (
        "so is one of a place that is not the timezone's",
        "5 Dec 10:00 BST",
        "can mean several time zones",
        ["5 Dec 10:00 Europe/London", "5 Dec 10:00 Asia/Dhaka"],
    ),
    (
        "a slip in a zone is mended",
        "5 Dec 10:00 Asia/Kolkatta",
        "isn't a time zone",
        ["5 Dec 10:00 Asia/Kolkata"],
    ),
    ("no clock is that far from UTC", "10:00 +15:00", "doesn't exist", []),
    ("no offset has 75 minutes", "10:00 +05:75", "doesn't exist", []),
    ("two times are not a time and its offset", "10:00-11:00", "an offset from UTC?", ["10:00 UTC-11:00"]),
    ("a digit with a plus may be something else", "12:00 +8", "an offset from UTC?", ["12:00 UTC+8"]),
    ("so may one with a minus", "12:00 -1", "an offset from UTC?", ["12:00 UTC-1"]),
    ("nor are they with a space", "10:00 -11:00", "an offset from UTC?", ["10:00 UTC-11:00"]),
    ("nor on a date", "2026-12-05 10:00-11:00", "an offset from UTC?", ["2026-12-05 10:00 UTC-11:00"]),
    ("two times are no time", "10:00 - 11:00", "isn't a time", []),
    ("two times of two days are no time", "10:00 Mon 11:00", "isn't a time", []),
    ("two zones are no zone", "10:00 UTC IST", "isn't a time", []),
    ("a year in front with dots is asked about", "2026.12.5 10:00", "month as a word", ["2026-12-05 10:00"]),
    (
        "a date with a dot before a clock is asked about",
        "1.12. 10:00",
        "two dates",
        ["1 Dec 10:00", "12 Jan 10:00"],
    ),
    ("nothing is no time", "", "Add a time", []),
    ("commas are no time", " , ", "Add a time", []),
    (
        "a year in front with slashes is asked about",
        "2026/12/05 10:00",
        "month as a word",
        ["2026-12-05 10:00"],
    ),
    ("a word is no time", "soon", "isn't a time", []),
    ("a long text is no time", "tomorrow " * 50, "too long", []),
]


@pytest.mark.parametrize(("text", "local"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_a_time_in_the_grammar_is_read_in_the_typists_zone(text: str, local: str) -> None:
    """Each form of the grammar is a single instant, in UTC."""
    moment = read(text, zone=INDIA, now=NOW)
    assert moment.at == datetime.fromisoformat(f"{local}+05:30")
    assert moment.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "message", "suggestions"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_not_one_certain_time_is_refused(text: str, message: str, suggestions: list[str]) -> None:
    """The fault says what is wrong, and suggests what may have been meant."""
    with pytest.raises(InvalidTimeError) as caught:
        read(text, zone=INDIA, now=NOW)
    assert message in str(caught.value)
    assert list(caught.value.suggestions) == suggestions


@pytest.mark.parametrize("row", [row for row in REFUSED if row[3]], ids=lambda row: row[0])
def test_what_is_suggested_can_be_typed(row: tuple[str, str, str, list[str]]) -> None:
    """A suggestion parses without a fault. A bare date is an exception, because it still needs its time."""
    for suggestion in row[3]:
        if suggestion in {"5 Dec", "12 May"}:
            continue
        assert read(suggestion, zone=INDIA, now=NOW).at >= NOW


def test_a_time_the_clocks_skip_is_refused_with_both_sides() -> None:
    """In spring an hour does not exist, and the hours around it are suggested."""
    with pytest.raises(InvalidTimeError, match="clocks go forward") as caught:
        read("tomorrow 2:30", zone="Europe/Paris", now=datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert caught.value.suggestions == ("2026-03-29 01:30", "2026-03-29 03:30")


def test_a_time_that_comes_twice_is_refused_with_both_offsets() -> None:
    """In autumn an hour comes twice. Both are suggested, and each is read as itself."""
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    with pytest.raises(InvalidTimeError, match="happens twice") as caught:
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
    """Sixty minutes from now are sixty minutes later, whatever the clocks do."""
    now = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert read("in 60 min", zone="Europe/Paris", now=now).at == now + timedelta(hours=1)


def test_an_unknown_zone_is_said() -> None:
    """The fault names a zone that no database has."""
    with pytest.raises(InvalidTimeError, match="Mars/Olympus"):
        read("9:30", zone="Mars/Olympus", now=NOW)


def test_how_it_was_read_is_kept() -> None:
    """The command keeps the form of the grammar and the words beside the instant."""
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
    """A time of day has no date, and none is guessed."""
    with pytest.raises(InvalidTimeError):
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
    """The answer to any text is an instant within a year, or an `InvalidTimeError`."""
    for function in (lambda: read(text, zone=zone, now=NOW).at, lambda: clock(text)):
        try:
            result = function()
        except InvalidTimeError:
            continue
        assert isinstance(result, str) or NOW <= result <= NOW + timedelta(days=366)


@given(st.integers(min_value=1, max_value=364 * 24 * 60))
def test_what_is_written_is_read_back(minutes: int) -> None:
    """A time written in several forms of the grammar is the same instant in all."""
    expected = NOW + timedelta(minutes=minutes)
    local = expected + timedelta(hours=5, minutes=30)
    for form in ("%Y-%m-%dT%H:%M", "%d %b %Y %H:%M", "%B %d, %Y at %I:%M %p", "%I.%M %p on %a %d-%b-%Y"):
        assert read(local.strftime(form), zone=INDIA, now=NOW).at == expected


ZONES = (
    *(
        "Asia/Kolkata",
        "Europe/London",
        "Europe/Paris",
        "America/New_York",
        "America/St_Johns",
        "Asia/Kathmandu",
    ),
    *(
        "Australia/Lord_Howe",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Africa/Casablanca",
        "America/Havana",
    ),
)
_OWN = st.one_of(st.sampled_from(ZONES), st.sampled_from(["+05:30", "-03:30", "+00:00", ""]))
_CLOCKS = st.sampled_from(["%H:%M", "%-I:%M %p", "%I.%M%p", "at %H.%M", "%H%M hrs"])
_DATES = st.sampled_from(
    ["%Y-%m-%d", "%Y-%-m-%-d", "%-d %b %Y", "%B %-d, %Y", "%a %-d %b %Y", "%d-%b-%Y", "%-d/%b/%Y", "%-d %b"]
)
_WORDS = {
    0: ["today", ""],
    1: ["tomorrow", "%A", "in a day", "next %A"],
    2: ["the day after tomorrow", "%a", "in 2 days", "this %A"],
    5: ["%A", "next %a", "in 5 days"],
    7: ["in a week", "next %A"],
}


def _shown(at: datetime, zone: str) -> datetime:
    """Return what the clocks of a zone show."""
    return datetime.fromisoformat(clocks.local(Instant(at), zone).to_plain().format_iso())


@given(st.data())
def test_a_time_is_read_as_the_instant_that_was_typed_or_asked_about(data: st.DataObject) -> None:
    """For any user, zone, day and writing, the result is never another instant."""
    own, beside = data.draw(_OWN), data.draw(st.sampled_from([None, *ZONES, "+05:30", "-09:30", "UTC"]))
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=data.draw(st.integers(0, 700 * 24 * 60)))
    target = now + timedelta(
        minutes=data.draw(st.integers(1, data.draw(st.sampled_from([2, 14, 363])) * 24 * 60))
    )
    target = target.replace(second=0)
    zone = beside or own or "UTC"
    there = _shown(target, zone)
    todays = {_shown(now, zone).date()} | ({_shown(now, own).date()} if own else set())
    words = [word for today in todays for word in _WORDS.get((there.date() - today).days, [])]
    by_word = bool(words) and data.draw(st.booleans())
    day = data.draw(st.sampled_from(words) if by_word else _DATES)
    parts = [day, data.draw(_CLOCKS), beside or ""]
    text = " ".join(filter(None, data.draw(st.permutations(parts)) if beside != "UTC" else parts))
    text = there.strftime(text)
    try:
        read_as = read(text, zone=own, now=now).at
    except InvalidTimeError as fault:
        for suggestion in fault.suggestions:
            assert read(suggestion, zone=own, now=now).at > now, (text, suggestion)
        return
    assert read_as == target, (text, own, now)


@given(st.data())
def test_what_is_certain_is_read(data: st.DataObject) -> None:
    """A date with its year is no question, in a zone whose clocks show that time only once."""
    own, zone = data.draw(st.sampled_from([*ZONES, "+05:30"])), data.draw(st.sampled_from([*ZONES, "+05:30"]))
    target = NOW + timedelta(minutes=data.draw(st.integers(1, 364 * 24 * 60)))
    there = _shown(target, zone)
    if len(clocks.instants(PlainDateTime(there.isoformat()), zone)) > 1:
        return
    text = there.strftime(
        data.draw(st.sampled_from(["%-d %b %Y %H:%M", "%I:%M %p %A %B %-d, %Y", "%Y-%m-%dT%H:%M"]))
    )
    assert read(f"{text} {zone}", zone=own, now=NOW).at == target
    if own == zone:
        assert read(text, zone=own, now=NOW).at == target


@pytest.mark.parametrize(
    ("now", "text", "meant"),
    [
        # Mon 23 Nov to Sun 29 Nov 2026, at noon. Weeks from Monday and from Sunday agree on "next" then.
        ("2026-11-23", "next monday", ["2026-11-30"]),
        ("2026-11-23", "next friday", ["2026-11-27", "2026-12-04"]),
        ("2026-11-24", "next monday", ["2026-11-30"]),
        ("2026-11-25", "next wed", ["2026-12-02"]),
        ("2026-11-25", "next thu", ["2026-11-26", "2026-12-03"]),
        ("2026-11-27", "next monday", ["2026-11-30", "2026-12-07"]),
        ("2026-11-27", "next friday", ["2026-12-04"]),
        ("2026-11-29", "next monday", ["2026-11-30", "2026-12-07"]),
        ("2026-11-29", "next friday", ["2026-12-04", "2026-12-11"]),
        ("2026-11-28", "next sunday", ["2026-11-29", "2026-12-06"]),
    ],
)
def test_next_is_asked_about_where_it_can_be_two_days(now: str, text: str, meant: list[str]) -> None:
    """The coming day and the day a week later are both suggested, each with its date."""
    at = datetime.fromisoformat(f"{now}T06:30:00+00:00")
    try:
        days = [read(f"{text} 10:00", zone=INDIA, now=at).at]
    except InvalidTimeError as fault:
        days = [read(suggestion, zone=INDIA, now=at).at for suggestion in fault.suggestions]
    assert [day.astimezone(ZoneInfo(INDIA)).strftime("%Y-%m-%d") for day in days] == meant


@pytest.mark.parametrize(
    ("zone", "now", "text", "utc"),
    [
        ("America/New_York", "2026-07-01T12:00", "10:00 EDT", "2026-07-01T14:00"),
        ("America/New_York", "2026-07-01T12:00", "5 Dec 10:00 est", "2026-12-05T15:00"),
        ("America/New_York", "2026-10-31T12:00", "1 Nov 1:30 EDT", "2026-11-01T05:30"),
        ("America/New_York", "2026-10-31T12:00", "1 Nov 1:30 EST", "2026-11-01T06:30"),
        ("Europe/Dublin", "2026-07-01T08:00", "10:00 IST", "2026-07-01T09:00"),
        ("Asia/Jerusalem", "2026-12-01T06:00", "10:00 IST", "2026-12-01T08:00"),
        ("Asia/Shanghai", "2026-12-01T01:00", "10:00 CST", "2026-12-01T02:00"),
        ("America/Chicago", "2026-12-01T12:00", "10:00 CST", "2026-12-01T16:00"),
        ("Europe/London", "2026-07-01T08:00", "10:00 BST", "2026-07-01T09:00"),
        ("Europe/London", "2026-12-01T08:00", "10:00 GMT", "2026-12-01T10:00"),
        ("Asia/Dubai", "2026-12-01T04:00", "10:00 GST", "2026-12-01T06:00"),
        ("Africa/Nairobi", "2026-12-01T04:00", "10:00 EAT", "2026-12-01T07:00"),
    ],
)
def test_an_abbreviation_is_the_typists_own_where_it_holds_then(
    zone: str, now: str, text: str, utc: str
) -> None:
    """In the night in which clocks go back, it also tells which of two times is meant."""
    at = datetime.fromisoformat(f"{now}+00:00")
    assert read(text, zone=zone, now=at).at == datetime.fromisoformat(f"{utc}+00:00")


@pytest.mark.parametrize(
    ("zone", "now", "text", "offered"),
    [
        (
            "America/New_York",
            "2026-07-01T12:00",
            "10:00 EST",
            ["10:00 America/New_York", "10:00 America/Panama"],
        ),
        ("America/Toronto", "2026-12-01T12:00", "10:00 EDT", ["10:00 America/Toronto"]),
        ("Europe/London", "2026-07-01T08:00", "10:00 GMT", ["10:00 Europe/London", "10:00 UTC"]),
        ("Europe/Paris", "2026-07-01T06:00", "10:00 CET", ["10:00 Europe/Paris", "10:00 Africa/Algiers"]),
        (
            "Europe/Dublin",
            "2026-12-01T08:00",
            "2 Dec 10:00 IST",
            ["2 Dec 10:00 Europe/Dublin", "2 Dec 10:00 Asia/Kolkata", "2 Dec 10:00 Asia/Jerusalem"],
        ),
        ("Asia/Kolkata", "2026-12-01T02:00", "10:00 GST", ["10:00 Asia/Dubai"]),
        (
            "+05:30",
            "2026-12-01T02:00",
            "2 Dec 10:00 IST",
            ["2 Dec 10:00 Asia/Kolkata", "2 Dec 10:00 Asia/Jerusalem", "2 Dec 10:00 Europe/Dublin"],
        ),
    ],
)
def test_any_other_abbreviation_is_asked_about(zone: str, now: str, text: str, offered: list[str]) -> None:
    """The suggestions name the zones that it can stand for, the user's own first."""
    at = datetime.fromisoformat(f"{now}+00:00")
    with pytest.raises(InvalidTimeError, match="can mean several time zones") as caught:
        read(text, zone=zone, now=at)
    assert list(caught.value.suggestions) == offered


@pytest.mark.parametrize("text", ["10:00 eat", "10:00 cat", "10:00 Xyz", "10:00 west", "10:00 call/mail"])
def test_a_word_behind_a_time_is_no_zone(text: str) -> None:
    """A reason may begin with a word that is a zone in capitals."""
    with pytest.raises(InvalidTimeError, match="isn't a time"):
        read(text, zone=INDIA, now=NOW)


def test_abbreviations_are_those_of_the_zones_they_lead_to() -> None:
    """The zone database confirms each abbreviation, in winter or in summer, if it names that time."""
    for abbreviation, zones in typed_zones._PLACES.items():
        for zone in zones:
            named = {clocks.abbreviation(Instant.from_utc(2026, month, 1), zone) for month in (1, 7)}
            if all(name.isalpha() for name in named) and len(abbreviation) > 2 and zone != "UTC":
                assert abbreviation in {name.casefold() for name in named}, (abbreviation, zone)


def test_a_day_in_another_zone_may_be_two() -> None:
    """At 9:00 in India it is still yesterday in Los Angeles. Both days are suggested, each with its date."""
    with pytest.raises(InvalidTimeError, match="another day there") as caught:
        read("tomorrow 9:30 America/Los_Angeles", zone=INDIA, now=NOW)
    forms = "2026-11-21 9:30 America/Los_Angeles", "2026-11-22 9:30 America/Los_Angeles"
    assert caught.value.suggestions == forms
    assert read("9:30 America/Los_Angeles", zone=INDIA, now=NOW).at == datetime(
        2026, 11, 21, 17, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("zone", ["", "Mars/Olympus"])
def test_whoever_has_no_known_zone_writes_it(zone: str) -> None:
    """No zone is guessed. A time that needs none is read, and any other fault says how to write a zone."""
    assert read("in 20 min", zone=zone, now=NOW).at == NOW + timedelta(minutes=20)
    assert read("now", zone=zone, now=NOW).reading == "now"
    for text in (
        "tomorrow 9:30 +05:30",
        "9:30 am tomorrow Asia/Kolkata",
        "2026-11-22T04:00Z",
        "22 Nov 4:00 UTC",
    ):
        assert read(text, zone=zone, now=NOW).at == datetime(2026, 11, 22, 4, tzinfo=UTC), text
    for text in ("tomorrow 9:30", "9 pm", "Mon 10:00", "5 Dec 10:00", "2026-12-05T10:00", "tonight 9"):
        with pytest.raises(InvalidTimeError, match="Write the zone or the offset with the time") as caught:
            read(text, zone=zone, now=NOW)
        assert caught.value.suggestions == ()
    with pytest.raises(InvalidTimeError, match="can mean several time zones") as caught:
        read("9:30pm IST", zone=zone, now=NOW)
    assert "9:30pm Asia/Kolkata" in caught.value.suggestions


def test_an_offset_is_read_as_a_zone_without_a_name() -> None:
    """A user with only a known offset types as everybody does."""
    assert read("tomorrow 9:30", zone="+05:30", now=NOW).at == datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert read("today 21:30", zone="-08:00", now=NOW).at == datetime(2026, 11, 21, 5, 30, tzinfo=UTC)


def steps(function: Callable[[], object]) -> int:
    """Return how many function calls, ours and the interpreter's, a function takes."""
    counted = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return counted


MOST_STEPS = 40_000
"""Largest number of function calls for the worst text, with its suggestions."""
_SHAPES = [
    *(
        "9 ",
        "9:",
        "9",
        "a",
        "in ",
        "in 9 h ",
        "and ",
        "next ",
        "mon ",
        "5 dec ",
        "2026-12-05 ",
        "1/",
        "1.",
        "-",
    ),
    *(
        "+05:30 ",
        "utc ",
        "asia/kolkata ",
        "ameriac/chicaog ",
        "9:30 etc/gmt+5 ",
        "a/",
        "(",
        ")",
        ",",
        " ",
        "\t",
    ),
    *(
        "½",
        "\ufdfa",
        "१",
        "tmorow ",
        "tonight ",
        "morning ",
        "o'clock ",
        "9 am ",
        "IST ",
        "of the day after ",
    ),
    *("\0", "\N{COMBINING ACUTE ACCENT}", "\N{FRACTION SLASH}", "abcdefghijklmnopqrstuvwxyz "),
]


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("before", ["", "tomorrow 9:30 ", "in 2h "])
def test_no_text_costs_more_than_so_many_steps(shape: str, before: str) -> None:
    """A text of 40 kB is refused before it is parsed. The longest parsed text ends soon as well."""

    def reads(text: str) -> None:
        for function in (lambda: read(text, zone=INDIA, now=NOW), lambda: clock(text)):
            with contextlib.suppress(InvalidTimeError):
                function()

    reads("9:30 Asia/Kolkata")  # loads the tables of zones, which are cached
    for length in (20, 40, 95, 96):
        assert steps(lambda: reads((before + shape * 96)[:length])) < MOST_STEPS  # noqa: B023 - called at once
    assert steps(lambda: reads(before + shape * 40_000)) < 100


def test_what_is_too_long_for_a_time_is_repeated_only_in_part() -> None:
    """A ligature of eighteen letters makes no text longer than a message can hold."""
    for text in ("9" * 40_000, "\ufdfa" * 64, "tomorrow " * 12):
        with pytest.raises(InvalidTimeError, match="is too long for a time") as caught:
            read(text, zone=INDIA, now=NOW)
        assert len(str(caught.value)) < 200

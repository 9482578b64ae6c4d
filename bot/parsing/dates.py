"""Reads past days as people type them, in the user's own time zone.

    today | yesterday | day before yesterday | Mon | 3 days ago | 5 Dec | Dec 5 2026 | 2026-12-05

A weekday is the most recent one, which may be today. A date without a year is its most recent occurrence. As
in `bot.parsing.times`, nothing outside the grammar is guessed. A date in digits is refused with a question.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from whenever import Date, Instant, Time, TimeZoneNotFoundError

from bot.parsing.time_grammar import DAY, MONTHS, WEEKDAYS, InvalidTimeError, days_off, limited, stem
from bot.text import clocks, time_errors

_AGO = re.compile(r"(?P<days>\d{1,4})\s?(?:d|days?)\sago", re.IGNORECASE)

_FIRST = Date(1970, 1, 1)
"""No log has anything from before that."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day, from its first instant to the first instant after it (aware, UTC)."""

    start: datetime
    end: datetime
    date: str
    """As ``2026-12-05``."""


def read(text: str, *, zone: str, now: datetime) -> Day:
    """Read a day typed at ``now`` (aware) by a user in the time zone ``zone``.

    ``zone`` is as in `bot.parsing.times.read`. Raises `InvalidTimeError`, nothing else.
    """
    typed = limited(text)
    try:
        today = clocks.local(Instant(now), zone).date()
    except TimeZoneNotFoundError:
        raise InvalidTimeError(time_errors.no_days_without_zone(zone)) from None
    date = _date(typed, today)
    if date > today:
        raise InvalidTimeError(time_errors.day_to_come(typed))
    if date < _FIRST:
        raise InvalidTimeError(time_errors.day_long_ago(typed))
    start, end = (_begin(day, zone).to_stdlib() for day in (date, date.add(days=1)))
    return Day(start, end, date.format_iso())


def _begin(day: Date, zone: str) -> Instant:
    """Return the first instant of a day. It is after midnight if clocks go forward at midnight."""
    instants = clocks.instants(day.at(Time()), zone)
    return next((one for one in instants if clocks.local(one, zone).date() == day), instants[-1])


def _date(typed: str, today: Date) -> Date:
    if ago := _AGO.fullmatch(typed):
        return today.subtract(days=int(ago["days"]))
    day = DAY.fullmatch(typed)
    if day is None or day["tonight"] or day["which"]:
        raise InvalidTimeError(time_errors.no_day(typed))
    if day["numeric"]:
        raise InvalidTimeError(time_errors.two_days(typed))
    if day["word"]:
        return today.add(days=days_off(day))
    if day["ahead"]:
        raise InvalidTimeError(time_errors.day_to_come(typed))
    if day["weekday"]:
        return today.subtract(days=(today.day_of_week().value - 1 - WEEKDAYS.index(stem(day["weekday"]))) % 7)
    return _written(day, typed, today)


def _written(day: re.Match[str], typed: str, today: Date) -> Date:
    """Return a date whose month is in words, or an ISO 8601 date. Raises `InvalidTimeError`."""
    if day["iso"]:
        year, month, number = map(int, day["iso"].split("-"))
    else:
        month = MONTHS.index(stem(day["month"] or day["month_first"])) + 1
        number = int(day["day"] or day["day_last"])
        passed = (month, number) <= (today.month, today.day)
        year = int(day["year"]) if day["year"] else today.year - (not passed)
    try:
        return Date(year, month, number)
    except ValueError:
        raise InvalidTimeError(time_errors.no_such_date(typed, year)) from None

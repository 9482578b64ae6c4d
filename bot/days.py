"""Days that have been, as people type them: from when to when each lasted in the typist's own zone. Pure.

    today | yesterday | Mon | 3 days ago | 5 Dec | Dec 5 2026 | 2026-12-05

A weekday is the last one there was, today's among them, and a date without a year the last time there was
one. As in `bot.times`, nothing outside the grammar is guessed, and a date in digits is asked about.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from whenever import Date, Instant, Time, TimeZoneNotFoundError

from bot.messages import time_faults
from bot.times import DAY, MONTHS, WEEKDAYS, TimeFault, plain, stem

_AGO = re.compile(r"(?P<days>\d{1,4})\s?(?:d|days?)\sago", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Day:
    """A day from its first moment to the first moment after it (aware, UTC)."""

    start: datetime
    end: datetime
    date: str
    """As ``2026-12-05``."""


def read(text: str, *, zone: str, now: datetime) -> Day:
    """Read a day typed in ``zone`` (an IANA name) at ``now`` (aware). Raises `TimeFault`, nothing else."""
    typed = plain(text)
    try:
        today = Instant(now).to_tz(zone).date()
    except TimeZoneNotFoundError:
        raise TimeFault(time_faults.own_zone_unknown(zone)) from None
    date = _date(typed, today)
    if date > today:
        raise TimeFault(time_faults.day_to_come(typed))
    start, end = (
        day.at(Time()).assume_tz(zone, disambiguation="compatible").to_instant().to_stdlib()
        for day in (date, date.add(days=1))
    )
    return Day(start, end, date.format_iso())


def _date(typed: str, today: Date) -> Date:
    if typed.lower() == "yesterday":
        return today.subtract(days=1)
    if ago := _AGO.fullmatch(typed):
        return today.subtract(days=int(ago["days"]))
    day = DAY.fullmatch(typed)
    if day is None:
        raise TimeFault(time_faults.no_day(typed[:60]))
    if day["numeric"]:
        raise TimeFault(time_faults.two_days(typed))
    if day["word"]:
        return today if day["word"].lower() == "today" else today.add(days=1)
    if day["weekday"]:
        return today.subtract(days=(today.day_of_week().value - 1 - WEEKDAYS.index(stem(day["weekday"]))) % 7)
    return _written(day, typed, today)


def _written(day: re.Match[str], typed: str, today: Date) -> Date:
    """A date with its month in words, or as ISO 8601 has it."""
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
        raise TimeFault(time_faults.no_such_date(typed, year)) from None

"""Times as people type them: a small closed grammar, read in the typist's own zone.

    9:30 · 9.30 pm · 9 pm · noon                    today, if it has not passed
    today | tomorrow | Mon | 5 Dec | Dec 5 2026 | 2026-12-05, with one of the above before or after it
    2026-12-05T10:00, also with Z or an offset · in 20 min · in 1h 30m · now

Nothing outside it is guessed: what could mean two things is a `TimeFault` that offers both. Pure: the zone
and the present are arguments.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Literal

from whenever import (
    Date,
    Instant,
    OffsetDateTime,
    PlainDateTime,
    RepeatedTime,
    SkippedTime,
    Time,
    TimeDelta,
    TimeZoneNotFoundError,
    ZonedDateTime,
)

from bot.messages import time_faults

Reading = Literal["now", "relative", "clock", "day", "weekday", "date", "offset"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that was read: the instant (aware, UTC), the form of the grammar, and the words."""

    at: datetime
    reading: Reading
    text: str


class TimeFault(ValueError):
    """A text that is not one certain time.

    ``str()`` says for people what is wrong and what to do; ``suggestions`` are texts to type instead.
    """

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


_LONG_AGO_IN_DAYS = 183
"""A date without a year that has passed is next year's, unless that is more than half a year off: a slip."""

_LONGEST = 64
"""Characters; "on Wednesday, 30 September 2026 at 11:30 p.m." has 47."""

_NEARLY = 0.8
"""How much of a word must be there (difflib's ratio): "tommorow" is tomorrow, "soon" is not noon."""

_HALF_DAY = range(1, 13)
"""The hours that go with am and pm."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = (
    *MONTHS,
    *("january", "february", "march", "april", "june", "july", "august"),
    *("september", "october", "november", "december"),
    *WEEKDAYS,
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("today", "tomorrow", "noon", "midnight", "now", "at", "on", "of", "am", "pm"),
    *("in", "min", "mins", "minutes", "h", "hour", "hours"),
)
"""The words of the grammar, for those that were nearly typed."""

_WEEKDAY = (
    r"mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_ORDINAL = r"(?:st|nd|rd|th)?"
DAY = re.compile(
    rf"""(?:on\s)?(?P<said>
        (?P<word>today|tomorrow|tmrw?)
      | (?P<iso>\d{{4}}-\d\d-\d\d)(?:(?=t\d))?
      | (?P<numeric>\d{{1,4}}[/-]\d{{1,2}}(?:[/-]\d{{2,4}})?|\d{{1,2}}\.\d{{1,2}}\.\d{{2,4}})
      | (?:(?P<weekday_of_date>{_WEEKDAY})\b[\s,]*)?
        (?: (?P<day>\d{{1,2}}){_ORDINAL}[\s-]?(?:of\s)?(?P<month>{_MONTH})
          | (?P<month_first>{_MONTH})[\s-]?(?P<day_last>\d{{1,2}}){_ORDINAL}(?![\d:.])(?!\s?[ap]\.?m)
        )(?:[\s,-]+(?P<year>\d{{4}})(?![\d:.]))?
      | (?P<weekday>{_WEEKDAY})
    )(?![^\s,t])""",
    re.VERBOSE | re.IGNORECASE,
)
_CLOCK = re.compile(
    r"""(?:at\s)?(?P<said>
        (?:12\s)?(?P<word>noon|midnight)
      | (?P<hour>\d{1,4})(?:[:.](?P<minute>\d+)(?::(?P<second>\d\d))?)?(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?
    )(?![^\s,])""",
    re.VERBOSE | re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"in\s(?:(?P<hours>\d{1,5}|an?)\s?(?:h|hrs?|hours?)\b)?[\s,]*(?:and\s)?"
    r"(?:(?P<minutes>\d{1,5}|an?)\s?(?:m|mins?|minutes?))?",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    r"(\d{4}-\d\d-\d\d)[T\s](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(Z|[+-]\d\d:?\d\d)", re.IGNORECASE
)
_ZONE = re.compile(r"\b(?:ist|utc|gmt|bst|cet|cest|[ecmp][sd]t|sgt|gst|aest)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]*(?:(?<=\d)T(?=\d))?", re.IGNORECASE)


def read(text: str, *, zone: str, now: datetime) -> Moment:
    """Read a time typed in ``zone`` (an IANA name) at ``now`` (aware). Raises `TimeFault`, nothing else."""
    typed = plain(text)
    if len(typed) > _LONGEST:
        raise TimeFault(time_faults.too_long(typed[:_LONGEST]))
    try:
        here = Instant(now).to_tz(zone)
    except TimeZoneNotFoundError:
        raise TimeFault(time_faults.own_zone_unknown(zone)) from None
    reading, at = _read(typed, here)
    if reading != "now" and at <= here.to_instant():
        raise TimeFault(time_faults.has_passed(typed))
    if at > here.add(years=1).to_instant():
        raise TimeFault(time_faults.too_far_ahead(typed))
    return Moment(at.to_stdlib(), reading, typed)


def clock(text: str) -> str:
    """Read a time of day as ``HH:MM`` on the 24-hour clock. Raises `TimeFault`."""
    typed = plain(text)[:_LONGEST]
    match = _CLOCK.fullmatch(typed)
    if not match or match["said"].lower() == "midnight":
        raise TimeFault(time_faults.no_time_of_day(typed))
    return _time(match).format_iso(unit="minute")


def plain(text: str) -> str:
    """One line with ASCII digits: what the grammar is written for."""
    folded = unicodedata.normalize("NFKC", text)
    digits = "".join(str(unicodedata.decimal(char, char)) for char in folded)
    return " ".join(digits.split()).strip(" ,;.")


def _read(typed: str, here: ZonedDateTime) -> tuple[Reading, Instant]:
    if not typed:
        raise TimeFault(time_faults.MISSING)
    if typed.lower() == "now":
        return "now", here.to_instant()
    if match := _RELATIVE.fullmatch(typed):
        return "relative", _from_now(match, here)
    if match := _OFFSET.fullmatch(typed):
        return "offset", _with_offset(typed, match)
    day, of_day = _day_and_clock(typed, here)
    if day:
        return _on(day, of_day, typed, here)
    return "clock", _today(of_day, typed, here)


def _day_and_clock(typed: str, here: ZonedDateTime) -> tuple[re.Match[str] | None, re.Match[str]]:
    """The two parts of a time, in either order; the day may be left out."""
    if day := DAY.match(typed):
        rest = typed[_end(typed, day) :]
        of_day = _CLOCK.fullmatch(rest)
    elif of_day := _CLOCK.match(typed):
        rest = typed[_end(typed, of_day) :]
        if not rest:
            return None, of_day
        day = DAY.fullmatch(rest)
    if day and day["numeric"]:
        raise _which_date(day["numeric"], of_day["said"] if of_day else "", here)
    if day and of_day:
        return day, of_day
    if day and not rest:
        raise TimeFault(time_faults.day_alone(typed), _suggest(here, f"{typed} 10:00"))
    raise _unreadable(typed, here)


def _end(typed: str, match: re.Match[str]) -> int:
    """Where what follows a day or a clock begins."""
    between = _BETWEEN.match(typed, match.end())
    return between.end() if between else match.end()


def _from_now(match: re.Match[str], here: ZonedDateTime) -> Instant:
    hours, minutes = (
        1 if (amount := match[unit] or "0")[0] in "aA" else int(amount) for unit in ("hours", "minutes")
    )
    if not hours + minutes:
        raise TimeFault(time_faults.no_time_from_now(match[0].strip()), ("now", "in 20 min"))
    return here.to_instant() + TimeDelta(hours=hours, minutes=minutes)


def _with_offset(typed: str, match: re.Match[str]) -> Instant:
    date, time, offset = match.groups()
    try:
        return OffsetDateTime(f"{date}T{time}{offset.upper()}").to_instant()
    except ValueError:
        raise TimeFault(time_faults.no_such_instant(typed)) from None


def _today(of_day: re.Match[str], typed: str, here: ZonedDateTime) -> Instant:
    at = here.date().at(_time(of_day, here))
    if at <= here.to_plain():
        raise TimeFault(time_faults.has_passed_today(typed), _suggest(here, f"tomorrow {of_day['said']}"))
    return _in_zone(at, here)


def _on(
    day: re.Match[str], of_day: re.Match[str], typed: str, here: ZonedDateTime
) -> tuple[Reading, Instant]:
    """The first day that was meant on which the time is still to come."""
    time = _time(of_day, here, day["said"])
    for date in _dates(day, here.date()):
        at = date.at(time)
        if at > here.to_plain():
            break
    else:
        nearest = _suggest(here, f"tomorrow {of_day['said']}") if day["word"] else ()
        raise TimeFault(time_faults.has_passed(typed), nearest)
    if day["word"] or day["weekday"]:
        return "day" if day["word"] else "weekday", _in_zone(at, here)
    _check_date(date, day, of_day["said"], here)
    return "date", _in_zone(at, here)


def _dates(day: re.Match[str], today: Date) -> Iterator[Date]:
    """The dates a day's words can stand for, soonest first."""
    if day["word"]:
        yield today if day["word"].lower() == "today" else today.add(days=1)
    elif day["weekday"]:
        ahead = (WEEKDAYS.index(stem(day["weekday"])) + 1 - today.day_of_week().value) % 7
        yield from (today.add(days=ahead), today.add(days=ahead + 7))
    elif day["iso"]:
        year, month, number = map(int, day["iso"].split("-"))
        yield _date(year, month, number, today, day)
    else:
        month = MONTHS.index(stem(day["month"] or day["month_first"])) + 1
        number = int(day["day"] or day["day_last"])
        if day["year"]:
            yield _date(int(day["year"]), month, number, today, day)
        else:
            yield from (_date(year, month, number, today, day) for year in (today.year, today.year + 1))


def _date(year: int, month: int, number: int, today: Date, day: re.Match[str]) -> Date:
    if year > today.year + 1:
        raise TimeFault(time_faults.too_far_ahead(day["said"]))
    try:
        return Date(year, month, number)
    except ValueError:
        raise TimeFault(time_faults.no_such_date(day["said"], year)) from None


def _check_date(date: Date, day: re.Match[str], of_day: str, here: ZonedDateTime) -> None:
    """Raise for a date that looks like a slip: long past without a year, or not the weekday that was said."""
    written = f"{date.day} {MONTHS[date.month - 1].title()} {date.year}"
    without_year = not (day["year"] or day["iso"])
    if without_year and date.year > here.year and here.date().add(days=_LONG_AGO_IN_DAYS) < date:
        message = time_faults.has_passed_this_year(day["said"])
        raise TimeFault(message, _suggest(here, f"{written} {of_day}"))
    said, falls_on = day["weekday_of_date"], WEEKDAYS[date.day_of_week().value - 1]
    if said and stem(said) != falls_on:
        message = time_faults.other_weekday(written, falls_on.title(), said.title())
        raise TimeFault(message, _suggest(here, f"{written} {of_day}", f"{said} {of_day}"))


def stem(word: str) -> str:
    """The three letters that tell months and weekdays apart."""
    return word[:3].lower()


def _time(match: re.Match[str], here: ZonedDateTime | None = None, day: str = "") -> Time:
    """The time of day; what is not one on a clock, or could be two, is a fault."""
    typed, before = match["said"], f"{day} " if day else ""
    if typed.lower().endswith("noon"):
        return Time(12)
    if match["word"]:
        forms = _suggest(here, f"{day or 'tomorrow'} 00:00", f"{day or 'today'} 23:59")
        raise TimeFault(time_faults.MIDNIGHT, forms)
    hour, minute, half = match["hour"], match["minute"], match["half"]
    if minute is None and half is None:
        raise _half_missing(hour, before, here)
    if minute is not None and len(minute) != 2:  # noqa: PLR2004 - minutes are written with two digits
        raise TimeFault(time_faults.one_digit_of_minutes(typed, int(hour)))
    if half and int(hour) not in _HALF_DAY:
        of_24 = f"{before}{hour}:{minute or '00'}"
        raise TimeFault(time_faults.no_half_of_a_day(typed), _suggest(here, of_24))
    hours = int(hour) % 12 + (12 if half in "pP" else 0) if half else int(hour)
    try:
        return Time(hours, int(minute or 0), int(match["second"] or 0))
    except ValueError:
        raise TimeFault(time_faults.not_on_a_clock(typed)) from None


def _half_missing(hour: str, before: str, here: ZonedDateTime | None) -> TimeFault:
    """The fault of an hour alone: morning or evening? Of three or four digits: where is the colon?"""
    if len(hour) > 2:  # noqa: PLR2004 - an hour has two digits
        return TimeFault(time_faults.no_colon(hour), _suggest(here, f"{before}{hour[:-2]}:{hour[-2:]}"))
    if int(hour) in _HALF_DAY:
        forms = _suggest(here, f"{before}{hour} am", f"{before}{hour} pm")
        return TimeFault(time_faults.morning_or_evening(hour), forms)
    return TimeFault(time_faults.alone(hour), _suggest(here, f"{before}{hour}:00"))


def _in_zone(at: PlainDateTime, here: ZonedDateTime) -> Instant:
    """The instant at which clocks in the zone show ``at``: never one of two, never one they skip."""
    zone = here.tz_id or ""  # `read` gave it a name
    clock = at.time().format_iso(unit="minute")
    try:
        return at.assume_tz(zone, disambiguation="raise").to_instant()
    except SkippedTime:
        around = at.assume_tz(zone, disambiguation="earlier"), at.assume_tz(zone, disambiguation="later")
        forms = tuple(t.to_plain().format_iso(unit="minute", sep=" ") for t in around)
        raise TimeFault(time_faults.skipped(clock), forms) from None
    except RepeatedTime:
        both = at.assume_tz(zone, disambiguation="earlier"), at.assume_tz(zone, disambiguation="later")
        forms = tuple(t.to_fixed_offset().format_iso(unit="minute") for t in both)
        raise TimeFault(time_faults.twice(clock), forms) from None


def _suggest(here: ZonedDateTime | None, *texts: str) -> tuple[str, ...]:
    """Of these texts those that would be read; for one that would not, what its own fault suggests first."""
    if here is None:
        return texts
    readable: list[str] = []
    for text in texts:
        try:
            _read(text, here)
        except TimeFault as fault:
            readable += fault.suggestions[:1]
        else:
            readable.append(text)
    return tuple(dict.fromkeys(readable))


def _which_date(numeric: str, of_day: str, here: ZonedDateTime) -> TimeFault:
    """The fault of a date in digits: day first or month first differs from country to country."""
    first, second, *more = (int(part) for part in re.split(r"[/.-]", numeric))
    year = more[0] + 2000 * (more[0] < 100) if more else None  # noqa: PLR2004 - a year of two digits
    if first > 31:  # noqa: PLR2004 - no day of a month: the year stands first
        return TimeFault(time_faults.no_date(numeric))
    readings = []
    for month, day in (second, first), (first, second):
        try:
            Date(year or 2024, month, day)  # a leap year: 29 Feb exists in some
        except ValueError:
            continue
        written = f"{day} {MONTHS[month - 1].title()} {year or ''} {of_day}"
        readings.append(" ".join(written.split()))
    ways = tuple(dict.fromkeys(readings))
    forms = _suggest(here, *ways) if of_day else ways
    return TimeFault(time_faults.digits(numeric, ways=len(ways)), forms)


def _unreadable(typed: str, here: ZonedDateTime) -> TimeFault:
    """The fault of words outside the grammar, with the nearest text inside it, if there is one."""
    if zone := _ZONE.search(typed):
        return TimeFault(time_faults.zone_beside(here.tz_id, zone[0]))
    corrected = re.sub(r"[^\W\d_]+", lambda word: _nearest(word[0]), typed)
    nearest = _suggest(here, corrected) if corrected != typed else ()
    return TimeFault(time_faults.no_time(typed), nearest)


def _nearest(word: str) -> str:
    return next(iter(get_close_matches(word.lower(), _WORDS, n=1, cutoff=_NEARLY)), word)

"""Reads times as people type them, by a small closed grammar and in the user's own time zone.

    9:30 · 9.30 pm · 9 pm · 1430 hrs · noon         today, if it has not passed
    today | tomorrow | tonight | day after tomorrow | in 2 days | Mon | next Mon | 5 Dec | Dec 5 2026
        | 2026-12-05, with one of the above before or after it, and with morning, afternoon, evening or night
    9:30 UTC · 9:30 +05:30 · 9:30 Asia/Kolkata · 9:30 IST where that is the user's own
    2026-12-05T10:00, also with Z or an offset · in 20 min · in 2h30m · in 1.5 hours · now

Nothing outside the grammar is guessed. A text with two meanings is an `InvalidTimeError` that offers both.
Reading takes a bounded number of steps, whatever is typed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from whenever import (
    Date,
    Instant,
    OffsetDateTime,
    PlainDateTime,
    Time,
    TimeDelta,
    TimeZoneNotFoundError,
)

from bot.parsing import time_of_day, typed_zones
from bot.parsing.time_grammar import (
    CLOCK,
    MONTHS,
    WEEKDAYS,
    InvalidTimeError,
    TimeParts,
    days_off,
    from_now,
    is_doubtful_offset,
    limited,
    nearly,
    split_time,
    stem,
)
from bot.parsing.typed_zones import TypedZone
from bot.policy import timezones
from bot.text import clocks, time_errors

__all__ = ["InvalidTimeError", "Moment", "Reading", "clock", "read"]

Reading = Literal["now", "relative", "clock", "day", "weekday", "date", "offset"]

_LONG_AGO_IN_DAYS: Final = 183
"""A past date without a year means next year. If next year's date is further off than this, it is a
mistake."""
_DEEPEST: Final = 2
"""Steps from the typed text to a suggestion: "9" is 9 am, and if that has passed, tomorrow's 9 am."""
_SOON_IN_DAYS: Final = 3
"""Some people call a weekday this near "this" one, and that of the week after it "next"."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that was read: the instant (aware, UTC), the form of the grammar, and the words.

    The form is ``offset`` for any time whose zone or offset was typed.
    """

    at: datetime
    reading: Reading
    text: str


class _PassedError(InvalidTimeError):
    """A time that has passed."""


def read(text: str, *, zone: str, now: datetime) -> Moment:
    """Read a time typed at ``now`` (aware) by a user in the time zone ``zone``.

    ``zone`` is an IANA name, an offset such as ``+05:30``, or empty if unknown. If it is empty, only times
    that need no zone or name their own are read. Raises `InvalidTimeError`, nothing else.
    """
    typed = limited(text)
    reading, at = _Reader.of(zone, Instant(now)).read(typed)
    return Moment(at.to_stdlib(), reading, typed)


def clock(text: str) -> str:
    """Read a time of day as ``HH:MM`` on the 24-hour clock. Raises `InvalidTimeError`."""
    typed = limited(text)
    match = CLOCK.fullmatch(typed)
    if not match or match["said"].lower() == "midnight":
        raise InvalidTimeError(time_errors.no_time_of_day(typed))
    read = time_of_day.read(match, TimeParts(typed, clock=match), lambda *forms: forms)
    return read.format_iso(unit="minute")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads times for one user at one instant. ``here`` is the user's local time, None if it is unknown.

    ``depth`` counts the suggestions that led to this text, so that suggestions of suggestions end.
    """

    zone: str
    now: Instant
    here: OffsetDateTime | None
    depth: int = 0

    @classmethod
    def of(cls, zone: str, now: Instant) -> "_Reader":
        try:
            return cls(zone, now, clocks.local(now, zone))
        except TimeZoneNotFoundError:
            return cls(zone, now, None)

    def read(self, typed: str) -> tuple[Reading, Instant]:
        """Read a future time. Raises `InvalidTimeError`."""
        reading, at = self._read(typed)
        if reading != "now" and at <= self.now:
            raise _PassedError(time_errors.has_passed(typed))
        if at > self.now.to_tz(timezones.UTC).add(years=1).to_instant():
            raise InvalidTimeError(time_errors.too_far_ahead(typed))
        return reading, at

    def _read(self, typed: str) -> tuple[Reading, Instant]:
        if not typed:
            raise InvalidTimeError(time_errors.MISSING)
        if typed.lower() == "now":
            return "now", self.now
        if (milliseconds := from_now(typed)) is not None:
            if not milliseconds:
                raise InvalidTimeError(time_errors.no_time_from_now(typed), ("now", "in 20 min"))
            return "relative", self.now + TimeDelta(milliseconds=milliseconds)
        parts = split_time(typed)
        if parts is None or not (parts.day or parts.clock):
            raise self._unreadable(typed)
        named = self._typed_zone(parts)
        if parts.day and parts.day["numeric"]:
            raise self._which_date(parts.day["numeric"], parts)
        if parts.clock is None:
            example = parts.say(clock=time_of_day.EXAMPLES.get(parts.part_of_day or "", "10:00"))
            raise InvalidTimeError(time_errors.day_alone(typed), self._suggest(example))
        return self._moment(parts, time_of_day.read(parts.clock, parts, self._suggest), named)

    def _moment(self, parts: TimeParts, time: Time, named: TypedZone | None) -> tuple[Reading, Instant]:
        """Return the instant on the user's current day, or on the current day in the typed zone.

        Raises an `InvalidTimeError` that offers both if they differ.
        """
        zone = (named and named.zone) or self.zone
        if named and named.zone:
            todays = [clocks.local(self.now, zone).date()]
            todays += [self.here.date()] if self.here else []
        elif self.here:
            todays = [self.here.date()]
        elif named:
            raise self._which_zone(named, parts)
        else:
            unknown = time_errors.own_zone_unknown(self.zone) if self.zone else time_errors.OWN_ZONE_MISSING
            raise InvalidTimeError(unknown)
        found: dict[Instant, tuple[Reading, Date]] = {}
        passed: list[_PassedError] = []
        for today in dict.fromkeys(todays):
            try:
                reading, date = self._date(parts, time, zone, today)
                found.setdefault(self._in_zone(date.at(time), zone, named, parts), (reading, date))
            except _PassedError as fault:
                passed.append(fault)
        if not found:
            raise passed[0]
        if len(found) > 1:
            forms = [parts.say(day=date.format_iso()) for _, date in found.values()]
            raise InvalidTimeError(time_errors.which_day(parts.typed), self._suggest(*sorted(forms)))
        [(at, (reading, _))] = found.items()
        return "offset" if named and named.zone else reading, at

    def _typed_zone(self, parts: TimeParts) -> TypedZone | None:
        """Return the zone that was typed beside the time, or None. Raises `InvalidTimeError`."""
        if parts.zone is None:
            return None
        try:
            named = typed_zones.read(parts.zone, self._own, self.now)
        except timezones.InvalidZoneError as fault:
            if parts.zone["sign"]:
                raise InvalidTimeError(time_errors.no_such_instant(parts.typed)) from None
            if fault.suggestion is None:
                raise self._unreadable(parts.typed) from None
            mended = self._suggest(parts.say(zone=fault.suggestion))
            raise InvalidTimeError(time_errors.no_zone(parts.zone["said"]), mended) from None
        if named is None:
            raise self._unreadable(parts.typed)
        if is_doubtful_offset(parts):
            form = parts.say(zone=f"UTC{parts.zone['said']}")
            raise InvalidTimeError(time_errors.doubtful_offset(parts.zone["said"]), self._suggest(form))
        return named

    @property
    def _own(self) -> str | None:
        """The IANA name of the user's zone, None if it is unknown or an offset."""
        return None if self.here is None or clocks.is_offset(self.zone) else timezones.canonical(self.zone)

    def _which_zone(self, named: TypedZone, parts: TimeParts) -> InvalidTimeError:
        """Return the error of an abbreviation that several zones have."""
        meant = typed_zones.places(named.abbreviation or "", self._own, self.now)
        instants: dict[Instant, str] = {}
        for form in self._suggest(*(parts.say(zone=zone) for zone in meant)):
            instants.setdefault(self.read(form)[1], form)
        return InvalidTimeError(time_errors.which_zone(named.text), tuple(instants.values()))

    def _date(self, parts: TimeParts, time: Time, zone: str, today: Date) -> tuple[Reading, Date]:
        """Return the first day that was meant on which the time is still to come.

        Raises `InvalidTimeError`.
        """
        day = parts.day
        date = today
        for date in self._dates(parts, today):
            if clocks.instants(date.at(time), zone)[-1] > self.now:
                break
        else:
            raise self._passed(parts, date, today)
        if day is None:
            return "clock", date
        if day["weekday"]:
            return "weekday", date
        if not (day["iso"] or day["month"] or day["month_first"]):
            return "day", date
        self._check_date(date, day, parts, today)
        return "date", date

    def _dates(self, parts: TimeParts, today: Date) -> Iterator[Date]:
        """Yield the dates that a day's words can stand for, soonest first."""
        day = parts.day
        if day is None or day["tonight"]:
            yield today
        elif day["word"]:
            yield today.add(days=days_off(day))
        elif day["ahead"]:
            amount = 1 if day["ahead"][0] in "aA" else int(day["ahead"])
            yield today.add(days=amount * (7 if day["unit"][0] in "wW" else 1))
        elif day["weekday"]:
            yield from self._weekdays(day, parts, today)
        elif day["iso"]:
            year, month, number = map(int, day["iso"].split("-"))
            yield _calendar_date(year, month, number, today, day)
        else:
            month = MONTHS.index(stem(day["month"] or day["month_first"])) + 1
            number = int(day["day"] or day["day_last"])
            if day["year"]:
                yield _calendar_date(int(day["year"]), month, number, today, day)
            else:
                yield from (
                    _calendar_date(year, month, number, today, day) for year in (today.year, today.year + 1)
                )

    def _weekdays(self, day: re.Match[str], parts: TimeParts, today: Date) -> Iterator[Date]:
        """Yield the dates that a weekday can stand for.

        Raises `InvalidTimeError` for a "next" that can mean two dates.
        """
        said, which = WEEKDAYS.index(stem(day["weekday"])), (day["which"] or "").lower()
        ahead = (said + 1 - today.day_of_week().value) % 7
        if which == "last":
            yield today.subtract(days=7 - ahead)
        elif which == "next":
            meant = sorted(_next_weekdays(said, today))
            if len(meant) > 1:
                name = WEEKDAYS[said].title()
                days = (f"{name} {_written(date)}" for date in meant)
                raise InvalidTimeError(
                    time_errors.which_week(day["said"]), self._suggest(*(parts.say(day=one) for one in days))
                )
            yield meant[0]
        else:
            yield today.add(days=ahead)
            if not which:
                yield today.add(days=ahead + 7)

    def _passed(self, parts: TimeParts, date: Date, today: Date) -> _PassedError:
        """Return the error of a time that has passed, with the nearest future time."""
        if parts.day is None:
            return _PassedError(
                time_errors.has_passed_today(parts.typed), self._suggest(parts.say(day="tomorrow"))
            )
        nearest: tuple[str, ...] = ()
        if parts.day["which"]:
            nearest = self._suggest(parts.say(day=parts.day["weekday"]))
        elif parts.day["word"] or parts.day["tonight"]:
            nearest = self._suggest(parts.say(day="today" if date < today else "tomorrow"))
        return _PassedError(time_errors.has_passed(parts.typed), nearest)

    def _check_date(self, date: Date, day: re.Match[str], parts: TimeParts, today: Date) -> None:
        """Raise for a date that looks like a mistake: long past without a year, or on another weekday."""
        written = f"{_written(date)} {date.year}"
        without_year = not (day["year"] or day["iso"])
        if without_year and date.year > today.year and today.add(days=_LONG_AGO_IN_DAYS) < date:
            message = time_errors.has_passed_this_year(day["said"])
            raise InvalidTimeError(message, self._suggest(parts.say(day=written)))
        said, falls_on = day["weekday_of_date"], WEEKDAYS[date.day_of_week().value - 1]
        if said and stem(said) != falls_on:
            message = time_errors.other_weekday(written, falls_on.title(), said.title())
            raise InvalidTimeError(message, self._suggest(parts.say(day=written), parts.say(day=said)))

    def _in_zone(self, at: PlainDateTime, zone: str, named: TypedZone | None, parts: TimeParts) -> Instant:
        """Return the instant at which clocks in the zone show ``at``. Raises if there are two, or none."""
        instants = clocks.instants(at, zone)
        shown = at.time().format_iso(unit="minute")
        local = [clocks.local(one, zone) for one in instants]
        if local[0].to_plain() != at:
            to_come = [one for one in local if one.to_instant() > self.now]
            if named:
                forms = tuple(one.format_iso(unit="minute") for one in to_come)
            else:
                forms = tuple(one.to_plain().format_iso(unit="minute", sep=" ") for one in to_come)
            raise InvalidTimeError(time_errors.skipped(shown), forms)
        if named and named.abbreviation:
            instants = tuple(
                one for one in instants if typed_zones.has_it(one, self._own or zone, named.abbreviation)
            )
            if not instants:
                raise self._which_zone(named, parts)
        if len(instants) > 1:
            forms = tuple(one.format_iso(unit="minute") for one in local if one.to_instant() > self.now)
            raise InvalidTimeError(time_errors.twice(shown), forms)
        return instants[0]

    def _suggest(self, *texts: str) -> tuple[str, ...]:
        """Return the texts that can be read. Replace any other by the first suggestion of its error."""
        if self.depth == _DEEPEST:
            return ()
        reader = replace(self, depth=self.depth + 1)
        readable: list[str] = []
        for text in texts:
            try:
                reader.read(text)
            except InvalidTimeError as fault:
                readable += fault.suggestions[:1]
            else:
                readable.append(text)
        return tuple(dict.fromkeys(readable))

    def _which_date(self, numeric: str, parts: TimeParts) -> InvalidTimeError:
        """Return the error of a date in digits, as countries differ in the order of day and month."""
        first, second, *more = (int(part) for part in re.split(r"[/.-]", numeric.rstrip(".")))
        if first > 31:  # noqa: PLR2004 - no day of a month: the year stands first, the month behind it
            iso = f"{first:04}-{second:02}-{more[0]:02}" if more else ""
            return InvalidTimeError(
                time_errors.no_date(numeric), self._suggest(parts.say(day=iso)) if more else ()
            )
        year = more[0] + 2000 * (more[0] < 100) if more else None  # noqa: PLR2004 - a year of two digits
        readings = []
        for month, day in (second, first), (first, second):
            try:
                date = Date(year or 2024, month, day)  # a leap year: 29 Feb exists in some
            except ValueError:
                continue
            readings.append(parts.say(day=" ".join(filter(None, [_written(date), str(year or "")]))))
        ways = tuple(dict.fromkeys(readings))
        forms = self._suggest(*ways) if parts.clock else ways
        return InvalidTimeError(time_errors.digits(numeric, ways=len(ways)), forms)

    def _unreadable(self, typed: str) -> InvalidTimeError:
        """Return the error of words outside the grammar, with the most similar text inside it, if any."""
        if self.depth:
            return InvalidTimeError(time_errors.no_time(typed))
        return InvalidTimeError(time_errors.no_time(typed), self._suggest(*nearly(typed))[:1])


def _next_weekdays(weekday: int, today: Date) -> set[Date]:
    """Return the dates that "next" and a weekday can mean, as weeks begin on Monday or on Sunday."""
    day = today.day_of_week().value - 1
    coming = (weekday - day - 1) % 7 + 1
    ahead = {coming, 7 - day + weekday, 7 - (day + 1) % 7 + (weekday + 1) % 7}
    ahead |= {coming + 7} if coming <= _SOON_IN_DAYS else set()
    return {today.add(days=days) for days in ahead}


def _calendar_date(year: int, month: int, number: int, today: Date, day: re.Match[str]) -> Date:
    if year > today.year + 1:
        raise InvalidTimeError(time_errors.too_far_ahead(day["said"]))
    if year < today.year - 1:
        raise _PassedError(time_errors.has_passed(day["said"]))
    try:
        return Date(year, month, number)
    except ValueError:
        raise InvalidTimeError(time_errors.no_such_date(day["said"], year)) from None


def _written(date: Date) -> str:
    return f"{date.day} {MONTHS[date.month - 1].title()}"

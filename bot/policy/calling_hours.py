"""Decides whether a call may go out by the recipient's local time.

The calling hours of countries are data in `hours.toml`. They apply only if a rule or a connection sets them.
If a number may be in time zones more than an hour apart, the user is asked for the zone. If its zones are
within an hour of each other, the hours must allow the call in all of them. The answer must be one of the
number's own zones.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from bot.policy import timezones
from bot.text import do_not_call
from providers.actions import PlaceCall
from providers.phone import Phone

RECIPIENT: Final = "recipient"
"""A setting in place of a country: the recipient's country."""
TOO_FAR_APART: Final = timedelta(hours=1)
"""Zones further apart than this are not treated as one."""
EVERY_DAY: Final = frozenset(range(7))
DAY_MINUTES: Final = 24 * 60
_LOOKED_AHEAD: Final = 8
"""Days: each day of the week, and the first one again."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span in which calls may go out, in minutes since midnight, and its days (Monday is 0)."""

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """The windows in which calls may go out. ``source`` names their origin, empty if there is none."""

    windows: tuple[Window, ...]
    source: str = ""

    def open_at(self, local: datetime) -> bool:
        """Return whether a call may go out at a local time of the recipient."""
        return self._window(local) is not None

    def are_kept(self, start: datetime, end: datetime) -> bool:
        """Return whether calls may go out throughout a span of the recipient's local time, on one day."""
        window = self._window(start)
        last = end.hour * 60 + end.minute
        return window is not None and start.date() == end.date() and start <= end and last <= window.end

    def starts(self, after: datetime) -> Iterator[datetime]:
        """Yield the starts of windows after a local time of the recipient, each an aware time."""
        for ahead in range(_LOOKED_AHEAD):
            day = after.date() + timedelta(days=ahead)
            for window in sorted(self.windows, key=lambda one: one.start):
                if day.weekday() in window.days:
                    hour, minute = divmod(window.start, 60)
                    start = datetime.combine(day, time(hour, minute), after.tzinfo)
                    if start > after:
                        yield start

    def words(self) -> str:
        """Return the windows as text for people."""
        return do_not_call.windows([(one.days, one.start, one.end) for one in self.windows])

    def _window(self, local: datetime) -> Window | None:
        minute = local.hour * 60 + local.minute
        return next(
            (one for one in self.windows if local.weekday() in one.days and one.start <= minute < one.end),
            None,
        )


@dataclass(frozen=True, slots=True)
class Closed:
    """The reason why a call may not go out, and the next time (aware) at which it may, None if there is none.

    ``field`` is the field of the command that can be changed to allow the call.
    """

    field: str
    message: str
    then: datetime | None = None
    suggestion: str | None = None
    """The zone to enter instead, if only one is possible."""


def other_zone(phone: Phone, zone: str) -> Closed | None:
    """Return why a number cannot be in a zone, or None.

    A number of no country has no zones of its own, and may be in any.
    """
    own, said = timezones.canonical_zones(phone.time_zones), timezones.canonical(zone)
    if not own or said in own:
        return None
    return Closed("zone", do_not_call.other_zone(said, own), suggestion=own[0] if len(own) == 1 else None)


def keeps(
    hours: Hours,
    call: PlaceCall,
    phone: Phone,
    *,
    zone: str | None,
    now: datetime,
    connection_zone: str | None,
) -> Closed | None:
    """Return why a call may not go out at its time, None if it may.

    ``zone`` is the recipient's zone as a user entered it. ``connection_zone`` is the zone of the call's
    earliest and latest time of day.
    """
    if zone and (other := other_zone(phone, zone)):
        return other
    at = call.at or now
    candidates = (timezones.canonical(zone),) if zone else timezones.canonical_zones(phone.time_zones)
    if not candidates or timezones.spread(candidates, at) > TOO_FAR_APART:
        asked = do_not_call.several_zones(candidates) if candidates else do_not_call.NO_ZONE
        return Closed("zone", asked)
    for one in candidates:
        local = at.astimezone(ZoneInfo(one))
        if not hours.open_at(local):
            then = _next(hours, candidates, at)
            where = timezones.place(one, region=phone.region, country=phone.country)
            minute = local.hour * 60 + local.minute
            if call.at is None:
                return Closed("at", do_not_call.closed_now(minute, where, hours.words()), then)
            later = do_not_call.closed_then(local.weekday(), minute, where, hours.words())
            return Closed("at", later, then)
    return _retries(hours, call, candidates, at, connection_zone)


def _next(hours: Hours, candidates: Sequence[str], at: datetime) -> datetime | None:
    """Return the next time at which the hours of all the zones allow a call, None if there is none."""
    starts = sorted(start for one in candidates for start in hours.starts(at.astimezone(ZoneInfo(one))))
    return next(
        (
            start
            for start in starts
            if all(hours.open_at(start.astimezone(ZoneInfo(one))) for one in candidates)
        ),
        None,
    )


def _retries(
    hours: Hours, call: PlaceCall, candidates: Sequence[str], at: datetime, connection_zone: str | None
) -> Closed | None:
    """Return why retries may go out outside the hours, None if they cannot.

    A provider limits retries only by the earliest and latest time of day, in the connection's zone.
    """
    if not (call.retries or call.carry_over or call.earliest or call.latest):
        return None
    if connection_zone is None:
        return Closed("retries", do_not_call.RETRIES_UNBOUND) if call.retries else None
    here = ZoneInfo(connection_zone)
    day = at.astimezone(here).date()
    span = [
        datetime.combine(day, time.fromisoformat(text), here)
        for text in (call.earliest or "00:00", call.latest or "23:59")
    ]
    inside = all(hours.are_kept(*(one.astimezone(ZoneInfo(zone)) for one in span)) for zone in candidates)
    every_day = not call.carry_over or all(any(day in w.days for w in hours.windows) for day in EVERY_DAY)
    if inside and every_day:
        return None
    if not every_day:
        return Closed("carry_over", do_not_call.NEXT_DAY_UNSURE)
    field = "latest" if call.latest or not call.earliest else "earliest"
    if fitting := _fitting(hours, candidates, at, here):
        return Closed(field, do_not_call.retries_within(hours.words(), *fitting, connection_zone))
    return Closed(field, do_not_call.retries_outside(hours.words()))


def _fitting(hours: Hours, candidates: Sequence[str], at: datetime, here: ZoneInfo) -> tuple[str, str] | None:
    """Return the span of the connection's local time in which every zone's hours allow calls on that day.

    Return None if there is no such span within one day.
    """
    starts, ends = [], []
    for zone in candidates:
        local = at.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        found = next(w for w in hours.windows if local.weekday() in w.days and w.start <= minute < w.end)
        midnight = datetime.combine(local.date(), time(), local.tzinfo)
        starts.append((midnight + timedelta(minutes=found.start)).astimezone(here))
        ends.append((midnight + timedelta(minutes=found.end)).astimezone(here))
    start, end = max(starts), min(ends)
    return (f"{start:%H:%M}", f"{end:%H:%M}") if start.date() == end.date() and start < end else None


_CLOCK: Final = re.compile(r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])")

_DAYS: Final = do_not_call.DAYS
"""The names of the days in the file, the same as in messages."""


def clock_minutes(text: object) -> int:
    """Return the minutes since midnight of ``9:00`` or ``24:00``. Raises `ValueError`."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    minutes = int(match["hour"]) * 60 + int(match["minute"]) if match else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError('write an hour and minutes, such as "9:00"')
    return minutes


def days_of(text: object) -> frozenset[int]:
    """Return the days of ``all``, ``Mon-Fri`` or ``Mon, Wed, Sat``. Raises `ValueError`."""
    if text == "all":
        return EVERY_DAY
    found: set[int] = set()
    for part in text.split(",") if isinstance(text, str) else []:
        first, _, last = (one.strip().capitalize() for one in part.partition("-"))
        if first not in _DAYS or (last and last not in _DAYS):
            break
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        found |= {day % len(_DAYS) for day in range(start, end + 1 if end >= start else end + 1 + len(_DAYS))}
    else:
        if found:
            return frozenset(found)
    raise ValueError('write days as "all", "Mon-Fri" or "Mon, Wed"')


def window(table: Mapping[str, object]) -> Window:
    """Return a window from a table of ``from``, ``until`` and ``days``. Raises `ValueError`."""
    if strange := table.keys() - {"from", "until", "days"}:
        raise ValueError(f"there is no key {', '.join(sorted(strange))}: write from, until and days")
    made = Window(
        days_of(table.get("days", "all")), clock_minutes(table.get("from")), clock_minutes(table.get("until"))
    )
    if made.start >= made.end:
        raise ValueError("from comes before until: hours do not go on past midnight")
    return made


def setting(value: object) -> str | Hours:
    """Return configured hours: a country, ``recipient``, or their own windows. Raises `ValueError`."""
    match value:
        case Hours():
            return value
        case str() if value == RECIPIENT or re.fullmatch(r"[A-Z]{2}", value):
            return value
        case dict():
            return Hours((window(value),))
        case list() if value and all(isinstance(one, dict) for one in value):
            return Hours(tuple(map(window, value)))
        case _:
            raise ValueError('write a country ("IN"), "recipient", or { from = "9:00", until = "21:00" }')


@cache
def known() -> Mapping[str, Hours]:
    """Return the hours of countries (ISO 3166-1 alpha-2) that come with CallOps."""
    data = tomllib.loads(files("bot.policy").joinpath("hours.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            country: Hours(
                tuple(map(window, table["windows"])), f"{table['source']} ({table['url']}, {table['read']})"
            )
            for country, table in data.items()
        }
    )

"""Calling hours: when a call may go out by the clock of whoever is called. Pure.

The hours of countries are data (`hours.toml`), which `callops.toml` can add to and override. They are kept
only where a rule or a connection says so. A number that may be in zones more than an hour apart is asked
about, never guessed; within an hour of each other, every zone's hours must allow the call.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from bot import zones
from bot.words import listed
from providers.actions import PlaceCall
from providers.phone import Phone

RECIPIENT: Final = "recipient"
"""In place of a country: that of whoever is called."""
TOO_FAR_APART: Final = timedelta(hours=1)
"""Zones further apart than this are not treated as one."""
NAMED: Final = 6
"""So many zones are named in a sentence; the form lists them all."""
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EVERY_DAY: Final = frozenset(range(7))
_DAY_MINUTES: Final = 24 * 60
_LOOKED_AHEAD: Final = 8
"""Days: each day of the week, and the same day again."""
_CLOCK: Final = re.compile(r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when calls may go out, in minutes since midnight, on some days (Monday is 0)."""

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When calls may go out. ``source`` says what that was read from, where it was."""

    windows: tuple[Window, ...]
    source: str = ""

    def open_at(self, local: datetime) -> bool:
        """Whether a call may go out at a time of the recipient's clock."""
        return self._window(local) is not None

    def hold(self, start: datetime, end: datetime) -> bool:
        """Whether calls may go out all the time between two of the recipient's clock, of the same day."""
        window = self._window(start)
        last = end.hour * 60 + end.minute
        return window is not None and start.date() == end.date() and start <= end and last <= window.end

    def starts(self, after: datetime) -> Iterator[datetime]:
        """When calls may go out again after a time of the recipient's clock, each start of a window."""
        for ahead in range(_LOOKED_AHEAD):
            day = after.date() + timedelta(days=ahead)
            for window in sorted(self.windows, key=lambda one: one.start):
                if day.weekday() in window.days:
                    hour, minute = divmod(window.start, 60)
                    start = datetime.combine(day, time(hour, minute), after.tzinfo)
                    if start > after:
                        yield start

    def words(self) -> str:
        """When calls may go out."""
        if all(window.days == _EVERY_DAY for window in self.windows):
            return _spans(self.windows)
        groups: dict[tuple[int, ...], list[Window]] = {}
        for weekday in range(len(_DAYS)):
            key = tuple(n for n, window in enumerate(self.windows) if weekday in window.days)
            if key:
                groups.setdefault(key, [self.windows[n] for n in key])
        said = []
        for key, windows in groups.items():
            days = [d for d in range(len(_DAYS)) if key == self._on(d)]
            said.append(f"{_days(days)} {_spans(windows)}")
        return listed(said, "and")

    def _on(self, weekday: int) -> tuple[int, ...]:
        return tuple(n for n, window in enumerate(self.windows) if weekday in window.days)

    def _window(self, local: datetime) -> Window | None:
        minute = local.hour * 60 + local.minute
        return next(
            (one for one in self.windows if local.weekday() in one.days and one.start <= minute < one.end),
            None,
        )


@dataclass(frozen=True, slots=True)
class Closed:
    """A call may not go out: why, by the field that can mend it, and when it may (aware), if that is so."""

    field: str
    message: str
    then: datetime | None = None


def clock_minutes(text: object) -> int:
    """Minutes since midnight of ``9:00`` or ``24:00``. Raises `ValueError`."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    minutes = int(match["hour"]) * 60 + int(match["minute"]) if match else _DAY_MINUTES + 1
    if minutes > _DAY_MINUTES:
        raise ValueError('write an hour and minutes, such as "9:00"')
    return minutes


def days_of(text: object) -> frozenset[int]:
    """The days of ``all``, ``Mon-Fri`` or ``Mon, Wed, Sat``. Raises `ValueError`."""
    if text == "all":
        return _EVERY_DAY
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
    """A window from a table of ``from``, ``until`` and ``days``. Raises `ValueError`."""
    if strange := table.keys() - {"from", "until", "days"}:
        raise ValueError(f"there is no key {', '.join(sorted(strange))}: write from, until and days")
    made = Window(
        days_of(table.get("days", "all")), clock_minutes(table.get("from")), clock_minutes(table.get("until"))
    )
    if made.start >= made.end:
        raise ValueError("from comes before until: hours do not go on past midnight")
    return made


def setting(value: object) -> str | Hours:
    """Hours as they are configured: a country, ``recipient``, or their own windows. Raises `ValueError`."""
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
    """The hours of countries (ISO 3166-1 alpha-2) that CallOps comes with."""
    data = tomllib.loads(files("bot").joinpath("hours.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            country: Hours(
                tuple(map(window, table["windows"])), f"{table['source']} ({table['url']}, {table['read']})"
            )
            for country, table in data.items()
        }
    )


def keeps(
    hours: Hours,
    call: PlaceCall,
    phone: Phone,
    *,
    zone: str | None,
    now: datetime,
    connection_zone: str | None,
) -> Closed | None:
    """Why a call may not go out when it should, or None.

    ``zone`` is the recipient's as somebody said it; ``connection_zone`` that of the call's times of day.
    """
    at = call.at or now
    candidates = (zones.canonical(zone),) if zone else zones.canonical_zones(phone.time_zones)
    if not candidates or zones.spread(candidates, at) > TOO_FAR_APART:
        return Closed("zone", _which(candidates))
    for one in candidates:
        local = at.astimezone(ZoneInfo(one))
        if not hours.open_at(local):
            then = _next(hours, candidates, at)
            where = zones.place(one, region=phone.region, country=phone.country)
            return Closed("at", _closed(hours, local, where, later=call.at is not None), then)
    return _retries(hours, call, candidates, at, connection_zone)


def _next(hours: Hours, candidates: Sequence[str], at: datetime) -> datetime | None:
    """When all the zones' hours allow a call the next time."""
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
    """Whether what may ring again keeps the hours, too; the provider knows only times of day of its own."""
    if not (call.retries or call.carry_over or call.earliest or call.latest):
        return None
    if connection_zone is None:
        return (
            None
            if not call.retries
            else Closed("retries", "Retries could go out after hours. Leave retries= out.")
        )
    here = ZoneInfo(connection_zone)
    day = at.astimezone(here).date()
    span = [
        datetime.combine(day, time.fromisoformat(text), here)
        for text in (call.earliest or "00:00", call.latest or "23:59")
    ]
    inside = all(hours.hold(*(one.astimezone(ZoneInfo(zone)) for one in span)) for zone in candidates)
    every_day = not call.carry_over or all(any(d in w.days for w in hours.windows) for d in range(len(_DAYS)))
    if inside and every_day:
        return None
    if not every_day:
        return Closed("carry_over", "The next day may be one without calling hours. Leave carry-over out.")
    field = "latest" if call.latest or not call.earliest else "earliest"
    message = f"Retries must keep the calling hours: {hours.words()}."
    if fitting := _fitting(hours, candidates, at, here):
        return Closed(
            field,
            f"{message} Add from={fitting[0]} until={fitting[1]}, by the clock of {connection_zone}.",
        )
    return Closed(field, f"{message} Leave retries=, from= and until= out.")


def _fitting(hours: Hours, candidates: Sequence[str], at: datetime, here: ZoneInfo) -> tuple[str, str] | None:
    """The times of day, by the connection's clock, between which every zone's hours hold on that day."""
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


def _closed(hours: Hours, local: datetime, where: str, *, later: bool) -> str:
    now = f"It is then {_DAYS[local.weekday()]} {_clock(local)}" if later else f"It is {_clock(local)}"
    return f"{now} in {where}. Calls there may go out {hours.words()}."


def _which(candidates: Sequence[str]) -> str:
    if not candidates:
        return "Nothing tells the time zone of this number. Add zone=, like zone=America/Chicago."
    named = ", ".join(candidates[:NAMED])
    more = f" and {len(candidates) - NAMED} more" if len(candidates) > NAMED else ""
    several = f"This number may be in {len(candidates)} time zones: {named}{more}."
    return f"{several} Add zone=, like zone={candidates[0]}."


def _clock(at: datetime) -> str:
    return _shown(at.hour * 60 + at.minute)


def _shown(minutes: int) -> str:
    hour, minute = divmod(minutes % _DAY_MINUTES, 60)
    return f"{hour % 12 or 12}:{minute:02} {'PM' if hour >= 12 else 'AM'}"  # noqa: PLR2004 - noon


def _spans(windows: Iterable[Window]) -> str:
    return listed([f"from {_shown(one.start)} to {_shown(one.end)}" for one in windows], "and")


def _days(days: Sequence[int]) -> str:
    if len(days) > 2 and list(days) == list(range(days[0], days[-1] + 1)):  # noqa: PLR2004 - a range of days
        return f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}"
    return listed([_DAYS[day] for day in days], "and")

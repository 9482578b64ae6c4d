"""Clock times in an IANA zone, or at a UTC offset if the zone is unknown."""

import re
from datetime import datetime

from whenever import Instant, OffsetDateTime, PlainDateTime, TimeDelta, TimeZoneNotFoundError

NOON = 12
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_EASTERNMOST, _WESTERNMOST = 14 * 60, -12 * 60
"""The offsets in use that are furthest from UTC, in minutes (Kiribati, Baker Island)."""


def offset(minutes: int) -> str | None:
    """Return a UTC offset as ``+05:30``, or None if no clock has that offset."""
    if not _WESTERNMOST <= minutes <= _EASTERNMOST:
        return None
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def is_offset(zone: str) -> bool:
    """Return whether a zone is a UTC offset such as ``+05:30``."""
    return _OFFSET.fullmatch(zone) is not None


def local(at: Instant, zone: str) -> OffsetDateTime:
    """Return an instant as a zone's clocks show it. Raises `whenever.TimeZoneNotFoundError`."""
    if is_offset(zone):
        return at.to_fixed_offset(_delta(zone))
    return at.to_tz(zone).to_fixed_offset()


def instants(shown: PlainDateTime, zone: str) -> tuple[Instant, ...]:
    """Return the instants at which a zone's clocks show a time, earliest first.

    There are two if the clocks go back over that time. If they skip the time, the two returned are equally
    far before and after it. Raises `whenever.TimeZoneNotFoundError`.
    """
    if is_offset(zone):
        return (shown.assume_fixed_offset(_delta(zone)).to_instant(),)
    both = (shown.assume_tz(zone, disambiguation=side).to_instant() for side in ("earlier", "later"))
    return tuple(dict.fromkeys(both))


def abbreviation(at: Instant, zone: str) -> str:
    """Return the name of a zone's time at an instant, such as IST, or its offset if it has no name."""
    return zone if is_offset(zone) else at.to_tz(zone).tz_abbrev()


def clock(at: datetime, zone: str, *, now: datetime | None = None) -> str:
    """Return a time for one reader, such as "Mon, 7 Dec, 10:00 AM IST". A year other than now's is added.

    The time is in UTC if the zone is unknown.
    """
    try:
        shown = local(Instant(at), zone).to_stdlib()
    except TimeZoneNotFoundError:
        zone = "UTC"
        shown = local(Instant(at), zone).to_stdlib()
    year = "" if now and local(Instant(now), zone).year == shown.year else f" {shown.year}"
    return f"{shown:%a}, {shown.day} {shown:%b}{year}, {time_of_day(at, zone)}"


def time_of_day(at: datetime, zone: str) -> str:
    """Return a time of day with its zone, such as "10:00 AM IST"."""
    shown, named = local(Instant(at), zone), abbreviation(Instant(at), zone)
    zone_name = named if named[0].isalpha() else f"UTC{named}"
    return f"{shown.hour % 12 or 12}:{shown.minute:02} {'AM' if shown.hour < NOON else 'PM'} {zone_name}"


def _delta(offset: str) -> TimeDelta:
    sign, hours, minutes = offset[0], *offset[1:].split(":")
    size = TimeDelta(hours=int(hours), minutes=int(minutes))
    return -size if sign == "-" else size

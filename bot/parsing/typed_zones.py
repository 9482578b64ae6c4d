"""Reads time zones typed beside a time: an offset, a zone's name, or an abbreviation.

An abbreviation is certain only if the user's own clocks have it at that very time. IST is the time of India,
Israel and Ireland, and EST is not New York's in July.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from whenever import Instant

from bot.policy import timezones
from bot.text import clocks, time_errors

ZONE: Final = re.compile(
    r"""\(?(?P<said>
        (?P<utc>(?:utc|gmt)\s?)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?
      | (?P<name>[a-z][a-z_]+(?:/[a-z0-9_+-]+){1,2})
      | (?P<letters>[a-z]{1,5})
    )\)?(?![^\s,])""",
    re.VERBOSE | re.IGNORECASE,
)

_UTC: Final = frozenset({"utc", "z"})
_GMT: Final = "gmt"

_PLACES: Final = MappingProxyType(
    {
        "acdt": ("Australia/Adelaide",),
        "acst": ("Australia/Adelaide", "Australia/Darwin"),
        "adt": ("America/Halifax",),
        "aedt": ("Australia/Sydney",),
        "aest": ("Australia/Sydney", "Australia/Brisbane"),
        "akdt": ("America/Anchorage",),
        "akst": ("America/Anchorage",),
        "ast": ("America/Halifax", "Asia/Riyadh"),
        "awst": ("Australia/Perth",),
        "bdt": ("Asia/Dhaka",),
        "brt": ("America/Sao_Paulo",),
        "bst": ("Europe/London", "Asia/Dhaka"),
        "cat": ("Africa/Harare",),
        "cdt": ("America/Chicago", "America/Havana"),
        "cest": ("Europe/Paris",),
        "cet": ("Europe/Paris", "Africa/Algiers"),
        "cst": ("America/Chicago", "Asia/Shanghai", "America/Havana"),
        "ct": ("America/Chicago",),
        "eat": ("Africa/Nairobi",),
        "edt": ("America/New_York",),
        "eest": ("Europe/Athens",),
        "eet": ("Europe/Athens",),
        "est": ("America/New_York", "America/Panama"),
        "et": ("America/New_York",),
        _GMT: ("Europe/London", timezones.UTC),
        "gst": ("Asia/Dubai",),
        "hkt": ("Asia/Hong_Kong",),
        "hst": ("Pacific/Honolulu",),
        "idt": ("Asia/Jerusalem",),
        "ist": ("Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"),
        "jst": ("Asia/Tokyo",),
        "kst": ("Asia/Seoul",),
        "mdt": ("America/Denver",),
        "msk": ("Europe/Moscow",),
        "mst": ("America/Denver", "America/Phoenix", "Asia/Kuala_Lumpur"),
        "mt": ("America/Denver",),
        "myt": ("Asia/Kuala_Lumpur",),
        "npt": ("Asia/Kathmandu",),
        "nzdt": ("Pacific/Auckland",),
        "nzst": ("Pacific/Auckland",),
        "pdt": ("America/Los_Angeles",),
        "pkt": ("Asia/Karachi",),
        "pst": ("America/Los_Angeles", "Asia/Manila"),
        "pt": ("America/Los_Angeles",),
        "sast": ("Africa/Johannesburg",),
        "sgt": ("Asia/Singapore",),
        "sst": ("Pacific/Pago_Pago", "Asia/Singapore"),
        "wat": ("Africa/Lagos",),
        "west": ("Europe/Lisbon",),
        "wet": ("Europe/Lisbon",),
        "wib": ("Asia/Jakarta",),
    }
)
"""The best known zones of each abbreviation. They are offered in a question and never chosen."""

_WORDS_TOO: Final = frozenset({"cat", "eat", "west", "wet", "wat", "ct", "et", "mt", "pt"})
"""Abbreviations that are also words or parts of addresses. They are a zone only in capitals."""


@dataclass(frozen=True, slots=True)
class TypedZone:
    """A zone that was typed: an IANA name or an offset, or an abbreviation that is still to be checked."""

    text: str
    zone: str | None = None
    abbreviation: str | None = None


def read(match: re.Match[str], own: str | None, now: Instant) -> TypedZone | None:
    """Return the meaning of a match of `ZONE` for a user whose zone is ``own``, None if it is no zone.

    Raises `bot.policy.timezones.InvalidZoneError` for a name that no zone has, and for an offset that no
    clock has.
    """
    said = match["said"]
    if match["sign"]:
        return TypedZone(said, _offset(match))
    if match["name"]:
        return TypedZone(said, timezones.read(said))
    return _abbreviation(said, own, now)


def _offset(match: re.Match[str]) -> str:
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    size = hours * 60 + minutes
    offset = clocks.offset(-size if match["sign"] == "-" else size)
    if offset is None or minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        raise timezones.InvalidZoneError(time_errors.no_zone(match["said"]))
    return offset


def _abbreviation(said: str, own: str | None, now: Instant) -> TypedZone | None:
    letters = said.casefold()
    seasons = _seasons(own, now)
    if letters in _UTC or (letters == _GMT and letters not in seasons):
        return TypedZone(said, timezones.UTC)
    known = letters in seasons or letters in _PLACES
    if not known or (letters in _WORDS_TOO and not said.isupper()):
        return None
    return TypedZone(said, abbreviation=letters)


def has_it(at: Instant, own: str, abbreviation: str) -> bool:
    """Return whether a zone's clocks have an abbreviation at an instant."""
    named = clocks.abbreviation(at, own).casefold()
    return named == abbreviation or (not named.isalpha() and own in _PLACES.get(abbreviation, ()))


def places(abbreviation: str, own: str | None, now: Instant) -> tuple[str, ...]:
    """Return the zones that may be meant by an abbreviation, the user's own first."""
    first = (own,) if own and abbreviation in _seasons(own, now) else ()
    return tuple(dict.fromkeys((*first, *_PLACES.get(abbreviation, ()))))


def _seasons(own: str | None, now: Instant) -> frozenset[str]:
    """Return the abbreviations of a zone in winter and in summer."""
    if own is None:
        return frozenset()
    year = now.to_tz(timezones.UTC).year
    halves = (Instant.from_utc(year, month, 1) for month in (1, 7))
    return frozenset(clocks.abbreviation(half, own).casefold() for half in halves)

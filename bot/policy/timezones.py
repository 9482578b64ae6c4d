"""Time zones of recipients: their canonical names, and the time difference between them.

The tables of `tzdata` are read once. `phonenumbers` and people use zone names that were replaced, such as
Asia/Calcutta and US/Central. CallOps shows the current name.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from bot import CallOpsError
from bot.text import time_errors
from bot.text.formatting import closest, short

UTC = "UTC"
_ALIKE = 0.75
"""The least similarity to a name for it to be suggested (difflib's ratio)."""
_LONGEST: Final = 64
"""Characters of a zone's name. The longest that exists has 32."""


class InvalidZoneError(CallOpsError, ValueError):
    """A text that names no time zone. ``suggestion`` is the zone that was probably meant, or None."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def canonical(name: str) -> str:
    """Return the current name of a zone. Return an unknown name unchanged."""
    return name if name in _countries() else _links().get(name, name)


def canonical_zones(names: Sequence[str]) -> tuple[str, ...]:
    """Return the current names of some zones, each once, in alphabetical order."""
    return tuple(sorted({canonical(name) for name in names}))


def read(text: str) -> str:
    """Return the zone that a user typed by its name or its city. Raises `InvalidZoneError`."""
    if len(text) > _LONGEST:
        raise InvalidZoneError(time_errors.no_zone(short(text)))
    typed = "_".join(text.split()).casefold()
    if found := _names().get(typed):
        return found
    cities = [name for name in _countries() if name.rpartition("/")[2].casefold() == typed]
    if len(cities) == 1:
        return cities[0]
    meant = closest(typed, _names(), alike=_ALIKE)
    raise InvalidZoneError(time_errors.no_zone(text.strip()), _names()[meant] if meant else None)


def place(zone: str, *, region: str | None, country: str) -> str:
    """Return a zone's country if the country has no other zone, otherwise the zone's city."""
    if region and _zones_of(region) == (zone,):
        return country
    return zone.rpartition("/")[2].replace("_", " ")


def spread(zones: Sequence[str], at: datetime) -> timedelta:
    """Return the largest difference between the clocks of some zones at a time."""
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for zone in zones]
    return max(offsets) - min(offsets) if offsets else timedelta()


def _zones_of(region: str) -> tuple[str, ...]:
    return tuple(name for name, regions in _countries().items() if region in regions)


@cache
def _countries() -> Mapping[str, frozenset[str]]:
    """Return the current zones with the countries of each."""
    rows = _table("zone.tab")
    found: dict[str, frozenset[str]] = {UTC: frozenset()}
    for country, _, zone, *_ in rows:
        found[zone] = found.get(zone, frozenset()) | {country}
    return MappingProxyType(found)


@cache
def _links() -> Mapping[str, str]:
    """Return the current name for each name that was replaced."""
    text = files("tzdata.zoneinfo").joinpath("tzdata.zi").read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if line.startswith("L "))
    return {given_up: holds for _, holds, given_up in rows}


@cache
def _names() -> Mapping[str, str]:
    """Return the canonical name for each name, in the form in which it is looked up.

    Names of no place, such as Etc/UCT, and abbreviations are left out, because EST would be Panama.
    """
    places = _countries()
    known = (name for name in (*_links(), *places) if "/" in name or name == UTC)
    return {name.casefold(): canonical(name) for name in known if canonical(name) in places}


def _table(name: str) -> list[list[str]]:
    text = files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]

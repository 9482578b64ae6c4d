"""Reads the clocks of a called number: its zones, its local times, and whether it is night there."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from bot.policy import timezones
from providers.phone import Phone

NIGHT: Final = (time(21), time(8))
"""Calls between these times of day get a warning. Only calling hours refuse a call."""


def zones(phone: Phone, zone: str | None = None) -> tuple[str, ...]:
    """Return the zones in which a number may be. ``zone`` is the one that a person entered."""
    return (timezones.canonical(zone),) if zone else timezones.canonical_zones(phone.time_zones)


def nights(phone: Phone, at: datetime, zone: str | None = None) -> list[tuple[str, datetime]]:
    """Return the places of a number in which it is night at an instant, each with its local time.

    Places with the same local time are given once.
    """
    start, end = NIGHT
    local = {name: at.astimezone(ZoneInfo(name)) for name in zones(phone, zone)}
    found: dict[datetime, str] = {}
    for name, clock in local.items():
        if clock.time() >= start or clock.time() < end:
            found.setdefault(clock.replace(tzinfo=None), name)
    return [
        (timezones.place(name, region=phone.region, country=phone.country), clock)
        for clock, name in sorted(found.items())
    ]


def only_clock(names: Sequence[str], at: datetime) -> str | None:
    """Return a zone whose clock all of some zones show at an instant, None if they differ."""
    return names[0] if names and not timezones.spread(names, at) else None

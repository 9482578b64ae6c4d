"""Calling hours as they are written: the operator's in `callops.toml`, those of countries in `hours.toml`.

What is wrong with them is an operator's to mend: `bot.config.loader` names it among the file's other faults.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from bot.policy.calling_hours import DAY_MINUTES, EVERY_DAY, RECIPIENT, Hours, Window
from bot.text import calling_hours

_CLOCK: Final = re.compile(r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])")
_DAYS: Final = calling_hours.DAYS
"""They are written as they are said."""


def clock_minutes(text: object) -> int:
    """Minutes since midnight of ``9:00`` or ``24:00``. Raises `ValueError`."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    minutes = int(match["hour"]) * 60 + int(match["minute"]) if match else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError('write an hour and minutes, such as "9:00"')
    return minutes


def days_of(text: object) -> frozenset[int]:
    """The days of ``all``, ``Mon-Fri`` or ``Mon, Wed, Sat``. Raises `ValueError`."""
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
    data = tomllib.loads(files("bot.policy").joinpath("hours.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            country: Hours(
                tuple(map(window, table["windows"])), f"{table['source']} ({table['url']}, {table['read']})"
            )
            for country, table in data.items()
        }
    )

"""Reads times of day: the hours and minutes of a typed clock time and part of the day."""

import re
from typing import Final

from whenever import Time

from bot.parsing.time_grammar import InvalidTimeError, Suggest, TimeParts
from bot.text import time_errors

_HALF_DAY: Final = range(1, 13)
"""The hours that go with am and pm."""
_TWO_DIGITS: Final = 2
"""Of an hour, and of minutes."""
_PARTS_OF_DAY: Final = {
    "morning": range(1, 12),
    "afternoon": range(12, 19),
    "evening": range(16, 24),
    "night": range(18, 24),
}
"""The hours of each part of a day. Those after midnight belong to the next day, and are asked about."""
EXAMPLES: Final = {"morning": "10 am", "afternoon": "3 pm", "evening": "7 pm", "night": "9 pm"}
"""A time in each part of the day."""


def read(clock: re.Match[str], parts: TimeParts, suggest: Suggest) -> Time:
    """Return the time of day. Raises `InvalidTimeError` if no clock shows it, or if it could be two times."""
    typed, part = clock["said"], parts.part_of_day
    if clock["word"]:
        return _noon(clock["word"], parts, suggest)
    hour, minute, half = clock["hour"], clock["minute"], clock["half"]
    if minute is None and clock["hours"]:
        if len(hour) <= _TWO_DIGITS:
            raise InvalidTimeError(
                time_errors.alone(typed), suggest(f"in {typed}", parts.say(clock=f"{hour}:00"))
            )
        hour, minute = hour[:-2], hour[-2:]
    if minute is None and half is None and (part is None or len(hour) > _TWO_DIGITS):
        raise _half_missing(hour, parts, suggest)
    if minute is not None and len(minute) != _TWO_DIGITS:
        raise InvalidTimeError(time_errors.one_digit_of_minutes(typed, int(hour)))
    if half and int(hour) not in _HALF_DAY:
        of_24 = parts.say(clock=f"{hour}:{minute or '00'}")
        raise InvalidTimeError(time_errors.no_half_of_a_day(typed), suggest(of_24))
    hours = int(hour) % 12 + (12 if half in "pP" else 0) if half else int(hour)
    if part:
        hours = _in_part(hours, part, clock, parts, suggest)
    seconds, _, fraction = (clock["second"] or ":0").lstrip(":").partition(".")
    try:
        return Time(hours, int(minute or 0), int(seconds), nanosecond=int(f"{fraction:0<9}"))
    except ValueError:
        raise InvalidTimeError(time_errors.not_on_a_clock(typed)) from None


def _noon(word: str, parts: TimeParts, suggest: Suggest) -> Time:
    """Return the time of noon. Raises `InvalidTimeError` for midnight, which begins a day or ends it."""
    if word.lower() != "midnight":
        return Time(12)
    named = parts.day and not parts.day["tonight"]
    begins, ends = (None, None) if named else ("tomorrow", "today")
    first = parts.say(day=begins, clock="00:00", part="")
    raise InvalidTimeError(time_errors.MIDNIGHT, suggest(first, parts.say(day=ends, clock="23:59", part="")))


def _in_part(hours: int, part: str, clock: re.Match[str], parts: TimeParts, suggest: Suggest) -> int:
    """Return the hour, from 0 to 23, that lies in a part of the day.

    Raises `InvalidTimeError` if neither the morning's nor the evening's hour does.
    """
    halves = [hours % 12, hours % 12 + 12]
    possible = [hours] if clock["half"] or hours not in _HALF_DAY else halves
    for one in possible:
        if one in _PARTS_OF_DAY[part]:
            return one
    day = "today" if parts.day and parts.day["tonight"] else None
    said = f"{hours % 12 or 12}{':' if clock['minute'] else ''}{clock['minute'] or ''}"
    forms = (parts.say(day=day, clock=f"{said} {half}", part="") for half in ("am", "pm"))
    raise InvalidTimeError(time_errors.not_in_part(clock["said"], part), suggest(*forms))


def _half_missing(hour: str, parts: TimeParts, suggest: Suggest) -> InvalidTimeError:
    """Return the error of an hour without am or pm, or of four digits without a colon."""
    if len(hour) > _TWO_DIGITS:
        return InvalidTimeError(
            time_errors.no_colon(hour), suggest(parts.say(clock=f"{hour[:-2]}:{hour[-2:]}"))
        )
    if int(hour) in _HALF_DAY:
        forms = suggest(*(parts.say(clock=f"{hour} {half}") for half in ("am", "pm")))
        return InvalidTimeError(time_errors.morning_or_evening(hour), forms)
    return InvalidTimeError(time_errors.alone(hour), suggest(parts.say(clock=f"{hour}:00")))

"""Sentences on faults in a typed time, day or time zone."""

_TIMES = "Try 9:30 pm, tomorrow 9:30, Mon 10:00, 5 Dec 10:00 or in 20 min."
_DAYS = "Try today, yesterday, Mon, 3 days ago, 5 Dec or 2026-12-05."

# -- a time to come

MISSING = f"Add a time. {_TIMES}"
MIDNIGHT = "Midnight can be the start or the end of a day. Type 00:00 with the day, or 23:59."


def too_long(beginning: str) -> str:
    return f"“{beginning}…” is too long for a time. {_TIMES}"


def no_time(said: str) -> str:
    return f"“{said}” isn't a time. {_TIMES}"


def alone(said: str) -> str:
    return f"“{said}” alone isn't a time."


def no_time_of_day(said: str) -> str:
    return f"“{said}” isn't a time of day. Try 9:00, 18:30 or 6 pm."


def day_alone(said: str) -> str:
    return f"“{said}” has no time. Add one, e.g. 9:30."


def has_passed(said: str) -> str:
    return f"“{said}” is in the past. Type a later time."


def has_passed_today(said: str) -> str:
    return f"“{said}” is in the past."


def has_passed_this_year(said: str) -> str:
    return f"“{said}” is in the past. To use next year, add the year."


def no_time_from_now(said: str) -> str:
    return f"“{said}” isn't a later time."


def too_far_ahead(said: str) -> str:
    return f"“{said}” is more than a year ahead. Check the year."


def morning_or_evening(hour: str) -> str:
    return f"Is “{hour}” in the morning or in the evening?"


def no_colon(said: str) -> str:
    return f"“{said}” needs a colon, e.g. 9:30."


def one_digit_of_minutes(said: str, hour: int) -> str:
    return f"“{said}” needs two digits after the hour, e.g. {hour}:05 or {hour}:30."


def not_in_part(said: str, part: str) -> str:
    """Return the fault of a time that is not in a part of the day, such as 9 am in the evening."""
    return f"“{said}” isn't in the {part}." if part != "night" else f"“{said}” isn't at night."


def which_week(said: str) -> str:
    return f"“{said}” can mean two days: the coming one, or a week later."


def no_half_of_a_day(said: str) -> str:
    """Return the fault of a time such as 13 pm."""
    return f"“{said}” doesn't exist. Use am and pm with 1 to 12."


def not_on_a_clock(said: str) -> str:
    return f"“{said}” doesn't exist. A day goes from 00:00 to 23:59."


def no_such_instant(said: str) -> str:
    return f"“{said}” doesn't exist. Check the day, the hour and the offset."


def skipped(clock: str) -> str:
    return f"{clock} doesn't exist on that day, because the clocks go forward."


def twice(clock: str) -> str:
    return f"{clock} happens twice on that day, because the clocks go back."


# -- a date


def no_such_date(said: str, year: int) -> str:
    return f"“{said}” doesn't exist in {year}. Check the day and the month."


def other_weekday(date: str, falls_on: str, said: str) -> str:
    return f"{date} is a {falls_on}, not a {said}."


def no_date(said: str) -> str:
    return f"“{said}” isn't a date. Write the month as a word, e.g. 5 Dec."


def digits(said: str, *, ways: int) -> str:
    """Return the fault of a date in digits. ``ways`` is the number of ways to read it."""
    what = "can mean two dates" if ways > 1 else "has its month in digits"
    return f"“{said}” {what}. Write the month as a word."


# -- a past day


def no_day(said: str) -> str:
    return f"“{said}” isn't a day. {_DAYS}"


def two_days(said: str) -> str:
    return f"“{said}” can mean two days. Write the month as a word. {_DAYS}"


def day_to_come(said: str) -> str:
    return f"“{said}” is in the future. Use today or an earlier day."


def day_long_ago(said: str) -> str:
    return f"“{said}” is before 1970. Check the year."


# -- a time zone


_WITH_ZONE = "Write the zone or the offset with the time, e.g. 9:30 pm Asia/Kolkata or 9:30 pm +05:30."
OWN_ZONE_MISSING = f"Slack didn't send your time zone. {_WITH_ZONE}"


def own_zone_unknown(zone: str) -> str:
    return f"CallOps doesn't know your time zone, “{zone}”. {_WITH_ZONE}"


def no_days_without_zone(zone: str) -> str:
    unknown = f"CallOps doesn't know your time zone, “{zone}”" if zone else "Slack didn't send your time zone"
    return f"{unknown}. Choose one in your Slack preferences, then try again."


def which_zone(said: str) -> str:
    """Return the fault of an abbreviation that is not of the person's own zone."""
    return f"“{said}” can mean several time zones. Write the zone's name, e.g. America/Chicago."


def which_day(said: str) -> str:
    """Return the fault of a time in another zone, where the day is a different one."""
    return f"“{said}” can mean two days, because it's another day there."


def doubtful_offset(said: str) -> str:
    return f"Is “{said}” an offset from UTC? It could also be the end of a span."


def no_zone(said: str) -> str:
    return f"“{said}” isn't a time zone. Try one like America/Chicago."

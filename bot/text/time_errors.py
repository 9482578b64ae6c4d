"""Sentences on faults in a typed time, day or time zone."""

_TIMES = "Type it like 9:30 pm, tomorrow 9:30, Mon 10:00, 5 Dec 10:00 or in 20 min."
_DAYS = "Type it like today, yesterday, Mon, 3 days ago, 5 Dec or 2026-12-05."

# -- a time to come

MISSING = f"The time is missing. {_TIMES}"
MIDNIGHT = "Midnight could begin the day or end it. Type 00:00 with the day, or 23:59."


def too_long(beginning: str) -> str:
    return f"“{beginning}…” is too long for a time. {_TIMES}"


def no_time(said: str) -> str:
    return f"“{said}” is not a time. {_TIMES}"


def alone(said: str) -> str:
    return f"“{said}” alone is not a time."


def no_time_of_day(said: str) -> str:
    return f"“{said}” is not a time of day. Type it like 9:00, 18:30 or 6 pm."


def day_alone(said: str) -> str:
    return f"“{said}” is a day without a time."


def has_passed(said: str) -> str:
    return f"“{said}” has passed. Type a later time."


def has_passed_today(said: str) -> str:
    return f"“{said}” has passed today."


def has_passed_this_year(said: str) -> str:
    return f"“{said}” has passed this year. If you mean the next one, give the year."


def no_time_from_now(said: str) -> str:
    return f"“{said}” is not a later time."


def too_far_ahead(said: str) -> str:
    return f"“{said}” is more than a year ahead. Check the year."


def morning_or_evening(hour: str) -> str:
    return f"Is “{hour}” in the morning or in the evening?"


def no_colon(said: str) -> str:
    return f"“{said}” needs a colon."


def one_digit_of_minutes(said: str, hour: int) -> str:
    return f"“{said}” needs two digits after the hour, like {hour}:05 or {hour}:30."


def not_in_part(said: str, part: str) -> str:
    """Return the fault of a time that is not in a part of the day, such as 9 am in the evening."""
    return f"“{said}” is not in the {part}." if part != "night" else f"“{said}” is not at night."


def which_week(said: str) -> str:
    return f"“{said}” can be the coming one or the one after it."


def no_half_of_a_day(said: str) -> str:
    """Return the fault of a time such as 13 pm."""
    return f"“{said}” does not exist: am and pm go with 1 to 12."


def not_on_a_clock(said: str) -> str:
    return f"“{said}” does not exist: a day goes from 00:00 to 23:59."


def no_such_instant(said: str) -> str:
    return f"“{said}” does not exist: check the day, the hour and the offset."


def skipped(clock: str) -> str:
    return f"There is no {clock} on that day: the clocks go forward."


def twice(clock: str) -> str:
    return f"{clock} comes twice on that day: the clocks go back."


# -- a date


def no_such_date(said: str, year: int) -> str:
    return f"There is no “{said}” in {year}. Check the day and the month."


def other_weekday(date: str, falls_on: str, said: str) -> str:
    return f"{date} is a {falls_on}, not a {said}."


def no_date(said: str) -> str:
    return f"“{said}” is not a date. Write the month as a word, like 5 Dec."


def digits(said: str, *, ways: int) -> str:
    """Return the fault of a date in digits. ``ways`` is the number of ways to read it."""
    what = "can be read in two ways" if ways > 1 else "has its month in digits"
    return f"“{said}” {what}. Write the month as a word."


# -- a past day


def no_day(said: str) -> str:
    return f"“{said}” is not a day. {_DAYS}"


def two_days(said: str) -> str:
    orders = "in some countries the day stands first, in some the month"
    return f"“{said}” can be two days: {orders}. {_DAYS}"


def day_to_come(said: str) -> str:
    return f"“{said}” is still to come. Type today or a day before it."


def day_long_ago(said: str) -> str:
    return f"“{said}” is before 1970. Check the year."


# -- a time zone


_WITH_ZONE = "Write the zone or the offset with the time, like 9:30 pm Asia/Kolkata or 9:30 pm +05:30."
OWN_ZONE_MISSING = f"Slack does not say your time zone. {_WITH_ZONE}"


def own_zone_unknown(zone: str) -> str:
    return f"Your time zone, “{zone}”, is not known here. {_WITH_ZONE}"


def no_days_without_zone(zone: str) -> str:
    unknown = f"Your time zone, “{zone}”, is not known here" if zone else "Slack does not say your time zone"
    return f"{unknown}, so nobody knows when your days begin. Choose one in your Slack preferences."


def which_zone(said: str) -> str:
    """Return the fault of an abbreviation that is not of the person's own zone."""
    return (
        f"“{said}” is not certain: of abbreviations only those of your own zone are. Write the zone's name."
    )


def which_day(said: str) -> str:
    """Return the fault of a time in another zone, where the day is a different one."""
    return f"“{said}” can be on two days: it is not the same day there."


def doubtful_offset(said: str) -> str:
    return f"“{said}” can be an offset from UTC or something else, like the end of a span."


def no_zone(said: str) -> str:
    return f"“{said}” is no time zone. Write one like America/Chicago."

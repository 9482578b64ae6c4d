"""Sentences on why a number is not called, on calling hours, and on the result of a stop."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.text.formatting import listed

ASKED_FOR = "customer asked not to be called"
"""The reason in the log if nobody gave another."""

NOT_YOURS_TO_UNDO = "Only the person who blocked this number can undo that."
TOO_LATE_TO_UNDO = "You can undo a block for 10 minutes only. Now a manager can run /calls allow."
SHARED = "Someone else asked for this block, too. A manager can lift it with /calls allow."
LIFTED_ALREADY = "This number isn't blocked by you anymore. Nothing was changed."
LIFTED_SINCE = "This block was lifted in the meantime. To block the number again, run /calls stop."

KEPT_BY = "Your CallOps admin manages that list."

HOW_TO_LIFT = "To unblock it, a manager can run /calls allow."

SINCE_THEN = "this number was blocked."
"""Why an attempt that somebody requested is not made."""

CANCELS_NONE = "it can't cancel calls"

NO_AGENT = "it cancels by voice agent, and CallOps knows of none there"

NO_CALL_KNOWN = "it cancels by call id, and CallOps knows of no call to this number there"


UNCHECKED = frozenset({CANCELS_NONE, NO_AGENT, NO_CALL_KNOWN})
"""Reasons of connections at which CallOps can't see whether there are calls to a number."""


NOT_CONFIGURED = "it isn't configured anymore"


def off(why: str) -> str:
    return f"it's off: {why}"


def dry_run(request_id: str) -> str:
    return f"it's a dry run, see {request_id}"


def not_placed(stop_id: str) -> str:
    """Return the reason for a pending call that was not placed because its number was stopped."""
    return f"This number was blocked ({stop_id})."


def blocked(at: datetime, stop_id: str) -> str:
    return f"This number was blocked on {_day(at)} ({stop_id}), so no call was placed."


def blocked_by(name: str | None, at: datetime, stop_id: str) -> str:
    return f"{name or 'Someone'} blocked this number on {_day(at)} ({stop_id})."


def on_list(name: str, stop_id: str) -> str:
    return f"This number is on the do-not-call list {name} ({stop_id}), so no call was placed."


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"


DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_NAMED: Final = 6
"""The most zones that a sentence names. The form lists all of them."""

_NOON: Final = 12 * 60
"""Minutes since midnight, like all times of day here."""

NO_ZONE = "This number's time zone is unknown. Add it, like zone=America/Chicago."

RETRIES_UNBOUND = "Retries could ring outside calling hours. Leave out retries=."

NEXT_DAY_UNSURE = "The next day may have no calling hours. Leave out carry-over."


def several_zones(zones: Sequence[str]) -> str:
    several = f"This number may be in {len(zones)} time zones: {_first(zones)}."
    return f"{several} Add the right one, like zone={zones[0]}."


def other_zone(said: str, zones: Sequence[str]) -> str:
    """Return the sentence for a zone that is none of a number's own."""
    if len(zones) == 1:
        return f"This number is in {zones[0]}, not {said}. Leave out zone=."
    return f"This number is in one of {len(zones)} time zones, not {said}: {_first(zones)}."


def _first(zones: Sequence[str]) -> str:
    more = f" and {len(zones) - _NAMED} more" if len(zones) > _NAMED else ""
    return f"{', '.join(zones[:_NAMED])}{more}"


def closed_now(minute: int, where: str, hours: str) -> str:
    return f"It's {_clock(minute)} in {where}. Calls there are allowed {hours}."


def closed_then(weekday: int, minute: int, where: str, hours: str) -> str:
    return f"That's {DAYS[weekday]} {_clock(minute)} in {where}. Calls there are allowed {hours}."


def retries_within(hours: str, first: str, last: str, zone: str) -> str:
    return f"{_retries(hours)} Add from={first} until={last} ({zone} time)."


def retries_outside(hours: str) -> str:
    return f"{_retries(hours)} Leave out retries=, from= and until=."


def _retries(hours: str) -> str:
    return f"Retries must stay within calling hours: {hours}."


def none_known(where: str) -> str:
    """Return the sentence for a country without calling hours, if the call must keep them."""
    unset = f"This call needs calling hours, and none are set for {where}."
    return f"{unset} Ask your CallOps admin to add them."


def windows(all_of_them: Sequence[tuple[frozenset[int], int, int]]) -> str:
    """Return the calling hours, to follow “are allowed”. Days with the same hours are named once."""
    if all(len(days) == len(DAYS) for days, _, _ in all_of_them):
        return _spans((start, end) for _, start, end in all_of_them)
    groups: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day in range(len(DAYS)):
        if spans := tuple((start, end) for days, start, end in all_of_them if day in days):
            groups.setdefault(spans, []).append(day)
    return listed([f"{_days(days)} {_spans(spans)}" for spans, days in groups.items()], "and")


def _spans(spans: Iterable[tuple[int, int]]) -> str:
    return listed([f"from {_clock(start)} to {_clock(end)}" for start, end in spans], "and")


def _days(days: Sequence[int]) -> str:
    if len(days) > 2 and list(days) == list(range(days[0], days[-1] + 1)):  # noqa: PLR2004 - a range of days
        return f"{DAYS[days[0]]} to {DAYS[days[-1]]}"
    return listed([DAYS[day] for day in days], "and")


def _clock(minute: int) -> str:
    hour, past = divmod(minute % (2 * _NOON), 60)
    return f"{hour % 12 or 12}:{past:02} {'PM' if minute % (2 * _NOON) >= _NOON else 'AM'}"

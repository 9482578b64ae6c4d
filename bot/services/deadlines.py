"""Until when a request can be decided, and when those who decide are reminded of it. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

LAST_CALL = timedelta(minutes=15)
"""How long before the end the last reminder comes."""
TOO_SHORT = timedelta(minutes=10)
"""Whoever has less than this in all was asked just now: no reminder would be of use."""
LEAST_LEFT = timedelta(minutes=1)
"""With less than this left, nobody opens a card because of a reminder."""


class Reminder(StrEnum):
    """The reminders there are."""

    HALF = "half"
    LAST = "last"


def decide_by(
    now: datetime, expires: timedelta, goes_out: Iterable[datetime], *, margin: timedelta
) -> datetime:
    """When a request that is asked now can be decided no more.

    The rule's time, or the time of the first call that goes out less a margin in which the request is sent:
    whichever is sooner. Where a call goes out so soon that the margin would take more than half of what is
    left, it takes half.
    """
    ends = [now + expires]
    ends += [max(at - margin, now + (at - now) / 2) for at in goes_out if at > now]
    return min(ends)


def reminder_due(asked_at: datetime, end: datetime, now: datetime) -> Reminder | None:
    """The reminder whose time has come; a later one stands for those before it that were missed."""
    if end - now < LEAST_LEFT:
        return None
    return next((one for one, at in reversed(_reminders(asked_at, end)) if at <= now), None)


def next_reminder(asked_at: datetime, end: datetime, now: datetime) -> datetime | None:
    """When the next reminder will be due."""
    return next((at for _, at in _reminders(asked_at, end) if at > now), None)


def _reminders(asked_at: datetime, end: datetime) -> list[tuple[Reminder, datetime]]:
    """The reminders of a request and their times: where half time is that late, it is the last call, too."""
    whole = end - asked_at
    if whole < TOO_SHORT:
        return []
    half = (Reminder.HALF, asked_at + whole / 2)
    return [half, (Reminder.LAST, end - LAST_CALL)] if whole > 2 * LAST_CALL else [half]

"""Whether a cancellation still comes before its call, as far as anybody knows when that goes out. Pure.

A provider that takes away whatever is scheduled to a number says "deleted" where nothing was there as well:
its success proves something only as long as the call's time had not come.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from bot.policy.rules import Rule
from bot.text import outcomes
from providers.actions import CancelCall, Code, Kind, NumberRef, Outcome, Retry, Status
from storage.models import ActionRecord, Request, call_time


def call_time_passed(request: Request, entry: ActionRecord, now: datetime) -> bool:
    """Whether the time of the call that an entry is to cancel has come; not where nobody knows it."""
    at = call_time(request, entry)
    return entry.kind is Kind.CANCEL_CALL and at is not None and at <= now


def by_number(request: Request, entry: ActionRecord) -> NumberRef | None:
    """What a cancellation by number is aimed at; a move is aimed at one call only."""
    match entry.action:
        case CancelCall(target=NumberRef() as target) if not request.reschedules:
            return target
        case _:
            return None


def has_more_to_do(request: Request, entry: ActionRecord, coming_up: Iterable[ActionRecord]) -> bool:
    """Whether a cancellation by number is of use once its first call went out.

    It is if a later call was scheduled when it was asked. What stops all calls to a number is in any case: it
    is aimed at what waits at the provider without a time as well.
    """
    return bool(request.stop) or any(call.updated_at <= entry.asked_at for call in coming_up)


def unsent(
    request: Request, entry: ActionRecord, now: datetime, *, over: bool, unread: str | None = None
) -> str:
    """Why something ends unsent now; ``over``: its call went out, and there is nothing else to cancel.

    ``unread`` is a sentence of whom Slack did not tell, where it waited for that.
    """
    if over:
        return " ".join(filter(None, [outcomes.NO_CANCELLATION_IN_TIME, unread]))
    held = request.waits_for
    if entry.code is Code.RATE_LIMITED or (held and held.reason == "rate_limited"):
        return outcomes.PUT_OFF_TO_THE_END
    if call_time_passed(request, entry, now):
        return outcomes.LATER_CALLS_GO_OUT
    return " ".join(filter(None, [outcomes.NOT_IN_TIME, unread]))


def waits_until(
    request: Request, entry: ActionRecord, rule: Rule | None, now: datetime, *, margin: timedelta
) -> datetime | None:
    """When waiting for a provider that puts us off is over: with the call, whatever the rule allows.

    ``margin`` is the time before a call that is left for sending.
    """
    end, goes = request.decide_by, call_time(request, entry)
    if call_time_passed(request, entry, now):
        end = goes = None  # it is sent for later calls only
    if end and goes and timedelta(0) < goes - end <= margin:
        return goes  # the margin was left for this
    allowed = end or (request.asked_at + rule.expires if rule else None)
    return goes if goes and allowed and now < goes < allowed else allowed


def verified_outcome(
    request: Request, entry: ActionRecord, outcome: Outcome, coming_up: Iterable[ActionRecord], now: datetime
) -> Outcome:
    """What an outcome that comes now proves. ``entry`` is as it was when its attempt began.

    ``upcoming_calls`` are the calls to its number that were still to go out when the answer came.
    """
    if outcome.status is not Status.OK or entry.target_id or not call_time_passed(request, entry, now):
        return outcome
    later_only = call_time_passed(request, entry, entry.updated_at)
    if later_only and has_more_to_do(request, entry, coming_up):
        return outcome.model_copy(update={"message": outcomes.only_later_ones(outcome.message)})
    return outcome.model_copy(
        update={
            "status": Status.UNKNOWN,
            "code": Code.NO_ANSWER,
            "message": outcomes.ANSWERED_AFTER_THE_CALL,
            "retry": Retry.VERIFY,
        }
    )


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
    now: datetime, expires: timedelta, reported_call_time: Iterable[datetime], *, margin: timedelta
) -> datetime:
    """When a request that is asked now can be decided no more.

    The rule's time, or the time of the first call that goes out less a margin in which the request is sent:
    whichever is sooner. Where a call goes out so soon that the margin would take more than half of what is
    left, it takes half.
    """
    ends = [now + expires]
    ends += [max(at - margin, now + (at - now) / 2) for at in reported_call_time if at > now]
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

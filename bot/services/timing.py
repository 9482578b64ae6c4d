"""Decides whether a cancellation can still take effect before the call, and when requests expire.

A provider that cancels everything scheduled to a number reports "deleted" even if nothing was scheduled. Its
success proves a cancellation only if the call's time had not passed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from bot.policy.rules import Rule
from bot.text import outcomes
from providers.actions import CancelCall, Code, Kind, NumberRef, Outcome, Retry, Status
from storage.models import ActionRecord, Request, call_time


def call_time_passed(request: Request, record: ActionRecord, now: datetime) -> bool:
    """Return whether the call that an action is to cancel was due. Return False if its time is unknown."""
    at = call_time(request, record)
    return record.kind is Kind.CANCEL_CALL and at is not None and at <= now


def by_number(request: Request, record: ActionRecord) -> NumberRef | None:
    """Return the target of a cancellation by number. Return None for others and for a reschedule."""
    match record.action:
        case CancelCall(target=NumberRef() as target) if not request.reschedules:
            return target
        case _:
            return None


def has_more_to_do(request: Request, record: ActionRecord, coming_up: Iterable[ActionRecord]) -> bool:
    """Return whether a cancellation by number is useful after its first call went out.

    It is if a later call was already scheduled at the time of the request. A stop always is, because calls
    may be queued at the provider without a time.
    """
    return bool(request.stop) or any(call.updated_at <= record.asked_at for call in coming_up)


def unsent(
    request: Request, record: ActionRecord, now: datetime, *, over: bool, unread: str | None = None
) -> str:
    """Return why an action ends without being sent.

    With ``over``, its call went out, and there is nothing else to cancel. ``unread`` is a sentence about
    people whom Slack did not return, if the action waited for that.
    """
    if over:
        return " ".join(filter(None, [outcomes.NO_CANCELLATION_IN_TIME, unread]))
    held = request.waits_for
    if record.code is Code.RATE_LIMITED or (held and held.reason == "rate_limited"):
        return outcomes.PUT_OFF_TO_THE_END
    if call_time_passed(request, record, now):
        return outcomes.LATER_CALLS_GO_OUT
    return " ".join(filter(None, [outcomes.NOT_IN_TIME, unread]))


def waits_until(
    request: Request, record: ActionRecord, rule: Rule | None, now: datetime, *, margin: timedelta
) -> datetime | None:
    """Return the time until which an action may be retried after a provider put it off, None for no limit.

    It is at the latest the time of the call, whatever the rule allows. ``margin`` is the time left for
    sending before a call.
    """
    end, goes = request.decide_by, call_time(request, record)
    if call_time_passed(request, record, now):
        end = goes = None  # the cancellation is for later calls only
    if end and goes and timedelta(0) < goes - end <= margin:
        return goes  # retries may use the margin
    allowed = end or (request.asked_at + rule.expires if rule else None)
    return goes if goes and allowed and now < goes < allowed else allowed


def verified_outcome(
    request: Request, record: ActionRecord, outcome: Outcome, coming_up: Iterable[ActionRecord], now: datetime
) -> Outcome:
    """Return the outcome that an answer proves at this time. ``action`` is as of the start of its attempt.

    ``coming_up`` are the calls to its number that were still scheduled when the answer came.
    """
    if outcome.status is not Status.OK or record.target_id or not call_time_passed(request, record, now):
        return outcome
    later_only = call_time_passed(request, record, record.updated_at)
    if later_only and has_more_to_do(request, record, coming_up):
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
"""The time before expiry at which the last reminder is sent."""

TOO_SHORT = timedelta(minutes=10)
"""If a request has less than this in total, approvers were asked just now and need no reminder."""

LEAST_LEFT = timedelta(minutes=1)
"""With less than this left, a reminder comes too late for anyone to decide."""


class Reminder(StrEnum):
    """The reminders of a pending request."""

    HALF = "half"
    LAST = "last"


def decide_by(
    now: datetime, expires: timedelta, reported_call_time: Iterable[datetime], *, margin: timedelta
) -> datetime:
    """Return the time at which a request made now expires.

    It is the end of the rule's time, or the time of the first call less a margin for sending, whichever is
    sooner. The margin is at most half of the time until the call.
    """
    ends = [now + expires]
    ends += [max(at - margin, now + (at - now) / 2) for at in reported_call_time if at > now]
    return min(ends)


def reminder_due(asked_at: datetime, end: datetime, now: datetime) -> Reminder | None:
    """Return the latest reminder that is due, None if there is none. Earlier missed ones are skipped."""
    if end - now < LEAST_LEFT:
        return None
    return next((one for one, at in reversed(_reminders(asked_at, end)) if at <= now), None)


def next_reminder(asked_at: datetime, end: datetime, now: datetime) -> datetime | None:
    """Return the time of the next reminder, None if there is none."""
    return next((at for _, at in _reminders(asked_at, end) if at > now), None)


def _reminders(asked_at: datetime, end: datetime) -> list[tuple[Reminder, datetime]]:
    """Return the reminders of a request with their times. Short requests have only the one at half time."""
    whole = end - asked_at
    if whole < TOO_SHORT:
        return []
    half = (Reminder.HALF, asked_at + whole / 2)
    return [half, (Reminder.LAST, end - LAST_CALL)] if whole > 2 * LAST_CALL else [half]

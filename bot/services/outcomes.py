"""What follows from a provider's answer, or from none: the entry's next state and who must hear of it. Pure.

The system orders another attempt only where that cannot call a customer twice or hide a doubt: what was
certainly not sent, what the provider put off, cancels and deletes by id, and, within `WINDOW`, cancels by
number. Once an attempt is in doubt, only a clear success or a person ends the doubt: a later "not found"
counts as success only of what removes its target, and only if the log or a look-up had seen that id exist
before the first attempt.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.text import outcomes
from providers.actions import Code, Kind, Outcome, Retry, Status
from storage.changes import Notification, Transition
from storage.models import ActionRecord
from storage.states import State

MAX_ATTEMPTS = 3
"""Requests in all, for what was certainly not sent and for cancels."""
PAUSES = (timedelta(seconds=2), timedelta(seconds=8))
"""Before the second and the third request."""
WINDOW = timedelta(seconds=30)
"""From the start of the first request on: how long a cancellation by number may be sent again by itself.
Long enough for a request that runs into its deadline and a pause; a schedule that somebody places elsewhere,
because the first one was to be replaced, comes later as a rule."""

PUT_OFF = timedelta(seconds=5)
"""The shortest wait after a provider put a request off, whatever time it names; it doubles each time."""
PUT_OFF_AT_MOST = timedelta(minutes=15)
"""The longest back-off. What removes something waits no longer than this, whatever time the provider names: a
cancellation that comes a day late is none."""
MAX_PUT_OFF = 40
"""Requests in all for what a provider puts off: ten hours of the longest back-off."""
JITTER = 0.2
"""By which share of it a wait is made longer at most, so that those put off together do not come back
together: gRPC's JITTER, but only ever later."""

REMOVING = frozenset({Kind.CANCEL_CALL, Kind.DELETE_CAMPAIGN})
"""What takes its target away, so that the provider may well say it has none afterwards."""
CALLING = frozenset({Kind.PLACE_CALL, Kind.START_CAMPAIGN})
"""What makes phones ring: a second request could make them ring twice."""
WARNING = "warning_"
"""What the names of warnings begin with in an event's data."""
RETRY_SCHEDULED = "retry_scheduled"
"""The event of every further attempt that the system orders."""


@dataclass(frozen=True, slots=True)
class OutcomeDecision:
    """Moves to make together, and the posts that tell of them."""

    transitions: Sequence[Transition]
    notifications: Sequence[Notification]


def decide_next(  # noqa: PLR0913 - all that it depends on
    entry: ActionRecord,
    outcome: Outcome,
    *,
    requester: str,
    owner: str,
    now: datetime,
    until: datetime | None,
    seen: bool,
    waited: bool,
    jitter: float = 0.0,
) -> OutcomeDecision:
    """What follows from the outcome of ``entry``'s current attempt.

    ``until``: when waiting any longer is pointless; ``seen``: the log or a look-up knew the target's id
    before the first attempt; ``waited``: the requester is no longer looking (somebody had to approve, or
    there are several targets, and the one that ends last tells of them all); ``jitter``: random, from 0 to 1.
    Whoever was told of a doubt is told of its end.
    """
    window = _window(entry, outcome)
    again = _next_attempt(entry, outcome, now, _sooner(until, window), jitter)
    if again is None and outcome.retry is Retry.AFTER:
        outcome = outcome.model_copy(update={"message": outcomes.put_off_for_good(outcome.message)})
    if again is None and outcome.retry is Retry.SHORT_WINDOW:
        outcome = outcome.model_copy(update={"message": outcomes.window_passed(outcome.message)})
    match outcome.status:
        case Status.UNKNOWN:
            return _unknown(entry, outcome, requester, owner, again, window)
        case Status.OK:
            return _ended(
                entry,
                outcome,
                "succeeded",
                State.SUCCEEDED,
                requester,
                owner,
                tell=waited or entry.maybe_executed,
            )
    if again is not None:
        move = _move(entry, outcome, RETRY_SCHEDULED, State.APPROVED, owner, not_before=again)
        return OutcomeDecision((move,), (Notification("state", "audit"),))
    if not entry.maybe_executed:
        return _ended(entry, outcome, "failed", State.FAILED, requester, owner, tell=True)
    if outcome.code is Code.NOT_FOUND and seen and entry.kind in REMOVING:
        inferred = outcome.model_copy(update={"message": outcomes.NO_LONGER_THERE})
        return _ended(
            entry,
            inferred,
            "inferred",
            State.SUCCEEDED,
            requester,
            owner,
            tell=waited or entry.maybe_executed,
        )
    maybe_executed = outcome.model_copy(update={"message": outcomes.still_in_doubt(outcome.message)})
    return _unknown(entry, maybe_executed, requester, owner)


def _window(entry: ActionRecord, outcome: Outcome) -> datetime | None:
    """When an ordered attempt may no longer begin, for what may only be sent again for a short while.

    It is counted from the first attempt: ``updated_at`` of an entry whose request is out is when that began.
    Where the first one left no window behind, there is none left.
    """
    if entry.not_after is not None or outcome.retry is not Retry.SHORT_WINDOW:
        return entry.not_after
    return entry.updated_at + (WINDOW if entry.attempt == 1 else timedelta())


def _sooner(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _next_attempt(
    entry: ActionRecord, outcome: Outcome, now: datetime, until: datetime | None, jitter: float
) -> datetime | None:
    """When the system may order another attempt; None: it may not."""
    asked = timedelta(seconds=outcome.retry_after or 0.0)
    if entry.kind in REMOVING:
        asked = min(asked, PUT_OFF_AT_MOST)
    match outcome.retry:
        case Retry.SAFE if entry.attempt < MAX_ATTEMPTS:
            wait = PAUSES[entry.attempt - 1]
        case Retry.IDEMPOTENT | Retry.SHORT_WINDOW if entry.attempt < MAX_ATTEMPTS and entry.kind in REMOVING:
            wait = max(PAUSES[entry.attempt - 1], asked)
        case Retry.AFTER if entry.attempt < MAX_PUT_OFF and entry.kind not in CALLING:
            wait = max(_back_off(entry.attempt), asked)
        case _:
            return None
    put_off = outcome.retry is Retry.AFTER or outcome.retry_after is not None
    soonest = now + wait
    later = soonest + wait * (JITTER * jitter) if put_off else soonest
    if until is None or later < until:
        return later
    return soonest if soonest < until else None


def _back_off(attempt: int) -> timedelta:
    doublings = min(attempt - 1, PUT_OFF_AT_MOST.seconds.bit_length())
    return min(PUT_OFF * (1 << doublings), PUT_OFF_AT_MOST)


def _move(
    entry: ActionRecord,
    outcome: Outcome,
    name: str,
    after: State,
    owner: str,
    *,
    not_before: datetime | None = None,
) -> Transition:
    return Transition(
        entry.id,
        name,
        frozenset({State.SENDING}),
        after,
        owner=owner,
        attempt=entry.attempt,
        changes={
            "code": outcome.code,
            "message": outcome.message,
            "retry": outcome.retry,
            "reference": outcome.reference or entry.reference,
            "http_status": outcome.http_status,
            "maybe_executed": entry.maybe_executed or outcome.status is Status.UNKNOWN,
            "not_before": not_before,
        },
        data=warned(outcome) | (ordered(outcome) if name == RETRY_SCHEDULED else {}),
        private=kept(outcome),
    )


def ordered(outcome: Outcome) -> dict[str, str]:
    """Why the system ordered another attempt, as its event's data."""
    return {"reason": outcome.retry}


def warned(outcome: Outcome) -> dict[str, str]:
    """An outcome's warnings as an event's data."""
    return {f"{WARNING}{n}": warning for n, warning in enumerate(outcome.warnings, start=1)}


def kept(outcome: Outcome) -> dict[str, str]:
    """What of an outcome goes into erasable rows: the reply, and what is left of something deleted."""
    headers = json.dumps(dict(outcome.headers)) if outcome.headers else None
    found = {"raw": outcome.raw, "headers": headers, "record": outcome.record, "summary": outcome.summary}
    return {field: value for field, value in found.items() if value}


def _unknown(
    entry: ActionRecord,
    outcome: Outcome,
    requester: str,
    owner: str,
    again: datetime | None = None,
    window: datetime | None = None,
) -> OutcomeDecision:
    doubt = _move(entry, outcome, "unknown", State.UNKNOWN, owner)
    if again is None:
        return OutcomeDecision((doubt,), unknown_outcome(requester))
    order = Transition(
        entry.id,
        RETRY_SCHEDULED,
        frozenset({State.UNKNOWN}),
        State.APPROVED,
        attempt=entry.attempt,
        changes={"not_before": again} | ({"not_after": window} if window else {}),
        data=ordered(outcome),
    )
    return OutcomeDecision((doubt, order), (Notification("state", "audit"),))


def stop_retrying(entry: ActionRecord, name: str, why: str) -> Transition:
    """Back to the doubt that was there: the ordered attempt is not made, so people settle it.

    It may have begun already, as long as nothing of it has left.
    """
    return Transition(
        entry.id,
        name,
        frozenset({entry.state}),
        State.UNKNOWN,
        owner=entry.owner,
        attempt=entry.attempt,
        changes={"message": outcomes.no_further_request(why), "not_before": None},
    )


def unknown_outcome(requester: str) -> tuple[Notification, ...]:
    """A doubt that nothing but people ends: shown, said, and told to the requester."""
    return (
        Notification("state", "audit"),
        Notification("unknown", "thread"),
        Notification("state", f"dm:{requester}"),
    )


def _ended(
    entry: ActionRecord,
    outcome: Outcome,
    name: str,
    after: State,
    requester: str,
    owner: str,
    *,
    tell: bool,
) -> OutcomeDecision:
    posts = [Notification("state", "audit")]
    if entry.maybe_executed or outcome.warnings or outcome.summary:
        posts.append(Notification(name, "thread"))
    if tell:
        posts.append(Notification("state", f"dm:{requester}"))
    return OutcomeDecision((_move(entry, outcome, name, after, owner),), tuple(posts))

"""Decides an action's next state, the retry time and the notifications from a provider's outcome.

CallOps orders a retry only if it cannot call a customer twice or hide an unknown outcome:

- requests that were certainly not sent, because the provider saw nothing of them
- requests that the provider put off, except those that make phones ring
- cancellations and deletions by id, because a second one changes nothing
- cancellations by number within `WINDOW`

An unknown outcome is resolved only by a clear success or by a person. A later "not found" counts as success
only for an action that removes its target. The log or a look-up must also have found the target's id before
the first attempt.
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
"""Attempts in total, for requests that were certainly not sent and for cancellations."""
PAUSES = (timedelta(seconds=2), timedelta(seconds=8))
"""The waits before the second and the third attempt."""
WINDOW = timedelta(seconds=30)
"""The time from the start of the first attempt within which a cancellation by number may be retried. It is
long enough for a request that runs into its deadline, and a pause. If the call was to be replaced, its
replacement is usually scheduled later than this."""

PUT_OFF = timedelta(seconds=5)
"""The shortest wait after a provider put a request off, whatever time it names. It doubles each time."""
PUT_OFF_AT_MOST = timedelta(minutes=15)
"""The longest back-off. An action that removes its target waits no longer, whatever time the provider names,
because a cancellation that comes a day late is useless."""
MAX_PUT_OFF = 40
"""Attempts in total for requests that a provider puts off, which take ten hours at the longest back-off."""
JITTER = 0.2
"""The largest share by which a wait is made longer, so that requests put off together do not return together.
It is gRPC's jitter, but only ever later."""

REMOVING = frozenset({Kind.CANCEL_CALL, Kind.DELETE_CAMPAIGN})
"""The kinds that remove their target. The provider may then report that the target does not exist."""
CALLING = frozenset({Kind.PLACE_CALL, Kind.START_CAMPAIGN})
"""The kinds that make phones ring. A second request could make them ring twice."""
WARNING = "warning_"
"""The beginning of a warning's name in an event's data."""
RETRY_SCHEDULED = "retry_scheduled"
"""The event of each retry that CallOps orders."""


@dataclass(frozen=True, slots=True)
class OutcomeDecision:
    """Transitions to make together, and their notifications."""

    transitions: Sequence[Transition]
    notifications: Sequence[Notification]


def decide_next(  # noqa: PLR0913 - all that it depends on
    record: ActionRecord,
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
    """Return the transitions and notifications for the outcome of the current attempt.

    ``until`` is the time after which a retry is pointless, None if there is none. ``seen`` is true if the log
    or a look-up knew the target's id before the first attempt. ``waited`` is true if the requester may no
    longer watch, because the request needed an approval or has several targets. ``jitter`` is random, from 0
    to 1. A requester who was told of an unknown outcome is also told when it is resolved.
    """
    window = _window(record, outcome)
    again = _next_attempt(record, outcome, now, _sooner(until, window), jitter)
    if again is None and outcome.retry is Retry.AFTER:
        outcome = outcome.model_copy(update={"message": outcomes.put_off_for_good(outcome.message)})
    if again is None and outcome.retry is Retry.SHORT_WINDOW:
        outcome = outcome.model_copy(update={"message": outcomes.window_passed(outcome.message)})
    match outcome.status:
        case Status.UNKNOWN:
            return _unknown(record, outcome, requester, owner, again, window)
        case Status.OK:
            return _ended(
                record,
                outcome,
                "succeeded",
                State.SUCCEEDED,
                requester,
                owner,
                tell=waited or record.maybe_executed,
            )
    if again is not None:
        move = _move(record, outcome, RETRY_SCHEDULED, State.APPROVED, owner, not_before=again)
        return OutcomeDecision((move,), (Notification("state", "audit"),))
    if not record.maybe_executed:
        return _ended(record, outcome, "failed", State.FAILED, requester, owner, tell=True)
    if outcome.code is Code.NOT_FOUND and seen and record.kind in REMOVING:
        inferred = outcome.model_copy(update={"message": outcomes.NO_LONGER_THERE})
        return _ended(
            record,
            inferred,
            "inferred",
            State.SUCCEEDED,
            requester,
            owner,
            tell=waited or record.maybe_executed,
        )
    maybe_executed = outcome.model_copy(update={"message": outcomes.still_in_doubt(outcome.message)})
    return _unknown(record, maybe_executed, requester, owner)


def _window(record: ActionRecord, outcome: Outcome) -> datetime | None:
    """Return the time after which a retry may not start, None if it is not limited.

    It is counted from the first attempt, which began at ``updated_at`` of an action that is being sent. If
    the first attempt left no window, later ones have none.
    """
    if record.not_after is not None or outcome.retry is not Retry.SHORT_WINDOW:
        return record.not_after
    return record.updated_at + (WINDOW if record.attempt == 1 else timedelta())


def _sooner(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _next_attempt(
    record: ActionRecord, outcome: Outcome, now: datetime, until: datetime | None, jitter: float
) -> datetime | None:
    """Return the time of the next attempt, None if CallOps may not order one."""
    asked = timedelta(seconds=outcome.retry_after or 0.0)
    if record.kind in REMOVING:
        asked = min(asked, PUT_OFF_AT_MOST)
    match outcome.retry:
        case Retry.SAFE if record.attempt < MAX_ATTEMPTS:
            wait = PAUSES[record.attempt - 1]
        case Retry.IDEMPOTENT | Retry.SHORT_WINDOW if (
            record.attempt < MAX_ATTEMPTS and record.kind in REMOVING
        ):
            wait = max(PAUSES[record.attempt - 1], asked)
        case Retry.AFTER if record.attempt < MAX_PUT_OFF and record.kind not in CALLING:
            wait = max(_back_off(record.attempt), asked)
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
    record: ActionRecord,
    outcome: Outcome,
    name: str,
    after: State,
    owner: str,
    *,
    not_before: datetime | None = None,
) -> Transition:
    return Transition(
        record.id,
        name,
        frozenset({State.SENDING}),
        after,
        owner=owner,
        attempt=record.attempt,
        changes={
            "code": outcome.code,
            "message": outcome.message,
            "retry": outcome.retry,
            "reference": outcome.reference or record.reference,
            "http_status": outcome.http_status,
            "maybe_executed": record.maybe_executed or outcome.status is Status.UNKNOWN,
            "not_before": not_before,
        },
        data=warned(outcome) | (ordered(outcome) if name == RETRY_SCHEDULED else {}),
        private=kept(outcome),
    )


def ordered(outcome: Outcome) -> dict[str, str]:
    """Return the reason for a retry as its event's data."""
    return {"reason": outcome.retry}


def warned(outcome: Outcome) -> dict[str, str]:
    """Return an outcome's warnings as an event's data."""
    return {f"{WARNING}{n}": warning for n, warning in enumerate(outcome.warnings, start=1)}


def kept(outcome: Outcome) -> dict[str, str]:
    """Return the parts of an outcome for erasable rows: the reply, and a deleted campaign's last copy."""
    headers = json.dumps(dict(outcome.headers)) if outcome.headers else None
    found = {"raw": outcome.raw, "headers": headers, "record": outcome.record, "summary": outcome.summary}
    return {field: value for field, value in found.items() if value}


def _unknown(
    record: ActionRecord,
    outcome: Outcome,
    requester: str,
    owner: str,
    again: datetime | None = None,
    window: datetime | None = None,
) -> OutcomeDecision:
    doubt = _move(record, outcome, "unknown", State.UNKNOWN, owner)
    if again is None:
        return OutcomeDecision((doubt,), unknown_outcome(requester))
    order = Transition(
        record.id,
        RETRY_SCHEDULED,
        frozenset({State.UNKNOWN}),
        State.APPROVED,
        attempt=record.attempt,
        changes={"not_before": again} | ({"not_after": window} if window else {}),
        data=ordered(outcome),
    )
    return OutcomeDecision((doubt, order), (Notification("state", "audit"),))


def stop_retrying(record: ActionRecord, name: str, why: str) -> Transition:
    """Return the transition that cancels an ordered retry. The outcome stays unknown, so people settle it.

    The attempt may have begun already, as long as nothing of it was sent.
    """
    return Transition(
        record.id,
        name,
        frozenset({record.state}),
        State.UNKNOWN,
        owner=record.owner,
        attempt=record.attempt,
        changes={"message": outcomes.no_further_request(why), "not_before": None},
    )


def unknown_outcome(requester: str) -> tuple[Notification, ...]:
    """Return notifications of an unknown outcome: to the audit message, its thread, and the requester."""
    return (
        Notification("state", "audit"),
        Notification("unknown", "thread"),
        Notification("state", f"dm:{requester}"),
    )


def _ended(
    record: ActionRecord,
    outcome: Outcome,
    name: str,
    after: State,
    requester: str,
    owner: str,
    *,
    tell: bool,
) -> OutcomeDecision:
    posts = [Notification("state", "audit")]
    if record.maybe_executed or outcome.warnings or outcome.summary:
        posts.append(Notification(name, "thread"))
    if tell:
        posts.append(Notification("state", f"dm:{requester}"))
    return OutcomeDecision((_move(record, outcome, name, after, owner),), tuple(posts))

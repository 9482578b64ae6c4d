"""The states of an action, the transitions between them, and the state of a request.

Every store enforces these transitions:

    (new)    → pending | approved | refused
    pending  → approved | denied | withdrawn | expired
    approved → sending | withdrawn | expired | refused, but if maybe executed only: sending | unknown
    sending  → succeeded | failed | unknown | approved     (approved: certainly not sent, or not processed)
    unknown  → succeeded | failed | approved               (approved: another attempt was ordered)

An action is *maybe executed* from its first attempt without a readable answer on. If an ordered attempt is
not made after all, that stays so: the action goes back to unknown, where people settle it.
"""

from collections.abc import Iterable
from enum import StrEnum

from storage import StorageError


class State(StrEnum):
    """The state of an action."""

    PENDING = "pending"
    APPROVED = "approved"
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


FIRST = frozenset({State.PENDING, State.APPROVED, State.REFUSED})
"""The states in which an action can be recorded."""

TRANSITIONS: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.APPROVED, State.DENIED, State.WITHDRAWN, State.EXPIRED}),
    State.APPROVED: frozenset({State.SENDING, State.WITHDRAWN, State.EXPIRED, State.REFUSED, State.UNKNOWN}),
    State.SENDING: frozenset({State.SUCCEEDED, State.FAILED, State.UNKNOWN, State.APPROVED}),
    State.UNKNOWN: frozenset({State.SUCCEEDED, State.FAILED, State.APPROVED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.REFUSED: frozenset(),
    State.DENIED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
}

NEVER_IN_DOUBT = frozenset({State.WITHDRAWN, State.EXPIRED, State.REFUSED})
"""Transitions from approved that are invalid once the action may have been executed."""

TERMINAL = frozenset(state for state, onward in TRANSITIONS.items() if not onward)


class InvalidTransitionError(StorageError):
    """No action may make this transition. It is an error of the program, never of a person."""


def onward(before: State, *, maybe_executed: bool) -> frozenset[State]:
    """Return the states that may follow a state, depending on whether the action may have been executed."""
    if before is not State.APPROVED:
        return TRANSITIONS[before]
    return TRANSITIONS[before] - (NEVER_IN_DOUBT if maybe_executed else {State.UNKNOWN})


def check(before: State | None, after: State) -> None:
    """Raise `InvalidTransitionError` unless an action may go from one state (None: none) to another."""
    if after not in (FIRST if before is None else TRANSITIONS[before]):
        raise InvalidTransitionError(f"{before or 'asked'} → {after}")


_LEAST_SETTLED_FIRST = (
    State.UNKNOWN,  # people must see an unknown outcome, whatever else the request holds
    State.SENDING,
    State.PENDING,
    State.APPROVED,
    State.FAILED,
    State.REFUSED,
    State.EXPIRED,
    State.DENIED,
    State.WITHDRAWN,
    State.SUCCEEDED,
)


def request_state(states: Iterable[State]) -> State:
    """Return the state of a request: the state among its actions' that most needs attention."""
    present = set(states)
    return next(state for state in _LEAST_SETTLED_FIRST if state in present)

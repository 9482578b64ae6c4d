"""The life of a call action: its states, the legal moves between them, and what a request's state is.

Pure. Every store enforces these moves; every surface words them.

    (asked)  → pending | approved | refused
    pending  → approved | denied | withdrawn | expired
    approved → sending | withdrawn | expired | refused, and only in doubt: sending | unknown
    sending  → succeeded | failed | unknown | approved     (approved: certainly not sent, or not processed)
    unknown  → succeeded | failed | approved               (approved: another attempt was ordered)

An action is in doubt from its first attempt without a readable answer on. An ordered attempt that is not
made after all leaves the doubt as it was: the action goes back to unknown, where people settle it.
"""

from collections.abc import Iterable
from enum import StrEnum

from storage import StorageError


class State(StrEnum):
    """Where an action stands."""

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
"""The states an action can be recorded in."""

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
"""Where an action goes that was never sent: from approved, not once it is in doubt."""

TERMINAL = frozenset(state for state, onward in TRANSITIONS.items() if not onward)


class InvalidTransitionError(StorageError):
    """A move that no action's life contains: a fault of the program, never of a person."""


def onward(before: State, *, maybe_executed: bool) -> frozenset[State]:
    """Where an action may go next, in doubt or not."""
    if before is not State.APPROVED:
        return TRANSITIONS[before]
    return TRANSITIONS[before] - (NEVER_IN_DOUBT if maybe_executed else {State.UNKNOWN})


def check(before: State | None, after: State) -> None:
    """Raise `InvalidTransitionError` unless an action may go from one state (None: none) to another."""
    if after not in (FIRST if before is None else TRANSITIONS[before]):
        raise InvalidTransitionError(f"{before or 'asked'} → {after}")


_LEAST_SETTLED_FIRST = (
    State.UNKNOWN,  # a doubt is what people must see, whatever else the request holds
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
    """The state of a request, derived from its actions': the one that most needs somebody's attention."""
    present = set(states)
    return next(state for state in _LEAST_SETTLED_FIRST if state in present)

"""The words and emoji of a state on every screen. One concept has one word, and each emoji one meaning."""

from collections.abc import Mapping
from typing import Final

from providers.actions import Code, Kind
from storage.models import ActionRecord
from storage.states import State

WAITING: Final = "⏳"
DONE: Final = "✅"
CANCELLED: Final = "🚫"
DENIED: Final = "✋"
FAILED: Final = "❌"
UNKNOWN: Final = "⚠️"
"""The emoji at the start of a line: waits or is sent; done; cancelled; denied; not done; needs a check."""
PAUSED: Final = "⏸️"
"""The emoji of a pause, which is no state of a request."""

UNFINISHED: Final = frozenset({State.PENDING, State.APPROVED, State.SENDING})

WITHDRAW_REQUEST: Final = "Withdraw request"
EDIT_REQUEST: Final = "Edit request…"
RECORD_OUTCOME: Final = "Record outcome…"
REVIEW: Final = "Review…"
DETAILS: Final = "Details"
TRY_AGAIN: Final = "Try again…"
PLACE_AGAIN: Final = "Place again…"
CALL_AGAIN: Final = "Call again…"
OPEN_RECORDING: Final = "Open recording"
SHOW_STATUS: Final = "Show status"
SHOW_FULL_NUMBER: Final = "Show full number"
"""Buttons that several screens have, or that sentences name."""

REASON: Final = "Reason"
PURPOSE: Final = "Purpose"
CONSENT: Final = "Consent"
CALL_TIME: Final = "Call time"
NEW_TIME: Final = "New time"
CONNECTION: Final = "Connection"
VOICE_AGENT: Final = "Voice agent"
REQUESTED_BY: Final = "Requested by"
DECIDE_BY: Final = "Decide by"
STATUS: Final = "Status"
"""Names of fields, in forms, messages and lists."""

DRY_RUN: Final = "Dry run"
SCHEDULED: Final = "Scheduled"
RUNNING: Final = "In progress"
_DONE: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "Placed",
    Kind.CANCEL_CALL: "Cancelled",
    Kind.DELETE_CAMPAIGN: "Deleted",
    Kind.STOP_CAMPAIGN: "Stopped",
    Kind.START_CAMPAIGN: "Started",
    Kind.PLACE_LIST: "Finished",
    Kind.CANCEL_LIST: "Finished",
}
_STATUSES: Final[Mapping[State, str]] = {
    State.PENDING: "Waiting for approval",
    State.APPROVED: "Sending",
    State.SENDING: "Sending",
    State.SUCCEEDED: "Done",
    State.FAILED: "Failed",
    State.UNKNOWN: "Outcome unknown",
    State.REFUSED: "Not allowed",
    State.DENIED: "Denied",
    State.WITHDRAWN: "Withdrawn",
    State.EXPIRED: "Expired",
}
_EMOJI: Final[Mapping[State, str]] = {
    State.PENDING: WAITING,
    State.APPROVED: WAITING,
    State.SENDING: WAITING,
    State.SUCCEEDED: DONE,
    State.FAILED: FAILED,
    State.UNKNOWN: UNKNOWN,
    State.REFUSED: DENIED,
    State.DENIED: DENIED,
    State.WITHDRAWN: CANCELLED,
    State.EXPIRED: FAILED,
}


def done(kind: Kind) -> str:
    """Return the word for a success, such as "Placed"."""
    return _DONE[kind]


def not_done(kind: Kind) -> str:
    """Return the headline of a failure, such as "Not placed"."""
    return f"Not {_DONE[kind].lower()}"


def state_word(state: State) -> str:
    """Return the word for a state whose kind is not known, such as "Waiting for approval"."""
    return _STATUSES[state]


def status(record: ActionRecord, *, cancelled: bool = False) -> str:
    """Return an action's status. ``cancelled`` means that a placed call was cancelled later."""
    if cancelled:
        return _DONE[Kind.CANCEL_CALL]
    if record.code is Code.DRY_RUN:
        return DRY_RUN
    if record.kind.is_list and record.state is State.WITHDRAWN and record.code is Code.STOPPED:
        return _DONE[Kind.STOP_CAMPAIGN]
    if record.kind.is_list and record.state is State.APPROVED:
        return RUNNING
    if record.state is not State.SUCCEEDED:
        return _STATUSES[record.state]
    return SCHEDULED if record.code is Code.SCHEDULED else _DONE[record.kind]


def emoji(record: ActionRecord, *, cancelled: bool = False) -> str:
    """Return the emoji of an action's status. ``cancelled`` means that a placed call was cancelled later."""
    if cancelled or (record.state is State.SUCCEEDED and record.kind is Kind.CANCEL_CALL):
        return CANCELLED
    return DONE if record.code is Code.DRY_RUN else _EMOJI[record.state]


STATUSES: Final = tuple(
    dict.fromkeys(
        [
            *(word for state, word in _STATUSES.items() if state in UNFINISHED),
            SCHEDULED,
            *_DONE.values(),
            *(f"Not {word.lower()}" for word in _DONE.values()),
            *(word for state, word in _STATUSES.items() if state not in UNFINISHED),
            DRY_RUN,
        ]
    )
)
"""Every status, in the order of a form."""


def kind_named(status: str) -> Kind | None:
    """Return the kind of action that a typed status is about, such as "Placed", or None."""
    typed = status.strip().casefold()
    return next((kind for kind in Kind if typed in {done(kind).casefold(), not_done(kind).casefold()}), None)


def code_named(status: str) -> Code | None:
    """Return the code that a typed status stands for, or None."""
    named = {SCHEDULED.casefold(): Code.SCHEDULED, DRY_RUN.casefold(): Code.DRY_RUN}
    return named.get(status.strip().casefold())


def code_excluded(status: str) -> Code | None:
    """Return the code that has another word than a typed status, such as "Scheduled" beside "Placed"."""
    excluded = {
        done(Kind.PLACE_CALL).casefold(): Code.SCHEDULED,
        _STATUSES[State.REFUSED].casefold(): Code.DRY_RUN,
    }
    return excluded.get(status.strip().casefold())


def states_named(status: str) -> frozenset[State]:
    """Return the states that a typed status may mean: a state's name, or a word of this module. Or none."""
    typed = status.strip().casefold()
    words = {state: {state.value, word.casefold()} for state, word in _STATUSES.items()}
    words[State.SUCCEEDED] |= {word.casefold() for word in (*_DONE.values(), SCHEDULED)}
    words[State.FAILED] |= {not_done(kind).casefold() for kind in Kind}
    words[State.APPROVED] |= {RUNNING.casefold()}
    words[State.REFUSED] |= {DRY_RUN.casefold()}
    return frozenset(state for state, known in words.items() if typed in known)

"""Sentences on scheduled calls: which one is meant, and why it cannot be cancelled or rescheduled."""

from collections.abc import Sequence

from bot.text.formatting import listed

MOVED = "moved to another time"
"""The reason to cancel a call that is rescheduled, if nobody gave another."""
NO_TIME = "no time"

WHICH_CALL = "Say which call: its number, or its id as the audit channel shows it."
WHEN_INSTEAD = "Say when the call is to go out instead, as in “Mon 10:00”."
ONE_CALL = "One call at a time. Ask for each in a line of its own."


def to_number(number: str) -> str:
    return f"to {number}"


def with_id(named: str) -> str:
    return f"with the id {named}"


def no_call(whose: str) -> str:
    """Return the fault that no call was found. ``whose`` is from `to_number` or `with_id`."""
    return f"CallOps knows of no scheduled call {whose}. It moves only what was placed through it."


def several_calls(whose: str, calls: str) -> str:
    """Return the fault that several calls were found. ``whose`` is from `to_number` or `with_id`."""
    return f"Several calls are scheduled {whose}: {calls}. Give the id of one."


def not_scheduled(entry: str) -> str:
    return f"{entry} is no scheduled call, so there is nothing to cancel."


def too_late(clock: str) -> str:
    return f"It is too late: this call was due {clock}."


CANCELLED_ALREADY = "This call was cancelled already, so it does not go out."


def not_from_here(entry: str) -> str:
    return f"{entry} cannot be cancelled from here any more. Give its number or its id."


def cannot_cancel(connection: str) -> str:
    return f"{connection} cannot cancel calls: ask whoever runs CallOps."


def has_no_id(connection: str) -> str:
    return (
        f"{connection} gave this call no id, so it cannot be cancelled from here. Cancel it at the provider."
    )


def cannot_move(connection: str, *, cancels: bool) -> str:
    instead = "Cancel this one, then place it again." if cancels else "Ask whoever runs CallOps."
    return f"{connection} cannot move calls. {instead}"


def then_already(entry: str) -> str:
    return f"{entry} goes out at that time already."


def takes_others_along(connection: str, others: str) -> str:
    why = f"{connection} cancels by number: {others} would be cancelled with it."
    return f"{why} Cancel them, then place each again."


def placed_since(connection: str, others: Sequence[str]) -> str:
    one = len(others) == 1
    since = f"{listed(others, 'and')}, which {'was' if one else 'were'} placed since this move was asked for"
    cancel = f"Cancel {'it' if one else 'them'} first, or deny the move"
    return f"{connection} cancels by number: that would also cancel {since}. {cancel}."


def placed_elsewhere(connection: str, calls: Sequence[str]) -> str:
    return (
        f"{connection} was changed to another account or agent since {listed(calls, 'and')} "
        f"{'was' if len(calls) == 1 else 'were'} placed, so a cancellation from here would not reach "
        f"{'it' if len(calls) == 1 else 'them'}. Cancel at the provider, in the account that placed the call."
    )


def cancelled_by(request: str) -> str:
    return f"Somebody had this call cancelled by {request}, so it is not placed again."


def cancelled_before(request: str) -> str:
    return (
        f"{request} cancels all calls to this number, and was asked after this one. If this call is still "
        "wanted, ask again."
    )


MOVER_UNKNOWN = "Slack did not say in time who asked for it."
ERASED = "What was to be placed was erased."
NOT_YOURS_TO_PLACE = (
    "Only the person who asked to move it can place it again from here, for they know the number."
)

"""Sentences on scheduled calls: which one is meant, and why it cannot be cancelled or rescheduled."""

from collections.abc import Sequence

from bot.text.formatting import listed

MOVED = "moved to another time"
"""The reason to cancel a call that is rescheduled, if nobody gave another."""
NO_TIME = "no time"

WHICH_CALL = "Which call? Add its number or ID, e.g. +91 98765 43210."
WHEN_INSTEAD = "Add the new time, e.g. “Mon 10:00”."
ONE_CALL = "You can move one call at a time."


def to_number(number: str) -> str:
    return f"to {number}"


def with_id(named: str) -> str:
    return f"with the ID {named}"


def no_call(whose: str) -> str:
    """Return the fault that no call was found. ``whose`` is from `to_number` or `with_id`."""
    return f"CallOps knows no scheduled call {whose}. You can move only calls placed with CallOps."


def several_calls(whose: str, calls: str) -> str:
    """Return the fault that several calls were found. ``whose`` is from `to_number` or `with_id`."""
    return f"Several calls are scheduled {whose}: {calls}. Use the ID of one."


def not_scheduled(action: str) -> str:
    return f"{action} isn't a scheduled call, so there's nothing to cancel."


def too_late(clock: str) -> str:
    return f"Too late: this call was due {clock}."


CANCELLED_ALREADY = "This call is already cancelled."


def not_from_here(action: str) -> str:
    return f"You can't cancel {action} from here now. Use its number or call ID."


def cannot_cancel(connection: str) -> str:
    return f"{connection} can't cancel calls. Ask your CallOps admin."


def has_no_id(connection: str) -> str:
    return f"{connection} gave this call no ID, so CallOps can't cancel it. Cancel it at the provider."


def cannot_move(connection: str, *, cancels: bool) -> str:
    instead = "Cancel this one, then place it again." if cancels else "Ask your CallOps admin."
    return f"{connection} can't move calls. {instead}"


def then_already(action: str) -> str:
    return f"{action} is already scheduled for that time."


def takes_others_along(connection: str, others: str) -> str:
    why = f"{connection} cancels by number, so this would also cancel {others}."
    return f"{why} Cancel all of them, then place each again."


def placed_since(connection: str, others: Sequence[str]) -> str:
    one = len(others) == 1
    since = f"{listed(others, 'and')}, placed after this move was requested"
    cancel = f"Cancel {'it' if one else 'them'} first, or deny the move"
    return f"{connection} cancels by number. That would also cancel {since}. {cancel}."


def placed_elsewhere(connection: str, calls: Sequence[str]) -> str:
    them = "it" if len(calls) == 1 else "them"
    return (
        f"{connection} now uses another account or voice agent than {listed(calls, 'and')}. "
        f"CallOps can't cancel {them}. "
        "Cancel at the provider, in the account that placed the call."
    )


def cancelled_by(request: str) -> str:
    return f"{request} cancelled this call, so it wasn't placed again."


def cancelled_before(request: str) -> str:
    return (
        f"{request} was requested after this one, and cancels all calls to this number. "
        "If you still need this call, request it again."
    )


MOVER_UNKNOWN = "Slack didn't say in time who requested it."
ERASED = "This call's details were erased."
NOT_YOURS_TO_REPEAT = "Only the person who requested this can request it again from here."

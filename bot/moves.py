"""Which call is to be moved, and what its move asks for. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.known_calls import CannotCancel, clock
from bot.line import Line, Vocabulary
from bot.operations import Moved, Wish
from bot.targets import IdTarget, NumberTarget
from providers.actions import CallRef, CancelCall, NumberRef, PlaceCall
from storage.entries import LogEntry

REASON: Final = "moved to another time"
"""Why the call is cancelled, where nothing else is said."""
WHICH: Final = "Say which call: its number, or its id as the audit channel shows it."
WHEN: Final = "Say when the call is to go out instead, as in “Mon 10:00”."


def only(line: Line, found: Sequence[LogEntry], *, zone: str, now: datetime) -> LogEntry:
    """The one call that a line means. Raises `CannotCancel` where that is none, or not clear."""
    if len(line.targets) > 1:
        raise CannotCancel("One call at a time. Ask for each in a line of its own.")
    fitting = [
        entry
        for entry in found
        if line.connection in {None, entry.connection} and line.agent in {None, entry.agent}
    ]
    match fitting:
        case [entry]:
            return entry
        case []:
            raise CannotCancel(
                f"CallOps knows of no scheduled call {_to(line)}. It moves only what was placed through it."
            )
        case _:
            known = _listed(fitting, zone, now)
            raise CannotCancel(f"Several calls are scheduled {_to(line)}: {known}. Give the id of one.")


def wish(
    line: Line,
    entry: LogEntry,
    vocabulary: Vocabulary,
    beside: Sequence[LogEntry],
    *,
    zone: str,
    now: datetime,
) -> Wish:
    """To cancel a call and to place it again. Raises `CannotCancel` where that cannot be done cleanly.

    ``beside`` are the other calls that would go away with it where calls are cancelled by number.
    """
    through = vocabulary.connections[entry.connection]
    if not through.moves or not isinstance(entry.action, PlaceCall) or line.at is None:
        raise CannotCancel(f"{entry.connection} cannot move calls.")
    if entry.scheduled_for == line.at:
        raise CannotCancel(f"{entry.id} goes out at that time already.")
    if through.cancels_by == "number":
        if beside:
            others = _listed(beside, zone, now)
            raise CannotCancel(
                f"{entry.connection} cancels by number: {others} would go away with it. "
                "Cancel them, then place each anew."
            )
        cancel = CancelCall(target=NumberRef(agent=entry.action.agent, to=entry.action.to))
    else:
        cancel = CancelCall(target=CallRef(call_id=entry.reference or ""))
    again = entry.action.model_copy(update={"at": line.at})
    return Wish(entry.connection, (cancel,), line.reason or REASON, moves=Moved(entry.id, again))


def _to(line: Line) -> str:
    match line.targets[0]:
        case NumberTarget(phone=phone):
            return f"to {phone.pretty}"
        case IdTarget(provider_id=named):
            return f"with the id {named}"


def _listed(entries: Sequence[LogEntry], zone: str, now: datetime) -> str:
    """Calls by their ids and times, as one says them."""
    return ", ".join(
        f"{entry.id} {clock(entry.scheduled_for, zone=zone, now=now)}"
        for entry in entries
        if entry.scheduled_for
    )

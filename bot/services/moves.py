"""Which call is to be moved, and what its move asks for. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.parsing.command import Line, Vocabulary
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.services.requests import Moved, Wish
from bot.services.scheduled_calls import CannotCancel, clock
from bot.text import scheduled_calls
from providers.actions import CallRef, CancelCall, Kind, NumberRef, PlaceCall
from storage.entries import LogEntry


def only(line: Line, found: Sequence[LogEntry], *, zone: str, now: datetime) -> LogEntry:
    """The one call that a line means. Raises `CannotCancel` where that is none, or not clear."""
    if len(line.targets) > 1:
        raise CannotCancel(scheduled_calls.ONE_CALL)
    fitting = [
        entry
        for entry in found
        if line.connection in {None, entry.connection} and line.agent in {None, entry.agent}
    ]
    match fitting:
        case [entry]:
            return entry
        case []:
            raise CannotCancel(scheduled_calls.no_call(_to(line)))
        case _:
            raise CannotCancel(scheduled_calls.several_calls(_to(line), _listed(fitting, zone, now)))


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
        cancels = {Kind.PLACE_CALL, Kind.CANCEL_CALL} <= through.kinds
        raise CannotCancel(scheduled_calls.cannot_move(entry.connection, cancels=cancels))
    if entry.scheduled_for == line.at:
        raise CannotCancel(scheduled_calls.then_already(entry.id))
    if through.cancels_by == "number":
        if beside:
            others = _listed(beside, zone, now)
            raise CannotCancel(scheduled_calls.takes_others_along(entry.connection, others))
        cancel = CancelCall(target=NumberRef(agent=entry.action.agent, to=entry.action.to))
    else:
        cancel = CancelCall(target=CallRef(call_id=entry.reference or ""))
    again = entry.action.model_copy(update={"at": line.at})
    return Wish(
        entry.connection, (cancel,), line.reason or scheduled_calls.MOVED, moves=Moved(entry.id, again)
    )


def _to(line: Line) -> str:
    match line.targets[0]:
        case NumberTarget(phone=phone):
            return scheduled_calls.to_number(phone.pretty)
        case IdTarget(provider_id=named):
            return scheduled_calls.with_id(named)


def _listed(entries: Sequence[LogEntry], zone: str, now: datetime) -> str:
    """Calls by their ids and times, as one says them."""
    return ", ".join(
        f"{entry.id} {clock(entry.scheduled_for, zone=zone, now=now)}"
        for entry in entries
        if entry.scheduled_for
    )

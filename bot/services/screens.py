"""Decides when the answer that a requester sees has to change, and whether it shows the end."""

from datetime import datetime

from providers.actions import Code
from storage.models import ActionRecord, Cancelled, Request
from storage.states import State
from storage.store import Store

_UNDER_WAY = frozenset({State.APPROVED, State.SENDING})
_OPEN = frozenset({State.PENDING, State.APPROVED, State.SENDING, State.UNKNOWN})


def stage(request: Request) -> str:
    """Return what an answer about a request shows, as a key that changes with its words."""
    parts = [_stage(request, record) for record in request.actions]
    parts += [f"then {request.followed_by.state}"] if request.followed_by else []
    parts += ["cancelled"] if request.cancelled else []
    parts += (
        [f"then {request.cancelled.second.state}"] if request.cancelled and request.cancelled.second else []
    )
    return ", ".join(parts)


def _stage(request: Request, record: ActionRecord) -> str:
    """Return the stage of one target. A first attempt has one, from the request until its answer."""
    if record.state not in _UNDER_WAY:
        return str(record.state)
    again = record.attempt > (1 if record.state is State.SENDING else 0)
    return "waiting" if again or request.waits_for or request.paused_by else "sending"


def has_ended(request: Request) -> bool:
    """Return whether every target has its end, and the second step of a reschedule, too."""
    states = {record.state for record in request.actions}
    if request.reschedules and states == {State.SUCCEEDED}:
        return request.followed_by is not None and request.followed_by.state not in _OPEN
    return not states & _OPEN


def may_change(request: Request) -> bool:
    """Return whether an answer may still change: a scheduled call can be cancelled or moved after its end."""
    scheduled = any(record.code is Code.SCHEDULED for record in request.actions)
    return not has_ended(request) or (scheduled and not _is_gone(request.cancelled))


def _is_gone(cancelled: Cancelled | None) -> bool:
    """Return whether a call was cancelled, and the second step ended if that was for a move."""
    if cancelled is None or not cancelled.moved:
        return cancelled is not None
    return cancelled.second is not None and cancelled.second.state not in _OPEN


async def ends_unseen(store: Store, request: Request, now: datetime) -> bool:
    """Return whether no answer shows the end of a request, so that its requester gets a direct message."""
    if request.approvals_needed > 0 or len(request.actions) > 1:
        return True
    return not request.stop and not await store.screens.is_followed(request.id, now)

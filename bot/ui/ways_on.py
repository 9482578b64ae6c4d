"""The next steps after a request, as buttons and as entries of the menu ⋯ on its audit message."""

from bot.services.screens import stage
from bot.slack.blocks import Block, button, overflow
from bot.text import vocabulary
from bot.text.vocabulary import TRY_AGAIN, WITHDRAW_REQUEST
from bot.ui.request_status import moved_in_vain
from providers.actions import Code, Kind
from storage.models import ActionRecord, Request
from storage.states import State

WITHDRAW = "withdraw"
SHOW_STATUS = "follow_status"
CANCEL_THIS = "cancel_this"
MOVE_THIS = "move_this"
PLACE_AGAIN = "place_again"
"""Opens the filled form of a request that failed, or whose call was cancelled."""
DETAILS = "details"
MOVE = "Move…"
MENU = "menu"
"""The menu ⋯. The value of an entry is the action id of its button and a short id."""

_UNDER_WAY = frozenset({State.PENDING, State.APPROVED, State.SENDING})


def withdraw(request: Request) -> Block:
    """Return the button that withdraws a request."""
    return button(WITHDRAW_REQUEST, WITHDRAW, request.id, label=f"{WITHDRAW_REQUEST} {request.id}")


def show_status(request: Request) -> Block:
    """Return the button that replaces an answer with the request's present state."""
    label = f"Show the status of {request.id}"
    return button(vocabulary.SHOW_STATUS, SHOW_STATUS, request.id, label=label)


def can_be_withdrawn(request: Request) -> bool:
    """Return whether a request waits for an approval, a provider or another attempt."""
    if request.kind.is_list:
        return request.state is State.PENDING
    waits = {"pending", "waiting"}
    return not waits.isdisjoint(stage(request).split(", ")) and all(
        record.state in {State.PENDING, State.APPROVED} for record in request.actions
    )


def again(request: Request) -> str | None:
    """Return the button that opens the filled form of a request that came to nothing, or None."""
    if any(record.for_provider is None for record in request.actions) or request.stop:
        return None
    if moved_in_vain(request):
        return vocabulary.PLACE_AGAIN
    if request.second_step_of:
        return None
    if request.kind is Kind.PLACE_CALL and request.cancelled and not request.cancelled.moved:
        return vocabulary.PLACE_AGAIN
    if was_not_reached(request):
        return vocabulary.CALL_AGAIN
    return TRY_AGAIN if {record.state for record in request.actions} == {State.FAILED} else None


def was_not_reached(request: Request) -> bool:
    """Return whether a single call reached nobody, by its provider's report, and is not tried again."""
    [first, *others] = request.actions
    end, over = first.end, first.state is State.SUCCEEDED and not (others or request.cancelled)
    return over and end is not None and end.ending.reached is False and not end.again


def scheduled_call(request: Request) -> ActionRecord | None:
    """Return the request's scheduled call, if it has only one and that was not cancelled, else None."""
    first = request.actions[0]
    scheduled = first.state is State.SUCCEEDED and first.code is Code.SCHEDULED and first.action is not None
    scheduled = scheduled and (first.end is None or first.end.again)
    one_call = request.kind is Kind.PLACE_CALL and len(request.actions) == 1
    return first if one_call and scheduled and not request.cancelled else None


def change_call(call: ActionRecord, *, moves: bool) -> list[Block]:
    """Return the buttons to cancel a scheduled call and, if its connection ``moves`` calls, to move it."""
    move = button(MOVE, MOVE_THIS, call.id, label=f"Move the call {call.request}")
    return [_cancel_call(call), *([move] if moves else [])]


def _cancel_call(call: ActionRecord) -> Block:
    return button("Cancel call…", CANCEL_THIS, call.id, label=f"Cancel the call {call.request}")


def for_requester(request: Request) -> list[Block]:
    """Return the buttons in an answer that only the requester sees."""
    buttons = []
    before = {State.PENDING} if request.kind.is_list else {State.PENDING, State.APPROVED}
    if all(record.state in before for record in request.actions):
        buttons.append(withdraw(request))
    if call := scheduled_call(request):
        buttons.append(_cancel_call(call))
    if way := again(request):
        buttons.append(button(way, PLACE_AGAIN, request.id, label=f"{way.rstrip('…')}: {request.id}"))
    if request.state not in _UNDER_WAY:
        label = f"Details of {request.id}"
        buttons.append(button(vocabulary.DETAILS, DETAILS, request.id, label=label))
    return buttons


def menu(request: Request, *, cancels: bool) -> Block:
    """Return the menu ⋯ of an audit message. ``cancels`` is True if its connection can cancel calls."""
    entries = [(vocabulary.DETAILS, f"{DETAILS} {request.id}")]
    if cancels and (call := scheduled_call(request)):
        entries += [("Cancel this call…", f"{CANCEL_THIS} {call.id}"), (MOVE, f"{MOVE_THIS} {call.id}")]
    if way := again(request):
        entries.append((way, f"{PLACE_AGAIN} {request.id}"))
    return overflow(MENU, entries)

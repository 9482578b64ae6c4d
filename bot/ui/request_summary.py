"""Descriptions of a request: its targets, and what is done to them.

Numbers are masked, people's text is escaped, and times are in each reader's zone.
"""

from datetime import datetime

from bot.slack.blocks import cut
from bot.text.markup import escape, person, quote, when
from providers.actions import (
    CallRef,
    CancelCall,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from providers.phone import mask
from storage.models import ActionRecord, Request

ERASED_NUMBER = "a number that was erased"
OF_CALLS = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
MAX_NAME = 150
"""Characters of a campaign's name."""
_VERBS = {
    Kind.PLACE_CALL: "place",
    Kind.CANCEL_CALL: "cancel",
    Kind.DELETE_CAMPAIGN: "delete",
    Kind.STOP_CAMPAIGN: "stop",
    Kind.START_CAMPAIGN: "start",
}
PLURALS = {kind: "calls" if kind in OF_CALLS else "campaigns" for kind in Kind}
WARNING = {Kind.START_CAMPAIGN: ", which calls people"}
"""The warning after a task that was not done yet."""


def target(entry: ActionRecord) -> str:
    """Return the target of an action, as people read it in channels."""
    match entry.action:
        case PlaceCall(to=to):
            return f"a call to {mask(to)}"
        case CancelCall(target=NumberRef(agent=agent, to=to)):
            return f"the scheduled calls of agent {escape(agent)} to {mask(to)}"
        case CancelCall(target=CallRef(call_id=call_id)):
            return f"call `{call_id}`"
        case DeleteCampaign(target=to) | StopCampaign(target=to) | StartCampaign(target=to):
            return f"campaign {_named(entry)}`{to.campaign_id}`"
        case _:  # only the id is left of an erased target
            return f"`{entry.target_id}`" if entry.target_id else ERASED_NUMBER


def one_call(entry: ActionRecord) -> str:
    """Return the call of a reschedule, even if cancelling it goes by number."""
    match entry.action:
        case CancelCall(target=NumberRef(to=to)):
            return f"the call to {mask(to)}"
        case _:
            return target(entry)


def _named(entry: ActionRecord) -> str:
    """Return the target's name as the provider gave it, without backticks, or an empty text."""
    return f"{quote(cut(entry.known_as.replace('`', ''), MAX_NAME))} " if entry.known_as else ""


def is_named_whole(entry: ActionRecord) -> bool:
    """Return whether the whole name of a campaign is shown."""
    return len(entry.known_as or "") <= MAX_NAME


def reported_call_time(request: Request) -> datetime | None:
    """Return when the first call goes out, by the log or else by the requester. None if unknown."""
    known = [entry.scheduled_for for entry in request.entries if entry.scheduled_for]
    return min(known) if known else request.reported_call_time


def task(request: Request) -> str:
    """Return the task of a request, with its target or the number of targets."""
    return f"{'move' if request.new_time else _VERBS[request.kind]} {aimed_at(request)}"


def aimed_at(request: Request) -> str:
    """Return the target or the number of targets. For a reschedule, add the old and the new time."""
    first = request.entries[0]
    if request.new_time:
        at = reported_call_time(request)
        out_of = f" from {when(at)}" if at else ""
        return f"{one_call(first)}{out_of} to {when(request.new_time)}"
    if len(request.entries) == 1:
        return target(first)
    if isinstance(first.action, CancelCall) and first.target_id is None:
        return f"the scheduled calls to {len(request.entries)} numbers"
    return f"{len(request.entries)} {PLURALS[request.kind]}"


def one_task(request: Request, entry: ActionRecord) -> str:
    """Return the task for one target. For a reschedule, it is the first step."""
    return f"{_VERBS[entry.kind]} {one_call(entry) if request.reschedules else target(entry)}"


def spec_summary(request: Request) -> str:
    """Return the requester and the task as a sentence."""
    return f"{person(request.requester)} asks to {task(request)}{WARNING.get(request.kind, '')}."

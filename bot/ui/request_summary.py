"""What a request asks for, in words: its targets, and what is to be done to them. Pure.

Numbers are masked, people's words are escaped, and times are in each reader's own zone.
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
"""Characters of a name that somebody gave a campaign."""
_VERBS = {
    Kind.PLACE_CALL: "place",
    Kind.CANCEL_CALL: "cancel",
    Kind.DELETE_CAMPAIGN: "delete",
    Kind.STOP_CAMPAIGN: "stop",
    Kind.START_CAMPAIGN: "start",
}
PLURALS = {kind: "calls" if kind in OF_CALLS else "campaigns" for kind in Kind}
WARNING = {Kind.START_CAMPAIGN: ", which calls people"}
"""What is said with a task before it is done."""


def target(entry: ActionRecord) -> str:
    """What an entry is aimed at, as people read it in channels."""
    match entry.action:
        case PlaceCall(to=to):
            return f"a call to {mask(to)}"
        case CancelCall(target=NumberRef(agent=agent, to=to)):
            return f"the scheduled calls of agent {escape(agent)} to {mask(to)}"
        case CancelCall(target=CallRef(call_id=call_id)):
            return f"call `{call_id}`"
        case DeleteCampaign(target=to) | StopCampaign(target=to) | StartCampaign(target=to):
            return f"campaign {_named(entry)}`{to.campaign_id}`"
        case _:  # erased: only what is no personal data is left
            return f"`{entry.target_id}`" if entry.target_id else ERASED_NUMBER


def one_call(entry: ActionRecord) -> str:
    """The one call that is moved, where cancelling it aims at a number."""
    match entry.action:
        case CancelCall(target=NumberRef(to=to)):
            return f"the call to {mask(to)}"
        case _:
            return target(entry)


def _named(entry: ActionRecord) -> str:
    """What people call a target, where its provider said so; never anything that looks like an id."""
    return f"{quote(cut(entry.known_as.replace('`', ''), MAX_NAME))} " if entry.known_as else ""


def is_named_whole(entry: ActionRecord) -> bool:
    """Whether people read the whole name of a campaign, and not its beginning."""
    return len(entry.known_as or "") <= MAX_NAME


def reported_call_time(request: Request) -> datetime | None:
    """When the first of its calls goes out, as the log knows, or else as the requester says."""
    known = [entry.scheduled_for for entry in request.entries if entry.scheduled_for]
    return min(known) if known else request.reported_call_time


def task(request: Request) -> str:
    """What is asked for: to do what, to which target, or to how many."""
    return f"{'move' if request.new_time else _VERBS[request.kind]} {aimed_at(request)}"


def aimed_at(request: Request) -> str:
    """What it is done to: one target, or how many; of a move also from when, and to when."""
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
    """What is asked for of one target; of a move, its first step."""
    return f"{_VERBS[entry.kind]} {one_call(entry) if request.reschedules else target(entry)}"


def spec_summary(request: Request) -> str:
    """Who asks for what."""
    return f"{person(request.requester)} asks to {task(request)}{WARNING.get(request.kind, '')}."

"""Descriptions of a request: its targets, and what is done to them.

Numbers are masked, people's text is escaped, and times are in each reader's zone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.policy.timezones import spread
from bot.services.pending import number_of
from bot.slack.blocks import cut
from bot.text.clocks import time_of_day
from bot.text.formatting import counted
from bot.text.markup import escape, person, quote, when
from providers import phone
from providers.actions import (
    CallList,
    CallRef,
    CancelCall,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from providers.masking import NO_REGION
from providers.phone import mask
from storage.models import ActionRecord, Event, Request

ERASED_NUMBER = "an erased number"
OF_CALLS = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
MAX_NAME = 150
"""Characters of a campaign's name."""
_DECISIONS = {
    "approved": "Approved",
    "denied": "Denied",
    "withdrawn": "Withdrawn",
    "happened": "Outcome recorded",
    "did_not_happen": "Outcome recorded",
    "retry_requested": "Sent again",
}
"""Events that record a person's decision about a request."""
_VERBS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.PLACE_CALL: ("place", "Placing"),
    Kind.CANCEL_CALL: ("cancel", "Cancelling"),
    Kind.DELETE_CAMPAIGN: ("delete", "Deleting"),
    Kind.STOP_CAMPAIGN: ("stop", "Stopping"),
    Kind.START_CAMPAIGN: ("start", "Starting"),
    Kind.PLACE_LIST: ("place", "Placing"),
    Kind.CANCEL_LIST: ("cancel", "Cancelling"),
}
_MOVE: Final = ("move", "Moving")
_PLURALS: Final = {kind: "call" if kind in OF_CALLS else "campaign" for kind in Kind}
WARNING = {Kind.START_CAMPAIGN: " (this calls people)"}
"""The warning after a task that was not done yet."""


def target(record: ActionRecord) -> str:
    """Return the target of an action, as people read it in channels."""
    match record.action:
        case PlaceCall(to=to):
            return f"call to {mask(to)}"
        case CancelCall(target=NumberRef(to=to)):
            return f"all calls to {mask(to)}"
        case CancelCall(target=CallRef(call_id=call_id)):
            to = f" to {escape(record.known_as)}" if record.known_as else ""
            return f"call `{call_id}`{to}"
        case DeleteCampaign(target=to) | StopCampaign(target=to) | StartCampaign(target=to):
            return f"campaign {_named(record)}`{to.campaign_id}`"
        case CallList(rows=rows, name=name):
            return f"{counted(rows, 'call')} from the list {quote(name)}"
        case _:  # only the id is left of an erased target
            erased = "the calls of an erased list" if record.kind.is_list else ERASED_NUMBER
            return f"`{record.target_id}`" if record.target_id else erased


def in_short(record: ActionRecord) -> str:
    """Return one of several targets: its number or its id."""
    number = number_of(record.action)
    return mask(number) if number else target(record)


def one_call(record: ActionRecord) -> str:
    """Return the call of a reschedule, even if cancelling it goes by number."""
    number = number_of(record.action)
    return f"call to {mask(number)}" if number else target(record)


def _named(record: ActionRecord) -> str:
    """Return the target's name as the provider gave it, without backticks, or an empty text."""
    return f"{quote(cut(record.known_as.replace('`', ''), MAX_NAME))} " if record.known_as else ""


def is_named_whole(record: ActionRecord) -> bool:
    """Return whether the whole name of a campaign is shown."""
    return len(record.known_as or "") <= MAX_NAME


def is_known(record: ActionRecord) -> bool:
    """Return whether a call to be cancelled is known to exist: by the log, or by its provider's look-up."""
    return record.scheduled_for is not None or record.lookup_found is True


def confirmed_in_vain(request: Request, record: ActionRecord) -> bool:
    """Return whether a cancellation by number is confirmed, though no call to the number was known.

    The provider confirms it even if it had nothing to cancel. A stop cancels whatever there may be, and its
    preview named the known calls.
    """
    by_number = isinstance(record.action, CancelCall) and isinstance(record.action.target, NumberRef)
    return by_number and not (request.reschedules or request.stop or is_known(record))


def reported_call_time(request: Request) -> datetime | None:
    """Return when the first call goes out: by the log, else by the provider, else by the requester."""
    known = [at for record in request.actions if (at := record.scheduled_for or record.lookup_call_time)]
    return min(known) if known else request.reported_call_time


def for_the_customer(record: ActionRecord, at: datetime) -> str:
    """Return a time on the clock of the called number, or an empty text if its zones differ."""
    number = number_of(record.action)
    if number is None:
        return ""
    try:
        zones = phone.read(number, default_region=NO_REGION, premium=True).time_zones
    except phone.InvalidNumberError:
        return ""
    return f" ({time_of_day(at, zones[0])})" if zones and not spread(zones, at) else ""


def task(request: Request) -> str:
    """Return the task of a request, with its target or the number of targets."""
    verb, _ = _MOVE if request.new_time else _VERBS[request.kind]
    return f"{verb} {_one(request)}{aimed_at(request)}"


def doing(request: Request) -> str:
    """Return the task of a request that is under way, such as "Placing a call to …"."""
    _, verb = _MOVE if request.new_time else _VERBS[request.kind]
    return f"{verb} {_one(request)}{aimed_at(request)}"


def aimed_at(request: Request) -> str:
    """Return the target or the number of targets. For a reschedule, add the old and the new time."""
    first = request.actions[0]
    if request.new_time:
        at = reported_call_time(request)
        out_of = f" from {when(at)}" if at else ""
        return f"{one_call(first)}{out_of} to {when(request.new_time)}"
    if len(request.actions) == 1:
        return target(first)
    if isinstance(first.action, CancelCall) and first.target_id is None:
        return f"all calls to {len(request.actions)} numbers"
    return counted(len(request.actions), _PLURALS[request.kind])


def one_task(request: Request, record: ActionRecord) -> str:
    """Return the task for one target. For a reschedule, it is the first step."""
    verb, _ = _VERBS[record.kind]
    aim = one_call(record) if request.reschedules else target(record)
    return f"{verb} {_article(record.kind, aim)}{aim}"


def voice_agents(request: Request) -> str:
    """Return the names of the voice agents of a request, or an empty text."""
    return ", ".join(sorted({escape(record.agent) for record in request.actions if record.agent}))


def _one(request: Request) -> str:
    """Return the article before the target of a request, if it needs one."""
    return _article(request.kind, aimed_at(request))


def _article(kind: Kind, aim: str) -> str:
    if not aim.startswith("call to"):
        return ""
    return "a " if kind is Kind.PLACE_CALL else "the "


def decided(events: Sequence[Event]) -> list[str]:
    """Return who decided a request last, and when, or nothing if nobody did."""
    last = next((event for event in reversed(events) if event.name in _DECISIONS), None)
    return [f"{_DECISIONS[last.name]} by {person(last.actor)}, {when(last.at)}."] if last else []

"""The facts for the person who decides a request: time, reason, whether it can be undone, and the effect.

Numbers are masked, except for people who may see them in full. People's text is escaped, and times are in
each reader's zone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.services.pending import number_of
from bot.slack.blocks import excerpt
from bot.text import vocabulary
from bot.text.formatting import counted
from bot.text.markup import escape, person, quote, when
from bot.ui.request_summary import (
    OF_CALLS,
    for_the_customer,
    is_known,
    reported_call_time,
    target,
    task,
    voice_agents,
)
from providers import phone
from providers.actions import CallList, Kind, PlaceCall
from providers.masking import NO_REGION
from providers.phone import mask
from storage.models import ActionRecord, Request

CANNOT_BE_UNDONE = "This can't be undone."
IRREVERSIBLE = frozenset({Kind.DELETE_CAMPAIGN})
"""Actions that cannot be undone. Approvers must type the campaign's id or name."""
MAX_HOURS = 8
"""Hours of a call list that are counted one by one."""
MAX_ALIKE = 3
"""Requests with a similar number that are named. More would hide what is to be decided."""
CLOSE = timedelta(hours=1)
"""If a deadline is less than this before the call, the text says how many minutes before."""
EARLIER = "An earlier attempt may have worked: check the provider"
"""The note on an action whose outcome was unknown before it ended without another attempt."""
UNKNOWN_CALL = "No scheduled call known. If one exists, it goes out."
_LEFT_ALONE: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "Nobody is called",
    Kind.CANCEL_CALL: "If a call is scheduled, it goes out",
    Kind.DELETE_CAMPAIGN: "The campaign stays",
    Kind.STOP_CAMPAIGN: "The campaign stays as it is",
    Kind.START_CAMPAIGN: "The campaign doesn't start",
    Kind.PLACE_LIST: "Nobody is called",
    Kind.CANCEL_LIST: "The calls go out",
}
_CONSEQUENCES: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "You can cancel the call until it goes out.",
    Kind.CANCEL_CALL: "Someone would have to place the call again.",
    Kind.DELETE_CAMPAIGN: f"*{CANNOT_BE_UNDONE}* The log keeps a record of the campaign.",
    Kind.STOP_CAMPAIGN: "You can start the campaign again.",
    Kind.START_CAMPAIGN: "You can stop the campaign, but the people it called were called.",
    Kind.PLACE_LIST: "Calls go out one after another. You can pause the list, or stop the rest.",
    Kind.CANCEL_LIST: "Someone would have to place the calls again.",
}


def facts_to_decide(request: Request) -> list[tuple[str, str]]:
    """Return the facts for a decision, as pairs of name and value."""
    first = request.actions[0]
    by = f"{person(request.requester)}, {when(request.asked_at)}"
    facts = [(vocabulary.REQUESTED_BY, by)]
    if first.kind in OF_CALLS:
        facts.append((vocabulary.CALL_TIME, _going_out(request)))
    if request.new_time:
        then = f"{when(request.new_time)}{for_the_customer(first, request.new_time)}"
        facts.append((vocabulary.NEW_TIME, then))
    facts += list_facts(first.action) if isinstance(first.action, CallList) else []
    facts += [(vocabulary.REASON, quote(request.reason) if request.reason else "None given"), *_said(request)]
    if request.decide_by:
        until = f"{when(request.decide_by)}{_why_then(request, request.decide_by)}"
        facts.append((vocabulary.DECIDE_BY, f"{until}{_or_else(left_alone(request, first))}"))
    return facts


def list_facts(asked: CallList) -> list[tuple[str, str]]:
    """Return the facts about a call list: its rows by country and hour, its first numbers, and its hash."""
    countries = ", ".join(f"{country}: {count:,}" for country, count in asked.countries.items())
    hours = [
        f"{when(datetime.fromisoformat(hour)) if hour else 'As soon as possible'}: {count:,}"
        for hour, count in asked.hours.items()
    ]
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in asked.skipped.items())
    facts = [
        ("Calls", f"{asked.rows:,}"),
        ("Countries", countries),
        (vocabulary.VOICE_AGENT, ", ".join(f"{escape(name)}: {n:,}" for name, n in asked.agents.items())),
        ("Call times", "\n".join(excerpt(hours, "… and {} more hours", most=MAX_HOURS))),
        ("First numbers", ", ".join(asked.sample)),
        ("Left out", skipped),
        ("Wait for calling hours", f"{asked.closed:,}" if asked.closed else ""),
        ("SHA-256 of the file", f"`{asked.sha256}`"),
        (f"{vocabulary.UNKNOWN} Same file as in", ", ".join(asked.before)),
    ]
    return [(name, value) for name, value in facts if value]


def consequence(request: Request) -> str:
    """Return what an approval does, as a sentence or two, and whether it can be undone."""
    first = request.actions[0]
    if request.reschedules:
        return "The call can be moved again until it goes out."
    if first.kind is Kind.PLACE_CALL and reported_call_time(request) is None and not request.paused_by:
        return "The call goes out immediately, so nobody can undo it."
    if first.kind is Kind.CANCEL_CALL and first.target_id is None:
        whose = f"{voice_agents(request)} has" if voice_agents(request) else "is"
        return f"Cancels *every* call {whose} scheduled to this number. You'd have to place them again."
    return _CONSEQUENCES[first.kind]


def call_options(action: PlaceCall, zone: str | None = None) -> list[tuple[str, str]]:
    """Return the options that a call sets. ``zone`` is the one of its times of day."""
    gap = ", ".join(map(str, action.gap)) if isinstance(action.gap, tuple) else action.gap
    window = " to ".join(filter(None, [action.earliest, action.latest]))
    if action.earliest and not action.latest:
        window = f"from {action.earliest}"
    elif action.latest and not action.earliest:
        window = f"until {action.latest}"
    where = f" ({zone})" if window and zone else ""
    next_day = ", else the next day" if action.carry_over else ""
    apart = f", {gap} min apart" if gap else ""
    said = {
        "Retries": "" if action.retries is None else f"{action.retries}{apart}",
        "Only": f"{window}{where}{next_day}" if window else "",
        "Language": action.language or "",
        "Priority": "" if action.priority is None else str(action.priority),
        "Batch": escape(action.batch or ""),
    }
    return [(name, value) for name, value in said.items() if value]


def placed_with(request: Request) -> list[tuple[str, str]]:
    """Return how a call would be placed, for its approver. Data for the agent is given by name only."""
    action = request.actions[0].action
    if not isinstance(action, PlaceCall):
        return []
    names = ", ".join(map(escape, action.metadata or {}))
    return call_options(action) + ([("Data for the voice agent", names)] if names else [])


def _said(request: Request) -> list[tuple[str, str]]:
    """Return the purpose, the consent and the time zone of a call, where they were given."""
    said = {
        vocabulary.PURPOSE: request.purpose,
        vocabulary.CONSENT: request.consent,
        "Customer's time zone": request.zone,
    }
    return [(name, quote(value)) for name, value in said.items() if value]


def _going_out(request: Request) -> str:
    at = reported_call_time(request)
    if at is None:
        return "Now" if request.kind is Kind.PLACE_CALL else UNKNOWN_CALL
    several = len({record.scheduled_for for record in request.actions}) > 1
    first = "The first one: " if several else ""
    return f"{first}{when(at)}{for_the_customer(request.actions[0], at)}{as_said(request)}"


def as_said(request: Request) -> str:
    """Return who reported the call's time, or an empty text if the log knows the time itself."""
    if any(record.scheduled_for for record in request.actions):
        return ""
    if any(record.lookup_call_time for record in request.actions):
        return ", the provider says"
    return "" if request.reported_call_time is None else f", {person(request.requester)} says"


def _why_then(request: Request, end: datetime) -> str:
    """Return how long before the call the deadline is, or an empty text if it is not close to it."""
    at = reported_call_time(request)
    if at is None or not timedelta(0) < at - end < CLOSE:
        return ""
    minutes = max(1, round((at - end) / timedelta(minutes=1)))
    return f", {minutes} min before the call"


def not_found(request: Request) -> list[str]:
    """Return a warning for each target that its provider does not have."""
    several = len(request.actions) > 1
    return [
        f"⚠️ {f'{target(record)}: the' if several else 'The'} provider has no such "
        f"{'call' if record.kind in OF_CALLS else 'campaign'}. Check the ID before you approve."
        for record in request.actions
        if record.looked_up and record.lookup_found is False
    ]


def unlike(request: Request, alike: Sequence[ActionRecord]) -> list[str]:
    """Return what tells a request from pending ones whose masked numbers look the same."""
    more = len(alike) - MAX_ALIKE
    return [
        f"⚠️ *Not the same number* as in {other.request}, though both read {_masked(other)}. "
        f"That one was requested {when(other.asked_at)}"
        + (f", voice agent {escape(other.agent)}" if other.agent else "")
        + (f", call time {when(other.scheduled_for)}" if other.scheduled_for else "")
        + f". This one is {request.id}."
        for other in alike[:MAX_ALIKE]
    ] + ([f"⚠️ {counted(more, 'more target')} of other requests read the same."] if more > 0 else [])


def _masked(record: ActionRecord) -> str:
    number = number_of(record.action)
    return mask(number) if number else "the same"


def full_numbers(request: Request) -> list[str]:
    """Return every number of a request in full, for a person who may see them. No other function does."""
    shown = []
    for number in filter(None, (number_of(record.action) for record in request.actions)):
        try:
            known = phone.read(number, default_region=NO_REGION, premium=True)
            shown.append(f"• {known.pretty} ({known.country})")
        except phone.InvalidNumberError:
            shown.append(f"• {number}")
    return shown


def reminder(request: Request) -> str:
    """Return the reminder of a pending request: its deadline, and the effect if nobody decides."""
    until = f"Expires {when(request.decide_by)}" if request.decide_by else "Still waiting"
    follows = left_alone(request, request.actions[0])
    return f"{vocabulary.WAITING} *{until}* · {task(request)}\n{follows}, unless someone approves this."


def left_alone(request: Request, record: ActionRecord) -> str:
    """Return the effect on the customer or the campaign if nothing is sent."""
    if record.maybe_executed:
        return EARLIER
    if request.reschedules:
        return "The call goes out at its old time"
    known = record.kind is Kind.CANCEL_CALL and is_known(record)
    return "The call goes out" if known else _LEFT_ALONE[record.kind]


def _or_else(follows: str) -> str:
    """Return the effect of a missed deadline, as the end of its field. The call's own field has a doubt."""
    return "" if follows.startswith("If") else f", or {follows[0].lower()}{follows[1:]}"

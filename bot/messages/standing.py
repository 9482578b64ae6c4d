"""How a request stands, in words: the sentences that every message about it is made of. Pure.

Numbers are masked, people's words are escaped, and times are in each reader's own zone.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.beside import number_of
from bot.blocks import Message, cut, escape, person, quote, section, when
from bot.messages import outages, outcomes
from providers import phone
from providers.actions import (
    CallRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from providers.phone import mask
from storage.entries import Cancelled, Event, Followed, LogEntry, Request, call_time
from storage.lifecycle import State

DRY_RUN = "🧪 *Dry run: nothing is sent.*"
CANNOT_BE_UNDONE = "This cannot be undone."
IRREVERSIBLE = frozenset({Kind.DELETE_CAMPAIGN})
"""What nothing brings back: whoever approves it types its id or its name."""
OF_CALLS = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
NO_REGION = "ZZ"
"""CLDR's unknown region: numbers in the log begin with their country's code."""
MAX_ALIKE = 3
"""Look-alikes that are named: more would hide what is to be decided."""
MAX_NAME = 80
"""Characters of a name that somebody gave a campaign."""

_DECISIONS = {
    "approved": "Approved",
    "denied": "Denied",
    "withdrawn": "Taken back",
    "happened": "Settled",
    "did_not_happen": "Settled",
    "ordered": "Ordered",
}
"""Events that are a person's decision about a request."""


def trial(request: Request) -> list[str]:
    """What is said first of all where a request only tries things out."""
    return [DRY_RUN] if request.mode == "dry-run" else []


def marked(request: Request, message: Message) -> Message:
    """A message about a request, in which a dry run is said first."""
    if not trial(request):
        return message
    first, *others = message.blocks
    told = section(f"{DRY_RUN}\n{first['text']['text']}")
    return Message(f"{DRY_RUN} {message.text}", [told, *others])


def facts_to_decide(request: Request) -> list[tuple[str, str]]:
    """What somebody who decides should know, fact by fact."""
    first = request.entries[0]
    facts = [("When it would go out", _going_out(request))] if first.kind in OF_CALLS else []
    if request.moves_to:
        facts.append(("It would go out instead", when(request.moves_to)))
    facts += [
        ("Why", quote(request.reason) if request.reason else "No reason given"),
        *_said(request),
        ("Can it be undone", _MOVABLE if request.moves else _undoable(first)),
    ]
    if request.decide_by:
        until = f"Time runs out {when(request.decide_by)}{_why_then(request, request.decide_by)}."
        facts.append(("If nobody decides", f"{until} {left_alone(first)}."))
    return facts


def _said(request: Request) -> list[tuple[str, str]]:
    """What was said of a call to be placed besides why."""
    said = {"What for": request.purpose, "Consent": request.consent, "Their time zone": request.zone}
    return [(name, quote(value)) for name, value in said.items() if value]


def goes_out(request: Request) -> datetime | None:
    """When the first of its calls goes out, as the log knows, or else as the requester says."""
    known = [entry.scheduled_for for entry in request.entries if entry.scheduled_for]
    return min(known) if known else request.goes_out


def _going_out(request: Request) -> str:
    at = goes_out(request)
    if at is None:
        return "Now" if request.kind is Kind.PLACE_CALL else "Not known here"
    return f"{when(at)}{_as_said(request)}"


def _as_said(request: Request) -> str:
    """By whom a time is known, where the log does not know it."""
    known = any(entry.scheduled_for for entry in request.entries)
    return "" if known or request.goes_out is None else f", as {person(request.requester)} says"


CLOSE = timedelta(hours=1)
"""A deadline that is nearer than this to its call is told by it."""


def _why_then(request: Request, end: datetime) -> str:
    """What the deadline has to do with the call, where it is close to it."""
    at = goes_out(request)
    if at is None or not timedelta(0) < at - end < CLOSE:
        return ""
    minutes = max(1, round((at - end) / timedelta(minutes=1)))
    return f", {minutes} min before the call goes out"


def unsighted(request: Request) -> list[str]:
    """A warning for each target that its provider says it does not have."""
    several = len(request.entries) > 1
    return [
        f"⚠️ {f'{target(entry)}: the' if several else 'The'} provider says that it has no such "
        f"{'call' if entry.kind in OF_CALLS else 'campaign'}. Compare the id before you approve."
        for entry in request.entries
        if entry.looked_up and entry.sighted is False
    ]


def unlike(request: Request, alike: Sequence[LogEntry]) -> list[str]:
    """What tells a request from others that wait and whose masked numbers read the same."""
    return [
        f"⚠️ This is not the same number as in `{other.request}`, though both read {_masked(other)}. "
        f"That one was asked {when(other.asked_at)}"
        + (f", agent {escape(other.agent)}" if other.agent else "")
        + (f", and goes out {when(other.scheduled_for)}" if other.scheduled_for else "")
        + f". This one is `{request.id}`."
        for other in alike[:MAX_ALIKE]
    ]


def _masked(entry: LogEntry) -> str:
    number = number_of(entry.action)
    return mask(number) if number else "the same"


def full_numbers(request: Request) -> list[str]:
    """Every number of a request in full, for somebody who may see them: nothing else of ours shows these."""
    shown = []
    for number in filter(None, (number_of(entry.action) for entry in request.entries)):
        try:
            known = phone.read(number, default_region=NO_REGION, premium=True)
            shown.append(f"• {known.pretty} ({known.country})")
        except phone.PhoneFault:
            shown.append(f"• {number}")
    return shown


def reminder(request: Request) -> str:
    """That a request still waits, until when, and what follows if it goes on waiting."""
    until = f" *Time runs out {when(request.decide_by)}.*" if request.decide_by else ""
    return f"⏰ *Still waiting.*{until} {wish(request)} If nobody decides: {left_alone(request.entries[0])}."


def standing(request: Request) -> str:
    """How a request stands, as a sentence or two."""
    first = request.entries[0]
    if len(request.entries) == 1:
        return _SENTENCES[request.state](request, first)
    states = [entry.state for entry in request.entries]
    said = [word(entry) for entry in request.entries]
    if len(set(states)) == 1 and states[0] in {State.PENDING, State.DENIED, State.EXPIRED, State.WITHDRAWN}:
        return _SENTENCES[states[0]](request, first)
    order = [*WORDS.values(), "tried out"]
    told = ", ".join(f"{said.count(one)} {one}" for one in sorted(set(said), key=order.index))
    mark = "✅" if set(said) == {"tried out"} else _MARKS[request.state]
    waits = f" Waits: {held_up(request)}." if held_up(request) else ""
    return f"{mark} *{person(request.requester)} asked to {_task(request)}:* {told}.{waits}"


def held_up(request: Request) -> str | None:
    """What holds up all that is approved of a request, and until when; None: nothing that holds longest."""
    held = request.waits_for
    later = [entry.not_before for entry in request.entries if entry.state is State.APPROVED]
    if held is None or not later or all(at is not None and at > held.until for at in later):
        return None
    return outages.why_waiting(held)


def passed(request: Request) -> str:
    """What was approved and has not ended: true whenever it is read, as a card may be behind."""
    told = f"*Approved:* {_task(request)}, for {person(request.requester)}."
    waits = f" Waits: {held_up(request)}." if held_up(request) else ""
    return f"⏳ {told}{waits} The audit channel shows what comes of it."


def already(request: Request, events: Sequence[Event]) -> list[str]:
    """How a request stands, and who decided it and when: for somebody who comes too late."""
    decided = next((event for event in reversed(events) if event.name in _DECISIONS), None)
    by = [f"{_DECISIONS[decided.name]} by {person(decided.actor)}, {when(decided.at)}."] if decided else []
    return [standing(request), *by]


def target(entry: LogEntry) -> str:
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
            return f"`{entry.target_id}`" if entry.target_id else "a number that was erased"


def one_call(entry: LogEntry) -> str:
    """The one call that is moved, where cancelling it aims at a number."""
    match entry.action:
        case CancelCall(target=NumberRef(to=to)):
            return f"the call to {mask(to)}"
        case _:
            return target(entry)


def _named(entry: LogEntry) -> str:
    """What people call a target, where its provider said so; never anything that looks like an id."""
    return f"{quote(cut(entry.known_as.replace('`', ''), MAX_NAME))} " if entry.known_as else ""


def word(entry: LogEntry, *, cancelled: bool = False) -> str:
    """An entry's state in people's words; ``cancelled``: a call that was placed, and is cancelled since."""
    if cancelled:
        return "cancelled"
    return "tried out" if entry.code is Code.DRY_RUN else WORDS[entry.state]


UNFINISHED = frozenset({State.PENDING, State.APPROVED, State.SENDING})
_MOVABLE = "It can be moved again, until it goes out"

WORDS = {
    State.PENDING: "waiting for approval",
    State.APPROVED: "about to be sent",
    State.SENDING: "being sent",
    State.SUCCEEDED: "done",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.REFUSED: "not sent",
    State.DENIED: "denied",
    State.WITHDRAWN: "taken back",
    State.EXPIRED: "ran out of time",
}
"""States in people's words."""

_MARKS = {
    State.PENDING: "⏳",
    State.APPROVED: "⏳",
    State.SENDING: "⏳",
    State.SUCCEEDED: "✅",
    State.FAILED: "❌",
    State.UNKNOWN: "❓",
    State.REFUSED: "🚫",
    State.DENIED: "🚫",
    State.WITHDRAWN: "↩️",
    State.EXPIRED: "⌛",
}

_VERBS = {
    Kind.PLACE_CALL: "place",
    Kind.CANCEL_CALL: "cancel",
    Kind.DELETE_CAMPAIGN: "delete",
    Kind.STOP_CAMPAIGN: "stop",
    Kind.START_CAMPAIGN: "start",
}
_DONE = {
    Kind.PLACE_CALL: "Accepted",
    Kind.CANCEL_CALL: "Cancelled",
    Kind.DELETE_CAMPAIGN: "Deleted",
    Kind.STOP_CAMPAIGN: "Stopped",
    Kind.START_CAMPAIGN: "Started",
}
_NOT_DONE = {
    Kind.PLACE_CALL: "Not placed",
    Kind.CANCEL_CALL: "Not cancelled",
    Kind.DELETE_CAMPAIGN: "Not deleted",
    Kind.STOP_CAMPAIGN: "Not stopped",
    Kind.START_CAMPAIGN: "Not started",
}
_PLURALS = {kind: "calls" if kind in OF_CALLS else "campaigns" for kind in Kind}


def _task(request: Request) -> str:
    if request.moves_to:
        at = goes_out(request)
        out_of = f" from {when(at)}" if at else ""
        return f"move {one_call(request.entries[0])}{out_of} to {when(request.moves_to)}"
    verb = _VERBS[request.kind]
    if len(request.entries) == 1:
        return f"{verb} {target(request.entries[0])}"
    if isinstance(request.entries[0].action, CancelCall) and request.entries[0].target_id is None:
        return f"{verb} the scheduled calls to {len(request.entries)} numbers"
    return f"{verb} {len(request.entries)} {_PLURALS[request.kind]}"


_WARNING = {Kind.START_CAMPAIGN: ", which calls people"}
"""What is said with a task before it is done."""


def wish(request: Request) -> str:
    """Who asks for what."""
    return f"{person(request.requester)} asks to {_task(request)}{_WARNING.get(request.kind, '')}."


def _pending(request: Request, _entry: LogEntry) -> str:
    return f"⏳ *Waiting for approval.* {wish(request)}"


def _approved(request: Request, entry: LogEntry) -> str:
    task, who = _task(request), person(request.requester)
    message = f" {entry.message}" if entry.message else ""
    if waits := held_up(request):
        return f"⏳ *Waits: {waits}:* {task}, for {who}.{message}"
    if entry.attempt:
        at = f" {when(entry.not_before)}" if entry.not_before else ""
        asked = ", as the provider asked" if at and entry.code is Code.RATE_LIMITED else ""
        return f"⏳ *Trying again{at}{asked}:* {task}.{message}"
    if entry.not_before:
        return f"⏳ *Waiting until {when(entry.not_before)}:* {task}, for {who}.{message}"
    return f"⏳ *About to be sent:* {task}{_WARNING.get(request.kind, '')}, for {who}."


def _sending(request: Request, _entry: LogEntry) -> str:
    return f"⏳ *Being sent:* {_task(request)}, for {person(request.requester)}."


def _succeeded(request: Request, entry: LogEntry) -> str:
    if request.moves:
        return _moved(request, entry)
    if request.cancelled:
        return _taken_away(request, entry, request.cancelled)
    return f"{_what_is_done(entry)}, for {person(request.requester)}. {entry.message or ''}".rstrip()


def _moved(request: Request, entry: LogEntry) -> str:
    """How a move stands whose first step is done."""
    second = request.followed_by
    to = f" {when(request.moves_to)}" if request.moves_to else ""
    whose = f"{one_call(entry)}, for {person(request.requester)}."
    again = f" `{second.id}`" if second and second.id else ""
    match second:
        case None:
            return f"⏳ *Cancelled, and about to be placed again for{to}:* {whose}"
        case Followed(state=State.SUCCEEDED):
            return f"✅ *Moved to{to}:* {whose} It was cancelled and placed again as{again}."
        case Followed(state=State.PENDING):
            return f"⏳ *Cancelled. Placing it again for{to} waits for approval:* {whose} See{again}."
        case Followed(state=State.APPROVED | State.SENDING):
            return f"⏳ *Cancelled, and being placed again for{to}:* {whose} See{again}."
        case Followed(state=State.UNKNOWN):
            return f"❓ *Cancelled. We do not know whether it was placed again for{to}:* {whose} See{again}."
        case _:
            why = f" {escape(second.message)}" if second.message else ""
            return f"❌ *Cancelled, but not placed again:* {whose}{why} *Nobody is called.*"


def _taken_away(request: Request, entry: LogEntry, cancelled: Cancelled) -> str:
    """How a call stands that was placed and then cancelled: where it is told, and what comes of it."""
    at = f", {when(entry.scheduled_for)}" if entry.scheduled_for else ""
    whose = f"{target(entry)}{at}, for {person(request.requester)}"
    if cancelled.moved:
        return f"↪️ *Cancelled, to place it anew:* {whose}. See `{cancelled.by}`."
    return f"🚫 *Cancelled:* {whose}. It does not go out. See `{cancelled.by}`."


def moved_in_vain(request: Request) -> bool:
    """Whether a call was cancelled to be moved, will not go out at all, and might be placed again."""
    second = request.followed_by
    if second is None or second.code == Code.COMPLIANCE_BLOCKED:
        return False
    return second.state not in {*UNFINISHED, State.SUCCEEDED, State.UNKNOWN}


def done(request: Request) -> str:
    """What was done, in short: of several targets, how many."""
    if request.cancelled:
        return _taken_away(request, request.entries[0], request.cancelled)
    finished = [entry for entry in request.entries if entry.state is State.SUCCEEDED]
    if len(request.entries) == 1 and finished:
        return f"{_what_is_done(finished[0])}."
    several = f"{len(finished)} of {len(request.entries)} {_PLURALS[request.kind]}"
    if request.kind is Kind.CANCEL_CALL and request.entries[0].target_id is None:
        several = f"the scheduled calls to {len(finished)} of {len(request.entries)} numbers"
    return f"✅ *{_DONE[request.kind]}:* {several}."


def _what_is_done(entry: LogEntry) -> str:
    how, at = _DONE[entry.kind], ""
    if entry.code is Code.SCHEDULED and entry.scheduled_for:
        how, at = "Scheduled", f", {when(entry.scheduled_for)}"
    elif entry.kind is Kind.CANCEL_CALL and entry.target_id is None:
        later = (entry.message or "").startswith(outcomes.ONLY_LATER_ONES)
        how = "Removed what was still to go out" if later else "Removed"
    return f"✅ *{how}:* {target(entry)}{at}"


def _failed(request: Request, entry: LogEntry) -> str:
    not_done = "Not moved" if request.moves else _NOT_DONE[entry.kind]
    return f"❌ *{not_done}:* {target(entry)}. {entry.message or ''}".rstrip()


def _unknown(request: Request, entry: LogEntry) -> str:
    return (
        f"❓ *We do not know whether it happened:* {_task(request)}, for {person(request.requester)}. "
        f"{entry.message or ''}"
    ).rstrip()


def _refused(request: Request, entry: LogEntry) -> str:
    if entry.code is Code.DRY_RUN:
        would = (entry.message or "").removeprefix("Dry run: nothing was sent. ")  # as the message begins
        return f"✅ *Tried out:* {_task(request)}, for {person(request.requester)}. {would}".rstrip()
    text = f"🚫 *Not sent:* {_task(request)}, for {person(request.requester)}. {entry.message or ''}".rstrip()
    return f"{text} {_EARLIER}." if entry.doubted else text


def _denied(request: Request, entry: LogEntry) -> str:
    decided = next((a for a in reversed(request.approvals) if a.decision == "deny"), None)
    by = f" by {person(decided.person)}" if decided else ""
    return f"🚫 *Denied{by}:* {_task(request)}. {left_alone(entry)}."


def _withdrawn(request: Request, entry: LogEntry) -> str:
    if entry.code is Code.COMPLIANCE_BLOCKED:
        return f"🛑 *Not sent:* {_task(request)}, asked by {person(request.requester)}. {entry.message}"
    text = f"↩️ *Taken back by {person(request.requester)}:* {_task(request)}."
    return f"{text} {_EARLIER}." if entry.doubted else text


def _expired(request: Request, entry: LogEntry) -> str:
    if entry.message and not _went_out_before(request, entry):
        return f"⌛ *Not sent:* {_task(request)}. {entry.message} {left_alone(entry)}."
    if _was_to_go_out(request):
        not_done = "Not moved" if request.moves else _NOT_DONE[entry.kind]
        return f"⌛ *{not_done}:* {_task(request)}. {unsent(request, entry)}"
    return f"⌛ *Time ran out {_too_few(request)}:* {_task(request)}. {left_alone(entry)}."


def _too_few(request: Request) -> str:
    """How far the deciding had come when its time was over."""
    return "before enough people approved" if request.approved_by else "before anyone decided"


def _was_to_go_out(request: Request) -> datetime | None:
    """When the call that was to be cancelled was to go out, where that is known."""
    return goes_out(request) if request.kind is Kind.CANCEL_CALL else None


def _went_out_before(request: Request, entry: LogEntry) -> bool:
    """Whether an entry ended unsent because its call's time had come, as far as anybody knew that."""
    at = call_time(request, entry)
    return entry.kind is Kind.CANCEL_CALL and at is not None and at <= entry.updated_at


def unsent(request: Request, entry: LogEntry, which: str = "") -> str:
    """What follows where something was not sent in time: ``which`` names it among several."""
    if not entry.message:
        return missed(request, entry)
    at = call_time(request, entry)
    if at is None or not _went_out_before(request, entry):
        return f"{entry.message}{which} {left_alone(entry)}."
    as_said = f", as {person(request.requester)} says"
    went_out = f"went out {when(at)}" if entry.scheduled_for else f"was to go out {when(at)}{as_said}"
    call = f"The call{which}" if which or len(request.entries) == 1 else f"The call ({target(entry)})"
    again = " It is not placed again." if request.moves else ""
    return f"{call} {went_out}. {entry.message}{again}"


def missed(request: Request, entry: LogEntry) -> str:
    """What follows where nobody decided. That a call went out is said only where the log knew when."""
    at = _was_to_go_out(request)
    if at is None:
        nobody = "Too few people approved" if request.approved_by else "Nobody decided"
        return f"{nobody} in time. {left_alone(entry)}."
    said = _as_said(request)
    call = "The call" if len(request.entries) == 1 else "The first call"
    nobody = "too few people approved" if request.approved_by else "nobody decided"
    had = "too few people had approved" if request.approved_by else "nobody had decided"
    if entry.updated_at < at:
        return f"{call} goes out {when(at)}{said}: {nobody} in time. {left_alone(entry)}."
    if said:
        return f"{call} was to go out {when(at)}{said}, and {had} by then."
    return f"{call} went out {when(at)} {_too_few(request)}."


_EARLIER = "An earlier request got no readable answer and may have worked: look it up at the provider"
"""What stays true of an action that was in doubt, however it ends without being sent again."""

_SENTENCES: dict[State, Callable[[Request, LogEntry], str]] = {
    State.PENDING: _pending,
    State.APPROVED: _approved,
    State.SENDING: _sending,
    State.SUCCEEDED: _succeeded,
    State.FAILED: _failed,
    State.UNKNOWN: _unknown,
    State.REFUSED: _refused,
    State.DENIED: _denied,
    State.WITHDRAWN: _withdrawn,
    State.EXPIRED: _expired,
}


def left_alone(entry: LogEntry) -> str:
    """What follows for the customer, or the campaign, where nothing was sent."""
    if entry.doubted:
        return _EARLIER
    match entry.kind:
        case Kind.PLACE_CALL:
            return "Nobody is called"
        case Kind.CANCEL_CALL:
            return "The customer *will* be called"
        case Kind.DELETE_CAMPAIGN:
            return "The campaign stays"
        case Kind.STOP_CAMPAIGN:
            return "The campaign goes on as it is"
        case Kind.START_CAMPAIGN:
            return "The campaign stays as it is and calls nobody for this"


def _undoable(entry: LogEntry) -> str:
    match entry.kind:
        case Kind.PLACE_CALL:
            return "Only until the call goes out"
        case Kind.CANCEL_CALL if entry.target_id is None:
            return (
                "No: it removes *every* scheduled call of this agent to the number. They can be placed again."
            )
        case Kind.CANCEL_CALL:
            return "No, but the call can be placed again"
        case Kind.DELETE_CAMPAIGN:
            return f"No. *{CANNOT_BE_UNDONE}* The log keeps a record of what the campaign was."
        case Kind.STOP_CAMPAIGN:
            return "Yes: it can be started again"
        case Kind.START_CAMPAIGN:
            return "It can be stopped, but who was called was called"

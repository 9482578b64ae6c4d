"""Every message that teams read: the audit message, the card, thread replies and direct messages. Pure.

A message is rendered from a request as it stands when it is sent. Numbers are masked, people's words are
escaped, times are in each reader's own zone, and the first block reads as a sentence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    escape,
    fields,
    person,
    quote,
    section,
    when,
)
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
from storage.lifecycle import State
from storage.log import Event, LogEntry, Request

CANNOT_BE_UNDONE = "This cannot be undone."
IRREVERSIBLE = frozenset({Kind.DELETE_CAMPAIGN})
"""What nothing brings back: whoever approves it types its id."""
REVIEW = "review"
SETTLE = "settle"
MAX_LISTED = 12
"""Targets shown one by one; further ones are counted."""

_ACTIVE = frozenset({State.PENDING, State.APPROVED, State.SENDING})
_SAID_BY_PEOPLE = frozenset({"denied", "happened", "did_not_happen"})
_AFTER_ALL = {
    "late_answer": "The provider's answer was recorded late",
    "webhook": "The provider told us what happened, so nobody needs to look it up",
}
"""What ended a doubt without any person."""
_DECISIONS = {
    "approved": "Approved",
    "denied": "Denied",
    "withdrawn": "Taken back",
    "happened": "Settled",
    "did_not_happen": "Settled",
    "ordered": "Ordered",
}
"""Events that are a person's decision about a request."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the event behind a post adds to the request: who did it, what they said, and to which entry.

    ``summaries`` tell what is gone for good, ``warnings`` what somebody should look at, by entry.
    """

    actor: str
    note: str | None = None
    entry: str = ""
    summaries: Sequence[str] = ()
    warnings: Sequence[tuple[str, str]] = ()


def render(template: str, to: str, request: Request, told: Told) -> Message | None:
    """The message of an outbox row, or None where a later one tells the same better."""
    match to:
        case "audit":
            return audit(request)
        case "card":
            return card(request)
        case "thread":
            return _thread(template, request, told)
        case _:
            return _direct(template, request, told)


def audit(request: Request) -> Message:
    """The one message per request in the audit channel: how it stands now."""
    sentence = standing(request)
    blocks: list[Block] = [section(sentence), *_targets(request), context(*_facts(request))]
    if request.state is State.UNKNOWN:
        doubtful = next(entry for entry in request.entries if entry.state is State.UNKNOWN)
        label = f"Say what happened to {request.id}"
        blocks.append(
            actions(button("Say what happened…", SETTLE, doubtful.id, style="primary", label=label))
        )
    return Message(sentence, blocks)


def card(request: Request) -> Message:
    """The card in the approvals channel: what a manager decides on, or what was decided."""
    if request.state is not State.PENDING:
        sentence = standing(request)
        return Message(sentence, [section(sentence), *_decided(request), context(*_facts(request))])
    sentence = standing(request)
    review = button("Review…", REVIEW, request.id, style="primary", label=f"Review {request.id}")
    return Message(
        sentence,
        [
            section(sentence),
            *_targets(request),
            fields(facts_to_decide(request)),
            actions(review),
            context(*_facts(request)),
        ],
    )


def facts_to_decide(request: Request) -> list[tuple[str, str]]:
    """What somebody who decides should know, fact by fact."""
    first = request.entries[0]
    known = [entry.scheduled_for for entry in request.entries if entry.scheduled_for]
    unknown = "Now" if first.kind is Kind.PLACE_CALL else "Not known here"
    facts = [("When it would go out", when(min(known)) if known else unknown)]
    if first.kind is Kind.DELETE_CAMPAIGN:
        facts = []
    facts += [
        ("Why", quote(request.reason) if request.reason else "No reason given"),
        ("Can it be undone", _undoable(first)),
    ]
    if request.decide_by:
        facts.append(("If nobody decides", f"Time runs out {when(request.decide_by)}. {_left_alone(first)}."))
    return facts


def standing(request: Request) -> str:
    """How a request stands, as a sentence or two."""
    first = request.entries[0]
    if len(request.entries) == 1:
        return _SENTENCES[request.state](request, first)
    states = [entry.state for entry in request.entries]
    if len(set(states)) == 1 and states[0] in {State.PENDING, State.DENIED, State.EXPIRED, State.WITHDRAWN}:
        return _SENTENCES[states[0]](request, first)
    counts = [(state, states.count(state)) for state in State if state in states]
    told = ", ".join(f"{count} {WORDS[state]}" for state, count in counts)
    return f"{_MARKS[request.state]} *{person(request.requester)} asked to {_task(request)}:* {told}."


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
            return f"campaign `{to.campaign_id}`"
        case _:  # erased: only what is no personal data is left
            return f"`{entry.target_id}`" if entry.target_id else "a number that was erased"


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
_PLURALS = {kind: "calls" if kind in {Kind.PLACE_CALL, Kind.CANCEL_CALL} else "campaigns" for kind in Kind}


def _task(request: Request) -> str:
    verb = _VERBS[request.kind]
    if len(request.entries) == 1:
        return f"{verb} {target(request.entries[0])}"
    if isinstance(request.entries[0].action, CancelCall) and request.entries[0].target_id is None:
        return f"{verb} the scheduled calls to {len(request.entries)} numbers"
    return f"{verb} {len(request.entries)} {_PLURALS[request.kind]}"


def _pending(request: Request, _entry: LogEntry) -> str:
    return f"⏳ *Waiting for approval.* {person(request.requester)} asks to {_task(request)}."


def _approved(request: Request, entry: LogEntry) -> str:
    if entry.attempt:
        at = f" {when(entry.not_before)}" if entry.not_before else ""
        return f"⏳ *Trying again{at}:* {_task(request)}. {entry.message or ''}".rstrip()
    return f"⏳ *About to be sent:* {_task(request)}, for {person(request.requester)}."


def _sending(request: Request, _entry: LogEntry) -> str:
    return f"⏳ *Being sent:* {_task(request)}, for {person(request.requester)}."


def _succeeded(request: Request, entry: LogEntry) -> str:
    done, at = _DONE[entry.kind], ""
    if entry.code is Code.SCHEDULED and entry.scheduled_for:
        done, at = "Scheduled", f", {when(entry.scheduled_for)}"
    elif entry.kind is Kind.CANCEL_CALL and entry.target_id is None:
        done = "Removed"
    return (
        f"✅ *{done}:* {target(entry)}{at}, for {person(request.requester)}. {entry.message or ''}".rstrip()
    )


def _failed(_request: Request, entry: LogEntry) -> str:
    return f"❌ *{_NOT_DONE[entry.kind]}:* {target(entry)}. {entry.message or ''}".rstrip()


def _unknown(request: Request, entry: LogEntry) -> str:
    return (
        f"❓ *We do not know whether it happened:* {_task(request)}, for {person(request.requester)}. "
        f"{entry.message or ''}"
    ).rstrip()


def _refused(request: Request, entry: LogEntry) -> str:
    text = f"🚫 *Not sent:* {_task(request)}, for {person(request.requester)}. {entry.message or ''}".rstrip()
    return f"{text} {_EARLIER}." if entry.doubted else text


def _denied(request: Request, entry: LogEntry) -> str:
    decided = next((a for a in reversed(request.approvals) if a.decision == "deny"), None)
    by = f" by {person(decided.person)}" if decided else ""
    return f"🚫 *Denied{by}:* {_task(request)}. {_left_alone(entry)}."


def _withdrawn(request: Request, entry: LogEntry) -> str:
    text = f"↩️ *Taken back by {person(request.requester)}:* {_task(request)}."
    return f"{text} {_EARLIER}." if entry.doubted else text


def _expired(request: Request, entry: LogEntry) -> str:
    if entry.message:
        return f"⌛ *Not sent:* {_task(request)}. {entry.message} {_left_alone(entry)}."
    return f"⌛ *Time ran out before anyone decided:* {_task(request)}. {_left_alone(entry)}."


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


def _left_alone(entry: LogEntry) -> str:
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


def _targets(request: Request) -> list[Block]:
    if len(request.entries) == 1:
        return []
    lines = [f"• {target(e)}: {_said(e)}" for e in request.entries[:MAX_LISTED]]
    if more := len(request.entries) - MAX_LISTED:
        lines += [f"… and {more} more"] if more > 0 else []
    return [section("\n".join(lines))]


def _said(entry: LogEntry) -> str:
    return WORDS[entry.state] + (f". {entry.message}" if entry.message and entry.state not in _ACTIVE else "")


def _decided(request: Request) -> list[Block]:
    words = {"approve": "Approved", "deny": "Denied"}
    lines = [
        f"{words[a.decision]} by {person(a.person)}" + (f", {when(a.at)}" if a.at else "")
        for a in request.approvals
    ]
    return [section("\n".join(lines))] if lines else []


def _facts(request: Request) -> Sequence[str]:
    agents = sorted({entry.agent for entry in request.entries if entry.agent})
    facts = [f"`{request.id}`", f"through {request.connection}"]
    if agents:
        facts.append(f"agent {', '.join(escape(agent) for agent in agents)}")
    facts.append(f"asked by {person(request.requester)} {when(request.asked_at)}")
    if request.reason:
        facts.append(quote(request.reason))
    return facts


def _thread(template: str, request: Request, told: Told) -> Message:
    who = person(told.actor)
    entry = next((one for one in request.entries if one.id == told.entry), request.entries[0])
    which = f" ({target(entry)})" if len(request.entries) > 1 else ""
    words = f" {quote(told.note)}" if told.note else ""
    match template:
        case "approved":
            text = f"{who} approved this.{words}"
        case "denied":
            text = f"{who} denied this.{words} {_left_alone(entry)}."
        case "withdrawn":
            text = f"{who} took this back.{words}"
        case "expired":
            nobody = "Nobody decided in time."
            text = f"{entry.message or nobody}{which} {_left_alone(entry)}."
        case "happened":
            text = f"{who} says it *did* happen{which}.{words}"
        case "did_not_happen":
            text = f"{who} says it did *not* happen{which}.{words}"
        case "ordered":
            text = f"{who} ordered another attempt{which}.{words}"
        case "unknown":
            text = (
                "There is no readable answer. Look it up at the provider, then press *Say what happened…* "
                "on the message above."
            )
        case "late_answer" | "webhook":
            text = f"{_AFTER_ALL[template]}{which}. {standing(request)}"
        case _:
            text = standing(request)
    return Message(text, [section(text), *_also(request, told)])


def _also(request: Request, told: Told) -> list[Block]:
    """What is left of what is gone, and what somebody should look at."""
    targets = {entry.id: target(entry) for entry in request.entries}
    lines = [f"What it was: {escape(summary)}" for summary in told.summaries]
    for entry, warning in told.warnings:
        where = f"{targets[entry]}: " if len(targets) > 1 else ""
        lines.append(f"⚠️ {where}{escape(warning)}")
    return [section("\n".join(lines))] if lines else []


def _direct(template: str, request: Request, told: Told) -> Message | None:
    if any(entry.state in _ACTIVE for entry in request.entries):
        return None  # the target that ends last tells of them all
    text = standing(request)
    blocks = [section(text), *_targets(request)]
    if template in _SAID_BY_PEOPLE and told.note:
        blocks.append(section(f"{person(told.actor)}: {quote(told.note)}"))
    blocks += _also(request, told)
    return Message(text, [*blocks, context(f"`{request.id}`", f"through {request.connection}")])

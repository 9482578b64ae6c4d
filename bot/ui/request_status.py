"""The sentences about a request's state, which all messages about it use.

Numbers are masked, people's text is escaped, and times are in each reader's zone.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.services.outcomes import REMOVING
from bot.slack.blocks import Message, section
from bot.text import outcomes
from bot.text.formatting import UNFINISHED, WORDS, word
from bot.text.markup import escape, person, when
from bot.ui.decision_facts import EARLIER, as_said, left_alone
from bot.ui.request_summary import (
    PLURALS,
    WARNING,
    aimed_at,
    one_call,
    reported_call_time,
    spec_summary,
    target,
    task,
)
from providers.actions import Code, Kind
from storage.models import ActionRecord, Cancelled, ConnectionOutage, Event, Request, SecondStep, call_time
from storage.states import State

DRY_RUN = "🧪 *Dry run: nothing is sent.*"
_DECISIONS = {
    "approved": "Approved",
    "denied": "Denied",
    "withdrawn": "Taken back",
    "happened": "Looked up",
    "did_not_happen": "Looked up",
    "retry_requested": "Sent again",
}
"""Events that record a person's decision about a request."""


def trial(request: Request) -> list[str]:
    """Return the note of a dry run, or nothing for other requests."""
    return [DRY_RUN] if request.mode == "dry-run" else []


def marked(request: Request, message: Message) -> Message:
    """Return a message about a request, with the note of a dry run before it if it is one."""
    if not trial(request):
        return message
    first, *others = message.blocks
    told = section(f"{DRY_RUN}\n{first['text']['text']}")
    return Message(f"{DRY_RUN} {message.text}", [told, *others])


def request_status(request: Request) -> str:
    """Return a request's state as a sentence or two."""
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
    return f"{mark} *{person(request.requester)} asked to {task(request)}:* {told}.{_waits(request)}"


def held_up(request: Request) -> str | None:
    """Return why and until when approved actions wait for a connection.

    Return None if there is no outage, or if all of the actions wait longer for other reasons.
    """
    held = _hold(request)
    later = [entry.not_before for entry in request.entries if entry.state is State.APPROVED]
    if held is None or not later or all(at is not None and at > held.until for at in later):
        return None
    return why_waiting(held)


def _hold(request: Request) -> ConnectionOutage | None:
    """Return the request's outage. For a removal it ends at the next probe, which may come earlier."""
    held = request.waits_for
    if held is None or held.probe_at is None or request.kind not in REMOVING:
        return held
    return replace(held, until=min(held.until, held.probe_at))


def _waits(request: Request) -> str:
    """Return the note on a wait and on what people can do, or an empty text."""
    waits = held_up(request)
    return f" Waits: {waits}.{_what_to_do(request)}" if waits else ""


def _what_to_do(request: Request) -> str:
    helps = what_to_do(request.waits_for, request.kind) if request.waits_for else ""
    return f" {helps}" if helps else ""


def passed(request: Request) -> str:
    """Return the sentence for an approved request, which stays true if the card is not updated soon."""
    told = f"*Approved:* {task(request)}, for {person(request.requester)}."
    return f"⏳ {told}{_waits(request)} The audit channel shows what comes of it."


def already(request: Request, events: Sequence[Event]) -> list[str]:
    """Return a request's state, and who decided it when, for a person who came too late."""
    decided = next((event for event in reversed(events) if event.name in _DECISIONS), None)
    by = [f"{_DECISIONS[decided.name]} by {person(decided.actor)}, {when(decided.at)}."] if decided else []
    return [request_status(request), *by]


def became(entry: ActionRecord) -> str:
    """Return the state of one of several targets, with its message if it has ended."""
    if entry.state is State.APPROVED and entry.not_before:
        return f"waits until {when(entry.not_before)}"
    return word(entry) + (f". {entry.message}" if entry.message and entry.state not in UNFINISHED else "")


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


def _pending(request: Request, _entry: ActionRecord) -> str:
    return f"⏳ *Waiting for approval.* {spec_summary(request)}"


def _approved(request: Request, entry: ActionRecord) -> str:
    what, who = task(request), person(request.requester)
    message = f" {entry.message}" if entry.message else ""
    if waits := held_up(request):
        return f"⏳ *Waits: {waits}:* {what}, for {who}.{message}{_what_to_do(request)}"
    if entry.attempt:
        at = f" {when(entry.not_before)}" if entry.not_before else ""
        asked = ", as the provider asked" if at and entry.code is Code.RATE_LIMITED else ""
        return f"⏳ *Trying again{at}{asked}:* {what}.{message}{_what_to_do(request)}"
    if entry.not_before:
        return f"⏳ *Waiting until {when(entry.not_before)}:* {what}, for {who}.{message}"
    return f"⏳ *About to be sent:* {what}{WARNING.get(request.kind, '')}, for {who}."


def _sending(request: Request, _entry: ActionRecord) -> str:
    return f"⏳ *Being sent:* {task(request)}, for {person(request.requester)}."


def _succeeded(request: Request, entry: ActionRecord) -> str:
    if request.reschedules:
        return _moved(request, entry)
    if request.cancelled:
        return _taken_away(request, entry, request.cancelled)
    return f"{_what_is_done(entry)}, for {person(request.requester)}. {entry.message or ''}".rstrip()


def _moved(request: Request, entry: ActionRecord) -> str:
    """Return the sentence for a reschedule whose first step is done."""
    second = request.followed_by
    to = f" {when(request.new_time)}" if request.new_time else ""
    whose = f"{one_call(entry)}, for {person(request.requester)}."
    again = f" `{second.id}`" if second and second.id else ""
    match second:
        case None:
            return f"⏳ *Cancelled, and about to be placed again for{to}:* {whose}"
        case SecondStep(state=State.SUCCEEDED):
            return f"✅ *Moved to{to}:* {whose} It was cancelled and placed again as{again}."
        case SecondStep(state=State.PENDING):
            return f"⏳ *Cancelled. Placing it again for{to} waits for approval:* {whose} See{again}."
        case SecondStep(state=State.APPROVED | State.SENDING):
            return f"⏳ *Cancelled, and being placed again for{to}:* {whose} See{again}."
        case SecondStep(state=State.UNKNOWN):
            return f"❓ *Cancelled. We do not know whether it was placed again for{to}:* {whose} See{again}."
        case _:
            why = f" {escape(second.message)}" if second.message else ""
            return f"❌ *Cancelled, but not placed again:* {whose}{why} *Nobody is called.*"


def _taken_away(request: Request, entry: ActionRecord, cancelled: Cancelled) -> str:
    """Return the sentence for a placed call that was cancelled, with the request that cancelled it."""
    at = f", {when(entry.scheduled_for)}" if entry.scheduled_for else ""
    whose = f"{target(entry)}{at}, for {person(request.requester)}"
    if cancelled.moved:
        return f"↪️ *Cancelled, to place it again:* {whose}. See `{cancelled.by}`."
    return f"🚫 *Cancelled:* {whose}. It does not go out. See `{cancelled.by}`."


def moved_in_vain(request: Request) -> bool:
    """Return whether a reschedule cancelled its call but did not place it again, and could still do so."""
    second = request.followed_by
    if second is None or second.code == Code.COMPLIANCE_BLOCKED:
        return False
    return second.state not in {*UNFINISHED, State.SUCCEEDED, State.UNKNOWN}


def done(request: Request) -> str:
    """Return a request's result in short, with counts for several targets."""
    if request.cancelled:
        return _taken_away(request, request.entries[0], request.cancelled)
    finished = [entry for entry in request.entries if entry.state is State.SUCCEEDED]
    if len(request.entries) == 1 and finished:
        return f"{_what_is_done(finished[0])}."
    how, several = _DONE[request.kind], f"{len(finished)} of {len(request.entries)} {PLURALS[request.kind]}"
    if request.kind is Kind.CANCEL_CALL and request.entries[0].target_id is None:
        how, several = "Removed", f"the scheduled calls to {len(finished)} of {len(request.entries)} numbers"
    return f"✅ *{how}:* {several}."


def _what_is_done(entry: ActionRecord) -> str:
    how, at = _DONE[entry.kind], ""
    if entry.code is Code.SCHEDULED and entry.scheduled_for:
        how, at = "Scheduled", f", {when(entry.scheduled_for)}"
    elif entry.kind is Kind.CANCEL_CALL and entry.target_id is None:
        later = (entry.message or "").startswith(outcomes.ONLY_LATER_ONES)
        how = "Removed what was still to go out" if later else "Removed"
    return f"✅ *{how}:* {target(entry)}{at}"


def _failed(request: Request, entry: ActionRecord) -> str:
    not_done = "Not moved" if request.reschedules else _NOT_DONE[entry.kind]
    return f"❌ *{not_done}:* {target(entry)}. {entry.message or ''}".rstrip()


def _unknown(request: Request, entry: ActionRecord) -> str:
    return (
        f"❓ *We do not know whether it happened:* {task(request)}, for {person(request.requester)}. "
        f"{entry.message or ''}"
    ).rstrip()


def _refused(request: Request, entry: ActionRecord) -> str:
    if entry.code is Code.DRY_RUN:
        would = (entry.message or "").removeprefix(
            "Dry run: nothing was sent. "
        )  # the message begins with it
        return f"✅ *Tried out:* {task(request)}, for {person(request.requester)}. {would}".rstrip()
    text = f"🚫 *Not sent:* {task(request)}, for {person(request.requester)}. {entry.message or ''}".rstrip()
    return f"{text} {EARLIER}." if entry.maybe_executed else text


def _denied(request: Request, entry: ActionRecord) -> str:
    decided = next((a for a in reversed(request.approvals) if a.decision == "deny"), None)
    by = f" by {person(decided.person)}" if decided else ""
    return f"🚫 *Denied{by}:* {task(request)}. {left_alone(request, entry)}."


def _withdrawn(request: Request, entry: ActionRecord) -> str:
    if entry.code is Code.COMPLIANCE_BLOCKED:
        return f"🛑 *Not sent:* {task(request)}, asked by {person(request.requester)}. {entry.message}"
    text = f"↩️ *Taken back by {person(request.requester)}:* {task(request)}."
    return f"{text} {EARLIER}." if entry.maybe_executed else text


def _expired(request: Request, entry: ActionRecord) -> str:
    if request.done_by:
        return f"⌛ *Not needed any more:* {aimed_at(request)}. {unsent(request, entry)}"
    if entry.message and not _went_out_before(request, entry):
        return f"⌛ *Not sent:* {task(request)}. {entry.message} {left_alone(request, entry)}."
    if _was_to_go_out(request):
        not_done = "Not moved" if request.reschedules else _NOT_DONE[entry.kind]
        return f"⌛ *{not_done}:* {aimed_at(request)}. {unsent(request, entry)}"
    return f"⌛ *Time ran out {_too_few(request)}:* {task(request)}. {left_alone(request, entry)}."


def _too_few(request: Request) -> str:
    """Return at which point of the approval the time ran out."""
    return "before enough people approved" if request.approved_by else "before anyone decided"


def _was_to_go_out(request: Request) -> datetime | None:
    """Return when the call to cancel was due, or None if unknown or if the request cancels nothing."""
    return reported_call_time(request) if request.kind is Kind.CANCEL_CALL else None


def _went_out_before(request: Request, entry: ActionRecord) -> bool:
    """Return whether a cancellation was not sent before its call was due, by the best known time."""
    at = call_time(request, entry)
    if at is None or entry.kind is not Kind.CANCEL_CALL or entry.message == outcomes.LATER_CALLS_GO_OUT:
        return False
    return at <= entry.updated_at


def unsent(request: Request, entry: ActionRecord, which: str = "") -> str:
    """Return the effect of an action that was not sent in time. ``which`` names it among several."""
    if request.done_by:
        return f"`{request.done_by}` cancelled it before."
    if not entry.message:
        return missed(request, entry)
    at = call_time(request, entry)
    if at is None or not _went_out_before(request, entry):
        return f"{entry.message}{which} {left_alone(request, entry)}."
    as_said = f", as {person(request.requester)} says"
    went_out = f"went out {when(at)}" if entry.scheduled_for else f"was to go out {when(at)}{as_said}"
    call = f"The call{which}" if which or len(request.entries) == 1 else f"The call ({target(entry)})"
    again = " It is not placed again." if request.reschedules else ""
    return f"{call} {went_out}. {entry.message}{again}"


def missed(request: Request, entry: ActionRecord) -> str:
    """Return the effect of a request that nobody decided. Only the log's own time proves a call went out."""
    at = _was_to_go_out(request)
    if at is None:
        nobody = "Too few people approved" if request.approved_by else "Nobody decided"
        return f"{nobody} in time. {left_alone(request, entry)}."
    said = as_said(request)
    call = "The call" if len(request.entries) == 1 else "The first call"
    nobody = "too few people approved" if request.approved_by else "nobody decided"
    had = "too few people had approved" if request.approved_by else "nobody had decided"
    if entry.updated_at < at:
        follows = "" if request.reschedules else f" {left_alone(request, entry)}."
        return f"{call} goes out {when(at)}{said}: {nobody} in time.{follows}"
    if said:
        return f"{call} was to go out {when(at)}{said}, and {had} by then."
    return f"{call} went out {when(at)} {_too_few(request)}."


_SENTENCES: dict[State, Callable[[Request, ActionRecord], str]] = {
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


LONG = timedelta(minutes=15)
"""A wait that is long enough for people to shorten it."""


def why_waiting(outage: ConnectionOutage) -> str:
    """Return why a connection's requests wait, and until when."""
    name, at = outage.connection, when(outage.until)
    if outage.reason == "rate_limited":
        return f"{name} asked us to wait, next try {at}"
    return f"{name} does not answer, next try {at}"


def what_to_do(outage: ConnectionOutage, kind: Kind) -> str:
    """Return how people can shorten a long wait for a rate limit, or an empty text for other waits."""
    if outage.reason != "rate_limited" or outage.until - outage.since <= LONG:
        return ""
    tried = _TRIED.get(kind, "")
    resume = f"`python -m bot resume {outage.connection}`"
    there = "Or do it on the provider's own screen."
    return f"{tried}Whoever runs CallOps can have it tried at once: {resume}. {there}"


_TRIED = {
    Kind.CANCEL_CALL: "Meanwhile CallOps tries a cancellation every 15 minutes. ",
    Kind.DELETE_CAMPAIGN: "Meanwhile CallOps tries a deletion every 15 minutes. ",
}

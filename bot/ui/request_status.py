"""The headline of a request's state, which all messages about it use.

It begins with the state, then names the target and the time. A sentence below says what else matters. Numbers
are masked, people's text is escaped, and times are in each reader's zone.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.services.outcomes import REMOVING
from bot.slack.blocks import Message, section
from bot.text import outcomes, vocabulary
from bot.text.call_ends import end_of_call
from bot.text.markup import escape, person, quote, when
from bot.text.vocabulary import CANCELLED, DENIED, DONE, FAILED, UNFINISHED, UNKNOWN, WAITING
from bot.ui.decision_facts import EARLIER, as_said, left_alone
from bot.ui.request_summary import (
    WARNING,
    aimed_at,
    confirmed_in_vain,
    for_the_customer,
    in_short,
    one_call,
    reported_call_time,
    target,
    task,
)
from bot.ui.waiting import paused, what_to_do, why_waiting
from providers.actions import Code, Kind
from providers.webhooks import TOLD_US
from storage.models import ActionRecord, Cancelled, ConnectionOutage, Request, SecondStep, call_time
from storage.states import State

DRY_RUN = "*Dry run: nothing is sent.*"
_SAID_BY_US = (
    outcomes.IT_HAPPENED,
    outcomes.NO_LONGER_THERE,
    outcomes.LOOKED_UP_GONE,
    outcomes.ONLY_LATER_ONES,
)
"""Beginnings of the sentences about a success that say more than that the provider confirmed it."""
_FOR_OPERATORS = re.compile(r"this connection's|^If that doesn't help")
_SENTENCE_END = re.compile(r"(?<=[.?!”])\s+(?=[A-Z])")
_IN_VAIN = "Confirmed (no call known)"
_MOVES = {
    **dict.fromkeys(UNFINISHED, "Cancelled, being moved"),
    State.SUCCEEDED: "Moved",
    State.UNKNOWN: "Cancelled, outcome of the new call unknown",
}
"""The status of a call that a move cancelled, by the state of the second step. Others don't place it."""
NO_CALL_KNOWN = "CallOps knows of no call to this number, so check the number."


def trial(request: Request) -> list[str]:
    """Return the note of a dry run, or nothing for other requests."""
    return [DRY_RUN] if request.mode == "dry-run" else []


def marked(request: Request, message: Message) -> Message:
    """Return a message about a request, with the note of a dry run before it if it is one."""
    if not trial(request):
        return message
    first, *others = message.blocks
    told = first | {"text": section(f"{DRY_RUN}\n{first['text']['text']}")["text"]}
    return replace(message, text=f"{DRY_RUN} {message.text}", blocks=[told, *others])


def request_status(request: Request) -> str:
    """Return a request's state and target as a headline, and a second line if something else matters."""
    first = request.actions[0]
    if len(request.actions) == 1:
        headline, line, below = _HEADLINES[request.state](request, first).partition("\n")
        return f"{headline}{sent_twice(first)}{line}{below}"
    states = {record.state for record in request.actions}
    if len(states) == 1 and states <= {State.PENDING, State.DENIED, State.EXPIRED, State.WITHDRAWN}:
        return _HEADLINES[request.state](request, first)
    counts = Counter(_status(request, record) for record in request.actions)
    told = ", ".join(f"{count} {_lower(status)}" for status, count in counts.items())
    worst = next(record for record in request.actions if record.state is request.state)
    in_vain = request.state is State.SUCCEEDED and _IN_VAIN in counts
    below = _below(_same_message(request), _waits(request))
    return f"{UNKNOWN if in_vain else vocabulary.emoji(worst)} *{told}* · {task(request)}{below}"


def _status(request: Request, record: ActionRecord) -> str:
    """Return the status of one of several targets."""
    return _IN_VAIN if _is_in_vain(request, record) else vocabulary.status(record)


def _is_in_vain(request: Request, record: ActionRecord) -> bool:
    """Return whether a cancellation was confirmed, though no call was known and nobody looked."""
    done = record.state is State.SUCCEEDED
    return done and confirmed_in_vain(request, record) and not _message(record)


def sent_twice(record: ActionRecord) -> str:
    """Return the warning on an action that a person had sent again, or an empty text before its end."""
    return f" · {UNKNOWN} sent twice" if record.sent_again and record.state not in UNFINISHED else ""


def _lower(status: str) -> str:
    return f"{status[0].lower()}{status[1:]}"


def _below(*sentences: str) -> str:
    """Return the line below a headline, or an empty text."""
    return f"\n{' '.join(told)}" if (told := [one for one in sentences if one]) else ""


def _same_message(request: Request) -> str:
    """Return the message that all ended actions share, or an empty text."""
    ended = [record for record in request.actions if record.state not in UNFINISHED]
    messages = {_message(record) for record in ended}
    return messages.pop() if len(messages) == 1 else ""


def _message(record: ActionRecord) -> str:
    """Return what an ended action's message tells its readers.

    A success tells nothing if it only repeats its state. Advice on settings is left to *Details*.
    """
    said = record.message or ""
    tells = said.startswith(_SAID_BY_US) or (TOLD_US in said and record.end is None)
    if record.state is State.SUCCEEDED and not tells:
        return ""
    return " ".join(one for one in _SENTENCE_END.split(said) if not _FOR_OPERATORS.search(one))


def became(request: Request, record: ActionRecord) -> str:
    """Return one of several targets with its status, and its message if others have another one."""
    status = _status(request, record)
    if record.state is State.APPROVED and record.not_before:
        status = f"Waiting until {when(record.not_before)}"
    said = "" if _same_message(request) else " ".join(filter(None, [_message(record), end_of_call(record)]))
    told = f". {said}" if said and record.state not in UNFINISHED else ""
    return f"{in_short(record)} · {status}{sent_twice(record)}{told}"


def held_up(request: Request) -> str | None:
    """Return why and until when approved actions wait for a connection.

    Return None if there is no outage, or if all of the actions wait longer for other reasons.
    """
    held = _hold(request)
    later = [record.not_before for record in request.actions if record.state is State.APPROVED]
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
    if _paused(request):
        return f"{_paused(request)}."
    waits = held_up(request)
    return f"{waits}. {_what_to_do(request)}".rstrip() if waits else ""


def _paused(request: Request) -> str:
    """Return that approved actions are paused, by whom and why, or an empty text."""
    waits = any(record.state is State.APPROVED for record in request.actions)
    return paused(request.paused_by) if request.paused_by and waits else ""


def _what_to_do(request: Request) -> str:
    return what_to_do(request.waits_for, request.kind) if request.waits_for else ""


def passed(request: Request) -> str:
    """Return the headline of an approved request, which stays true if the card is not updated soon."""
    by = ", ".join(person(one) for one in request.approved_by)
    return f"{WAITING} *Approved{f' by {by}' if by else ''}* · {task(request)}{_below(_waits(request))}"


def _pending(request: Request, _record: ActionRecord) -> str:
    return f"{WAITING} *Waiting for approval* · {task(request)}{WARNING.get(request.kind, '')}"


def _approved(request: Request, record: ActionRecord) -> str:
    said = _message(record)
    if request.kind.is_list:
        below = _below(_waits(request), said)
        return f"{WAITING} *{vocabulary.status(record)}* · {task(request)}{below}"
    if _paused(request):
        return f"{WAITING} {_paused(request)} · {task(request)}{_below(said)}"
    if _waits(request):
        return (
            f"{WAITING} *Waiting for {request.connection}* · {task(request)}{_below(_waits(request), said)}"
        )
    if record.attempt:
        at = f" {when(record.not_before)}" if record.not_before else ""
        asked = ", as the provider asked" if at and record.code is Code.RATE_LIMITED else ""
        below = _below(said, _what_to_do(request))
        return f"{WAITING} *Retrying{at}{asked}* · {task(request)}{below}"
    if record.not_before:
        return f"{WAITING} *Waiting until {when(record.not_before)}* · {task(request)}{_below(said)}"
    return _sending(request, record)


def _sending(request: Request, _record: ActionRecord) -> str:
    return f"{WAITING} *Sending* · {task(request)}{WARNING.get(request.kind, '')}"


def _succeeded(request: Request, record: ActionRecord) -> str:
    if request.reschedules:
        return _moved(request, record)
    if request.cancelled:
        return _taken_away(record, request.cancelled)
    if _is_in_vain(request, record):
        return f"{UNKNOWN} *Confirmed, no call known* · {task(request)}{_below(NO_CALL_KNOWN)}"
    said, ended = _message(record), end_of_call(record)
    later = said.startswith(outcomes.ONLY_LATER_ONES)
    what = f"later calls to {in_short(record)}" if later else f"{target(record)}{_at(record)}"
    return f"{vocabulary.emoji(record)} *{vocabulary.status(record)}* · {what}{_below(said, ended)}"


def _at(record: ActionRecord) -> str:
    """Return the time of the call that was scheduled or cancelled, or an empty text."""
    if record.scheduled_for is None:
        return ""
    return f" · {when(record.scheduled_for)}{for_the_customer(record, record.scheduled_for)}"


def _moved(request: Request, record: ActionRecord) -> str:
    """Return the headline of a reschedule whose first step is done."""
    second = request.followed_by
    to = f" to {when(request.new_time)}" if request.new_time else ""
    again = f"It was placed again in {second.id}." if second and second.id else ""
    match second:
        case SecondStep(state=State.SUCCEEDED):
            return f"{DONE} *Moved* · {one_call(record)}{to}{_below(again)}"
        case None | SecondStep(state=State.APPROVED | State.SENDING):
            headline, below = f"{WAITING} *Old call cancelled, scheduling the new one*", ""
        case SecondStep(state=State.PENDING):
            headline = f"{WAITING} *Old call cancelled, the new one waits for approval*"
            below = f"See {second.id}."
        case SecondStep(state=State.UNKNOWN):
            headline = f"{UNKNOWN} *Old call cancelled, outcome of the new one unknown*"
            below = f"See {second.id}."
        case _:
            why = f"{escape(second.message)} " if second.message else ""
            headline = f"{FAILED} *Old call cancelled, new one not placed*"
            below = f"{why}*The customer won't be called.*"
    return f"{headline} · {one_call(record)}{to}{_below(below)}"


def _taken_away(record: ActionRecord, cancelled: Cancelled) -> str:
    """Return the headline of a placed call that was cancelled, with the request that cancelled it."""
    reason = f": {quote(cancelled.reason)}" if cancelled.reason else ""
    by = f"{person(cancelled.requester)}{reason}, in {cancelled.by}."
    call = f"{target(record)}{_at(record)}"
    if not cancelled.moved:
        return f"{CANCELLED} *Cancelled* · {call}\nIt won't go out. Cancelled by {by}"
    second = cancelled.second.state if cancelled.second else State.APPROVED
    status = _MOVES.get(second, "Cancelled, new call not placed")
    return f"{CANCELLED} *{status}* · {call}\nMove requested by {by}"


def moved_in_vain(request: Request) -> bool:
    """Return whether a reschedule cancelled its call but did not place it again, and could still do so."""
    second = request.followed_by
    if second is None or second.code == Code.COMPLIANCE_BLOCKED:
        return False
    return second.state not in {*UNFINISHED, State.SUCCEEDED, State.UNKNOWN}


def _failed(request: Request, record: ActionRecord) -> str:
    not_done = "Not moved" if request.reschedules else vocabulary.not_done(record.kind)
    return f"{FAILED} *{not_done}* · {target(record)}{_below(_message(record))}"


def _unknown(request: Request, record: ActionRecord) -> str:
    return f"{UNKNOWN} *Outcome unknown* · {task(request)}{_below(_message(record), end_of_call(record))}"


def _refused(request: Request, record: ActionRecord) -> str:
    said = record.message or ""
    if record.code is Code.DRY_RUN:
        would = said.removeprefix("Dry run: nothing was sent. ")  # the message begins with it
        return f"{DONE} *Dry run* · {task(request)}{_below(would)}"
    earlier = f"{EARLIER}." if record.maybe_executed else ""
    return f"{DENIED} *Not allowed* · {task(request)}{_below(said, earlier)}"


def _denied(request: Request, record: ActionRecord) -> str:
    decided = next((a for a in reversed(request.approvals) if a.decision == "deny"), None)
    by = f" by {person(decided.person)}" if decided else ""
    note = f" · {quote(decided.note)}" if decided and decided.note else ""
    return f"{DENIED} *Denied{by}* · {task(request)}{note}{_below(f'{left_alone(request, record)}.')}"


def _withdrawn(request: Request, record: ActionRecord) -> str:
    if request.kind.is_list and record.code is Code.STOPPED:
        return f"{CANCELLED} *Stopped* · {task(request)}"
    if record.code is Code.COMPLIANCE_BLOCKED:
        return f"{DENIED} *Blocked* · {task(request)}{_below(record.message or '')}"
    earlier = f"{EARLIER}." if record.maybe_executed else ""
    return f"{CANCELLED} *Withdrawn by {person(request.requester)}* · {task(request)}{_below(earlier)}"


def _expired(request: Request, record: ActionRecord) -> str:
    if request.done_by:
        return f"{CANCELLED} *No longer needed* · {aimed_at(request)}{_below(_unsent(request, record))}"
    if record.message and not _went_out_before(request, record):
        below = _below(record.message, f"{left_alone(request, record)}.")
        return f"{FAILED} *Expired* · {task(request)}{below}"
    if _was_to_go_out(request):
        not_done = "Not moved" if request.reschedules else vocabulary.not_done(record.kind)
        return f"{FAILED} *{not_done}* · {aimed_at(request)}{_below(_unsent(request, record))}"
    return f"{FAILED} *Expired* · {task(request)}{_below(missed(request, record))}"


def _was_to_go_out(request: Request) -> datetime | None:
    """Return when the call to cancel was due, or None if unknown or if the request cancels nothing."""
    return reported_call_time(request) if request.kind is Kind.CANCEL_CALL else None


def _went_out_before(request: Request, record: ActionRecord) -> bool:
    """Return whether a cancellation was not sent before its call was due, by the best known time."""
    at = call_time(request, record)
    if at is None or record.kind is not Kind.CANCEL_CALL or record.message == outcomes.LATER_CALLS_GO_OUT:
        return False
    return at <= record.updated_at


def _unsent(request: Request, record: ActionRecord) -> str:
    """Return the effect of an action that was not sent in time."""
    if request.done_by:
        return f"{request.done_by} cancelled it before."
    if not record.message:
        return missed(request, record)
    at = call_time(request, record)
    if at is None or not _went_out_before(request, record):
        return f"{record.message} {left_alone(request, record)}."
    says = f", {person(request.requester)} says"
    went_out = f"went out {when(at)}" if record.scheduled_for else f"was due {when(at)}{says}"
    call = "The call" if len(request.actions) == 1 else f"The call ({in_short(record)})"
    again = " It isn't placed again." if request.reschedules else ""
    return f"{call} {went_out}. {record.message}{again}"


def missed(request: Request, record: ActionRecord) -> str:
    """Return the effect of a request that nobody decided. Only the log's own time proves a call went out."""
    at = _was_to_go_out(request)
    nobody = "Too few people" if request.approved_by else "No one"
    if at is None:
        return f"{nobody} approved it in time. {left_alone(request, record)}."
    said = as_said(request)
    call = "The call" if len(request.actions) == 1 else "The first call"
    if record.updated_at < at and said:
        return f"{nobody} approved it in time. {left_alone(request, record)}."
    if record.updated_at < at:
        return f"{call} goes out {when(at)}: {_lower(nobody)} approved it in time."
    if said:
        return f"{call} was due {when(at)}{said}. {nobody} had approved it by then."
    return (
        f"{call} went out {when(at)}, before {'enough people' if request.approved_by else 'anyone'} approved."
    )


_HEADLINES: dict[State, Callable[[Request, ActionRecord], str]] = {
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

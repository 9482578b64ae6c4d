"""The messages that teams read: the audit message, the approval card, thread replies and direct messages.

A message is rendered from the request's state at the time of sending. Numbers are masked, people's text is
escaped, and times are in each reader's zone. The first block is a sentence.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.config.settings import Connection
from bot.parsing.tokens import at_least
from bot.services.notifications import (
    ASKED,
    INSTEAD_OF,
    OUTCOME,
    REMINDED,
    SETTLE_ASKED,
    STILL_UNKNOWN,
    TOLD,
    is_about_unknown,
)
from bot.services.pending import ALONE, ESCALATED, MOST_COUNTED, PendingContext
from bot.slack.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    contexts,
    excerpt,
    fields,
    paragraphs,
    section,
)
from bot.slack.errors import NOT_POSTED
from bot.text import interactions, vocabulary
from bot.text.formatting import counted, listed
from bot.text.markup import channel, escape, person, quote, time, when
from bot.ui import call_lists, call_times
from bot.ui.decision_facts import (
    CANNOT_BE_UNDONE,
    IRREVERSIBLE,
    facts_to_decide,
    not_found,
    reminder,
    unlike,
)
from bot.ui.request_status import became, marked, moved_in_vain, passed, request_status
from bot.ui.request_summary import WARNING, reported_call_time, target, task, voice_agents
from bot.ui.thread_replies import PLACE_IT_AGAIN, ReplyContext, also, contradicted, thread
from bot.ui.unknown_messages import how_long, steps, unknown, unresolved
from bot.ui.waiting import paused_line
from bot.ui.ways_on import PLACE_AGAIN, again, can_be_withdrawn, menu, was_not_reached, withdraw
from providers.actions import Kind
from storage.event_log.hash_chain import CALL_ENDED
from storage.models import ListProgress, Pause, Request, Scalar
from storage.repositories.outbox import ERASURE, is_edited
from storage.states import State

REVIEW = "review"


STUCK = "nobody_can_approve"


MAX_LISTED = 12
"""Targets that a message lists. Further ones are counted."""
_MORE_IN_DETAILS = "… and {} more: see *Details* in the audit channel"
_MORE_IN_REVIEW = "… and {} more: see *Review…*"

_ACTIVE = frozenset({State.PENDING, State.APPROVED, State.SENDING})
_UNDER_WAY = frozenset({State.APPROVED, State.SENDING})
_SAID_BY_PEOPLE = frozenset({"denied", "happened", "did_not_happen"})


def render(  # noqa: PLR0913 - a message has many sources
    template: str,
    to: str,
    request: Request,
    told: ReplyContext,
    *,
    caution: str | None = None,
    beside: PendingContext = ALONE,
    cancels: bool = False,
    connection: Connection | None = None,
    progress: ListProgress | None = None,
) -> Message | None:
    """Return the message of an outbox item, or None if another one tells the same or it is out of date.

    ``caution`` warns deciders that the action is undocumented by its provider. ``beside`` describes the other
    pending requests. ``cancels`` is True if the request's connection can cancel calls. ``connection`` is that
    connection, None if it is not configured now. ``progress`` is that of a call list.
    """
    match to:
        case _ if template == ERASURE or (is_edited(to) and is_erased(request)):
            return erased(request)
        case "audit":
            message: Message | None = audit(
                request, cancels=cancels, connection=connection, progress=progress
            )
        case _ if to == "card" or (to.startswith(f"{ASKED}:") and template not in {ASKED, REMINDED}):
            # Only the card is edited when a pause ends.
            paused = request.paused_by if to == "card" else None
            message = card(request, caution=caution, beside=beside, paused=paused)
        case _ if is_about_unknown(to):
            message = _about_unknown(template, request, connection)
        case _ if template == STILL_UNKNOWN and to.startswith("dm:"):
            message = _about_unknown(template, request, connection, how_long(told.data))
        case "origin":
            message = _confirmation(request)
        case _:
            message = _once(template, to, request, told, caution, beside)
    return message and marked(request, message)


def _once(
    template: str, to: str, request: Request, told: ReplyContext, caution: str | None, beside: PendingContext
) -> Message | None:
    """Return a message that is sent once and never edited, or None."""
    message: Message | None = None
    match template:
        case _ if template == TOLD:
            message = _telling(request)
        case _ if template == ESCALATED and to == "card_thread":
            message = _escalating(request, beside)
        case _ if template in {ASKED, REMINDED}:
            message = _calling(template, request, caution, beside, told.data)
        case _ if template == STUCK:
            message = _stuck(request, told)
        case _ if template.startswith(NOT_POSTED):
            message = _not_posted(request, told)
        case _ if template == OUTCOME:
            message = _bad_end(request)
        case _ if template == STILL_UNKNOWN and request.state is not State.UNKNOWN:
            pass  # a person has recorded the outcome by now
        case _:
            message = (thread if to == "thread" else _direct)(template, request, told)
    return message


def audit(
    request: Request,
    *,
    cancels: bool = False,
    connection: Connection | None = None,
    progress: ListProgress | None = None,
) -> Message:
    """Return a request's message in the audit channel, with its state and the buttons for next steps."""
    held = bool(progress and progress.paused and request.state is State.APPROVED)
    sentence = f"{vocabulary.WAITING} *Paused* · {task(request)}" if held else request_status(request)
    buttons = steps(request, connection) if unknown(request) else []
    if moved_in_vain(request):
        label = f"Place again the call of {request.id}"
        buttons.append(button(vocabulary.PLACE_AGAIN, PLACE_AGAIN, request.id, style="primary", label=label))
    if was_not_reached(request) and again(request):
        label = f"Call again: {request.id}"
        buttons.append(button(vocabulary.CALL_AGAIN, PLACE_AGAIN, request.id, label=label))
    if can_be_withdrawn(request):
        buttons.append(withdraw(request))
    if progress:
        buttons += call_lists.buttons(request, progress)
    first = section(sentence, menu(request, cancels=cancels))
    far = call_lists.progress_blocks(request, progress) if progress else []
    rows = [actions(*buttons)] if buttons else []
    return Message(sentence, [first, *far, *_targets(request), context(*_facts(request)), *rows])


def _about_unknown(
    template: str, request: Request, connection: Connection | None, still: str = ""
) -> Message | None:
    """Return the message that asks to record an outcome, or what became of it.

    Return None if the outcome was recorded before anyone was told.
    """
    if unknown(request):
        return unresolved(request, connection, _facts(request), still=still)
    if template in {SETTLE_ASKED, STILL_UNKNOWN}:
        return None
    text = request_status(request)
    return Message(text, [section(text), *_targets(request), context(*_facts(request))])


def _calling(
    template: str, request: Request, caution: str | None, beside: PendingContext, data: Mapping[str, Scalar]
) -> Message | None:
    """Return the message that asks an approver to decide, or a reminder. None if the request was decided."""
    if request.state is not State.PENDING:
        return None
    where = data.get(INSTEAD_OF)
    here = f"\nThe card can't be posted in {channel(where)}, so please decide here." if where else ""
    asks = f"*{person(request.requester)} needs your approval:* {task(request)}"
    text = f"{asks}{WARNING.get(request.kind, '')}{here}" if template == ASKED else reminder(request)
    stuck = [section(f"{vocabulary.UNKNOWN} {escape(str(data['reason']))}")] if "reason" in data else []
    at = reported_call_time(request)
    call = [f"call time {when(at)}"] if at else []
    blocks = [
        section(text),
        *stuck,
        *_targets(request, _MORE_IN_REVIEW),
        *_warnings(request, beside),
        *_progress(request),
        context(*_facts(request), *call, *filter(None, [caution])),
        _review(request),
    ]
    return Message(text, blocks)


def _stuck(request: Request, told: ReplyContext) -> Message | None:
    """Return the warning that nobody can approve the request now, or None if it was decided."""
    if request.state is not State.PENDING:
        return None
    until = f" It expires {when(request.decide_by)}." if request.decide_by else ""
    text = f"{vocabulary.UNKNOWN} {escape(str(told.data['reason']))}{until}"
    return Message(text, [section(text), context(task(request), request.id)])


def _not_posted(request: Request, told: ReplyContext) -> Message:
    """Return the warning for the requester that a message about the request could not be posted."""
    why, mend = interactions.why_shut(str(told.data["error"]))
    where = channel(told.data["channel"])
    if told.data["post"] == "card":
        headline = f"*The approval card can't be posted in {where}: {why}.*"
        below = f"Your request still waits, and its approvers are asked by direct message. {mend}"
    else:
        headline = f"*The result of your request can't be posted in {where}: {why}.*"
        below = f"The request itself goes on. {mend} The result is posted then."
    text = f"{vocabulary.UNKNOWN} {headline}\n{below}"
    return Message(text, [section(text), context(task(request), request.id)])


def _telling(request: Request) -> Message:
    """Return the notification about a new request, with its state and the rule that applied."""
    text = f"*For your information:* {request_status(request)}"
    return Message(text, [section(text), *_targets(request), *_ruled(request), context(*_facts(request))])


def _escalating(request: Request, beside: PendingContext) -> Message | None:
    if request.state is not State.PENDING or not beside.escalated:
        return None
    text = f"*{escape(beside.escalated)} can approve this now, too.* It still waits."
    return Message(text, [section(text)])


def _ruled(request: Request) -> list[Block]:
    """Return what the rules said when the request was made."""
    return contexts(" · ".join(map(escape, request.reasons.split("\n")))) if request.reasons else []


def _progress(request: Request) -> list[Block]:
    """Return who has approved and how many more approvals are needed. Empty if one approval suffices."""
    by = request.approved_by
    if request.approvals_needed <= 1 and not by:
        return []
    more = max(1, request.approvals_needed - len(by))  # a pending request needs at least one more
    if not by:
        return [section(f"*{request.approvals_needed} different people have to approve this.*")]
    names = listed([person(one) for one in by], "and")
    return [section(f"*Approved by {names}.* {counted(more, 'more approval')} needed, by someone else.")]


def card(
    request: Request,
    *,
    caution: str | None = None,
    beside: PendingContext = ALONE,
    paused: Pause | None = None,
) -> Message:
    """Return the approval card: the facts for a decision, or the decision."""
    if request.state is not State.PENDING:
        sentence = passed(request) if request.state in _UNDER_WAY else request_status(request)
        return Message(sentence, [section(sentence), context(*_facts(request))])
    asked = task(request)
    headline = f"*{asked[0].upper()}{asked[1:]}{WARNING.get(request.kind, '')}*"
    return Message(
        headline,
        [
            section(headline),
            *_targets(request, _MORE_IN_REVIEW),
            *_warnings(request, beside),
            *fields(facts_to_decide(request)),
            *_progress(request),
            *([section(f"{escape(beside.escalated)} can approve this, too.")] if beside.escalated else []),
            *([context(caution)] if caution else []),
            *([context(paused_line(paused))] if paused else []),
            _review(request),
            context(
                request.id, request.connection, *_speaking(request), *_all_calls(request), *_more(beside)
            ),
        ],
    )


def _warnings(request: Request, beside: PendingContext) -> list[Block]:
    """Return what must not be overlooked: unknown targets, similar numbers, and what can't be undone."""
    unknown = paragraphs(excerpt(not_found(request), _MORE_IN_REVIEW))
    final = [f"{vocabulary.UNKNOWN} *{CANNOT_BE_UNDONE}*"] if request.kind in IRREVERSIBLE else []
    night = [warning] if (warning := call_times.night_of(request)) else []
    return [*unknown, *map(section, [*unlike(request, beside.similar_numbers), *night, *final])]


def _review(request: Request) -> Block:
    review = button(vocabulary.REVIEW, REVIEW, request.id, style="primary", label=f"Review {request.id}")
    return actions(review)


def _all_calls(request: Request) -> list[str]:
    """Return that a cancellation by number covers more than the call that is meant."""
    first = request.actions[0]
    by_number = first.kind is Kind.CANCEL_CALL and first.target_id is None
    return ["cancels *every* call it has scheduled to the number"] if by_number else []


def _more(beside: PendingContext) -> list[str]:
    """Return how many other requests wait, counted when the message was rendered."""
    return [f"{at_least(beside.others, MOST_COUNTED)} more waiting"] if beside.others else []


def _targets(request: Request, more: str = _MORE_IN_DETAILS) -> list[Block]:
    """Return the first targets of several. ``more`` says how many are not shown."""
    if len(request.actions) == 1:
        return []
    lines = [f"• {became(request, record)}" for record in request.actions]
    return paragraphs(excerpt(lines, more, most=MAX_LISTED))


def _facts(request: Request) -> Sequence[str]:
    """Return who asked and why, who approved, the connection, and the ids."""
    who = person(request.requester)
    facts = [f"{who}: {quote(request.reason)}" if request.reason else who]
    for one in request.approvals:
        if one.decision == "approve":
            words = f": {quote(one.note)}" if one.note else ""
            at = f" {time(one.at)}" if one.at else ""
            facts.append(f"approved by {person(one.person)}{at}{words}")
    if request.state is State.PENDING and request.decide_by:
        facts.append(f"expires {when(request.decide_by)}")
    facts.append(request.connection)
    if request.kind is Kind.PLACE_CALL:  # needed to cancel a call where the number does not suffice
        facts += [f"call {escape(record.reference)}" for record in request.actions[:1] if record.reference]
    return [*facts, request.id]


def _speaking(request: Request) -> list[str]:
    """Return the voice agents of a request, if it has any."""
    return [f"voice agent {names}"] if (names := voice_agents(request)) else []


def _confirmation(request: Request) -> Message | None:
    """Return the short result for the request's own channel, or None before all actions have ended."""
    if request.reschedules or any(record.state in _ACTIVE for record in request.actions):
        return None  # the second step confirms a reschedule
    text = request_status(request)
    return Message(text, [section(text), context(*_facts(request))])


def _told_by_the_move(template: str, request: Request) -> bool:
    """Return whether a message is left out because the reschedule's last message covers both steps."""
    first_is_done = request.reschedules is not None and request.state is State.SUCCEEDED
    return request.second_step_of is not None or (first_is_done and template != "followed")


def _direct(template: str, request: Request, told: ReplyContext) -> Message | None:
    surprise = next(
        (one for one in request.actions if template == "took_place" and one.id == told.action), None
    )
    of_an_end = template == CALL_ENDED
    if surprise is None and not of_an_end and _told_by_the_move(template, request):
        return None
    if surprise is None and not of_an_end and any(record.state in _ACTIVE for record in request.actions):
        return None  # the message of the target that ends last covers all
    text = request_status(request) if surprise is None else contradicted(surprise, f" ({target(surprise)})")
    if template == "followed" and moved_in_vain(request):
        text += f"\nPress {PLACE_IT_AGAIN} on its message in the audit channel."
    blocks = [section(text), *_targets(request)]
    if template in _SAID_BY_PEOPLE and told.note and quote(told.note) not in text:
        blocks.append(section(f"{person(told.actor)}: {quote(told.note)}"))
    blocks += also(request, told)
    return Message(text, [*blocks, context(request.connection, request.id)])


def _bad_end(request: Request) -> Message | None:
    """Return the outcome for an approver, or None unless all targets ended and one failed or is unknown."""
    states = {record.state for record in request.actions}
    if states & _ACTIVE or not states & {State.FAILED, State.UNKNOWN}:
        return None
    text = request_status(request)
    return Message(text, [section(text), *_targets(request), context(request.connection, request.id)])


_ERASED: Final = "*Erased.* This message's content was removed here and from the log, on request or by age."


def is_erased(request: Request) -> bool:
    """Return whether the targets of a request were erased."""
    return all(record.action is None for record in request.actions)


def erased(request: Request) -> Message:
    """Return the replacement for any message about an erased request: its id, states and requester."""
    states = sorted({vocabulary.status(record) for record in request.actions})
    facts = [f"requested by {person(request.requester)}", ", ".join(states), request.connection, request.id]
    return Message(f"{_ERASED} {request.id}", [section(_ERASED), context(*facts)])

"""Questions and notes before a request is made: duplicates, recent calls and ambiguous commands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from bot.parsing.command import OF_PAUSES, Command, FieldProblem, Question, Verb
from bot.parsing.defaults import Ambiguous, FilledCommand, Source
from bot.parsing.labels import DOES, REQUESTS
from bot.parsing.numbers import NumberTarget
from bot.services.call_history import RecentCall
from bot.slack.blocks import (
    MAX_BUTTON,
    MAX_TITLE,
    Block,
    Message,
    View,
    actions,
    button,
    confirm,
    context,
    cut,
    paragraphs,
    plain_text,
    section,
)
from bot.text.formatting import listed
from bot.text.markup import escape, person
from bot.text.vocabulary import EDIT_REQUEST, UNKNOWN
from bot.ui.call_preview import BACK, PLACE_ANOTHER, PlacePreview
from bot.ui.modal import About, modal
from bot.ui.request_lists import STATUS
from bot.ui.request_status import marked
from bot.ui.ways_on import SHOW_STATUS
from providers.actions import NumberRef
from storage.models import Request
from storage.states import State

CANCEL_FIRST = "cancel_first"


REQUEST_ANYWAY = "Request cancellation anyway"
MOST_SHOWN = 20
"""Requests that are described one by one."""


_NOW = {
    State.PENDING: "It's waiting for approval.",
    State.APPROVED: "It's being sent.",
    State.SENDING: "It's being sent.",
    State.UNKNOWN: "Its outcome is unknown.",
}
_AN_HOUR = timedelta(hours=1)
_A_DAY = timedelta(days=1)


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was, in words."""
    past = max(now - at, timedelta())
    if past < timedelta(minutes=1):
        return "just now"
    if past < _AN_HOUR:
        return f"{past // timedelta(minutes=1)} min ago"
    if past < _A_DAY:
        return f"{past // _AN_HOUR} h ago"
    return f"{past // _A_DAY} days ago" if past >= 2 * _A_DAY else "a day ago"


def already_asked(
    requests: Sequence[Request],
    *,
    reader: str,
    now: datetime,
    channel: str,
    buttons: Mapping[str, Sequence[Block]],
) -> Message:
    """Return that every target was requested before: by whom, when, and with what state.

    ``buttons`` are the next steps for some of the requests, by request id.
    """
    lines = [describe(request, reader=reader, now=now) for request in requests]
    told = [f"Nothing new was requested. You can follow it in <#{channel}>."]
    if any(request.state is State.UNKNOWN for request in requests):
        told.append("Its outcome can be recorded there.")
    blocks: list[Block] = []
    for request, line in zip(requests[:MOST_SHOWN], lines, strict=False):
        blocks.append(section(line))
        if request.id in buttons:
            blocks.append(actions(*buttons[request.id]))
    if (more := len(requests) - MOST_SHOWN) > 0:
        blocks.append(section(f"… and {more} more: `/calls list` shows yours."))
    blocks.append(section(" ".join(told)))
    blocks.append(context(requests[0].connection, *(request.id for request in requests)))
    return marked(requests[0], Message(lines[0], blocks))


def describe(request: Request, *, reader: str, now: datetime) -> str:
    """Return who made an earlier request, when, and its state."""
    who = "You" if request.requester == reader else person(request.requester)
    before = ago(request.asked_at, now)
    return f"{who} already requested this {before} ({request.id}). {_NOW.get(request.state, '')}".rstrip()


def ignored(requests: Sequence[Request], count: int, *, reader: str, now: datetime) -> list[Block]:
    """Return the note that some targets were left out, because they were requested before."""
    which = "1 target was left out" if count == 1 else f"{count} targets were left out"
    lines = [f"{which}:", *(f"• {describe(request, reader=reader, now=now)}" for request in requests)]
    return paragraphs(lines)


def no_call_known(line: Command, numbers: Sequence[str], draft: str, action_id: str) -> Message:
    """Return the question whether to cancel by number although no call to it is known.

    Its button, with ``action_id``, makes the request that is kept under ``draft``.
    """
    known = {one.phone.e164: one.phone for one in line.targets if isinstance(one, NumberTarget)}
    shown = [f"{known[to].pretty} ({known[to].country})" for to in numbers if to in known]
    first = f"{UNKNOWN} *CallOps knows of no call to {listed(shown[:MOST_SHOWN], 'or')}.* Cancel anyway?"
    more = len(shown) - MOST_SHOWN
    told = "Check the number. The provider confirms a cancellation even if there was nothing to cancel."
    others = f" {more} more numbers have no known call." if more > 0 else ""
    blocks = [section(first), section(f"{told}{others}")]
    return Message(first, [*blocks, actions(button(REQUEST_ANYWAY, action_id, draft, style="danger"))])


def no_call_known_view(line: Command, numbers: Sequence[str], *, draft: str, channel: str) -> View:
    """Return the same question over a form. Closing it shows the form again."""
    *blocks, _ = no_call_known(line, numbers, draft, "").blocks
    about = About(nonce=draft, channel=channel)
    view = modal(PlacePreview.callback_id, "No call known", blocks, about=about, submit=REQUESTS[Verb.CANCEL])
    return view | {"close": plain_text(BACK, MAX_TITLE)}


def question(found: RecentCall, *, reader: str, now: datetime) -> str:
    """Return the question whether to call a number again."""
    who = "You" if found.request.requester == reader else person(found.request.requester)
    before = ago(found.record.asked_at, now)
    return f"⚠️ *{who} placed a call to this number {before}* ({found.record.id}). Place another?"


def cancel_first(found: RecentCall, draft: str) -> list[Block]:
    """Return the button that cancels the earlier call, or nothing if it cannot be cancelled."""
    if found.cancel is None:
        return []
    label = f"Ask to cancel {found.record.id} before another call is placed"
    block = button("Cancel the earlier one first", CANCEL_FIRST, draft, label=label)
    text = f"This asks to cancel {found.record.id}. The new call isn't placed yet."
    asks = confirm("Cancel the earlier call?", text, yes="Ask to cancel it", no="Keep it")
    return [block | {"confirm": asks}]


def asking(view: View, text: str) -> View:
    """Return the preview modal with a question before it, and with a submit button that answers it."""
    return {**view, "blocks": [section(text), *view["blocks"]], "submit": plain_text(PLACE_ANOTHER, 24)}


def then_place(message: Message, found: RecentCall, place: Block) -> Message:
    """Return the answer to the cancellation, with the button to place the new call after it.

    *Show status* must not replace that button, so it shows the state in an answer of its own.
    """
    told = f"The new call isn't placed. Place it once {found.record.id} is cancelled."
    if found.cancel and isinstance(found.cancel.target, NumberRef):
        told += " If you place it before, it is cancelled as well."
    return replace(message, blocks=[*map(_status_apart, message.blocks), section(told), actions(place)])


def _status_apart(block: Block) -> Block:
    """Return a block in which *Show status*, if it's there, replaces nothing."""
    buttons = [
        {**one, "action_id": STATUS} if one.get("action_id") == SHOW_STATUS else one
        for one in block.get("elements", ())
    ]
    return {**block, "elements": buttons} if block["type"] == "actions" else block


CHOOSE = "choose"
"""The prefix of the action ids of these buttons. The candidate's position follows it."""

NOTHING_YET = "Nothing was asked yet. Press one: what you typed is kept."

CHANGE_ASKED = "change_asked"

MOST_OFFERED = 10
"""Candidates that have a button each. The form lists more than these."""

_WHY = {
    Source.KNOWN: "which has this ID in the log",
    Source.SCHEDULED: "which has a call scheduled to this number",
    Source.LAST_USED: "your last one",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The value of a candidate's button: the draft to continue, and the choices so far."""

    draft: str
    connection: str | None = None
    agent: str | None = None
    answers: tuple[int, ...] = ()

    @classmethod
    def of(cls, value: str) -> "Choice":
        """Read the choice from the value of a pressed button."""
        held = json.loads(value)
        return cls(**(held | {"answers": tuple(held.get("answers", ()))}))

    def text(self) -> str:
        """Return the choice as a button's value."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})


def offer(
    line: Command, found: FilledCommand, faults: Sequence[FieldProblem], draft: str, change: str
) -> Message | None:
    """Return the question that a command leaves open, with a button for each answer.

    Return None if more than one answer is missing. ``line`` is the typed command, and ``found`` the same with
    defaults. ``change`` is the action id of the button that opens the form.
    """
    if question := question_in(faults):
        return _ask(question, line, draft, change)
    return choose(found, found.open, draft, change) if found.open and is_offered(found) else None


def question_in(faults: Sequence[FieldProblem]) -> Question | None:
    """Return the first question, or None unless every fault is a question with options."""
    questions = [fault for fault in faults if isinstance(fault, Question) and fault.options]
    return questions[0] if questions and len(questions) == len(faults) else None


def _ask(question: Question, line: Command, draft: str, change: str) -> Message:
    """Return the question about a text, with a button for each option."""
    first = f"*Which do you mean?* {escape(question.message)}"
    buttons = [
        button(
            cut(f"{option[0].upper()}{option[1:]}", MAX_BUTTON),
            f"{CHOOSE}_{place}",
            Choice(draft, line.connection, line.agent, (*line.answers, place)).text(),
            label=cut(f"Go on: {option}", MAX_BUTTON),
        )
        for place, option in enumerate(question.options[:MOST_OFFERED])
    ]
    if line.verb not in OF_PAUSES:
        buttons.append(button("Open the form…", change, draft))
    return Message(first, [section(first), actions(*buttons), context(NOTHING_YET)])


def is_offered(found: FilledCommand) -> bool:
    """Return whether only one choice is missing, and buttons can show all of its candidates."""
    return (
        found.open is not None
        and len(found.open.candidates) <= MOST_OFFERED
        and all(len(candidate) <= MAX_BUTTON for candidate in found.open.candidates)
        and [fault.field for fault in (*found.command.problems, *found.problems)] == [found.open.field]
    )


def choose(found: FilledCommand, left: Ambiguous, draft: str, change: str) -> Message:
    """Return the question which candidate is meant, with a button for each.

    ``change`` is the action id of the button that opens the form.
    """
    line = found.command
    targets = [
        target.phone.pretty if isinstance(target, NumberTarget) else target.provider_id
        for target in line.targets
    ]
    does = DOES[line.verb].partition(" ")[0] if line.verb else "ask for"
    what = escape(targets[0]) if len(targets) == 1 else f"{len(targets)} targets"
    names = escape(listed(left.candidates, "or"))
    first = f"*Which {left.field}?* To {does} {what}, choose {names}."
    buttons: list[Block] = []
    for number, candidate in enumerate(left.candidates):
        connection = candidate if left.field == "connection" else line.connection
        agent = candidate if left.field == "agent" else line.agent
        value = Choice(draft, connection, agent, line.answers).text()
        label = f"Go on with the {left.field} {candidate}"
        buttons.append(button(candidate, f"{CHOOSE}_{number}", value, label=label))
    if line.verb not in OF_PAUSES:
        buttons.append(button("Open the form…", change, draft))
    return Message(first, [section(first), actions(*buttons), context(NOTHING_YET)])


def chosen(grounds: Mapping[str, Source], *, connection: str | None, agent: str | None) -> str | None:
    """Return which defaults were used and why, or None if there was no choice."""
    values = {"connection": connection, "agent": agent}
    parts = [
        f"{escape(values[name] or '')}, {_WHY[ground]}"
        for name, ground in grounds.items()
        if name in values and ground is not Source.ONLY
    ]
    return f"Using {listed(parts, 'and')}." if parts else None


def is_guess(grounds: Mapping[str, Source]) -> bool:
    """Return whether a default could be wrong."""
    return any(ground is not Source.ONLY for ground in grounds.values())


def change_asked(request: str, draft: str) -> Block:
    """Return the button that withdraws a request and opens its form filled."""
    label = f"Withdraw {request} and edit it"
    return button(EDIT_REQUEST, CHANGE_ASKED, f"{request} {draft}", label=label)

"""The replies that only the person who typed sees: faults and results."""

from collections.abc import Sequence

from bot.parsing.command import (
    FORMS,
    Command,
    FieldProblem,
    Verb,
)
from bot.parsing.defaults import FilledCommand
from bot.parsing.labels import DOES, REQUESTS
from bot.parsing.numbers import NumberTarget
from bot.services.screens import stage
from bot.slack.blocks import (
    MAX_BUTTON,
    Block,
    Message,
    Tracked,
    actions,
    button,
    context,
    contexts,
    cut,
    excerpt,
    paragraphs,
    section,
)
from bot.text import parse_errors
from bot.text.interactions import no_window
from bot.text.markup import code, escape, when
from bot.text.vocabulary import DENIED, WAITING
from bot.ui.request_status import marked, request_status
from bot.ui.request_summary import decided, doing, task
from bot.ui.waiting import paused
from bot.ui.ways_on import for_requester, show_status
from storage.models import Event, Request
from storage.states import State

PLACE = "place"
CHANGE = "change"
SEEN_HERE = "You'll see the result here."
OPEN_FORM = "Open the form…"
OPENS = {f"open_{verb.name.lower()}": verb for verb in FORMS}
"""The action ids of the buttons that open a form, with the form's verb."""
EMPTY = "help"
"""The value of a button that opens an empty form. Other buttons hold the id of a draft."""

COMMANDS = {Verb.PLACE: "/place-call", Verb.CANCEL: "/cancel-call"}
"""The verbs that have a slash command of their own."""


def opening(verbs: Sequence[Verb], value: str) -> list[Block]:
    """Return a button for the form of each verb."""
    known = {verb: action_id for action_id, verb in OPENS.items()}
    return [button(f"{DOES[verb].capitalize()}…", known[verb], value) for verb in verbs]


def fault_message(
    found: FilledCommand, faults: Sequence[FieldProblem], draft: str, corrected: Block | None = None
) -> Message:
    """Return all faults of a command, with ``corrected``, its button if there is one, and a way to its form.

    ``corrected`` goes on with the corrected command.
    """
    line = found.command
    first = f"{parse_errors.NOT_SENT} {parse_errors.FIX_THIS if len(faults) == 1 else parse_errors.FIX_THESE}"
    lines = [f"• {escape(fault.message)}{_try(fault)}" for fault in faults]
    blocks = [section(first), *paragraphs(excerpt(lines, parse_errors.MORE_TO_FIX))]
    if line.verbs:
        ways = opening(line.verbs, draft)
    elif line.verb not in FORMS:
        ways = []
        blocks.append(context(parse_errors.HELP_SHOWS))
    else:
        ways = [button(OPEN_FORM, CHANGE, draft, style=None if corrected else "primary")]
    if buttons := [*([corrected] if corrected else []), *ways]:
        blocks.append(actions(*buttons))
    return Message(f"{first} {escape(faults[0].message)}", blocks)


def correction(line: Command, faults: Sequence[FieldProblem], action_id: str, value: str) -> Block:
    """Return the button that goes on with ``line``, the corrected command.

    Without a preview it is named after its act, because a press sends the request.
    """
    if line.verb and line.verb in REQUESTS:
        named = [
            one.phone.pretty if isinstance(one, NumberTarget) else one.provider_id for one in line.targets
        ]
        at = next((fault.suggestion for fault in faults if fault.field == "at"), line.at_text)
        text = parse_errors.request_corrected(REQUESTS[line.verb], named, at)
    else:
        text = parse_errors.use_instead([fault.suggestion or "" for fault in faults])
    text = cut(text, MAX_BUTTON)
    return button(text, action_id, value, style="primary", label=text)


def no_form(code: str, draft: str) -> Message:
    """Return why the form did not open, with a button that opens it filled."""
    first = no_window(code)
    return Message(first, [section(first), actions(button(OPEN_FORM, CHANGE, draft, style="primary"))])


def _try(fault: FieldProblem) -> str:
    return f" {fault.proposal.format(f'`{_code(fault.suggestion)}`')}" if fault.suggestion else ""


def _code(text: str) -> str:
    return escape(text).replace("`", "'")


def refusal(why: Sequence[str], request: Request | None = None) -> Message:
    """Return the reasons why nothing was done, and the id under which the log has it."""
    ref = f" (Ref {request.id})" if request else ""
    text = f"{DENIED} {' '.join(escape(one) for one in why)}{ref}"
    message = Message(text, [section(text)])
    return marked(request, message) if request else message


def too_late(request: Request, events: Sequence[Event]) -> Message:
    """Return that a request can no longer be withdrawn, with its state."""
    text = " ".join(["*Too late to withdraw.*", request_status(request), *decided(events)])
    blocks = [section(text), context(*_where(request))]
    return marked(request, Message(text, blocks, Tracked(request.id, stage(request))))


def asked(
    request: Request,
    line: Command | None = None,
    *,
    typed: bool = False,
    caution: str | None = None,
    chosen: str | None = None,
    change: Block | None = None,
) -> Message:
    """Return a request's state to its requester. Targets they typed are shown in full.

    The answer to a ``typed`` command cannot be edited later, so it says nothing that ages. Any other answer
    follows the request. ``caution`` is shown until the request has ended. ``chosen`` names the defaults used,
    and ``change`` is the button to change them.
    """
    under_way = request.state in {State.PENDING, State.APPROVED, State.SENDING}
    typed = typed and under_way
    sending = {record.state for record in request.actions} <= {State.APPROVED, State.SENDING}
    first = request_status(request)
    if typed:
        first = f"*Requested:* {task(request)}"
    elif sending and stage(request) == "sending":
        first = f"{WAITING} {doing(request)}"
    blocks: list[Block] = [section(first), *paragraphs(targets(line) if line else [])]
    if request.paused_by and (typed or request.state is State.PENDING):
        blocks.append(section(f"{paused(request.paused_by)}."))
    blocks += [section(_next(request, typed=typed))] if under_way else []
    buttons = [*for_requester(request), *([change] if change and request.state is State.PENDING else [])]
    blocks += [actions(*buttons, *([show_status(request)] if typed else []))] if buttons or typed else []
    if line and line.ignored_words:
        blocks += contexts(f"Left out, beside the targets: {escape(', '.join(line.ignored_words))}.")
    if chosen:
        blocks.append(context(chosen))
    blocks.append(context(*_where(request), *([caution] if caution and under_way else [])))
    follows = None if typed else Tracked(request.id, stage(request))
    return marked(request, Message(first, blocks, follows))


def _next(request: Request, *, typed: bool) -> str:
    """Return what happens next with a request that has not ended."""
    result = "We'll message you with the result." if typed or request.approvals_needed else SEEN_HERE
    if request.state is not State.PENDING:
        return result
    until = f" until {when(request.decide_by)}" if request.decide_by else ""
    return f"An approver has{until} to approve it. {result}" if until else f"It needs approval. {result}"


def _where(request: Request) -> list[str]:
    """Return the id, the connection and the voice agents of a request."""
    return [request.id, request.connection, *_agents(request)]


def _agents(request: Request) -> list[str]:
    agents = sorted({record.agent for record in request.actions if record.agent})
    return [f"voice agent {', '.join(map(escape, agents))}"] if agents else []


def targets(line: Command) -> list[str]:
    """Return the targets of a command as they will be used, for the person who typed them.

    A number has its country. An id is listed only among several targets, because the sentence names a single
    one.
    """
    return [
        f"• {target.phone.pretty} ({target.phone.country})"
        if isinstance(target, NumberTarget)
        else f"• {code(target.provider_id)}"
        for target in line.targets
        if isinstance(target, NumberTarget) or len(line.targets) > 1
    ]

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
from bot.slack.blocks import (
    MAX_BUTTON,
    Block,
    Message,
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
from bot.ui.request_status import already, marked, request_status
from storage.models import Event, Request
from storage.states import State

PLACE = "place"
CHANGE = "change"
WITHDRAW = "withdraw"
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
    elif line.verb is Verb.HELP or line.verb is None:
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
    """Return the reasons why nothing was done."""
    text = "🚫 *Nothing was done.* " + " ".join(escape(one) for one in why)
    blocks = [section(text)]
    if request is None:
        return Message(text, blocks)
    return marked(request, Message(text, [*blocks, context(f"The log has this as `{request.id}`")]))


def too_late(request: Request, events: Sequence[Event]) -> Message:
    """Return that a request can no longer be withdrawn, with its state."""
    text = " ".join(["🚫 *It is too late to take it back.*", *already(request, events)])
    blocks = [section(text), context(f"`{request.id}`", f"through {request.connection}")]
    return marked(request, Message(text, blocks))


def asked(
    request: Request,
    line: Command | None = None,
    *,
    caution: str | None = None,
    chosen: str | None = None,
    change: Block | None = None,
) -> Message:
    """Return a request's state to the person who just made it. Targets they typed are shown in full.

    ``caution`` is shown until the request has ended. ``chosen`` names the defaults used, and ``change`` is
    the button to change them.
    """
    blocks: list[Block] = [section(request_status(request))]
    blocks += paragraphs(targets(line) if line else [])
    if request.state is State.PENDING:
        until = f" has until {when(request.decide_by)} to decide" if request.decide_by else " decides"
        blocks.append(
            section(f"An approver{until}. You get a message when it is done or denied, or when time ran out.")
        )
        blocks.append(actions(withdraw(request), *([change] if change else [])))
    elif request.state in {State.APPROVED, State.SENDING}:
        blocks.append(section("The audit channel shows what comes of it. If it fails, you get a message."))
    said = [caution] if caution and request.state in {State.PENDING, State.APPROVED, State.SENDING} else []
    if line and line.ignored_words:
        blocks += contexts(f"Left out, beside the targets: {escape(', '.join(line.ignored_words))}.")
    if chosen:
        blocks.append(context(chosen))
    blocks.append(context(f"`{request.id}`", f"through {request.connection}", *_agents(request), *said))
    return marked(request, Message(request_status(request), blocks))


def withdraw(request: Request) -> Block:
    """Return the button that withdraws a request."""
    return button("Take back", WITHDRAW, request.id, label=f"Take back {request.id}")


def _agents(request: Request) -> list[str]:
    agents = sorted({entry.agent for entry in request.entries if entry.agent})
    return [f"agent {', '.join(map(escape, agents))}"] if agents else []


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

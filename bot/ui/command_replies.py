"""The replies that only the person who typed sees: help, faults and results."""

from collections.abc import Mapping, Sequence

from bot.parsing.command import (
    FORMS,
    OF_CAMPAIGNS,
    Command,
    CommandContext,
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
from bot.text.formatting import listed
from bot.text.interactions import no_window
from bot.text.markup import code, escape, when
from bot.text.parse_errors import undocumented
from bot.ui.request_status import DRY_RUN, already, marked, request_status
from providers.actions import Kind
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

_HELP = {
    Verb.PLACE: """\
*Place a call*: `/place-call +91 98765 43210 tomorrow 9:30`
Without a time it is placed now. You see the call before it is placed.""",
    Verb.CANCEL: """\
*Cancel a scheduled call*: `/cancel-call 98765 43210 customer asked`
By number or by the call's id; what follows is the reason. Several targets go between commas.
If CallOps does not know when the call goes out, add `call-time=17:00`.""",
    Verb.MOVE: """\
*Move a scheduled call*: `/calls move 98765 43210 Mon 10:00`
By number or by its id; only what was placed through CallOps. It is cancelled, then placed again.""",
}
_HELP_ON_MORE = """\
*More*: `via reminders` chooses the connection, `agent=payments` the agent. Placing also takes `at=` \
`retries=3` `gap=30,60` `from=9:00` `until=18:00` `carry-over` `lang=hi` `priority=1` `batch=` \
`meta.name=Asha` `purpose=` `consent=` `zone=` `reason=`, where the provider can.

*Read back*: `/calls list` shows yours, what waits and what is coming up; `/calls status A-7K3F` one request.
*Search the log*: `/calls log` with a number, words of a reason, or `by=@asha` `via reminders` \
`state=failed` `kind=cancel` `on=yesterday` `from=Mon` `until=today`.

*Times* are in your own time zone: `9:30`, `9.30 pm`, `tonight 9`, `today 17:00`, \
`day after tomorrow 10am`, `Mon 10:00`, `5 Dec 10:00`, `in 20 min`, `in 2h30m`. \
Add another zone like `9:30 UTC`, `9:30 +05:30` or `9:30 Asia/Kolkata`."""

_HELP_ON_STOPS = """\
*Stop calling somebody*: `/calls stop +91 98765 43210 asked us to`
Cancels the calls we know of, and blocks all later ones to the number; no approval is needed. A manager lets \
calls go out again with `/calls allow +91 98765 43210` and a reason."""

_DOES = {
    Kind.PLACE_CALL: "places calls",
    Kind.CANCEL_CALL: "cancels calls",
    Kind.DELETE_CAMPAIGN: "deletes campaigns",
    Kind.STOP_CAMPAIGN: "stops campaigns",
    Kind.START_CAMPAIGN: "starts campaigns",
}
_UNDOCUMENTED = "†"


def help_message(vocabulary: CommandContext, off: Mapping[str, str]) -> Message:
    """Return help on commands, with buttons for the forms and the list of connections.

    It shows only what some connection can do.
    """
    first = "*CallOps places and cancels calls at your voice providers.* Type a command or open a form."
    can = vocabulary.can()
    stops = [Verb.STOP] if {Verb.PLACE, Verb.CANCEL} & set(can) else []
    told = [_HELP[verb] for verb in can if verb in _HELP]
    told += _on_campaigns([verb for verb in can if verb in OF_CAMPAIGNS])
    told += _HELP_ON_MORE.split("\n\n") + ([_HELP_ON_STOPS] if stops else [])
    forms = [actions(*_opening([*can, *stops], EMPTY))] if can else []
    blocks = [section(first), *forms, *map(section, told)]
    return Message(first, [*blocks, *paragraphs(_connections(vocabulary, off))])


def _opening(verbs: Sequence[Verb], value: str) -> list[Block]:
    """Return a button for the form of each verb."""
    known = {verb: action_id for action_id, verb in OPENS.items()}
    return [button(f"{DOES[verb].capitalize()}…", known[verb], value) for verb in verbs]


def _on_campaigns(verbs: Sequence[Verb]) -> list[str]:
    if not verbs:
        return []
    doing = listed([verb.split()[-1] for verb in verbs], "or")
    lines = [
        f"*{doing.capitalize()} a campaign*: `/calls {verbs[0]} cd-2129073 it has ended`",
        "By its id; what follows is the reason.",
    ]
    if Verb.DELETE_CAMPAIGN in verbs:
        lines[1] += " Deleting cannot be undone: whoever approves it types the id."
    if Verb.START_CAMPAIGN in verbs:
        lines[1] += " Starting calls people."
    return ["\n".join(lines)]


def _connections(vocabulary: CommandContext, off: Mapping[str, str]) -> list[str]:
    """Return a line for each connection, and a line on undocumented actions if there are any."""
    lines = ["*Connections*"]
    for name, known in vocabulary.connections.items():
        does = [
            f"{words}{_UNDOCUMENTED if kind in known.undocumented else ''}"
            for kind, words in _DOES.items()
            if kind in known.kinds
        ]
        agents = f"; agents: {escape(', '.join(known.agents))}" if known.agents else ""
        dry_run = f". {DRY_RUN}" if known.dry_run else ""
        lines.append(f"• `{name}`: {', '.join(does) or 'nothing'}{agents}{dry_run}")
    lines += [f"• `{name}` is off: {escape(why)}" for name, why in off.items()]
    titles = [known.title for known in vocabulary.connections.values() if known.undocumented]
    if titles:
        lines.append(f"{_UNDOCUMENTED} {undocumented(list(dict.fromkeys(titles)))}")
    return lines


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
        ways = _opening(line.verbs, draft)
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

"""Every message that only the person who typed reads: help, faults, the preview, what became of it. Pure."""

from collections.abc import Mapping, Sequence

from bot.blocks import Block, Message, actions, button, context, escape, fields, quote, section, when
from bot.inference import Inferred
from bot.line import Fault, Line, Verb, write
from bot.messages import already, standing
from bot.operations import Wish
from bot.targets import NumberTarget
from providers.actions import CallRef, CancelCall, NumberRef, PlaceCall
from providers.request import Prepared
from storage.lifecycle import State
from storage.log import Event, Request

PLACE = "place"
CHANGE = "change"
TAKE_BACK = "take_back"
OPEN_PLACE = "open_place"
OPEN_CANCEL = "open_cancel"
OPEN_DELETE_CAMPAIGN = "open_delete_campaign"

COMMANDS = {Verb.PLACE: "/place-call", Verb.CANCEL: "/cancel-call"}
"""The command behind which each verb has a door of its own."""

_HELP = """\
*Place a call*: `/place-call +91 98765 43210 tomorrow 9:30`
Without a time it is placed now. You see everything before anything is placed.

*Cancel a scheduled call*: `/cancel-call 98765 43210 customer asked`
By number or by the call's id; what follows is the reason. Several targets go between commas.

{campaigns}\
*More*: `via reminders` chooses the connection, `agent=payments` the agent. Placing also takes `at=` \
`retries=3` `gap=30,60` `from=9:00` `until=18:00` `carry-over` `lang=hi` `priority=1` `batch=` \
`meta.name=Asha` `purpose=` `consent=` `reason=`.

*Times* are yours: `9:30`, `9.30 pm`, `today 17:00`, `Mon 10:00`, `5 Dec 10:00`, `in 20 min`."""

_HELP_ON_CAMPAIGNS = """\
*Delete a campaign*: `/calls campaign delete cd-2129073 it has ended`
By its id; what follows is the reason. It cannot be undone, so whoever approves it types the id.

"""


def help_message(
    connections: Mapping[str, str], off: Mapping[str, str], *, campaigns: bool = False
) -> Message:
    """What can be typed, the forms for those who rather choose, and which connections there are.

    ``campaigns``: whether there is a connection that can delete any.
    """
    first = "*CallOps places and cancels calls at your voice providers.* Type a command or open a form."
    buttons = [button("Place a call…", OPEN_PLACE, "help"), button("Cancel a call…", OPEN_CANCEL, "help")]
    if campaigns:
        buttons.append(button("Delete a campaign…", OPEN_DELETE_CAMPAIGN, "help"))
    known = [f"`{name}`: {escape(does)}" for name, does in connections.items()]
    told = _HELP.format(campaigns=_HELP_ON_CAMPAIGNS if campaigns else "").split("\n\n")
    known += [f"`{name}` is off: {escape(why)}" for name, why in off.items()]
    return Message(
        first, [section(first), actions(*buttons), *map(section, told), context("Connections", *known)]
    )


def fault_message(found: Inferred, faults: Sequence[Fault], draft: str) -> Message:
    """What is wrong with a line, all at once; the line as it was understood; the form with all of it."""
    line = found.line
    first = "*Nothing was asked yet.* " + ("One thing to mend:" if len(faults) == 1 else "To mend:")
    lines = [f"• {escape(fault.message)}{_try(fault)}" for fault in faults]
    understood = write(line).removeprefix(line.verb or "").strip()
    blocks = [section(first), section("\n".join(lines))]
    if understood and line.verb:
        command = COMMANDS.get(line.verb, f"/calls {line.verb}")
        blocks.append(section(f"Understood so far: `{command} {_code(understood)}`"))
    if line.verb is Verb.HELP or line.verb is None:
        blocks.append(context("`/calls help` shows what can be typed."))
    else:
        blocks.append(actions(button("Open the form…", CHANGE, draft, style="primary")))
    return Message(f"{first} {escape(faults[0].message)}", blocks)


def _try(fault: Fault) -> str:
    return f" Did you mean `{_code(fault.suggestion)}`?" if fault.suggestion else ""


def _code(text: str) -> str:
    return escape(text).replace("`", "'")


def refusal(why: Sequence[str], request: Request | None = None) -> Message:
    """What the rules do not let somebody do."""
    text = "🚫 *Nothing was done.* " + " ".join(escape(one) for one in why)
    blocks = [section(text)]
    if request:
        blocks.append(context(f"The log has this as `{request.id}`"))
    return Message(text, blocks)


def too_late(request: Request, events: Sequence[Event]) -> Message:
    """Why something cannot be taken back any more."""
    text = " ".join(["🚫 *It is too late to take it back.*", *already(request, events)])
    return Message(text, [section(text), context(f"`{request.id}`", f"through {request.connection}")])


def preview(wish: Wish, prepared: Prepared, line: Line, *, inferred: frozenset[str], draft: str) -> Message:
    """What would be placed, exactly, with the button that places it."""
    first, facts = place_facts(wish, prepared, line)
    notes = ["Nothing is placed until you press *Place this call*."]
    if inferred:
        notes.append(f"Chosen for you, as there is no other: {' and '.join(sorted(inferred))}")
    return Message(
        first,
        [
            section(first),
            fields(facts),
            actions(
                button(
                    "Place this call", PLACE, draft, style="primary", label="Place this call now as shown"
                ),
                button("Change…", CHANGE, draft),
            ),
            context(*notes),
        ],
    )


def place_facts(wish: Wish, prepared: Prepared, line: Line) -> tuple[str, list[tuple[str, str]]]:
    """A call about to be placed: as a sentence, and fact by fact."""
    action = wish.actions[0]
    if not isinstance(action, PlaceCall):
        raise TypeError(f"only a call is placed, not {action.kind}")
    target = line.targets[0]
    number = target.phone.pretty if isinstance(target, NumberTarget) else action.to
    country = target.phone.country if isinstance(target, NumberTarget) else ""
    asked = when(action.at) if action.at else "now"
    facts = [("Number", f"{number}\n{country}"), ("When", _times(action, prepared))]
    facts += [("Through", f"{wish.connection}, agent {escape(action.agent)}")]
    facts += [(name, value) for name, value in _options(action, prepared.zone) if value]
    said = {"Purpose": wish.purpose, "Consent": wish.consent, "Reason": wish.reason}
    facts += [(name, quote(value)) for name, value in said.items() if value]
    return f"*Place this call?* {number} ({country}), {asked}.", facts


def _times(action: PlaceCall, prepared: Prepared) -> str:
    if action.at is None:
        return "Now"
    sent = (
        f"\n`{prepared.provider_time}` in {prepared.zone}, as the provider gets it" if prepared.zone else ""
    )
    return f"{when(action.at)}, your time{sent}"


def _options(action: PlaceCall, zone: str | None) -> list[tuple[str, str]]:
    gap = ", ".join(map(str, action.gap)) if isinstance(action.gap, tuple) else action.gap
    window = " to ".join(filter(None, [action.earliest, action.latest]))
    if action.earliest and not action.latest:
        window = f"from {action.earliest}"
    elif action.latest and not action.earliest:
        window = f"until {action.latest}"
    where = f" ({zone})" if window and zone else ""
    metadata = ", ".join(
        f"{escape(name)} = {_typed(value)}" for name, value in (action.metadata or {}).items()
    )
    return [
        (
            "Retries",
            "" if action.retries is None else f"{action.retries}" + (f", {gap} min apart" if gap else ""),
        ),
        ("Only", f"{window}{where}" + (", else the next day" if action.carry_over else "") if window else ""),
        ("Language", action.language or ""),
        ("Priority", "" if action.priority is None else str(action.priority)),
        ("Batch", escape(action.batch or "")),
        ("Data for the agent", metadata),
    ]


def _typed(value: object) -> str:
    return quote(value) if isinstance(value, str) else f"`{value}`"


def asked(request: Request, line: Line | None = None) -> Message:
    """What became of a request just now, to the person who asked; the full number, which only they typed."""
    blocks: list[Block] = [section(standing(request))]
    shown = numbers(line) if line else []
    if shown:
        blocks.append(section("\n".join(shown)))
    if request.state is State.PENDING:
        until = f" has until {when(request.decide_by)} to decide" if request.decide_by else " decides"
        blocks.append(section(f"An approver{until}. You get a message when it is done or denied."))
        blocks.append(actions(button("Take back", TAKE_BACK, request.id, label=f"Take back {request.id}")))
    elif request.state in {State.APPROVED, State.SENDING}:
        blocks.append(section("The audit channel shows what comes of it. If it fails, you get a message."))
    blocks.append(context(f"`{request.id}`", f"through {request.connection}", *_agents(request)))
    return Message(standing(request), blocks)


def _agents(request: Request) -> list[str]:
    agents = sorted({entry.agent for entry in request.entries if entry.agent})
    return [f"agent {', '.join(map(escape, agents))}"] if agents else []


def numbers(line: Line) -> list[str]:
    """The numbers of a line as they will be used, each with its country, for the person who typed them."""
    phones = [target.phone for target in line.targets if isinstance(target, NumberTarget)]
    return [f"• {phone.pretty} ({phone.country})" for phone in phones]


def cancel_actions(line: Line) -> list[CancelCall]:
    """The cancellations that a line asks for."""
    if line.agent is None and any(isinstance(target, NumberTarget) for target in line.targets):
        raise ValueError("a cancellation by number needs its agent")
    return [
        CancelCall(target=NumberRef(agent=line.agent or "", to=target.phone.e164))
        if isinstance(target, NumberTarget)
        else CancelCall(target=CallRef(call_id=target.provider_id))
        for target in line.targets
    ]

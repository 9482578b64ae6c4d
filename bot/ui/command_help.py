"""The help of `/calls`: one screen with what a person may do, and a second page with the options."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from bot.parsing.command import KINDS, OF_CAMPAIGNS, CommandContext, Verb
from bot.slack.blocks import Message, actions, button, paragraphs, section
from bot.text.formatting import listed
from bot.text.markup import escape
from bot.text.parse_errors import undocumented
from bot.text.vocabulary import DRY_RUN
from bot.ui import pauses
from bot.ui.call_lists import list_button
from bot.ui.command_replies import EMPTY, opening
from providers.actions import Kind
from storage.models import Pause

PAGE: Final = "help_page"
"""The action id of the button that shows a page of the help. Its value is `FIRST` or `OPTIONS`."""
FIRST: Final = "first"
OPTIONS: Final = "options"

_LINES: Final = {
    Verb.PLACE: "`/place-call 98765 43210 tomorrow 9:30` places a call, now or later",
    Verb.CANCEL: "`/cancel-call 98765 43210 customer asked` cancels a scheduled call",
    Verb.MOVE: "`/calls move 98765 43210 Mon 10:00` moves a call to a new time",
}
_STOPS: Final = "`/calls stop 98765 43210 asked us to` cancels all calls to a number and blocks it"
_PAUSES: Final = (
    "`/calls pause via reminders until 15:00 wrong list` holds back calls, `/calls resume via reminders` "
    "lets them go on"
)
_LISTS: Final = "`/calls import` places or cancels all calls of a CSV file"
_READING: Final = (
    "`/calls list` shows what needs you, your requests and what's coming up",
    "`/calls log 98765 43210` or `/calls log A-7K3F` searches the log",
)

_OPTIONS: Final = """\
*Times* are in your time zone: `9:30`, `9.30 pm`, `tonight 9`, `today 17:00`, `Mon 10:00`, `5 Dec 10:00`. \
Or say `day after tomorrow 10am`, `in 20 min` or `in 2h30m`. \
Add a zone, like `9:30 UTC`, `9:30 +05:30` or `9:30 Asia/Kolkata`.

*Targets* are numbers or call IDs, separated by commas. The text after them is the reason. \
If CallOps doesn't know the call's time, add `call-time=17:00`.

*Choose* a connection with `via reminders`, and a voice agent with `agent=payments`.

*Placing* also takes `at=` `retries=3` `gap=30,60` `from=9:00` `until=18:00` `carry-over` `lang=hi` \
`priority=1`. \
And `batch=` `meta.name=Asha` `purpose=` `consent=` `zone=` `reason=`, if the provider can.

*The log* takes `by=@asha` `via reminders` `state=failed` `kind=cancel` `ended=no-answer` \
`on=yesterday` `from=Mon` `until=today`. `/calls status A-7K3F` shows one request.

*To unblock a number*, a manager runs `/calls allow 98765 43210` with a reason."""
_DOES: Final = {
    Kind.PLACE_CALL: "places calls",
    Kind.CANCEL_CALL: "cancels calls",
    Kind.DELETE_CAMPAIGN: "deletes campaigns",
    Kind.STOP_CAMPAIGN: "stops campaigns",
    Kind.START_CAMPAIGN: "starts campaigns",
}
_UNDOCUMENTED: Final = "†"


def help_message(
    vocabulary: CommandContext,
    may: Collection[Kind],
    *,
    paused: Sequence[Pause] = (),
    may_pause: bool = False,
) -> Message:
    """Return the first page: the pauses that hold now, a line for each command, the forms as buttons.

    It has only what some connection can do and what the person may request.
    """
    first = "*CallOps* · Type a command or open a form."
    can = usable(vocabulary, may)
    stops = [Verb.STOP] if {Verb.PLACE, Verb.CANCEL} & set(vocabulary.can()) else []
    lines = [_LINES[verb] for verb in can if verb in _LINES]
    lines += _on_campaigns([verb for verb in can if verb in OF_CAMPAIGNS])
    lines += [_STOPS] if stops else []
    lines += [_PAUSES] if may_pause else []
    lines += _READING
    listing = list_button(vocabulary, may)
    lines += [_LISTS] if listing else []
    forms = [*opening([*can, *stops], EMPTY), *listing]
    shown = [actions(*forms)] if forms else []
    more = button("Options and connections…", PAGE, OPTIONS)
    return Message(
        first, [section(first), *pauses.state(paused), *shown, section("\n".join(lines)), actions(more)]
    )


def usable(vocabulary: CommandContext, may: Collection[Kind]) -> list[Verb]:
    """Return the verbs that some connection can do and that the person may request."""
    return [
        verb
        for verb in vocabulary.can()
        if KINDS[verb] in may and (verb is not Verb.MOVE or Kind.PLACE_CALL in may)
    ]


def options(vocabulary: CommandContext, off: Mapping[str, str]) -> Message:
    """Return the second page: what can be added to a command, and the connections."""
    first = "*CallOps* · Options and connections"
    back = button("Back", PAGE, FIRST, label="Back to the commands")
    blocks = [
        section(first),
        *map(section, _OPTIONS.split("\n\n")),
        *paragraphs(_connections(vocabulary, off)),
    ]
    return Message(first, [*blocks, actions(back)])


def _on_campaigns(verbs: Sequence[Verb]) -> list[str]:
    if not verbs:
        return []
    doing = listed([f"{verb.split()[-1]}s" for verb in verbs], "or")
    others = listed([f"`{verb.split()[-1]}`" for verb in verbs[1:]], "or") if verbs[1:] else ""
    how = f" (or {others})" if others else ""
    return [f"`/calls {verbs[0]} cd-2129073 it has ended`{how} {doing} a campaign"]


def _connections(vocabulary: CommandContext, off: Mapping[str, str]) -> list[str]:
    """Return a line for each connection, and a line on undocumented actions if there are any."""
    lines = ["*Connections*"]
    for name, known in vocabulary.connections.items():
        does = [
            f"{words}{_UNDOCUMENTED if kind in known.undocumented else ''}"
            for kind, words in _DOES.items()
            if kind in known.kinds
        ]
        agents = f" · voice agents: {escape(', '.join(known.agents))}" if known.agents else ""
        dry_run = f" · {DRY_RUN.lower()}" if known.dry_run else ""
        lines.append(f"• {name} ({known.title}): {', '.join(does) or 'nothing'}{agents}{dry_run}")
    lines += [f"• {name} is off: {escape(why)}" for name, why in off.items()]
    titles = [known.title for known in vocabulary.connections.values() if known.undocumented]
    if titles:
        lines.append(f"{_UNDOCUMENTED} {undocumented(list(dict.fromkeys(titles)))}")
    return lines

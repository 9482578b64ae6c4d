"""The app's Home tab: what needs a person, their requests, and their calls that are coming up."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from bot.parsing.command import CommandContext, Verb
from bot.parsing.tokens import at_least
from bot.services.overview import LISTED, HomeContent
from bot.services.pending import MOST_COUNTED
from bot.slack.blocks import Block, View, actions, context, section
from bot.text.markup import when
from bot.text.vocabulary import UNKNOWN
from bot.ui import pauses
from bot.ui.call_lists import list_button
from bot.ui.command_help import usable
from bot.ui.command_replies import EMPTY, opening, refusal
from bot.ui.modal import About
from bot.ui.request_lists import (
    COMING_UP,
    NEEDS_YOU,
    NO_CALLS,
    NO_REQUESTS,
    NOTHING_WAITS,
    YOUR_REQUESTS,
    Row,
    call,
    listed,
)
from bot.ui.waiting import why_waiting
from bot.ui.ways_on import change_call, for_requester
from providers.actions import Kind

_FORMS: Final = (Verb.PLACE, Verb.CANCEL, Verb.MOVE)
"""The forms that the tab opens. `/calls` has all."""
_WELCOME: Final = "*Nothing here yet.* What needs you, your requests and your calls will show up here."
_FIRST_STEP: Final = "To start, press a button above. `/calls` shows all commands."
_ELSEWHERE: Final = "`/calls list`, or search with `/calls log`"
_RESTS: Final = "*Not updated for a day.* Open this tab again to see what's new."


def blocks(home: HomeContent, vocabulary: CommandContext) -> list[Block]:
    """Return the content of a person's Home tab, without the time that `view` adds."""
    forms = _forms(vocabulary, home.may)
    shown = pauses.state(home.paused[:LISTED], home.pausable)
    shown += [section(f"{UNKNOWN} *{why_waiting(one)}.*") for one in home.outages[:LISTED]]
    buttons = [*opening(forms, EMPTY), *list_button(vocabulary, home.may)]
    buttons += [pauses.opening()] if home.pausable else []
    shown += [actions(*buttons)] if buttons else []
    if not (home.unknown or home.to_decide or home.own or home.upcoming):
        return [*shown, section(_WELCOME), *([section(_FIRST_STEP)] if buttons else [])]
    needed = [*(Row(one, may_settle=True) for one in home.unknown)]
    needed += [Row(one, may_decide=True) for one in home.to_decide]
    own = [listed(one, next(iter(for_requester(one)), None)) for one in home.own]
    return [
        *shown,
        section(NEEDS_YOU),
        *([listed(row.request, row.buttons()[0]) for row in needed] or [context(NOTHING_WAITS)]),
        *_more(home.more_needed),
        section(YOUR_REQUESTS),
        *(own or [context(NO_REQUESTS)]),
        *_more(home.more_own),
        section(COMING_UP),
        *(_calls(home, vocabulary) or [context(NO_CALLS)]),
        *_more(home.more_upcoming),
    ]


def view(content: Sequence[Block], at: datetime) -> View:
    """Return the Home tab with this content, as of a time."""
    return _home([*content, context(f"As of {when(at)}")])


def refused(why: str) -> View:
    """Return the Home tab of a person who may do nothing here."""
    return _home(refusal([why]).blocks)


def resting() -> View:
    """Return the Home tab of a person who didn't open it for a day."""
    return _home([section(_RESTS)])


def _home(content: Sequence[Block]) -> View:
    return {"type": "home", "private_metadata": About().text(), "blocks": list(content)}


def _forms(vocabulary: CommandContext, may: Collection[Kind]) -> list[Verb]:
    can = usable(vocabulary, may)
    return [verb for verb in _FORMS if verb in can]


def _calls(home: HomeContent, vocabulary: CommandContext) -> list[Block]:
    """Return the scheduled calls, with the buttons that the person and their connections allow."""
    shown: list[Block] = []
    for one in home.upcoming:
        shown.append(call(one))
        through = vocabulary.connections.get(one.connection)
        if through and through.cancels_by and Kind.CANCEL_CALL in home.may:
            moves = through.can_move and Kind.PLACE_CALL in home.may
            shown.append(actions(*change_call(one, moves=moves)))
    return shown


def _more(count: int) -> list[Block]:
    return [context(f"{at_least(count, MOST_COUNTED)} more · {_ELSEWHERE}")] if count else []

"""Messages about an unknown outcome, for the people who may settle it."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.config.settings import Connection
from bot.slack.blocks import Block, Message, actions, button, context, section
from bot.text import vocabulary
from bot.text.formatting import counted
from bot.ui.request_summary import one_call, one_task, target
from bot.ui.review_modal import has_numbers
from bot.ui.settle_modal import screen_button
from providers.actions import Kind
from storage.models import ActionRecord, Request, Scalar
from storage.states import State

SETTLE: Final = "settle"
SHOW_NUMBER: Final = "show_number"
_SENTENCE_ENDS: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_MAY_BE: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: (
        "The customer may already have been called. Don't place it again until someone has checked."
    ),
    Kind.CANCEL_CALL: "The call may not be cancelled, so someone has to check.",
    Kind.DELETE_CAMPAIGN: "The campaign may still exist, so someone has to check.",
    Kind.STOP_CAMPAIGN: "The campaign may still call people, so someone has to check.",
    Kind.START_CAMPAIGN: (
        "The campaign may already call people. Don't start it again until someone has checked."
    ),
}
"""The danger of each kind of unknown outcome, and the advice."""


def unknown(request: Request) -> list[ActionRecord]:
    """Return the actions of a request whose outcome is unknown."""
    return [record for record in request.actions if record.state is State.UNKNOWN]


def record_button(request: Request) -> Block:
    """Return the button to record the first unknown outcome of a request."""
    label = f"Record the outcome of {request.id}"
    return button(vocabulary.RECORD_OUTCOME, SETTLE, unknown(request)[0].id, label=label)


def steps(request: Request, connection: Connection | None) -> list[Block]:
    """Return the buttons to record the outcome, to see the number and to open the provider's own screen.

    Only a modal shows the number, so the button may stand in a channel.
    """
    first = unknown(request)[0]
    record = record_button(request) | {"style": "primary"}
    number = button("Show number", SHOW_NUMBER, first.id, label=f"Show the full number of {request.id}")
    return [record, *([number] if has_numbers(request) else []), *screen_button(connection)]


def unresolved(
    request: Request, connection: Connection | None, facts: Sequence[str], *, still: str = ""
) -> Message:
    """Return the message that asks to record an outcome. ``still`` says for how long it has been unknown."""
    first, text = unknown(request)[0], headline(request, still)
    why = _SENTENCE_ENDS.split(first.message)[0] if first.message else ""
    below = f"{why} {_MAY_BE[first.kind]}".lstrip()
    blocks = [section(f"{text}\n{below}"), actions(*steps(request, connection)), context(*facts)]
    return Message(f"{text}\n{below}", blocks)


def headline(request: Request, still: str = "") -> str:
    """Return the first line of a message about an unknown outcome: the state and the target."""
    doubts = unknown(request)
    many = len(request.actions) > 1
    what = (
        f"{len(doubts)} of {counted(len(request.actions), 'target')}" if many else _what(request, doubts[0])
    )
    state = f"Still unresolved {still}" if still else vocabulary.state_word(State.UNKNOWN)
    return f"{vocabulary.UNKNOWN} *{state}* · {what}"


def how_long(data: Mapping[str, Scalar]) -> str:
    """Return for how long an outcome has been unknown, by the data of its reminder."""
    which = str(data.get("which", ""))
    match which[:-1], which[-1:]:
        case number, "d" if number.isdecimal():
            return f"after {counted(int(number), 'day')}"
        case number, "m" if number.isdecimal():
            return "after 1 h" if number == "60" else f"after {number} min"
        case _:
            return "and the call is due soon" if which else ""


def _what(request: Request, record: ActionRecord) -> str:
    if record.kind is not Kind.PLACE_CALL:
        return one_task(request, record)
    return one_call(record) if request.reschedules else target(record)

"""The question whether a move takes the place of a cancellation that waits."""

from datetime import datetime
from typing import Final

from bot.slack.blocks import Message, actions, button, section
from bot.text.clocks import clock
from bot.text.markup import person
from bot.ui.prompts import ago
from bot.ui.request_lists import status_below
from bot.ui.request_status import marked
from storage.models import Request

REPLACE: Final = "replace_with_move"
"""The action id of the button that replaces a cancellation. Its value is the cancellation and a draft."""
KEEP: Final = "keep_cancellation"
"""The action id of the button that keeps it. Its value is the cancellation."""


def offer(waiting: Request, at: datetime, draft: str, *, zone: str, now: datetime) -> Message:
    """Return the question for the person whose own cancellation waits."""
    text = (
        f"*A cancellation of this call is waiting ({waiting.id}).* "
        f"Replace it with a move to {clock(at, zone, now=now)}?"
    )
    buttons = actions(
        button("Replace with move", REPLACE, f"{waiting.id} {draft}", style="primary"),
        button("Keep the cancellation", KEEP, waiting.id),
    )
    return marked(waiting, Message(text, [section(text), buttons]))


def not_alone(waiting: Request) -> Message:
    """Return that a cancellation of several targets stands in the way of a move."""
    others = len(waiting.actions) - 1
    which = "1 other" if others == 1 else f"{others} others"
    text = (
        f"*A cancellation of this call and {which} is waiting ({waiting.id}).* "
        "Withdraw it first to move this call."
    )
    return marked(waiting, Message(text, [section(text), actions(status_below(waiting))]))


def of_another(waiting: Request, *, now: datetime) -> Message:
    """Return that somebody else's cancellation stands in the way of a move."""
    asked = ago(waiting.asked_at, now)
    text = (
        f"*{person(waiting.requester)} requested to cancel this call {asked} ({waiting.id}).* "
        "It's waiting for approval, so your move wasn't requested."
    )
    return marked(waiting, Message(text, [section(text), actions(status_below(waiting))]))

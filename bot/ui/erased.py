"""What is left in Slack of a request whose personal data was erased. Pure."""

from typing import Final

from bot.slack.blocks import Message, context, person, section
from bot.ui.request_status import word
from storage.entries import Request

_TEXT: Final = (
    "🧹 *Erased.* What stood here was taken out of this message and out of the log: on request, or because "
    "it was old enough."
)


def is_erased(request: Request) -> bool:
    """Whether nothing is left of what its targets were."""
    return all(entry.action is None for entry in request.entries)


def erased(request: Request) -> Message:
    """In place of any message about it: which request, how it ended and who asked, none of them erasable."""
    states = sorted({word(entry) for entry in request.entries})
    facts = [
        f"`{request.id}`",
        f"through {request.connection}",
        f"ended: {', '.join(states)}",
        f"asked by {person(request.requester)}",
    ]
    return Message(f"{_TEXT} `{request.id}`", [section(_TEXT), context(*facts)])

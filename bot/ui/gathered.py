"""One direct message with the good outcomes of several requests, so that one person is notified once."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.slack.blocks import Message, excerpt, paragraphs, section
from bot.text.vocabulary import status
from bot.ui.request_status import request_status, trial
from bot.ui.request_summary import confirmed_in_vain
from bot.ui.thread_replies import ReplyContext
from storage.models import Request
from storage.states import State

MOST_GATHERED: Final = 20
"""Requests in one message. All of them are named, so that an erasure reaches each."""


def is_good(template: str, request: Request, told: ReplyContext) -> bool:
    """Return whether a message to the requester tells of a plain success, so that others can join it."""
    return (
        template == "state"
        and all(entry.state is State.SUCCEEDED for entry in request.entries)
        and not (request.cancelled or request.reschedules or request.second_step_of or trial(request))
        and not any(confirmed_in_vain(request, entry) for entry in request.entries)
        and not (told.note or told.warnings or told.summaries)
    )


def gathered(requests: Sequence[Request]) -> Message:
    """Return the message: how many succeeded, and a line for each request."""
    words = Counter(
        status(entry, cancelled=request.cancelled is not None)
        for request in requests
        for entry in request.entries
    )
    text = f"*{', '.join(f'{count} {word.lower()}' for word, count in words.items())}*"
    rows = [f"{request_status(request)} · {request.id}" for request in requests]
    return Message(text, [section(text), *paragraphs(excerpt(rows, "… and {} more"))])

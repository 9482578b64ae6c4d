"""Direct messages about several requests, which notify their reader once."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.slack.blocks import Message, excerpt, paragraphs, section
from bot.text import vocabulary
from bot.text.formatting import counted
from bot.text.vocabulary import status
from bot.ui.request_status import request_status, trial
from bot.ui.request_summary import confirmed_in_vain
from bot.ui.thread_replies import ReplyContext
from bot.ui.unknown_messages import headline, record_button, unknown
from storage.models import Request
from storage.states import State

MOST_GATHERED: Final = 20
"""Requests in one message. All of them are named, so that an erasure reaches each."""


def is_good(template: str, request: Request, told: ReplyContext) -> bool:
    """Return whether a message to the requester tells of a plain success, so that others can join it."""
    return (
        template == "state"
        and all(record.state is State.SUCCEEDED for record in request.actions)
        and not (request.cancelled or request.reschedules or request.second_step_of or trial(request))
        and not any(confirmed_in_vain(request, record) for record in request.actions)
        and not (told.note or told.warnings or told.summaries)
    )


def gathered(requests: Sequence[Request]) -> Message:
    """Return the message: how many succeeded, and a line for each request."""
    words = Counter(
        status(record, cancelled=request.cancelled is not None)
        for request in requests
        for record in request.actions
    )
    text = f"*{', '.join(f'{count} {word.lower()}' for word, count in words.items())}*"
    rows = [f"{request_status(request)} · {request.id}" for request in requests]
    return Message(text, [section(text), *paragraphs(excerpt(rows, "… and {} more"))])


def gathered_unknown(requests: Sequence[Request]) -> Message:
    """Return the message to a person who may settle several requests, with a button for each unknown one."""
    left = [request for request in requests if unknown(request)]
    text = (
        f"{vocabulary.UNKNOWN} *{counted(len(left), 'outcome')} unknown*" if left else "*Outcomes recorded*"
    )
    rows = [
        section(f"{headline(request)} · {request.id}") | {"accessory": record_button(request)}
        if unknown(request)
        else section(f"{request_status(request)} · {request.id}")
        for request in requests
    ]
    return Message(text, [section(text), *rows])

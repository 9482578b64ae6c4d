"""What is asked a second time: a request that joins the one that waits, a number called just now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.parsing.command import ConnectionWords
from bot.slack.blocks import Block, Message, actions, button, context, paragraphs, person, plain_text, section
from bot.ui.modal import View
from bot.ui.request_status import WORDS, marked
from providers.actions import CallRef, CancelCall, Code, Kind, NumberRef, PlaceCall
from storage.entries import LogEntry, Request
from storage.lifecycle import State

CANCEL_FIRST = "cancel_first"
LATELY = timedelta(minutes=10)
"""How soon after a call the same number is asked about before it is called again."""
REPLACED = "replaced by another call to this number"
"""Why the earlier call is cancelled, where somebody presses that."""
ANOTHER = "Place another call"
MOST_SHOWN = 20
"""Requests that are told one by one."""

_CAME_TO_NOTHING = frozenset({State.FAILED, State.REFUSED, State.DENIED, State.EXPIRED, State.WITHDRAWN})
_AN_HOUR = timedelta(hours=1)
_A_DAY = timedelta(days=1)


def ago(at: datetime, now: datetime) -> str:
    """How long ago something was, as one says it."""
    past = max(now - at, timedelta())
    if past < timedelta(minutes=1):
        return "just now"
    if past < _AN_HOUR:
        return f"{past // timedelta(minutes=1)} min ago"
    if past < _A_DAY:
        return f"{past // _AN_HOUR} h ago"
    return f"{past // _A_DAY} days ago" if past >= 2 * _A_DAY else "a day ago"


def already_asked(
    requests: Sequence[Request],
    *,
    reader: str,
    now: datetime,
    channel: str,
    buttons: Mapping[str, Block],
) -> Message:
    """Everything was asked before: by whom, when, how it stands, and where its end can be read.

    ``buttons`` are what can be done about some of the requests, by id.
    """
    lines = [said(request, reader=reader, now=now) for request in requests]
    lines[0] = f"👥 *{lines[0][0].upper()}{lines[0][1:]}*"
    told = ["Nothing new was asked.", f"<#{channel}> shows what comes of it."]
    if any(request.state is State.UNKNOWN for request in requests):
        told.append("There, whoever may say what happened can do so, or send it again.")
    blocks: list[Block] = []
    for request, line in zip(requests[:MOST_SHOWN], lines, strict=False):
        blocks.append(section(line))
        if request.id in buttons:
            blocks.append(actions(buttons[request.id]))
    if (more := len(requests) - MOST_SHOWN) > 0:
        blocks.append(section(f"… and {more} more: `/calls list` shows yours."))
    blocks.append(section(" ".join(told)))
    blocks.append(context(*(f"`{request.id}`" for request in requests), f"through {requests[0].connection}"))
    return marked(requests[0], Message(lines[0], blocks))


def said(request: Request, *, reader: str, now: datetime) -> str:
    """Who asked for something before, when, and how it stands."""
    who = "you" if request.requester == reader else person(request.requester)
    return f"already asked by {who} {ago(request.asked_at, now)} (`{request.id}`): {WORDS[request.state]}."


def left_out(requests: Sequence[Request], count: int, *, reader: str, now: datetime) -> list[Block]:
    """Some of several targets were asked for before, so only the others are."""
    which = "1 target was left out" if count == 1 else f"{count} targets were left out"
    lines = [f"👥 {which}:", *(f"• {said(request, reader=reader, now=now)}" for request in requests)]
    return paragraphs(lines)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A call to the same number, placed just before: who asked, when, and how it could be cancelled."""

    request: Request
    entry: LogEntry
    cancel: CancelCall | None
    """None: it went out, or nothing here can cancel it."""


def earlier(
    entries: Sequence[tuple[Request, LogEntry]],
    coming: Sequence[LogEntry],
    through: ConnectionWords,
    now: datetime,
) -> Earlier | None:
    """The newest of some calls to a number that was placed lately and came, or may come, to something.

    ``coming`` are the calls to the number that are still to go out, as far as the log knows.
    """
    still_to_come = {entry.id for entry in coming}
    for request, entry in entries:
        gone = entry.code is Code.SCHEDULED and entry.id not in still_to_come
        if now - entry.asked_at < LATELY and entry.state not in _CAME_TO_NOTHING and not gone:
            cancel = _cancel(entry, through) if entry.id in still_to_come else None
            return Earlier(request, entry, cancel)
    return None


def _cancel(entry: LogEntry, through: ConnectionWords) -> CancelCall | None:
    if Kind.CANCEL_CALL not in through.kinds or not isinstance(entry.action, PlaceCall):
        return None
    if through.cancels_by == "number":
        return CancelCall(target=NumberRef(agent=entry.action.agent, to=entry.action.to))
    return CancelCall(target=CallRef(call_id=entry.reference)) if entry.reference else None


def question(found: Earlier, *, reader: str, now: datetime) -> str:
    """Whether the number is really to be called once more."""
    who = "You" if found.request.requester == reader else person(found.request.requester)
    before = ago(found.entry.asked_at, now)
    return f"⚠️ *{who} placed a call to this number {before}:* `{found.entry.id}`. Place another?"


def cancel_first(found: Earlier, draft: str) -> list[Block]:
    """The button that asks to cancel the earlier call, where that can be."""
    if found.cancel is None:
        return []
    label = f"Ask to cancel {found.entry.id} before another call is placed"
    block = button("Cancel the earlier one first", CANCEL_FIRST, draft, label=label)
    block["confirm"] = {
        "title": plain_text("Cancel the earlier call?", 100),
        "text": plain_text(f"This asks to cancel {found.entry.id}. The new call is not placed yet.", 300),
        "confirm": plain_text("Ask to cancel it", 30),
        "deny": plain_text("Keep it", 30),
    }
    return [block]


def asking(view: View, text: str) -> View:
    """A modal that previews a call, with the question before it and its submit named for it."""
    return {**view, "blocks": [section(text), *view["blocks"]], "submit": plain_text(ANOTHER, 24)}


def then_place(message: Message, found: Earlier, place: Block) -> Message:
    """The cancellation was asked for; the new call comes after it."""
    told = f"The new call is not placed. Place it once `{found.entry.id}` is cancelled."
    if found.cancel and isinstance(found.cancel.target, NumberRef):
        told += " If you place it before, it is cancelled as well."
    return Message(message.text, [*message.blocks, section(told), actions(place)])

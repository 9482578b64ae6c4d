"""Messages about stops: when calls to a number are stopped or allowed again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.services.models import DoNotCallPreview, DoNotCallResult
from bot.slack.blocks import (
    MAX_TITLE,
    Message,
    View,
    actions,
    button,
    context,
    excerpt,
    paragraphs,
    plain_text,
    section,
)
from bot.text.clocks import clock
from bot.text.do_not_call import UNCHECKED
from bot.text.formatting import counted, listed
from bot.text.markup import escape, person, quote, when
from bot.text.vocabulary import REASON
from bot.ui.modal import About, modal
from bot.ui.request_summary import ERASED_NUMBER
from providers.actions import CancelCall, NumberRef
from providers.phone import Phone, mask
from storage.event_log.hash_chain import (
    CALLS_ALLOWED,
    CALLS_STOPPED,
    LIST_IMPORT_BEGAN,
    LIST_IMPORTED,
    STOP_REKEYED,
)
from storage.models import ActionRecord, DoNotCallEntry, Event, Request
from storage.repositories.do_not_call import UNDONE

ADD: Final = "add_to_do_not_call"
"""The action id of the button that makes a stop. Its value is the draft of the preview."""
UNDO: Final = "undo_do_not_call"
"""The action id of the button that undoes a stop. Its value is the id of the stop."""

_MOST_CALLS: Final = 10
"""Calls that a preview lists one by one."""


def preview(found: DoNotCallPreview, reason: str | None, draft: str, *, zone: str, now: datetime) -> Message:
    """Return the preview of a stop, with the button that makes it. Times are in the reader's zone."""
    number = f"{found.phone.pretty} ({found.phone.country})"
    first = f"*Block {number}?* CallOps won't call it."
    said = f"{REASON}: {quote(reason)}" if reason else ""
    if found.already:
        by = f"Already blocked by {person(found.already.by)}, {clock(found.already.at, zone, now=now)}."
        said = "\n".join(filter(None, [by, said]))
    press = button("Block this number", ADD, draft, style="danger", label=f"Block {found.phone.pretty}")
    return Message(
        first,
        [
            section("\n".join(filter(None, [first, said]))),
            *paragraphs(_known(found, zone, now)),
            actions(press),
            context("No approval needed", "You can undo the block for 10 minutes, but not the cancellations"),
        ],
    )


def _known(found: DoNotCallPreview, zone: str, now: datetime) -> list[str]:
    """Return a line for each known call: those that a stop would cancel, then those that it would not."""

    def line(one: ActionRecord) -> str:
        at = clock(one.scheduled_for, zone, now=now) if one.scheduled_for else "Now"
        return f"• {at} · {one.connection} · {one.id}"

    cancelled = [line(one) for one in (*found.waiting, *found.scheduled) if one.id not in found.left]
    left = [f"{line(one)}: {escape(found.left[one.id])}" for one in found.scheduled if one.id in found.left]
    lines: list[str] = []
    if cancelled:
        lines.append(f"*Cancels {counted(len(cancelled), 'call')}:*")
        lines += excerpt(cancelled, "… and {} more", most=_MOST_CALLS)
    if left:
        lines.append(f"*Can't cancel {counted(len(left), 'call')}. Cancel at the provider:*")
        lines += excerpt(left, "… and {} more", most=_MOST_CALLS)
    return lines or ["CallOps knows of no call to this number. It still asks your providers to cancel any."]


def stop_preview(message: Message, *, channel: str) -> View:
    """Return the preview as a modal above its form. Its button is one of a message, which can be red."""
    view = modal("stop_preview", "Block this number?", message.blocks, about=About(channel=channel))
    return view | {"close": plain_text("Back", MAX_TITLE)}


def stopped(report: DoNotCallResult) -> Message:
    """Return the answer to a stop: what is blocked, what is being cancelled, and what could not be."""
    phone, stop = report.phone, report.stop
    first = f"*{mask(phone.e164)} is now blocked.* CallOps won't call it."
    if not report.created:
        first = f"*{mask(phone.e164)} was blocked already* by {person(stop.by)}, {when(stop.at)}."
    undo = button("Undo", UNDO, stop.id, label=f"Undo the block of {mask(phone.e164)}")
    return Message(
        first,
        [
            section(f"{first}\n{phone.pretty} ({phone.country})"),
            *paragraphs([*_cancelled(report), *_left(report)]),
            *([actions(undo)] if report.created else []),
            context(
                "Campaigns already running at a provider aren't blocked: stop them there",
                f"To unblock, a manager can run `/calls allow {phone.e164}` with a reason",
                stop.id,
            ),
        ],
    )


def _cancelled(report: DoNotCallResult) -> list[str]:
    lines = [f"• Cancelling: {_through(one)} · {one.id}" for one in report.cancelling]
    if report.withdrawn:
        lines.append(f"• Withdrawn before it was sent: {listed(report.withdrawn, 'and')}")
    by_reason: dict[str, list[str]] = {}
    for name, why in report.not_cancelled.items():
        by_reason.setdefault(why, []).append(name)
    unchecked = [name for why, names in by_reason.items() if why in UNCHECKED for name in names]
    if unchecked:
        lines.append(f"• Couldn't check: {', '.join(unchecked)}. Look there for calls to this number.")
    lines += [
        f"• *Not cancelled* in {', '.join(names)}: {escape(why).removesuffix('.')}. Cancel calls there."
        for why, names in by_reason.items()
        if why not in UNCHECKED
    ]
    return lines or ["• No calls to cancel."]


def _left(report: DoNotCallResult) -> list[str]:
    lines = []
    if report.going_out:
        ids = listed(report.going_out, "and")
        lines.append(f"⚠️ Being sent right now, so the customer may still be called: {ids}.")
    if report.unknown:
        ids = listed(report.unknown, "and")
        lines.append(f"⚠️ Outcome unknown: {ids}. Check the provider, then record the outcome.")
    return lines


def _through(request: Request) -> str:
    targets = [record.action.target for record in request.actions if isinstance(record.action, CancelCall)]
    agents = [target.agent for target in targets if isinstance(target, NumberRef)]
    if agents:
        return f"{request.connection}, voice agent {escape(listed(agents, 'and'))}"
    return f"{request.connection}, {counted(len(targets), 'call')} placed by CallOps"


def undone(stop: DoNotCallEntry, left: Sequence[DoNotCallEntry]) -> Message:
    """Return the answer to an undo. Calls that were cancelled stay so."""
    first = "*Block undone.* CallOps can call this number again."
    if lists := _lists(left):
        first = f"*Block undone, but the number stays blocked* by the do-not-call list {lists}."
    text = f"{first} Calls already cancelled stay cancelled. Place them again if you need them."
    return Message(text, [section(text), context(stop.id)])


def allowed(phone: Phone, lifted: DoNotCallEntry | None, left: Sequence[DoNotCallEntry]) -> Message:
    """Return the answer to a request to allow calls, which says whether they are allowed now."""
    shown = f"{phone.pretty} ({phone.country})"
    if lifted is None:
        text = f"{shown} wasn't blocked by anyone, so nothing changed."
    else:
        text = f"*{shown} is unblocked.* Calls that were cancelled stay cancelled."
    if lists := _lists(left):
        text = text.replace("is unblocked.*", "stays blocked.*")
        text += f" It's on the do-not-call list {lists}, which your CallOps admin manages."
    return Message(text, [section(text), *([context(lifted.id)] if lifted else [])])


def _lists(left: Sequence[DoNotCallEntry]) -> str:
    """Return the names of the lists that still block a number, or an empty text."""
    names = [f"“{escape(stop.list)}”" for stop in left if stop.list]
    return listed(names, "and") if names else ""


def news(event: Event, number: str | None) -> Message:
    """Return the audit channel's message about a stop. ``number`` is masked.

    The reason is only in the log, because text in a channel could not be erased.
    """
    text = _said(event, number)
    return Message(text, [section(text), context(f"`{event.request}`")])


def status(events: Sequence[Event], numbers: Mapping[int, str] | None = None) -> Message:
    """Return the history of a stop or of a do-not-call list, newest event first.

    ``numbers`` are masked numbers by the sequence number of their event.
    """
    known = numbers or {}
    lines = [f"{when(event.at)}: {_said(event, known.get(event.seq))}" for event in reversed(events)]
    shown = paragraphs(excerpt(lines, "… and {} more before these"))
    return Message(lines[0], [*shown, context(f"`{events[0].request}`")])


def _said(event: Event, masked: str | None) -> str:
    who, number = person(event.actor), masked or ERASED_NUMBER
    name = escape(str(event.data.get("list")))
    match event.name:
        case n if n == CALLS_STOPPED:
            return f"*{who} blocked {number}.* CallOps won't call it."
        case n if n == CALLS_ALLOWED:
            did = "undid the block of" if event.data.get(UNDONE) else "unblocked"
            return f"*{who} {did} {number}.* CallOps can call it again."
        case n if n == LIST_IMPORT_BEGAN:
            return f"Importing the do-not-call list “{name}”. It blocks nothing until it's done."
        case n if n == LIST_IMPORTED:
            return _added(event, name)
        case n if n == STOP_REKEYED:
            lost = counted(event.data.get("removed") or 0, "number")
            return f"CallOps has a new key. {lost} couldn't be kept."
        case _:
            removed = counted(event.data.get("removed"), "number")
            return f"*Do-not-call list “{name}” removed.* {removed} unblocked."


def _added(event: Event, name: str) -> str:
    added = counted(event.data.get("added"), "number")
    return f"*{added} added to the do-not-call list “{name}”.* It now has {event.data.get('numbers')}."

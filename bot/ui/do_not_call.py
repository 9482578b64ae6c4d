"""Messages about stops: when calls to a number are stopped or allowed again."""

from collections.abc import Mapping, Sequence

from bot.services.models import DoNotCallResult
from bot.slack.blocks import Message, context, excerpt, paragraphs, section
from bot.text.formatting import counted, listed
from bot.text.markup import escape, person, when
from bot.ui.request_summary import ERASED_NUMBER
from providers.actions import CancelCall, NumberRef
from providers.phone import Phone, mask
from storage.event_log.hash_chain import CALLS_ALLOWED, CALLS_STOPPED, LIST_IMPORT_BEGAN, LIST_IMPORTED
from storage.models import DoNotCallEntry, Event, Request


def stopped(report: DoNotCallResult) -> Message:
    """Return the answer to a stop: what is blocked, what is being cancelled, and what could not be."""
    phone, stop = report.phone, report.stop
    first = f"🛑 *No more calls to {mask(phone.e164)} through CallOps.*"
    blocked = (
        "Blocked from now on: every call to it, now or scheduled, through every connection. A campaign that "
        "runs at a provider cannot be blocked by CallOps: stop it there, or take the number off its list."
    )
    number = f"• {phone.pretty} ({phone.country})"
    if not report.created:
        number += f"\n{person(stop.by)} had stopped them before, {when(stop.at)}."
    said = [*_cancelled(report), *_left(report)]
    lift = f"A manager lets calls go out again: `/calls allow {phone.e164}` and the reason."
    return Message(
        first,
        [
            section(f"{first}\n{number}"),
            *paragraphs(said),
            section(f"{blocked} {lift}"),
            context(f"`{stop.id}`"),
        ],
    )


def _cancelled(report: DoNotCallResult) -> list[str]:
    lines = [f"• Being cancelled through {_through(one)} (`{one.id}`)" for one in report.cancelling]
    if report.cancelling:
        lines.append("The audit channel shows what comes of it.")
    if report.withdrawn:
        lines.append(f"• Taken back before it was sent: {_ids(report.withdrawn)}")
    lines += [
        f"• *Not cancelled* through {name}: {escape(why).removesuffix('.')}."
        for name, why in report.not_cancelled.items()
    ]
    if report.not_cancelled:
        lines.append("Look there for calls to this number, and cancel them.")
    return lines or ["• There was nothing to cancel."]


def _left(report: DoNotCallResult) -> list[str]:
    lines = []
    if report.going_out:
        lines.append(f"⚠️ Being sent at this moment, and may still go out: {_ids(report.going_out)}.")
    if report.unknown:
        lines.append(
            f"⚠️ We do not know whether this happened: {_ids(report.unknown)}. Look it up at the provider, "
            "then press *Record outcome…* in the audit channel."
        )
    return lines


def _through(request: Request) -> str:
    targets = [entry.action.target for entry in request.entries if isinstance(entry.action, CancelCall)]
    agents = [target.agent for target in targets if isinstance(target, NumberRef)]
    if agents:
        return f"{request.connection}, agent {escape(listed(agents, 'and'))}"
    calls = "1 call" if len(targets) == 1 else f"{len(targets)} calls"
    return f"{request.connection}, {calls} that we placed"


def _ids(ids: Sequence[str]) -> str:
    return listed([f"`{one}`" for one in ids], "and")


def allowed(phone: Phone, lifted: DoNotCallEntry | None, left: Sequence[DoNotCallEntry]) -> Message:
    """Return the answer to a request to allow calls, which says whether they are allowed now."""
    shown = f"{phone.pretty} ({phone.country})"
    if lifted is None:
        text = f"Nobody had stopped calls to {shown}, so nothing was done."
    else:
        text = f"✅ *Calls to {shown} may go out again.* Those that were cancelled are not placed again."
    lists = [stop.list for stop in left if stop.list]
    if lists:
        which = listed([f"“{escape(name)}”" for name in lists], "and")
        text = text.replace("✅ *Calls", "*The stop is lifted. Calls").replace(
            "may go out again.", "stay blocked."
        )
        text += f" The number is on the do-not-call list {which}, which whoever runs CallOps keeps."
    return Message(text, [section(text), *([context(f"`{lifted.id}`")] if lifted else [])])


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
            return f"🛑 *{who} stopped all calls to {number}.* CallOps places none to it from now on."
        case n if n == CALLS_ALLOWED:
            return f"✅ *{who} let calls to {number} go out again.*"
        case n if n == LIST_IMPORT_BEGAN:
            return f"An import into the do-not-call list “{name}” began. It blocks nothing before it is done."
        case n if n == LIST_IMPORTED:
            added = counted(event.data.get("added"), "number")
            has = event.data.get("numbers")
            return f"🛑 *{added} added to the do-not-call list “{name}”.* It has {has} now."
        case _:
            removed = counted(event.data.get("removed"), "number")
            return f"*The do-not-call list “{name}” was removed.* It blocks {removed} no longer."

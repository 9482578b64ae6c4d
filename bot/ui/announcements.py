"""Messages that belong to no request: announcements in channels, and the answers about an export."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from bot.slack.blocks import Message, context, cut, excerpt, paragraphs, section
from bot.text.markup import escape, when
from bot.text.terminal import program
from bot.text.vocabulary import state_word
from bot.ui import do_not_call, pauses
from storage.changes import Announced
from storage.event_log.hash_chain import moment
from storage.models import Event, MessageRef, OutboxItem, Scalar
from storage.repositories.do_not_call import NUMBER
from storage.states import State

MAX_LINES = 20
"""Lines of a difference that the audit channel shows. The log has all of them."""
MAX_LINE = 300

FIRST_RULES = "First rules in the log."
COUNTED = (
    State.SUCCEEDED,
    State.FAILED,
    State.DENIED,
    State.EXPIRED,
    State.WITHDRAWN,
    State.UNKNOWN,
    State.PENDING,
)
"""The states that the daily summary counts, in its order."""


def render(
    post: OutboxItem, told: tuple[Event, Mapping[str, str]] | None, *, cancels: bool = False
) -> Message | None:
    """Return the message of an announcement, or None if there is nothing to announce.

    ``told`` is the event that it reports, if any, with those of its personal values that are still kept.
    ``cancels`` means that CallOps can cancel calls of some connection that it concerns.
    """
    data = post.payload
    message: Message | None
    match post.template, told:
        case Announced.DAILY_SUMMARY, _:
            counts = {state: int(data.get(state) or 0) for state in COUNTED}
            placed, reached = (int(data.get(name) or 0) for name in ("placed", "reached"))
            message = daily_summary(_day(data), counts, placed=placed, reached=reached)
        case Announced.ANCHOR, _:
            message = log_ended_with(_day(data), int(data["event"] or 0), str(data["hash"]))
        case Announced.OUTAGE, _:
            message = _outage(data, post.stands)
        case Announced.RULES_FAULTY, _:
            message = rules_faulty(str(data["faults"]).split("\n"))
        case Announced.RULES_CHANGED, (event, _):
            lines = str(event.data["difference"]).split("\n")
            message = rules_changed(lines, event.request, str(data["restart_for"]))
        case Announced.DO_NOT_CALL, (event, private):
            message = do_not_call.news(event, private.get(NUMBER))
        case Announced.PAUSE, (event, private):
            message = pauses.news(event, private.get("reason"), data, cancels=cancels)
        case _:
            raise ValueError(f"{post.key} is no announcement")
    return message


def _day(data: Mapping[str, Scalar]) -> date:
    return date.fromisoformat(str(data["day"]))


def daily_summary(
    day: date, counts: Mapping[State, int], *, placed: int = 0, reached: int = 0
) -> Message | None:
    """Return the daily summary, or None if there is nothing to count.

    ``placed`` calls are of connections whose provider reported ends. It ``reached`` somebody by some of them.
    """
    told = [f"{counts[state]} {state_word(state).lower()}" for state in COUNTED if counts.get(state)]
    text = f"*{_on(day)}:* {', '.join(told)}."
    text += f" {placed} placed · {reached} reached." if placed else ""
    return Message(text, [section(text)]) if told else None


def _outage(data: Mapping[str, Scalar], stands: MessageRef | None) -> Message | None:
    """Return the message about an outage, or None if it ended before it was announced."""
    since, ended = moment(int(data["since"] or 0)), data.get("ended")
    if ended is None:
        return outage(str(data["connection"]), since)
    return outage(str(data["connection"]), since, moment(int(ended))) if stands else None


def outage(connection: str, since: datetime, ended: datetime | None = None) -> Message:
    """Return that a provider does not answer, or with ``ended`` that it answers again."""
    text = (
        f"*{connection} has been down since {when(since)}.* We retry every 5 minutes "
        "and send waiting requests when it's back. No need to resubmit."
    )
    if ended:
        text = (
            f"✅ *{connection} is back since {when(ended)}.* It was down from {when(since)}. "
            "Waiting requests are being sent."
        )
    return Message(text, [section(text)])


def log_ended_with(day: date, event: int, anchored: str) -> Message:
    text = (
        f"*{_on(day)}:* the log ends with event {event:,}. Its anchor is `{event}:{anchored}`. "
        "Check it with `log verify --anchor`."
    )
    return Message(text, [section(text)])


def _on(day: date) -> str:
    return f"{day:%a}, {day.day} {day:%b %Y}"


def a_connection(name: str) -> str:
    return f"the connection {name}"


def rules_changed(lines: Sequence[str], kept: str, restart_for: str) -> Message:
    text = "*The rules changed.* They also apply to waiting requests."
    told = [f"• {escape(cut(line, MAX_LINE))}" for line in lines]
    shown = paragraphs(excerpt(told, "… and {} more, in the log", most=MAX_LINES))
    notes = [kept]
    if restart_for:
        notes.append(f"Restart CallOps to apply {escape(restart_for)}")
    return Message(text, [section(text), *shown, context(*notes)])


def rules_faulty(faults: Sequence[str]) -> Message:
    text = (
        "⚠️ *The new rules weren't loaded: the file has an error.* The old rules still apply. "
        "Fix the file, then send SIGHUP again."
    )
    told = [f"• {escape(cut(fault, MAX_LINE))}" for fault in faults]
    more = f"… and {{}} more: `{program()} check` shows them all"
    return Message(text, [section(text), *paragraphs(excerpt(told, more, most=MAX_LINES))])


FILE_TITLE: Final = "CallOps log"

_EVERYTHING: Final = "everything"


def coming() -> Message:
    """Return the immediate answer to the person who asked for an export."""
    text = "*Preparing your export.* I'll DM it to you (numbers masked)."
    return Message(text, [section(text)])


def sent(said: str, actions: str, *, newest_only: bool) -> Message:
    """Return the message with an export: its filters, and how many actions it holds."""
    count = f"the newest {actions}. For all of them, use {_export_command()}" if newest_only else actions
    text = f"*Your log export:* {said or _EVERYTHING} · {count}. Numbers are masked."
    return Message(text, [section(text)])


def not_sent(why: str) -> Message:
    """Return that no export comes, and how to get one otherwise."""
    lacking = "the Slack app needs files:write" if why == "missing_scope" else f"Slack answered {why}"
    text = f"❌ *Couldn't send the file:* {lacking}."
    how = f"Your CallOps admin can export it with {_export_command()}."
    return Message(text, [section(text), context(how)])


def _export_command() -> str:
    return f"`{program()} log export`"

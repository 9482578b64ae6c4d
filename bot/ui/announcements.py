"""What the team is told of the house itself: what a day brought, where the log ended, new rules. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from bot.slack.blocks import Message, context, cut, excerpt, paragraphs, section
from bot.text.formatting import WORDS
from bot.text.markup import escape
from storage.states import State

MAX_LINES = 20
"""Lines of a difference that the audit channel shows; the log has them all."""
MAX_LINE = 300

FIRST_RULES = "These are the first rules that the log knows of."
_STILL = {State.PENDING: "still waiting for approval"}


def daily_line(day: date, counts: Sequence[tuple[State, int]]) -> Message:
    told = [f"{count} {_STILL.get(state, WORDS[state])}" for state, count in counts]
    text = f"📋 *{_on(day)}:* {', '.join(told)}."
    return Message(text, [section(text)])


def log_ended_with(day: date, event: int, anchor: str) -> Message:
    text = (
        f"🔗 *{_on(day)}:* the last event in the log is {event:,}. Its anchor is `{anchor}`: "
        "`log verify --anchor` checks that the log still has it."
    )
    return Message(text, [section(text)])


def _on(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def a_connection(name: str) -> str:
    return f"the connection {name}"


def rules_changed(lines: Sequence[str], kept: str, restart_for: str) -> Message:
    text = "📜 *The rules changed.* The new rules also apply to what waits."
    told = [f"• {escape(cut(line, MAX_LINE))}" for line in lines]
    shown = paragraphs(excerpt(told, "… and {} more, in the log", most=MAX_LINES))
    notes = [f"The log has this as `{kept}`"]
    if restart_for:
        notes.append(f"A restart is needed for {escape(restart_for)}")
    return Message(text, [section(text), *shown, context(*notes)])


def rules_faulty(faults: Sequence[str]) -> Message:
    text = (
        "⚠️ *The new rules were not read: the file has a fault.* The old rules still apply. Correct the "
        "file, then send SIGHUP again."
    )
    told = [f"• {escape(cut(fault, MAX_LINE))}" for fault in faults]
    more = "… and {} more: `python -m bot check` shows them all"
    return Message(text, [section(text), *paragraphs(excerpt(told, more, most=MAX_LINES))])


FILE_TITLE: Final = "CallOps log"

_EVERYTHING: Final = "everything"

_AT_A_TERMINAL: Final = "`python -m bot log export`"


def coming() -> Message:
    """To whoever asked, at once."""
    text = "📄 *Your export is being made.* It comes to you by direct message, with numbers masked."
    return Message(text, [section(text)])


def sent(said: str, actions: str, *, newest_only: bool) -> Message:
    """With the file: what was looked for, and how many actions it holds."""
    count = f"the newest {actions}. {_AT_A_TERMINAL} has no such end" if newest_only else actions
    text = f"📄 *Your export of the log:* {said or _EVERYTHING}; {count}. Numbers are masked."
    return Message(text, [section(text)])


def not_sent(why: str) -> Message:
    """That no file comes, and how to have one all the same."""
    lacking = "the Slack app lacks files:write" if why == "missing_scope" else f"Slack answered {why}"
    text = f"❌ *The file could not be sent:* {lacking}."
    how = f"Whoever runs CallOps can make the same with {_AT_A_TERMINAL}."
    return Message(text, [section(text), context(how)])

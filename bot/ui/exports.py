"""An export of the log, sent as a file: that it comes, what it holds, and why it does not come. Pure."""

from typing import Final

from bot.slack.blocks import Message, context, section

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

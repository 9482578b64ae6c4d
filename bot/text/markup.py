"""Slack's markup of text (mrkdwn). Pure."""

from bot.slack.blocks import plain


def escape(text: str) -> str:
    """Somebody's words as mrkdwn that shows them and does nothing else: no ping, no link, no channel."""
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quote(text: str) -> str:
    """Somebody's words, marked as theirs, on one line."""
    return f"“{escape(' '.join(text.split()))}”"


def code(text: str) -> str:
    """Somebody's words as they would be copied: nothing in them ends the code."""
    shown = escape(text).replace("`", "'")
    return f"`{shown}`"


def person(user: str) -> str:
    """A mention."""
    return f"<@{user}>"

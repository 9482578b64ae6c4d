"""Slack's markup of text (mrkdwn). Pure."""

import re
from datetime import datetime

from bot.text.visible import seen

_BLANK_LINES = re.compile(r"\n{3,}")


def plain(text: str) -> str:
    """Text without control, bidi and other characters nobody sees, and without several blank lines."""
    return _BLANK_LINES.sub("\n\n", seen(text))


def channel(known: object) -> str:
    """A channel by its id, as a link that reads as its name."""
    return f"<#{known}>"


def when(at: datetime) -> str:
    """An instant in each reader's own zone; the fallback says UTC."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%d %b %H:%M} UTC>"


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

"""Slack's markup for text (mrkdwn)."""

import re
from datetime import datetime

from bot.text.clocks import clock
from bot.text.visible import seen
from storage.models import SYSTEM

_BLANK_LINES = re.compile(r"\n{3,}")


def plain(text: str) -> str:
    """Return a text without invisible characters and with at most one blank line in a row."""
    return _BLANK_LINES.sub("\n\n", seen(text))


def channel(known: object) -> str:
    """Return a link to a channel, which Slack shows as its name."""
    return f"<#{known}>"


def when(at: datetime) -> str:
    """Return a time that Slack shows in the reader's zone, for messages with several readers."""
    return f"<!date^{int(at.timestamp())}^{{date_long_pretty}}, {{time}}|{clock(at, 'UTC')}>"


def time(at: datetime) -> str:
    """Return a time of day that Slack shows in the reader's zone."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def escape(text: str) -> str:
    """Return a person's text as mrkdwn in which nothing is a mention, a link or a channel."""
    return entities(plain(text))


def entities(text: str) -> str:
    """Return our own text as mrkdwn. Unlike `escape`, it keeps the no-break space of a masked number."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quote(text: str) -> str:
    """Return a person's text in quotation marks, on one line."""
    return f"“{escape(' '.join(text.split()))}”"


def code(text: str) -> str:
    """Return a person's text as code, so that it can be copied. No backtick in it ends the code."""
    shown = escape(text).replace("`", "'")
    return f"`{shown}`"


def person(user: str) -> str:
    """Return a mention of a person, or our own name."""
    return "CallOps" if user == SYSTEM else f"<@{user}>"

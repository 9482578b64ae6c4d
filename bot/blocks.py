"""The few Block Kit pieces that messages and modals are made of, with Slack's limits kept. Pure.

Lengths: https://docs.slack.dev/reference/block-kit/blocks and …/composition-objects.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.words import seen

Block = dict[str, Any]

MAX_SECTION = 3000
MAX_FIELD = 2000
MAX_CONTEXT = 3000
MAX_BUTTON = 75
MAX_TITLE = 24
MAX_OPTION = 75
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Message:
    """A message: ``text`` is what a phone's notification and a screen reader say."""

    text: str
    blocks: Sequence[Block]


def plain(text: str) -> str:
    """Text without control, bidi and other characters nobody sees, and without several blank lines."""
    return _BLANK_LINES.sub("\n\n", seen(text))


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


def channel(known: object) -> str:
    """A channel by its id, as a link that reads as its name."""
    return f"<#{known}>"


def when(at: datetime) -> str:
    """An instant in each reader's own zone; the fallback says UTC."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%d %b %H:%M} UTC>"


def cut(text: str, limit: int) -> str:
    """Text that fits, ending in … where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, MAX_SECTION)}}


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Up to ten short facts, each under its name."""
    shown = [{"type": "mrkdwn", "text": cut(f"*{name}*\n{value}", MAX_FIELD)} for name, value in pairs[:10]]
    return {"type": "section", "fields": shown}


def context(*parts: str) -> Block:
    """A small grey line."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(" · ".join(parts), MAX_CONTEXT)}]}


def button(
    text: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    label: str | None = None,
) -> Block:
    """A button; ``label`` is what a screen reader says where the text alone would not do."""
    block: Block = {
        "type": "button",
        "action_id": action_id,
        "value": value,
        "text": plain_text(text, MAX_BUTTON),
    }
    if style:
        block["style"] = style
    if label:
        block["accessibility_label"] = cut(label, MAX_BUTTON)
    return block


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def plain_text(text: str, limit: int) -> Block:
    """A text object without markup."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": True}

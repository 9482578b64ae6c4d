"""Reads phone numbers and possible ids from a Slack message."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.parsing.numbers import Certain, Doubtful, NumberReader
from bot.parsing.targets import LONGEST_ID, OURS, is_plain_id
from bot.parsing.tokens import clean
from bot.text.interactions import MOST_READ
from providers import phone

MOST_IDS = 200
"""Words of one message that are looked up in the log."""
_MARKUP = re.compile(r"<(?!tel:)[^<>]*>")
"""Mentions, channels, links and dates, whose digits are no phone numbers."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_SPACED = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Mentions:
    """Numbers, ids of CallOps' requests or actions, and words that may be a provider's ids.

    ``more`` is the count of words beyond `MOST_IDS`, which are not looked up.
    """

    phones: tuple[phone.Phone, ...] = ()
    requests: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    """Texts that can be read as several numbers, as typed. The form asks which number is meant."""
    more: int = 0
    whole: bool = True
    """False if the message was longer than `MOST_READ`."""


def read(message: Mapping[str, Any], *, default_region: str) -> Mentions:
    """Return the mentions in a Slack message, each once, in order.

    The first `MOST_READ` characters are read of its own text, and as many of its blocks and attachments.
    """
    own = str(message.get("text") or "")
    shown = dict.fromkeys(text for name, node in message.items() if name != "text" for text in _texts(node))
    parts = [own, "\n".join(text for text in shown if text != own)]
    text = "\n".join(clean(_MARKUP.sub(" ", _first(part))) for part in parts)
    reader = NumberReader.for_region(default_region)
    numbers = list(reader.in_text(text))
    phones = {one.reading.e164: one.reading.target.phone for one in numbers if isinstance(one, Certain)}
    doubtful = dict.fromkeys(one.text for one in numbers if isinstance(one, Doubtful))
    found = [word.rstrip(".:-") for word in _WORD.findall(text)]
    ours = dict.fromkeys(word for word in found if OURS.fullmatch(word))
    others = dict.fromkeys(
        word for word in found if word not in ours and len(word) <= LONGEST_ID and is_plain_id(word)
    )
    words = tuple(others)
    return Mentions(
        tuple(phones.values()),
        tuple(ours),
        words[:MOST_IDS],
        tuple(doubtful),
        more=len(words[MOST_IDS:]),
        whole=all(len(part) <= MOST_READ for part in parts),
    )


def _first(text: str) -> str:
    """Return the beginning of a long text, cut so that no number, id or link is read in half."""
    if len(text) <= MOST_READ:
        return text
    closed = text.rfind(">", 0, MOST_READ)
    opened = text.find("<", closed + 1, MOST_READ)
    words = list(_SPACED.finditer(text, 0, MOST_READ if opened < 0 else opened))[:-1]
    while words and not any(map(str.isalpha, words[-1][0])):
        words.pop()
    return text[: words[-1].end()] if words else ""


def _texts(node: object) -> Iterator[str]:
    """Yield every text in a message's blocks and attachments."""
    match node:
        case str():
            return
        case Mapping():
            if isinstance(text := node.get("text"), str):
                yield text
            for child in node.values():
                yield from _texts(child)
        case list() | tuple():
            for child in node:
                yield from _texts(child)


MENTION: Final = re.compile(r"<@(?P<id>[UW][A-Z0-9]{2,})(?:\|[^>]*)?>")

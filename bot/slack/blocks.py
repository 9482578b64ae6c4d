"""Block Kit elements for messages and modals, which keep Slack's limits.

Lengths: https://docs.slack.dev/reference/block-kit/blocks and …/composition-objects.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

View = dict[str, Any]


Block = dict[str, Any]

MAX_SECTION = 3000
MAX_FIELD = 2000
MAX_CONTEXT = 3000
MAX_BUTTON = 75
MAX_TITLE = 24
MAX_OPTION = 75
MAX_CONFIRM_TITLE = 100
MAX_CONFIRM_TEXT = 300
MAX_CONFIRM = 30
MAX_FIELDS = 10
MAX_OVERFLOW = 5
MAX_MESSAGE = 13_000
"""Characters over all blocks of a message. Slack does not document the limit, and refuses some 13 200."""
SHORTEST = 200
"""Characters to which prose is shortened before lists are."""
_LISTED = re.compile(r"^(?:•|⚠️|… and )", re.MULTILINE)


_PAIRED = "`*_~"
"""Marks that Slack reads in pairs, on one line."""
_PIECES = re.compile(r"&(?:amp|lt|gt);|<[^<>\n]*>|:[a-z0-9_+'-]{1,50}:|`[^`\n]{1,100}`")
"""Markup that must stay whole: entities, mentions, links, dates, emoji by name, and short code."""
_JOINER = "\u200d"
_VIRAMA = 9
"""The combining class of the signs that join two letters of an Indic script into one."""
_EXTENDS = re.compile(
    "[\u200c\u200d\ufe00-\ufe0f\uff9e\uff9f\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e01ef]"
)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
_FLAGS_BEFORE = re.compile("[\U0001f1e6-\U0001f1ff]+$")
_LONGEST_CHARACTER = 64
"""Code points that one character may have. A longer one is cut, as no writing system has such."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """The request that an answer follows, and what the answer shows of it (`bot.services.screens.stage`)."""

    request: str
    stage: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message. Phone notifications and screen readers use ``text``. An answer may follow a request.

    If all texts together are too long for Slack, the longest are cut first and end in …. Lists are cut last.
    """

    text: str
    blocks: Sequence[Block]
    follows: Tracked | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Shorten the longest texts until Slack accepts the message."""
        if sum(len(one["text"]) for one in _texts(self.blocks)) > MAX_MESSAGE:
            object.__setattr__(self, "blocks", _shortened(self.blocks))


def cut(text: str, limit: int) -> str:
    """Return the text, or its beginning and … if it is too long. No character is split."""
    end = _end(text, limit)
    return text if end == len(text) else text[: _between(text, _end(text, limit - 1))] + "…"


def cut_markup(text: str, limit: int) -> str:
    """Return the mrkdwn, or its beginning and … if it is too long.

    No character, entity, mention, link, emoji name or short code is split. Marks that are open at the cut are
    closed.
    """
    if _end(text, limit) == len(text):
        return text
    kept = text[: _between_pieces(text, limit - 1 - len(_PAIRED))].rstrip(" ")
    return f"{kept}…{_open_marks(kept)}"


def _end(text: str, limit: int) -> int:
    """Return where the text must end to fit. Slack may count a character beyond the first 65 536 as two."""
    room = limit
    for end, character in enumerate(text):
        room -= 2 if character > "\uffff" else 1
        if room < 0:
            return end
    return len(text)


def _between(text: str, end: int) -> int:
    """Return the last position up to ``end`` that does not split a character as people see it."""
    for place in range(end, max(0, end - _LONGEST_CHARACTER), -1):
        if not _within_character(text, place):
            return place
    return end


def _between_pieces(text: str, limit: int) -> int:
    """Return the last position within the limit that splits neither markup nor a character."""
    end = _between(text, _end(text, limit))
    for piece in _PIECES.finditer(text, max(0, text.rfind("\n", 0, end))):
        if piece.start() < end < piece.end():
            return piece.start()
        if piece.end() >= end:
            break
    return end


def _within_character(text: str, place: int) -> bool:
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if _REGIONAL.match(before) and _REGIONAL.match(after):  # two of them are a flag
        return bool(len(_FLAGS_BEFORE.search(text[:place])[0]) % 2)  # type: ignore[index]  # the text ends in one
    joins = before == _JOINER or unicodedata.combining(before) == _VIRAMA
    return joins or bool(_EXTENDS.match(after)) or unicodedata.category(after) in {"Mn", "Mc", "Me"}


def _open_marks(text: str) -> str:
    """Return the marks that close open code, bold, italic and struck text, the innermost first."""
    line = _PIECES.sub("", text.rpartition("\n")[2])
    code = "`" if line.count("`") % 2 else ""
    line = line.rpartition("`")[0] if code else line
    opened = [
        mark for mark in _PAIRED if len(_opening(mark).findall(line)) > len(_closing(mark).findall(line))
    ]
    return code + "".join(sorted(set(opened) - {"`"}, key=line.rfind, reverse=True))


def _opening(mark: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w{re.escape(mark)}]){re.escape(mark)}(?=\S)")


def _closing(mark: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=\S){re.escape(mark)}(?![\w{re.escape(mark)}])")


def section(text: str, accessory: Block | None = None) -> Block:
    """Return a paragraph, with a menu or button at its side."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": cut_markup(text, MAX_SECTION)}}
    return block | {"accessory": accessory} if accessory else block


def paragraphs(lines: Sequence[str]) -> list[Block]:
    """Return all lines as sections, as many as they need."""
    texts: list[str] = []
    for piece in (piece for line in lines for piece in pieces(line, MAX_SECTION)):
        together = f"{texts[-1]}\n{piece}" if texts else ""
        if together and _end(together, MAX_SECTION) == len(together):
            texts[-1] = together
        else:
            texts.append(piece)
    return [section(text) for text in texts]


def excerpt(lines: Sequence[str], more: str, *, most: int | None = None) -> list[str]:
    """Return the first lines that a section holds. ``more`` says how many are not shown."""
    shown: list[str] = []
    room = MAX_SECTION - len(more) - len(str(len(lines)))
    for line in lines[:most]:
        first, *rest = pieces(line, MAX_SECTION // 2)
        room -= len(first) + 2
        if room < 0:
            break
        shown.append(f"{first}…" if rest else first)
    if left := len(lines) - len(shown):
        shown.append(more.format(left))
    return shown


def fields(pairs: Sequence[tuple[str, str]]) -> list[Block]:
    """Return facts under their names: short ones side by side, and each long one by itself."""
    blocks: list[Block] = []
    for name, value in pairs:
        text = f"*{name}*\n{value}"
        if _end(text, MAX_FIELD) < len(text):
            blocks += paragraphs([text])
            continue
        if not blocks or len(blocks[-1].get("fields", [None] * MAX_FIELDS)) == MAX_FIELDS:
            blocks.append({"type": "section", "fields": []})
        blocks[-1]["fields"].append({"type": "mrkdwn", "text": text})
    return blocks


def context(*parts: str) -> Block:
    """Return a small grey line."""
    line = cut_markup(" · ".join(parts), MAX_CONTEXT)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": line}]}


def pieces(text: str, limit: int) -> list[str]:
    """Return the whole text in pieces that fit. No character or piece of markup is split."""
    found = []
    while text:
        end = _between_pieces(text, limit) if _end(text, limit) < len(text) else len(text)
        end = end or _end(text, limit)  # a link that is longer than the limit
        found.append(text[:end])
        text = text[end:]
    return found or [""]


def contexts(text: str) -> list[Block]:
    """Return a small grey text, in as many blocks as it needs."""
    return [context(piece) for piece in pieces(text, MAX_CONTEXT)]


def button(
    text: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    label: str | None = None,
) -> Block:
    """Return a button. ``label`` is for screen readers if the text alone is not clear."""
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


def confirm(title: str, text: str, *, yes: str, no: str) -> Block:
    """Return the dialog that Slack shows before it sends a press, for a button's ``confirm``."""
    return {
        "title": plain_text(title, MAX_CONFIRM_TITLE),
        "text": plain_text(text, MAX_CONFIRM_TEXT),
        "confirm": plain_text(yes, MAX_CONFIRM),
        "deny": plain_text(no, MAX_CONFIRM),
    }


def overflow(action_id: str, entries: Sequence[tuple[str, str]]) -> Block:
    """Return the menu ⋯ with at most `MAX_OVERFLOW` entries, each a text and a value."""
    options = [{"text": plain_text(text, MAX_OPTION), "value": value} for text, value in entries]
    return {"type": "overflow", "action_id": action_id, "options": options[:MAX_OVERFLOW]}


def with_markup(node: Any, change: Callable[[str], str], limit: int = MAX_SECTION) -> Any:  # noqa: ANN401
    """Return blocks or a part of one with each mrkdwn text changed. No text outgrows Slack's limit."""
    match node:
        case {"type": "mrkdwn", "text": str(text)}:
            return {**node, "text": cut_markup(change(text), limit)}
        case dict():
            return {
                key: with_markup(one, change, MAX_FIELD if key == "fields" else limit)
                for key, one in node.items()
            }
        case list() | tuple():
            return [with_markup(one, change, limit) for one in node]
        case _:
            return node


def _texts(node: object) -> Iterator[dict[str, str]]:
    """Yield the objects that hold a text, at any depth."""
    match node:
        case dict():
            if isinstance(node.get("text"), str):
                yield node
            for child in node.values():
                yield from _texts(child)
        case list() | tuple():
            for child in node:
                yield from _texts(child)


def _shortened(blocks: Sequence[Block]) -> Sequence[Block]:
    """Return a copy of the blocks, with the longest texts cut until the message fits."""
    blocks = deepcopy(blocks)
    texts = [*_texts(blocks)]
    while (over := sum(len(one["text"]) for one in texts) - MAX_MESSAGE) > 0:
        prose = [one for one in texts if len(one["text"]) > SHORTEST and not _LISTED.search(one["text"])]
        longest = max(prose or texts, key=lambda one: len(one["text"]))
        kept = max(len(longest["text"]) - over - 1, len(longest["text"]) // 2)
        longest["text"] = f"{pieces(longest['text'], kept)[0]}…"
    return blocks


def actions(*buttons: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def plain_text(text: str, limit: int) -> Block:
    """Return a text object without markup."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": True}

"""Renders a person's screen as readable plain text: messages, threads and modals."""

import html
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from playground import forms
from playground.blocks import elements
from playground.people import Message, View, Workspace
from playground.shapes import DATE

Json: TypeAlias = dict[str, Any]

WIDTH = 88
FIELD = 24  # the least width of an input
TYPED = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
EMOJI = {
    "white_check_mark": "✅",
    "x": "❌",
    "warning": "⚠️",
    "hourglass_flowing_sand": "⏳",
    "double_vertical_bar": "⏸️",
    "no_entry_sign": "🚫",
    "hand": "✋",
    "paperclip": "📎",
}
CONTROL = re.compile(r"<(?P<mark>[@#!]?)(?P<target>[^|>]*)(?:\|(?P<label>[^>]*))?>")
EMPHASIS = re.compile(r"(?<![\w*_~])([*_~])(?=\S)(.+?)(?<=\S)\1(?![\w*_~])")
DAY = 24 * 60 * 60
AGO = (("day", DAY), ("hour", 60 * 60), ("minute", 60))


async def reader(workspace: Workspace, person: str, now: datetime | None = None) -> "Reader":
    """Return a reader for a person: the person's time zone, and everyone's name."""
    state = await workspace.state()
    names = {one["id"]: f"@{one['name']}" for one in state["users"]}
    names |= {one["id"]: f"#{one['name']}" for one in state["channels"]}
    zone = next(one["tz"] for one in state["users"] if one["id"] == person)
    authors = {one["id"]: one["real_name"] for one in state["users"]}
    return Reader(ZoneInfo(zone), names, authors, now or datetime.now(UTC))


@dataclass(frozen=True)
class Reader:
    """A person's view of texts: time zone, known names, and the present time."""

    zone: ZoneInfo
    names: Mapping[str, str]
    authors: Mapping[str, str]
    now: datetime

    def message(self, message: Message) -> str:
        """Return a message with its thread."""
        at = datetime.fromtimestamp(float(message.ts), self.zone)
        head = f"{self.authors.get(message.user, message.user)}  {_time(at)}"
        if message.ephemeral_to:
            head += "  · only visible to you"
        elif message.edits:
            head += "  · edited"
        lines = (
            [] if message.in_reply_to is None or message.ephemeral_to else [f"{TYPED} {message.in_reply_to}"]
        )
        lines.append(head)
        body = list(self._blocks(message.blocks, {}, {})) if message.blocks else [self.text(message.text)]
        lines += [f"  {line}" for part in body for line in _wrapped(part, WIDTH - 4)]
        for reply in message.replies:
            mark, *rest = self.message(reply).splitlines()
            lines += [f"  ↳ {mark}", *(f"    {line}" for line in rest)]
        return "\n".join(lines)

    def channel(self, name: str, messages: list[Message]) -> str:
        """Return a channel, or a direct message, with a title line."""
        title = f"── {self.names.get(name, name)} "
        return "\n\n".join([title.ljust(WIDTH, "─"), *map(self.message, messages)])

    def modal(self, view: View) -> str:
        """Return a modal or a Home tab in a frame: labels, current values, errors, a modal's buttons."""
        inner = WIDTH - 4
        lines = [
            line
            for part in self._blocks(view.blocks, view.values, view.errors)
            for line in _wrapped(part, inner)
        ]
        closing = (view.close or {"text": "Close"}, view.submit) if view.title else ()
        buttons = [f"[{one['text']}]" for one in closing if one]
        top = f"╭─ {view.title['text'] if view.title else 'Home'} ".ljust(WIDTH - 1, "─") + "╮"
        foot = f" {'  '.join(buttons)} " if buttons else ""
        bottom = "╰" + f"{foot}─╯".rjust(WIDTH - 1, "─")
        return "\n".join([top, *(f"│ {line}".rstrip() for line in lines), bottom])

    def confirm(self, dialog: Json) -> str:
        """Return a confirm dialog."""
        buttons = f"[{dialog['deny']['text']}]  [{dialog['confirm']['text']}]"
        body = [self._text(dialog["title"]), *_wrapped(self._text(dialog["text"]), WIDTH - 4), buttons]
        return "\n".join(f"  ┃ {line}" for line in body)

    def text(self, mrkdwn: str) -> str:
        """Return the text as it is read: names, dates and links resolved, without emphasis."""
        shown = DATE.sub(self._date, mrkdwn)
        shown = CONTROL.sub(self._reference, shown)
        shown = EMPHASIS.sub(r"\2", shown)
        shown = re.sub(r":([a-z0-9_+-]+):", lambda found: EMOJI.get(found[1], found[0]), shown)
        return html.unescape(shown)

    def _text(self, text: Json) -> str:
        shown: str = text["text"]
        return self.text(shown) if text["type"] == "mrkdwn" else shown

    def _blocks(
        self, blocks: tuple[Json, ...], values: Mapping[str, Json], errors: Mapping[str, str]
    ) -> Iterator[str]:
        for block in blocks:
            state = values.get(block["block_id"]) or forms.values([block], {}).get(block["block_id"], {})
            controls = [self._element(one, state.get(one["action_id"], {})) for one in elements(block)]
            match block["type"]:
                case "section":
                    yield from [self._text(block["text"])] if "text" in block else []
                    yield from self._fields(block.get("fields", ()))
                    yield from controls
                case "header":
                    yield block["text"]["text"].upper()
                case "context":
                    texts = [one for one in block["elements"] if "text" in one]
                    yield "· " + "  ".join(map(self._text, texts))
                case "actions":
                    yield "  ".join(controls)
                case "divider":
                    yield "┄" * 24
                case "image":
                    yield f"[image: {block['alt_text']}]"
                case "markdown":
                    yield block["text"]
                case "input":
                    yield block["label"]["text"] + (" (optional)" if block.get("optional") else "")
                    yield from controls
                    yield from ([f"  {block['hint']['text']}"] if "hint" in block else [])
                    yield from ([f"  ⚠ {errors[block['block_id']]}"] if block["block_id"] in errors else [])
                    yield ""

    def _fields(self, fields: Iterable[Json]) -> Iterator[str]:
        """Yield each field's first line, with its other lines beside it."""
        told = [self._text(one).split("\n") for one in fields]
        wide = max((len(name) for name, *_ in told), default=0) + 2
        for name, *lines in told:
            beside = [part for line in lines for part in _wrapped(line, WIDTH - 4 - wide)]
            yield (name.ljust(wide) + f"\n{' ' * wide}".join(beside)).rstrip()

    def _element(self, element: Json, state: Json) -> str:
        if element["type"] == "button":
            return f"[{element['text']['text']}]"
        if element["type"] == "overflow":
            return "[⋯]"
        value = state.get(forms.VALUE_KEYS[element["type"]][0])
        if element["type"] in {"checkboxes", "radio_buttons"}:
            on, off = ("☑", "☐") if element["type"] == "checkboxes" else ("●", "○")
            chosen = value if isinstance(value, list) else [value]
            return "\n".join(
                f"  {on if one in chosen else off} {self._text(one['text'])}" for one in element["options"]
            )
        shown = self._value(value) or element.get("placeholder", {}).get("text", "")
        shown += "…" if shown and not value else ""
        shown = shown.replace("\n", "\n    ").ljust(FIELD)
        return f"  [ {shown} {'▾ ' if 'select' in element['type'] else ''}]"

    def _value(self, value: object) -> str:
        match value:
            case {"text": dict(text)}:
                return self._text(text)
            case list():
                return ", ".join(map(self._value, value))
            case str():
                return self.names.get(value, value)
            case int():
                return str(datetime.fromtimestamp(value, self.zone).replace(tzinfo=None))
        return ""

    def _reference(self, found: re.Match[str]) -> str:
        mark, target, label = found["mark"], found["target"], found["label"]
        match mark:
            case "@" | "#":
                return self.names.get(target, f"{mark}{label or target}")
            case "!":
                return label or f"@{target}"
        return f"{label} ({target})" if label and target.startswith("http") else label or target

    def _date(self, found: re.Match[str]) -> str:
        at = datetime.fromtimestamp(int(found["unix"]), self.zone)
        return re.sub(r"\{(\w+)\}", lambda token: self._token(token[1], at), found["format"])

    def _token(self, token: str, at: datetime) -> str:
        # docs.slack.dev/reference/block-kit/block-elements/date-element, "Date format strings", read 2026-11
        name, pretty = token.removesuffix("_pretty"), token.endswith("_pretty")
        days = (at.date() - self.now.astimezone(self.zone).date()).days
        near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
        if pretty and days in near:
            return near[days]
        day = f"{at:%B} {at.day}{_ordinal(at.day)}"
        return {
            "date_num": f"{at:%Y-%m-%d}",
            "date_slash": f"{at:%m/%d/%Y}",
            "date": f"{day}, {at.year}",
            "date_short": f"{at:%b} {at.day}, {at.year}",
            "date_long": f"{at:%A}, {day}, {at.year}",
            "date_long_full": f"{at:%B} {at.day}, {at.year}",
            "day_divider": f"{at:%A}, {day}" + ("" if at.year == self.now.year else f", {at.year}"),
            "time": _time(at),
            "time_secs": f"{at:%I:%M:%S %p}".lstrip("0"),
            "ago": _ago((self.now - at).total_seconds()),
        }[name]


def _time(at: datetime) -> str:
    return f"{at:%I:%M %p}".lstrip("0")


def _ordinal(day: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in {11, 12, 13} else 0, "th")


def _ago(seconds: float) -> str:
    for name, length in AGO:
        if (number := int(abs(seconds) // length)) > 0:
            many = f"{number} {name}{'s' if number > 1 else ''}"
            return f"{many} ago" if seconds > 0 else f"in {many}"
    return "just now"


def _wrapped(text: str, width: int) -> list[str]:
    found: list[str] = []
    for line in text.splitlines() or [""]:
        indent = line[: len(line) - len(line.lstrip())]
        found += textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False) or [""]
    return found

"""What a typed line is made of: free text, ``key=value``, ``via NAME`` and flags. Pure; knows no meaning.

Outside quotes any ``word=`` starts a key, and its value runs to the next key, flag, or ``via`` before a
configured connection. Double quotes, straight or smart, may hold anything; inside them a backslash makes a
quote or a backslash a letter. Apostrophes are letters everywhere. What follows ``via NAME`` or a flag goes
on as free text.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from storage.folding import IGNORABLE

_QUOTES = '"“”„‟'
_OPENS = rf"(?<![^\s=,;])[{_QUOTES}]"
_QUOTED = re.compile(rf"{_OPENS}((?:\\.|[^{_QUOTES}\\])*)[{_QUOTES}]", re.DOTALL)
_ESCAPED = re.compile(rf"\\([{_QUOTES}\\])")
_LEFT_OPEN = re.compile(rf"{_OPENS}(?=\S)")
_MARK = re.compile(
    rf"""(?<![^\s,;])(?:
        (?P<key>-{{0,2}}[^\W\d_][^\s,;=<>/?&:\0{_QUOTES}]*)[^\S\n]*=
      | via(?=\s+(?P<via>[^\s,;=\0]+)(?![^\s,;]))
      | (?P<flag>[^\W\d_][\w-]*)(?![^\s,;])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_AROUND_VALUES = " \t\n,"
_TELEPHONE_LINK = re.compile(r"<tel:([^|>]*)(?:\|[^>]*)?>", re.IGNORECASE)
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
"""The three characters that Slack escapes in what people type (docs.slack.dev, formatting message text)."""

UNSEEN: Final = (
    "\0-\x1f\x7f-\x9f\xad\ud800-\udfff"  # control characters, soft hyphens, halves of surrogate pairs
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, spaces without width
)
"""What steers a screen or hides in a text, for a class of a pattern. Joiners and emoji are none of it."""
_UNSEEN = re.compile(rf"\r\n|[^\S ]|[{UNSEEN}]")
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
_NOTHING = re.compile(rf"(?<![^\s=,;{_QUOTES}])[{IGNORABLE}\u2800]+(?![^\s,;{_QUOTES}])")
"""A word of which nothing is seen: a joiner that joins nothing, a filler, a blank of Braille."""

LONGEST_QUOTED = 60
"""Characters of what was typed that a message repeats."""


@dataclass(frozen=True, slots=True)
class Value:
    """What stands behind a key, and whether quotes stood around it."""

    text: str
    quoted: bool = False

    @property
    def line(self) -> str:
        """The text as one line."""
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class Parts:
    """A line, taken apart. ``keys`` are in lower case but for what follows ``meta.``; in typed order."""

    free: str
    keys: tuple[tuple[str, Value], ...]
    via: tuple[str, ...]
    flags: tuple[str, ...]
    left_open: bool
    """Whether a quote was opened and not closed."""


def clean(text: str) -> str:
    """Undo Slack's escaping and drop what is not `seen`; ``<tel:…|…>`` becomes the number it stands for."""
    shown = _TELEPHONE_LINK.sub(r"\1", text)
    for entity, character in reversed(_ENTITIES.items()):
        shown = shown.replace(entity, character)
    return seen(shown)


def seen(text: str) -> str:
    """Drop what cannot be seen, with each space as a space and each line end as a newline."""
    return _NOTHING.sub("", _UNSEEN.sub(_visible, text)).strip()


def _visible(match: re.Match[str]) -> str:
    if match[0][0] in _LINE_ENDS:
        return "\n"
    return " " if match[0].isspace() else ""


def unquoted(text: str) -> Value:
    """The value that a text is: without its quotes, where they stand around the whole of it."""
    text = text.strip(_AROUND_VALUES)
    quoted = _QUOTED.fullmatch(text)
    return Value(_ESCAPED.sub(r"\1", quoted[1]), quoted=True) if quoted else Value(text)


def quote(text: str) -> str:
    """The text in quotes, so that it is read back as it is."""
    return '"' + re.sub(rf"([{_QUOTES}\\])", r"\\\1", text) + '"'


def split(text: str, *, is_connection: Callable[[str], bool], flags: Iterable[str] = ()) -> Parts:
    """Take a clean line apart."""
    masked = _QUOTED.sub(lambda match: "\0" * len(match[0]), text)
    free, keys, via, flagged = [], [], [], []
    key, begin = "", 0

    def close(end: int) -> None:
        if key:
            keys.append((key, unquoted(text[begin:end])))
        else:
            free.append(text[begin:end])

    for mark in _MARK.finditer(masked):
        if mark["key"]:
            following = _key(mark["key"])
        elif mark["via"] and is_connection(mark["via"]):
            via.append(mark["via"])
            following = ""
        elif mark["flag"] and mark["flag"].lower() in flags:
            flagged.append(mark["flag"].lower())
            following = ""
        else:
            continue
        close(mark.start())
        key, begin = following, mark.end("via") if mark["via"] else mark.end()
    close(len(text))
    return Parts(
        free=" ".join(filter(None, (piece.strip(_AROUND_VALUES) for piece in free))),
        keys=tuple(keys),
        via=tuple(via),
        flags=tuple(flagged),
        left_open=bool(_LEFT_OPEN.search(masked)),
    )


def _key(typed: str) -> str:
    name, dot, rest = typed.partition(".")
    return f"{name.lower()}{dot}{rest if name.lower() == 'meta' else rest.lower()}"


def closest(word: str, names: Iterable[str], *, alike: float = 0.6) -> str | None:
    """The name that was probably meant; ``alike`` is how much of it must be there (difflib's ratio)."""
    spelt = {name.casefold(): name for name in names}
    matches = get_close_matches(word.casefold(), spelt, n=1, cutoff=alike)
    return spelt[matches[0]] if matches else None


def listed(names: Sequence[str], last: str) -> str:
    """Names as one lists them: "a, b or c", with ``last`` before the last one."""
    *others, name = names
    return f"{', '.join(others)} {last} {name}" if others else name


def counted(number: object, what: str) -> str:
    """So many of something: "1 number", "2 numbers"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def short(text: str) -> str:
    """A text as a message quotes it: its beginning, when it is long."""
    return text if len(text) <= LONGEST_QUOTED else f"{text[: LONGEST_QUOTED - 1]}…"

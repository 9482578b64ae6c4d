"""What a typed line is made of: free text, ``key=value``, ``via NAME`` and flags. Pure; knows no meaning.

Outside quotes any ``word=`` starts a key, and its value runs to the next key, flag, or ``via`` before a
configured connection. Double quotes, straight or smart, may hold anything; inside them a backslash makes a
quote or a backslash a letter. Apostrophes are letters everywhere. What follows ``via NAME`` or a flag goes
on as free text.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.text.visible import QUOTES, seen

_OPENS = rf"(?<![^\s=,;])[{QUOTES}]"
_QUOTED = re.compile(rf"{_OPENS}((?:\\.|[^{QUOTES}\\])*)[{QUOTES}]", re.DOTALL)
_ESCAPED = re.compile(rf"\\([{QUOTES}\\])")
_LEFT_OPEN = re.compile(rf"{_OPENS}(?=\S)")
_DASHES = "\\-\u2013\u2014"
"""What people, and phones that mend two hyphens, write before a key."""
_MARK = re.compile(
    rf"""(?<![^\s,;])(?:
        [{_DASHES}]{{0,2}}(?P<key>[^\W\d_][^\s,;=<>/?&:\0{QUOTES}]*)[^\S\n]*=
      | [{_DASHES}]{{0,2}}via(?=:?\s+(?P<via>\0+|[^\s,;=\0]+)(?![^\s,;]))
      | (?P<flag>[^\W\d_][\w-]*)(?![^\s,;])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_SECOND_WORD = re.compile(r"\s+([^\s,;=\0]+)(?![^\s,;])")
_AROUND_VALUES = " \t\n,"
_TELEPHONE_LINK = re.compile(r"<tel:([^|<>]{0,64})(?:\|[^<>]{0,64})?>", re.IGNORECASE)
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
"""The three characters that Slack escapes in what people type (docs.slack.dev, formatting message text)."""


LIKELY_CONNECTION = 0.75
"""How alike a word must be to a connection's name for "via WORD" to be that rather than text."""


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
class Tokens:
    """A line, taken apart. ``keys`` are in lower case but for what follows ``meta.``; in typed order."""

    free: str
    behind_via: str
    """The last piece of the free text, where it stands behind ``via NAME``."""
    keys: tuple[tuple[str, Value], ...]
    via: tuple[str, ...]
    flags: tuple[str, ...]
    left_open: bool
    """Whether a quote was opened and not closed."""


def clean(text: str) -> str:
    """Undo Slack's escaping and drop what is not `seen`; ``<tel:…|…>`` becomes the number it stands for.

    A tab behind the last of several lines stays: an empty cell follows it.
    """
    shown = _TELEPHONE_LINK.sub(r"\1", text)
    for entity, character in reversed(_ENTITIES.items()):
        shown = shown.replace(entity, character)
    text, behind = seen(shown), shown[len(shown.rstrip()) :]
    return f"{text}\t" if "\n" in text and "\t" in behind.partition("\n")[0] else text


def unquoted(text: str) -> Value:
    """The value that a text is: without its quotes, where they stand around the whole of it."""
    text = text.strip(_AROUND_VALUES)
    quoted = _QUOTED.fullmatch(text)
    return Value(_ESCAPED.sub(r"\1", quoted[1]), quoted=True) if quoted else Value(text)


def quote(text: str) -> str:
    """The text in quotes, so that it is read back as it is."""
    return '"' + re.sub(rf"([{QUOTES}\\])", r"\\\1", text) + '"'


def lines(text: str) -> list[str]:
    """Return the lines of a text that are not blank; what stands in quotes is on one line."""
    masked = _QUOTED.sub(lambda match: "\0" * len(match[0]), text)
    found = (text[line.start() : line.end()] for line in re.finditer(r"[^\n]+", masked))
    return [line for line in found if line.strip()]


def tokenize(text: str, *, connection: Callable[[str], str | None], flags: Iterable[str] = ()) -> Tokens:
    """Take a clean line apart.

    ``connection`` returns the name that the word behind a "via" stands for, None where "via" is a word.
    """
    masked = _QUOTED.sub(lambda match: "\0" * len(match[0]), text)
    free, keys, via, flagged = [], [], [], []
    key, begin, behind_via = "", 0, False

    def close(end: int) -> None:
        if key:
            keys.append((key, unquoted(text[begin:end])))
        else:
            piece = text[begin:end]
            free.append(piece.strip(" \n" if "\n" in piece else _AROUND_VALUES))

    for mark in _MARK.finditer(masked):
        if mark.start() < begin:
            continue
        named, following, end = None, "", mark.end()
        if mark["key"]:
            following = _key(mark["key"])
        elif mark["via"]:
            named, end = _named(text, masked, mark, connection)
            if named is None:
                continue
            via.append(named)
        elif mark["flag"] and mark["flag"].lower() in flags:
            flagged.append(mark["flag"].lower())
        else:
            continue
        close(mark.start())
        key, begin, behind_via = following, end, named is not None
    close(len(text))
    return Tokens(
        free=" ".join(filter(None, free)),
        behind_via=free[-1] if behind_via else "",
        keys=tuple(keys),
        via=tuple(via),
        flags=tuple(flagged),
        left_open=bool(_LEFT_OPEN.search(masked)),
    )


def _named(
    text: str, masked: str, mark: re.Match[str], connection: Callable[[str], str | None]
) -> tuple[str | None, int]:
    """The connection that the words behind a "via" name, and where those end."""
    start, end = mark.span("via")
    word = text[start:end]
    if (named := connection(word)) is None and (second := _SECOND_WORD.match(masked, end)):
        return connection(word + second[1]), second.end()
    return named, end


def _key(typed: str) -> str:
    name, dot, rest = typed.partition(".")
    return f"{name.lower()}{dot}{rest if name.lower() == 'meta' else rest.lower()}"


def at_least(number: int, most_counted: int) -> str:
    """Return a number in words where counting stopped at ``most_counted``: "7", "at least 100"."""
    return f"at least {number}" if number >= most_counted else str(number)

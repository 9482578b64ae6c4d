"""Splits a typed line into free text, ``key=value``, ``via NAME`` and flags, without interpreting them.

Outside quotes any ``word=`` starts a key. Its value ends at the next key, at a flag, or at ``via`` before a
configured connection. Double quotes, straight or smart, may hold anything. Inside them a backslash makes a
quote or a backslash literal. Apostrophes are letters everywhere. The text behind ``via NAME`` or a flag is
free text again.
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
"""Dashes before a key, typed by people or made of two hyphens by phones."""
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
"""The least similarity of a word to a connection's name for "via WORD" to name it rather than be text."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a key, and whether it was quoted."""

    text: str
    quoted: bool = False

    @property
    def line(self) -> str:
        """The text as one line."""
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class Tokens:
    """The parts of a line. ``keys`` are in typed order, in lower case except for names behind ``meta.``."""

    free: str
    behind_via: str
    """The last piece of the free text, if it stands behind ``via NAME``, otherwise empty."""
    keys: tuple[tuple[str, Value], ...]
    via: tuple[str, ...]
    flags: tuple[str, ...]
    left_open: bool
    """True if a quote was opened and not closed."""


def clean(text: str) -> str:
    """Undo Slack's escaping and drop what is not `seen`. Replace ``<tel:…|…>`` by its number.

    A tab at the end of several lines stays, because an empty cell follows it.
    """
    shown = _TELEPHONE_LINK.sub(r"\1", text)
    for entity, character in reversed(_ENTITIES.items()):
        shown = shown.replace(entity, character)
    text, behind = seen(shown), shown[len(shown.rstrip()) :]
    return f"{text}\t" if "\n" in text and "\t" in behind.partition("\n")[0] else text


def unquoted(text: str) -> Value:
    """Return a text as a value, without the quotes around the whole of it."""
    text = text.strip(_AROUND_VALUES)
    quoted = _QUOTED.fullmatch(text)
    return Value(_ESCAPED.sub(r"\1", quoted[1]), quoted=True) if quoted else Value(text)


def quote(text: str) -> str:
    """Return the text in quotes, so that it is read back unchanged."""
    return '"' + re.sub(rf"([{QUOTES}\\])", r"\\\1", text) + '"'


def lines(text: str) -> list[str]:
    """Return the lines of a text that are not blank. A line end inside quotes does not divide lines."""
    masked = _QUOTED.sub(lambda match: "\0" * len(match[0]), text)
    found = (text[line.start() : line.end()] for line in re.finditer(r"[^\n]+", masked))
    return [line for line in found if line.strip()]


def tokenize(text: str, *, connection: Callable[[str], str | None], flags: Iterable[str] = ()) -> Tokens:
    """Split a clean line into its parts.

    ``connection`` returns the name that the word behind a "via" stands for, None if "via" is a word.
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
    """Return the connection that the words behind a "via" name, and the position behind them."""
    start, end = mark.span("via")
    word = text[start:end]
    if (named := connection(word)) is None and (second := _SECOND_WORD.match(masked, end)):
        return connection(word + second[1]), second.end()
    return named, end


def _key(typed: str) -> str:
    name, dot, rest = typed.partition(".")
    return f"{name.lower()}{dot}{rest if name.lower() == 'meta' else rest.lower()}"


def at_least(number: int, most_counted: int) -> str:
    """Return a count as text, given that counting stopped at ``most_counted``: "7", "at least 100"."""
    return f"at least {number}" if number >= most_counted else str(number)

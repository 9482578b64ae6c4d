"""Divides text into cells and groups of digits, before it is decided which groups make a number."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.text import parse_errors

SHORTEST_NUMBER: Final = 7
"""Digits. Fewer are a part of a number."""
MOST_DIGITS: Final = 20
"""Digits. E.164 allows fifteen, and a prefix for calls abroad may stand before them."""
_LONGEST_WORD: Final = 160
"""Characters. An id has at most 128, a number fewer."""
SHORT_GROUP: Final = 3
"""Digits of a short group, behind which a longer one is usual, as in 123 4567. Behind a group of at most this
length, 12/8 may be the rest of a number, as in 45 12/8. Behind a longer one it is a day."""

_WRAPPERS = "\"'“”„‟‘’‚‛`*~<>«»"  # noqa: RUF001 - quotes people paste
CELL = re.compile(r"[^\t\n,;|]*")
TOKEN = re.compile(r"(?:[+＋]\s)?\S+")  # noqa: RUF001 - a plus people paste
_DASHES = "\\-\u2010-\u2015\u2212"
_DIGITS = re.compile(rf"[(\[]{{0,2}}[+＋]?\s?[(\[]{{0,2}}\d[\d()\[\]./{_DASHES}]*")  # noqa: RUF001 - a plus people paste
_DASH = re.compile(rf"[{_DASHES}]")
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    r"(?P<year>\d{4})[./-]\d\d?[./-]\d\d?|\d{1,2}(?P<mark>[./-])\d{1,2}(?P=mark)(?P<years>\d{2,4})"
    rf"|{_DAY}[./-]{_MONTH}|{_MONTH}[./-]{_DAY}"
)
_AROUND_DATES = _WRAPPERS + ".:!?()[]"
_AMOUNT = re.compile(r"[(\[]*(?:\d+\.\d\d(?![^\s)\]])|\d{1,3}(?:\.\d{3})*,(?:\d\d|\d{3}(?:\.\d\d)?)(?!\d))")
_BROKEN = re.compile(r"(\d{3,})\D.*")
_STANDS_APART = re.compile(r"[(\[]\d{1,3}[)\]]|.*\d\.\d")
_SPREADSHEET = re.compile(r"(?:[^.]*\d{3}|(?=(?:\D*\d){7})[^.]*\d{2})\.0+")
_NAMES_OF_NUMBERS = (
    r"mobile|mobil|mob|cellphone|cell|handy|telephone|telefono|telefon|t[eé]l[eé]phone|tel[eé]fono|tel|tél"
    r"|phone|ph|fon|contact|whatsapp|wa|sms|callto|sip|dial|number|nummer|num|no|nr"
)
LABEL = re.compile(
    rf"(?:(?:{_NAMES_OF_NUMBERS})(?![^\W\d_])[ .:#/]{{0,4}}){{1,3}}(?=[(\[+＋\d])"  # noqa: RUF001
    rf"|[a-z][.:][ ]?(?=[(\[+＋\d])",  # noqa: RUF001
    re.IGNORECASE,
)
EXTENSION = re.compile(
    r"[\s.-]*(?:extension|extn|ext|durchwahl|dw|poste|anexo|#)[.:]?\s?\d{1,6}(?![^\W_])|x\d{1,6}(?![^\W_])"
    r"|\s+x\s?\d{2,6}(?![^\W_])"  # a single digit, as in "x2", means twice
    r"|[\s().-]*\d{1,4}[`*'\"_~]{1,2}[*#x.-]{0,2}\d{1,6}(?![^\W_])",  # the last group, a mark, digits
    re.IGNORECASE,
)
_GLUED = re.compile(rf"(?P<digits>.*\d)[.{_DASHES}]?(?:extension|extn|ext|x|#)[.:]?\d{{1,6}}", re.IGNORECASE)
_HELD = re.compile(rf"(?<![^\W_])\+?\d[\d().{_DASHES}]*\d|\+?\d[\d().{_DASHES}]*\d(?![^\W_])")
_LONG_PART = re.compile(rf"\d{{{SHORTEST_NUMBER},}}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of digits without a space among them."""

    start: int
    end: int
    """The position behind the last character of its word, punctuation included."""
    text: str
    digits: int
    extended: bool = False
    """True if an extension is attached to it."""
    dashed: bool = False
    """True if a separate dash stands before it."""
    broken: bool = False
    """True if the group is the beginning of a word that also holds other characters."""

    @property
    def plus(self) -> bool:
        """True if a plus begins the group."""
        return "+" in self.text or "＋" in self.text  # noqa: RUF001

    @property
    def is_date(self) -> bool:
        """True if the group is a date, or a day and a month."""
        return _DATE.fullmatch(self.text) is not None

    @property
    def stands_apart(self) -> bool:
        """True if the group is unlikely to be the end of a number."""
        return self.digits == 1 or self.broken or _STANDS_APART.fullmatch(self.text) is not None


class GroupFinder:
    """Finds the groups of digits of a text."""

    def __init__(self) -> None:
        self._text, self._cell = "", range(0)

    def cell_end(self, text: str, start: int) -> int:
        """Return the end of the cell around a position. Cache it, as a cell may hold thousands of words."""
        if text is not self._text or start not in self._cell:
            cell = CELL.match(text, start)
            self._text, self._cell = text, range(start, (cell.end() if cell else start) + 1)
        return self._cell.stop - 1

    def at(self, text: str, position: int) -> tuple[list[Group], bool]:
        """Return the consecutive groups of digits at a position, and whether other text follows them."""
        groups: list[Group] = []
        digits, dashed = 0, False
        for word in TOKEN.finditer(text, position, self.cell_end(text, position)):
            if groups and not dashed and _DASH.fullmatch(word[0]):
                dashed = True
                continue
            group = _group(word) if digits <= 2 * MOST_DIGITS else None  # no number is longer
            date = _DATE.fullmatch(group.text.strip("()[]")) if group else None
            if date and (date["year"] or date["years"] or (groups and groups[-1].digits > SHORT_GROUP)):
                group = None
            if _AMOUNT.match(text, word.start()) and not 0 < digits < SHORTEST_NUMBER:
                group = None
            if group is None:
                broken = _BROKEN.fullmatch(word[0]) if groups else None
                if broken:
                    groups.append(
                        Group(word.start(), word.end(), broken[1], count_digits(broken[1]), broken=True)
                    )
                return _unless_date(groups), True
            groups.append(replace(group, dashed=True) if dashed else group)
            digits, dashed = digits + group.digits, False
            if word[0][-1] in ":!?":
                return _unless_date(groups), word.end() < self.cell_end(text, position)
        return _unless_date(groups), False


def _unless_date(groups: list[Group]) -> list[Group]:
    """Return the groups, or an empty list if they are a day and a month."""
    return [] if len(groups) == 1 and groups[0].is_date else groups


def runs(word: str) -> Iterator[re.Match[str]]:
    """Yield the runs of digits in a word such as ``c_9876543210``, and their long parts."""
    if len(word) > _LONGEST_WORD or _UUID.fullmatch(word) or _DATE.fullmatch(word.strip(_AROUND_DATES)):
        return
    for run in _HELD.finditer(word):
        if count_digits(run[0]) >= SHORTEST_NUMBER:
            yield run
            yield from _LONG_PART.finditer(word, *run.span())


def refusal(groups: Sequence[Group]) -> str | None:
    """Return why the digits cannot be called as they are written, None if they can."""
    last = groups[-1]
    goes_on = len(groups) > 1 and groups[-2].digits <= SHORT_GROUP <= last.digits
    if _SPREADSHEET.fullmatch(groups[-2].text + last.text if goes_on else last.text):
        return parse_errors.NOT_A_DECIMAL
    return parse_errors.NO_EXTENSION if any(group.extended for group in groups) else None


def _group(word: re.Match[str]) -> Group | None:
    """Return a word as a group of digits, without the characters around it. Return None for other words."""
    text = _unwrapped(word[0]) if len(word[0]) <= _LONGEST_WORD else ""
    opened = text.lstrip("([")
    if label := LABEL.match(opened):
        text = opened[label.end() :]
    text = text.rstrip(".:!?" + _WRAPPERS)
    extended = _GLUED.fullmatch(text)
    digits = extended["digits"] if extended else text
    if not _DIGITS.fullmatch(digits):
        return None
    start = word.start() + word[0].index(text)
    return Group(start, word.end(), digits, count_digits(digits), extended=bool(extended))


def _unwrapped(word: str) -> str:
    """Return a word without the quotes and formatting around it, and without brackets outside those."""
    left = word.lstrip(_WRAPPERS + "([")
    if not set(_WRAPPERS) & set(word[: len(word) - len(left)]):
        left = word
    right = left.rstrip(_WRAPPERS + ".:!?)]")
    return right if set(_WRAPPERS) & set(left[len(right) :]) else left


def is_label(text: str) -> bool:
    """Return whether a text only announces a phone number."""
    return any(
        label is not None and label.end() > len(text)
        for label in (LABEL.match(f"{text} 0"), LABEL.match(f"{text}: 0"))
    )


def in_ascii(text: str) -> str:
    """Return a text with the digits of every script as ASCII digits."""
    return "".join(str(unicodedata.decimal(one, one)) for one in text)


def count_digits(text: str) -> int:
    """Return the number of decimal digits of any script."""
    return sum(character.isdecimal() for character in text)

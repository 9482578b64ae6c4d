"""Reads the numbers and ids at the beginning of a text, and finds the end of the targets.

Several targets stand between commas or on separate lines. Numbers may also stand between spaces. A later word
is another id only if it looks like the id before it, holds an underscore, or has enough digits to be an id. A
reason may begin with "2nd" or "404".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from string import ascii_letters

from bot.parsing.digit_groups import SHORTEST_NUMBER, count_digits
from bot.parsing.numbers import (
    Certain,
    Doubtful,
    Found,
    NumberReader,
    NumberTarget,
    Reading,
    Unreadable,
)
from bot.parsing.tokens import Value
from bot.text import parse_errors
from providers.actions import SAFE_ID_PATTERN


@dataclass(frozen=True, slots=True)
class IdTarget:
    """A provider's id of a call or a campaign."""

    provider_id: str


Target = NumberTarget | IdTarget


@dataclass(frozen=True, slots=True)
class Option:
    """A reading of a text: the target it names, and the position where that ends."""

    target: Target
    end: int
    label: str


Ask = Callable[[str, Sequence[str]], int | None]
"""Asks a question with labelled options. Returns the index of the chosen option, None until one is chosen."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The targets, each once, a sentence for each text that is no target, and the text behind them."""

    targets: tuple[Target, ...]
    faults: tuple[str, ...]
    rest: str
    asked: bool = False
    """True if a question about a text among them is still open."""


FEWEST_DIGITS = 5
"""With fewer digits, a word behind a target belongs to the text: "404 error", "9 pm", "2nd"."""
FEWEST_DIGITS_FIRST = 3
"""With fewer digits, a word in the place of a target is no attempt at a number. Emergency numbers have
three."""

LONGEST_ID = 128
"""Characters, the limit of `SAFE_ID_PATTERN`."""

_WORD = re.compile(r"[^\s,;|]+")
AROUND_IDS = "\"'“”„‘’`*~"  # noqa: RUF001 - quotes and Slack's formatting
_BEFORE = re.compile(rf"(?:[\s,;|]|[-–—]\s|[^\w\s+＋()\[\]@#/\\.{re.escape(AROUND_IDS)}-])*")  # noqa: RUF001 - a plus people paste
"""Separators, list marks and pictures such as a telephone."""
_BETWEEN = re.compile(r"[\s,;|]*(?:(?:and|&)\s+)?", re.IGNORECASE)
_BESIDE = re.compile(r"[^\S\t\n]+(?:[:–—-]+[^\S\t\n]*)?")  # noqa: RUF001 - dashes people type
_AFTER = " \t\n,;|:–—-"  # noqa: RUF001 - dashes people type before a reason
_SAFE_ID = re.compile(SAFE_ID_PATTERN)
_MARKS = re.compile(r"^[ ]*(?:(?:>|```)[ ]*)+|```[ ]*$", re.MULTILINE)
"""Slack's marks of a quotation and of a block of code."""
_DATE_OR_AMOUNT = re.compile(
    r"\d{4}[./-]\d\d?[./-]\d\d?(?:T[\d:.]+)?|\d{1,2}([./-])(?:\d{1,2}|[a-z]{3,9})(?:\1\d{2,4})?|\d{1,2}:\d\d(?::\d\d)?"
    r"|\d{1,3}(?:,\d{3})*(?:[.,]\d{1,2})?(?:%|€|am|pm)?|\d{1,2}(?:st|nd|rd|th)",
    re.IGNORECASE,
)
_LABEL_LIKE = re.compile(r"[a-z]+[.:]", re.IGNORECASE)
_NUMBER_LIKE = re.compile(rf"[+\d][\d().\u2010-\u2015-]{{{SHORTEST_NUMBER - 1},}}")


def scan(
    text: str,
    *,
    reader: NumberReader,
    ids: bool,
    ask: Ask,
    numbers: bool = True,
    digits_are_ids: bool = False,
    fits: Callable[[str], bool] | None = None,
) -> Scan:
    """Read the targets at the beginning of ``text``.

    ``ids`` and ``numbers`` say which targets may stand there. With ``digits_are_ids``, a word of digits alone
    may be an id. ``ask`` is called for a text that can be read in several ways. ``fits`` returns whether a
    text may follow the targets. If only one of two readings of a number leaves such a text, that reading is
    taken.
    """
    scanner = _Scanner(_MARKS.sub("", text), reader, ids, numbers, digits_are_ids, fits, ask)
    while scanner.scan_next():
        pass
    rest = scanner.text[scanner.position :].strip()
    return Scan(
        tuple(dict.fromkeys(scanner.found)),
        tuple(scanner.faults),
        rest.lstrip(_AFTER) if scanner.position else rest,
        asked=scanner.asked,
    )


OURS = re.compile(r"A-[0-9A-Z]{4,}(?:\.[0-9]+)?")
"""The ids that CallOps gives to requests and actions."""


def id_problem(text: str) -> str | None:
    """Return why a text cannot be an id, None if it can."""
    if _SAFE_ID.fullmatch(text):
        return None
    if is_external := re.search(r"[^A-Za-z0-9._:-]", text):
        return parse_errors.strange_in_an_id(text, is_external[0])
    if len(text) > LONGEST_ID:
        return parse_errors.too_long_for_an_id(text, LONGEST_ID)
    return parse_errors.no_beginning_of_an_id(text)


def is_plain_id(text: str) -> bool:
    """Return whether a word is read as an id without ``call=`` or ``campaign=``."""
    if OURS.fullmatch(text):
        return True
    plain = not text.isdecimal() and bool(re.search(r"\d", text)) and text == text.rstrip(".:")
    return plain and not (_NUMBER_LIKE.search(text) or _LABEL_LIKE.match(text) or is_date_or_amount(text))


def is_date_or_amount(text: str) -> bool:
    """Return whether a word is a date, a time or an amount, and so no id."""
    return _DATE_OR_AMOUNT.fullmatch(text) is not None


def bare_id(word: str) -> str:
    """Return a word without the quotes and formatting that people and Slack put around an id."""
    text = word.strip(AROUND_IDS)
    if len(text) > 2 and text[0] == text[-1] == "_":  # noqa: PLR2004 - Slack's italics, and something in them
        text = text[1:-1]
    return text.rstrip(".:").rstrip(AROUND_IDS)


@dataclass(slots=True)
class _Scanner:
    text: str
    reader: NumberReader
    ids: bool
    numbers: bool
    digits_are_ids: bool
    fits: Callable[[str], bool] | None
    ask: Ask
    position: int = 0
    found: list[Target] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    asked: bool = False

    def scan_next(self) -> bool:
        """Read one target. Return False if none stands here."""
        before = (_BETWEEN if self.position else _BEFORE).match(self.text, self.position)
        at = before.end() if before else self.position
        word = _WORD.match(self.text, at)
        if word is None:
            return False
        ours = OURS.fullmatch(bare_id(word[0]))
        number = None if ours else self.reader.at(self.text, at, self.fits)
        if number and self._is_number_like(number, word):
            return self._number(number, at, word)
        return self.ids and self._id(word)

    def _number(self, number: Found, at: int, word: re.Match[str]) -> bool:
        named = bare_id(word[0])
        may_be_id = self.ids and number.end == word.end() and not id_problem(named)
        match number:
            case Unreadable(is_costly=True) if may_be_id and (self.digits_are_ids or not named.isdecimal()):
                return self._choose(number.text, [], number.end, named, number.fault)
            case Unreadable() if self.digits_are_ids and named.isdecimal() and number.end == word.end():
                return self._id(word)
            case Unreadable(text=text, fault=fault):
                self.faults.append(parse_errors.not_understood(text, fault))
            case Certain(reading=reading) if (
                self.position and count_digits(reading.target.text) < SHORTEST_NUMBER
            ):
                return self._choose(reading.target.text, [reading], number.end, None)
            case Certain() if not (self.digits_are_ids and may_be_id):
                self.found.append(number.reading.target)
            case Doubtful(readings=(first, *_)) if not self.numbers and not may_be_id:
                self.found.append(first.target)
            case Certain(reading=reading):
                return self._choose(self.text[at : number.end].strip(), [reading], number.end, named)
            case Doubtful(text=text, readings=readings):
                return self._choose(text, readings, number.end, named if may_be_id else None)
        self.position = number.end
        return True

    def _choose(
        self, text: str, readings: Sequence[Reading], end: int, named: str | None, fault: str = ""
    ) -> bool:
        """Ask which reading is meant. ``named`` is the id that the text may also be.

        ``fault`` is the reason why the text is no number that may be called.
        """
        options = [
            Option(
                one.target, one.end, parse_errors.reading(one.target.phone.pretty, self.text[one.end : end])
            )
            for one in readings
            if self.numbers
        ]
        if named:
            options.append(Option(IdTarget(named), end, parse_errors.reading_as_id(named)))
        labels = [option.label for option in options]
        message = (
            parse_errors.not_understood(text, fault) if fault else parse_errors.which_reading(text, labels)
        )
        chosen = self.ask(message, labels)
        if chosen is None:  # the start of the next target depends on the answer
            self.asked = True
            self.position = len(self.text)
            return False
        self.position = options[chosen].end
        self.found.append(options[chosen].target)
        return True

    def _id(self, word: re.Match[str]) -> bool:
        text = bare_id(word[0])
        if not self._is_id_like(text):
            return False
        self.position = word.end()
        if number := self._number_beside(word):
            self.faults.append(parse_errors.behind_words(number))
            return False
        if problem := id_problem(text):
            self.faults.append(problem)
        else:
            self.found.append(IdTarget(text))
        return True

    def _number_beside(self, word: re.Match[str]) -> str | None:
        """Return the number that follows a word without a separator: "x2: 98765 43210" holds no id."""
        beside = _BESIDE.match(self.text, word.end())
        match self.reader.at(self.text, beside.end()) if beside else None:
            case Certain(reading=reading) if count_digits(reading.target.text) >= SHORTEST_NUMBER:
                return reading.target.text
            case Doubtful(text=text) if not any(map(str.isalpha, text)):
                return text
        return None

    def _is_number_like(self, number: Found, word: re.Match[str]) -> bool:
        text = self.text[word.start() : number.end]
        return "+" in text or count_digits(text) >= (FEWEST_DIGITS if self.position else FEWEST_DIGITS_FIRST)

    def _is_id_like(self, text: str) -> bool:
        if not text or (is_date_or_amount(text) and not text.isdecimal()):
            return False
        if text.isdecimal():
            behind_id = self.found and isinstance(self.found[-1], IdTarget) and len(text) >= FEWEST_DIGITS
            return self.digits_are_ids and (not self.position or bool(behind_id))
        if not self.position:
            return count_digits(text) > 0 or OURS.fullmatch(text) is not None
        last = self.found[-1] if self.found else None
        alike = isinstance(last, IdTarget) and letters(last.provider_id) == letters(text) != ""
        return count_digits(text) >= FEWEST_DIGITS or (count_digits(text) > 0 and (alike or "_" in text))


def letters(name: str) -> str:
    """Return the letters that an id begins with, in lower case."""
    return name[: len(name) - len(name.lstrip(ascii_letters))].lower()


def ids_in(value: Value) -> tuple[list[str], str]:
    """Return the ids behind a key, split at commas and line ends, and the words behind the last id.

    A quoted value has no such words, because a form's field holds only ids.
    """
    *others, last = re.split(r"[,;\n\t]+", value.text.strip(" ,;\n\t"))
    named, *text = [last] if value.quoted else last.split(maxsplit=1) or [""]
    return [one.strip(f" {AROUND_IDS}") for one in (*others, named) if one.strip()], "".join(text)

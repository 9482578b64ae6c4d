"""The numbers and ids at the beginning of a text, and where what follows them begins. Pure.

Numbers may hold spaces, brackets, dots and dashes. Several targets stand between commas or on lines of their
own; between spaces where only one division into whole numbers is possible. A later word is another id only
where it looks like the one before it, holds an underscore, or as many digits as only an id does: a reason
may begin with "2nd" or "404".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from string import ascii_letters

from bot.messages import typed
from providers.actions import SAFE_ID_PATTERN
from providers.phone import Phone, PhoneFault

ReadPhone = Callable[[str], Phone]
"""Reads one number, or raises `PhoneFault`."""


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """A phone number, and how it was typed."""

    phone: Phone
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class IdTarget:
    """A provider's id of a call or a campaign."""

    provider_id: str


Target = NumberTarget | IdTarget


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: the targets (each once), a sentence for each that is none, and the text after them."""

    targets: tuple[Target, ...]
    faults: tuple[str, ...]
    rest: str


FEWEST_DIGITS = 5
"""Fewer than these behind a target are a word of the text: "404 error", "9 pm", "2nd"."""
FEWEST_DIGITS_FIRST = 3
"""Fewer than these where a target is expected are no attempt at a number; three may be an emergency's."""
SHORTEST_NUMBER = 7
"""Digits; fewer are half of a number."""
MOST_DIGITS = 17
"""E.164 allows fifteen; a prefix for calls abroad may stand before them."""

LONGEST_ID = 128
"""Characters, as `SAFE_ID_PATTERN` has it."""

_DATE = r"(?:\d{4}-\d\d-\d\d|20\d\d[.-]\d{1,2}[.-]\d{1,2}|\d{1,2}[.-]\d{1,2}(?:[.-]\d{2,4})?)(?![^\s,;T])"
_GROUP = rf"(?:[(+＋]+[ ]?)?(?!{_DATE})\d[\d().‐‑–-]*(?![^\s,;])"  # noqa: RUF001 - dashes and a plus people paste
_GROUPS = re.compile(_GROUP)
_RUN = re.compile(rf"{_GROUP}(?:[ ]+{_GROUP})*")
_WORD = re.compile(r"[^\s,;]+")
_BEFORE = re.compile(r"[\s,;]*")
_BETWEEN = re.compile(r"[\s,;]*(?:(?:and|&)\s+)?", re.IGNORECASE)
_QUOTED_NUMBER = re.compile(r'["“”„]([(+]*\d[\d\s().-]*)["“”„]')
_AFTER = " \t\n,;:–—-"  # noqa: RUF001 - dashes people type before a reason
_SAFE_ID = re.compile(SAFE_ID_PATTERN)


def scan(
    text: str,
    *,
    read_phone: ReadPhone,
    ids: bool,
    digits_are_ids: bool = False,
    fits: Callable[[str], bool] = lambda _: True,
) -> Scan:
    """Read the targets at the beginning of ``text``.

    ``ids``: whether ids may stand there; ``digits_are_ids``: whether a word of digits alone is one. ``fits``
    tells whether a text may follow: it decides between a shorter number and a longer one.
    """
    scanner = _Scanner(_QUOTED_NUMBER.sub(r"\1", text), read_phone, ids, digits_are_ids, fits)
    while scanner.step():
        pass
    rest = scanner.text[scanner.position :].strip()
    return Scan(
        tuple(dict.fromkeys(scanner.found)),
        tuple(scanner.faults),
        rest.lstrip(_AFTER) if scanner.position else rest,
    )


OURS = re.compile(r"A-[0-9A-Z]{4,}(?:\.[0-9]+)?")
"""The ids of requests and their targets, as CallOps gives them out."""


def id_problem(text: str) -> str | None:
    """Say what keeps a text from being an id, or None."""
    if _SAFE_ID.fullmatch(text):
        return None
    if stranger := re.search(r"[^A-Za-z0-9._:-]", text):
        return typed.strange_in_an_id(text, stranger[0])
    if len(text) > LONGEST_ID:
        return typed.too_long_for_an_id(text, LONGEST_ID)
    return typed.no_beginning_of_an_id(text)


def is_plain_id(text: str) -> bool:
    """Whether an id is taken for one wherever it stands; another needs ``call=`` or ``campaign=``."""
    if OURS.fullmatch(text):
        return True
    return not text.isdecimal() and bool(re.search(r"\d", text)) and text == text.rstrip(".:")


@dataclass(slots=True)
class _Scanner:
    text: str
    read_phone: ReadPhone
    ids: bool
    digits_are_ids: bool
    fits: Callable[[str], bool]
    position: int = 0
    found: list[Target] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def step(self) -> bool:
        """Read one target, or a few numbers between spaces; False when none stands here."""
        before = (_BETWEEN if self.position else _BEFORE).match(self.text, self.position)
        at = before.end() if before else self.position
        run = _RUN.match(self.text, at)
        if run and self._is_number_like(run[0]):
            return self._numbers(list(_GROUPS.finditer(self.text, at, run.end())))
        word = _WORD.match(self.text, at)
        return self.ids and word is not None and self._id(word)

    def _numbers(self, groups: list[re.Match[str]]) -> bool:
        divisions = self._divisions(groups)
        ends = sorted(divisions, reverse=True)
        if not ends:
            return self._no_number(groups)
        end = next((end for end in ends if self.fits(self.text[groups[end - 1].end() :].strip())), ends[0])
        first, last = groups[0], groups[end - 1]
        self.position = last.end()
        if len(divisions[end]) > 1:
            self.faults.append(typed.two_divisions(self.text[first.start() : last.end()]))
        else:
            self.found += divisions[end][0]
        return True

    def _divisions(self, groups: list[re.Match[str]]) -> dict[int, list[tuple[Target, ...]]]:
        """How the first groups of digits, by their count, make whole numbers: in up to two ways."""
        ways: dict[int, list[tuple[Target, ...]]] = {0: [()]}
        for end in range(1, len(groups) + 1):
            for start in reversed(range(end)):
                text = self.text[groups[start].start() : groups[end - 1].end()]
                if _digits(text) > MOST_DIGITS or "+" in text[2:]:
                    break
                if start in ways and _digits(text) >= SHORTEST_NUMBER:
                    try:
                        target = NumberTarget(self.read_phone(text), text)
                    except PhoneFault:
                        continue
                    ways[end] = [*ways.get(end, []), *((*way, target) for way in ways[start])][:2]
        del ways[0]
        return ways

    def _no_number(self, groups: list[re.Match[str]]) -> bool:
        if self.digits_are_ids:
            return self._id(groups[0])
        self.position = groups[-1].end()
        text = self.text[groups[0].start() : self.position]
        try:
            self.found.append(NumberTarget(self.read_phone(text), text))
        except PhoneFault as fault:
            self.faults.append(typed.not_understood(text, str(fault)))
        return True

    def _id(self, word: re.Match[str]) -> bool:
        text = word[0].rstrip(".:")
        if not self._is_id_like(text):
            return False
        self.position = word.end()
        if problem := id_problem(text):
            self.faults.append(problem)
        else:
            self.found.append(IdTarget(text))
        return True

    def _is_number_like(self, text: str) -> bool:
        if self.digits_are_ids and text.isdecimal():
            return False
        return "+" in text or _digits(text) >= (FEWEST_DIGITS if self.position else FEWEST_DIGITS_FIRST)

    def _is_id_like(self, text: str) -> bool:
        if text.isdecimal():
            return self.digits_are_ids and (not self.position or len(text) >= FEWEST_DIGITS)
        if not self.position:
            return _digits(text) > 0 or OURS.fullmatch(text) is not None
        last = self.found[-1] if self.found else None
        alike = isinstance(last, IdTarget) and letters(last.provider_id) == letters(text) != ""
        return _digits(text) >= FEWEST_DIGITS or (_digits(text) > 0 and (alike or "_" in text))


def _digits(text: str) -> int:
    return sum(character.isdecimal() for character in text)


def letters(name: str) -> str:
    """The letters an id begins with."""
    return name[: len(name) - len(name.lstrip(ascii_letters))].lower()

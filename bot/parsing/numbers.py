"""Phone numbers in text: the groups of digits that make one, and text that can be read in two ways. Pure.

One rule holds wherever somebody writes a number: commands, forms, messages, lists.

1. A tab, a line end, a comma, a semicolon, a bar, a separate dash and any word end a number.
2. Groups of digits between spaces make one number where the numbering plan allows it.
3. Digits that stand apart are asked about: a last group of one digit, digits in brackets at the end, digits
   behind a slash.
4. Where a number is complete before its last group, the longer reading holds only if it fills its cell
   and is grouped regularly. Else both readings are offered, and none is taken.
5. A label or a scheme before a number is no part of it. An extension is refused.

docs/numbers.md has the rule with examples.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from bot.text import parse_errors
from providers import phone
from providers.phone import CostlyNumberFault, Phone, PhoneFault

ReadPhone = Callable[[str], Phone]
"""Reads one number, or raises `PhoneFault`."""

SHORTEST_NUMBER: Final = 7
"""Digits; fewer are half of a number."""
MOST_DIGITS: Final = 20
"""E.164 allows fifteen; a prefix for calls abroad may stand before them."""
_LONGEST_WORD: Final = 160
"""Characters. An id has 128 at most, and a number fewer."""
MOST_READS: Final = 1000
"""Attempts to read a number in one text: some 40 ms. A list of fifty rows takes a few hundred."""

_SHORT_GROUP: Final = 3
"""Digits, at least, of a group behind which a longer one is usual, as in 123 4567. Behind no more of them,
12/8 may be the rest of a number, as in 45 12/8, and no day."""
_LONG_GROUP: Final = 6
"""Digits, at least, of a group behind which nobody begins another group of the same number."""
_SHORT_NATIONAL: Final = 7
"""Digits. A reading with fewer of them, without the country code, gives way to one that fills the cell."""
_LONG_NATIONAL: Final = 12
"""Digits. More of them, without the country code, are seldom one number where fewer are one."""

_WRAPPERS = "\"'“”„‟‘’‚‛`*~<>«»"  # noqa: RUF001 - quotes people paste
_CELL = re.compile(r"[^\t\n,;|]*")
_TOKEN = re.compile(r"(?:[+＋]\s)?\S+")  # noqa: RUF001 - a plus people paste
_DASHES = "\\-\u2010-\u2015\u2212"
_DIGITS = re.compile(rf"[(\[]{{0,2}}[+＋]?\s?[(\[]{{0,2}}\d[\d()\[\]./{_DASHES}]*")  # noqa: RUF001 - a plus people paste
_DASH = re.compile(rf"[{_DASHES}]")
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    r"(?P<year>\d{4})[./-]\d\d?[./-]\d\d?|\d{1,2}(?P<mark>[./-])\d{1,2}(?P=mark)(?P<years>\d{2,4})"
    rf"|{_DAY}[./-]{_MONTH}|{_MONTH}[./-]{_DAY}"
)
_AROUND_DATES = _WRAPPERS + ".:!?()[]"
_AMOUNT = re.compile(r"\d+\.\d\d(?!\S)|\d{1,3}(?:\.\d{3})*,(?:\d\d|\d{3}(?:\.\d\d)?)(?!\d)")
_BROKEN = re.compile(r"(\d{3,})\D.*")
_STANDS_APART = re.compile(r"[(\[]\d{1,3}[)\]]|.*\d\.\d")
_ENCLOSED = re.compile(r"[(\[](?:[^()\[\]]|[(\[][^()\[\]]*[)\]])+[)\]]")
_ROUND = str.maketrans("[]", "()")
_SLASH = re.compile(r"(?P<base>.*\d)[)\]]?/(?P<ending>\d{1,3})")
_SPREADSHEET = re.compile(r"(?:[^.]*\d{3}|(?=(?:\D*\d){7})[^.]*\d{2})\.0+")
_NAMES_OF_NUMBERS = (
    r"mobile|mobil|mob|cellphone|cell|handy|telephone|telefono|telefon|t[eé]l[eé]phone|tel[eé]fono|tel|tél"
    r"|phone|ph|fon|contact|whatsapp|wa|sms|callto|sip|dial|number|nummer|num|no|nr"
)
_LABEL = re.compile(
    rf"(?:(?:{_NAMES_OF_NUMBERS})(?![^\W\d_])[ .:#/]{{0,4}}){{1,3}}(?=[(\[+＋\d])"  # noqa: RUF001
    rf"|[a-z][.:][ ]?(?=[(\[+＋\d])",  # noqa: RUF001
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"[\s.-]*(?:extension|extn|ext|durchwahl|dw|poste|anexo|#)[.:]?\s?\d{1,6}(?![^\W_])|x\d{1,6}(?![^\W_])"
    r"|\s+x\s?\d{2,6}(?![^\W_])"  # "x2" means twice
    r"|[\s().-]*\d{1,4}[`*'\"_~]{1,2}[*#]?\d{1,6}(?![^\W_])",  # the last group, and digits behind a sign
    re.IGNORECASE,
)
_GLUED = re.compile(rf"(?P<digits>.*\d)[.{_DASHES}]?(?:extension|extn|ext|x|#)[.:]?\d{{1,6}}", re.IGNORECASE)
_ABROAD = re.compile(r"00[ .-]?|0?011[ .-]+")
"""Prefixes of calls abroad (ITU-T E.164, NANP, Australia) that people write in other countries, too."""
_HELD = re.compile(rf"(?<![^\W_])\+?\d[\d().{_DASHES}]*\d|\+?\d[\d().{_DASHES}]*\d(?![^\W_])")
_LONG_PART = re.compile(rf"\d{{{SHORTEST_NUMBER},}}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """A phone number, and how it was typed."""

    phone: Phone
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text: a number, and where it begins and ends there."""

    target: NumberTarget
    start: int
    end: int
    abroad: bool = False
    """Whether its digits are one only as they are dialled in another country, or with a plus before them."""

    @property
    def e164(self) -> str:
        """The number."""
        return self.target.phone.e164

    @property
    def is_as_printed(self) -> bool:
        """Whether it is typed as its country writes it."""
        return self.target.phone.pretty.endswith(self.target.text)

    @property
    def national_digits(self) -> int:
        """Its digits without the country code."""
        code = self.target.phone.pretty.partition(" ")[0]
        return count_digits(self.e164) - count_digits(code)


@dataclass(frozen=True, slots=True)
class Certain:
    """A number that can be read in one way only."""

    reading: Reading

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.reading.end


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A text that can be read in several ways, or whose only reading takes in digits that stand apart."""

    text: str
    readings: tuple[Reading, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Digits that look like a number and are none; ``fault`` says why, for the person who typed them."""

    text: str
    fault: str
    end: int
    is_costly: bool = False
    """Whether they are a number in use that CallOps never calls."""


Found = Certain | Doubtful | Unreadable


@dataclass(frozen=True, slots=True)
class _Group:
    """Digits without a space among them."""

    start: int
    end: int
    """Behind the last character of its word, punctuation included."""
    text: str
    digits: int
    extended: bool = False
    """Whether an extension is glued to it."""
    dashed: bool = False
    """Whether a separate dash stands before it."""
    broken: bool = False
    """Whether it is the beginning of a word that is no digits."""

    @property
    def plus(self) -> bool:
        return "+" in self.text or "＋" in self.text  # noqa: RUF001

    @property
    def stands_apart(self) -> bool:
        return self.digits == 1 or self.broken or _STANDS_APART.fullmatch(self.text) is not None


class NumberReader:
    """Reads the numbers of one text, in a bounded number of attempts.

    ``read_phone`` reads a whole number in the default region, whose country code is ``country_code``.
    """

    def __init__(self, read_phone: ReadPhone, country_code: str = "") -> None:
        self._read_phone = read_phone
        self._country_code = country_code
        self._read: dict[str, Phone | PhoneFault] = {}
        self._text, self._cell = "", range(0)
        self.exhausted = False
        """Whether more was asked than is read of one text: then nothing of it may be believed."""

    @classmethod
    def for_region(cls, region: str, *, premium: bool = False) -> "NumberReader":
        """Build a reader for numbers typed without a plus in a region (ISO 3166-1 alpha-2)."""
        return cls(partial(phone.read, default_region=region, premium=premium), phone.country_code(region))

    def at(self, text: str, position: int, fits: Callable[[str], bool] | None = None) -> Found | None:
        """Read the number that begins at a position, perhaps behind a label; None where no digits do.

        ``fits`` tells whether a text may follow it: it decides between two readings where one only fits.
        """
        if label := _LABEL.match(text, position):
            position = label.end()
        groups, follows = self._groups(text, position)
        if groups:
            found = self._decided(text, groups, follows=follows, leading=False, fits=fits)
            is_date = isinstance(found, Unreadable) and _DATE.fullmatch(groups[0].text)
            return None if is_date else found
        word = _TOKEN.match(text, position, self._cell_end(text, position))
        return self._in_word(word) if word else None

    def _in_word(self, word: re.Match[str]) -> Found | None:
        """The number that a word holds beside other characters: an extension, or something to ask about."""
        fault: PhoneFault | None = None
        for run in _runs(word[0]):
            readings = self._readings_of(run[0], word.start(), word.end())
            if readings and _EXTENSION.match(word[0], run.end()):
                return Unreadable(word[0], parse_errors.NO_EXTENSION, word.end())
            if readings:
                return Doubtful(word[0], tuple(readings), word.end())
            fault = fault or self._costly(run[0])
        return Unreadable(word[0], str(fault), word.end(), is_costly=True) if fault else None

    def in_text(self, text: str) -> Iterator[Found]:
        """Read every number in a text, cell by cell."""
        for cell in _CELL.finditer(text):
            if cell[0]:
                yield from self.in_cell(text, cell.start())

    def in_cell(self, text: str, start: int = 0) -> Iterator[Found]:
        """Read every number in the cell that begins at ``start``, wherever in it they stand."""
        position, end = start, self._cell_end(text, start)
        while position < end:
            groups, follows = self._groups(text, position)
            if not groups:
                word = _TOKEN.search(text, position, end)
                if word is None:
                    return
                position = word.end()
                if in_word := self._in_word(word):
                    yield in_word
                continue
            found = self._decided(text, groups, follows=follows, leading=True)
            if found and count_digits(text[position : found.end]) >= SHORTEST_NUMBER:
                yield found
            position = found.end if found else groups[-1].end

    def _cell_end(self, text: str, start: int) -> int:
        """Return the end of the cell around a place. It is kept, as one cell may hold thousands of words."""
        if text is not self._text or start not in self._cell:
            cell = _CELL.match(text, start)
            self._text, self._cell = text, range(start, (cell.end() if cell else start) + 1)
        return self._cell.stop - 1

    def _groups(self, text: str, position: int) -> tuple[list[_Group], bool]:
        """The groups of digits that stand here one behind the other, and whether other text follows them."""
        groups: list[_Group] = []
        digits, dashed = 0, False
        for word in _TOKEN.finditer(text, position, self._cell_end(text, position)):
            if groups and not dashed and _DASH.fullmatch(word[0]):
                dashed = True
                continue
            group = _group(word) if digits <= 2 * MOST_DIGITS else None  # no number is longer
            date = _DATE.fullmatch(group.text.strip("()[]")) if group else None
            if date and (date["year"] or date["years"] or (groups and groups[-1].digits > _SHORT_GROUP)):
                group = None
            if _AMOUNT.match(text, word.start()) and not 0 < digits < SHORTEST_NUMBER:
                group = None
            if group is None:
                broken = _BROKEN.fullmatch(word[0]) if groups else None
                if broken:
                    groups.append(
                        _Group(word.start(), word.end(), broken[1], count_digits(broken[1]), broken=True)
                    )
                return self._unless_date(groups), True
            groups.append(replace(group, dashed=True) if dashed else group)
            digits, dashed = digits + group.digits, False
            if word[0][-1] in ":!?":
                return self._unless_date(groups), word.end() < self._cell_end(text, position)
        return self._unless_date(groups), False

    def _unless_date(self, groups: list[_Group]) -> list[_Group]:
        """The groups, unless they are a day and a month."""
        return [] if len(groups) == 1 and _DATE.fullmatch(groups[0].text) else groups

    def _decided(
        self,
        text: str,
        groups: Sequence[_Group],
        *,
        follows: bool,
        leading: bool,
        fits: Callable[[str], bool] | None = None,
    ) -> Found | None:
        """What the groups are; ``leading``: whether the first may be left over, as a row's number is."""
        if why := _refused(groups):
            return Unreadable(text[groups[0].start : groups[-1].end], why, groups[-1].end)
        readings = self._readings(text, groups, 0)
        behind = self._readings(text, groups, 1) if self._may_lead(groups) else []
        others = [one for one in behind if self._competes(one, readings, groups)]
        if not (readings or behind):
            return self._unreadable(text, groups, follows=follows)
        if (readings and others) or not (readings or leading):
            return self._doubtful(text, groups, [*readings, *(others or behind)])
        readings = readings or behind
        if fits and len(readings) > 1:
            whole_fits = fits(text[readings[-1].end :].strip())
            fitting = [one for one in readings[:-1] if fits(text[one.end :].strip())]
            if fitting:
                readings = readings if whole_fits else fitting
            follows = bool(fitting and whole_fits) or (follows and not whole_fits)
        if self._is_certain(groups, readings, follows=follows):
            return self._unless_extended(text, readings[-1])
        return self._doubtful(text, groups, readings)

    def _unless_extended(self, text: str, reading: Reading) -> Certain | Unreadable:
        if extension := _EXTENSION.match(text, reading.end):
            return Unreadable(
                text[reading.start : extension.end()], parse_errors.NO_EXTENSION, extension.end()
            )
        return Certain(reading)

    def _readings(self, text: str, groups: Sequence[_Group], first: int) -> list[Reading]:
        """Every whole number that begins with a group, the longest last."""
        found: list[Reading] = []
        digits = 0
        for last in range(first, len(groups)):
            group = groups[last]
            if last > first and group.plus:
                break
            digits += group.digits
            if digits > MOST_DIGITS:
                break
            if digits < SHORTEST_NUMBER:
                continue
            start = groups[first].start
            if slash := _SLASH.fullmatch(group.text):
                found += self._with_endings(text[start : group.start], slash, start, group.end)
            number = text[start : group.start] + group.text
            found += self._readings_of(number, start, group.end)
        return found

    def _with_endings(self, before: str, slash: re.Match[str], start: int, end: int) -> list[Reading]:
        """Both lines that "24567890/91" stands for."""
        base, ending = before + slash["base"], slash["ending"]
        phones = [(one, self._phone(one)) for one in (base, base[: -len(ending)] + ending)]
        return [Reading(NumberTarget(known, one), start, end) for one, known in phones if known]

    def _readings_of(self, number: str, start: int, end: int) -> list[Reading]:
        """Both numbers that the same digits may be: as they stand, and as they are dialled abroad."""
        phones = [self._phone(one) for one in self._spellings(number)]
        known = {one.e164: one for one in phones if one}
        return [
            Reading(NumberTarget(one, number), start, end, abroad=phones[0] is None) for one in known.values()
        ]

    def _spellings(self, number: str) -> Iterator[str]:
        """The number as typed, and with a plus before its country's code or for a prefix of calls abroad."""
        yield number
        if number.startswith(self._country_code or "+"):
            yield f"+{number}"
        elif abroad := _ABROAD.match(number):
            yield f"+{number[abroad.end() :]}"

    def _costly(self, number: str) -> PhoneFault | None:
        """Say why a number in use is never called; None for any other."""
        attempts = map(self._attempt, self._spellings(number))
        return next((one for one in attempts if isinstance(one, CostlyNumberFault)), None)

    def _phone(self, number: str) -> Phone | None:
        known = self._attempt(number)
        return known if isinstance(known, Phone) else None

    def _attempt(self, number: str) -> Phone | PhoneFault:
        if number not in self._read:
            if len(self._read) >= MOST_READS:
                self.exhausted = True
                return PhoneFault(parse_errors.TOO_MANY_DIGITS)
            try:
                self._read[number] = self._read_phone(number.translate(_ROUND))
            except PhoneFault as fault:
                self._read[number] = fault
        return self._read[number]

    def _is_certain(self, groups: Sequence[_Group], readings: Sequence[Reading], *, follows: bool) -> bool:
        """Whether the longest reading is the only sensible one."""
        longest = readings[-1]
        ends = [group.end for group in groups]
        last = ends.index(longest.end)
        group = groups[last]
        if longest.abroad or group.stands_apart:
            return False
        if any(one.end == longest.end and one.e164 != longest.e164 for one in readings):
            return False
        if not any(one.end < longest.end and one.national_digits >= _SHORT_NATIONAL for one in readings):
            return True
        fills_cell = not follows and last == len(groups) - 1
        return fills_cell and (longest.is_as_printed or _is_regular(groups[last - 1], group, longest))

    def _may_lead(self, groups: Sequence[_Group]) -> bool:
        """Whether the first group may be no part of the number behind it."""
        first = groups[0]
        return len(groups) > 1 and first.digits < SHORTEST_NUMBER and not first.plus

    def _competes(self, other: Reading, readings: Sequence[Reading], groups: Sequence[_Group]) -> bool:
        """Whether a reading that leaves the first group out is as good as those that take it in."""
        if not readings or any(one.e164 == other.e164 for one in readings):
            return False
        first, second = groups[:2]
        area = first.text.startswith(("0", "(0")) and first.digits >= _SHORT_GROUP
        trunk = second.text.lstrip("([").startswith("0") and not area
        enclosed = _ENCLOSED.fullmatch(other.target.text) is not None
        stands_out = second.plus or second.dashed or trunk or enclosed or first.digits == 1
        return other.end > readings[-1].end or (stands_out and other.end == readings[-1].end)

    def _doubtful(self, text: str, groups: Sequence[_Group], readings: Sequence[Reading]) -> Doubtful:
        each = tuple({one.e164: one for one in reversed(readings)}.values())[::-1]
        end = max(one.end for one in each)
        return Doubtful(text[groups[0].start : end].strip(), each, end)

    def _unreadable(self, text: str, groups: Sequence[_Group], *, follows: bool) -> Found | None:
        start, end = groups[0].start, groups[-1].end
        number = text[start : groups[-1].start] + groups[-1].text
        match self._attempt(number):
            case Phone() as known:  # fewer digits than most numbers have
                reading = Reading(NumberTarget(known, number), start, end)
                return Doubtful(number, (reading,), end) if follows else Certain(reading)
            case fault:
                costly = self._costly(number)
                return Unreadable(number, str(costly or fault), end, is_costly=costly is not None)


def _runs(word: str) -> Iterator[re.Match[str]]:
    """The runs of digits in a word that is more than a number, as ``c_9876543210``, and their long parts."""
    if len(word) > _LONGEST_WORD or _UUID.fullmatch(word) or _DATE.fullmatch(word.strip(_AROUND_DATES)):
        return
    for run in _HELD.finditer(word):
        if count_digits(run[0]) >= SHORTEST_NUMBER:
            yield run
            yield from _LONG_PART.finditer(word, *run.span())


def _refused(groups: Sequence[_Group]) -> str | None:
    """Why digits are no number that can be called as they are written, or None."""
    last = groups[-1]
    goes_on = len(groups) > 1 and groups[-2].digits <= _SHORT_GROUP <= last.digits
    if _SPREADSHEET.fullmatch(groups[-2].text + last.text if goes_on else last.text):
        return parse_errors.NOT_A_DECIMAL
    return parse_errors.NO_EXTENSION if any(group.extended for group in groups) else None


def _group(word: re.Match[str]) -> _Group | None:
    """The group of digits that a word is, without what stands around it; None where it is another word."""
    text = _unwrapped(word[0]) if len(word[0]) <= _LONGEST_WORD else ""
    opened = text.lstrip("([")
    if label := _LABEL.match(opened):
        text = opened[label.end() :]
    text = text.rstrip(".:!?" + _WRAPPERS)
    extended = _GLUED.fullmatch(text)
    digits = extended["digits"] if extended else text
    if not _DIGITS.fullmatch(digits):
        return None
    start = word.start() + word[0].index(text)
    return _Group(start, word.end(), digits, count_digits(digits), extended=bool(extended))


def _unwrapped(word: str) -> str:
    """A word without the quotes and the formatting around it, and without brackets outside those."""
    left = word.lstrip(_WRAPPERS + "([")
    if not set(_WRAPPERS) & set(word[: len(word) - len(left)]):
        left = word
    right = left.rstrip(_WRAPPERS + ".:!?)]")
    return right if set(_WRAPPERS) & set(left[len(right) :]) else left


def _is_regular(before: _Group, last: _Group, reading: Reading) -> bool:
    """Whether people write the end of a number so, or as its country does."""
    if before.digits >= _LONG_GROUP:
        return False
    formatted = count_digits(re.split(r"[ -]", reading.target.phone.pretty)[-1])
    if formatted == last.digits:
        return True
    if reading.national_digits > _LONG_NATIONAL:
        return False
    return last.digits == before.digits or last.digits == before.digits + 1 > _SHORT_GROUP


def is_label(text: str) -> bool:
    """Whether a text only says that a phone number follows it."""
    return any(
        label is not None and label.end() > len(text)
        for label in (_LABEL.match(f"{text} 0"), _LABEL.match(f"{text}: 0"))
    )


def count_digits(text: str) -> int:
    """Count the decimal digits of any script."""
    return sum(character.isdecimal() for character in text)

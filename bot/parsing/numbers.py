"""Reads phone numbers in text, and finds text that can be read as several numbers.

The same rules hold in commands, forms, messages and lists.

1. A tab, a line end, a comma, a semicolon, a bar, a separate dash and any word end a number.
2. Groups of digits between spaces make one number where the numbering plan allows it.
3. Digits that stand apart are asked about: a last group of one digit, digits in brackets at the end, digits
   behind a slash.
4. A number may be complete before its last group. The longer reading then holds only if it fills its cell and
   is grouped regularly. Otherwise both readings are offered, and none is taken.
5. A label or a scheme before a number is no part of it. An extension is refused.

docs/numbers.md explains the rules with examples.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bot.parsing.digit_groups import (
    CELL,
    EXTENSION,
    LABEL,
    MOST_DIGITS,
    SHORT_GROUP,
    SHORTEST_NUMBER,
    TOKEN,
    Group,
    GroupFinder,
    count_digits,
    in_ascii,
    refusal,
    runs,
)
from bot.text import parse_errors
from providers import phone
from providers.phone import InvalidNumberError, Phone, PremiumNumberError

ReadPhone = Callable[[str], Phone]
"""Reads one number, or raises `InvalidNumberError`."""

MOST_READS: Final = 1000
"""Attempts to read a number in one text, which take some 40 ms. A list of fifty rows takes a few hundred."""

_LONG_GROUP: Final = 6
"""Digits, at least, of a group behind which no other group of the same number is usual."""
_SHORT_NATIONAL: Final = 7
"""Digits. A reading with fewer of them, without the country code, gives way to one that fills the cell."""
_LONG_NATIONAL: Final = 11
"""Digits. A reading with more of them, without the country code, is seldom right if a shorter one is a
number."""

_ROUND = str.maketrans("[]", "()")
_SLASH = re.compile(r"(?P<base>.*\d)[)\]]?/(?P<ending>\d{1,3})")
_ENCLOSED = re.compile(r"[(\[](?:[^()\[\]]|[(\[][^()\[\]]*[)\]])+[)\]]")
_ABROAD = re.compile(r"00[ .-]?|0?011[ .-]+")
"""Prefixes of calls abroad (ITU-T E.164, NANP, Australia) that people write in other countries, too."""


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """A phone number, and the text it was typed as."""

    phone: Phone
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of a text: a number, with its start and end in the text."""

    target: NumberTarget
    start: int
    end: int
    is_doubtful: bool = False
    """True if the digits are a number only as dialled from another country, or with a plus added. Also true
    if another reading of them is a number that CallOps never calls."""

    @property
    def e164(self) -> str:
        """The number in E.164 format."""
        return self.target.phone.e164

    @property
    def is_as_printed(self) -> bool:
        """True if the number is typed as its country writes it."""
        typed = re.findall(r"\d+", in_ascii(self.target.text).lstrip("([").removeprefix("0"))
        return re.findall(r"\d+", self.target.phone.pretty)[-len(typed) :] == typed

    @property
    def national_digits(self) -> int:
        """The count of its digits without the country code."""
        code = self.target.phone.pretty.partition(" ")[0]
        return count_digits(self.e164) - count_digits(code)


@dataclass(frozen=True, slots=True)
class Certain:
    """A number that can be read in one way only."""

    reading: Reading

    @property
    def end(self) -> int:
        """The position behind the number."""
        return self.reading.end


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A text that can be read in several ways, or whose only reading includes digits that stand apart."""

    text: str
    readings: tuple[Reading, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Digits that look like a number and are none. ``fault`` is the reason, for the user who typed them."""

    text: str
    fault: str
    end: int
    is_costly: bool = False
    """True if they are a number in use that CallOps never calls."""


Found = Certain | Doubtful | Unreadable


class NumberReader:
    """Reads the numbers of a text, in a bounded number of attempts.

    ``read_phone`` reads a whole number in the default region, whose country code is ``country_code``.
    """

    def __init__(self, read_phone: ReadPhone, country_code: str = "") -> None:
        self._read_phone = read_phone
        self._country_code = country_code
        self._read: dict[str, Phone | InvalidNumberError] = {}
        self._groups = GroupFinder()
        self.exhausted = False
        """True if the text needed more than `MOST_READS` attempts. No reading of it may be used then."""

    @classmethod
    def for_region(cls, region: str, *, premium: bool = False) -> "NumberReader":
        """Build a reader for numbers typed without a plus in a region (ISO 3166-1 alpha-2)."""
        return cls(partial(phone.read, default_region=region, premium=premium), phone.country_code(region))

    def at(self, text: str, position: int, fits: Callable[[str], bool] | None = None) -> Found | None:
        """Read the number at a position, or behind a label there. Return None if no number begins there.

        ``fits`` returns whether a text may follow the number. If only one of two readings leaves such a text,
        that reading is taken.
        """
        if label := LABEL.match(text, position):
            position = label.end()
        groups, follows = self._groups.at(text, position)
        if groups:
            found = self._decided(text, groups, follows=follows, leading=False, fits=fits)
            is_date = isinstance(found, Unreadable) and groups[0].is_date
            return None if is_date else found
        word = TOKEN.match(text, position, self._groups.cell_end(text, position))
        return self._in_word(word) if word else None

    def _in_word(self, word: re.Match[str]) -> Found | None:
        """Return the number in a word with other characters, either refused or to be asked about."""
        fault: InvalidNumberError | None = None
        for run in runs(word[0]):
            readings = self._readings_of(run[0], word.start(), word.end())
            if readings and EXTENSION.match(word[0], run.end()):
                return Unreadable(word[0], parse_errors.NO_EXTENSION, word.end())
            if readings:
                return Doubtful(word[0], tuple(readings), word.end())
            fault = fault or self._costly(run[0])
        return Unreadable(word[0], str(fault), word.end(), is_costly=True) if fault else None

    def in_text(self, text: str) -> Iterator[Found]:
        """Read every number in a text, cell by cell."""
        for cell in CELL.finditer(text):
            if cell[0]:
                yield from self.in_cell(text, cell.start())

    def in_cell(self, text: str, start: int = 0) -> Iterator[Found]:
        """Read every number in the cell that begins at ``start``, wherever it stands in the cell."""
        position, end = start, self._groups.cell_end(text, start)
        while position < end:
            groups, follows = self._groups.at(text, position)
            if not groups:
                word = TOKEN.search(text, position, end)
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

    def _decided(
        self,
        text: str,
        groups: Sequence[Group],
        *,
        follows: bool,
        leading: bool,
        fits: Callable[[str], bool] | None = None,
    ) -> Found | None:
        """Return the number that the groups make, None if they make none.

        With ``leading``, the first group may be left over, as a row's running number is.
        """
        if why := refusal(groups):
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
        if extension := EXTENSION.match(text, reading.end):
            return Unreadable(
                text[reading.start : extension.end()], parse_errors.NO_EXTENSION, extension.end()
            )
        return Certain(reading)

    def _readings(self, text: str, groups: Sequence[Group], first: int) -> list[Reading]:
        """Return every whole number that begins with a group, the longest last."""
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
        """Return both numbers that "24567890/91" stands for."""
        base, ending = before + slash["base"], slash["ending"]
        phones = [(one, self._phone(one)) for one in (base, base[: -len(ending)] + ending)]
        return [Reading(NumberTarget(known, one), start, end) for one, known in phones if known]

    def _readings_of(self, number: str, start: int, end: int) -> list[Reading]:
        """Return the readings of the same digits: as they stand, and as dialled from abroad."""
        attempts = [self._attempt(one) for one in self._spellings(number)]
        known = {one.e164: one for one in attempts if isinstance(one, Phone)}
        doubtful = not isinstance(attempts[0], Phone) or any(
            isinstance(one, PremiumNumberError) for one in attempts
        )
        return [
            Reading(NumberTarget(one, number), start, end, is_doubtful=doubtful) for one in known.values()
        ]

    def _spellings(self, number: str) -> Iterator[str]:
        """Yield the number as typed, and with a plus before its country code or for a prefix abroad."""
        yield number
        number = in_ascii(number)
        if number.startswith(self._country_code or "+"):
            yield f"+{number}"
        elif abroad := _ABROAD.match(number):
            yield f"+{number[abroad.end() :]}"

    def _costly(self, number: str) -> InvalidNumberError | None:
        """Return why a number in use is never called, None for any other number."""
        attempts = map(self._attempt, self._spellings(number))
        return next((one for one in attempts if isinstance(one, PremiumNumberError)), None)

    def _phone(self, number: str) -> Phone | None:
        known = self._attempt(number)
        return known if isinstance(known, Phone) else None

    def _attempt(self, number: str) -> Phone | InvalidNumberError:
        if number not in self._read:
            if len(self._read) >= MOST_READS:
                self.exhausted = True
                return InvalidNumberError(parse_errors.TOO_MANY_DIGITS)
            try:
                self._read[number] = self._read_phone(number.translate(_ROUND))
            except InvalidNumberError as fault:
                self._read[number] = fault
        return self._read[number]

    def _is_certain(self, groups: Sequence[Group], readings: Sequence[Reading], *, follows: bool) -> bool:
        """Return whether the longest reading is the only sensible one."""
        longest = readings[-1]
        ends = [group.end for group in groups]
        last = ends.index(longest.end)
        group = groups[last]
        if longest.is_doubtful or group.stands_apart:
            return False
        if any(one.end == longest.end and one.e164 != longest.e164 for one in readings):
            return False
        shorter = [
            one for one in readings if one.end < longest.end and one.national_digits >= _SHORT_NATIONAL
        ]
        if not shorter:
            return True
        places = [ends.index(one.end) for one in shorter]
        if any(groups[at].dashed and not groups[at + 1].dashed for at in places):
            return False  # in a number written with dashes, the last group follows the last dash
        # Freephone and the like have several lengths in one plan.
        is_service = any(one.target.phone.is_service for one in shorter)
        fills_cell = not follows and last == len(groups) - 1
        is_regular = not is_service and _is_regular(groups[last - 1], group, longest)
        return fills_cell and (longest.is_as_printed or is_regular)

    def _may_lead(self, groups: Sequence[Group]) -> bool:
        """Return whether the first group may be no part of the number behind it."""
        first = groups[0]
        return len(groups) > 1 and first.digits < SHORTEST_NUMBER and not first.plus

    def _competes(self, other: Reading, readings: Sequence[Reading], groups: Sequence[Group]) -> bool:
        """Return whether a reading without the first group is as good as those with it."""
        if not readings or any(one.e164 == other.e164 for one in readings):
            return False
        first, second = groups[:2]
        begins = in_ascii(second.text).lstrip("([")
        area = in_ascii(first.text).startswith(("0", "(0")) and first.digits >= SHORT_GROUP
        trunk = begins.startswith("0") and not area
        enclosed = _ENCLOSED.fullmatch(other.target.text) is not None
        coded = bool(self._country_code) and begins.startswith(self._country_code) and not area
        prefix = not in_ascii(first.text).startswith("00") and self._is_abroad(readings[-1])
        stands_out = second.plus or second.dashed or trunk or coded or enclosed or prefix or first.digits == 1
        return other.end > readings[-1].end or (stands_out and other.end == readings[-1].end)

    def _is_abroad(self, reading: Reading) -> bool:
        """Return whether a number without a plus is in another country, behind a prefix for calls abroad."""
        plus = reading.target.text.lstrip("([")[:1] in {"+", "＋"}  # noqa: RUF001 - a plus people paste
        return not plus and not reading.e164.startswith(f"+{self._country_code}")

    def _doubtful(self, text: str, groups: Sequence[Group], readings: Sequence[Reading]) -> Doubtful:
        each = tuple({one.e164: one for one in reversed(readings)}.values())[::-1]
        end = max(one.end for one in each)
        return Doubtful(text[groups[0].start : end].strip(), each, end)

    def _unreadable(self, text: str, groups: Sequence[Group], *, follows: bool) -> Found | None:
        start, end = groups[0].start, groups[-1].end
        number = text[start : groups[-1].start] + groups[-1].text
        match self._attempt(number):
            case Phone() as known:  # fewer digits than most numbers have
                reading = Reading(NumberTarget(known, number), start, end)
                return Doubtful(number, (reading,), end) if follows else Certain(reading)
            case fault:
                costly = self._costly(number)
                return Unreadable(number, str(costly or fault), end, is_costly=costly is not None)


def _is_regular(before: Group, last: Group, reading: Reading) -> bool:
    """Return whether the end of a number is grouped as people, or its country, write it."""
    if before.digits >= _LONG_GROUP:
        return False
    formatted = count_digits(re.split(r"[ -]", reading.target.phone.pretty)[-1])
    if formatted == last.digits:
        return True
    if reading.national_digits > _LONG_NATIONAL:
        return False
    return last.digits == before.digits or last.digits == before.digits + 1 > SHORT_GROUP

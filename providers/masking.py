"""Phone numbers in any text: masks them, or finds a given one in reasons, notes, ids, replies and drafts.

Digits of every script count. Between them there may be spaces, line breaks, dots, dashes, brackets, invisible
characters, and the escapes of these in JSON, URLs and HTML. Letters may stand right beside a number.
Everything that may be a number is hidden. Dates, times and amounts stay readable, unless they are part of a
number.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from providers.phone import line, mask, without_code

HIDDEN: Final = "•"
NO_REGION: Final = "ZZ"
"""CLDR's unknown region: only numbers with a country code are found."""

MOST_READS: Final = 500
"""Attempts to read a number in a text, at most (some 30 ms).

After that, every run with as many digits as a number is hidden.
"""
_FEWEST_DIGITS: Final = 4
"""Digits of the shortest numbers in use, those of Niue."""
_FEWEST_WITH_CODE: Final = 10
"""Digits, at least, of a number with its country code but without a plus."""
_FEWEST_IN_IDS: Final = 8
"""Digits, at least, of an id that may be a number. Shorter numbers are rare, and shorter ids are common."""
_FEWEST_CUT: Final = 5
"""Digits, at least, that are hidden before an ellipsis, since the ellipsis may cut a number."""
_MOST_DIGITS: Final = 18
"""Digits, at most: E.164 allows fifteen, and 011 may precede them."""
_ABROAD: Final = ("00", "011")
"""Prefixes of international calls that people write in other countries, too."""
_FEWEST_WITHIN: Final = 7
"""Digits, at least, of a number that is found within longer runs of digits. Fewer would match too often."""
_COMPARED: Final = 6
"""Digits at the end of a number that all its spellings share."""

_UNPRINTED: Final = re.compile(
    r"%(?:2[089ABCDEF]|0[9AD]|5F|C2%A0)|\\{1,8}u(?:00[02][0-9a-f]|005f|00a0|20[0-9a-f]{2}|2212)|\\{1,8}[nrt]"
    r"|&(?:nbsp|ensp|emsp|thinsp|plus|amp);|&\#(?:32|43|160);",
    re.IGNORECASE,
)
"""Punctuation and spaces as a URL, JSON and HTML write them."""
_PLUS_SIGNS: Final = "\N{FULLWIDTH PLUS SIGN}\N{SMALL PLUS SIGN}\N{SUPERSCRIPT PLUS SIGN}"
_PLUSES: Final = frozenset({"%2b", "&plus;", "&#43;"})
_UNLIKE: Final = re.compile(
    r"(?<![^\W_])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}"
    r"|[0-9a-f]{24})(?![^\W_])",
    re.IGNORECASE,
)
"""UUIDs, hashes and the ids of MongoDB."""
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MONEY = r"(?:[$€£¥₹₩₽]|\b(?:rs|inr|usd|eur|gbp|aed|chf)\b\.?)"
_UNIT: Final = re.compile(
    rf"""(?P<moment>
        (?<![0-9][./-])(?:  # a date: 2026-11-30, 30.11.2026, 11/30/26
            (?:19|20)[0-9]{{2}}(?P<after_year>[./-])(?:0?[1-9]|1[0-2])(?P=after_year){_DAY}
          | {_DAY}(?P<after_day>[./-]){_DAY}(?P=after_day)(?:(?:19|20)[0-9]{{2}}|[0-9]{{2}})
        )(?![0-9]|[./-][0-9])
      | (?<![0-9]:)(?:  # a time: 9:30, 14:05:33.120
            (?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{{1,6}})?)?
        )(?![0-9]|:[0-9])
    ) | (?P<amount>
        (?<![0-9][.,])(?:  # an amount: 12,500.00, 1.250,00, 1,25,000, 99.90, Rs 4500, 20 EUR
            [1-9][0-9]{{0,2}}(?:,[0-9]{{2,3}}){{1,4}}\.[0-9]{{1,2}}
          | [1-9][0-9]{{0,2}}(?:\.[0-9]{{3}}){{1,4}},[0-9]{{1,2}}
          | [1-9][0-9]{{0,2}}(?:,[0-9]{{2}}){{0,2}},[0-9]{{3}}
          | [1-9][0-9]{{0,2}}(?:,[0-9]{{3}}){{2}}
          | [0-9]{{1,5}}[.,][0-9]{{2}}
          | {_MONEY}[ ]?[1-9][0-9.,]{{0,8}}
          | [1-9][0-9.,]{{0,8}}[ ]?{_MONEY}
        )(?![0-9]|[.,][0-9])
    ) | [0-9]+""",
    re.VERBOSE | re.IGNORECASE,
)
_UNSEEN: Final = "\u200b"
"""Stands for each invisible character in a `_plain` text."""
_BLANK_LETTERS: Final = "\u115f\u1160\u3164\uffa0"
"""The fillers of Hangul, which are invisible letters."""
_BETWEEN: Final = re.compile(rf"(?:{_UNSEEN}*+(?:[^\w{HIDDEN}…]|_)){{0,64}}+{_UNSEEN}*+")
_BEFORE: Final = re.compile(r"\+[\s(\[]{0,3}$")
_CUT: Final = re.compile(r"\W{0,3}…")


def mask_numbers(text: str, *, default_region: str) -> str:
    """Return the text with every valid number of the default region, or with a country code, hidden."""
    plain = _plain(text)
    if sum(map(str.isdigit, plain)) < _FEWEST_DIGITS:
        return text
    reader = _Reader(default_region)
    hidden: list[_Span] = []
    for run in _runs(plain):
        hidden += reader.spans(run)
        hidden += _cut_off(run, plain)
    if reader.exhausted:
        hidden = [span for run in _runs(plain) for span in _whole(run)]
    shown, position = [], 0
    for together in _overlapping(hidden):
        start, position_behind = together[0].start, max(span.end for span in together)
        closed = text[start:position_behind]
        before = text[position:start]
        shown += [before.removesuffix("(") if closed.count(")") > closed.count("(") else before]
        shown += [_masked(text, together)]
        position = position_behind
    return "".join([*shown, text[position:]])


def may_hold_number(identifier: str) -> bool:
    """Return whether an id has as many adjacent digits as a phone number."""
    return any(
        sum(len(unit.digits) for unit in run if not unit.readable) >= _FEWEST_IN_IDS
        for run in _runs(_plain(identifier))
    )


class NumberFinder:
    """Finds a given number in texts, in every script and spelling, even escaped for JSON, a URL or HTML."""

    def __init__(self, e164: str) -> None:
        self._line = line(e164)
        self._national = without_code(self._line)
        self._region = _region(e164)

    def is_in(self, text: str) -> bool:
        """Return whether the number is in a text."""
        plain = _plain(_unescaped(text))
        ending = self._national[-_COMPARED:]
        if ending not in re.sub("[^0-9]+", "", plain):
            return False
        for run in _runs(plain):
            digits = "".join(unit.digits for unit in run)
            if len(self._national) >= _FEWEST_WITHIN and self._national in digits:
                return True
            if ending in digits and any(self._is(span.e164) for span in _Reader(self._region).spans(run)):
                return True
        return False

    def _is(self, e164: str | None) -> bool:
        return e164 is not None and line(e164) == self._line


@dataclass(frozen=True, slots=True)
class _Unit:
    """A run of digits without a separator, or a date, a time or an amount."""

    start: int
    """Start of the unit, including a plus before it."""
    end: int
    digits: str
    plus: bool
    moment: bool
    amount: bool

    @property
    def readable(self) -> bool:
        """Return whether the unit is no number when it stands alone."""
        return self.moment or self.amount


@dataclass(frozen=True, slots=True)
class _Span:
    """Part of a text to hide, and its number (E.164) if that is known.

    ``assumed`` means that it is a number only with a plus that is not there.
    """

    start: int
    end: int
    e164: str | None = None
    assumed: bool = False


class _Reader:
    """Reads the numbers of a text, in a bounded number of attempts."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._reads = 0

    @property
    def exhausted(self) -> bool:
        """Return whether the attempts were not enough."""
        return self._reads > MOST_READS

    def spans(self, run: Sequence[_Unit]) -> Iterator[_Span]:
        """Yield every part of a run that is a number. It starts and ends with whole units."""
        for first, unit in enumerate(run):
            if self.exhausted:
                return
            digits, moments = "", True
            for last in run[first : first + _MOST_DIGITS + 1]:
                digits, moments = digits + last.digits, moments and last.moment
                if len(digits) > _MOST_DIGITS or (last.plus and last is not unit) or self.exhausted:
                    break
                if moments or (last is unit and unit.amount) or len(digits) < _FEWEST_DIGITS:
                    continue
                if e164 := self._read(digits, plus=unit.plus):
                    yield _Span(unit.start, last.end, e164)
                elif not unit.plus and len(digits) >= _FEWEST_WITH_CODE and (e164 := self._abroad(digits)):
                    yield _Span(unit.start, last.end, e164, assumed=True)

    def _read(self, digits: str, *, plus: bool) -> str | None:
        if not plus and (e164 := self._valid(digits, self._region)):
            return e164
        prefix = "" if plus else next((one for one in _ABROAD if digits.startswith(one)), None)
        return None if prefix is None else self._abroad(digits[len(prefix) :])

    def _abroad(self, digits: str) -> str | None:
        return self._valid(f"+{digits}", NO_REGION)

    def _valid(self, digits: str, region: str) -> str | None:
        self._reads += 1
        return _valid(digits, region)


def _region(e164: str) -> str:
    """Return the region in which a number is dialled without its country code."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except NumberParseException:
        return NO_REGION
    return region if region in phonenumbers.SUPPORTED_REGIONS else NO_REGION


@lru_cache(maxsize=1024)
def _valid(digits: str, region: str) -> str | None:
    """Return the number (E.164) that some digits are, perhaps with a plus before them, or None."""
    try:
        number = phonenumbers.parse(digits, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _plain(text: str) -> str:
    """Return a text of the same length with ASCII digits and pluses, and with escaped separators replaced."""
    if not text.isascii():
        text = "".join(map(_character, text))
    text = _UNPRINTED.sub(_separator, text)
    return _UNLIKE.sub(lambda found: "x" * len(found[0]), text)


def _character(character: str) -> str:
    """Return a character itself, or the digit, plus or separator that it is read as."""
    if character.isascii():
        return character
    if (digit := unicodedata.numeric(character, -1)) in range(10):
        return str(int(digit))
    if character in _PLUS_SIGNS:
        return "+"
    match unicodedata.category(character):
        case "Cf" | "Mn" | "Me":
            return _UNSEEN
        case "Lm":  # modifier letters: apostrophes, and marks that are written as dashes
            return "-"
        case _:
            return _UNSEEN if character in _BLANK_LETTERS else character


def _separator(found: re.Match[str]) -> str:
    mark = "+" if found[0].lower() in _PLUSES else " "
    return mark.ljust(len(found[0]))


def _unescaped(text: str) -> str:
    """Return a text as it was before it was escaped for JSON, a URL, HTML, or all of them."""
    if "\\" in text:
        text = re.sub(r"\\{1,8}u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    if "%" in text:
        text = unquote(text)
    return html.unescape(text) if "&" in text else text


def _runs(plain: str) -> Iterator[list[_Unit]]:
    """Yield the runs of digits that have only separators between them."""
    run: list[_Unit] = []
    for found in _UNIT.finditer(plain):
        start, end = found.span()
        if run and not _BETWEEN.fullmatch(plain, run[-1].end, start):
            yield run
            run = []
        before = _BEFORE.search(plain, max(0, start - 4), start)
        run.append(
            _Unit(
                before.start() if before else start,
                end,
                "".join(filter(str.isdigit, found[0])),
                plus=before is not None,
                moment=found["moment"] is not None,
                amount=found["amount"] is not None,
            )
        )
    if run:
        yield run


def _whole(run: Sequence[_Unit]) -> Iterator[_Span]:
    """Yield the whole run if it has as many digits as a number."""
    if sum(len(unit.digits) for unit in run) >= _FEWEST_DIGITS:
        yield _Span(run[0].start, run[-1].end)


def _cut_off(run: Sequence[_Unit], plain: str) -> Iterator[_Span]:
    """Yield the digits at the end of a run that is followed by an ellipsis."""
    if not _CUT.match(plain, run[-1].end) or run[-1].readable:
        return
    digits, start = 0, run[-1].start
    for unit in reversed(run):
        if unit.readable or digits > _MOST_DIGITS:
            break
        digits, start = digits + len(unit.digits), unit.start
    if digits >= _FEWEST_CUT:
        yield _Span(start, run[-1].end)


def _overlapping(spans: Sequence[_Span]) -> Iterator[list[_Span]]:
    """Yield spans in their order, with overlapping ones grouped together."""
    together: list[_Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if together and span.start >= max(one.end for one in together):
            yield together
            together = []
        together.append(span)
    if together:
        yield together


def _masked(text: str, together: Sequence[_Span]) -> str:
    """Return the masked text of overlapping spans.

    If a single number covers all others, it is shown as `mask` shows it. All other digits are hidden.
    """
    start, end = together[0].start, max(span.end for span in together)
    known = [span for span in together if not span.assumed] or together
    first, last = min(span.start for span in known), max(span.end for span in known)
    number = next((span.e164 for span in known if (span.start, span.end) == (first, last)), None)
    shown = mask(number) if number else _hidden(text[first:last])
    return _hidden(text[start:first]) + shown + _hidden(text[last:end])


def _hidden(text: str) -> str:
    return "".join(HIDDEN if _character(character).isdigit() else character for character in text)

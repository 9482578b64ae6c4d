"""Cells of a file: one phone number each, or a sentence that says why it is none."""

import re
import unicodedata
from typing import Final

from bot.parsing.numbers import Doubtful, NumberReader
from bot.text import csv_files
from providers import phone
from providers.phone import InvalidNumberError, Phone

_LINES = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_SCIENTIFIC = re.compile(r"\+?\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
_BETWEEN_NUMBERS = re.compile(r"[,;|&]|:::|\b(?:and|or|und|oder|et|ou|y)\b", re.IGNORECASE)
_FEWEST_DIGITS: Final = 5
"""Digits of each of two numbers in one cell."""
_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "(?:19|20)[0-9]{2}"
_DATE = re.compile(
    rf"{_YEAR}([-/.]){_MONTH}\1{_DAY}"
    rf"|(?:{_DAY}[-/.]{_MONTH}|{_MONTH}[-/.]{_DAY})[-/.]{_YEAR}"
    rf"|(?:{_DAY}[/.]{_MONTH}|{_MONTH}[/.]{_DAY})[/.][0-9]{{2}}"
)
_AMOUNT = re.compile(r"\d\.\d{3}\.\d{3}")
_APART = re.compile(r"(.*\d)\s*([./(])\s*(\d[\d\s]*)\)?|(.*\d)[\s\-\u2010-\u2015]+(\d)")
_NUMBERED = re.compile(r"\d{1,3}(?:\)|\.\s).+")
_SHORT_BEHIND: Final = {".": 2, "/": 3, "(": 4}
"""Digits behind such a mark that are none of the number's, where the mark stands once."""


def read_cell(cell: str, *, default_region: str, premium: bool = True) -> Phone:
    """Return the one number in a cell. ``premium`` accepts numbers that CallOps never calls.

    Raises `InvalidNumberError`.
    """
    if found := _as_printed(cell, default_region, premium=premium):
        return found
    _refuse_what_would_be_mended(_plain(cell), default_region)
    return phone.read(cell, default_region=default_region, premium=premium)


def _as_printed(cell: str, region: str, *, premium: bool) -> Phone | None:
    """Return the number of a cell of digits, or of one grouped as its country prints it, otherwise None.

    Nothing can be mended there, so that the slower checks are left out.
    """
    try:
        found = phone.read(cell, default_region=region, premium=premium)
    except InvalidNumberError:
        return None
    spaced = cell.replace("-", " ")
    is_printed = spaced in {found.e164, found.pretty} or found.pretty.endswith(f" {spaced}")
    return found if is_printed or (cell.isascii() and cell.isdecimal()) else None


def _refuse_what_would_be_mended(cell: str, region: str) -> None:
    """Raise `InvalidNumberError` for a cell of which `phone.read` might make another number, or say less."""
    if _LINES.search(cell):
        raise InvalidNumberError(csv_files.SEVERAL_LINES)
    if _SCIENTIFIC.fullmatch(cell):
        raise InvalidNumberError(csv_files.DIGITS_CUT)
    long = [part for part in _BETWEEN_NUMBERS.split(cell) if _digits(part) >= _FEWEST_DIGITS]
    if len(long) > 1:
        raise InvalidNumberError(csv_files.SEVERAL_NUMBERS)
    if _DATE.fullmatch(cell) and not _is_own_form(cell, region):
        raise InvalidNumberError(csv_files.A_DATE)
    if _AMOUNT.fullmatch(cell):
        raise InvalidNumberError(csv_files.AN_AMOUNT)
    found = None if cell.isdecimal() else NumberReader.for_region(region, premium=True).at(cell, 0)
    doubtful = isinstance(found, Doubtful) and (len(found.readings) > 1 or " " in found.text)
    if (
        (doubtful and not _is_own_form(cell, region))
        or _NUMBERED.fullmatch(cell)
        or _has_digits_apart(cell, region)
    ):
        raise InvalidNumberError(csv_files.OTHER_DIGITS)


def is_number(cell: str, *, default_region: str) -> bool:
    """Return whether a cell is one number."""
    try:
        read_cell(cell, default_region=default_region)
    except InvalidNumberError:
        return False
    return True


def _plain(text: str) -> str:
    """Return a text without invisible characters, with ASCII digits and punctuation."""
    if text.isascii():
        return text
    shown = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(str(unicodedata.decimal(c, c)) for c in shown)


def _digits(text: str) -> int:
    return sum(map(str.isdecimal, text))


def _has_digits_apart(cell: str, region: str) -> bool:
    """Return whether digits behind a number are none of its own: ".0" of a spreadsheet, "/8", "(2)"."""
    found = _APART.fullmatch(cell)
    if not found:
        return False
    before, mark, behind = found[1] or found[4], found[2], found[3] or found[5]
    once = mark is not None and cell.count(mark) == 1
    short = mark is not None and len(behind) <= _SHORT_BEHIND[mark]
    # Dots may part a number's own digits two by two, as "01.23.45.67.89".
    doubtful = len(behind) == 1 or (mark != "." and (once or short))
    return (once and short) or (doubtful and _is_in_use(before, region))


def _is_in_use(text: str, region: str) -> bool:
    try:
        phone.read(text, default_region=region, premium=True)
    except InvalidNumberError:
        return False
    return True


def _is_own_form(cell: str, region: str) -> bool:
    """Return whether a cell is a number as its country writes it: New Caledonia writes 20.12.34."""
    return _is_in_use(cell, region) and phone.read(cell, default_region=region).pretty.endswith(f" {cell}")

"""Do-not-call lists as files: a number on each line, or columns of a CSV file.

A file is read once, line by line. Doubt about the whole of it is a question (`CannotReadColumnsError`). A
bad line is named. Nothing is mended and no column is guessed.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from bot.cli.do_not_call_cells import is_number, read_cell
from bot.cli.do_not_call_columns import CannotReadColumnsError, Columns
from bot.text.formatting import counted
from providers.phone import InvalidNumberError, Phone, mask

NAMED: Final = 20
"""Bad cells that are kept one by one; all are counted by their reason."""
FIRST: Final = 3
"""Numbers that are kept to be shown, masked."""
SAMPLE: Final = 100
"""Rows that are looked at before it is said which columns hold numbers."""
LONGEST_ROW: Final = 64 * 1024
"""Characters of a row, over all its lines. A file with more is another one, or has no end."""

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS: Final = "\t;|,"
"""Of two that the first line has, the one that stands first here parts cells."""
_CELL_ENDS = re.compile(f"[{_DELIMITERS}\r\n]")
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATOR_SAID = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""The line that tells Excel what parts cells."""
_COMMENT = re.compile(r"\s*#(?=[^\d,;|\t\r\n])")
""""#1" numbers a row, and "#" is a column's header."""
_SUM = re.compile(r"(?:(?:grand |sub)?totals?|sum|summe|gesamt|count)\b\W*", re.IGNORECASE)
"""The first cell of a line that sums up a sheet."""


@dataclass(slots=True)
class Read:
    """The numbers of a file and its faults. Text in it shows no number, but for ``first``: masked ones.

    ``columns`` were read and ``others`` were not, by the names people call them; both are empty for a file
    of one column without a header. ``cells`` counts the good ones, and ``bad`` the others by their reason.
    ``faults`` are the first of these, with their lines.
    """

    region: str
    numbers: set[str] = field(default_factory=set)
    countries: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)
    cells: int = 0
    comments: int = 0
    columns: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    bad: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def counted(self, number: int) -> str:
        """Say so many lines, or cells where several of a line are read."""
        return counted(number, "cell" if len(self.columns) > 1 else "line")

    def add(self, found: Phone) -> None:
        """Take a number in."""
        self.cells += 1
        if found.e164 not in self.numbers:
            self.numbers.add(found.e164)
            self.countries[found.country] += 1
            if len(self.first) < FIRST:
                self.first.append(mask(found.e164))

    def refuse(self, line: int, why: str, column: str = "") -> None:
        """Take a bad cell in."""
        self.bad[why] += 1
        if len(self.faults) < NAMED:
            self.faults.append((line, f"{column}: {why}" if column else why))


def decoded(file: io.BufferedReader) -> Iterator[str]:
    """Yield a file's lines, with their ends; of one that is too long, the beginning.

    Raises `CannotReadColumnsError` at a line that is no text.
    """
    begins = file.peek(4)
    encoding = next((name for mark, name in _MARKS if begins.startswith(mark)), "utf-8-sig")
    # A byte that UTF-8 does not have becomes half a surrogate pair, so that its line is known.
    errors, no_text = (
        ("surrogateescape", re.compile("[\0\ud800-\udfff]"))
        if encoding == "utf-8-sig"
        else ("replace", re.compile("[\0\ufffd]"))
    )
    whole = io.TextIOWrapper(file, encoding, errors, newline="")
    for line, text in enumerate(iter(lambda: whole.readline(LONGEST_ROW + 1), ""), 1):
        if no_text.search(text):
            name = encoding.removesuffix("-sig").upper()
            raise CannotReadColumnsError(
                f"Line {line} isn't {name}. Save the file as “CSV UTF-8” and import that."
            )
        yield text
    whole.detach()  # its opener closes the file


def read(lines: Iterable[str], *, default_region: str, columns: Sequence[str] = ()) -> Read:
    """Read a do-not-call list. ``columns`` are those to read, by header or place, where they were said.

    Empty lines and comments are passed over: a comment is # with a word behind it. Raises
    `CannotReadColumnsError`.
    """
    found = Read(default_region)
    rows = _rows(iter(lines), found)
    first = list(islice(rows, SAMPLE))
    sheet = Columns([cells for _, cells in first if cells], default_region=default_region)
    chosen = sheet.describe(columns) if columns else sheet.certain()
    header = sheet.has_header(chosen)
    if header or sheet.width > 1:
        found.columns = tuple(map(sheet.name, chosen))
        found.others = tuple(sheet.name(n) for n in range(sheet.width) if n not in chosen)
    for line, cells in islice(chain(first, rows), int(header), None):
        if why := _wrong(cells, sheet.width, default_region):
            found.refuse(line, why)
            continue
        typed = [(n, cells[n] if n < len(cells) else "") for n in chosen]
        for n, cell in [one for one in typed if one[1]] or typed[:1]:
            try:
                found.add(read_cell(cell, default_region=default_region))
            except InvalidNumberError as fault:
                found.refuse(line, str(fault), sheet.name(n) if len(chosen) > 1 else "")
    return found


def _wrong(cells: Sequence[str], width: int, region: str) -> str:
    """Return what is wrong with a whole row; empty where nothing is."""
    if not cells:
        return "A quotation mark is missing."
    if any(cells[width:]):
        return f"It has more cells than the first line, which has {width}."
    if width > 1 and _SUM.fullmatch(next(filter(None, cells))):
        return "It's a total, not a number."
    if any(_swallows(cell, region) for cell in cells if "\n" in cell or "\r" in cell):
        return "Its quotation marks enclose other lines with numbers. Check where they close."
    return ""


def _swallows(cell: str, region: str) -> bool:
    """Return whether a cell of several lines looks like several rows, because of a mark too many."""
    parts = _CELL_ENDS.split(cell)
    rows = any(mark in cell for mark in _DELIMITERS)
    return rows and any(is_number(part.strip(), default_region=region) for part in parts)


def _rows(lines: Iterator[str], found: Read) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each row's first line, and its cells: none where its quotes are wrong."""
    passed, delimiter = _delimiter(lines)
    length = 0

    def within() -> Iterator[str]:
        nonlocal length
        for text in chain(passed, lines):
            length += len(text)
            if length > LONGEST_ROW:
                raise CannotReadColumnsError(
                    f"The row at line {begins} has more than {LONGEST_ROW} characters. "
                    "Is this a list with one number per line?"
                )
            yield text

    reader = csv.reader(within(), delimiter=delimiter, strict=True)
    while True:
        begins, length = reader.line_num + 1, 0
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num == begins and begins > len(passed):
                yield begins, []
                continue
            raise CannotReadColumnsError(
                f"A quotation mark is missing from line {begins} on, so the ends of cells are unclear."
            ) from None
        if _COMMENT.match(cells[0] if cells else ""):
            found.comments += 1
        elif any(cell.strip("#") for cell in cells):
            yield begins, cells


def _delimiter(lines: Iterator[str]) -> tuple[list[str], str]:
    """Return the lines as far as the first with cells, and what parts cells."""
    passed: list[str] = []
    for text in lines:
        if said := _SEPARATOR_SAID.fullmatch(text):
            return [*passed, "\n"], said[1]
        passed.append(text)
        if text.strip("# \t\r\n") and not _COMMENT.match(text):
            bare = _QUOTED.sub("", text)
            return passed, next((mark for mark in _DELIMITERS if mark in bare), ",")
    return passed, ","

"""Rows of a CSV file: its encoding, its delimiter, its quotation marks and its comments.

A file is read once, line by line. A file that cannot be divided into rows is an `UnreadableListError`.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from bot import CallOpsError
from bot.parsing.number_cells import is_number
from bot.text import csv_files


class UnreadableListError(CallOpsError):
    """The reason why no row of a file is read, as sentences for the person who gave the file."""


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


def decoded(file: io.BufferedReader) -> Iterator[str]:
    """Yield a file's lines, with their ends; of one that is too long, the beginning.

    Raises `UnreadableListError` at a line that is no text.
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
            raise UnreadableListError(csv_files.not_encoded(line, name))
        yield text


class CsvRows:
    """The rows of a file, without its empty rows and its comments. A comment is # with a word behind it.

    ``comments`` counts the comments passed so far.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.comments = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each row's first line, and its cells: none where its quotes are wrong.

        Raises `UnreadableListError`.
        """
        passed, delimiter = _delimiter(self._lines)
        length = 0

        def within() -> Iterator[str]:
            nonlocal length
            for text in chain(passed, self._lines):
                length += len(text)
                if length > LONGEST_ROW:
                    raise UnreadableListError(csv_files.row_too_long(begins, LONGEST_ROW))
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
                raise UnreadableListError(csv_files.quote_missing_from(begins)) from None
            if _COMMENT.match(cells[0] if cells else ""):
                self.comments += 1
            elif any(cell.strip("#") for cell in cells):
                yield begins, cells


def row_fault(cells: Sequence[str], width: int, region: str) -> str:
    """Return what is wrong with a whole row; empty where nothing is."""
    if not cells:
        return csv_files.QUOTE_MISSING
    if any(cells[width:]):
        return csv_files.too_many_cells(width)
    if width > 1 and _SUM.fullmatch(next(filter(None, cells))):
        return csv_files.SUM
    if any(_swallows(cell, region) for cell in cells if "\n" in cell or "\r" in cell):
        return csv_files.SWALLOWS_LINES
    return ""


def _swallows(cell: str, region: str) -> bool:
    """Return whether a cell of several lines looks like several rows, because of a mark too many."""
    parts = _CELL_ENDS.split(cell)
    rows = any(mark in cell for mark in _DELIMITERS)
    return rows and any(is_number(part.strip(), default_region=region) for part in parts)


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

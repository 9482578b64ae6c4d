"""Do-not-call lists as files: a number on each line, or columns of a CSV file.

A file is read once, line by line. Doubt about the whole of it is a question (`UnreadableListError`). A
bad line is named. Nothing is mended and no column is guessed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from bot.cli.do_not_call_columns import Columns
from bot.parsing.csv_file import CsvRows, row_fault
from bot.parsing.number_cells import read_cell
from bot.text.formatting import counted
from providers.phone import InvalidNumberError, Phone, mask

NAMED: Final = 20
"""Bad cells that are kept one by one; all are counted by their reason."""
FIRST: Final = 3
"""Numbers that are kept to be shown, masked."""
SAMPLE: Final = 100
"""Rows that are looked at before it is said which columns hold numbers."""


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


def read(lines: Iterable[str], *, default_region: str, columns: Sequence[str] = ()) -> Read:
    """Read a do-not-call list. ``columns`` are those to read, by header or place, where they were said.

    Empty lines and comments are passed over: a comment is # with a word behind it. Raises
    `UnreadableListError`.
    """
    found = Read(default_region)
    rows = CsvRows(lines)
    each = iter(rows)
    first = list(islice(each, SAMPLE))
    sheet = Columns([cells for _, cells in first if cells], default_region=default_region)
    chosen = sheet.describe(columns) if columns else sheet.certain()
    header = sheet.has_header(chosen)
    if header or sheet.width > 1:
        found.columns = tuple(map(sheet.name, chosen))
        found.others = tuple(sheet.name(n) for n in range(sheet.width) if n not in chosen)
    for line, cells in islice(chain(first, each), int(header), None):
        if why := row_fault(cells, sheet.width, default_region):
            found.refuse(line, why)
            continue
        typed = [(n, cells[n] if n < len(cells) else "") for n in chosen]
        for n, cell in [one for one in typed if one[1]] or typed[:1]:
            try:
                found.add(read_cell(cell, default_region=default_region))
            except InvalidNumberError as fault:
                found.refuse(line, str(fault), sheet.name(n) if len(chosen) > 1 else "")
    found.comments = rows.comments
    return found

"""Divides lines into the cells of a table, by a delimiter or by aligned columns."""

import csv
import re
from collections.abc import Sequence
from typing import Final

AROUND = " \t,;|:–—-\"'`*"  # noqa: RUF001 - dashes people paste
_FRAME: Final = "||"
"""Bars around a line and between its cells, as in Markdown."""
_WIDE = re.compile(r" {2,}")
_PIECE = re.compile(r"\S+(?: \S+)*")
"""A cell of a table whose columns have at least two spaces between them."""
_AMOUNT = re.compile(
    r"\d\.\d{3},\d\d(?!\d)|\d,\d{3}\.\d\d(?!\d)"
    r"|(?<=[$€£¥₹₩₽])[ ]?\d+,\d\d(?!\d)|\d,\d\d(?=[ ]?(?:[$€£¥₹₩₽]|EUR\b|Rs\b))"
)
"""An amount with a comma: 1.766,56 or 1,766.56, and 176,00 beside a currency."""
TOTAL = re.compile(
    r"(?:grand |sub)?-?(?:totals?|sums?|count|gesamt|summe|suma|somme|totale)\b", re.IGNORECASE
)


def delimiter_of(lines: Sequence[str]) -> str | None:
    """Return the delimiter of a table's cells, None if there is none or wide spaces divide more cells.

    Lines without cells may stand before and behind the table.
    """
    if any("\t" in line for line in lines):
        return "\t"
    if len(lines) > 1 and all(line.lstrip().startswith("|") for line in lines[:2]):
        return _FRAME
    rows = [line for line in lines if not TOTAL.match(line.strip(AROUND))]
    for delimiter in "|;,":
        if not any(delimiter in _AMOUNT.sub("", line) for line in rows):
            continue
        counts = [len(cells_of(line, delimiter)) for line in rows]
        several = [count for count in counts if count > 1]
        if len(several) > 1 and len(set(several)) == 1 and sum(counts) >= _between_spaces(rows):
            start = counts.index(several[0])
            if counts[start : start + len(several)] == several:
                return delimiter
    return None


def _between_spaces(lines: Sequence[str]) -> int:
    """Return the number of cells that wide spaces divide."""
    return sum(any(map(str.isalnum, cell)) for line in lines for cell in _WIDE.split(line))


def cells_of(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of a line, divided at a delimiter, or at wide spaces if there is none."""
    match delimiter:
        case None:
            cells = _WIDE.split(line.strip())
        case "||":
            cells = line.strip().strip("|").split("|")
        case "|":
            cells = line.split("|")
        case _:
            [cells] = list(csv.reader([line.replace("\0", "")], delimiter=delimiter)) or [[]]
    return [cell.strip() for cell in cells]


def columns_of(lines: Sequence[str]) -> list[list[str]] | None:
    """Return the cells of lines with aligned columns and wide spaces between them, None for other lines."""
    pieces = [[(piece.start(), piece[0]) for piece in _PIECE.finditer(line)] for line in lines]
    widest = max(pieces, key=len, default=[])
    if len(widest) < 2 or sum(len(line) > 1 for line in pieces) < 2:  # noqa: PLR2004 - two of two are a table
        return None
    starts = [start for start, _ in widest]
    rows = []
    for line in pieces:
        in_columns = len(line) > 1 or bool(line and line[0][0] > 1)
        cells = [""] * (len(starts) if in_columns else 1)
        for start, piece in line:
            place = min(range(len(starts)), key=lambda at: abs(starts[at] - start)) if in_columns else 0
            cells[place] = f"{cells[place]} {piece}".strip()
        rows.append(cells)
    return rows

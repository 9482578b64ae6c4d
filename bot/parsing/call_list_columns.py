"""Columns of a call list: the meaning of each header, or a question.

A column whose header is not known is ignored, and named as ignored. It is a question if it holds numbers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.parsing.command import METADATA_NAME
from bot.parsing.csv_file import UnreadableListError
from bot.parsing.csv_headers import OTHER_NUMBERS, is_phone_header, visible, words_of
from bot.parsing.number_cells import is_number
from bot.text import csv_files
from providers.actions import Kind
from providers.masking import mask_numbers

NUMBER, CALL_ID, AGENT, NAME, BATCH, ZONE = "number", "call_id", "agent", "name", "batch", "zone"
DATE, TIME = "date", "time"
METADATA: Final = "metadata."
"""The beginning of the meaning of a metadata column, whose name follows."""

_MOST_DIGITS: Final = 4
"""Digits that a header may have, as in "Phone 1" or "Batch 2026". A cell with more is data."""
_METADATA_HEADER = re.compile(r"meta(?:data)?\.(.*)", re.IGNORECASE | re.DOTALL)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_OF_CALLS = r"(?:(?:call|calling|dial|schedule|scheduled) )?"
_HEADERS: Final = {
    CALL_ID: re.compile(r"(?:provider )?call (?:id|uuid|sid|reference)|callid"),
    ZONE: re.compile(r"(?:(?:recipient|customer|contact|local) )?(?:zone|time ?zone|tz)"),
    DATE: re.compile(rf"{_OF_CALLS}(?:date|day|on)"),
    TIME: re.compile(rf"{_OF_CALLS}(?:at|time|when|date ?time|date and time|date at)|schedule|scheduled"),
    AGENT: re.compile(r"(?:voice )?(?:agent|bot|assistant)(?: (?:id|name))?|voicebot"),
    NAME: re.compile(
        r"(?:(?:customer|client|contact|recipient|full|lead|patient) )?name|customer|client|recipient"
    ),
    BATCH: re.compile(r"batch(?: (?:id|name))?"),
}
"""The words of the headers, for each meaning but the number and the metadata."""
_CANCELLING: Final = frozenset({NUMBER, CALL_ID, AGENT})


@dataclass(frozen=True, slots=True)
class ListColumns:
    """The columns of a list. ``places`` gives the index of the column for each meaning.

    ``headers`` is empty for a single column of numbers without a header. ``width`` counts the columns.
    """

    headers: tuple[str, ...]
    width: int
    places: Mapping[str, int]

    def name(self, column: int) -> str:
        """Return what people call a column."""
        return (self.headers[column] if self.headers else "") or f"column {column + 1}"

    def names(self, columns: Iterable[int]) -> list[str]:
        """Return what people call several columns."""
        return [self.name(column) for column in columns]

    def cell(self, meaning: str, cells: Sequence[str]) -> str:
        """Return a row's cell of a meaning. It is empty if the row, or the list, has no such cell."""
        place = self.places.get(meaning)
        return cells[place] if place is not None and place < len(cells) else ""

    @property
    def read(self) -> Mapping[str, str]:
        """The meaning of each column that is read. A date is read as a part of the time."""
        found = {self.name(at): TIME if meaning == DATE else meaning for meaning, at in self.places.items()}
        return MappingProxyType(found)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of the columns that are not read."""
        return tuple(self.name(n) for n in range(self.width) if n not in self.places.values())


def read_columns(rows: Sequence[Sequence[str]], kind: Kind, *, region: str) -> ListColumns:
    """Return the columns of a list, from its first rows. Raises `UnreadableListError` for a question.

    ``kind`` is the kind of action that the rows are. ``region`` is that of numbers without a plus.
    """
    first = rows[0]
    width = max((n for n, cell in enumerate(first, 1) if cell), default=0)
    if any(_is_data(cell, region) for cell in first[:width]):
        if width > 1:
            raise UnreadableListError(csv_files.NO_HEADER)
        return ListColumns((), 1, MappingProxyType({NUMBER: 0}))
    shown = tuple(mask_numbers(visible(cell), default_region=region) for cell in first[:width])
    every = [_meaning(header, name, kind) for header, name in zip(first, shown, strict=False)]
    columns = ListColumns(shown, width, MappingProxyType({m: n for n, m in enumerate(every) if m}))
    for meaning in columns.places:
        same = [n for n, other in enumerate(every) if other == meaning]
        if meaning == NUMBER:
            same += [n for n, other in enumerate(every) if not other and _has_numbers(rows, n, region)]
        if len(same) > 1:
            raise UnreadableListError(csv_files.several_columns(meaning, columns.names(sorted(same))))
    _check_targets(columns, rows, kind, region)
    _check_times(columns, first)
    if TIME not in columns.places and DATE in columns.places:  # a date column may hold the time, too
        places = {TIME if meaning == DATE else meaning: at for meaning, at in columns.places.items()}
        return ListColumns(shown, width, MappingProxyType(places))
    return columns


def _is_data(cell: str, region: str) -> bool:
    """Return whether a cell of the first row is no header."""
    return not _METADATA_HEADER.fullmatch(cell) and (
        sum(map(str.isdecimal, cell)) > _MOST_DIGITS or is_number(cell, default_region=region)
    )


def _meaning(header: str, shown: str, kind: Kind) -> str:
    """Return the meaning of a header, empty if it has none. Raises `UnreadableListError`."""
    found = ""
    if metadata := _METADATA_HEADER.fullmatch(header):
        if not METADATA_NAME.fullmatch(metadata[1]):
            raise UnreadableListError(csv_files.not_a_metadata_name(shown))
        found = METADATA + metadata[1]
    elif is_phone_header(header):
        found = NUMBER
    else:
        words = words_of(_ASIDE.sub(" ", header))
        found = next((meaning for meaning, known in _HEADERS.items() if known.fullmatch(words)), "")
        found = f"{METADATA}{NAME}" if found == NAME else found
    allowed = found in _CANCELLING if kind is Kind.CANCEL_CALL else found != CALL_ID
    return found if allowed else ""


def _has_numbers(rows: Sequence[Sequence[str]], column: int, region: str) -> bool:
    """Return whether most cells of a column are phone numbers, and its header does not deny it."""
    if OTHER_NUMBERS.search(words_of(rows[0][column])):
        return False
    filled = [cells[column] for cells in rows[1:] if column < len(cells) and cells[column]]
    return sum(is_number(cell, default_region=region) for cell in filled) * 2 > len(filled)


def _check_targets(columns: ListColumns, rows: Sequence[Sequence[str]], kind: Kind, region: str) -> None:
    """Raise `UnreadableListError` if there is no column of targets, or if there are two kinds of them."""
    has_number, has_id = NUMBER in columns.places, CALL_ID in columns.places
    if has_number and has_id:
        pair = sorted([columns.places[NUMBER], columns.places[CALL_ID]])
        raise UnreadableListError(csv_files.numbers_and_ids(columns.names(pair)))
    if has_number or has_id:
        return
    likely = [
        n for n in range(columns.width) if n not in columns.places.values() and _has_numbers(rows, n, region)
    ]
    if likely:
        raise UnreadableListError(csv_files.which_numbers(columns.names(likely)))
    names = columns.names(range(columns.width))
    raise UnreadableListError(csv_files.no_targets(names, cancels=kind is Kind.CANCEL_CALL))


def _check_times(columns: ListColumns, headers: Sequence[str]) -> None:
    """Raise `UnreadableListError` for a header that says more about its times, such as their zone."""
    for meaning in (DATE, TIME):
        place = columns.places.get(meaning)
        if place is not None and _ASIDE.search(headers[place]):
            raise UnreadableListError(csv_files.header_says_more(columns.name(place), meaning))

"""Columns of a do-not-call list: which of them hold the phone numbers, or a question."""

import shlex
from collections import Counter
from collections.abc import Sequence

from bot.parsing.csv_file import UnreadableListError
from bot.parsing.csv_headers import OTHER_NUMBERS, fold, is_phone_header, visible, words_of
from bot.parsing.number_cells import is_number
from bot.text.formatting import listed


class Columns:
    """The columns of a file, as its first rows show them.

    Raises `UnreadableListError` where there is none.
    """

    def __init__(self, rows: Sequence[Sequence[str]], *, default_region: str) -> None:
        if not rows:
            raise UnreadableListError("The file has no numbers.")
        self._rows = rows
        self._region = default_region
        self.width = max(n for n, cell in enumerate(rows[0], 1) if cell)
        has_numbers = any(is_number(cell, default_region=default_region) for cell in rows[0])
        self._headers = [] if has_numbers else list(rows[0][: self.width])
        self._times = Counter(self._headers)
        self._phones = [n for n, header in enumerate(self._headers) if is_phone_header(header)]

    def name(self, column: int) -> str:
        """Return what people call a column."""
        header = self._headers[column] if self._headers else ""
        return f"“{visible(header)}”" if header else f"column {column + 1}"

    def has_header(self, chosen: Sequence[int]) -> bool:
        """Return whether the first row is none of numbers."""
        if not self._headers:
            return False
        return bool(self._phones) or not any(
            character.isdecimal() for column in chosen for character in self._headers[column]
        )

    def certain(self) -> list[int]:
        """Return the column with the numbers, where no other can be it. Raises `UnreadableListError`."""
        if self.width == 1:
            if self._headers and not self._phones and OTHER_NUMBERS.search(words_of(self._headers[0])):
                raise UnreadableListError(
                    f"The only column is called {self.name(0)}. "
                    f"If it has phone numbers, add {self._option(0)}"
                )
            return [0]
        likely = [n for n in range(self.width) if n in self._phones or self._is_of_numbers(n)]
        if len(likely) > 1:
            options = listed([self._option(n) for n in likely], "or")
            raise UnreadableListError(
                f"Several columns look like phone numbers: {self._listed(likely)}. "
                f"Choose one or more: {options}"
            )
        if not self._phones:
            option = self._option(likely[0]) if likely else "--column NAME, or --column 2 for the second"
            raise UnreadableListError(
                f"No header names the column with phone numbers. The columns are {self._listed()}. "
                f"Choose one: {option}"
            )
        return likely

    def describe(self, columns: Sequence[str]) -> list[int]:
        """Return the columns that were named, by header or by place. Raises `UnreadableListError`."""
        return list(dict.fromkeys(map(self._meant, columns)))

    def _meant(self, column: str) -> int:
        typed = fold(column.strip())
        found = [n for n, header in enumerate(self._headers) if fold(header) == typed]
        found = found or [n for n in range(self.width) if str(n + 1) == typed]
        if not found:
            raise UnreadableListError(
                f"No column is called “{visible(column)}”. The columns are {self._listed()}."
            )
        if len(found) > 1:
            places = listed([f"--column {n + 1}" for n in found], "or")
            raise UnreadableListError(
                f"Several columns are called “{visible(column)}”. Choose by position: {places}"
            )
        return found[0]

    def _listed(self, columns: Sequence[int] = ()) -> str:
        return listed([self.name(n) for n in columns or range(self.width)], "and")

    def _option(self, column: int) -> str:
        header = self._headers[column] if self._headers else ""
        plain = header and header.isprintable() and self._times[header] == 1
        return f"--column {shlex.quote(header) if plain else column + 1}"

    def _is_of_numbers(self, column: int) -> bool:
        """Return whether most cells of a column are phone numbers, and its header does not deny it."""
        if self._headers and OTHER_NUMBERS.search(words_of(self._headers[column])):
            return False
        rows = self._rows[1:] if self._headers else self._rows
        filled = [cells[column] for cells in rows if column < len(cells) and cells[column]]
        return sum(is_number(cell, default_region=self._region) for cell in filled) * 2 > len(filled)

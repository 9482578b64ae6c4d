"""Reads targets pasted from a list or a sheet, with one target and other words on each line.

    Name        Phone          Due
    Asha Rao    98765 43210    12 May
    Ravi        98765 43211    4500
    Total                      2

The words beside the targets are ignored and listed. Words that are the same beside every target are the
reason, as are words behind the last target alone. A header names the column of numbers. A line without a
whole number is reported, and the other lines stay valid. A text is no sheet if its lines could be a reason
that mentions another number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.parsing.digit_groups import count_digits, is_label
from bot.parsing.numbers import (
    Certain,
    Doubtful,
    Found,
    NumberReader,
    NumberTarget,
    Reading,
    Unreadable,
)
from bot.parsing.table_cells import AROUND, TOTAL, cells_of, columns_of, delimiter_of
from bot.parsing.targets import (
    FEWEST_DIGITS,
    Ask,
    IdTarget,
    Target,
    bare_id,
    id_problem,
    is_date_or_amount,
    is_plain_id,
    letters,
)
from bot.text import parse_errors

SHORTEST_IN_WORDS = 10
"""Digits of an ungrouped number among words. The numbers of orders and bills mostly have fewer."""

_MANY = 3
"""Lines with one number each that make a list, wherever in the lines the numbers stand."""
_MARK = re.compile(
    r"^[ ]*(?:(?:[*•·]|>+|\d{1,3}[.)](?![ |;,]*$))[ ]+|[-–][ ](?![ ]))",  # noqa: RUF001 - a dash people paste
    re.MULTILINE,
)
"""Marks at the beginning of a list's lines. A dash before wide spaces is an empty cell instead, and a running
number before nothing is a row."""
_IN_QUOTES = re.compile(r'\s*["“„].*["”“]\s*')
_RULER = re.compile(r"(?=.*[-=]{3}|.*\|)[\s|:+=-]+")
_COLUMN_OF_NUMBERS = re.compile(
    r"(?:^|[\W_])(?:tele)?(?:phones?|fon|tel|mobiles?|mobil|mob|cell|handy|whatsapp|msisdn|gsm|dnc|rufnummer"
    r"|t[eé]l[eé]phone|tel[eé]fono|telefono|telefone|telefoon|celular)(?:[\W_]|\d|$)"
    r"|^(?:contact[\W_]*)?(?:numbers?|nos?\.?)$|^contacts?$",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"#?n\.?/?a\.?|none|nil|null|unknown|not known|tb[adc]|missing|no (?:phone|number)|k\. ?a\.|[\W_]+",
    re.IGNORECASE,
)
"""A cell's text for a number that is not known."""
_OR = re.compile(r"^[\W_]*(?:(?:or|oder|ou|o|of|lub)\s+)?[\W_]*", re.IGNORECASE)
"""Words such as "or" between two numbers. The number behind them is no part of a reason."""
_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The targets of the lines, the ignored words beside them, and the reason."""

    targets: tuple[Target, ...]
    ignored_words: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class _Row:
    number: int
    """The line's number in the pasted text, from 1."""
    cells: list[str]
    found: list[tuple[int, Found]] = field(default_factory=list)
    """The numbers, each with the index of its cell."""

    @property
    def text(self) -> str:
        return " ".join(filter(None, self.cells))

    def words_beside(self, column: int, reading: Reading | None = None) -> tuple[str, str]:
        """Return the words before and behind the target in a cell."""
        cell = self.cells[column]
        before, behind = (cell[: reading.start], cell[reading.end :]) if reading else ("", "")
        return (
            " ".join(filter(None, [*self.cells[:column], before.strip(AROUND)])).strip(AROUND),
            " ".join(filter(None, [behind.strip(AROUND), *self.cells[column + 1 :]])).strip(AROUND),
        )


def without_marks(text: str) -> str:
    """Return several lines without list marks. A mark before a column is replaced by spaces."""
    if "\n" not in text:
        return text
    return _MARK.sub(lambda mark: " " * len(mark[0]) if mark[0].endswith("  ") else "", text)


def number_in(text: str, reader: NumberReader) -> str | None:
    """Return the first whole phone number among words, as it was typed. Return None if there is none."""
    for found in reader.in_text(text):
        match found:
            case Certain(reading=Reading(target=NumberTarget(text=number))) | Doubtful(text=number):
                before = _OR.sub("", text[: text.index(number)], count=1)
                if (
                    count_digits(number) >= SHORTEST_IN_WORDS
                    or not number.isdecimal()
                    or int(number[0]) == 0
                    or not before
                    or is_label(before)
                ):
                    return number
    return None


def names_numbers(header: str) -> bool:
    """Return whether a column's header announces phone numbers."""
    return _COLUMN_OF_NUMBERS.search(header.strip(AROUND)) is not None


def read_sheet(text: str, reader: NumberReader, *, ids: bool, ask: Ask) -> Sheet | None:
    """Read a sheet's lines. Return None if the text is no sheet."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    delimiter = delimiter_of([line for _, line in lines])
    if len(lines) <= 1 and delimiter != "\t":
        return None
    lines = [(number, line) for number, line in lines if not _RULER.fullmatch(line)]
    cells = columns_of([line for _, line in lines]) if delimiter is None else None
    is_table = delimiter is not None or cells is not None
    rows = [
        _Row(number, cells[place] if cells else cells_of(line, delimiter))
        for place, (number, line) in enumerate(lines)
    ]
    for row, (_, line) in zip(rows, lines, strict=True):
        if (
            row is rows[-1]
            and len(rows) > 1
            and _IN_QUOTES.fullmatch(line)
            and not _IN_QUOTES.fullmatch(lines[0][1])
        ):
            continue  # the quoted line is a reason, which may hold a number
        for place, cell in enumerate(row.cells):
            row.found += [(place, found) for found in reader.in_text(cell)]
    sheet = _Sheet(rows, ask, is_table=is_table, may_be_list=delimiter in {",", ";"})
    if any(map(_numbers, rows)):
        return sheet.of_numbers()
    return sheet.of_ids() if ids else None


@dataclass(slots=True)
class _Sheet:
    rows: list[_Row]
    ask: Ask
    is_table: bool
    may_be_list: bool
    """True if the delimiter of its cells may also separate targets."""

    def of_numbers(self) -> Sheet | None:
        """Return the sheet as a list of phone numbers, None if it is no such list."""
        rows, header = self.rows, None
        if rows and not _numbers(rows[0]) and self._is_header(rows[0]):
            header, rows = rows[0], rows[1:]
        with_numbers = [row for row in rows if _numbers(row)]
        if not with_numbers or (not self.is_table and len(with_numbers) == 1):
            return None
        if not self.is_table and not _is_list(with_numbers):
            return None
        if (
            self.may_be_list
            and header is None
            and all(_is_full(row) for row in with_numbers)
            and _several(with_numbers)
        ):
            return None  # numbers between commas are a line of targets
        columns = self._columns(with_numbers, header)
        last = rows.index(with_numbers[-1]) + 1
        tail = [row for row in rows[last:] if not self._is_reason(row)]
        reason = " ".join(row.text for row in rows[last:] if self._is_reason(row))
        return self._listed([*rows[:last], *tail], columns, reason)

    def of_ids(self) -> Sheet | None:
        """Return the sheet as a list of ids, None if no column holds ids that look alike."""
        rows = [row for row in self.rows if any(map(count_digits, row.cells))]
        if len(rows) <= 1:
            return None
        last = self.rows.index(rows[-1]) + 1
        for column in range(min(len(row.cells) for row in rows)):
            words = [(row.cells[column].split(maxsplit=1) or [""]) for row in rows]
            named = [bare_id(word[0]) for word in words]
            if all(map(_is_id, named)) and _are_alike(named):
                beside = [
                    (
                        row.words_beside(column)[0],
                        " ".join(filter(None, [*word[1:], row.words_beside(column)[1]])),
                    )
                    for row, word in zip(rows, words, strict=True)
                ]
                if not self.is_table and not all(row in rows for row in self.rows[:last]):
                    return None
                reason = " ".join(row.text for row in self.rows[last:])
                return self._sheet([IdTarget(one) for one in named], beside, [], reason)
        return None

    def _is_header(self, row: _Row) -> bool:
        """Return whether a line without a number names the columns below it."""
        if any(map(names_numbers, row.cells)):
            return True
        return self.is_table and all(
            cell and not count_digits(cell) and not _NOTHING.fullmatch(cell) for cell in row.cells
        )

    def _is_reason(self, row: _Row) -> bool:
        """Return whether a line behind the last number is a reason in words."""
        if (
            _numbers(row)
            or TOTAL.match(row.text)
            or _NOTHING.fullmatch(row.text.strip(AROUND))
            or not _LETTERS.search(row.text)
        ):
            return False
        return len(row.cells) == 1 and not (self.is_table and any(map(count_digits, row.cells)))

    def _columns(self, rows: Sequence[_Row], header: _Row | None) -> frozenset[int]:
        """Return the indexes of the cells with numbers. Return none until one of several is chosen."""
        places = sorted({place for row in rows for place, _ in _numbers(row)})
        if not self.is_table:
            return frozenset(places)
        if header and (named := [place for place in places if names_numbers(_cell(header, place))]):
            places = named
        if len(places) == 1:
            return frozenset(places)
        labels = [_label(place, rows, header) for place in places]
        chosen = self.ask(parse_errors.which_column(labels), labels)
        return frozenset() if chosen is None else frozenset({places[chosen]})

    def _listed(self, rows: Sequence[_Row], columns: frozenset[int], reason: str) -> Sheet | None:
        """Return the numbers in those columns. Ask about the lines without a number."""
        targets: list[Target] = []
        beside: list[tuple[str, str]] = []
        left_out: list[str] = []
        bad: list[tuple[_Row, str | None]] = []
        for row in rows if columns else ():
            in_columns = [(place, one) for place, one in row.found if place in columns]
            numbers = [(place, one) for place, one in in_columns if not isinstance(one, Unreadable)]
            if not numbers and TOTAL.match(row.text):
                left_out.append(row.text)
            elif len({_text(one) for _, one in numbers}) != 1:
                bad.append((row, parse_errors.TWO_NUMBERS if numbers else _why(in_columns)))
            else:
                place, number = numbers[0]
                if reading := self._chosen(row, place, number):
                    targets.append(reading.target)
                    beside.append(row.words_beside(place, reading))
        if bad:
            faults = [parse_errors.row_without_number(row.number, row.text, why) for row, why in bad]
            choices = [parse_errors.rows_left_out([row.number for row, _ in bad])] if targets else []
            self.ask(parse_errors.bad_rows(faults), choices)
            left_out += [row.text for row, _ in bad]
        return self._sheet(targets, beside, left_out, reason)

    def _chosen(self, row: _Row, place: int, number: Found) -> Reading | None:
        """Return the reading of a number, None until the user has chosen one of several."""
        if not isinstance(number, Doubtful):
            return _reading(number)
        labels = [
            parse_errors.reading(one.target.phone.pretty, row.cells[place][one.end : number.end])
            for one in number.readings
        ]
        chosen = self.ask(parse_errors.which_reading(number.text, labels), labels)
        return None if chosen is None else number.readings[chosen]

    def _sheet(
        self,
        targets: Sequence[Target],
        beside: Sequence[tuple[str, str]],
        left_out: Sequence[str],
        reason: str,
    ) -> Sheet:
        """Return the sheet. Words beside every target alike, or behind the last alone, are its reason."""
        words = [tuple(filter(None, pair)) for pair in beside]
        different, several = set(words), len(words) > 1
        behind_last = beside[-1][1] if several and not self.is_table and not any(words[:-1]) else ""
        if not reason and several and len(different) == 1 and _LETTERS.search(" ".join(words[0])):
            reason, words = " ".join(words[0]), []
        elif not reason and _LETTERS.search(behind_last) and words[-1] == (behind_last,):
            reason, words = behind_last, []
        every = dict.fromkeys([one for pair in words for one in pair] + list(left_out))
        return Sheet(tuple(dict.fromkeys(targets)), tuple(every), reason)


def _label(place: int, rows: Sequence[_Row], header: _Row | None) -> str:
    """Return a column's label for a question: its header, or its first number."""
    example = next(_text(found) for row in rows for at, found in _numbers(row) if at == place)
    return parse_errors.column(place + 1, _cell(header, place) if header else None, example)


def _is_list(rows: Sequence[_Row]) -> bool:
    """Return whether lines without cells hold one number each, all of them at the beginning or none."""
    if any(len({_text(found) for _, found in _numbers(row)}) > 1 for row in rows):
        return False
    before = [row.words_beside(place, _reading(found))[0] for row in rows for place, found in _numbers(row)]
    begins = {not any(map(str.isalnum, words)) or is_label(words) for words in before}
    return len(begins) == 1 or len(rows) >= _MANY


def _is_full(row: _Row) -> bool:
    """Return whether each cell of a line is a number."""
    return {place for place, _ in _numbers(row)} == {place for place, cell in enumerate(row.cells) if cell}


def _several(rows: Sequence[_Row]) -> bool:
    return any(len(row.found) > 1 for row in rows)


def _numbers(row: _Row) -> list[tuple[int, Found]]:
    return [(place, found) for place, found in row.found if not isinstance(found, Unreadable)]


def _reading(found: Found) -> Reading | None:
    match found:
        case Certain(reading=reading) | Doubtful(readings=(reading, *_)):
            return reading
        case _:
            return None


def _text(found: Found) -> str:
    return found.reading.target.text if isinstance(found, Certain) else found.text


def _why(found: Sequence[tuple[int, Found]]) -> str | None:
    return next((one.fault for _, one in found if isinstance(one, Unreadable)), None)


def _cell(row: _Row, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _is_id(text: str) -> bool:
    return is_plain_id(text) and not id_problem(text) and not is_date_or_amount(text)


def _are_alike(ids: Sequence[str]) -> bool:
    """Return whether all ids look like one kind. A "2nd" below an id begins a reason."""
    return len({letters(one) for one in ids}) <= 1 or all(count_digits(one) >= FEWEST_DIGITS for one in ids)

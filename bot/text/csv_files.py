"""Sentences about CSV files: why a file, a column, a row or a cell of numbers can't be read."""

from collections.abc import Sequence
from typing import Final

from bot.text.formatting import listed

WORKBOOK: Final = "That's a workbook, not a CSV file. Save the sheet as “CSV UTF-8” and use that file."
NO_ROWS: Final = "The file has no rows."
NO_ROWS_BELOW_HEADER: Final = "The file has no rows below its header."
HEADER_QUOTE_MISSING: Final = "A quotation mark is missing in the first row, which names the columns."
NO_HEADER: Final = (
    "The first row has data. Add a row above it that names the columns, such as number and time."
)
NO_AGENT_NAMED: Final = "No voice agent is named. Choose one, or add a column “agent”."

QUOTE_MISSING: Final = "A quotation mark is missing."
SUM: Final = "It's a total, not a number."
SWALLOWS_LINES: Final = "Its quotation marks enclose other lines with numbers. Check where they close."

CALL_ID_MISSING: Final = "A call ID is missing."
AGENT_MISSING: Final = "A voice agent is missing."
DATE_MISSING: Final = "The date is missing."

SEVERAL_LINES: Final = "The cell has several lines or a tab. Put one number in each cell."
DIGITS_CUT: Final = "A spreadsheet cut its digits. Format the column as text there and export it again."
SEVERAL_NUMBERS: Final = "The cell has several numbers. Put each on its own line."
A_DATE: Final = "That's a date."
AN_AMOUNT: Final = "That's an amount."
OTHER_DIGITS: Final = "The cell has other digits beside the number. Leave only the number."

_COLUMNS: Final = {"number": "phone numbers", "call_id": "call IDs", "agent": "the voice agent"}
"""The words for columns of one meaning."""


def not_encoded(line: int, encoding: str) -> str:
    return f"Line {line} isn't {encoding}. Save the file as “CSV UTF-8” and import that."


def row_too_long(line: int, most: int) -> str:
    return f"The row at line {line} has more than {most} characters. Is this a list with one number per line?"


def quote_missing_from(line: int) -> str:
    return f"A quotation mark is missing from line {line} on, so the ends of cells are unclear."


def too_many_rows(most: int) -> str:
    return f"The file has more than {most} rows. Divide it into several."


def too_many_cells(width: int) -> str:
    return f"It has more cells than the first line, which has {width}."


def not_a_metadata_name(header: str) -> str:
    return f"“{header}” can't be a name of metadata. Use one word, such as “metadata.order”."


def numbers_and_ids(columns: Sequence[str]) -> str:
    return f"The file has phone numbers and call IDs: {_quoted(columns, 'and')}. Keep the one to cancel by."


def which_numbers(columns: Sequence[str]) -> str:
    """Return the question about columns that hold numbers under an unknown header."""
    return f"No header names the phone numbers. Is it {_quoted(columns, 'or')}? Call that column “number”."


def no_targets(columns: Sequence[str], *, cancels: bool) -> str:
    """Return the fault of a file without numbers. ``cancels`` says that call IDs would do, too."""
    wanted = "“number” or “call_id”" if cancels else "“number”"
    names = _quoted(columns, "and")
    are = f"columns are {names}. Call one of them" if len(columns) > 1 else f"only column is {names}. Call it"
    return f"No header names the phone numbers. The {are} {wanted}."


def header_says_more(header: str, meaning: str) -> str:
    """Return the fault of a time column whose header has an aside, such as a zone."""
    return (
        f"Call the column “{header}” only “{meaning}”. "
        "Put the zone of its times in the form, or behind the time in each cell."
    )


def several_columns(meaning: str, columns: Sequence[str]) -> str:
    """Return the question about several columns of one meaning."""
    label = _COLUMNS.get(meaning, f"the {meaning.removeprefix('metadata.')}")
    return (
        f"Several columns look like {label}: {_quoted(columns, 'and')}. "
        "Keep one, or rename the others, for example to “metadata.other”."
    )


def _quoted(names: Sequence[str], last: str) -> str:
    return listed([f"“{name}”" for name in names], last)

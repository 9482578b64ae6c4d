"""Columns of a do-not-call list: which of them hold the phone numbers, or a question. Pure.

The words that headers are known by need not be complete. A header that is not known leads to a question.
"""

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot import CallOpsError
from bot.cli.do_not_call_cells import is_number
from bot.text.formatting import listed, short
from bot.text.terminal import escaped


class CannotReadColumnsError(CallOpsError):
    """Why nothing of a file is read, as sentences for whoever imports it."""


def _fold(text: str) -> str:
    """Return a text in small letters without accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in plain if unicodedata.category(character) != "Mn")


_MOST_DIGITS: Final = 4
"""Digits that a header may have, as in "Phone 1" or "DNC 2026". A cell with more is data."""
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\b(?:with|without|incl|including)\b.*", re.IGNORECASE)
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BETWEEN_WORDS = re.compile(r"[\W\d_]+")
_PHONE_PART = re.compile(
    _fold(
        "phone|telefon|telepon|puhelin|mobil|handyn|rufnummer|msisdn|whatsapp|телефон|电话|電話|手机|手機|전화|휴대폰"
        "|هاتف|جوال|טלפון|मोबाइल|फोन|โทรศัพท์"
    )
)
"""Found within words, too, as in "Telefonnummer"."""
_A_NUMBER = r"\b(?:nos?|nr|num|numbers?|numero|nummer)\b"
_PHONE_WORDS = re.compile(
    r"\b(?:cel|cells?|cellular|cellulare|celular|fax|fijo|fone?|fono|gsm|handy|hp|landline|mob|movil|ph|portable"
    r"|sms|tele?|telf|telp|tfn|tlf)\b"
    r"|\b(?:called|caller|calling|contact|destination|dialled|dialed|dnc|dnd|subscriber)\b.*" + _A_NUMBER
)
_PHONE_ALONE = re.compile(r"numbers?|numero|nummer|to")
"""The whole header. "No." alone counts rows as a rule."""
_ABOUT_A_PHONE = re.compile(
    r"\b(?:brand|carrier|code|consent|country|ext|extension|id|kind|label|model|name|network|operator|status|type"
    r"|valid|verified)\b"
)
"""The header tells something else about a phone."""
_OTHER_NUMBERS = re.compile(
    r"\b(?:aadhaar|a c|ac|account|acct|age|amount|balance|bill|birth|card|case|count|created|date|dob|gst"
    r"|iban|iccid|id|imei|invoice|loan|order|pan|pin|policy|postcode|ref|reference|serial|ssn|sum|ticket|time"
    r"|timestamp|total|uid|updated|vat|zip)\b"
)


def is_phone_header(header: str) -> bool:
    """Return whether a header means phone numbers."""
    header = _ASIDE.sub(" ", header)
    words = _words(header)
    if _ABOUT_A_PHONE.search(words) or sum(map(str.isdecimal, header)) > _MOST_DIGITS:
        return False
    return bool(
        _PHONE_PART.search(_fold(header)) or _PHONE_WORDS.search(words) or _PHONE_ALONE.fullmatch(words)
    )


def _words(header: str) -> str:
    """Return the words of a header, folded, with a space between two: "PhoneNo_2" has "phone no"."""
    return _BETWEEN_WORDS.sub(" ", _fold(_CAPITAL.sub(" ", header))).strip()


class Columns:
    """The columns of a file, as its first rows show them.

    Raises `CannotReadColumnsError` where there is none.
    """

    def __init__(self, rows: Sequence[Sequence[str]], *, default_region: str) -> None:
        if not rows:
            raise CannotReadColumnsError("The file has no numbers.")
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
        """Return the column with the numbers, where no other can be it. Raises `CannotReadColumnsError`."""
        if self.width == 1:
            if self._headers and not self._phones and _OTHER_NUMBERS.search(_words(self._headers[0])):
                raise CannotReadColumnsError(
                    f"The only column is called {self.name(0)}. "
                    f"If it has phone numbers, add {self._option(0)}"
                )
            return [0]
        likely = [n for n in range(self.width) if n in self._phones or self._is_of_numbers(n)]
        if len(likely) > 1:
            options = listed([self._option(n) for n in likely], "or")
            raise CannotReadColumnsError(
                f"Several columns look like phone numbers: {self._listed(likely)}. "
                f"Choose one or more: {options}"
            )
        if not self._phones:
            option = self._option(likely[0]) if likely else "--column NAME, or --column 2 for the second"
            raise CannotReadColumnsError(
                f"No header names the column with phone numbers. The columns are {self._listed()}. "
                f"Choose one: {option}"
            )
        return likely

    def describe(self, columns: Sequence[str]) -> list[int]:
        """Return the columns that were named, by header or by place. Raises `CannotReadColumnsError`."""
        return list(dict.fromkeys(map(self._meant, columns)))

    def _meant(self, column: str) -> int:
        typed = _fold(column.strip())
        found = [n for n, header in enumerate(self._headers) if _fold(header) == typed]
        found = found or [n for n in range(self.width) if str(n + 1) == typed]
        if not found:
            raise CannotReadColumnsError(
                f"No column is called “{visible(column)}”. The columns are {self._listed()}."
            )
        if len(found) > 1:
            places = listed([f"--column {n + 1}" for n in found], "or")
            raise CannotReadColumnsError(
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
        if self._headers and _OTHER_NUMBERS.search(_words(self._headers[column])):
            return False
        rows = self._rows[1:] if self._headers else self._rows
        filled = [cells[column] for cells in rows if column < len(cells) and cells[column]]
        return sum(is_number(cell, default_region=self._region) for cell in filled) * 2 > len(filled)


def visible(text: str) -> str:
    """Return a text as a terminal may show it: short, and with nothing that a terminal obeys."""
    return short(escaped(text))

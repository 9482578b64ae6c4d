"""Headers of a file's columns: which announce phone numbers, and which deny them.

The words that headers are known by need not be complete. A header that is not known leads to a question.
"""

import re
import unicodedata
from typing import Final

from bot.text.formatting import short
from bot.text.terminal import escaped


def fold(text: str) -> str:
    """Return a text in small letters without accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in plain if unicodedata.category(character) != "Mn")


_MOST_DIGITS: Final = 4
"""Digits that a header may have, as in "Phone 1" or "DNC 2026". A cell with more is data."""
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\b(?:with|without|incl|including)\b.*", re.IGNORECASE)
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BETWEEN_WORDS = re.compile(r"[\W\d_]+")
_PHONE_PART = re.compile(
    fold(
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
OTHER_NUMBERS = re.compile(
    r"\b(?:aadhaar|a c|ac|account|acct|age|amount|balance|bill|birth|card|case|count|created|date|dob|gst"
    r"|iban|iccid|id|imei|invoice|loan|order|pan|pin|policy|postcode|ref|reference|serial|ssn|sum|ticket|time"
    r"|timestamp|total|uid|updated|vat|zip)\b"
)


def is_phone_header(header: str) -> bool:
    """Return whether a header means phone numbers."""
    header = _ASIDE.sub(" ", header)
    words = words_of(header)
    if _ABOUT_A_PHONE.search(words) or sum(map(str.isdecimal, header)) > _MOST_DIGITS:
        return False
    return bool(
        _PHONE_PART.search(fold(header)) or _PHONE_WORDS.search(words) or _PHONE_ALONE.fullmatch(words)
    )


def words_of(header: str) -> str:
    """Return the words of a header, folded, with a space between two: "PhoneNo_2" has "phone no"."""
    return _BETWEEN_WORDS.sub(" ", fold(_CAPITAL.sub(" ", header))).strip()


def visible(text: str) -> str:
    """Return a text as a terminal may show it: short, and with nothing that a terminal obeys."""
    return short(escaped(text))

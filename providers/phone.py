"""Phone numbers: parses what people type into E.164, and masks numbers for channels.

The numbering plans are those of `phonenumbers`. Its geocoder is never imported (0.5 s and 109 MB), but its
table of time zones (3 ms) is. Countries' English names are those of the time zone database's ``iso3166.tab``,
which `tzdata` contains.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from providers import ProviderError
from providers.actions import E164_PATTERN

REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""The regions (ISO 3166-1 alpha-2) for numbers without a plus."""

NO_COUNTRY: Final = "001"
"""The region (UN M.49) that `phonenumbers` gives to codes that belong to no country."""

_LINES: Final = frozenset(
    {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
)
_LONGEST_TYPED: Final = 64
"""Characters, at most: fifteen digits (ITU-T E.164) with room for any punctuation."""

_SHOWN: Final = 4
"""The last digits that a masked number shows, and the fewest that it hides."""

_SLACK_LINK = re.compile(r"<tel:([^|>]*)(?:\|[^>]*)?>")
_TEL_SCHEME = re.compile(r"^tel:", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[\s().\-/\u2010-\u2015\u2212]")
_DIALLED = re.compile(r"\+?[0-9]+")
_BETWEEN = (
    r"(?:[\s().\-/_+\u2010-\u2015\u2212]|%2[0B]|%C2%A0|\\+u(?:00a0|20[0-9a-f]{2}|2212)|&nbsp;|&\#160;){0,3}"
)
"""Separators between two digits of a number, also as escaped by JSON, a URL or HTML."""


class InvalidNumberError(ProviderError, ValueError):
    """The text is not a number that may be called. The message is for the person who typed it."""


class PremiumNumberError(InvalidNumberError):
    """The text is a valid number of a kind that CallOps does not call because of its price."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid phone number.

    ``region`` is its ISO 3166-1 alpha-2 code, None for numbers of no country (satellite, international
    freephone). ``country`` is the region's English name. ``pretty`` is the number in international format.
    ``time_zones`` are the IANA names of the zones in which its owner may live. ``is_service`` is true for
    freephone, shared cost and the other kinds that are neither a line nor a mobile.
    """

    e164: str
    region: str | None
    country: str
    pretty: str
    time_zones: tuple[str, ...]
    is_service: bool = False


def read(text: str, *, default_region: str, premium: bool = False) -> Phone:
    """Return the number that a person typed or pasted.

    ``default_region`` (one of `REGIONS`) is the region of a number without a plus. ``premium`` accepts
    premium-rate and satellite numbers. Spaces, brackets, dashes, digits of any script and Slack's
    ``<tel:…|…>`` are understood. Extensions, ``phone-context``, letters, emergency and short numbers are
    refused.

    Raises:
        InvalidNumberError: The text is not a number that may be called.
    """
    dialled = _dialled(text)
    if phonenumbers.is_emergency_number(dialled, default_region):
        raise InvalidNumberError(f"{dialled} is an emergency number. CallOps never calls one.")
    try:
        number = phonenumbers.parse(dialled, default_region)
    except NumberParseException as fault:
        raise InvalidNumberError(_PARSE_FAULTS[fault.error_type]) from None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length is not ValidationResult.IS_POSSIBLE:
        raise InvalidNumberError(_worded(_LENGTH_FAULTS.get(length, _NOT_IN_USE), number))
    if not phonenumbers.is_valid_number(number):
        raise InvalidNumberError(_worded(_NOT_IN_USE, number))
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.PREMIUM_RATE and not premium:
        raise PremiumNumberError("That's a premium-rate number. CallOps doesn't call those.")
    region = phonenumbers.region_code_for_number(number)
    if region == NO_COUNTRY and kind != PhoneNumberType.TOLL_FREE and not premium:
        raise PremiumNumberError(
            "That's a satellite or another international network. It costs like a premium-rate number, and "
            "CallOps doesn't call those."
        )
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not re.fullmatch(E164_PATTERN, e164):
        raise InvalidNumberError(_worded(_NOT_IN_USE, number))
    region = region if region in REGIONS else None
    return Phone(
        e164=e164,
        region=region,
        country=_country_names().get(region, region) if region else "no country",
        pretty=phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
        time_zones=tuple(zone for zone in time_zones_for_number(number) if zone != UNKNOWN_TIMEZONE),
        is_service=kind not in _LINES,
    )


def line(e164: str) -> str:
    """Return the canonical E.164 spelling of a line that has several, and any other number unchanged.

    Argentine mobiles are dialled with and without a 9 after the country code. San Marino's landlines are also
    reached under Italy's code, and Palestinian numbers under Israel's. Source: the national plans at the ITU
    (operational bulletins for +54, +378, +970).
    """
    for prefix, dialled in _SAME_LINES:
        if e164.startswith(prefix):
            return dialled + e164.removeprefix(prefix)
    return e164


def country_code(region: str) -> str:
    """Return the digits of a region's country code, ``91`` for ``IN``."""
    return str(phonenumbers.country_code_for_region(region))


def mask(e164: str) -> str:
    """Return a number with its country code and last digits only, ``+91 •••3210``.

    At least four digits stay hidden, however short the number is. A no-break space keeps it on one line.
    """
    code, national = _split(e164)
    hidden = max(len(national) - _SHOWN, _SHOWN)
    return f"+{code}\N{NO-BREAK SPACE}•••{national[hidden:]}"


def national(e164: str) -> str:
    """Return a number's digits as dialled inside its country, ``09876543210`` for ``+919876543210``.

    Raises:
        InvalidNumberError: No country has its code.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException as fault:
        raise InvalidNumberError(_PARSE_FAULTS[fault.error_type]) from None
    return _digits(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))


def without_code(e164: str) -> str:
    """Return a number's digits without its country code, or all digits if no country has that code."""
    return _split(e164)[1]


def written(e164: str) -> re.Pattern[str]:
    """Return a pattern that finds a number in any spelling: with or without code, plus and punctuation."""
    code, national = _split(e164)
    prefix = rf"(?:(?:(?:\+|%2B|00){_BETWEEN})?{_BETWEEN.join(code)}{_BETWEEN})?" if code else r"\+?"
    return re.compile(prefix + _BETWEEN.join(national), re.IGNORECASE)


def _plain(text: str) -> str:
    """Return a text without Slack's link and invisible characters, and with ASCII digits and plus.

    Numbers copied from contacts often carry bidi marks. Digits of every script have a decimal value.
    """
    text = text.strip()
    if link := _SLACK_LINK.fullmatch(text):
        text = link[1]
    plain = []
    for character in text:
        match unicodedata.category(character):
            case "Cf":
                continue
            case "Nd":
                plain.append(str(unicodedata.decimal(character)))
            case _:
                plain.append("+" if character == "\N{FULLWIDTH PLUS SIGN}" else character)
    return "".join(plain).strip()


def _dialled(text: str) -> str:
    """Return the digits to dial, perhaps with a plus.

    Raises:
        InvalidNumberError: The text is no phone number.
    """
    plain = _TEL_SCHEME.sub("", _plain(text))
    if not plain:
        raise InvalidNumberError("A phone number is missing.")
    if len(plain) > _LONGEST_TYPED:
        raise InvalidNumberError("That is too long for one phone number.")
    # phonenumbers would accept all of these: an extension, another network, a word on the keypad.
    if ";" in plain or re.search(r"(?:ext|x|#)\.?\s*\d*$", plain, re.IGNORECASE):
        raise InvalidNumberError("CallOps can't dial extensions. Give the number alone.")
    if any(character.isalpha() for character in plain):
        raise InvalidNumberError(
            "A phone number has digits only. Write letters as the digits they stand for."
        )
    dialled = _PUNCTUATION.sub("", plain)
    if not _DIALLED.fullmatch(dialled):
        raise InvalidNumberError(_NOT_A_NUMBER)
    return dialled


_SAME_LINES: Final = (("+549", "+54"), ("+3780549", "+390549"), ("+970", "+972"))
"""Prefix of a line's second spelling, and prefix of its first."""

_NOT_A_NUMBER: Final = "That isn't a phone number. Write it like +91 98765 43210."
_NOT_IN_USE: Final = "That isn't a valid number in {country}. Check the digits and the country code.{digits}"

_PARSE_FAULTS: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "No country has that code. Write it like +91 98765 43210.",
    NumberParseException.NOT_A_NUMBER: _NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: "That number ends too early.",
    NumberParseException.TOO_SHORT_NSN: "That number is too short.",
    NumberParseException.TOO_LONG: "That number is too long.",
}

_LENGTH_FAULTS: Final = {
    ValidationResult.TOO_SHORT: "That number is too short for {country}.{digits}",
    ValidationResult.TOO_LONG: "That number is too long for {country}.{digits}",
    ValidationResult.INVALID_LENGTH: "No number in {country} has that many digits.{digits}",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "That number lacks its area code in {country}.",
}


def _worded(fault: str, number: PhoneNumber) -> str:
    """Return a fault with the number's country, and how many digits a mobile has there if that differs."""
    code = number.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    name = _country_names().get(region)
    mobile = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    most = len(str(mobile.national_number)) if mobile else 0
    differs = mobile and most != len(str(number.national_number))
    digits = f" A mobile number there has {most} digits." if differs else ""
    return fault.format(country=f"{name} (+{code})" if name else f"+{code}", digits=digits)


@cache
def _country_names() -> dict[str, str]:
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in table.splitlines() if not line.startswith("#"))


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _split(e164: str) -> tuple[str, str]:
    """Return the country code's digits and the national ones. The code is empty if no country has it."""
    digits = _digits(e164)
    try:
        code = str(phonenumbers.parse(e164).country_code)
    except NumberParseException:
        return "", digits
    return code, digits.removeprefix(code)


def _pretty(e164: str) -> str:
    """Return a number in its country's grouping, or unchanged if `phonenumbers` would alter its digits."""
    try:
        pretty = phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return e164
    return pretty if _digits(pretty) == _digits(e164) else e164  # phonenumbers may "correct" an invalid one

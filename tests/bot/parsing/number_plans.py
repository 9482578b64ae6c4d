"""Valid numbers of many countries, and the ways in which people and programs write them.

This module never uses the project's parser: the number that was put in is the truth.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata

REGIONS: Final = (
    "IN", "US", "GB", "DE", "FR", "IT", "ES", "NL", "BE", "AT", "CH", "SE", "NO", "DK",
    "FI", "PL", "PT", "IE", "NZ", "AU", "ID", "MY", "SG", "PH", "TH", "VN", "CN", "HK",
    "TW", "JP", "KR", "AE", "SA", "IL", "TR", "ZA", "NG", "KE", "EG", "BR", "MX", "AR",
    "CO", "CL", "PK", "BD", "LK", "NP", "RU", "UA", "CZ", "GR", "HU", "RO", "CA", "PE",
)  # fmt: skip
KINDS: Final = {
    "mobile": PhoneNumberType.MOBILE,
    "fixed line": PhoneNumberType.FIXED_LINE,
    "toll-free": PhoneNumberType.TOLL_FREE,
}
SPECIAL: Final = {
    "shared cost": PhoneNumberType.SHARED_COST,
    "uan": PhoneNumberType.UAN,
    "voip": PhoneNumberType.VOIP,
    "personal number": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "premium rate": PhoneNumberType.PREMIUM_RATE,
}
"""Kinds of numbers that are rare. CallOps calls no premium-rate numbers."""
ALL_KINDS: Final = {**KINDS, **SPECIAL}

FEWEST_DIGITS: Final = 7
"""Fewest national digits of a number that is put in.

Shorter ones are valid in Germany and Austria, but rare.
"""
MOST_DIGITS: Final = 15
"""Most digits with the country code, after ITU-T E.164."""

ABROAD: Final = {
    **dict.fromkeys(("US", "CA"), "011"),
    **dict.fromkeys(("KR", "SG", "HK", "TH", "ID"), "001"),
    "AU": "0011",
    "JP": "010",
    "TW": "002",
    "NG": "009",
    "KE": "000",
    "CO": "009",
    "BR": "0021",
    "RU": "810",
}
"""Prefixes for calls abroad, for regions where it is not 00."""

SPACES: Final = {
    "no-break space": "\xa0",
    "narrow space": "\u202f",
    "thin space": "\u2009",
    "figure space": "\u2007",
}
DASHES: Final = {
    "hyphen": "\u2010",
    "no-break hyphen": "\u2011",
    "figure dash": "\u2012",
    "en dash": "\u2013",
    "minus": "\u2212",
}
SCRIPTS: Final = {
    "full width": 0xFF10,
    "Arabic": 0x0660,
    "Persian": 0x06F0,
    "Devanagari": 0x0966,
    "Bengali": 0x09E6,
}
LABELS: Final = (
    "Mob:", "Mob: ", "Mob. ", "Ph.", "Ph. ", "Ph: ", "Tel ", "Tel. ", "Tel: ", "Tel.: ", "WhatsApp: ", "WhatsApp ",
    "whatsapp:", "M: ", "M:", "T: ", "Mobile: ", "Mobile no. ", "Phone: ", "Phone ", "Cell: ", "Handy: ", "Contact: ",
    "\N{TELEPHONE RECEIVER} ", "\N{BLACK TELEPHONE} ", "No. ",
)  # fmt: skip

OPENS, CLOSES = "\ue000", "\ue001"
"""Placeholders for the brackets of a link that Slack made.

Brackets that people type reach the bot escaped.
"""

_DATE_LIKE: Final = re.compile(r"\d{1,2}([-./\u2010-\u2015\u2212])\d{1,2}\1\d{2,4}|\d{4}([-./])\d\d\2\d\d")


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is put into a text."""

    e164: str
    region: str
    kind: str
    national: str
    """The national significant digits."""

    @property
    def code(self) -> str:
        """Return the country code."""
        return self.e164[1:].removesuffix(self.national)


@dataclass(frozen=True, slots=True)
class Writing:
    """A number as somebody wrote it.

    ``core`` leaves out what surrounds the number. A ``plain`` writing has a single meaning while it stands
    alone. ``style`` names how the number was written.
    """

    text: str
    core: str
    style: str
    plain: bool = True


def in_ascii(text: str) -> str:
    """Return a text with ASCII digits in place of those of other scripts, and without invisible marks."""
    return "".join(
        str(unicodedata.decimal(one)) if one.isdecimal() else "+" if one == "\uff0b" else one
        for one in text
        if unicodedata.category(one) != "Cf"
    )


def digits_of(text: str) -> str:
    """Return a text's digits alone, in ASCII."""
    return "".join(one for one in in_ascii(text) if one.isdecimal())


@cache
def dialled(text: str, region: str) -> str | None:
    """Return the valid number that somebody in a region reaches with these digits, or None."""
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def number(random: Random, region: str, kind: str | None = None) -> Number:
    """Return a random valid number of a region. A kind that the region lacks becomes another."""
    while True:
        chosen = kind or random.choice(
            ("mobile", "mobile", "mobile", "fixed line", "fixed line", "toll-free")
        )
        example = phonenumbers.example_number_for_type(region, ALL_KINDS[chosen])
        if example is None:
            kind = None
            continue
        for _ in range(60):
            national = _another(random, region, chosen, phonenumbers.national_significant_number(example))
            if found := _valid(region, chosen, phonenumbers.country_code_for_region(region), national):
                return found
        kind = None


def _another(random: Random, region: str, kind: str, example: str) -> str:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    possible = getattr(metadata, re.sub(r"\W", "_", kind))
    lengths = [length for length in possible.possible_length if length >= FEWEST_DIGITS] if possible else []
    usual = [length for length in lengths if length <= len(example) + 2] or [len(example)]
    length = random.choice(usual)
    kept = example[: random.randint(1, min(4, len(example)))]
    return kept + "".join(random.choice("0123456789") for _ in range(length - len(kept)))


def _valid(region: str, kind: str, code: int, national: str) -> Number | None:
    e164 = f"+{code}{national}"
    if len(national) < FEWEST_DIGITS or len(e164) > MOST_DIGITS + 1 or dialled(e164, region) != e164:
        return None
    parsed = phonenumbers.parse(e164)
    allowed = {ALL_KINDS[kind], PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if (
        phonenumbers.number_type(parsed) not in allowed
        or phonenumbers.region_code_for_number(parsed) != region
        or phonenumbers.is_possible_number_with_reason(parsed) is not ValidationResult.IS_POSSIBLE
    ):
        return None
    at_home = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return Number(e164, region, kind, national) if dialled(digits_of(at_home), region) == e164 else None


def written(random: Random, number: Number, region: str, *, wrapped: bool = True) -> Writing:
    """Return a random writing of a number by somebody in a region, who can dial the number from it."""
    while True:
        style, groups = _base(random, number, region)
        if len(groups[-1]) == 1 or dialled(_digits_and_plus("".join(groups)), region) != number.e164:
            continue
        joined, core = _joined(random, groups)
        core, script = _in_script(random, core)
        plain = not _DATE_LIKE.search(core) and (
            joined != "a slash" or (style == "national" and len(groups[0]) > 2)
        )
        around, text = _around(random, core) if wrapped else ("", core)
        name = ", ".join(filter(None, [style, joined, script, around]))
        return Writing(text, core, name, plain)


def _digits_and_plus(text: str) -> str:
    return re.sub(r"[^\d+]", "", text)


def _base(random: Random, number: Number, region: str) -> tuple[str, list[str]]:
    """Return the name of a way to begin a number, and its groups.

    The first group holds a plus if there is one.
    """
    parsed = phonenumbers.parse(number.e164)
    usual = phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    abroad = [group for group in re.split(r"[^\d+]+", usual) if group]
    national = _regrouped(random, abroad[1:])
    ways = ["plus"] * 4 + ["abroad", "code"]
    if number.region == region:
        ways += ["national"] * 8 + ["(0)"]
    match random.choice(ways):
        case "plus":
            return "with a plus", [abroad[0], *national]
        case "abroad":
            prefix = ABROAD.get(region, "00")
            apart = [prefix, number.code] if random.random() < 0.5 else [prefix + number.code]
            return "with a prefix for calls abroad", [*apart, *national]
        case "code":
            return "with a code and no plus", [number.code, *national]
        case "(0)":
            trunk = _trunk(region)
            return "with (0)", [abroad[0], f"({trunk})" + national[0], *national[1:]] if trunk else [*abroad]
    at_home = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return "national", _regrouped(random, re.findall(r"\d+", at_home))


def _trunk(region: str) -> str:
    metadata = PhoneMetadata.metadata_for_region(region)
    return "0" if metadata and metadata.national_prefix == "0" else ""


def _regrouped(random: Random, groups: list[str]) -> list[str]:
    """Return the digits in other groups. The last group never holds a single digit."""
    digits = "".join(groups)
    match random.choice(
        ("usual", "usual", "usual", "usual", "none", "none", "none", "pairs", "threes", "any")
    ):
        case "none":
            return [digits]
        case "pairs":
            first = len(digits) % 2 + 2
            return [digits[:first], *re.findall("..", digits[first:])]
        case "threes":
            first = len(digits) % 3 or 3
            return [digits[:first], *re.findall("...", digits[first:])]
        case "any":
            cuts = [0]
            while cuts[-1] + 7 < len(digits):
                cuts.append(cuts[-1] + random.randint(2, 5))
            return [digits[a:b] for a, b in zip(cuts, [*cuts[1:], len(digits)], strict=True)]
    return groups


def _joined(random: Random, groups: list[str]) -> tuple[str, str]:
    """Return the name of what stands between the groups of a number, and the joined number."""
    first, *rest = groups
    spaced, draw = " ".join(groups), random.random()
    if draw < 0.2:
        return "dashes", first + random.choice(" -") + "-".join(rest) if "+" in first else "-".join(groups)
    if draw < 0.27:
        return "dots", ".".join(groups)
    if draw < 0.40:
        name, between = random.choice([*SPACES.items(), *DASHES.items()])
        return name, between.join(groups)
    if draw < 0.45 and rest:
        return "a dash between spaces", f"{' '.join(groups[:-1])} - {groups[-1]}"
    if draw < 0.60 and rest and "(" not in spaced:
        return _bracketed(random, groups)
    return "", spaced


def _bracketed(random: Random, groups: list[str]) -> tuple[str, str]:
    """Return the number with its area code in brackets or before a slash, and the name of that style."""
    first, *rest = groups
    if "+" not in first and random.random() < 0.3:
        return "a slash", f"{first}/{' '.join(rest)}"
    at = 1 if "+" in first and len(groups) > 2 else 0
    inside = [*groups[:at], f"({groups[at]})", *groups[at + 1 :]]
    return "brackets", random.choice((" ", " ", "")).join(inside)


def _in_script(random: Random, text: str) -> tuple[str, str]:
    if random.random() > 0.06:
        return text, ""
    name, zero = random.choice(list(SCRIPTS.items()))
    shown = "".join(chr(zero + int(one)) if one in "0123456789" else one for one in text)
    return (shown.replace("+", "\uff0b") if name == "full width" else shown), name


_AROUND: Final = {
    "bidi marks": "\u202a{}\u202c",
    "isolates": "\u2066{}\u2069",
    "a left-to-right mark": "\u200e{}",
    "an apostrophe": "'{}",
    "quotes": '"{}"',
    "smart quotes": "“{}”",
    "backticks": "`{}`",
    "asterisks": "*{}*",
}


def _around(random: Random, core: str) -> tuple[str, str]:
    """Return the name of what programs, phones and people put around a number, and the number with it."""
    compact = _digits_and_plus(in_ascii(core))
    draw = random.random()
    if draw < 0.25:
        name, pattern = random.choice(list(_AROUND.items()))
        return name, pattern.format(core)
    if draw < 0.28:
        return "tel:", f"tel:{compact}"
    if draw < 0.31:
        return "Slack's link", f"{OPENS}tel:{compact}|{in_ascii(core)}{CLOSES}"
    if draw < 0.37:
        label = random.choice(LABELS)
        return f"label {label!r}", label + core
    return "", core

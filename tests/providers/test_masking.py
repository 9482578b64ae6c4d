import json
import time
from collections.abc import Callable
from random import Random
from urllib.parse import quote

import pytest

from providers.masking import HIDDEN, MOST_READS, NO_REGION, NumberFinder, mask_numbers, may_hold_number
from tests.bot.parsing.number_plans import REGIONS, digits_of, number, written

NUMBER = "+919876543210"
AROUND = (
    "{}",
    "call {} now",
    "a\n{}\nb",
    "1. {}",
    "customer 42 {} please",
    "x{}y",
    "c_{}",
    "on 2026-11-30 {}",
    "at 14:05 {} for Rs 4,500.00",
    '{{"to":"{}","n":3}}',
)
SEPARATORS = (
    " ",
    ".",
    "-",
    "\xa0",
    "(",
    ")",
    "/",
    "\n",
    "\t",
    "_",
    "  ",
    ", ",
    "\u2013",
    "\u200b",
    " - ",
    "\r\n",
)


def shown(text: str) -> list[str]:
    """Return each run of readable digits in a masked text."""
    return [digits_of(part) for part in text.split(HIDDEN)]


@pytest.mark.parametrize("seed", range(8))
def test_no_number_is_left_in_any_writing(seed: int) -> None:
    """Numbers of many countries are masked, at home and abroad, in every spelling and script."""
    random = Random(seed)  # noqa: S311 - the same numbers every time
    for _ in range(250):
        region = random.choice(REGIONS)
        put_in = number(random, region if random.random() < 0.7 else random.choice(REGIONS))
        text = random.choice(AROUND).format(written(random, put_in, region).text)
        if random.random() < 0.2:
            text = text.replace(" ", random.choice(SEPARATORS))
        masked = mask_numbers(text, default_region=region)
        assert not [one for one in shown(masked) if put_in.national in one], (text, masked)
        assert NumberFinder(put_in.e164).is_in(text), text


@pytest.mark.parametrize("seed", range(4))
def test_no_number_is_left_between_any_separators(seed: int) -> None:
    """Any characters but letters may stand between two digits."""
    random = Random(seed)  # noqa: S311 - the same numbers every time
    for _ in range(250):
        region = random.choice(REGIONS)
        put_in = number(random, region)
        digits = random.choice([put_in.national, put_in.e164])
        apart = "".join(one + random.choice(SEPARATORS) * (random.random() < 0.5) for one in digits)
        text = random.choice(AROUND).format(apart)
        masked = mask_numbers(text, default_region=region)
        assert not [one for one in shown(masked) if put_in.national in one], (text, masked)
        assert NumberFinder(put_in.e164).is_in(text), text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("his number is 98765 43210, call him", "his number is +91\u00a0•••3210, call him"),
        ("c_9876543210", "c_+91\u00a0•••3210"),
        ("919876543210", "+91\u00a0•••3210"),
        ("00 49 151 12345678 or +44 (0)20 7946 0000", "+49\u00a0•••5678 or +44\u00a0•••0000"),
        ("(98765) 43210", "+91\u00a0•••3210"),
        ("९८७६५ ४३२१०", "+91\u00a0•••3210"),
        ("98765\n43210\t9876543211", "+91\u00a0•••3210\t+91\u00a0•••3211"),
        ("1. 9876543210\n2. 9876543211", "1. +91\u00a0•••3210\n2. +91\u00a0•••3211"),
        ("9876543210/11", "+91\u00a0•••3210/••"),
        ("%2B91%2098765%2043210", "+91\u00a0•••3210"),
        (r"98765\u00a043210 and 98765\\n43210", "+91\u00a0•••3210 and +91\u00a0•••3210"),
        ("98765 432…", "••••• •••…"),
        ("+91\u00a0•••3210", "+91\u00a0•••3210"),
    ],
)
def test_a_number_is_shown_by_its_country_and_its_last_digits(text: str, masked: str) -> None:
    """Every text for teams shows as much of a number as the rest of a message does."""
    assert mask_numbers(text, default_region="IN") == masked


@pytest.mark.parametrize(
    "text",
    [
        "at 2026-11-30 14:05, or 30.11.2026 9:30, or 11/30/26",
        "since 2026-11-30T14:05:33.123Z",
        "Rs 12,500.00, 1,25,000 rupees, 1.250,00 EUR, 4500 USD",
        "order 20261130, PO-4711-2026, invoice 100200300",
        "in 20 min, 3 calls of 12, attempt 2",
        "vx_1001 cd-2129073 6803fa770b666a64ab1694c1e",
        "1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "0b3f6c1e-9876-5432-1098-765432109876",
        "A-7K3F.2, S-2345, room 12 b",
    ],
)
def test_what_is_no_number_stays_readable(text: str) -> None:
    """Dates, times, amounts, orders, hashes and most ids stay readable."""
    assert mask_numbers(text, default_region="IN") == text


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("US", "2026-11-30 14:05:33,123"),
        ("US", "order 1732968000"),
        ("GB", "30/11/2026 at 14:05 for £1,250.00"),
        ("DE", "2.500,00 EUR, fällig 30.11.2026 um 14:05"),
        ("DE", "€ 250000, order 4711"),
        ("SG", "on 2026-11-30 at 9:30"),
    ],
)
def test_what_is_no_number_stays_readable_elsewhere(region: str, text: str) -> None:
    """Countries with short numbers have dates and amounts, too."""
    assert mask_numbers(text, default_region=region) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 919876543211 now", "call +91\u00a0•••3211 now"),
        ('{"to":"+14155552671"}', '{"to":"+1\u00a0•••2671"}'),
        ("at 1767094200, 1767094200123 ms", "at 1767094200, 1767094200123 ms"),
        (
            "cd-2129073-58d9-44d5-a5d1-454b1220xxxx a1919876543211",
            "cd-2129073-58d9-44d5-a5d1-454b1220xxxx a1919876543211",
        ),
    ],
)
def test_numbers_of_others_are_masked_in_replies(text: str, masked: str) -> None:
    """A number with its country code that was in no request is masked. Times and ids are not."""
    assert mask_numbers(text, default_region=NO_REGION) == masked


def test_without_a_region_only_numbers_with_a_code_are_hidden() -> None:
    """Nine or ten digits alone may be anything."""
    assert (
        mask_numbers("9876543210, 919876543210", default_region=NO_REGION) == "9876543210, +91\u00a0•••3210"
    )


@pytest.mark.parametrize(
    "text",
    [
        part * (8000 // len(part))
        for part in (
            "1 2 ",
            "9876543210 ",
            "(1",
            "1.1",
            "1,23",
            "98 76 5 ",
            "\\",
            "+",
            "1",
            "Rs ",
            "&#",
            "%2",
            "12:",
        )
    ],
    ids=lambda text: text[:6],
)
def test_no_text_takes_long(text: str) -> None:
    """The attempts have a bound. Digits beyond it are hidden, because they may be a number."""
    began = time.process_time()
    masked = mask_numbers(text, default_region="IN")
    assert time.process_time() - began < 1.0
    assert "9876543210" not in masked


@pytest.mark.parametrize(
    "text",
    [
        "98765\u316443210",  # a Hangul filler, which is a letter that looks blank
        "98765\uffa043210",
        "98765\u30fc43210",  # the mark of long vowels, which keyboards in Japan write as a dash
        "98765\u064043210",  # a stretched line between Arabic letters
        "98765\u02bc43210",
        "98765" + 40 * "\u200d" + "43210",
        "98765" + 40 * "." + "43210",
        "\u4e5d\u516b\u4e03\u516d\u4e94\u56db\u4e09\u4e8c\u4e00\u3007",
        "\u2168\u2167\u2166\u2165\u2164\u2163\u2162\u2161\u21600",
    ],
)
def test_what_looks_like_a_separator_or_a_digit_is_one(text: str) -> None:
    """Unicode calls some of them letters, but a reader sees a number."""
    masked = mask_numbers(f"call {text} now", default_region="IN")
    assert masked == "call +91\u00a0•••3210 now"
    assert NumberFinder(NUMBER).is_in(text)


def test_a_long_document_costs_no_more_than_its_length() -> None:
    """A campaign's last record may be large, and a purge reads it while it holds the write lock."""
    text = 60_000 * "1 " + "543210"
    began = time.process_time()
    assert not NumberFinder(NUMBER).is_in(text)
    assert not any(shown(mask_numbers(text, default_region="IN")))
    assert time.process_time() - began < 5.0


def test_beyond_the_bound_every_digit_is_hidden() -> None:
    """A number behind a thousand others is hidden as well."""
    text = "7 " * MOST_READS + "98765 43210"
    assert not any(shown(mask_numbers(text, default_region="IN")))


ESCAPED: tuple[Callable[[str], str], ...] = (
    str,
    json.dumps,
    lambda text: json.dumps({"text": json.dumps(text)}),
    quote,
    lambda text: "".join(f"&#{ord(one)};" for one in text),
    lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    lambda text: "".join(f"\\u{ord(one):04X}" for one in text),
)


@pytest.mark.parametrize("escape", ESCAPED)
@pytest.mark.parametrize(
    "spelling",
    [
        NUMBER,
        "98765 43210",
        "098765-43210",
        "٩٨٧٦٥ ٤٣٢١٠",
        "".join(chr(0xFF10 + int(one)) for one in NUMBER[3:]),
        "98765\n43210",
        "c_9876543210",
    ],
)
def test_a_number_is_found_however_it_was_kept(spelling: str, escape: Callable[[str], str]) -> None:
    """The number is found in JSON, in nested JSON, in a URL and in HTML. No other number is."""
    assert NumberFinder(NUMBER).is_in(escape(f"said {spelling} twice"))
    assert not NumberFinder("+919876543211").is_in(escape(f"said {spelling} twice"))


def test_a_number_is_found_as_its_country_dials_it() -> None:
    """Some countries dial more than a zero before it."""
    assert NumberFinder("+5491123456789").is_in("011 15-2345-6789")
    assert NumberFinder("+390612345678").is_in("06 1234 5678")


@pytest.mark.parametrize("text", ["c_9876543210", "987.654.32", "91-98765-43210", "20261130123456"])
def test_an_id_may_hold_a_number(text: str) -> None:
    """An id may have as many digits as a number of any country."""
    assert may_hold_number(text)


@pytest.mark.parametrize(
    "text", ["vx_1001", "cd-2129073", "6803fa770b666a64ab1694c1e", "40961", "daily-2026-11-30"]
)
def test_most_ids_hold_none(text: str) -> None:
    """A few digits, a hash and a date are no number."""
    assert not may_hold_number(text)


def test_a_short_number_is_not_found_within_other_digits() -> None:
    """Many texts contain four digits. They are found alone, or with the country's code."""
    finder = NumberFinder("+6834001")
    assert finder.is_in("call 4001 now")
    assert finder.is_in("+683 4001")
    assert not finder.is_in("order 940012")

import re
from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.actions import E164_PATTERN
from providers.phone import REGIONS, InvalidNumberError, line, mask, read, written

ONE_NUMBER = [
    "98765 43210",
    "098765 43210",
    "+919876543210",
    "+91 98765 43210",
    "+91-98765-43210",
    "(+91) 98765.43210",
    "+91 (0) 98765 43210",
    "0091 98765 43210",
    "\uff0b91 98765 43210",
    "<tel:+919876543210|+91 98765 43210>",
    "<tel:9876543210|98765 43210>",
    "<tel:+919876543210>",
    "tel:+91-98765-43210",
    "٩٨٧٦٥٤٣٢١٠",
    "९८७६५ ४३२१०",
    "\u202a+91\u00a098765\u00a043210\u202c",
    "98765\u201143210",
]


@pytest.mark.parametrize("text", ONE_NUMBER)
def test_however_it_is_typed(text: str) -> None:
    """A number is the same in any writing."""
    assert read(text, default_region="IN").e164 == "+919876543210"


def test_what_is_known_of_a_number() -> None:
    """A number has its country, its written form and the possible zones of its owner."""
    phone = read("98765 43210", default_region="IN")
    assert (phone.region, phone.country, phone.pretty) == ("IN", "India", "+91 98765 43210")
    assert phone.time_zones == ("Asia/Calcutta",)


@pytest.mark.parametrize(
    ("text", "default_region", "country"),
    [
        ("020 7183 8750", "GB", "Britain (UK)"),
        ("+442071838750", "IN", "Britain (UK)"),
        ("+38344123456", "IN", "XK"),
        ("+80012345678", "IN", "no country"),
    ],
)
def test_the_country_is_the_numbers_own(text: str, default_region: str, country: str) -> None:
    """A plus overrides the default region, and a number without a country says so."""
    assert read(text, default_region=default_region).country == country


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing"),
        ("   ", "missing"),
        ("<tel:|>", "missing"),
        ("+", "isn't a phone number"),
        ("+91 98765 43210, +91 98765 43211", "isn't a phone number"),
        ("98765+43210", "isn't a phone number"),
        ("²³⁴⁵⁶⁷⁸⁹", "isn't a phone number"),
        ("9" * 65, "too long"),
        ("+" + "9" * 30, "code"),
        ("+91" + "9" * 20, "too long"),
        ("+919876543210;ext=5", "dial extensions"),
        ("+91 98765 43210 ext 5", "dial extensions"),
        ("98765 43210 x12", "dial extensions"),
        ("98765 43210#9", "dial extensions"),
        ("tel:98765;phone-context=evil.example", "dial extensions"),
        ("1800 FLOWERS", "digits only"),
        ("vx_123", "digits only"),
        ("112", "emergency"),
        ("१००", "emergency"),
        ("98765", "too short"),
        ("+91 98765", "too short"),
        ("+999 123 456 789", "No country"),
        ("+1 900 555 1234", "premium"),
        ("+979 123456789", "premium"),
        ("+881 6123 45678", "satellite"),
        ("+870 773 111 632", "satellite"),
        ("+882 16 1234 5678", "satellite"),
        ("+878 10 12345 67890", "satellite"),
        ("+808 1234 5678", "satellite"),
        ("+91 00000 00000", "isn't a valid number"),
    ],
)
def test_what_may_not_be_called(text: str, says: str) -> None:
    """Each refusal is a sentence about the fault."""
    with pytest.raises(InvalidNumberError, match=says):
        read(text, default_region="IN")


@pytest.mark.parametrize(("text", "region"), [("911", "US"), ("112", "DE"), ("999", "GB")])
def test_emergency_numbers_of_any_country(text: str, region: str) -> None:
    """Emergency numbers are those of the region in which the number is read."""
    with pytest.raises(InvalidNumberError, match="emergency"):
        read(text, default_region=region)


def test_premium_numbers_may_be_let_through() -> None:
    """Premium-rate and satellite numbers are refused by default only. Their owners may ask for a stop."""
    assert read("+881 6123 45678", default_region="IN", premium=True).e164 == "+881612345678"
    assert read("+1 900 555 1234", default_region="IN", premium=True).e164 == "+19005551234"


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        ("+919876543210", "+91\u00a0•••3210"),
        ("+12125551234", "+1\u00a0•••1234"),
        ("+442071838750", "+44\u00a0•••8750"),
        ("+6834000", "+683\u00a0•••"),
        ("+24762889", "+247\u00a0•••9"),
        ("+99912345678", "+\u00a0•••5678"),
    ],
)
def test_masks(e164: str, shown: str) -> None:
    """A mask keeps the country code and the last four digits, and always hides four."""
    assert mask(e164) == shown


@given(st.from_regex(re.compile(E164_PATTERN, re.ASCII), fullmatch=True))
@settings(max_examples=200)
def test_a_mask_hides_four_digits(e164: str) -> None:
    """At least four digits are hidden, and at most four are shown after the code."""
    code, _, shown = mask(e164).partition("\u00a0•••")
    assert len(e164) - len(code) - len(shown) >= 4
    assert len(shown) <= 4
    assert e164 not in mask(e164)


@given(st.text(max_size=70) | st.text("+0123456789 ()-.;x<tel:>|٣४", max_size=30))
@settings(max_examples=300)
def test_reading_anything(text: str) -> None:
    """Any text is a canonical valid number that parses to itself, or a fault."""
    with suppress(InvalidNumberError):
        phone = read(text, default_region="IN")
        assert re.fullmatch(E164_PATTERN, phone.e164)
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone.e164))
        assert read(phone.pretty, default_region="US") == read(phone.e164, default_region="IN") == phone


@given(st.sampled_from(sorted(REGIONS)))
@settings(max_examples=60)
def test_every_region_can_be_the_default(region: str) -> None:
    """A region's example number, written nationally, parses to that number."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    if example is None:
        return
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert read(national, default_region=region).e164 == phonenumbers.format_number(
        example, phonenumbers.PhoneNumberFormat.E164
    )


@pytest.mark.parametrize(
    "text",
    [
        "+919876543210",
        "919876543210",
        "9876543210",
        "98765 43210",
        "+91-98765-43210",
        "00919876543210",
        "(98765) 43210",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    """A number to be masked is found with or without code and punctuation."""
    assert "43210" not in written("+919876543210").sub("…", f'{{"to":"{text}"}}')


@pytest.mark.parametrize(
    ("second", "first"),
    [
        ("+5491123456789", "+541123456789"),
        ("+5492214567890", "+542214567890"),
        ("+3780549886377", "+390549886377"),
        ("+970599123456", "+972599123456"),
        ("+97022791234", "+97222791234"),
    ],
)
def test_a_line_with_two_spellings_is_one_line(second: str, first: str) -> None:
    """Both may be called, and reach the same phone."""
    assert (line(second), line(first)) == (first, first)
    assert {read(one, default_region="IN").e164 for one in (first, second)} == {first, second}


@pytest.mark.parametrize(
    "e164", ["+919876543210", "+390612345678", "+37866123456", "+972501234567", "+80012345678"]
)
def test_other_lines_have_one_spelling(e164: str) -> None:
    """Other numbers stay unchanged."""
    assert line(e164) == e164

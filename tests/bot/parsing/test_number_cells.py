import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from bot.parsing.number_cells import is_number, read_cell
from providers import phone
from providers.phone import REGIONS, InvalidNumberError

DIGITS_APART = "The cell has other digits beside the number."
CUT = "A spreadsheet cut its digits."
SEVERAL = "The cell has several numbers."
LINES = "The cell has several lines or a tab."


@pytest.mark.parametrize(
    ("cell", "region", "why"),
    [
        ("+64211234567.0", "NZ", DIGITS_APART),
        ("211234567.0", "NZ", DIGITS_APART),
        ("9876543210.00", "IN", DIGITS_APART),
        ("12345678.0", "FR", DIGITS_APART),  # with the 0 it would be a number
        ("030 1234567/8", "DE", DIGITS_APART),
        ("030/1234567/8", "DE", DIGITS_APART),
        ("022-24567890/91", "IN", DIGITS_APART),
        ("030/1234567/89", "DE", DIGITS_APART),
        ("030.1234567.8", "DE", DIGITS_APART),
        ("98765 43210/98765 43211", "IN", DIGITS_APART),
        ("030 12345 / 030 67890", "DE", DIGITS_APART),
        ("98765 43210 (2)", "IN", DIGITS_APART),
        ("+49 30 1234567 (2)", "DE", DIGITS_APART),
        ("+49 30 1234567(250)", "DE", DIGITS_APART),
        ("030 1234567 2", "DE", DIGITS_APART),
        ("030 1234567-2", "DE", DIGITS_APART),
        ("030 1234567 - 2", "DE", DIGITS_APART),
        ("2) 030 1234567", "DE", DIGITS_APART),
        ("1. 98765 43210", "IN", DIGITS_APART),
        ("\u202a+64211234567.0\u202c", "NZ", DIGITS_APART),
        ("\uff10\uff13\uff10 1234567\uff0f8", "DE", DIGITS_APART),
        ("1 " * 50_000, "DE", "That is too long for one phone number."),
        ("1/" * 50_000 + "1", "DE", "That is too long for one phone number."),
        ("98765 43210 ext 5", "IN", "CallOps can't dial extensions."),
        ("98765 43210x5", "IN", "CallOps can't dial extensions."),
        ("9.19877E+11", "IN", CUT),
        ("9,19877E+11", "DE", CUT),
        ("9.19877e11", "IN", CUT),
        ("98765 43210, 98765 43211", "IN", SEVERAL),
        ("98765 43210; 98765 43211", "IN", SEVERAL),
        ("98765 43210 ::: 98765 43211", "IN", SEVERAL),
        ("030 1234567 or 030 1234568", "DE", SEVERAL),
        ("98765 43210\n98765 43211", "IN", LINES),
        ("98765\t43210", "IN", LINES),
        ("98765 43210 98765 43211", "IN", "That number is too long."),
        ("1.234.567", "AT", "That's an amount."),
        ("1,234,567", "DE", "That isn't a phone number."),
        ("Total: 1234567", "DE", "A phone number has digits only."),
        ("₹98765", "IN", "That isn't a phone number."),
        ("'9876543210", "IN", "That isn't a phone number."),
        ('="9876543210"', "IN", "That isn't a phone number."),
        ("wrong number", "IN", "A phone number has digits only."),
        ("", "IN", "A phone number is missing."),
    ],
)
def test_what_is_not_one_number_is_refused_with_a_sentence(cell: str, region: str, why: str) -> None:
    """Nothing is mended: a spreadsheet's decimal, an extension, a second number, an amount."""
    with pytest.raises(InvalidNumberError) as refused:
        read_cell(cell, default_region=region)
    assert str(refused.value).startswith(why)
    assert not cell or cell not in str(refused.value)


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_no_country_has_a_number_that_is_a_date_or_a_decimal(region: str) -> None:
    """In many countries the digits of a date, or of a number with .0 behind it, are a number in use."""
    for cell in (
        "2024-03-15",
        "2024/3/15",
        "15/03/2024",
        "15.03.2024",
        "15-03-2024",
        "3/15/2024",
        "01-01-1990",
        "15/03/24",
        "15.03.24",
        "2024-03-15 12:30",
        "\u202a15/03/2024\u202c",
        "\u0661\u0665/\u0660\u0663/\u0662\u0660\u0662\u0664",
        "12345678.0",
        "1234567/8",
        "1234567 (2)",
        "4.59877E+10",
    ):
        assert not is_number(cell, default_region=region)


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("98765 43210", "IN", "+919876543210"),
        (" +91-98765-43210 ", "IN", "+919876543210"),
        ("919876543210", "IN", "+919876543210"),
        ("(022) 2456 7890", "IN", "+912224567890"),
        ("+44 (0)20 7946 0958", "IN", "+442079460958"),
        ("01 23 45 67 89", "FR", "+33123456789"),
        ("01.23.45.67.89", "FR", "+33123456789"),
        ("01/23/45/67/89", "FR", "+33123456789"),
        ("0711/123456", "DE", "+49711123456"),
        ("03643/123456", "DE", "+493643123456"),
        ("030.1234567", "DE", "+49301234567"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("20 24 03 15", "DK", "+4520240315"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("601.123.456", "PL", "+48601123456"),
        ("641.234.567", "PL", "+48641234567"),
        ("27.12.34.56", "LU", "+35227123456"),
        ("20.12.34", "NC", "+687201234"),
    ],
)
def test_a_number_may_be_written_as_its_country_does(cell: str, region: str, number: str) -> None:
    """Brackets, dots and slashes inside a number are its own."""
    assert read_cell(cell.strip(), default_region=region).e164 == number


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_no_number_is_refused_that_is_written_as_its_country_writes_it(region: str) -> None:
    """Of each kind of number, in every common form, none is taken for two numbers, a date or an amount.

    With dots between its groups it may be: 20.12.34 is refused where a country does not write it so.
    """
    for kind in range(PhoneNumberType.FIXED_LINE, PhoneNumberType.VOICEMAIL + 1):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        for form in range(PhoneNumberFormat.E164, PhoneNumberFormat.RFC3966 + 1):
            cell = phonenumbers.format_number(number, form)
            for written in (cell, cell.replace(" ", "-"), cell.replace("-", " ")):
                assert is_number(written, default_region=region) == _reads(written, region)
            dotted = cell.replace(" ", ".")
            if _reads(dotted, region) and not is_number(dotted, default_region=region):
                with pytest.raises(InvalidNumberError, match=r"That's (a date|an amount)\."):
                    read_cell(dotted, default_region=region)


def _reads(text: str, region: str) -> bool:
    try:
        phone.read(text, default_region=region, premium=True)
    except InvalidNumberError:
        return False
    return True

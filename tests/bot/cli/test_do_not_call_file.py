import codecs
import io
import time

import pytest
from typing_extensions import Buffer

from bot.cli.do_not_call_file import NAMED, Read, read
from bot.parsing.csv_file import LONGEST_ROW, UnreadableListError, decoded
from bot.parsing.csv_headers import is_phone_header

A, B, C = "+919876543210", "+919876543211", "+919876543212"


def read_bytes(content: bytes, *columns: str, region: str = "IN") -> Read:
    """Read what a file holds."""
    return read(decoded(io.BufferedReader(io.BytesIO(content))), default_region=region, columns=columns)


def read_text(text: str, *columns: str, region: str = "IN") -> Read:
    """Read a file in UTF-8."""
    return read_bytes(text.encode(), *columns, region=region)


@pytest.mark.parametrize(
    ("text", "numbers", "bad"),
    [
        ("98765 43210\n+919876543211\n", {A, B}, []),
        ("\n# from the regulator\n98765 43210\n\n98765 43210\n", {A}, []),
        ("name,number\nAsha,98765 43210\n", {A}, []),
        ("Name;Phone\r\nAsha;98765 43210\r\n", {A}, []),
        ("98765 43210\nnobody\n+91 12\n", {A}, [2, 3]),
        ("name,number\nAsha\n", set(), [2]),
        ('name,number\n"Asha, of\nPune",98765 43210\n', {A}, []),
        ('name,number\n"Asha\nof\nPune",98765 43210\nRavi,12\n"Mira\nRao",13\n', {A}, [5, 6]),
        ("name\tnumber\nAsha, Pune; 2\t98765 43210\n", {A}, []),
        ("name|number\nAsha|98765 43210\n", {A}, []),
        ("sep=;\nname;number\nAsha, Pune;98765 43210\nRavi;12\n", {A}, [4]),
        ('"name","number"\n"Asha","98765 43210"\n', {A}, []),
        ("98765 43210\r98765 43211\r12\r", {A, B}, [3]),
        ("name,number\nAsha\x0b\u2028,98765 43210\nRavi,12\n", {A}, [3]),
        (",Phone\n0,98765 43210\n1,98765 43211\n", {A, B}, []),
        ("Phone,,\n98765 43210,,\n,,\n98765 43211,,\n", {A, B}, []),
        ("#,Name,Phone\n1,Asha,98765 43210\n", {A}, []),
        ("number\n#1\n#98765 43210\n98765 43211\n", {B}, [2, 3]),
        ("# made\n#\n## 2026, by us\nphone\n98765 43210\n", {A}, []),
        ("98765 43210\n98765 43211,98765 43212\n", {A}, [2]),
        ("98765 43210\n98765 43211\t98765 43212\n98765 43212;2\n", {A}, [2, 3]),
        ("phone,name\n98765 43210,Rao,Asha\n98765 43211,Ravi,\n", {B}, [2]),
        ("name,phone\nAsha,98765 43210\nTotal,7\nGrand total:,\nSumme,1234567\n", {A}, [3, 4, 5]),
        ('name,phone\n"Asha" Rao,98765 43210\nRavi,98765 43211\n', {B}, [2]),
        ('name,phone\nRavi,98765 43211\n"Asha,98765 43210\n', {B}, [3]),
        ('name,phone\n"Asha,98765 43210\nRavi,98765 43211\nMira",98765 43212\nA,98765 43210\n', {A}, [2]),
        ('name,phone\n"Asha, of\nPune 411001, India",98765 43210\n', {A}, []),
        ('phone\n"98765" 43210\n98765 43211\n', {B}, [2]),
    ],
)
def test_a_list_is_read_line_by_line(text: str, numbers: set[str], bad: list[int]) -> None:
    """Each number once, by column or alone. A bad line is named by where it begins in the file."""
    found = read_text(text)
    assert found.numbers == numbers
    assert [line for line, _ in found.faults] == bad
    assert not any(
        number[3:8] in why.replace("+91 98765", "") for _, why in found.faults for number in (A, B)
    )


@pytest.mark.parametrize(
    "header",
    [
        "number", "Numbers", "phone", "PHONE", "Phone Number", "phone_number", "phoneNumber", "PhoneNo", "Phone #",
        "Phone 1 - Value", "Phone2", "Mobile Number", "mobile no.", "MobileNo", "Mob", "contact_number", "Contact No",
        "DNC_Cell", "DND number", "DNC 2026 phone", "Cell", "Cell Phone", "Home Phone", "BusinessPhone", "Tel",
        "Tel.", "Telephone", "Telefon", "Telefonnummer", "Handynummer", "Rufnummer", "Mobilfunk", "Téléphone",
        "Teléfono móvil", "Celular", "Cellulare", "Portable", "Número", "Puhelinnumero", "Msisdn", "A-MSISDN",
        "WhatsApp no.", "Whatsapp", "Landline", "Fax", "to", "Called number", "Phone (with country code)",
        "Mobile No with country code", "телефон", "手机号码", "휴대폰 번호", "मोबाइल नंबर", "फ़ोन", "جوال",
    ],
)  # fmt: skip
def test_a_column_of_phone_numbers_is_known_by_its_header(header: str) -> None:
    """In any case, in many languages, in quotes and behind a byte order mark."""
    for cells in (f"{header},Account No", f'"{header}","Account No"', f"\ufeff{header.upper()},Account No"):
        found = read_text(f"{cells}\n98765 43210,9876543299\n98765 43211,9876543298\n")
        assert (found.numbers, found.faults) == ({A, B}, [])
    assert found.columns == (f"“{header.upper()}”",)
    assert found.others == ("“Account No”",)


@pytest.mark.parametrize(
    "header",
    [
        "Account No", "A/C No", "Customer No", "No.", "S.No", "Order number", "Name", "Contact", "Contact name", "Hotel",
        "Phone 1 - Type", "Phone type", "phone_country", "Country code", "Phone: 98765 43210", "Cellar", "Nombre",
    ],
)  # fmt: skip
def test_a_header_of_something_else_is_none_of_phone_numbers(header: str) -> None:
    """An account's number is not called, and neither is a label."""
    assert not is_phone_header(header)


@pytest.mark.parametrize(
    ("text", "columns", "question"),
    [
        (
            "name,phone,mobile\nAsha,98765 43210,98765 43211\n",
            [],
            ("Several columns look like phone numbers: “phone” and “mobile”. "
            "Choose one or more: --column phone or --column mobile"),
        ),
        (
            "Name,Phone 1 - Type,Phone 1 - Value,Phone 2 - Value\nAsha,Home,98765 43210,\n",
            [],
            ("Several columns look like phone numbers: “Phone 1 - Value” and “Phone 2 - Value”. "
            "Choose one or more: --column 'Phone 1 - Value' or --column 'Phone 2 - Value'"),
        ),
        (
            "name,phone,alternate\nAsha,98765 43210,98765 43211\n",
            [],
            "Several columns look like phone numbers: “phone” and “alternate”.",
        ),
        (
            "Phone,Phone\n98765 43210,98765 43211\n",
            [],
            "Choose one or more: --column 1 or --column 2",
        ),
        (
            "Account No,Name\n9876543299,Asha\n",
            [],
            ("No header names the column with phone numbers. The columns are “Account No” and “Name”. "
            "Choose one: --column NAME, or --column 2 for the second"),
        ),
        (
            "Name,Kontakt\nAsha,98765 43210\n",
            [],
            ("No header names the column with phone numbers. The columns are “Name” and “Kontakt”. "
            "Choose one: --column Kontakt"),
        ),
        (
            "Asha,98765 43210\nRavi,98765 43211\n",
            [],
            "The columns are column 1 and column 2. Choose one: --column 2",
        ),
        (
            "98765 43210,98765 43211\n",
            [],
            "Several columns look like phone numbers: column 1 and column 2.",
        ),
        (
            "Mobile,98765 43210\nHome,98765 43211\n",
            [],
            "The columns are column 1 and column 2. Choose one: --column 2",
        ),
        (
            "Account No\n9876543299\n",
            [],
            "The only column is called “Account No”. If it has phone numbers, add --column 'Account No'",
        ),
        ("name,phone\nAsha,98765 43210\n", ["mobile"], "No column is called “mobile”. The columns are “name” and “phone”."),
        ("name,phone\nAsha,98765 43210\n", ["3"], "No column is called “3”. The columns are “name” and “phone”."),
        ("Asha,98765 43210\n", ["phone"], "No column is called “phone”. The columns are column 1 and column 2."),
        (
            "Phone,name,phone\n98765 43210,Asha,98765 43211\n",
            ["phone"],
            "Several columns are called “phone”. Choose by position: --column 1 or --column 3",
        ),
        ("\x1b[2J\u202e,phone,tel\n1,98765 43210,2\n", ["x"], r"The columns are “\x1b[2J\u202e”, “phone” and “tel”."),
        ("", [], "The file has no numbers."),
        ("\n# nothing yet\n\n", [], "The file has no numbers."),
        ('name,phone\n"Asha,98765 43210\nRavi,98765 43211\n"Mira",98765 43212\n', [], "A quotation mark is missing from line 2"),
        ('name,phone\nAsha,98765 43210\n"Ravi,98765 43211\nMira,98765 43212\n', [], "A quotation mark is missing from line 3 on"),
        ('"name" x,phone\nAsha,98765 43210\n', [], "A quotation mark is missing from line 1 on"),
    ],
)  # fmt: skip
def test_doubt_about_the_whole_file_is_a_question(text: str, columns: list[str], question: str) -> None:
    """No column is chosen silently, and no line is lost between two quotation marks."""
    with pytest.raises(UnreadableListError) as asked:
        read_text(text, *columns)
    assert question in str(asked.value)
    assert "\x1b" not in str(asked.value)
    assert "98765 4321" not in str(asked.value)


@pytest.mark.parametrize(
    ("text", "columns", "numbers", "bad"),
    [
        ("name,phone,mobile\nAsha,98765 43210,98765 43211\n", ["phone"], {A}, []),
        ("name,phone,mobile\nAsha,98765 43210,98765 43211\n", ["MOBILE"], {B}, []),
        ("name,phone,mobile\nAsha,98765 43210,98765 43211\n", ["phone", "mobile", "3"], {A, B}, []),
        ("name,Te\u0301le\u0301phone\u00a01,mobile\nAsha,98765 43210,98765 43211\n", ["téléphone 1"], {A}, []),
        ("phone,mobile\n98765 43210,\n,98765 43211\n,,\n98765 43212,12\n", ["1", "2"], {A, B, C}, [(5, "“mobile”: ")]),
        ("name,a,b\nAsha,98765 43210,98765 43211\nRavi,,\n", ["a", "b"], {A, B}, [(3, "“a”: A phone number is missing.")]),
        ("Asha,98765 43210\nRavi,98765 43211\n", ["2"], {A, B}, []),
        ("Name,Kontakt\nAsha,98765 43210\n", ["2"], {A}, []),
        ("Account No\n9876543210\n", ["Account No"], {A}, []),
        ("Asha,12\nRavi,98765 43211\n", ["2"], {B}, [(1, "That number is too short")]),
        ("2,phone\n98765 43210,98765 43211\n", ["2"], {A}, []),
    ],
)  # fmt: skip
def test_the_columns_that_were_named_are_read(
    text: str, columns: list[str], numbers: set[str], bad: list[tuple[int, str]]
) -> None:
    """By header or by place, one or several. Of several, each bad cell is named with its line and column."""
    found = read_text(text, *columns)
    assert found.numbers == numbers
    assert [line for line, _ in found.faults] == [line for line, _ in bad]
    assert all(why.startswith(begins) for (_, why), (_, begins) in zip(found.faults, bad, strict=True))


@pytest.mark.parametrize("header", ["", "Do not call list\n", "Customers\n", "Phone\n", "\n\nTelefon\n"])
def test_a_file_of_one_column_needs_no_header(header: str) -> None:
    """It may have any, as long as that does not say that these are other numbers."""
    assert read_text(f"{header}98765 43210\n98765 43211\n").numbers == {A, B}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_is_read_as_spreadsheets_write_it(encoding: str, end: str) -> None:
    """UTF-8 with and without a byte order mark, and UTF-16 with one, in either order of bytes."""
    lines = f"Téléphone\tName{end}98765 43210\tÅsa{end}12\tरवि{end}98765 43211\t张伟{end}"
    for content in (lines.encode(encoding), codecs.BOM_UTF16_BE + lines.encode("utf-16-be")):
        found = read_bytes(content)
        assert (found.numbers, [line for line, _ in found.faults]) == ({A, B}, [3])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("name,phone\nAsha,98765 43210\nJürgen,98765 43211\n".encode("latin-1"), "Line 3 isn't UTF-8."),
        ("Téléphone\n98765 43210\n".encode("cp1252"), "Line 1 isn't UTF-8."),
        (
            b"name,phone\n" * 9000 + "Jürgen,98765 43211\n".encode("latin-1"),
            "Line 9001 isn't UTF-8.",
        ),
        ("name,phone\nAsha,98765 43210\n".encode("utf-16-le"), "Line 1 isn't UTF-8."),
        ("phone\n98765 43210\n".encode("utf-16") + b"\n", "Line 3 isn't UTF-16."),
        (codecs.BOM_UTF16_LE + b"p\0\n\0\x00\xd8\n\0", "Line 2 isn't UTF-16."),
        (b"PK\x03\x04\x14\x00\x08\x00", "Line 1 isn't UTF-8."),
    ],
)
def test_another_encoding_is_refused_with_its_line(content: bytes, line: str) -> None:
    """Nothing of such a file is read, for its digits may be others' too."""
    with pytest.raises(UnreadableListError) as refused:
        read_bytes(content, "2")
    assert str(refused.value).startswith(line)
    assert "Save the file as “CSV UTF-8”" in str(refused.value)


def test_only_the_first_bad_lines_are_kept_and_all_are_counted() -> None:
    """A file of account numbers takes no more memory than a good one."""
    found = read_text("phone\n98765 43210\n" + "12\n" * 500 + "nobody\n" + "# a note\n" * 3)
    assert (len(found.faults), found.bad.total(), found.cells, found.comments) == (NAMED, 501, 1, 3)
    [(why, times), (other, once)] = found.bad.most_common()
    assert (why, times, once) == (
        "That number is too short for India (+91). A mobile number there has 10 digits.",
        500,
        1,
    )
    assert other.startswith("A phone number has digits only.")


def test_the_first_numbers_are_kept_masked_with_their_countries() -> None:
    """So that whoever imports sees how numbers without a plus were read."""
    found = read_text("98765 43210\n98765 43210\n+44 20 7946 0958\n98765 43211\n98765 43212\n")
    assert found.first == ["+91\u00a0•••3210", "+44\u00a0•••0958", "+91\u00a0•••3211"]
    assert found.countries == {"India": 3, "Britain (UK)": 1}
    assert (found.region, found.cells, len(found.numbers)) == ("IN", 5, 4)


@pytest.mark.parametrize(
    ("begins", "repeats"),
    [
        (b"", b"9"),
        (b"", b"phone,"),
        (b"98765 43210\n", b"x "),
        (b"name,phone\n", b'"a","b\n",'),
    ],
)
def test_a_line_that_does_not_end_is_not_read_to_its_end(begins: bytes, repeats: bytes) -> None:
    """No more of a file is kept than a row may have, for any content."""
    endless = _Endless(begins, repeats)
    with pytest.raises(UnreadableListError, match="characters"):
        read(decoded(io.BufferedReader(endless)), default_region="IN")
    assert endless.given < 4 * LONGEST_ROW


def test_a_header_of_brackets_costs_no_more_than_its_length() -> None:
    """Text in brackets is no part of a header, and brackets need not be in pairs."""
    began = time.process_time()
    assert not is_phone_header("(" * LONGEST_ROW)
    with pytest.raises(UnreadableListError):
        read_text("(" * (LONGEST_ROW - 10) + ",b\n")
    with pytest.raises(UnreadableListError, match="Several columns"):
        read_text(",".join(["phone"] * 10_000) + "\n")
    assert time.process_time() - began < 3.0


class _Endless(io.RawIOBase):
    """A file without an end, as a device or a pipe may be one."""

    def __init__(self, begins: bytes, repeats: bytes) -> None:
        self._next, self._repeats, self.given = begins, repeats, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        ahead = self._next + self._repeats * (len(view) // len(self._repeats) + 1)
        view[:], self._next = ahead[: len(view)], ahead[len(view) :]
        self.given += len(view)
        return len(view)

"""Numbers in text: a single one, two, or a question."""

from random import Random

import pytest

from bot.parsing.command import Command, CommandContext, ConnectionInfo, Question, Verb
from bot.parsing.numbers import MOST_READS, Certain, Doubtful, NumberReader, NumberTarget, Unreadable
from bot.parsing.parser import parse
from bot.parsing.targets import IdTarget
from providers import phone
from providers.actions import Kind
from tests.bot.parsing.number_plans import ALL_KINDS, REGIONS, number
from tests.bot.parsing.test_parser import NOW

BOTH = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
REMINDERS = ConnectionInfo(("payments",), BOTH, "number")
VOXWORKS = ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id")


def said(text: str, verb: Verb = Verb.CANCEL, region: str = "IN", answers: tuple[int, ...] = ()) -> Command:
    """Parse a line behind the default verb."""
    words = CommandContext({"reminders": REMINDERS, "voxworks": VOXWORKS}, region, ("customer asked",))
    timezone = "Asia/Kolkata"
    return parse(text, default_verb=verb, vocabulary=words, timezone=timezone, now=NOW, answers=answers)


def named(line: Command) -> list[str]:
    """Return the targets of a command, numbers in E.164."""
    return [one.phone.e164 if isinstance(one, NumberTarget) else one.provider_id for one in line.targets]


def options(line: Command) -> tuple[str, ...]:
    """Return the options of the only question about a command."""
    [question] = line.problems
    assert isinstance(question, Question)
    return question.options


DIGITS_APART = [
    ("IN", "+49 30 1234567 2 complaints already", "+49 30 1234567 (then “2”)", "+49 30 12345672"),
    ("IN", "+49 30 1234567 (2)", "+49 30 1234567 (then “(2)”)", "+49 30 12345672"),
    ("IN", "+49 30 1234567 [2]", "+49 30 1234567 (then “[2]”)", "+49 30 12345672"),
    ("IN", "1800 123 456 2 complaints", "+91 1800 12 3456 (then “2”)", "+91 1800 123 4562"),
    ("IN", "+49 30 1234567 9", "+49 30 1234567 (then “9”)", "+49 30 12345679"),
    ("DE", "030 1234567 12 Beschwerden", "+49 30 1234567 (then “12”)", "+49 30 123456712"),
    ("NZ", "+64 9 373 7999 2 calls", "+64 9 373 7999 (then “2”)", None),
    ("FI", "09 123 4567 2 valitusta", "+358 9 1234567 (then “2”)", "+358 9 12345672"),
    ("DE", "030 1234567/8", "+49 30 1234567", "+49 30 1234568"),
    ("IN", "022-24567890/91", "+91 22 2456 7890", "+91 22 2456 7891"),
    ("AT", "160 ((066) 4156725)", "+43 1 600664156725", "+43 664 156725"),
    ("AT", "01 43 663 - 77903", "+43 1 43663 (then “- 77903”)", "+43 663 77903"),
    ("DE", "22 ۰۳۰۱۹۹۳۸۱۲۶", "+49 2203 019938126", "+49 30 19938126"),
    ("IT", "+39 (348) 980 853 218", "+39 348 980 853 (then “218”)", "+39 348 9808 53218"),
    ("DE", "030 (03012271)", "+49 30 03012271", "+49 30 12271"),
    ("DE", "030 12 82 52 65.3", "+49 30 1282 (then “52 65.3”)", "+49 30 128252653"),
    ("AE", "80 080 - 712 506", "+971 800 80712 (then “506”)", "+971 800 80712506"),
    ("CH", "00 91 18 000 590 380", "+91 1800 0590 (then “380”)", "+91 1800 059 0380"),
    ("IN", "1800 0590 380", "+91 1800 0590 (then “380”)", "+91 1800 059 0380"),
    ("AE", "800 80712 506", "+971 800 80712 (then “506”)", "+971 800 80712506"),
    ("SG", "030 18-007-307-025", "+1 800-730-7025", "+65 1800 730 7025"),
    ("SG", "018 18007307025", "+1 800-730-7025", "+65 1800 730 7025"),
    ("DE", "030 1234 - 567 890", "+49 30 1234 (then “- 567 890”)", "+49 30 1234567 (then “890”)"),
    ("AT", "01 43663 - 77 90 33", "+43 1 43663 (then “- 77 90 33”)", "+43 1 4366377 (then “90 33”)"),
    ("FR", "2 01 23 45 67 89", "+33 2 01 23 45 67 (then “89”)", "+33 1 23 45 67 89"),
]


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.STOP, Verb.ALLOW, Verb.PLACE])
@pytest.mark.parametrize(("region", "text", "first", "second"), DIGITS_APART)
def test_digits_that_stand_apart_are_asked_about(
    region: str, text: str, first: str, second: str | None, verb: Verb
) -> None:
    """Nothing is taken while several numbers are possible.

    If a single number is possible, the rest is text.
    """
    line = said(text, verb, region)
    if second is None:
        assert named(line) == [phone.read(first.partition(" (")[0], default_region=region).e164]
        return
    assert (named(line), options(line)[0], second in options(line)) == ([], first, True)


@pytest.mark.parametrize(
    ("region", "text", "offered"),
    [
        ("SE", "Mob:469001038", "+46 46 900 10 38"),
        ("SE", "469001038", "+46 46 900 10 38"),
    ],
)
def test_digits_that_may_be_a_number_never_called_are_asked_about(
    region: str, text: str, offered: str
) -> None:
    """With a plus the digits are a premium-rate number, so the intended number is uncertain."""
    assert (named(said(text, region=region)), options(said(text, region=region))[0]) == ([], offered)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1.969,56 €", "1.766,56 €"),
        ("1,969.56", "1,766.56"),
        ("176,00 €", "766,56 €"),
        ("€ 176,00", "€ 766,56"),
    ],
)
def test_the_comma_of_an_amount_stands_between_no_cells(first: str, second: str) -> None:
    """Two amounts below each other are no columns, and their first digits belong to no number."""
    line = said(f"030 6860490\n03015444 - {first}\n03012 915 - {second}\n+49 30 6860491", region="DE")
    assert set(named(line)) <= {"+49306860490", "+493015444", "+493012915", "+49306860491"}


def test_the_answer_chooses_the_number_and_leaves_the_rest_to_the_text() -> None:
    """Each option continues with the line as it was typed."""
    text = "+49 30 1234567 2 complaints already"
    assert (named(said(text, answers=(0,))), said(text, answers=(0,)).reason) == (
        ["+49301234567"],
        "2 complaints already",
    )
    assert (named(said(text, answers=(1,))), said(text, answers=(1,)).reason) == (
        ["+493012345672"],
        "complaints already",
    )
    assert named(said("+49 30 1234567 2, +49 30 7654321 3 late", answers=(0,))) == ["+49301234567"]
    assert options(said("+49 30 1234567, +49 30 7654321 3 late"))[0] == "+49 30 7654321 (then “3”)"


def test_a_foreign_prefix_for_calls_abroad_is_asked_about() -> None:
    """The options hold the local number and the number abroad."""
    line = said("011 44 20 7946 0958 customer asked")
    assert options(line) == ("+91 11 4420 7946 (then “0958”)", "+44 20 7946 0958")
    assert options(said("0044 20 7946 0958", region="US")) == ("+44 20 7946 0958",)


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("FR", "01 23 45 67 89 mauvais numéro"),
        ("DE", "030 1234 5678"),
        ("DE", "+49 (0)30 123 45 67"),
        ("DE", "0151 2345 6789 falsche Nummer"),
        ("DE", "030/1234567"),
        ("GB", "07911 123456 wrong number"),
        ("IN", "98765 43210 2 complaints"),
        ("US", "(415) 555-2671 404 error"),
        ("SE", "08-123 456 78"),
        ("IN", "98 76 54 32 10"),
        ("IN", "📞 98765 43210"),
        ("IN", "Mob:9876543210 wrong number"),
        ("IN", "tel:9876543210"),
        ("IN", "Ph.9876543210"),
        ("IN", "whatsapp:919876543210"),
        ("IN", "Mobile no. 98765-43210"),
        ("IN", "`98765 43210`"),
        ("IN", "*98765 43210* wrong number"),
        ("IN", "> 98765 43210"),
        ("IN", "“98765 43210”"),
        ("IN", "[98765 43210] wrong number"),
        ("IN", "98765 43210 25/8 late"),
        ("DE", "030 1234567 12.05. angerufen"),
        ("DE", "030 12 82 52-81"),
        ("GB", "020 - 7946 0958"),
        ("FR", "01 - 23 - 45 - 67 - 89"),
    ],
)
def test_what_can_be_read_in_one_way_is_read(region: str, text: str) -> None:
    """Numbering plan, grouping or label leave no choice, so there is no question."""
    line = said(text, region=region)
    assert (len(line.targets), line.problems) == (1, ())
    assert isinstance(line.targets[0], NumberTarget)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("98765-43210x123", "CallOps can't dial extensions"),
        ("98765 43210 ext. 5 late", "CallOps can't dial extensions"),
        ("98765 43210 #12", "CallOps can't dial extensions"),
        ("98765 43210 extn 250", "CallOps can't dial extensions"),
        ("+64211234567.0", "into a decimal"),
        ("9876543210.0 late", "into a decimal"),
        ("98765 432 10.0 late", "into a decimal"),
        ("`+64 21 23 55 34 76`-x2", "CallOps can't dial extensions"),
    ],
)
@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.STOP, Verb.PLACE])
def test_extensions_and_decimals_are_refused(text: str, fragment: str, verb: Verb) -> None:
    """An extension is neither cut off nor added to the number, and never becomes an id."""
    line = said(text, verb)
    assert named(line) == []
    assert any(fragment in fault.message for fault in line.problems)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9876543210 wrong number via voxworks", "+91 98765 43210"),
        ("c_9876543210 via voxworks", "+91 98765 43210"),
        ("lead-919876543210 late", "+91 98765 43210"),
        ("vx9876543210", "+91 98765 43210"),
        ("Kunde:9876543210", "+91 98765 43210"),
    ],
)
def test_an_id_that_holds_a_number_is_asked_about(text: str, number: str) -> None:
    """The word may be an id or a number. With `call=` it is the id."""
    line = said(text)
    assert (named(line), options(line)[0]) == ([], number)
    word = text.split(maxsplit=1)[0]
    if ":" not in word:
        assert said(f"call={word} late via voxworks").targets == (IdTarget(word),)


AROUND_A_NUMBER = (
    "c_{}", "call-{}", "id:{}", "lead{}", "{}_1", "{}-a", "{}a", "c_{}_2", "c-1-{}", "c_{}-1", "c_{}.2", "c_2026.{}",
)  # fmt: skip


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_of_any_kind_within_an_id_is_asked_about(region: str) -> None:
    """Freephone, premium rate and all other kinds count, with a country code, without it or from abroad."""
    random = Random(f"ids {region}")  # noqa: S311 - cases of tests, no secrets
    taken = []
    for kind in ALL_KINDS:
        one = number(random, region, kind)
        at_home = phone.national(one.e164)
        for digits in (one.e164[1:], at_home, f"00{one.e164[1:]}"):
            for around in AROUND_A_NUMBER:
                text = around.format(digits)
                line = said(f"{text} customer asked via voxworks", region=region)
                if not line.problems and one.e164 not in named(line):
                    taken.append((one.kind, text, named(line)))
    assert taken == []


@pytest.mark.parametrize("region", REGIONS)
def test_digits_that_make_a_number_with_their_country_code_are_never_an_id_unasked(region: str) -> None:
    """The question comes even at a connection that cancels by ids of digits alone."""
    random = Random(f"digits {region}")  # noqa: S311 - cases of tests, no secrets
    for kind in ALL_KINDS:
        digits = number(random, region, kind).e164[1:]
        line = said(f"{digits} customer asked via voxworks", region=region)
        assert (line.targets, options(line)[-1]) == ((), f"the ID {digits}"), kind


@pytest.mark.parametrize(
    ("region", "text", "readings"),
    [
        ("BR", "c_55800913767", ("+55 800 91 3767", "the ID c_55800913767")),
        ("BR", "55800195250", ("+55 800 19 5250", "the ID 55800195250")),
        ("DE", "c_498001234567", ("+49 800 1234567", "the ID c_498001234567")),
        ("IN", "c_2026-9876543210", ("+91 98765 43210", "the ID c_2026-9876543210")),
        ("US", "c_00919876543210", ("+91 98765 43210", "the ID c_00919876543210")),
        ("US", "c_9002345678", ("the ID c_9002345678",)),
        ("US", "9002345678", ("the ID 9002345678",)),
        ("DE", "lead-09001234567", ("the ID lead-09001234567",)),
        ("IN", "c_00870773111632", ("the ID c_00870773111632",)),
    ],
)
def test_the_readings_of_a_number_within_an_id(region: str, text: str, readings: tuple[str, ...]) -> None:
    """CallOps never calls such a number, so it is no option. The word may still be the id."""
    line = said(f"{text} customer asked via voxworks", region=region)
    assert options(line) == readings
    again = said(f"{text} customer asked via voxworks", region=region, answers=(len(readings) - 1,))
    assert (named(again), again.problems, again.reason) == ([text], (), "customer asked")


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    "text",
    [
        "vx_123",
        "a1b2c3d4e5",
        "550e8400-e29b-41d4-a716-446655440000",
        "c_a12345678901b",
        "65f1c0a9e4b0f3d2a1c98765",
        "order-4711-2",
        "CA9f86d081884c7d659a2feaa0c55ad015",
        "c_17321605801234567890123",
    ],
)
def test_an_id_that_holds_no_number_is_taken(region: str, text: str) -> None:
    """Hex digits, few digits, and more digits than a number has make an id."""
    assert said(f"{text} customer asked via voxworks", region=region).targets == (IdTarget(text),)


def test_a_uuid_is_an_id() -> None:
    """The digits of a UUID are nobody's number."""
    uuid = "550e8400-e29b-41d4-a716-919876543210"
    assert named(said(uuid)) == [uuid]


@pytest.mark.parametrize("text", ["`vx_1`", "*vx_1*", "“vx_1”", "_vx_1_", "~vx_1~", "> vx_1", "'vx_1'"])
def test_formatting_around_an_id_is_no_part_of_it(text: str) -> None:
    """Slack's marks and phones' quotes do not belong to an id."""
    assert (named(said(f"{text} customer asked")), said(f"{text} customer asked").reason) == (
        ["vx_1"],
        "customer asked",
    )


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("PK", "1. x2: 080/06 42 33\r\n2. : +92 3012575926"),
        ("IN", "x2 98765 43210"),
        ("IN", "2x: mob 98765 43210"),
        ("IN", "vx_1 - 98765 43210 late"),
        ("DE", "Flat4 030 1234567 12 Beschwerden"),
    ],
)
def test_a_word_beside_a_number_is_no_id(region: str, text: str) -> None:
    """The word may be a remark or the row's number."""
    line = said(text, region=region)
    assert line.targets == ()
    assert any("comes after words" in fault.message for fault in line.problems)


@pytest.mark.parametrize(
    "text", ["vx_1, 98765 43210", "vx_1\n98765 43210", "vx_1; 98765 43210", "vx_1 and 98765 43210"]
)
def test_an_id_and_a_number_between_separators_are_two_targets(text: str) -> None:
    """An id and a number are separated as two numbers are."""
    assert named(said(text)) == ["vx_1", "+919876543210"]


SHEETS = [
    ("FR", "2\t01 23 45 67 89\n3\t06 12 34 56 78", ["+33123456789", "+33612345678"]),
    ("DE", "030 1234567\t250", ["+49301234567"]),
    ("IN", "Name\tPhone\nAsha\t98765 43210\nRavi\t98765 43211", ["+919876543210", "+919876543211"]),
    ("IN", '"Rao, Asha","98765 43210"\n"Ravi","98765 43211"', ["+919876543210", "+919876543211"]),
    ("IN", "| Name | Mobile |\n|---|:-:|\n| Asha | 98765 43210 |", ["+919876543210"]),
    ("IN", "Asha\t98765 43210\t12.05.2026\nRavi\t98765 43211\t13.05.2026\nTotal\t\t2", ["+919876543210", "+919876543211"]),
    ("IN", "1) late (mob:98765 43210)\n2) due (whatsapp:0045 34 43 48 90)", ["+919876543210", "+4534434890"]),
    ("PL", "late (512379695)\n9 times [Ph.00 351 800691758]", ["+48512379695", "+351800691758"]),
    ("ZA", "Konto      Date           Phone\n149707827  Mar 01, 2026   010 522 0786\n146137125  Dec 9, 2025    071 127 1474\n137931591  28-09-2026     071 160 8725", ["+27105220786", "+27711271474", "+27711608725"]),
    ("IN", "Name | Mobile\n--|--\nAsha | 98765 43210", ["+919876543210"]),
    ("IN", "Mobile\n------\n98765 43210\n98765 43211\n===", ["+919876543210", "+919876543211"]),
    ("IN", "Asha\t98765 43210\nRavi\t98765 43211\n \t\n", ["+919876543210", "+919876543211"]),
    ("IN", "98765 43210 (₹450)\n1800 2459 (1.929,56 €)", ["+919876543210", "+9118002459"]),
    ("IN", "98765 43210 (450)\n1800 2459 (161.00)", ["+919876543210", "+9118002459"]),
    ("IN", "-   98765 43210\n-   98765 43211", ["+919876543210", "+919876543211"]),
    ("IN", "- 98765 43210\n- 98765 43211", ["+919876543210", "+919876543211"]),
    ("IN", "•   98765 43210\n•   98765 43211", ["+919876543210", "+919876543211"]),
    ("IN", "Asha,  98765 43210,  called  twice\nRavi,  98765 43211,  moved", ["+919876543210", "+919876543211"]),
    ("IN", "Asha   |  98765 43210  |  12 May\nRavi   |  98765 43211  |  13 May", ["+919876543210", "+919876543211"]),
    ("IN", "Account\tMobile\n9811122233\t98765 43210\n9811122234\t98765 43211", ["+919876543210", "+919876543211"]),
]  # fmt: skip


@pytest.mark.parametrize(("region", "text", "numbers"), SHEETS)
def test_a_number_ends_with_its_cell(region: str, text: str, numbers: list[str]) -> None:
    """A header says which column holds numbers. Dates, amounts and totals are neither targets nor reason."""
    line = said(text, region=region)
    assert (named(line), line.reason, line.problems) == (numbers, None, ())


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("Customer 01\t98765 4000\nAsha\t98765 43210", "Line 1, “Customer 01 98765 4000”"),
        ("Ward 22\t2456 7890\nAsha\t98765 43210", "Line 1, “Ward 22 2456 7890”"),
        ("Asha\t98765 43210\nRavi\tn/a\nJoy\t98765 43211", "Line 2, “Ravi n/a”"),
        ("Asha\t98765 43210\nRavi\t98765 4321", "Line 2, “Ravi 98765 4321”"),
        ("—,pending\n98765 43210,open\n98765 43211,open", "Line 1, “— pending”"),
        ("pending\t.\nopen\t98765 43210", "Line 1, “pending .”"),
        ("#   Mobile\n1.  98765 43210\n2.  98765 43211\n3.  -", "Line 4, “-”"),
        ("98765 43210\n--\n98765 43211", "Line 2, “--”"),
        (
            "Mobile       Account\n98765 43210  1\n             9876543212\n98765 43211  2",
            "Line 3, “9876543212”",
        ),
        ("Asha\t98765 43210\nRavi\t98765 43211\nJoy\t\n", "Line 3, “Joy”"),
        (
            "No  Mobile       Account\n1.  98765 43210  1\n2.               9876543212\n3.  98765 43211  2",
            "Line 3, “9876543212”",
        ),
        ("Mobile       Note\n98765 43210  open\n-            pending\nwrong number", "Line 3, “- pending”"),
    ],
)
def test_a_bad_row_is_named_and_never_mended_from_its_neighbour(text: str, bad: str) -> None:
    """The other rows are kept, and a single press continues without the bad row."""
    line = said(text)
    assert "+919876543210" in named(line)
    [fault] = line.problems
    assert fault.message.startswith(bad)
    again = said(text, answers=(0,))
    assert (again.problems, named(again)) == ((), named(line))
    assert any(bad.partition("“")[2].rstrip("”") in one for one in again.ignored_words)


def test_several_columns_of_numbers_are_asked_about() -> None:
    """No column is chosen because it comes first."""
    text = "Asha\t98765 43210\t98111 22233\nRavi\t98765 43211\t98111 22234"
    assert options(said(text)) == ("column 2, 98765 43210", "column 3, 98111 22233")
    assert named(said(text, answers=(1,))) == ["+919811122233", "+919811122234"]


def test_no_text_costs_more_than_a_bounded_number_of_readings() -> None:
    """A text beyond the bound is refused, never used in part."""
    count = 0

    def read_phone(text: str) -> phone.Phone:
        nonlocal count
        count += 1
        return phone.read(text, default_region="DE")

    reader = NumberReader(read_phone, "49")
    for _ in reader.in_text(" ".join(f"{one}23456 7" for one in range(20_000))):
        pass
    assert (count, reader.exhausted) == (MOST_READS, True)
    assert any(fault.field == "targets" for fault in said("98765 432" * 800, region="DE").problems)


def test_what_was_found_says_where_it_ends() -> None:
    """Each match tells its end, so that callers continue behind it."""
    reader = NumberReader.for_region("IN")
    found = list(reader.in_text("Asha 98765 43210, 98765 4321; +49 30 1234567 (2)"))
    assert [type(one) for one in found] == [Certain, Unreadable, Doubtful]
    assert [one.end for one in found] == [16, 28, 48]


@pytest.mark.parametrize(
    "text",
    [
        "(800) 507 138 or 600158519",
        "(800) 507 138 oder 600158519",
        "800 507 138 or *600158519* late",
        "`800 507 138` / 600158519 late",
        "`800 507 138` / tel:600158519 late",
        "`800 507 138` or Mob: 600158519 late",
        "`800 507 138` - 600158519 late",
        "800 507 138 • ٦٠٠١٥٨٥١٩ late",
    ],
)
def test_a_number_behind_or_or_a_mark_is_no_reason(text: str) -> None:
    """Even a number so short that it could be an order's, among other words, is no reason."""
    assert any("comes after words" in fault.message for fault in said(text, region="CL").problems)
    assert said("(800) 507 138 order 600158519", region="CL").reason == "order 600158519"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+46 20 12 65 07*2", "SE"),
        ("(41) 218 98 40 68`#12", "CH"),
        ("020-12-50-31.0", "SE"),
        ("030 1234 56_7", "DE"),
        ("030 1234 56~78", "DE"),
        ("030 12 82 52 65/8 late", "DE"),
        ("030 12 82 52 25/8 late", "DE"),
    ],
)
def test_a_sign_within_the_last_group_ends_no_number_before_it(text: str, region: str) -> None:
    """The text before that group is another customer's number."""
    assert said(text, region=region).targets == ()

import csv
import io
import re
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.call_list import (
    MOST_ROWS,
    ListDefaults,
    ListFault,
    ListRow,
    ReadList,
    UnreadableListError,
    read_call_list,
)
from bot.parsing.csv_file import CsvRows, decoded
from providers.actions import CallRef, CancelCall, Kind, NumberRef, PlaceCall

A, B, C = "+919876543210", "+919876543211", "+919876543212"
NOW = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
PLACING = ListDefaults(
    kind=Kind.PLACE_CALL,
    region="IN",
    agents={"Welcome": "agent_1", "Recovery": "agent_2"},
    agent="Welcome",
    raw_agents=False,
    at=None,
    zone="Asia/Kolkata",
    now=NOW,
)
CANCELLING = replace(PLACING, kind=Kind.CANCEL_CALL)


def read(text: str, defaults: ListDefaults = PLACING) -> ReadList:
    """Read a file in UTF-8."""
    return read_call_list(text.encode(), defaults)


def only(text: str, defaults: ListDefaults = PLACING) -> PlaceCall:
    """Return the call of a file with one good row."""
    found = read(text, defaults)
    assert found.faults == ()
    [row] = found.rows
    assert isinstance(row.action, PlaceCall)
    return row.action


def fault(text: str, defaults: ListDefaults = PLACING) -> ListFault:
    """Return the only fault of a file."""
    found = read(text, defaults)
    assert found.rows == ()
    [only_fault] = found.faults
    return only_fault


def test_a_row_becomes_a_call_with_all_its_columns() -> None:
    """Each known header is read, whatever its capitals and the order of the columns."""
    text = (
        "# made by hand\n"
        "Customer Name,Mobile,Scheduled At,Voice Agent,Time Zone,Batch ID,meta.order,metadata.tier,Remark\n"
        "Asha Rao,98765 43210,2026-12-05 10:00,recovery,Asia/Dubai,dec,42,gold,call twice\n"
    )
    found = read(text)
    at = datetime(2026, 12, 5, 4, 30, tzinfo=UTC)
    metadata: dict[str, object] = {"name": "Asha Rao", "order": 42, "tier": "gold"}
    call = PlaceCall(to=A, agent="Recovery", at=at, batch="dec", metadata=metadata)
    assert found == ReadList(
        sha256=sha256(text.encode()).hexdigest(),
        rows=(ListRow(3, call, "Asia/Dubai"),),
        faults=(),
        duplicates=(),
        columns={
            "Customer Name": "metadata.name",
            "Mobile": "number",
            "Scheduled At": "time",
            "Voice Agent": "agent",
            "Time Zone": "zone",
            "Batch ID": "batch",
            "meta.order": "metadata.order",
            "metadata.tier": "metadata.tier",
        },
        ignored=("Remark",),
    )


@pytest.mark.parametrize("header", ["phone", "Number", "MOBILE", "contact_number", "Telephone", "msisdn"])
def test_a_column_of_numbers_is_known_by_its_header(header: str) -> None:
    """The words are those of do-not-call lists."""
    assert only(f"{header}\n98765 43210\n").to == A


@pytest.mark.parametrize(
    "header",
    [
        "at",
        "when",
        "Time",
        "schedule_at",
        "scheduled_at",
        "ScheduledAt",
        "Call time",
        "Call Date/Time",
        "date",
    ],
)
def test_a_column_of_times_is_known_by_its_header(header: str) -> None:
    """A single column of dates may hold the time, too."""
    assert only(f"phone,{header}\n98765 43210,5 Dec 10:00\n").at == datetime(2026, 12, 5, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("2026-12-05T10:00", datetime(2026, 12, 5, 4, 30, tzinfo=UTC)),
        ("2026-12-05T10:00:30Z", datetime(2026, 12, 5, 10, 0, 30, tzinfo=UTC)),
        ("2026-12-05T10:00+02:00", datetime(2026, 12, 5, 8, 0, tzinfo=UTC)),
        ("tomorrow 9:30 pm", datetime(2026, 12, 2, 16, 0, tzinfo=UTC)),
        ("in 20 min", datetime(2026, 12, 1, 6, 50, tzinfo=UTC)),
        ("now", None),
        ("", datetime(2026, 12, 24, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_a_slash_command_reads_them(typed: str, at: datetime | None) -> None:
    """An offset is kept, and a row without a time has the form's."""
    defaults = replace(PLACING, at=datetime(2026, 12, 24, tzinfo=UTC))
    assert only(f"phone,time\n98765 43210,{typed}\n", defaults).at == at


def test_a_date_and_a_time_in_two_columns_are_one_time() -> None:
    """A time without its date is a fault, because the day would be a guess."""
    text = "phone,date,time\n98765 43210,2026-12-05,10:00\n98765 43211,,10:00\n98765 43212,5 Dec,\n98765 43213,,\n"
    found = read(text)
    assert [(row.line, row.action.at) for row in found.rows if isinstance(row.action, PlaceCall)] == [
        (2, datetime(2026, 12, 5, 4, 30, tzinfo=UTC)),
        (5, None),
    ]
    assert [(one.line, one.column) for one in found.faults] == [(3, "date"), (4, "time")]
    assert found.columns == {"phone": "number", "date": "time", "time": "time"}


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("time", "03/04/2026 10:00", "2026"),
        ("time", "30 Nov 2026 10:00", "in the past"),
        ("time", "5 Dec", "has no time"),
        ("time", "soon", "isn't a time"),
        ("time", "46000.5", "isn't a time"),
        ("agent", "Welcom", "Did you mean Welcome?"),
        ("agent", "agent_9", "There's no voice agent"),
        ("zone", "Asia/Atlantis", "isn't a time zone"),
        ("batch", "x" * 501, "501 characters"),
        ("metadata.note", "x" * 501, "501 characters"),
    ],
)
def test_a_doubtful_cell_is_a_fault_with_its_line_and_column(column: str, cell: str, why: str) -> None:
    """The row is not read, and nothing in it is mended."""
    found = fault(f"phone,{column}\n98765 43210,{cell}\n")
    assert (found.line, found.column) == (2, column)
    assert why in found.reason


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("64211234567.0", "other digits beside the number"),
        ("9.19877E+11", "A spreadsheet cut its digits"),
        ("98765 43210 ext 5", "can't dial extensions"),
        ("98765 43210 / 98765 43211", "other digits"),
        ("1900 123 456", "isn't a valid number"),
        ("+1 900 234 5678", "premium-rate"),
        ("12345", "too short"),
        ("'98765 43210", "Write it like +91 98765 43210."),
        ("100", "is an emergency number"),
        ("", "A phone number is missing"),
    ],
)
def test_a_doubtful_number_is_a_fault(cell: str, why: str) -> None:
    """Numbers that CallOps never calls are among them."""
    found = fault(f"name,phone\nAsha,{cell}\n")
    assert (found.line, found.column) == (2, "phone")
    assert why in found.reason


def test_every_fault_of_a_row_is_named() -> None:
    """People mend a file once, not cell by cell."""
    found = read("phone,time,agent\n12,soon,Nobody\n")
    assert [(one.line, one.column) for one in found.faults] == [(2, "phone"), (2, "agent"), (2, "time")]


def test_a_fault_shows_no_whole_number() -> None:
    """A number in another column is masked, in a header too."""
    found = read("phone,time,agent\n98765 43210,98765 43211,+91 98765 43212\n")
    assert len(found.faults) == 2
    assert not re.search(r"4321\d", " ".join(re.sub(r"\D", "", one.reason)[:-4] for one in found.faults))


@pytest.mark.parametrize(
    ("cell", "agent"),
    [("Recovery", "Recovery"), ("RECOVERY", "Recovery"), ("agent_2", "Recovery"), ("", "Welcome")],
)
def test_a_voice_agent_is_known_by_its_name_or_its_id(cell: str, agent: str) -> None:
    """A call names its agent as people do. The form's agent stands for an empty cell."""
    assert only(f"phone,agent\n98765 43210,{cell}\n").agent == agent
    assert only(f"phone,agent\n98765 43210,{cell}\n", replace(PLACING, agent="agent_1")).agent == agent


def test_a_raw_agent_id_is_taken_where_the_connection_takes_it() -> None:
    """Elsewhere it is a fault."""
    defaults = replace(PLACING, agents={}, raw_agents=True, agent=None)
    assert only("phone,agent\n98765 43210,ag-77\n", defaults).agent == "ag-77"
    assert fault("phone,agent\n98765 43210,\n", defaults).reason == "A voice agent is missing."


def test_a_row_with_the_same_call_is_a_duplicate() -> None:
    """Another time, or another agent, is another call. Rows with faults have no duplicates."""
    text = (
        "phone,time,agent\n"
        "98765 43210,5 Dec 10:00,\n"
        "+91 98765-43210,2026-12-05T10:00,Welcome\n"
        "98765 43210,5 Dec 11:00,\n"
        "98765 43210,5 Dec 10:00,Recovery\n"
        "98765 43210,soon,\n"
        "98765 43210,5 Dec 10:00,\n"
    )
    found = read(text)
    assert [row.line for row in found.rows] == [2, 4, 5]
    assert found.duplicates == ((3, 2), (7, 2))
    assert [one.line for one in found.faults] == [6]


def test_calls_are_cancelled_by_number_or_by_call_id() -> None:
    """A number needs its voice agent, an id does not. Other columns are not read."""
    by_number = read("phone,agent,time\n98765 43210,Recovery,soon\n98765 43211,,\n", CANCELLING)
    assert [row.action for row in by_number.rows] == [
        CancelCall(target=NumberRef(agent="Recovery", to=A)),
        CancelCall(target=NumberRef(agent="Welcome", to=B)),
    ]
    assert by_number.ignored == ("time",)
    by_id = read("Call ID,name\ncall_1,Asha\n../../x,Ravi\n,Mira\ncall_1,\n", replace(CANCELLING, agent=None))
    assert [row.action for row in by_id.rows] == [CancelCall(target=CallRef(call_id="call_1"))]
    assert [(one.line, one.column) for one in by_id.faults] == [(3, "Call ID"), (4, "Call ID")]
    assert by_id.duplicates == ((5, 2),)


def test_one_column_of_numbers_needs_no_header() -> None:
    """Its rows begin with the first line."""
    found = read("98765 43210\n98765 43211\n1234567\n")
    assert [row.line for row in found.rows] == [1, 2]
    assert [(one.line, one.column) for one in found.faults] == [(3, "column 1")]
    assert found.columns == {"column 1": "number"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The file has no rows."),
        ("\n\n# nothing\n", "The file has no rows."),
        ("phone,name\n", "no rows below its header"),
        ("98765 43210,Asha\n", "The first row has data."),
        ("name,city\nAsha,Pune\n", "No header names the phone numbers. The columns are “name” and “city”."),
        ("amount\n9876543210\n", "The only column is “amount”. Call it “number”."),
        ("name,who\nAsha,98765 43210\n", "Is it “who”? Call that column “number”."),
        ("phone,mobile\n98765 43210,98765 43211\n", "look like phone numbers: “phone” and “mobile”"),
        (
            "phone,alternative\n98765 43210,98765 43211\n",
            "look like phone numbers: “phone” and “alternative”",
        ),
        ("phone,at,when\n98765 43210,,\n", "look like the time: “at” and “when”"),
        ("phone,name,meta.name\n98765 43210,,\n", "look like the name"),
        ("phone,Time (IST)\n98765 43210,10:00\n", "Call the column “Time (IST)” only “time”."),
        ("phone,meta.a b\n98765 43210,1\n", "can't be a name of metadata"),
        ('"phone,name\n98765 43210,Asha\n', "A quotation mark is missing"),
        ("phone\n98765 43210\nAsh\0a\n", "Line 3 isn't UTF-8."),
        ("PK\x03\x04...", "That's a workbook"),
    ],
)
def test_doubt_about_the_whole_file_is_a_question(text: str, why: str) -> None:
    """Nothing of it is read."""
    with pytest.raises(UnreadableListError, match=re.escape(why)):
        read(text)


def test_cancelling_asks_by_what() -> None:
    """A file with numbers and ids has two ways to cancel each call."""
    with pytest.raises(UnreadableListError, match="Keep the one to cancel by"):
        read("phone,call_id\n98765 43210,call_1\n", CANCELLING)
    with pytest.raises(UnreadableListError, match="“number” or “call_id”"):
        read("name\nAsha\n", CANCELLING)


def test_a_list_without_any_voice_agent_is_refused_once() -> None:
    """The same fault in every row would say less."""
    with pytest.raises(UnreadableListError, match="No voice agent is named"):
        read("phone\n98765 43210\n", replace(PLACING, agent=None))


def test_text_that_is_not_unicode_is_refused() -> None:
    """A spreadsheet's own encoding would spoil names."""
    with pytest.raises(UnreadableListError, match="Save the file as “CSV UTF-8”"):
        read_call_list("name,phone\nJürgen,98765 43210\n".encode("cp1252"), PLACING)
    assert read_call_list("name;phone\nJürgen;98765 43210\n".encode("utf-16"), PLACING).rows


def test_a_list_has_a_bounded_number_of_rows() -> None:
    """The limit counts faulty rows, too."""
    rows = ["phone", *["12"] * MOST_ROWS]
    assert len(read("\n".join(rows)).faults) == MOST_ROWS
    with pytest.raises(UnreadableListError, match="more than 20000 rows"):
        read("\n".join([*rows, "12"]))


def big_list(rows: int) -> bytes:
    """Return a list as a spreadsheet writes it, with numbers in three spellings."""
    random = Random(7)  # noqa: S311 - the same rows each time
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["Name", "Phone", "Time", "Agent", "metadata.order"])
    for number in range(rows):
        digits = f"98765{random.randrange(10**5):05}"
        spelt = (digits, f"+91 {digits[:5]} {digits[5:]}", f"+91-{digits[:3]}-{digits[3:]}")[number % 3]
        writer.writerow(
            [f"Asha {number}", spelt, f"2026-12-0{2 + number % 5} 10:{number % 60:02}", "", number]
        )
    return file.getvalue().encode()


def test_ten_thousand_rows_are_read_in_seconds_and_little_memory() -> None:
    """The worst third of the rows is in a spelling that takes all checks."""
    content = big_list(10_000)
    begun = time.process_time()
    found = read_call_list(content, PLACING)
    assert time.process_time() - begun < 10  # twice the bound, for a slow machine
    assert len(found.rows) + len(found.duplicates) == 10_000
    tracemalloc.start()
    read_call_list(big_list(1_000), PLACING)
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


HEADERS = st.sampled_from(
    ["phone", "name", "time", "date", "agent", "zone", "batch", "meta.x", "call_id", "remark", "Phone 2", ""]
)
CELLS = st.one_of(
    st.sampled_from(
        [
            *(
                "98765 43210",
                A,
                "+91-98765-43211",
                "98765 43210.0",
                "9.19E+11",
                "12",
                "#1",
                "# note",
                "Total",
            ),
            *("5 Dec 10:00", "2026-12-05T10:00Z", "03/04/2026 9:00", "10:00", "now", "Welcome", "nobody"),
            *("Asia/Kolkata", "call_1", "", "Asha\nRao", 'a "quote"', "x,y", "\u202e", "٩٨٤٥٠١٢٣٤٥"),
        ]
    ),
    st.text(max_size=20),
)


def written(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a CSV file."""
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


@given(
    st.lists(HEADERS, min_size=1, max_size=5),
    st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=12),
    st.sampled_from([PLACING, CANCELLING]),
)
def test_no_row_is_lost(headers: list[str], rows: list[list[str]], defaults: ListDefaults) -> None:
    """Each row is a call, a duplicate or a fault, and no fault shows a whole number."""
    content = written([headers, *rows]).encode("utf-8", "surrogatepass")
    found = read_or_why(content, defaults)
    if isinstance(found, str):
        assert not shows_a_number(found)
        return
    lines = [line for line, _ in CsvRows(decoded(io.BufferedReader(io.BytesIO(content))))]
    faulty = {one.line for one in found.faults}
    taken = [*(row.line for row in found.rows), *(line for line, _ in found.duplicates), *faulty]
    assert sorted(taken) in (lines[1:], lines)  # a single column may have no header
    assert [one.line for one in found.faults] == sorted(one.line for one in found.faults)
    assert all(row.line not in faulty for row in found.rows)
    assert not any(shows_a_number(one.reason + one.column) for one in found.faults)


def read_or_why(content: bytes, defaults: ListDefaults) -> ReadList | str:
    """Return a file's list, or the sentence why it has none."""
    try:
        return read_call_list(content, defaults)
    except UnreadableListError as why:
        return str(why)


def shows_a_number(text: str) -> bool:
    """Return whether one of the numbers above is in a text, in whatever spelling."""
    digits = "".join(str(int(c)) for c in text if c.isdecimal())
    return "9845012345" in digits or "9845012346" in digits


@given(st.binary(max_size=200), st.sampled_from([PLACING, CANCELLING]))
def test_no_bytes_end_in_a_traceback(content: bytes, defaults: ListDefaults) -> None:
    """A file is read, or there is a sentence."""
    found = read_or_why(content, defaults)
    assert isinstance(found, ReadList) or found.endswith((".", "?"))

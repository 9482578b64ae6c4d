# ruff: noqa: RUF001 - cells as people write them
"""Exports: the cells of a row, escaped formulas, and bounded memory."""

import csv
import io
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.export import COLUMNS, MARK, Format, lines, original, text
from providers.actions import Ending, Kind
from storage.queries import Query
from storage.store import Store
from tests.storage.contract.changes import cancelled
from tests.storage.samples import (
    KEY,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    ended,
    erase,
    placing,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Yield a log with a call, and an approved cancellation of two."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    await log.requests.create(placing(NUMBER))
    made = (await log.requests.create(cancelling(NUMBER, OTHER_NUMBER))).request
    await log.requests.apply(approve(*(record.id for record in made.actions)))
    yield log
    await log.close()


SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻−"
FORMULAS = {
    **{f"{sign}1+1": f"'{sign}1+1" for sign in SIGNS},
    "=cmd|' /C calc'!A1": "'=cmd|' /C calc'!A1",
    "\t=1+1": "'\t'=1+1",
    "\r=1+1": "'\r'=1+1",
    "\n=1+1": "'\n'=1+1",
    "\r\n=1+1": "'\r\n'=1+1",
    "\tcmd": "'\tcmd",
    "\rcmd": "'\rcmd",
    "\ncmd": "'\ncmd",
    " =1+1": "' =1+1",
    "\u00a0\u3000＝1+1": "'\u00a0\u3000＝1+1",
    "\u200b\ufeff=1+1": "'\u200b\ufeff=1+1",
    '"=1+1"': '\'"=1+1"',
    "foo;=1+1": "foo;'=1+1",
    "foo; ＝1+1;@SUM(1)": "foo;' ＝1+1;'@SUM(1)",
    'foo;"=1+1"': 'foo;\'"=1+1"',
    "foo\n=1+1": "foo\n'=1+1",
    "foo\r\n-1+1\t+1": "foo\r\n'-1+1\t'+1",
    "a|@b": "a|'@b",
    ";;=1": ";;'=1",
    "+91\u00a0•••3210": "'+91\u00a0•••3210",
    "'=1+1": "''=1+1",
    "''\t": "'''\t",
    "x;'=1": "x;''=1",
}
"""Text of a cell, and what is written for it."""
HARMLESS = ["", "customer asked", "a=b", "1-2", "it's 5;30", "'tis", "a, -1 and =2", "x;y", "a - b", "a' =1", "me@here", "\u2800"]  # fmt: skip


@pytest.mark.parametrize("wrote", FORMULAS)
def test_no_cell_is_a_formula(wrote: str) -> None:
    """Signs of any width, behind anything, are escaped. Other programs get the text as it is."""
    cells = dict.fromkeys(COLUMNS) | {"reason": wrote, "attempts": -1}
    [row] = csv.DictReader(io.StringIO(text(cells, Format.CSV), newline=""), COLUMNS)
    assert (row["reason"], row["attempts"]) == (FORMULAS[wrote], "-1")
    assert original(row["reason"]) == wrote
    assert json.loads(text(cells, Format.JSONL))["reason"] == wrote


@pytest.mark.parametrize("wrote", FORMULAS)
@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
def test_no_spreadsheet_finds_a_formula(wrote: str, divider: str) -> None:
    """Spreadsheets of any country that split cells at another character find none either."""
    cells = dict.fromkeys(COLUMNS) | {"reason": wrote, "message": wrote, "mode": "live"}
    written = text(cells, Format.CSV)
    for line in csv.reader(io.StringIO(written, newline=""), delimiter=divider):
        for cell in line:
            bare = re.sub(r'^[\s"\u200b\ufeff]+', "", cell)
            assert not bare.startswith(tuple(SIGNS)), cell
            assert not cell.startswith(("\t", "\r", "\n")), cell


@pytest.mark.parametrize("wrote", HARMLESS)
def test_what_is_no_formula_is_written_as_it_is(wrote: str) -> None:
    """An apostrophe is added only where it is needed."""
    cells = dict.fromkeys(COLUMNS) | {"reason": wrote}
    [row] = csv.DictReader(io.StringIO(text(cells, Format.CSV), newline=""), COLUMNS)
    assert row["reason"] == original(row["reason"]) == wrote


@given(st.text(st.sampled_from("'=+-@;|\t\r\n \"a,＝\u200b\u00a0"), max_size=12))
def test_every_cell_is_brought_back(wrote: str) -> None:
    """Apostrophes, separators and signs in a cell come back as they were."""
    cells = dict.fromkeys(COLUMNS) | {"reason": wrote}
    written = text(cells, Format.CSV)
    [row] = csv.DictReader(io.StringIO(written, newline=""), COLUMNS)
    assert original(row["reason"]) == wrote
    assert not re.search(r"(?:^|[;|\t\r\n])[ \"\u200b\u00a0]*[=+\-@＝]", row["reason"])


async def test_the_end_of_a_call_is_in_its_row(store: Store) -> None:
    """The last try counts. An erasure takes the length, and keeps the rest."""
    [called] = (await store.search.page(Query(kind=Kind.PLACE_CALL))).actions

    async def told() -> list[tuple[object, ...]]:
        found = [
            json.loads(line)
            async for line in lines(store, Query(), Format.JSONL, default_region="IN")
            if line
        ]
        return [(row["ended"], row["seconds"], row["tries"]) for row in found]

    assert await told() == [(None, None, None)] * 3
    await store.requests.apply(ended(called.id, Ending.ANSWERED, 1))
    await store.requests.apply(ended(called.id, Ending.BUSY, 0))
    assert await told() == [(None, None, None)] * 2 + [("answered", 42, 2)]
    await erase(store, called.id, actor="U0DPO")
    assert await told() == [(None, None, None)] * 2 + [("answered", None, 2)]


def test_every_cell_stands_in_quotes() -> None:
    """Empty cells and numbers are quoted too, because nothing else tells a spreadsheet where a cell ends."""
    written = text(dict.fromkeys(COLUMNS) | {"id": "A-7K3F", "attempts": 2}, Format.CSV)
    assert re.fullmatch(r'(?:"[^"]*",)+"[^"]*"\r\n', written)
    assert written.startswith('"A-7K3F",')


def test_a_long_cell_takes_no_longer_than_its_length_says() -> None:
    """Cells of only separators, blanks, apostrophes or signs take linear time."""
    for piece in (";", " ", "'", "=", "; ", ";'", '"', "\t", "\u200b"):
        wrote = piece * 60_000
        cells = dict.fromkeys(COLUMNS) | {"reason": wrote}
        begin = time.process_time()
        [row] = csv.DictReader(io.StringIO(text(cells, Format.CSV), newline=""), COLUMNS)
        assert original(row["reason"]) == wrote
        assert time.process_time() - begin < 5


def test_a_line_is_as_the_standard_has_it() -> None:
    """Quotes, commas and line ends stand in quotes. A line ends with CR and LF."""
    cells = dict.fromkeys(COLUMNS) | {"reason": 'she said "no",\ntwice'}
    written = text(cells, Format.CSV)
    assert '"she said ""no"",\ntwice"' in written
    assert written.endswith("\r\n")
    assert next(csv.reader(io.StringIO(written, newline="")))[COLUMNS.index("reason")] == cells["reason"]


@pytest.mark.parametrize("full", [False, True])
async def test_every_entry_is_a_line(store: Store, full: bool) -> None:  # noqa: FBT001 - a case
    """The newest action is first, with its requester and approver.

    Numbers are masked unless full ones are wanted.
    """
    written = [line async for line in lines(store, Query(), Format.JSONL, default_region="IN", full=full)]
    rows = [json.loads(line) for line in written if line]
    shown = (NUMBER, OTHER_NUMBER) if full else ("+91\u00a0•••3210", "+91\u00a0•••3211")
    assert [row["target"] for row in rows] == [shown[1], shown[0], shown[0]]
    assert (rows[0]["state"], rows[0]["status"]) == ("approved", "Sending")
    assert (rows[0]["asked_by"], rows[0]["decided_by"]) == ("U0AGENT", "U0MANAGER")
    assert rows[0]["asked_at"] == "2026-03-02T12:00:00.123Z"
    assert [tuple(row) for row in rows] == [COLUMNS] * 3
    assert full == (NUMBER in "".join(written))


@pytest.mark.parametrize("format_", Format)
async def test_a_call_that_was_cancelled_is_not_counted_as_called(tmp_path: Path, format_: Format) -> None:
    """The call's line names the request that cancelled it. The cancellation's own line names none."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    _, cancel = await cancelled(log, clock)
    written = "".join([line async for line in lines(log, Query(), format_, default_region="IN")])
    await log.close()
    if format_ is Format.CSV:
        rows = list(csv.DictReader(io.StringIO(written.removeprefix(MARK), newline="")))
    else:
        rows = [json.loads(line) for line in written.splitlines()]
    told = [(row["kind"], row["state"], row["status"], row["cancelled_by"] or None) for row in rows]
    assert told == [
        ("cancel_call", "succeeded", "Cancelled", None),
        ("place_call", "succeeded", "Cancelled", cancel.id),
    ]


async def test_a_spreadsheet_knows_the_file(store: Store) -> None:
    """The file begins with the byte-order mark of UTF-8 and the columns' names, and respects the limit."""
    first, *others = [
        line async for line in lines(store, Query(number=NUMBER), Format.CSV, default_region="IN", most=1)
    ]
    assert first == MARK + ",".join(f'"{column}"' for column in COLUMNS) + "\r\n"
    [row] = others
    assert "'+91\u00a0•••3210" in row

"""Exports: what a line holds, what a spreadsheet must not take for a formula, and that no memory fills up."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.exporting import COLUMNS, MARK, Format, lines, text
from storage.entries import Query
from storage.sqlite import SQLiteLog
from tests.storage.contract.changes import cancelled
from tests.storage.samples import KEY, NUMBER, OTHER_NUMBER, Clock, approve, cancelling, placing


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SQLiteLog]:
    """A log with a call, and a cancellation of two that was approved."""
    log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=Clock())
    await log.record(placing(NUMBER))
    made = (await log.record(cancelling(NUMBER, OTHER_NUMBER))).request
    await log.apply(approve(*(entry.id for entry in made.entries)))
    yield log
    await log.close()


@pytest.mark.parametrize("begins", list("=+-@\t\r"))
def test_no_cell_is_a_formula(begins: str) -> None:
    """What a spreadsheet would calculate begins with an apostrophe; other programs get it as it is."""
    cells = dict.fromkeys(COLUMNS) | {"reason": f"{begins}cmd|' /C calc'!A1", "attempts": -1}
    [row] = csv.DictReader(io.StringIO(text(cells, Format.CSV), newline=""), COLUMNS)
    assert (row["reason"], row["attempts"]) == (f"'{begins}cmd|' /C calc'!A1", "-1")
    assert json.loads(text(cells, Format.JSONL))["reason"] == f"{begins}cmd|' /C calc'!A1"


def test_a_line_is_as_the_standard_has_it() -> None:
    """Quotes, commas and line ends stand in quotes; a line ends with CR and LF."""
    cells = dict.fromkeys(COLUMNS) | {"reason": 'she said "no",\ntwice'}
    written = text(cells, Format.CSV)
    assert '"she said ""no"",\ntwice"' in written
    assert written.endswith("\r\n")
    assert next(csv.reader(io.StringIO(written, newline="")))[COLUMNS.index("reason")] == cells["reason"]


@pytest.mark.parametrize("full", [False, True])
async def test_every_entry_is_a_line(log: SQLiteLog, full: bool) -> None:  # noqa: FBT001 - a case
    """Newest first, with who asked and who decided; numbers are masked unless full ones are asked for."""
    written = [line async for line in lines(log, Query(), Format.JSONL, default_region="IN", full=full)]
    rows = [json.loads(line) for line in written if line]
    shown = (NUMBER, OTHER_NUMBER) if full else ("+91 ••••• •3210", "+91 ••••• •3211")
    assert [row["target"] for row in rows] == [shown[1], shown[0], shown[0]]
    assert (rows[0]["state"], rows[0]["in_words"]) == ("approved", "about to be sent")
    assert (rows[0]["asked_by"], rows[0]["decided_by"]) == ("U0AGENT", "U0MANAGER")
    assert rows[0]["asked_at"] == "2026-03-02T12:00:00.123Z"
    assert [tuple(row) for row in rows] == [COLUMNS] * 3
    assert full == (NUMBER in "".join(written))


@pytest.mark.parametrize("format_", Format)
async def test_a_call_that_was_cancelled_is_not_counted_as_called(tmp_path: Path, format_: Format) -> None:
    """Its line says so, and by which request; the cancellation itself was cancelled by none."""
    clock = Clock()
    log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=clock)
    _, cancel = await cancelled(log, clock)
    written = "".join([line async for line in lines(log, Query(), format_, default_region="IN")])
    await log.close()
    if format_ is Format.CSV:
        rows = list(csv.DictReader(io.StringIO(written.removeprefix(MARK), newline="")))
    else:
        rows = [json.loads(line) for line in written.splitlines()]
    told = [(row["kind"], row["state"], row["in_words"], row["cancelled_by"] or None) for row in rows]
    assert told == [
        ("cancel_call", "succeeded", "done", None),
        ("place_call", "succeeded", "cancelled", cancel.id),
    ]


async def test_a_spreadsheet_knows_the_file(log: SQLiteLog) -> None:
    """It begins with the mark of UTF-8 and the columns' names, and no more entries come than are wanted."""
    first, *others = [
        line async for line in lines(log, Query(number=NUMBER), Format.CSV, default_region="IN", most=1)
    ]
    assert first == MARK + ",".join(COLUMNS) + "\r\n"
    [row] = others
    assert "'+91 ••••• •3210" in row

"""`python -m bot stop import | list | remove`: do-not-call lists at a terminal.

A list is a file with a number on each line, or in a column of a CSV file. All of it is read before any of it
is written: where a line cannot be read nothing is imported, unless the bad lines are to be left out. Only
keyed hashes reach the log.
"""

import argparse
import asyncio
import base64
import csv
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.loading import database_path, is_key, look
from bot.terminal import cell, complain, say, say_json
from bot.words import counted
from providers import phone
from providers.phone import PhoneFault
from storage.connection import CannotOpen
from storage.entries import SYSTEM
from storage.sqlite import SQLiteLog

OK, WRONG, CANNOT_START = 0, 1, 2
COLUMNS: Final = ("number", "phone", "phone_number", "phone number", "mobile", "msisdn", "tel", "to")
"""What the column with the numbers may be called, in small letters."""
SHOWN: Final = 20
"""Bad lines that are named one by one; further ones are counted."""
_LIST_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds: numbers, each once, and what is wrong with which line. No fault shows a number."""

    numbers: frozenset[str]
    lines: int
    faults: tuple[tuple[int, str], ...]


def read(text: str, *, default_region: str) -> Read:
    """Read a do-not-call list. Empty lines and those that begin with # are passed over."""
    rows = [
        (line, [cell.strip() for cell in cells])
        for line, cells in _rows(text)
        if any(map(str.strip, cells)) and not cells[0].lstrip().startswith("#")
    ]
    column = 0
    if rows and (named := [n for n, cell in enumerate(rows[0][1]) if cell.casefold() in COLUMNS]):
        column, rows = named[0], rows[1:]
    numbers: set[str] = set()
    faults: list[tuple[int, str]] = []
    for line, cells in rows:
        try:
            typed = cells[column] if column < len(cells) else ""
            numbers.add(phone.read(typed, default_region=default_region, premium=True).e164)
        except PhoneFault as fault:
            faults.append((line, str(fault)))
    return Read(frozenset(numbers), len(rows), tuple(faults))


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """The cells of each line, with its number."""
    dialect = ";" if ";" in text.split("\n", 1)[0] else ","
    reader = csv.reader(text.splitlines(), delimiter=dialect)
    return [(reader.line_num, cells) for cells in reader]


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run one of the commands and return the exit status."""
    faults: list[str] = []
    path = database_path(variables.get("DATABASE_URL") or None, faults)
    key = variables.get("CALLOPS_KEY") or ""
    if not is_key(key):
        faults.append("CALLOPS_KEY is not set: numbers are kept as hashes under the log's own key")
    if chosen.stopping != "import" and not path.exists():
        faults.append(f"There is no log at {path}: is DATABASE_URL right?")
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
        return CANNOT_START
    try:
        return asyncio.run(_run(chosen, path, base64.b64decode(key), variables))
    except (CannotOpen, OSError, UnicodeDecodeError, csv.Error) as error:
        complain(str(error))
        return CANNOT_START


async def _run(chosen: argparse.Namespace, path: Path, key: bytes, variables: Mapping[str, str]) -> int:
    found: Read | None = None
    if chosen.stopping == "import":
        found = _read_file(chosen, variables)
        if found is None:
            return WRONG
    log = await SQLiteLog.open(path, key=key, clock=lambda: datetime.now(UTC))
    try:
        match chosen.stopping:
            case "import" if found is not None:
                return await _import(log, _name(chosen), found)
            case "remove":
                return await _remove(log, chosen.list)
            case _:
                return await _list(log, as_json=chosen.json)
    finally:
        await log.close()


def _name(chosen: argparse.Namespace) -> str:
    return str(chosen.list or Path(chosen.file).stem)


def _read_file(chosen: argparse.Namespace, variables: Mapping[str, str]) -> Read | None:
    """What is to be imported; None where nothing is, and why was said."""
    if not _LIST_NAME.fullmatch(_name(chosen)):
        print(
            "A list's name is letters, digits, dots and dashes: choose it with --list NAME.", file=sys.stderr
        )
        return None
    slack = look(variables).slack
    region = chosen.region or (slack.default_region if slack else "")
    if region not in phone.REGIONS:
        where = "say --region IN, or write default_region in callops.toml"
        print(f"In which country are numbers without a plus? {where}.", file=sys.stderr)
        return None
    found = read(Path(chosen.file).read_text(encoding="utf-8-sig"), default_region=region)
    if found.faults:
        for line, fault in found.faults[:SHOWN]:
            print(f"line {line}: {fault}", file=sys.stderr)
        if (more := len(found.faults) - SHOWN) > 0:
            print(f"… and {more} more lines", file=sys.stderr)
        if not chosen.leave_out_bad_lines:
            bad = counted(len(found.faults), "line")
            mend = "Mend the file, or import the rest with --leave-out-bad-lines."
            print(f"Nothing was imported: {bad} cannot be read. {mend}", file=sys.stderr)
            return None
    if not found.numbers:
        print(f"Nothing was imported: {chosen.file} holds no number.", file=sys.stderr)
        return None
    return found


async def _import(log: SQLiteLog, name: str, found: Read) -> int:
    imported = await log.add_list(name, found.numbers, actor=SYSTEM)
    left_out = f" {counted(len(found.faults), 'line')} left out." if found.faults else ""
    if imported.id is None:
        print(f"The list {name} has {counted(len(found.numbers), 'number')} of the file already.{left_out}")
    else:
        print(
            f"{counted(imported.added, 'number')} added to the list {name}, which has {imported.numbers} now "
            f"({imported.id}).{left_out}"
        )
    return WRONG if found.faults else OK


async def _remove(log: SQLiteLog, name: str) -> int:
    removed = await log.remove_list(name, actor=SYSTEM)
    if not removed:
        print(f"There is no list {name}.", file=sys.stderr)
        return CANNOT_START
    print(f"The list {name} is removed. It blocks {counted(removed, 'number')} no longer.")
    return OK


async def _list(log: SQLiteLog, *, as_json: bool) -> int:
    counted = await log.stopped_numbers()
    people, lists = counted.get(None, 0), {name: count for name, count in counted.items() if name}
    if as_json:
        say_json({"stopped_by_people": people, "lists": lists})
        return OK
    print(f"{people} stopped by people")
    for name, count in lists.items():
        say(f"{count} on the list {cell(name)}")
    return OK

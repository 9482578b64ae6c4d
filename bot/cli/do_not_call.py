"""`python -m bot stop import | list | remove`: do-not-call lists at a terminal.

All of a file is read before any of it is written. Where a line cannot be read nothing is imported, unless the
bad lines are to be left out. Only keyed hashes reach the log.
"""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.cli.do_not_call_file import Read, read
from bot.cli.progress import bar
from bot.config.environment import database_path, existing_log, log_key
from bot.config.loader import read_config
from bot.parsing.csv_file import UnreadableListError, decoded
from bot.parsing.csv_headers import visible
from bot.text.formatting import closest, counted, listed
from bot.text.terminal import cell, complain, say, say_json
from providers import phone
from providers.masking import mask_numbers
from storage.database.connection import UNREADABLE, CannotOpenLogError
from storage.errors import LogBusyError
from storage.models import SYSTEM
from storage.repositories.do_not_call_lists import Imported, ImportSupersededError
from storage.store import Store

OK, WRONG, CANNOT_START, INTERRUPTED = 0, 1, 2, 130
LINES_A_STEP: Final = 1000
"""Lines between two steps of the progress bar."""
_LIST_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
_LONG = re.compile(r"\d{9,}")
"""More digits than a date has, which may be a number without a plus in some country."""


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run one of the commands and return the exit status."""
    faults: list[str] = []
    if chosen.stopping == "import":  # which makes the log where there is none
        path = database_path(variables.get("DATABASE_URL") or None, faults)
    else:
        path = existing_log(variables, faults)
    key = log_key(variables, faults)
    if faults or key is None:
        complain(*faults)
        return CANNOT_START
    if chosen.stopping == "import":
        return _import(chosen, path, key, variables)
    try:
        return asyncio.run(_list_or_remove(chosen, path, key))
    except LogBusyError:
        raise
    except (CannotOpenLogError, *UNREADABLE) as error:
        complain(str(error))
        return CANNOT_START


@asynccontextmanager
async def _opened(path: Path, key: bytes) -> AsyncIterator[Store]:
    log = await Store.open(path, key=key, clock=lambda: datetime.now(UTC))
    try:
        yield log
    finally:
        await log.close()


def _import(chosen: argparse.Namespace, path: Path, key: bytes, variables: Mapping[str, str]) -> int:
    """Import a file, or say what that would do, and return the exit status."""
    imported: list[Imported] = []  # filled as soon as it is so, whatever happens then
    try:
        found = _read_file(chosen, variables)
        _check(chosen, found)
        shown = sys.stdout if chosen.dry_run else sys.stderr
        say(*_summary(chosen, path, found), to=shown)
        shown.flush()
        if chosen.dry_run:
            new = _count_new(chosen, path, key, found)
            say(_forecast(_name(chosen), found, new=new), _dry_run(chosen, found))
        else:
            asyncio.run(_write(chosen, path, key, found, imported))
    except (UnreadableListError, ImportSupersededError) as why:
        complain(f"Nothing was imported: {why}")
        return WRONG
    except LogBusyError:
        raise  # the command line says what to do
    except (CannotOpenLogError, OSError, *UNREADABLE) as error:
        complain(str(error) if imported else f"Nothing was imported: {error}")
        return CANNOT_START
    except KeyboardInterrupt:
        if not imported:
            complain("Interrupted: nothing was imported.")
        return INTERRUPTED
    return WRONG if found.bad else OK


def _name(chosen: argparse.Namespace) -> str:
    return str(chosen.list or Path(chosen.file).stem)


def _read_file(chosen: argparse.Namespace, variables: Mapping[str, str]) -> Read:
    """Read the file that is to be imported. Raises `UnreadableListError`."""
    if not _LIST_NAME.fullmatch(_name(chosen)):
        raise UnreadableListError(
            "A list's name has letters, digits, dots and dashes. Choose one with --list NAME."
        )
    slack = read_config(variables).slack
    region = (chosen.region or (slack.default_region if slack else "")).upper()
    if region not in phone.REGIONS:
        where = "Add --region IN, or set default_region in callops.toml."
        raise UnreadableListError(f"Which country are numbers without a plus in? {where}")
    if any(mask_numbers(one, default_region=region) != one for one in _LONG.findall(_name(chosen))):
        raise UnreadableListError(
            "This list's name has a phone number, and names stay in the log. Choose another with --list NAME."
        )
    with Path(chosen.file).open("rb") as file:
        size = os.fstat(file.fileno()).st_size  # 0 for a pipe: then there is no bar

        def lines() -> Iterator[str]:
            for number, line in enumerate(decoded(file)):
                yield line
                if size and number % LINES_A_STEP == 0:
                    shown.update(file.tell() - shown.pos)

        with bar("Reading", size) as shown:
            return read(lines(), default_region=region, columns=chosen.column)


def _check(chosen: argparse.Namespace, found: Read) -> None:
    """Name what is bad in a file. Raises `UnreadableListError` where nothing of it is to be imported."""
    for line, why in found.faults:
        complain(f"line {line}: {why}")
    bad = found.bad.total()
    if more := bad - len(found.faults):
        complain(f"… and {more} more. All {bad} by reason:")
        for why, times in found.bad.most_common():
            complain(f"  {times} times: {why}")
    if bad and not (chosen.leave_out_bad_lines or chosen.dry_run):
        mend = "Fix the file, or import the rest with --leave-out-bad-lines."
        raise UnreadableListError(f"{found.counted(bad)} can't be read. {mend}")
    if not found.numbers:
        raise UnreadableListError(f"{visible(Path(chosen.file).name)} has no numbers.")


def _count_new(chosen: argparse.Namespace, path: Path, key: bytes, found: Read) -> int:
    """Return how many numbers an import would add, and change nothing. Raises `CannotOpenLogError`."""
    if not path.exists():
        return len(found.numbers)

    async def count() -> int:
        async with _opened(path, key) as log:
            return await log.do_not_call_lists.unlisted(_name(chosen), found.numbers)

    return asyncio.run(count())


async def _write(
    chosen: argparse.Namespace, path: Path, key: bytes, found: Read, imported: list[Imported]
) -> None:
    """Add the numbers to their list. Raises `CannotOpenLogError` and `ImportSupersededError`."""
    name = _name(chosen)
    async with _opened(path, key) as log:
        new = await log.do_not_call_lists.unlisted(name, found.numbers)
        say(_forecast(name, found, new=new), to=sys.stderr)
        with bar("Writing", len(found.numbers) if new else 0) as shown:
            imported.append(
                await log.do_not_call_lists.add(name, found.numbers, actor=SYSTEM, progress=shown.update)
            )
        say(_outcome(name, found, imported[0]))


def _summary(chosen: argparse.Namespace, path: Path, found: Read) -> Iterator[str]:
    """Say what was read, and how. No number is shown whole."""
    columns = f": {listed(found.columns, 'and')}" if found.columns else ""
    others = f" Not read: {listed(found.others, 'and')}." if found.others else ""
    yield f"Read {found.counted(found.cells)} of {visible(Path(chosen.file).name)}{columns}.{others}"
    if found.comments:
        yield f"Skipped {counted(found.comments, 'comment')}."
    if found.bad:
        yield f"Skipped {found.counted(found.bad.total())} that can't be read."
    yield f"Numbers without a plus are read as {found.region} numbers."
    countries = [f"{country} {numbers}" for country, numbers in found.countries.most_common()]
    yield f"{counted(len(found.numbers), 'different number')}: {', '.join(countries)}."
    yield f"First: {', '.join(found.first)}."
    if not path.exists():
        yield f"There's no log at {path} yet. An import creates it."


def _forecast(name: str, found: Read, *, new: int) -> str:
    return f"New to the list {name}: {counted(new, 'number')}. Already on it: {len(found.numbers) - new}."


def _dry_run(chosen: argparse.Namespace, found: Read) -> str:
    if found.bad and not chosen.leave_out_bad_lines:
        return (
            "Dry run: nothing was written. An import would refuse this file. "
            "With --leave-out-bad-lines it would import the rest."
        )
    return "Dry run: nothing was written. An import would block the new numbers."


def _outcome(name: str, found: Read, imported: Imported) -> str:
    bad = found.bad.total()
    left_out = f" {found.counted(bad)} skipped." if bad else ""
    if imported.id is None:
        return (
            f"The list {name} already has the {counted(len(found.numbers), 'number')} of this file.{left_out}"
        )
    return (
        f"{counted(imported.added, 'number')} added to the list {name}, which now has {imported.numbers} "
        f"({imported.id}).{left_out}"
    )


async def _list_or_remove(chosen: argparse.Namespace, path: Path, key: bytes) -> int:
    async with _opened(path, key) as log:
        if chosen.stopping == "remove":
            return await _remove(log, chosen.list)
        return await _list(log, as_json=chosen.json)


async def _remove(store: Store, name: str) -> int:
    lists = [known for known in await store.do_not_call.stopped_numbers() if known]
    unfinished = [one.id for one in await store.do_not_call_lists.unfinished_imports() if one.list == name]
    removed = await store.do_not_call_lists.remove(name, actor=SYSTEM)
    if removed:
        say(f"The list {name} is removed. It no longer blocks {counted(removed, 'number')}.")
        say("Numbers blocked by people or by another list stay blocked.")
        return OK
    if unfinished:
        say(f"The unfinished import {unfinished[0]} is removed. It blocked no numbers.")
        return OK
    meant = closest(name, lists)
    complain(f"Unknown list “{visible(name)}”.{f' Did you mean {meant}?' if meant else ''}")
    return CANNOT_START


async def _list(store: Store, *, as_json: bool) -> int:
    numbers = await store.do_not_call.stopped_numbers()
    people, lists = numbers.get(None, 0), {name: count for name, count in numbers.items() if name}
    unfinished = await store.do_not_call_lists.unfinished_imports()
    if as_json:
        shown: dict[str, object] = {"stopped_by_people": people, "lists": lists}
        if unfinished:
            shown["unfinished"] = {one.list: one.id for one in unfinished}
        say_json(shown)
        return OK
    say(f"{people} blocked by people")
    for name, count in lists.items():
        say(f"{count} on the list {cell(name)}")
    for one in unfinished:
        say(
            f"An import into the list {cell(one.list)} began on {one.began_at:%Y-%m-%d %H:%M} UTC "
            f"({one.id}). "
            "It isn't finished and blocks nothing. If it stopped, import the file again."
        )
    return OK

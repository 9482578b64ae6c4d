"""`python -m bot import FILE --dry-run`: checks a call list at a terminal, and requests nothing."""

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from bot.config.loader import ConfigReport, read_config
from bot.config.settings import DispatchSettings
from bot.parsing import times
from bot.parsing.call_list import ListDefaults, ListRow, ReadList, UnreadableListError, read_call_list
from bot.parsing.command import ConnectionInfo
from bot.parsing.csv_headers import visible
from bot.parsing.vocabulary import words_of
from bot.policy import timezones
from bot.slack.files import MOST_BYTES
from bot.text import parse_errors
from bot.text.formatting import closest, counted, listed
from bot.text.terminal import complain, say
from providers import phone
from providers.actions import CallRef, Kind, NumberRef, PlaceCall
from providers.registry import find

OK, WRONG, CANNOT_START = 0, 1, 2
FIRST: Final = 5
"""Rows that are shown, with masked numbers."""


@dataclass(frozen=True, slots=True)
class _Through:
    """The connection that a list is checked for, with its voice agents by name."""

    name: str
    words: ConnectionInfo
    agents: Mapping[str, str]


class _CannotCheckError(Exception):
    """The reason why a list cannot be checked, as a sentence."""


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Check a file and return the exit status: 1 if a row cannot be read."""
    if not chosen.dry_run:
        complain(
            "Lists are requested in Slack with /calls import, because there it is known who asks. "
            "Add --dry-run to check a file here."
        )
        return CANNOT_START
    found = read_config(variables)
    if found.file_faults:
        complain(*found.file_faults)
        return CANNOT_START
    kind = Kind.CANCEL_CALL if chosen.cancel else Kind.PLACE_CALL
    try:
        through = _through(chosen.via, kind, _connections(found))
        defaults = _defaults(chosen, kind, through, found.default_region)
        read = read_call_list(_content(chosen.file), defaults)
    except _CannotCheckError as why:
        complain(str(why))
        return CANNOT_START
    except UnreadableListError as why:
        complain(f"{visible(Path(chosen.file).name)}: {why}")
        return WRONG
    faults = [*_row_faults(read), *_unsupported(read.rows, through)]
    say(*_summary(chosen, read, defaults, through))
    complain(*faults)
    return WRONG if faults else OK


def _connections(found: ConfigReport) -> list[_Through]:
    """Return the enabled connections. No request is made."""
    deadline = (found.dispatch or DispatchSettings()).deadline.total_seconds()

    async def read() -> list[_Through]:
        connections = []
        for name, one in found.connections.items():
            adapter = find(one.provider)(one.settings, deadline=deadline, clock=lambda: datetime.now(UTC))
            agents = {agent: adapter.agent_id(agent) or agent for agent in adapter.agents}
            connections.append(_Through(name, words_of(adapter), agents))
            await adapter.aclose()
        return connections

    return asyncio.run(read())


def _through(name: str | None, kind: Kind, connections: list[_Through]) -> _Through:
    """Return the connection by its name, or the only one that can do it. Raises `_CannotCheckError`."""
    able = [one for one in connections if kind in one.words.kinds]
    names = [one.name for one in able]
    if name:
        found = next((one for one in able if one.name == name), None)
        if found is None:
            raise _CannotCheckError(parse_errors.no_connection(name, names))
        return found
    if len(able) != 1:
        verb = "cancel" if kind is Kind.CANCEL_CALL else "place"
        which = f"Choose one with --via: {listed(names, 'or')}." if able else "Enable one in callops.toml."
        raise _CannotCheckError(f"{len(able) or 'No'} connections can {verb} calls. {which}")
    return able[0]


def _defaults(chosen: argparse.Namespace, kind: Kind, through: _Through, region: str) -> ListDefaults:
    """Return the values for rows without their own. Raises `_CannotCheckError`."""
    now, names = datetime.now(UTC), list(through.agents)
    agent = chosen.agent or (names[0] if len(names) == 1 else None)
    if agent and agent not in names and not through.words.raw_agents:
        meant = closest(agent, names)
        more = f" {parse_errors.DID_YOU_MEAN.format(meant)}" if meant else ""
        raise _CannotCheckError(f"{parse_errors.no_agent(agent, names, through.name)}{more}")
    try:
        zone = timezones.read(chosen.zone)
        at = times.read(chosen.at, zone=zone, now=now).at if chosen.at else None
    except (timezones.InvalidZoneError, times.InvalidTimeError) as why:
        raise _CannotCheckError(str(why)) from None
    return ListDefaults(
        kind=kind,
        region=region,
        agents=through.agents,
        agent=agent,
        raw_agents=through.words.raw_agents,
        at=at,
        zone=zone,
        now=now,
    )


def _content(name: str) -> bytes:
    """Return a file's bytes. Raises `_CannotCheckError`."""
    try:
        with Path(name).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise _CannotCheckError(f"There's no file {visible(name)}.") from None
    except IsADirectoryError:
        raise _CannotCheckError(f"{visible(name)} is a folder. Name a CSV file.") from None
    except OSError as error:
        raise _CannotCheckError(f"{visible(name)} can't be read: {error.strerror}.") from None
    if len(content) > MOST_BYTES:
        raise _CannotCheckError(f"{visible(name)} has more than 8 MB. Divide it into several files.")
    return content


def _summary(
    chosen: argparse.Namespace, read: ReadList, defaults: ListDefaults, through: _Through
) -> Iterator[str]:
    """Say what was read, and how. No number is shown whole."""
    verb = "cancel" if chosen.cancel else "place"
    name = visible(Path(chosen.file).name)
    yield f"{name}: {counted(len(read.rows), 'call')} to {verb} through {through.name}."
    columns = [f"“{header}” as {meaning}" for header, meaning in read.columns.items()]
    yield f"Columns read: {listed(columns, 'and')}."
    if read.ignored:
        yield f"Columns ignored: {listed([f'“{one}”' for one in read.ignored], 'and')}."
    yield f"Numbers without a plus are read as {defaults.region} numbers, and times in {defaults.zone}."
    if countries := Counter(map(_country, filter(None, map(_number, read.rows)))):
        yield f"Countries: {', '.join(f'{country} {times}' for country, times in countries.most_common())}."
    for row in read.rows[:FIRST]:
        yield f"line {row.line}: {_shown(row, defaults.zone)}"
    if read.duplicates:
        pairs = ", ".join(f"line {line} (as line {first})" for line, first in read.duplicates)
        yield f"Left out, because the same call stands above: {pairs}."
    bad = len({one.line for one in read.faults})
    yield f"{counted(bad, 'row')} can't be read." if bad else "Every row can be read."
    yield f"SHA-256: {read.sha256}"
    yield "Dry run: nothing was requested."


def _number(row: ListRow) -> str | None:
    match row.action:
        case PlaceCall(to=to):
            return to
        case _:
            return row.action.target.to if isinstance(row.action.target, NumberRef) else None


def _country(e164: str) -> str:
    return phone.read(e164, default_region="ZZ").country


def _shown(row: ListRow, zone: str) -> str:
    """Return a row's call with its number masked."""
    if isinstance(row.action, PlaceCall):
        at = f"{row.action.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}" if row.action.at else "now"
        return f"{phone.mask(row.action.to)}, {visible(row.action.agent)}, {at}"
    if isinstance(row.action.target, CallRef):
        return row.action.target.call_id
    return f"{phone.mask(row.action.target.to)}, {visible(row.action.target.agent)}"


def _row_faults(read: ReadList) -> Iterator[str]:
    for one in read.faults:
        yield f"line {one.line}{f', {one.column}' if one.column else ''}: {one.reason}"


def _unsupported(rows: Iterable[ListRow], through: _Through) -> Iterator[str]:
    """Say what the connection cannot do, once for all rows."""
    wanted: set[str] = set()
    for row in rows:
        if isinstance(row.action, PlaceCall):
            wanted |= row.action.optional_fields
        elif row.action.target.by != through.words.cancels_by:
            ids = through.words.cancels_by == "call_id"
            yield f"{through.words.title} cancels calls by {'call ID' if ids else 'number'} only."
            return
    for field in sorted(wanted - through.words.fields):
        yield parse_errors.takes_no(through.words.title, field)

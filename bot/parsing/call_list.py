"""Reads a call list: a CSV file whose rows are calls to place, or to cancel.

    number,name,time,agent
    98765 43210,Asha Rao,2026-12-05 10:00,Welcome

Nothing is guessed. A doubtful cell is a fault with its line and column, and the other rows stay valid. Doubt
about the whole file is an `UnreadableListError`.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Final

from bot.parsing import times
from bot.parsing.call_list_columns import (
    AGENT,
    BATCH,
    CALL_ID,
    DATE,
    METADATA,
    NAME,
    NUMBER,
    TIME,
    ZONE,
    ListColumns,
    read_columns,
)
from bot.parsing.command import PLAIN_INTEGER
from bot.parsing.csv_file import CsvRows, UnreadableListError, decoded, row_fault
from bot.parsing.number_cells import read_cell
from bot.parsing.options import MAX_TEXT
from bot.parsing.targets import id_problem
from bot.policy import timezones
from bot.text import csv_files, parse_errors
from bot.text.formatting import closest
from providers import phone
from providers.actions import CallRef, CancelCall, Kind, NumberRef, PlaceCall
from providers.masking import mask_numbers
from providers.phone import InvalidNumberError

__all__ = ["ListDefaults", "ListFault", "ListRow", "ReadList", "UnreadableListError", "read_call_list"]

MOST_ROWS: Final = 20_000
"""Rows of a list, at most."""
_SAMPLE: Final = 100
"""Rows that are looked at before the meaning of the columns is decided."""
_LONGEST_AGENT: Final = 128
"""Characters, the limit of `providers.actions.AgentName`."""
_WORKBOOK: Final = b"PK\x03\x04"
"""The beginning of a ZIP archive, which a workbook is."""


@dataclass(frozen=True, slots=True)
class ListDefaults:
    """The values for rows that do not say their own.

    ``kind`` is `Kind.PLACE_CALL` or `Kind.CANCEL_CALL`. ``region`` is that of numbers without a plus.
    ``agents`` maps the names of the connection's voice agents to their ids. ``agent`` is the voice agent of
    rows without one, by name or id. ``raw_agents`` accepts a provider's own agent id. ``at`` is the time of
    rows without one. ``zone`` is the zone in which times are read. ``now`` is aware.
    """

    kind: Kind
    region: str
    agents: Mapping[str, str]
    agent: str | None
    raw_agents: bool
    at: datetime | None
    zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row that can be requested. ``line`` is its first line in the file, from 1.

    ``zone`` is the recipient's time zone, an IANA name.
    """

    line: int
    action: PlaceCall | CancelCall
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class ListFault:
    """A cell or row that cannot be read. ``reason`` holds no whole phone number.

    ``column`` is the text of the column's header, or "column 3". It is empty for a whole row.
    """

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadList:
    """The rows of a file, and its faults. Both are in the order of the file.

    ``sha256`` is the hash of the file's bytes in hex. ``duplicates`` are pairs of lines: a row that is left
    out, and the first row with the same number, voice agent and time. ``columns`` maps each header that was
    read to its meaning. ``ignored`` are the other headers.
    """

    sha256: str
    rows: tuple[ListRow, ...]
    faults: tuple[ListFault, ...]
    duplicates: tuple[tuple[int, int], ...]
    columns: Mapping[str, str]
    ignored: tuple[str, ...]


def read_call_list(content: bytes, defaults: ListDefaults) -> ReadList:
    """Read the bytes of a CSV file. Raises `UnreadableListError` if no row can be read at all."""
    if content.startswith(_WORKBOOK):
        raise UnreadableListError(csv_files.WORKBOOK)
    rows = iter(CsvRows(decoded(io.BufferedReader(io.BytesIO(content)))))
    sample = list(islice(rows, _SAMPLE))
    filled = [cells for _, cells in sample if cells]
    if not filled:
        raise UnreadableListError(csv_files.NO_ROWS)
    if not sample[0][1]:
        raise UnreadableListError(csv_files.HEADER_QUOTE_MISSING)
    columns = read_columns(filled, defaults.kind, region=defaults.region)
    reader = _RowReader(defaults, columns)
    for line, cells in islice(chain(sample, rows), int(bool(columns.headers)), None):
        reader.take(line, cells)
    if not reader.taken:
        raise UnreadableListError(csv_files.NO_ROWS_BELOW_HEADER)
    return ReadList(
        hashlib.sha256(content).hexdigest(),
        tuple(reader.rows),
        tuple(reader.faults),
        tuple(reader.duplicates),
        columns.read,
        columns.ignored,
    )


class _RowReader:
    """Reads rows, and collects the good ones, the faults and the duplicates."""

    def __init__(self, defaults: ListDefaults, columns: ListColumns) -> None:
        self.rows: list[ListRow] = []
        self.faults: list[ListFault] = []
        self.duplicates: list[tuple[int, int]] = []
        self.taken = 0
        self._defaults = defaults
        self._columns = columns
        self._line = 0
        self._seen: dict[tuple[str | datetime | None, ...], int] = {}
        self._agents = {name.casefold(): name for name in defaults.agents}
        ids = list(defaults.agents.values())
        self._by_id = {known: name for name, known in defaults.agents.items() if ids.count(known) == 1}
        self._agent = self._by_id.get(defaults.agent or "", defaults.agent)
        if not self._agent and AGENT not in columns.places and NUMBER in columns.places:
            raise UnreadableListError(csv_files.NO_AGENT_NAMED)

    def take(self, line: int, cells: list[str]) -> None:
        """Read a row. Raises `UnreadableListError` for the first row too many."""
        self.taken += 1
        if self.taken > MOST_ROWS:
            raise UnreadableListError(csv_files.too_many_rows(MOST_ROWS))
        self._line, before = line, len(self.faults)
        if why := row_fault(cells, self._columns.width, self._defaults.region):
            self._refuse("", why)
            return
        action = self._place(cells) if self._defaults.kind is Kind.PLACE_CALL else self._cancel(cells)
        zone = self._zone(cells)
        if action is None or len(self.faults) > before:
            return
        first = self._seen.setdefault(_key(action), line)
        if first == line:
            self.rows.append(ListRow(line, action, zone))
        else:
            self.duplicates.append((line, first))

    def _place(self, cells: list[str]) -> PlaceCall | None:
        to, agent, at = self._number(cells), self._named_agent(cells), self._time(cells)
        batch, metadata = self._limited(BATCH, cells), self._metadata(cells)
        if to is None or agent is None:
            return None
        return PlaceCall(to=to, agent=agent, at=at, batch=batch or None, metadata=metadata or None)

    def _cancel(self, cells: list[str]) -> CancelCall | None:
        if CALL_ID in self._columns.places:
            call_id = self._columns.cell(CALL_ID, cells)
            if problem := id_problem(call_id) if call_id else csv_files.CALL_ID_MISSING:
                self._refuse(CALL_ID, problem)
                return None
            return CancelCall(target=CallRef(call_id=call_id))
        to, agent = self._number(cells), self._named_agent(cells)
        return None if to is None or agent is None else CancelCall(target=NumberRef(agent=agent, to=to))

    def _number(self, cells: list[str]) -> str | None:
        cell, region = self._columns.cell(NUMBER, cells), self._defaults.region
        try:
            return read_cell(cell, default_region=region, premium=False).e164
        except InvalidNumberError as fault:  # it repeats no cell, and shows a number as an example
            self._refuse(NUMBER, str(fault), masked=False)
            return None

    def _named_agent(self, cells: list[str]) -> str | None:
        """Return the voice agent by its configured name, or by its id if that may be used."""
        said = self._columns.cell(AGENT, cells)
        if not said:
            if not self._agent:
                self._refuse(AGENT, csv_files.AGENT_MISSING)
            return self._agent
        if found := self._agents.get(said.casefold()) or self._by_id.get(said):
            return found
        if self._defaults.raw_agents and len(said) <= _LONGEST_AGENT:
            return said
        names = list(self._defaults.agents)
        meant = closest(said, names)
        message = parse_errors.no_agent(said, names, None)
        self._refuse(AGENT, f"{message} {parse_errors.DID_YOU_MEAN.format(meant)}" if meant else message)
        return None

    def _time(self, cells: list[str]) -> datetime | None:
        """Return the row's time, None for a call to place now or for a fault."""
        date, time = self._columns.cell(DATE, cells), self._columns.cell(TIME, cells)
        typed = f"{date} {time}".strip()
        if not typed:
            return self._defaults.at
        if DATE in self._columns.places and not date:
            self._refuse(DATE, csv_files.DATE_MISSING)
            return None
        try:
            moment = times.read(typed, zone=self._defaults.zone, now=self._defaults.now)
        except times.InvalidTimeError as fault:
            message, forms = str(fault), fault.suggestions
            if len(forms) > 1:
                message = parse_errors.which_time(message, forms)
            elif forms:
                message = f"{message} {parse_errors.DID_YOU_MEAN.format(forms[0])}"
            self._refuse(TIME, message)
            return None
        return None if moment.reading == "now" else moment.at

    def _zone(self, cells: list[str]) -> str | None:
        said = self._columns.cell(ZONE, cells)
        try:
            return timezones.read(said) if said else None
        except timezones.InvalidZoneError as fault:
            meant = f" {parse_errors.DID_YOU_MEAN.format(fault.suggestion)}" if fault.suggestion else ""
            self._refuse(ZONE, f"{fault}{meant}")
            return None

    def _metadata(self, cells: list[str]) -> dict[str, str | int]:
        """Return the filled metadata cells by name. Plain integers are numbers, as in a typed line."""
        found: dict[str, str | int] = {}
        for meaning in self._columns.places:
            if meaning.startswith(METADATA) and (text := self._limited(meaning, cells)):
                name = meaning.removeprefix(METADATA)
                found[name] = int(text) if name != NAME and PLAIN_INTEGER.fullmatch(text) else text
        return found

    def _limited(self, meaning: str, cells: list[str]) -> str:
        """Return a cell's text, and add a fault if it is too long."""
        text = self._columns.cell(meaning, cells)
        if len(text) > MAX_TEXT:
            self._refuse(meaning, parse_errors.too_long("cell", len(text), MAX_TEXT))
        return text

    def _refuse(self, meaning: str, why: str, *, masked: bool = True) -> None:
        place = self._columns.places.get(meaning)
        column = "" if place is None else self._columns.name(place)
        reason = mask_numbers(why, default_region=self._defaults.region) if masked else why
        self.faults.append(ListFault(self._line, column, reason))


def _key(action: PlaceCall | CancelCall) -> tuple[str | datetime | None, ...]:
    """Return what two rows share that are the same call."""
    if isinstance(action, PlaceCall):
        return phone.line(action.to), action.agent, action.at
    if isinstance(action.target, NumberRef):
        return phone.line(action.target.to), action.target.agent
    return (action.target.call_id,)

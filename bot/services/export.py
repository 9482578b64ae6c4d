"""Exports actions of the log as CSV or JSON Lines, one on each line, in constant memory.

CSV follows RFC 4180, with every cell in quotes, in UTF-8 with a byte-order mark. Without the mark, a
spreadsheet misreads names and masked numbers. An apostrophe stands before text that a spreadsheet would read
as a formula, also behind a delimiter such as a semicolon. `original` removes it. JSON Lines hold all values
unchanged. Numbers are masked unless full ones are requested.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.services.pending import number_of
from bot.text import vocabulary
from bot.text.terminal import json_text
from providers.actions import CallList
from providers.masking import mask_numbers
from providers.phone import mask
from storage.database.folding import IGNORABLE
from storage.models import ActionRecord
from storage.queries import Query, SearchHit
from storage.store import Store

BATCH: Final = 500
"""Actions that are read at once, some hundred kilobytes."""
MARK: Final = "\ufeff"
"""The byte-order mark, which tells a spreadsheet that a file is in UTF-8."""

_SIGNS: Final = (
    "=+\\-@\u207a\u207b\u207c\u208a\u208b\u208c\u2212\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
)
"""The first characters of a formula in some spreadsheet (OWASP, CSV Injection), in every width."""
_FORMULA: Final = rf"(?:[^\S\t\r\n]|[\"{IGNORABLE}])*[{_SIGNS}]"
_AT_FIRST: Final = rf"'*(?:{_FORMULA}|[\t\r\n])"
_DIVIDED: Final = r"(?<=[;|\t\r\n])"
_UNGUARDED: Final = re.compile(rf"\A(?={_AT_FIRST})|{_DIVIDED}(?='*{_FORMULA})")
_GUARD: Final = re.compile(rf"\A'(?={_AT_FIRST})|{_DIVIDED}'(?='*{_FORMULA})")
"""The places of an apostrophe: at a cell's beginning, and behind the delimiters of other countries."""

Cell = str | int | None


class Format(StrEnum):
    """A file format of exports."""

    CSV = "csv"
    JSONL = "jsonl"


COLUMNS: Final = (
    "id",
    "request",
    "asked_at",
    "asked_by",
    "asked_by_name",
    "kind",
    "connection",
    "agent",
    "target",
    "state",
    "status",
    "cancelled_by",
    "ended",
    "seconds",
    "tries",
    "scheduled_for",
    "reason",
    "purpose",
    "consent",
    "rule",
    "stop",
    "decision",
    "decided_by",
    "decided_by_name",
    "decided_at",
    "decision_note",
    "updated_at",
    "attempts",
    "code",
    "message",
    "reference",
    "mode",
)
"""The columns of an action. Times are in UTC, user ids are Slack's, names are the last ones read from
Slack."""


_TEXTS: Final = frozenset(
    {"agent", "target", "reason", "purpose", "consent", "rule", "message", "reference", "decision_note"}
    | {"asked_by_name", "decided_by_name"}
)
"""Columns of text that may hold a number: people's words and names, and ids."""


def row(
    hit: SearchHit, names: Mapping[str, str], *, default_region: str, full: bool = False
) -> dict[str, Cell]:
    """Return an action's cells by column. With ``full``, no number is masked."""
    record, end = hit.record, hit.record.end
    cells: dict[str, Cell] = {
        "id": record.id,
        "request": record.request,
        "asked_at": _time(record.asked_at),
        "asked_by": hit.requester,
        "asked_by_name": names.get(hit.requester),
        "kind": record.kind,
        "connection": record.connection,
        "agent": record.agent,
        "target": number_of(record.action) or record.target_id or "erased",
        "state": record.state,
        "status": vocabulary.status(record, cancelled=hit.cancelled_by is not None),
        "cancelled_by": hit.cancelled_by,
        "ended": end.ending if end else None,
        "seconds": end.seconds if end else None,
        "tries": end.try_number + 1 if end and end.try_number is not None else None,
        "scheduled_for": _time(record.scheduled_for),
        "reason": hit.reason,
        "purpose": hit.purpose,
        "consent": hit.consent,
        "rule": hit.rule,
        "stop": hit.stop,
        "decision": hit.decision,
        "decided_by": hit.decided_by,
        "decided_by_name": names.get(hit.decided_by or ""),
        "decided_at": _time(hit.decided_at),
        "decision_note": hit.decision_note,
        "updated_at": _time(record.updated_at),
        "attempts": record.attempt,
        "code": record.code,
        "message": record.message,
        "reference": record.reference,
        "mode": hit.mode,
    }
    return {
        column: mask_numbers(cell, default_region=default_region)
        if not full and column in _TEXTS and isinstance(cell := cells[column], str)
        else cells[column]
        for column in COLUMNS
    }


def target(record: ActionRecord, *, default_region: str) -> str:
    """Return an action's target: a masked number, or a provider's id or a file with any number masked."""
    if number := number_of(record.action):
        return mask(number)
    named = record.action.name if isinstance(record.action, CallList) else record.target_id
    return mask_numbers(named or "erased", default_region=default_region)


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def head(format_: Format) -> str:
    """Return the text before the first action."""
    return MARK + _line(COLUMNS) if format_ is Format.CSV else ""


def text(cells: Mapping[str, Cell], format_: Format) -> str:
    """Return an action as one record. In CSV it may hold line ends, inside quotes."""
    if format_ is Format.JSONL:
        return json_text(dict(cells)) + "\n"
    return _line(_safe(cells[column]) for column in COLUMNS)


def _safe(cell: Cell) -> Cell:
    """Put an apostrophe before what would be a formula, and before apostrophes at such a place."""
    return _UNGUARDED.sub("'", cell) if isinstance(cell, str) else cell


def guarded(cell: str) -> str:
    """Return a text as a cell that no spreadsheet reads as a formula."""
    return str(_safe(cell))


def original(cell: str) -> str:
    """Return a cell of an exported CSV without the apostrophes that the export added."""
    return _GUARD.sub("", cell)


def _line(cells: Iterable[Cell]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(cells)
    return written.getvalue()


def counted(actions: int) -> str:
    """Return a count of actions in words."""
    return "1 action" if actions == 1 else f"{actions:,} actions"


async def lines(
    store: Store,
    query: Query,
    format_: Format,
    *,
    default_region: str,
    full: bool = False,
    most: int | None = None,
) -> AsyncIterator[str]:
    """Yield the header, then every matching action as a line, newest first.

    Actions recorded meanwhile are left out. ``most`` is the largest count of actions, None for all.
    """
    yield head(format_)
    names: dict[str, str] = {}
    after, left = None, most
    while left is None or left > 0:
        found = await store.search.find(query, after=after, limit=BATCH if left is None else min(BATCH, left))
        for hit in found.hits:
            await _learn(store, names, hit)
            yield text(row(hit, names, default_region=default_region, full=full), format_)
        if found.after is None:
            return
        after = found.after
        left = None if left is None else left - len(found.hits)


async def _learn(store: Store, names: dict[str, str], hit: SearchHit) -> None:
    for user in (hit.requester, hit.decided_by):
        if user and user not in names:
            known = await store.users.person(user)
            names[user] = known.name if known else ""

"""Anchors: where the chain ended at some moment, kept outside the log, and whether the log still holds them.

A chain shows what was changed inside it. That its end was cut off, that an older copy was put in its place or
that all of it was written anew shows only against an end that somebody noted elsewhere: ``1234:9f86d0…``, an
event's number and its hash.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from typing import Final, Self

from storage.database.connection import UNREADABLE, CannotOpenLogError, open_for_reading
from storage.database.files import append_line
from storage.event_log.hash_chain import microseconds, moment

_WRITTEN: Final = re.compile(r"\b(?P<seq>[1-9][0-9]{0,17}):(?P<hash>[0-9a-f]{64})\b")
"""An anchor, wherever it stands: in our file, or in a line that was copied from the channel."""

_NAMED: Final = 5
"""So many events that are missing or others are named; those behind them are counted."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An event that the log ended with. ``at`` is when it happened, where that is known."""

    seq: int
    hash: str
    at: datetime | None = None

    def __str__(self) -> str:
        """As it is written down."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def all_in(cls, text: str) -> Sequence[Self]:
        """Every anchor that stands in a text, the oldest first, each once."""
        found = {(int(one["seq"]), one["hash"]) for one in _WRITTEN.finditer(text)}
        return [cls(*one) for one in sorted(found)]


def anchors_beside(log: Path) -> Path:
    """The file in which a log's anchors are kept."""
    return log.with_name(f"{log.name}.anchors")


def note(log: Path, anchor: Anchor) -> None:
    """Add an anchor to the file beside the log, onto the disk."""
    at = "" if anchor.at is None else f" {anchor.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    append_line(anchors_beside(log), f"{anchor}{at}")


def head(connection: Connection, before: datetime) -> Anchor | None:
    """The last event that happened before a time, or None."""
    row = connection.execute(
        "SELECT seq, hash, at FROM events WHERE at < ? ORDER BY seq DESC LIMIT 1", [microseconds(before)]
    ).fetchone()
    return None if row is None else Anchor(row["seq"], row["hash"], moment(row["at"]))


def missing(path: Path, anchors: Sequence[Anchor]) -> Sequence[str]:
    """What the log in a file does not hold any more of these anchors: a sentence each."""
    try:
        with closing(open_for_reading(path)) as connection:
            connection.execute("BEGIN")
            faults = list(_faults(connection, anchors))
    except (*UNREADABLE, CannotOpenLogError) as error:
        return [f"The file is damaged, and its anchors cannot be looked for: {error}."]
    told = list(islice(faults, _NAMED))
    if more := len(faults) - len(told):
        told.append(f"The same is true of {more} more anchors.")
    return told


def _faults(connection: Connection, anchors: Sequence[Anchor]) -> Iterator[str]:
    [(last,)] = connection.execute("SELECT coalesce(max(seq), 0) FROM events")
    for anchor in anchors:
        row = connection.execute("SELECT hash FROM events WHERE seq = ?", [anchor.seq]).fetchone()
        if row is None and anchor.seq > last:
            yield (
                f"Event {anchor.seq} is anchored, but the log ends with event {last}: its end was cut off, "
                "or an older copy was put in its place."
            )
        elif row is None:
            yield f"Event {anchor.seq} is anchored, but it is missing from the log."
        elif row["hash"] != anchor.hash:
            yield (
                f"Event {anchor.seq} is not the one that was anchored: the log was written anew from there "
                "or from an earlier event on, or it is another log."
            )

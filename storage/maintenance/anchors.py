"""Anchors: copies of the chain's last hash that are kept outside the log, to compare the log with.

The chain shows changes inside it. It cannot show that its end was cut off, that an older copy replaced it, or
that all of it was rewritten. An anchor shows these: an event's number and hash, ``1234:9f86d0…``.
"""

import os
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
"""An anchor in any text: in the anchors' file, or in a line that was copied from the channel."""

_END: Final = 4096
"""Bytes at the end of the anchors' file that hold its last lines. A line has about a hundred."""

_NAMED: Final = 5
"""Anchors that are named in faults, at most. The rest are counted."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An event that was the log's last. ``at`` is its time, if known."""

    seq: int
    hash: str
    at: datetime | None = None

    def __str__(self) -> str:
        """Return the anchor's written form."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def all_in(cls, text: str) -> Sequence[Self]:
        """Return every anchor in a text, ordered by event and without duplicates."""
        found = {(int(one["seq"]), one["hash"]) for one in _WRITTEN.finditer(text)}
        return [cls(*one) for one in sorted(found)]


def anchors_beside(log: Path) -> Path:
    """Return the file in which a log's anchors are kept."""
    return log.with_name(f"{log.name}.anchors")


def note(log: Path, anchor: Anchor) -> None:
    """Append an anchor to the file beside the log, and sync it to the disk."""
    at = "" if anchor.at is None else f" {anchor.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    append_line(anchors_beside(log), f"{anchor}{at}")


def last_kept(log: Path) -> Anchor | None:
    """Return the latest anchor in the file beside a log, or None. Only the file's end is read."""
    try:
        with anchors_beside(log).open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _END, 0))
            found = Anchor.all_in(file.read().decode(errors="replace"))
    except FileNotFoundError:
        return None
    return found[-1] if found else None


def head(connection: Connection, before: datetime) -> Anchor | None:
    """Return the last event before a time, or None."""
    row = connection.execute(
        "SELECT seq, hash, at FROM events WHERE at < ? ORDER BY seq DESC LIMIT 1", [microseconds(before)]
    ).fetchone()
    return None if row is None else Anchor(row["seq"], row["hash"], moment(row["at"]))


def missing(path: Path, anchors: Sequence[Anchor]) -> Sequence[str]:
    """Return a sentence for each of these anchors that the log in a file no longer contains."""
    try:
        with closing(open_for_reading(path)) as connection:
            connection.execute("BEGIN")
            faults = list(_faults(connection, anchors))
    except (*UNREADABLE, CannotOpenLogError) as error:
        return [f"The file is damaged, and its anchors can't be looked for: {error}."]
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
                f"Event {anchor.seq} isn't the one that was anchored: the log was written anew from there "
                "or from an earlier event on, or it is another log."
            )

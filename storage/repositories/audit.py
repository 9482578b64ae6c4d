"""Events that belong to no request: faults, attempts, exports, the rules in force, anchors."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from storage.changes import Announced, Announcement
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import RULES, moment
from storage.event_log.writer import EventWriter, WriteContext
from storage.maintenance import anchors
from storage.maintenance.anchors import Anchor
from storage.models import Event, Scalar
from storage.repositories import outbox, users
from storage.repositories.rows import as_event

COPIED: Final = "copied"
"""The row of ``meta`` that a backup has: when its last event was, in microseconds."""


def copied_at(connection: Connection) -> datetime | None:
    """Return when this log was copied, as a backup that was put back, or None for an original.

    What was approved until then may have been sent from the other one since.
    """
    found = connection.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?", [COPIED]).fetchone()
    return None if found is None else moment(found[0])


def rules(connection: Connection) -> Event | None:
    """Return the last event that says which rules are in force, or None."""
    row = connection.execute(
        "SELECT * FROM events WHERE name = ? ORDER BY seq DESC LIMIT 1", [RULES]
    ).fetchone()
    return None if row is None else as_event(row)


def read_event(connection: Connection, seq: int) -> tuple[Event, Mapping[str, str]]:
    """Return an event, and what is kept of its erasable values by their fields."""
    row = connection.execute("SELECT * FROM events WHERE seq = ?", [seq]).fetchone()
    kept = connection.execute(
        "SELECT field, value FROM personal WHERE event = ? AND value IS NOT NULL", [seq]
    )
    return as_event(row), dict(map(tuple, kept))


FAULT: Final = "fault"
"""A fault of the program was reported."""


DENIED_ATTEMPT: Final = "denied_attempt"
"""An attempt of a person who may do nothing."""


EXPORTED = "exported"
"""Full numbers were taken out of the log."""


def record_error(
    connection: Connection, sources: WriteContext, *, actor: str, where: str, private: Mapping[str, str]
) -> str:
    """Write a fault of the program down and return its id (``E-…``), which people are told."""
    writer = EventWriter(connection, sources)
    return writer.append_new("E", FAULT, actor=actor, data={"where": where}, private=private).request


def record_denied_attempt(
    connection: Connection, sources: WriteContext, *, actor: str, where: str, why: str
) -> str | None:
    """Record an attempt of a person who may do nothing, and return the event's id (``D-…``).

    Return None where that person tried there before on the same day.
    """
    writer = EventWriter(connection, sources)
    if not users.claim_once(connection, sources, f"{DENIED_ATTEMPT} {actor} {where} {writer.now:%Y-%m-%d}"):
        return None
    data = {"what": where, "why": why}
    return writer.append_new("D", DENIED_ATTEMPT, actor=actor, data=data).request


def record_rules(
    connection: Connection,
    sources: WriteContext,
    *,
    actor: str,
    data: Mapping[str, Scalar],
    after: Event | None,
    announce: Mapping[str, Scalar] | None = None,
) -> str | None:
    """Write down which rules are in force now, as an event of its own, and return its id (``R-…``).

    None where ``after`` is not the last such event any more: somebody else was first. ``announce``: the audit
    channel is told, with this beside the event.
    """
    last = rules(connection)
    if (last and last.seq) != (after and after.seq):
        return None
    event = EventWriter(connection, sources).append_new("R", RULES, actor=actor, data=data)
    if announce is not None:
        change = Announcement(Announced.RULES_CHANGED, event.request, event=event.seq, payload=announce)
        outbox.announce(connection, sources, change)
    return event.request


def record_export(
    connection: Connection, sources: WriteContext, *, actor: str, rows: str, private: Mapping[str, str]
) -> str:
    """Write down that somebody takes full numbers out of the log, and return the event's id (``X-…``).

    ``rows`` are the fields that go out; ``private`` which entries they are of.
    """
    data = {"rows": rows}
    return (
        EventWriter(connection, sources)
        .append_new("X", EXPORTED, actor=actor, data=data, private=private)
        .request
    )


class Audit(Repository):
    """What is written down of the log itself, and where it ended."""

    record_error = writes(record_error)
    record_denied_attempt = writes(record_denied_attempt)
    record_rules = writes(record_rules)
    record_export = writes(record_export)
    event = reads(read_event)
    rules = reads(rules)
    copied_at = reads(copied_at)
    anchor = reads(anchors.head)

    async def keep_anchor(self, anchor: Anchor) -> None:
        """Keep an anchor outside the log, beside it."""
        await asyncio.to_thread(anchors.note, self._database.path, anchor)

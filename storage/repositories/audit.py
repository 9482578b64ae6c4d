"""Events that belong to no request: errors, denied attempts, exports, changes of rules, anchors."""

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
"""The row of ``meta`` in a backup: the time of its last event, in microseconds."""


def copied_at(connection: Connection) -> datetime | None:
    """Return the time of the copy if this log is a restored backup, or None for an original.

    Actions approved before may have been sent from the original since.
    """
    found = connection.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?", [COPIED]).fetchone()
    return None if found is None else moment(found[0])


def rules(connection: Connection) -> Event | None:
    """Return the last event about the rules in force, or None."""
    row = connection.execute(
        "SELECT * FROM events WHERE name = ? ORDER BY seq DESC LIMIT 1", [RULES]
    ).fetchone()
    return None if row is None else as_event(row)


def read_event(connection: Connection, seq: int) -> tuple[Event, Mapping[str, str]]:
    """Return an event, and its erasable values that are still kept, by field."""
    row = connection.execute("SELECT * FROM events WHERE seq = ?", [seq]).fetchone()
    kept = connection.execute(
        "SELECT field, value FROM personal WHERE event = ? AND value IS NOT NULL", [seq]
    )
    return as_event(row), dict(map(tuple, kept))


FAULT: Final = "fault"
"""An error of the program was reported."""


DENIED_ATTEMPT: Final = "denied_attempt"
"""A person without any permission tried something."""


EXPORTED = "exported"
"""Full numbers were exported from the log."""


def record_error(
    connection: Connection, sources: WriteContext, *, actor: str, where: str, private: Mapping[str, str]
) -> str:
    """Record an error of the program. Return its id (``E-…``), which people are told."""
    writer = EventWriter(connection, sources)
    return writer.append_new("E", FAULT, actor=actor, data={"where": where}, private=private).request


def record_denied_attempt(
    connection: Connection, sources: WriteContext, *, actor: str, where: str, reason: str
) -> str | None:
    """Record an attempt of a person without any permission. Return the event's id (``D-…``).

    Return None if that person tried the same on that day before.
    """
    writer = EventWriter(connection, sources)
    if not users.claim_once(connection, sources, f"{DENIED_ATTEMPT} {actor} {where} {writer.now:%Y-%m-%d}"):
        return None
    data = {"tried": where, "reason": reason}
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
    """Record the rules that are in force now as an event. Return its id (``R-…``).

    Return None if ``after`` is not the last such event any more, since another process was first. If
    ``announce`` is given, the audit channel is told, with this payload beside the event.
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
    """Record that a person exports full numbers from the log. Return the event's id (``X-…``).

    ``rows`` are the exported fields. ``private`` holds the actions.
    """
    data = {"rows": rows}
    return (
        EventWriter(connection, sources)
        .append_new("X", EXPORTED, actor=actor, data=data, private=private)
        .request
    )


class Audit(Repository):
    """Events about the log itself, and the end of the chain."""

    record_error = writes(record_error)
    record_denied_attempt = writes(record_denied_attempt)
    record_rules = writes(record_rules)
    record_export = writes(record_export)
    event = reads(read_event)
    rules = reads(rules)
    copied_at = reads(copied_at)
    anchor = reads(anchors.head)

    async def keep_anchor(self, anchor: Anchor) -> None:
        """Store an anchor outside the log, in the file beside it."""
        await asyncio.to_thread(anchors.note, self._database.path, anchor)

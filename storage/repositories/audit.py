"""Events that belong to no request: faults, attempts, exports, the rules in force, anchors."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Final

from storage.event_log.hash_chain import RULES, moment
from storage.event_log.writer import Chain, Sources
from storage.ids import new_id
from storage.models import Event, Scalar
from storage.repositories import users
from storage.repositories.rows import as_event

COPIED: Final = "copied"
"""The row of ``meta`` that a backup has: when its last event was, in microseconds."""


def copied_at(connection: Connection) -> datetime | None:
    """Return when this file was copied from another one as a backup; None where it never was."""
    found = connection.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?", [COPIED]).fetchone()
    return None if found is None else moment(found[0])


def rules(connection: Connection) -> Event | None:
    """The last event that says which rules are in force."""
    row = connection.execute(
        "SELECT * FROM events WHERE name = ? ORDER BY seq DESC LIMIT 1", [RULES]
    ).fetchone()
    return None if row is None else as_event(row)


FAULT: Final = "fault"
"""A fault of the program was reported."""


DENIED_ATTEMPT: Final = "denied_attempt"
"""An attempt of a person who may do nothing."""


EXPORTED = "exported"
"""Full numbers were taken out of the log."""


def report(
    connection: Connection, sources: Sources, *, actor: str, where: str, private: Mapping[str, str]
) -> str:
    """Write a fault of the program down as an event of its own."""
    fault_id = new_id("E", random=sources.random, taken=partial(has_events, connection))
    writer = Chain(connection, sources)
    writer.append(fault_id, fault_id, FAULT, actor=actor, data={"where": where}, private=private)
    return fault_id


def record_denied_attempt(
    connection: Connection, sources: Sources, *, actor: str, where: str, why: str
) -> str | None:
    """Record an attempt of a person who may do nothing, once a day and place. Return its id, or None."""
    writer = Chain(connection, sources)
    if not users.claim(connection, writer.now, f"{DENIED_ATTEMPT} {actor} {where} {writer.now:%Y-%m-%d}"):
        return None
    attempt = new_id("D", random=sources.random, taken=partial(has_events, connection))
    writer.append(attempt, attempt, DENIED_ATTEMPT, actor=actor, data={"what": where, "why": why}, private={})
    return attempt


def keep_rules(
    connection: Connection, sources: Sources, *, actor: str, data: Mapping[str, Scalar], after: int | None
) -> str | None:
    """Write down which rules are in force now; None where another event said so since ``after``."""
    last = rules(connection)
    if (last.seq if last else None) != after:
        return None
    kept_as = new_id("R", random=sources.random, taken=partial(has_events, connection))
    Chain(connection, sources).append(kept_as, kept_as, RULES, actor=actor, data=data, private={})
    return kept_as


def exported(
    connection: Connection, sources: Sources, *, actor: str, rows: str, private: Mapping[str, str]
) -> str:
    """Write down that full numbers leave the log, as an event of its own."""
    export_id = new_id("X", random=sources.random, taken=partial(has_events, connection))
    writer = Chain(connection, sources)
    writer.append(export_id, export_id, EXPORTED, actor=actor, data={"rows": rows}, private=private)
    return export_id


def has_events(connection: Connection, request: str) -> bool:
    """Whether an id is taken."""
    return connection.execute("SELECT 1 FROM events WHERE request = ?", [request]).fetchone() is not None

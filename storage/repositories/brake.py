"""The brake: pauses by people, during which no call is placed and no campaign started.

Cancellations, deletions and stops go on. The condition is part of the claim and of the last renewal of the
lease, so nothing whose last renewal commits after a pause is sent. A pause whose time is over has no effect.
"""

import json
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Final

from providers.actions import Kind
from storage.event_log.hash_chain import microseconds, moment
from storage.models import Pause, PauseCounts

EVERY_CONNECTION: Final = ""
"""Stands in place of a connection's name for a pause of all connections."""
PAUSABLE: Final = (Kind.PLACE_CALL, Kind.START_CAMPAIGN)
"""The kinds of action that a pause holds back."""
KINDS: Final = ", ".join(f"'{kind}'" for kind in PAUSABLE)

PAUSED: Final = f"""
    (actions.kind IN ({KINDS}) AND EXISTS (
        SELECT 1 FROM pauses WHERE pauses.connection IN ('{EVERY_CONNECTION}', actions.connection)
          AND (until IS NULL OR until > :now))
    OR EXISTS (
        SELECT 1 FROM requests CROSS JOIN call_lists ON call_lists.request = requests.call_list
            CROSS JOIN actions AS listed ON listed.request = requests.call_list
        WHERE requests.id = actions.request AND actions.maybe_executed = 0
          AND (call_lists.paused = 1 OR listed.state IN ('withdrawn', 'refused'))))
"""  # noqa: S608 - fixed text
"""SQL condition: a row of ``actions`` is held back by a pause, or as its call list is paused or stopped."""

_PAUSES: Final = """
    SELECT pauses.connection, pauses.until, request, actor, at, data, value
    FROM pauses JOIN events ON events.seq = pauses.event
    LEFT JOIN personal ON personal.event = events.seq AND field = 'reason'
    WHERE (pauses.until IS NULL OR pauses.until > :now)
"""


def holds_back(connection: Connection, action: str, now: datetime) -> bool:
    """Return whether an action is held back by a pause."""
    found = connection.execute(
        f"SELECT 1 FROM actions WHERE id = :action AND {PAUSED}",  # noqa: S608 - fixed text
        {"action": action, "now": microseconds(now)},
    )
    return found.fetchone() is not None


def active(connection: Connection, now: datetime) -> list[Pause]:
    """Return the pauses that hold now, that of every connection first."""
    rows = connection.execute(f"{_PAUSES} ORDER BY pauses.connection", {"now": microseconds(now)})
    return list(map(_pause, rows))


def of(connection: Connection, name: str, now: datetime) -> Pause | None:
    """Return the pause with this name that holds now: of a connection, or `EVERY_CONNECTION`."""
    row = connection.execute(
        f"{_PAUSES} AND pauses.connection = :name", {"name": name, "now": microseconds(now)}
    ).fetchone()
    return None if row is None else _pause(row)


def for_kind(connection: Connection, name: str, kind: Kind, now: datetime) -> Pause | None:
    """Return the pause that holds back a kind of action at a connection now, or None."""
    if kind.of_rows not in PAUSABLE:
        return None
    return of(connection, EVERY_CONNECTION, now) or of(connection, name, now)


def _pause(row: Row) -> Pause:
    data = json.loads(row["data"])
    return Pause(
        id=row["request"],
        connection=row["connection"] or None,
        by=row["actor"],
        at=moment(row["at"]),
        until=None if row["until"] is None else moment(row["until"]),
        reason=row["value"],
        found=PauseCounts(data["waiting"], data["leaving"], data["scheduled"]),
    )

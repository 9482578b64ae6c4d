"""Moves of calls: a cancellation, and the placing that follows it.

Only those whose new time is not long past are looked at: what is older waits for nobody any more.
"""

from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.event_log.hash_chain import microseconds
from storage.models import Request
from storage.repositories.reading import request

LOOKED_BACK: Final = timedelta(days=90)
"""A doubt about the first step may be settled long after the new time."""


def due(connection: Connection, now: datetime) -> list[Request]:
    """Moves whose first step is done, and whose second was neither asked for nor found impossible."""
    found = connection.execute(
        """
        SELECT id FROM requests INDEXED BY requests_moves
        WHERE moves IS NOT NULL AND moves_to > :since
          AND NOT EXISTS (SELECT 1 FROM requests AS second WHERE second.follows = requests.id)
          AND NOT EXISTS (SELECT 1 FROM events WHERE request = requests.id AND name = 'followed')
          AND NOT EXISTS (SELECT 1 FROM actions WHERE request = requests.id AND state <> 'succeeded')
        """,
        {"since": microseconds(now - LOOKED_BACK)},
    ).fetchall()
    return [request(connection, move) for (move,) in found]


def followed(connection: Connection, now: datetime) -> list[Request]:
    """Moves whose second step came to stand where nobody was told that it does."""
    found = connection.execute(
        """
        SELECT first.id FROM requests AS first INDEXED BY requests_moves
        JOIN requests AS second ON second.follows = first.id
        JOIN actions ON actions.request = second.id
        WHERE first.moves IS NOT NULL AND first.moves_to > :since
          AND state NOT IN ('pending', 'approved', 'sending')
          AND NOT EXISTS (
              SELECT 1 FROM events WHERE events.request = first.id AND name = 'followed'
              AND json_extract(data, '$.second') = state)
        """,
        {"since": microseconds(now - LOOKED_BACK)},
    ).fetchall()
    return [request(connection, move) for (move,) in found]

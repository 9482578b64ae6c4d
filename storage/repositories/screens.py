"""The answers that follow their requests: the ``response_url`` of each answer that came from a button.

A ``response_url`` is a secret. It is kept for 30 minutes and used at most four times, in all processes
together, and is in no event, export or backup. Rows are blanked, never deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import microseconds

KEPT_FOR: Final = timedelta(minutes=30)
"""The time for which Slack accepts a ``response_url``."""
MAX_USES: Final = 4
"""Uses of a ``response_url`` after the listener's own. Slack accepts five in all."""
REPLY_WITHIN: Final = timedelta(seconds=15)
"""The time for the listener's own answer, longer than Slack may take. No update overtakes it."""
AHEAD: Final = timedelta(minutes=1)
"""Rows that are newer than this by a clock that was set back count as too old."""

_OPEN: Final = "url IS NOT NULL AND at > :oldest AND at <= :newest AND uses < :most"
_NEWEST: Final = """
    (SELECT max(seq) FROM events WHERE request = screens.request OR request = (
        SELECT id FROM requests WHERE second_step_of = screens.request))
"""


@dataclass(frozen=True, slots=True)
class Screen:
    """An answer that may show an older state. ``stage`` says what it shows, ``newest`` is the last event."""

    id: int
    request: str
    stage: str
    uses: int
    newest: int
    url: str = field(repr=False)


def follow(connection: Connection, now: datetime, *, request: str, person: str, url: str, stage: str) -> int:
    """Keep the ``response_url`` of an answer, and blank that of an earlier one about the same request."""
    connection.execute(
        "UPDATE screens SET url = NULL WHERE request = ? AND person = ? AND url IS NOT NULL",
        [request, person],
    )
    made = connection.execute(
        "INSERT INTO screens (request, person, url, stage, not_before, at) VALUES (?, ?, ?, ?, ?, ?)",
        [request, person, url, stage, microseconds(now + REPLY_WITHIN), microseconds(now)],
    )
    return int(made.lastrowid or 0)


def answered(connection: Connection, screen: int, now: datetime) -> None:
    """Note that the listener's own answer is there, so that updates may follow."""
    connection.execute("UPDATE screens SET not_before = ? WHERE id = ?", [microseconds(now), screen])


def _bounds(now: datetime) -> dict[str, int]:
    oldest, newest = microseconds(now - KEPT_FOR), microseconds(now + AHEAD)
    return {"oldest": oldest, "newest": newest, "now": microseconds(now), "most": MAX_USES}


def is_followed(connection: Connection, request: str, now: datetime) -> bool:
    """Return whether an answer still follows a request, so that its requester sees the end."""
    found = connection.execute(
        f"SELECT 1 FROM screens WHERE {_OPEN} AND request = :request LIMIT 1",  # noqa: S608 - fixed text
        {**_bounds(now), "request": request},
    )
    return found.fetchone() is not None


def expired(connection: Connection, now: datetime) -> bool:
    """Return whether a ``response_url`` has to be blanked."""
    found = connection.execute(
        f"SELECT 1 FROM screens WHERE url IS NOT NULL AND NOT ({_OPEN}) LIMIT 1",  # noqa: S608 - fixed text
        _bounds(now),
    )
    return found.fetchone() is not None


def blank_expired(connection: Connection, now: datetime) -> None:
    """Blank every ``response_url`` that is too old or used up."""
    connection.execute(
        f"UPDATE screens SET url = NULL WHERE url IS NOT NULL AND NOT ({_OPEN})",  # noqa: S608 - fixed text
        _bounds(now),
    )


def behind(connection: Connection, now: datetime) -> list[Screen]:
    """Return the answers whose requests have events that were not looked at yet, oldest first."""
    rows = connection.execute(
        f"""
        SELECT *, {_NEWEST} AS newest FROM screens INDEXED BY screens_open
        WHERE {_OPEN} AND not_before <= :now AND seen < {_NEWEST} ORDER BY id
        """,  # noqa: S608 - fixed text
        _bounds(now),
    )
    return [
        Screen(row["id"], row["request"], row["stage"], row["uses"], row["newest"], row["url"])
        for row in rows
    ]


def use(connection: Connection, screen: Screen, now: datetime, until: datetime) -> bool:
    """Use a ``response_url`` once more. Return False if another process has, or if it is blanked."""
    used = connection.execute(
        f"""
        UPDATE screens SET uses = uses + 1, not_before = :until
        WHERE id = :id AND uses = :uses AND not_before <= :now AND {_OPEN}
        """,  # noqa: S608 - fixed text
        {**_bounds(now), "id": screen.id, "uses": screen.uses, "until": microseconds(until)},
    )
    return used.rowcount == 1


def shown(connection: Connection, screen: Screen, now: datetime, *, stage: str, over: bool = False) -> None:
    """Record what an answer shows now. ``over`` blanks its ``response_url``, as nothing more will change."""
    connection.execute(
        """
        UPDATE screens SET stage = ?, seen = max(seen, ?), not_before = ?,
            url = CASE WHEN ? THEN NULL ELSE url END
        WHERE id = ?
        """,
        [stage, screen.newest, microseconds(now), over, screen.id],
    )


def forget(connection: Connection, requests: Sequence[str] = (), people: Sequence[str] = ()) -> None:
    """Blank every ``response_url`` of some requests and people."""
    for column, values in (("request", requests), ("person", people)):
        connection.executemany(
            f"UPDATE screens SET url = NULL WHERE {column} = ? AND url IS NOT NULL",  # noqa: S608 - fixed text
            [(one,) for one in values],
        )


class Screens(Repository):
    """The answers that follow their requests."""

    answered = writes(answered)
    behind = reads(behind)
    is_followed = reads(is_followed)
    use = writes(use)
    shown = writes(shown)

    async def follow(self, *, request: str, person: str, url: str, stage: str) -> int:
        """Keep the ``response_url`` of an answer. Return the row's id."""
        now = self._sources.clock()
        return await self._write(
            lambda connection: follow(connection, now, request=request, person=person, url=url, stage=stage)
        )

    async def blank(self, now: datetime) -> None:
        """Blank every ``response_url`` that is too old or used up, if there is one."""
        if await self._read(lambda connection: expired(connection, now)):
            await self._write(lambda connection: blank_expired(connection, now))

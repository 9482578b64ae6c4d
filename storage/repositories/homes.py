"""The Home tabs that are kept up to date: a row for each person who opened one within a day.

A row has a keyed hash of what the tab shows, never the content. Several processes may share the work.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import WriteContext

LOOK_AGAIN: Final = timedelta(minutes=1)
"""The time after which a tab is looked at without a new event, because times pass and groups change."""
LEASE: Final = timedelta(seconds=15)
"""The lease on a tab while it is published, longer than Slack may take."""


@dataclass(frozen=True, slots=True)
class HomeTab:
    """A person's Home tab that may be out of date. ``newest`` is the log's last event.

    ``published`` is False if the tab must be published, whatever it shows, because the person has opened it.
    """

    person: str
    opened_at: datetime
    looked_at: datetime
    newest: int
    published: bool


def opened(connection: Connection, sources: WriteContext, person: str) -> None:
    """Record that a person opened the tab, so that it is published."""
    now = sources.clock()
    connection.execute(
        """
        INSERT INTO homes (person, opened_at) VALUES (:person, :now)
        ON CONFLICT (person) DO UPDATE
            SET opened_at = :now, shown = NULL, not_before = min(not_before, :lease)
        """,
        {"person": person, "now": microseconds(now), "lease": microseconds(now + LEASE)},
    )


def due(connection: Connection, now: datetime, *, kept_for: timedelta, limit: int) -> list[HomeTab]:
    """Return the tabs to look at, those just opened first, then those not looked at for the longest time."""
    rows = connection.execute(
        """
        SELECT homes.*, newest.seq FROM homes, (SELECT coalesce(max(seq), 0) AS seq FROM events) AS newest
        WHERE not_before <= :now
          AND (shown IS NULL OR seen < newest.seq OR looked_at <= :before OR opened_at <= :over)
        ORDER BY shown IS NOT NULL, looked_at LIMIT :limit
        """,
        {
            "now": microseconds(now),
            "before": microseconds(now - LOOK_AGAIN),
            "over": microseconds(now - kept_for),
            "limit": limit,
        },
    )
    return [
        HomeTab(
            row["person"],
            moment(row["opened_at"]),
            moment(row["looked_at"]),
            row["seq"],
            row["shown"] is not None,
        )
        for row in rows
    ]


def claim(connection: Connection, sources: WriteContext, home: HomeTab, content: str, now: datetime) -> bool:
    """Return whether the caller is to publish a tab with this content, and lease the tab to it.

    Return False if the tab shows that already, or if another process has looked at it.
    """
    claimed = connection.execute(
        """
        UPDATE homes SET seen = :newest, looked_at = :now,
            not_before = CASE WHEN shown IS :content THEN not_before ELSE :until END
        WHERE person = :person AND opened_at = :opened AND looked_at = :looked AND not_before <= :now
        RETURNING shown IS NOT :content
        """,
        {
            "newest": home.newest,
            "now": microseconds(now),
            "content": sources.lookup(content),
            "until": microseconds(now + LEASE),
            "person": home.person,
            "opened": microseconds(home.opened_at),
            "looked": microseconds(home.looked_at),
        },
    ).fetchone()
    return claimed is not None and bool(claimed[0])


def published(
    connection: Connection, sources: WriteContext, home: HomeTab, content: str, now: datetime
) -> None:
    """Record what a tab shows now. If the person opened it again meanwhile, it must be published again."""
    connection.execute(
        """
        UPDATE homes SET shown = CASE WHEN opened_at = ? THEN ? END, not_before = ? WHERE person = ?
        """,
        [microseconds(home.opened_at), sources.lookup(content), microseconds(now), home.person],
    )


def postpone(connection: Connection, home: HomeTab, until: datetime) -> None:
    """Record that a tab was not published, and is to be looked at again from then on."""
    connection.execute(
        "UPDATE homes SET looked_at = 0, not_before = ? WHERE person = ?", [microseconds(until), home.person]
    )


def leave(connection: Connection, home: HomeTab) -> None:
    """Stop keeping a tab up to date, unless the person opened it again meanwhile."""
    connection.execute(
        "DELETE FROM homes WHERE person = ? AND opened_at = ?", [home.person, microseconds(home.opened_at)]
    )


class Homes(Repository):
    """The Home tabs that are kept up to date."""

    opened = writes(opened)
    due = reads(due)
    claim = writes(claim)
    published = writes(published)
    postpone = writes(postpone)
    leave = writes(leave)

"""How fast an account is asked, across processes: places to send within a minute, and pauses.

A clock that was set back leaves times that lie ahead of it. Nothing here was honestly written more than
`MINUTE` ahead, so what was is counted from now, or forgotten: an hour's mistake must not stop an account.
"""

from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.chain import microseconds, moment

MINUTE: Final = timedelta(seconds=60)
"""What a rate is counted over: providers say so many requests a minute."""


def paused_until(connection: Connection, account: str, now: datetime) -> datetime | None:
    """Until when the account is left alone; None: it is not."""
    row = connection.execute(
        "SELECT until FROM pauses WHERE account = ? AND until > ? AND since <= ?",
        [account, microseconds(now), microseconds(now + MINUTE)],
    ).fetchone()
    return None if row is None else moment(row["until"])


def turn(connection: Connection, account: str, a_minute: int, now: datetime) -> datetime | None:
    """Take a place among ``a_minute`` in any sixty seconds: None, or when to ask again."""
    if until := paused_until(connection, account, now):
        return until
    connection.execute(
        "UPDATE turns SET at = ? WHERE account = ? AND at > ?",
        [microseconds(now), account, microseconds(now + MINUTE)],
    )
    # Who looked at the clock before somebody else, and comes after them, has their time.
    [(latest,)] = connection.execute("SELECT max(at) FROM turns WHERE account = ?", [account])
    now = max(now, moment(latest or 0))
    connection.execute(
        "DELETE FROM turns WHERE account = ? AND at <= ?", [account, microseconds(now - MINUTE)]
    )
    # Of the last so many, the first: a place is free once it is a minute old.
    earlier = connection.execute(
        "SELECT at FROM turns WHERE account = ? ORDER BY at DESC LIMIT 1 OFFSET ?", [account, a_minute - 1]
    ).fetchone()
    if earlier is not None:
        return moment(earlier["at"]) + MINUTE
    connection.execute("INSERT INTO turns (account, at) VALUES (?, ?)", [account, microseconds(now)])
    return None


def pause(connection: Connection, account: str, until: datetime, now: datetime) -> None:
    """Leave the account alone until then; a longer pause stays as it is."""
    connection.execute(
        """
        INSERT INTO pauses (account, since, until) VALUES (:account, :now, :until)
        ON CONFLICT (account) DO UPDATE SET since = :now,
            until = CASE WHEN since > :soon THEN :until ELSE max(until, :until) END
        """,
        {
            "account": account,
            "now": microseconds(now),
            "until": microseconds(until),
            "soon": microseconds(now + MINUTE),
        },
    )

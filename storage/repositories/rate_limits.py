"""How fast an account is asked, across processes: places to send within a minute, and pauses.

A clock that was set back leaves times that lie ahead of it. Nothing here was honestly written more than
`MINUTE` ahead, so what was is counted from now, or forgotten: an hour's mistake must not stop an account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.database.repository import Repository, writes
from storage.event_log.hash_chain import microseconds, moment

MINUTE: Final = timedelta(seconds=60)
"""What a rate is counted over: providers say so many requests a minute."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many ``places`` of an account in any ``within``; None: as many as you like, but for pauses."""

    account: str
    places: int | None
    within: timedelta


def paused_until(connection: Connection, account: str, now: datetime) -> datetime | None:
    """Return until when the account is left alone, or None."""
    row = connection.execute(
        "SELECT until FROM pauses WHERE account = ? AND until > ? AND since <= ?",
        [account, microseconds(now), microseconds(now + MINUTE)],
    ).fetchone()
    return None if row is None else moment(row["until"])


def try_acquire(
    connection: Connection, account: str, a_minute: int, now: datetime, *, paused: bool = True
) -> datetime | None:
    """Take a place to send, and return None; or return when to try again.

    Never more than ``a_minute`` places are given in any 60 s, over all processes, and none before a pause
    has passed unless ``paused`` is False. Without a limit nothing is written.
    """
    return take(connection, [RateLimit(account, a_minute, MINUTE)], now, paused=paused)


def take(
    connection: Connection, budgets: Sequence[RateLimit], now: datetime, *, paused: bool = True
) -> datetime | None:
    """Take a place of each of them and return None; or take none, and return when to try again.

    Each is kept, and paused, as in `turn`. Budgets of one account may differ from time to time.
    """
    if waits := [until for one in budgets if (until := _free_from(connection, one, now, paused=paused))]:
        return max(waits)
    for one in budgets:
        if one.places is not None:
            at = _time_of(connection, one.account, now)
            connection.execute(
                "INSERT INTO turns (account, at) VALUES (?, ?)", [one.account, microseconds(at)]
            )
    connection.execute("DELETE FROM turns WHERE at <= ?", [microseconds(now - MINUTE)])
    return None


def _free_from(connection: Connection, budget: RateLimit, now: datetime, *, paused: bool) -> datetime | None:
    """Return when there is a place again, or None where there is one."""
    account = budget.account
    if paused and (until := paused_until(connection, account, now)):
        return until
    if budget.places is None:
        return None
    connection.execute(
        "UPDATE turns SET at = ? WHERE account = ? AND at > ?",
        [microseconds(now), account, microseconds(now + MINUTE)],
    )
    now = _time_of(connection, account, now)
    # Of the last so many, the first: a place is free once it is old enough.
    earlier = connection.execute(
        "SELECT at FROM turns WHERE account = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        [account, microseconds(now - budget.within), budget.places - 1],
    ).fetchone()
    return None if earlier is None else moment(earlier["at"]) + budget.within


def _time_of(connection: Connection, account: str, now: datetime) -> datetime:
    """Return ``now``, or the account's last time where that is later: clocks are read out of turn."""
    [(latest,)] = connection.execute("SELECT max(at) FROM turns WHERE account = ?", [account])
    return max(now, moment(latest or 0))


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


class RateLimits(Repository):
    """How fast an account may be asked."""

    take = writes(take)

    async def try_acquire(
        self, account: str, *, a_minute: int | None, now: datetime, paused: bool = True
    ) -> datetime | None:
        """Take a place to send, and return None; or return when to try again.

        Never more than ``a_minute`` places are given in any 60 s, over all processes, and none before a pause
        has passed unless ``paused`` is False. Without a limit nothing is written.
        """
        if a_minute is not None:
            return await self._write(
                lambda connection: try_acquire(connection, account, a_minute, now, paused=paused)
            )
        if not paused:
            return None
        return await self._read(lambda connection: paused_until(connection, account, now))

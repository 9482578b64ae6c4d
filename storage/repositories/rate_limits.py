"""Rate limits of accounts, shared by all processes: the requests of the last minute, and pauses.

A clock that was set back leaves times ahead of it. No correct time is more than `MINUTE` ahead. Such times
are counted from now or ignored, so that a wrong clock does not block an account for long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.database.repository import Repository, writes
from storage.event_log.hash_chain import microseconds, moment

MINUTE: Final = timedelta(seconds=60)
"""The window of a rate limit. Providers state requests per minute."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``places`` requests of an account in any ``within``. None: only pauses limit it."""

    account: str
    places: int | None
    within: timedelta


def paused_until(connection: Connection, account: str, now: datetime) -> datetime | None:
    """Return the end of an account's pause, or None."""
    row = connection.execute(
        "SELECT until FROM rate_limit_pauses WHERE account = ? AND until > ? AND since <= ?",
        [account, microseconds(now), microseconds(now + MINUTE)],
    ).fetchone()
    return None if row is None else moment(row["until"])


def try_acquire(
    connection: Connection, account: str, a_minute: int, now: datetime, *, paused: bool = True
) -> datetime | None:
    """Acquire a place to send. Return None on success, otherwise the time at which to retry.

    At most ``a_minute`` places are given in any 60 s, over all processes. None is given during a pause,
    unless ``paused`` is False.
    """
    return take(connection, [RateLimit(account, a_minute, MINUTE)], now, paused=paused)


def take(
    connection: Connection, budgets: Sequence[RateLimit], now: datetime, *, paused: bool = True
) -> datetime | None:
    """Acquire all rate limits or none. Return None on success, otherwise the time at which to retry.

    Limits and pauses apply as in `try_acquire`. The limits of an account may differ between calls.
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
    """Return the time of the next free place, or None if there is one now."""
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
    # The earliest of the last requests within the limit: a place is free once it is old enough.
    earlier = connection.execute(
        "SELECT at FROM turns WHERE account = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        [account, microseconds(now - budget.within), budget.places - 1],
    ).fetchone()
    return None if earlier is None else moment(earlier["at"]) + budget.within


def _time_of(connection: Connection, account: str, now: datetime) -> datetime:
    """Return ``now``, or the account's latest time if that is later, since clocks are read out of order."""
    [(latest,)] = connection.execute("SELECT max(at) FROM turns WHERE account = ?", [account])
    return max(now, moment(latest or 0))


def pause(connection: Connection, account: str, until: datetime, now: datetime) -> None:
    """Pause an account until then. A longer pause stays."""
    connection.execute(
        """
        INSERT INTO rate_limit_pauses (account, since, until) VALUES (:account, :now, :until)
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
    """Rate limits of accounts."""

    take = writes(take)

    async def try_acquire(
        self, account: str, *, a_minute: int | None, now: datetime, paused: bool = True
    ) -> datetime | None:
        """Acquire a place to send. Return None on success, otherwise the time at which to retry.

        At most ``a_minute`` places are given in any 60 s, over all processes. None is given during a pause,
        unless ``paused`` is False. Without a limit nothing is written.
        """
        if a_minute is not None:
            return await self._write(
                lambda connection: try_acquire(connection, account, a_minute, now, paused=paused)
            )
        if not paused:
            return None
        return await self._read(lambda connection: paused_until(connection, account, now))

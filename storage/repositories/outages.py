"""Outages of connections, shared by all processes: the provider is down, or asked for a pause.

Consecutive failures of a provider are counted. The pause before the next probe grows with them. Requests that
were in flight together fail together, and count once. A success ends the outage. A pause that a provider
asked for has an end of its own.

An announcement tells people that a provider is down, and later that it is back.

A time more than a minute ahead of the clock was written by a clock that was wrong.
"""

import json
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from sqlite3 import Connection, Row
from typing import Final, Literal

from providers.actions import Kind
from storage.changes import Announced, Announcement
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import WriteContext
from storage.models import ConnectionOutage, Scalar, Traffic
from storage.repositories import outbox, rate_limits
from storage.repositories.rate_limits import MINUTE

TOLD: Final = 20
"""Requests whose messages say that they wait, the next in line first. More would only burden Slack."""


def traffic(connection: Connection, owner: str) -> Traffic:
    """Return how many requests other processes are sending, all outages, and whether there is a pause."""
    sending = connection.execute(
        """
        SELECT connection, count(*) FROM actions
        WHERE state = 'sending' AND owner IS NOT ? GROUP BY connection
        """,
        [owner],
    )
    paused = connection.execute("SELECT 1 FROM pauses LIMIT 1").fetchone() is not None
    return Traffic(dict(map(tuple, sending)), all_outages(connection), paused)


def all_outages(connection: Connection) -> list[ConnectionOutage]:
    """Return all outages."""
    return [_outage(row) for row in connection.execute("SELECT * FROM outages ORDER BY connection")]


def waits_for(connection: Connection, name: str) -> ConnectionOutage | None:
    """Return the outage for which a connection's actions wait, if people are told of it, or None."""
    row = connection.execute(
        """
        SELECT * FROM outages WHERE connection = ? AND told = 1
        ORDER BY until DESC LIMIT 1
        """,
        [name],
    ).fetchone()
    return None if row is None else _outage(row)


def failed(
    connection: Connection,
    sources: WriteContext,
    name: str,
    *,
    began: datetime,
    pause: Callable[[int], timedelta],
    reachable: bool,
    told_from: int,
) -> ConnectionOutage:
    """Count a failure of a provider, for a request that ``began`` at that time, and return the outage.

    A request that began before the last counted failure does not count again. ``pause`` returns the pause
    after so many failures in a row. From ``told_from`` failures in a row on, waiting requests have
    ``waits_for``. The messages of the next in line are edited at once, with each pause, and when the outage
    is over.
    """
    now = sources.clock()
    row = _row(connection, name, "down")
    known = None if row is None else _outage(row)
    if known and known.failed_at > now + MINUTE:
        known = None
    if known and began < known.failed_at:
        return known
    failures = known.failures + 1 if known else 1
    counted = connection.execute(
        """
        INSERT INTO outages (connection, reason, since, until, failures, failed_at, reachable, told)
        VALUES (:name, 'down', :since, :until, :failures, :now, :reachable, :told)
        ON CONFLICT (connection, reason) DO UPDATE SET since = :since, until = :until, failures = :failures,
            failed_at = :now, reachable = :reachable, told = :told
        RETURNING *
        """,
        {
            "name": name,
            "since": microseconds(known.since if known else now),
            "until": microseconds(now + pause(failures)),
            "failures": failures,
            "now": microseconds(now),
            "reachable": reachable,
            "told": failures >= told_from,
        },
    ).fetchone()
    if failures >= told_from:
        _announce(connection, sources, name)
        tell_again(connection, name, now)
    return _outage(counted)


def answered(connection: Connection, sources: WriteContext, name: str) -> None:
    """Record that a provider answers again after failures."""
    row = _row(connection, name, "down")
    if row is None:
        return
    now = sources.clock()
    forget(connection, name, "down")
    if row["announced"]:
        over: dict[str, Scalar] = {"connection": name, "since": row["since"], "ended": microseconds(now)}
        outbox.announce_anew(connection, row["announced"], over)
    if row["told"]:
        tell_again(connection, name, now)


def acquire_probe(connection: Connection, sources: WriteContext, name: str, until: datetime) -> bool:
    """Return whether the caller may probe a provider whose pause is over. Others wait until then."""
    now = sources.clock()
    may = connection.execute(
        """
        UPDATE outages SET until = :until
        WHERE connection = :name AND reason = 'down' AND (until <= :now OR failed_at > :wrong)
        """,
        {
            "name": name,
            "now": microseconds(now),
            "until": microseconds(until),
            "wrong": microseconds(now + MINUTE),
        },
    )
    return may.rowcount == 1


def asked(
    connection: Connection,
    names: Collection[str],
    until: datetime,
    now: datetime,
    *,
    probe: datetime | None,
    tell: bool,
) -> None:
    """Record that the provider asked for a pause until then, for these connections of an account."""
    for name in names:
        connection.execute(
            """
            INSERT INTO outages
                (connection, reason, since, until, failures, failed_at, reachable, told, probe_at)
            VALUES (:name, 'rate_limited', :now, :until, 0, :now, 1, :tell, :probe)
            ON CONFLICT (connection, reason) DO UPDATE SET since = :now, failed_at = :now,
                until = CASE WHEN since > :wrong THEN :until ELSE max(until, :until) END,
                told = max(told, :tell), probe_at = :probe
            """,
            {
                "name": name,
                "now": microseconds(now),
                "until": microseconds(until),
                "probe": None if probe is None else microseconds(probe),
                "tell": tell,
                "wrong": microseconds(now + MINUTE),
            },
        )
        if tell:
            tell_again(connection, name, now)


def pause(
    connection: Connection,
    sources: WriteContext,
    account: str,
    until: datetime,
    *,
    connections: Collection[str] = (),
    tell: bool = False,
    probe: datetime | None = None,
) -> None:
    """Pause an account until then. A longer pause stays.

    The account's ``connections`` have an outage until then. ``tell`` means that people are told. From
    ``probe`` on, a single request that removes something may be sent all the same.
    """
    now = sources.clock()
    rate_limits.pause(connection, account, until, now)
    asked(connection, connections, until, now, probe=probe, tell=tell)


def next_probe(
    connection: Connection, names: Collection[str], until: datetime, *, due: datetime | None = None
) -> bool:
    """Set the time of an account's next probe. Return False if none was ``due``."""
    moved = connection.execute(
        """
        UPDATE outages SET probe_at = :until
        WHERE reason = 'rate_limited' AND connection IN (SELECT value FROM json_each(:names))
          AND (:due IS NULL OR probe_at <= :due)
        """,
        {
            "names": json.dumps(list(names)),
            "until": microseconds(until),
            "due": None if due is None else microseconds(due),
        },
    )
    return moved.rowcount > 0


def clear_expired(connection: Connection, sources: WriteContext) -> None:
    """Delete the pauses that providers asked for and that are over."""
    now = sources.clock()
    rows = connection.execute(
        """
        DELETE FROM outages WHERE reason = 'rate_limited' AND (until <= ? OR since > ?)
        RETURNING connection, told
        """,
        [microseconds(now), microseconds(now + MINUTE)],
    ).fetchall()
    for row in rows:
        if row["told"]:
            tell_again(connection, row["connection"], now)


def forget(connection: Connection, name: str, reason: Literal["down", "rate_limited"]) -> None:
    """Delete a connection's outage with this reason."""
    connection.execute("DELETE FROM outages WHERE connection = ? AND reason = ?", [name, reason])


def reset(
    connection: Connection, sources: WriteContext, names: Collection[str], account: str
) -> list[ConnectionOutage]:
    """End the pauses of an account and its connections now. Return the outages that it had."""
    now = sources.clock()
    held = [one for one in all_outages(connection) if one.connection in names]
    connection.execute("DELETE FROM rate_limit_pauses WHERE account = ?", [account])
    for one in held:
        if one.reason == "rate_limited":
            forget(connection, one.connection, "rate_limited")
        else:
            connection.execute(
                "UPDATE outages SET until = ? WHERE connection = ? AND reason = 'down'",
                [microseconds(now), one.connection],
            )
        tell_again(connection, one.connection, now)
    return held


def _announce(connection: Connection, sources: WriteContext, name: str) -> None:
    """Announce in the audit channel that a provider is down, once for each outage."""
    row = _row(connection, name, "down")
    if row is None or row["announced"]:
        return
    told: dict[str, Scalar] = {"connection": name, "since": row["since"]}
    one = Announcement(Announced.OUTAGE, f"{name}:{row['since']}", f"audit:{name}", payload=told)
    outbox.announce(connection, sources, one)
    connection.execute(
        "UPDATE outages SET announced = ? WHERE connection = ? AND reason = 'down'", [one.key, name]
    )


def tell_again(
    connection: Connection, name: str, now: datetime, *, kinds: Collection[Kind] = tuple(Kind)
) -> None:
    """Queue updates of the messages of the next requests in line, unless one is queued already."""
    connection.execute(
        """
        WITH next AS (
            SELECT request, min(id) AS action, max(last_event) AS event
            FROM actions
            WHERE state = 'approved' AND connection = :name
              AND kind IN (SELECT value FROM json_each(:kinds))
            GROUP BY request ORDER BY event LIMIT :told
        )
        INSERT INTO outbox (request, action, event, template, slot, added_at)
        SELECT next.request, next.action, next.event, 'state', messages.slot, :now
        FROM next JOIN messages ON messages.request = next.request AND messages.slot IN ('audit', 'card')
        WHERE NOT EXISTS (
            SELECT 1 FROM outbox WHERE outbox.request = next.request AND outbox.slot = messages.slot
            AND outbox.ended IS NULL AND outbox.owner IS NULL)
        """,
        {"name": name, "told": TOLD, "now": microseconds(now), "kinds": json.dumps(list(kinds))},
    )


def _row(connection: Connection, name: str, reason: str) -> Row | None:
    found: Row | None = connection.execute(
        "SELECT * FROM outages WHERE connection = ? AND reason = ?", [name, reason]
    ).fetchone()
    return found


def _outage(row: Row) -> ConnectionOutage:
    return ConnectionOutage(
        connection=row["connection"],
        reason=row["reason"],
        since=moment(row["since"]),
        until=moment(row["until"]),
        failures=row["failures"],
        failed_at=moment(row["failed_at"]),
        reachable=bool(row["reachable"]),
        told=bool(row["told"]),
        probe_at=None if row["probe_at"] is None else moment(row["probe_at"]),
    )


class Outages(Repository):
    """Connections that are paused for a while."""

    pause = writes(pause)
    traffic = reads(traffic)
    all_outages = reads(all_outages)
    failed = writes(failed)
    answered = writes(answered)
    acquire_probe = writes(acquire_probe)
    next_probe = writes(next_probe)
    reset = writes(reset)
    clear_expired = writes(clear_expired)

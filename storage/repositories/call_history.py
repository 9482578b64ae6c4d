"""The log's knowledge of calls and campaigns at providers."""

import json
from collections.abc import Collection
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from providers.masking import may_hold_number
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import microseconds
from storage.event_log.writer import WriteContext
from storage.models import ActionRecord
from storage.repositories import cancellations
from storage.repositories.rows import ACTIONS, FROM, select_actions

_BY_NUMBER: Final = FROM.format("lookup CROSS JOIN actions ON actions.n = lookup.action")


_SCHEDULED: Final = FROM.format(
    "actions INDEXED BY actions_scheduled LEFT JOIN lookup ON lookup.action = actions.n"
)
"""The planner would read every placed call, by its kind."""


_SCHEDULED_BY: Final = FROM.format("actions LEFT JOIN lookup ON lookup.action = actions.n")


_STILL_TO_GO_OUT: Final = f"""
    kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled' AND scheduled_for > :now
    AND ending IS NOT 'deleted'
    AND NOT EXISTS (
        SELECT 1 FROM lookup AS also CROSS JOIN actions AS cancel ON cancel.n = also.action
        WHERE also.number = lookup.number AND cancel.kind = 'cancel_call' AND cancel.state = 'succeeded'
          AND cancel.connection = actions.connection AND cancel.agent = actions.agent
          AND {cancellations.same_account("actions", "cancel")}
          AND actions.last_event < (
              SELECT {cancellations.SENT}
              FROM events AS ended CROSS JOIN events ON events.request = cancel.request
                AND events.action = cancel.id AND events.name = 'sending'
              WHERE ended.seq = cancel.last_event))
    AND NOT EXISTS (
        SELECT 1 FROM actions AS cancel
        WHERE cancel.target_id = actions.reference AND cancel.connection = actions.connection
          AND cancel.kind = 'cancel_call' AND cancel.state = 'succeeded'
          AND {cancellations.same_account("actions", "cancel")})
"""  # noqa: S608 - fixed text


_ASKED_TO_CANCEL: Final = """
    cancel.kind = 'cancel_call' AND cancel.connection = actions.connection
    AND cancel.state IN ('pending', 'approved', 'sending', 'unknown')
"""


def upcoming_calls(
    connection: Connection, sources: WriteContext, name: str, agent: str, number: str, now: datetime
) -> list[ActionRecord]:
    """Return CallOps' calls to a number that are still to be made, soonest first."""
    return select_actions(
        connection,
        _BY_NUMBER,
        f"""
        WHERE lookup.number = :number AND connection = :connection AND agent = :agent AND {_STILL_TO_GO_OUT}
        ORDER BY scheduled_for, n
        """,
        {"connection": name, "agent": agent, "number": sources.lookup(number), "now": microseconds(now)},
    )


def scheduled(
    connection: Connection, connections: Collection[str], now: datetime, *, mine: str, limit: int
) -> list[ActionRecord]:
    """Return the calls of these connections that are still to be made, a person's own first.

    Within each group, the next call comes first. Erased calls are left out.
    """
    own = scheduled_by(connection, connections, now, person=mine, limit=limit)
    others = limit - len(own)
    return own + _scheduled(connection, connections, now, mine, others, own=False)


def scheduled_by(
    connection: Connection, connections: Collection[str], now: datetime, *, person: str, limit: int
) -> list[ActionRecord]:
    """Return a person's own calls that are still to be made, the next one first, without erased ones."""
    return _scheduled(connection, connections, now, person, limit, own=True)


def _scheduled(
    connection: Connection, connections: Collection[str], now: datetime, person: str, limit: int, *, own: bool
) -> list[ActionRecord]:
    return select_actions(
        connection,
        _SCHEDULED_BY if own else _SCHEDULED,
        f"""
        WHERE {_STILL_TO_GO_OUT} AND personal.value IS NOT NULL
          AND requester {"=" if own else "<>"} :mine
          AND connection IN (SELECT value FROM json_each(:connections))
        ORDER BY scheduled_for, n LIMIT :limit
        """,  # noqa: S608 - fixed text
        {
            "connections": json.dumps(list(connections)),
            "now": microseconds(now),
            "mine": person,
            "limit": limit,
        },
    )


def to_cancel(
    connection: Connection, connections: Collection[str], now: datetime, *, limit: int
) -> list[ActionRecord]:
    """Return the calls of these connections that are still to be made and that nobody asked to cancel.

    The next call comes first. Erased calls are left out.
    """
    return select_actions(
        connection,
        _SCHEDULED,
        f"""
        WHERE {_STILL_TO_GO_OUT} AND personal.value IS NOT NULL
          AND connection IN (SELECT value FROM json_each(:connections))
          AND NOT EXISTS (
              SELECT 1 FROM lookup AS also CROSS JOIN actions AS cancel ON cancel.n = also.action
              WHERE also.number = lookup.number AND cancel.agent = actions.agent AND {_ASKED_TO_CANCEL})
          AND NOT EXISTS (
              SELECT 1 FROM actions AS cancel
              WHERE cancel.target_id = actions.reference AND {_ASKED_TO_CANCEL})
        ORDER BY scheduled_for, n LIMIT :limit
        """,  # noqa: S608 - fixed text
        {"connections": json.dumps(list(connections)), "now": microseconds(now), "limit": limit},
    )


def count_scheduled(connection: Connection, name: str | None, now: datetime) -> dict[str, int]:
    """Return the count of calls that are still to be made, by connection: of one, or of all with None."""
    rows = connection.execute(
        f"""
        SELECT connection, count(*) FROM actions INDEXED BY actions_scheduled
            LEFT JOIN lookup ON lookup.action = actions.n
        WHERE {_STILL_TO_GO_OUT} AND (:name IS NULL OR connection = :name) GROUP BY connection
        """,  # noqa: S608 - fixed text
        {"name": name, "now": microseconds(now)},
    )
    return dict(map(tuple, rows))


def scheduled_to(
    connection: Connection, sources: WriteContext, number: str, now: datetime
) -> list[ActionRecord]:
    """Return the same as `upcoming_calls`, for all connections and agents."""
    return select_actions(
        connection,
        _BY_NUMBER,
        f"WHERE lookup.number = :number AND {_STILL_TO_GO_OUT} ORDER BY scheduled_for, n",
        {"number": sources.lookup(number), "now": microseconds(now)},
    )


def still_goes_out(connection: Connection, request: str, now: datetime) -> bool:
    """Return whether a call placed by a request is still to be made."""
    return bool(
        connection.execute(
            f"""
            SELECT 1 FROM (SELECT n AS own FROM actions AS asked WHERE asked.request = :request)
            CROSS JOIN actions ON actions.n = own LEFT JOIN lookup ON lookup.action = actions.n
            WHERE {_STILL_TO_GO_OUT}
            """,  # noqa: S608 - fixed text
            {"request": request, "now": microseconds(now)},
        ).fetchone()
    )


def connections_knowing(
    connection: Connection, sources: WriteContext, ids: Collection[str]
) -> frozenset[str]:
    """Return the connections whose provider returned one of these ids, or carried out an action on it."""
    found = connection.execute(
        """
        SELECT actions.connection FROM json_each(:ids) AS id
            JOIN events ON json_extract(events.data, '$.reference') = id.value
            JOIN actions ON actions.id = events.action
        UNION
        SELECT actions.connection FROM json_each(:ids) AS id
            CROSS JOIN actions ON actions.target_id = id.value
        WHERE actions.state = 'succeeded'
        """,
        {"ids": json.dumps(list(ids))},
    ).fetchall()
    for one in filter(may_hold_number, ids):
        found += connection.execute(
            """
            SELECT connection FROM lookup CROSS JOIN actions ON actions.n = lookup.action
            WHERE lookup.number = ? AND actions.state = 'succeeded'
            """,
            [sources.lookup(one)],
        ).fetchall()
    return frozenset(name for (name,) in found)


def find_scheduled(connection: Connection, name: str, reference: str, now: datetime) -> ActionRecord | None:
    """Return the call with this provider's id that is still to be made, or None."""
    found = select_actions(
        connection,
        ACTIONS,
        """
        WHERE actions.id IN (SELECT action FROM events WHERE json_extract(data, '$.reference') = :reference)
          AND reference = :reference AND +connection = :connection AND +kind = 'place_call'
          AND +state = 'succeeded' AND +code = 'scheduled' AND +scheduled_for > :now
          AND NOT EXISTS (
            SELECT 1 FROM actions AS cancel
            WHERE cancel.target_id = actions.reference AND cancel.connection = actions.connection
              AND cancel.kind = 'cancel_call' AND cancel.state = 'succeeded')
        ORDER BY scheduled_for, n LIMIT 1
        """,
        {"connection": name, "reference": reference, "now": microseconds(now)},
    )
    return found[0] if found else None


def placed_as(connection: Connection, name: str, reference: str) -> list[ActionRecord]:
    """Return the calls that were placed through a connection and to which its provider gave this id."""
    return select_actions(
        connection,
        ACTIONS,
        """
        WHERE actions.id IN (SELECT action FROM events WHERE json_extract(data, '$.reference') = :reference)
          AND reference = :reference AND +connection = :connection AND +kind = 'place_call'
        """,
        {"connection": name, "reference": reference},
    )


def known_ids(connection: Connection, sources: WriteContext, ids: Collection[str]) -> set[str]:
    """Return those of some ids that are an action's target, or that a provider returned."""
    rows = connection.execute(
        """
        WITH asked AS (SELECT DISTINCT value FROM json_each(:ids))
        SELECT value FROM asked
        WHERE EXISTS (SELECT 1 FROM actions WHERE target_id = value)
           OR EXISTS (SELECT 1 FROM events WHERE json_extract(data, '$.reference') = value)
        """,
        {"ids": json.dumps(list(ids))},
    )
    held = "SELECT 1 FROM lookup WHERE number = ?"
    return {found for (found,) in rows} | {
        one
        for one in ids
        if may_hold_number(one) and connection.execute(held, [sources.lookup(one)]).fetchone()
    }


def is_reference(connection: Connection, identifier: str) -> bool:
    """Return whether a provider returned that id for an action."""
    found = connection.execute(
        "SELECT 1 FROM events WHERE json_extract(data, '$.reference') = ?", [identifier]
    )
    return found.fetchone() is not None


def seen(connection: Connection, name: str, account: str, reference: str, before: datetime) -> bool:
    """Return whether the log knew, before that time, that the provider had a target with this id.

    ``account`` is the fingerprint of the account. Knowledge about another account does not count, and neither
    does a target that CallOps cancelled or deleted since.
    """
    found = connection.execute(
        """
        SELECT 1 FROM events JOIN actions ON actions.id = events.action
            JOIN requests ON requests.id = actions.request
        WHERE json_extract(events.data, '$.reference') = :reference AND events.at < :before
          AND actions.connection = :connection
          AND substr(requests.fingerprint, 1, length(:account)) = :account
        """,
        {
            "reference": reference,
            "before": microseconds(before),
            "connection": name,
            "account": account,
        },
    )
    return found.fetchone() is not None and not _was_ended(connection, name, reference)


def found_before_attempt(connection: Connection, action: str) -> bool:
    """Return whether a look-up found an action's target before the action's first attempt.

    Return False if CallOps cancelled or deleted the target since.
    """
    found = connection.execute(
        """
        SELECT connection, target_id, lookup.number FROM events AS look
        JOIN actions ON actions.id = look.action LEFT JOIN lookup ON lookup.action = actions.n
        WHERE look.action = :action AND look.name = 'looked_up' AND json_extract(look.data, '$.found')
          AND NOT EXISTS (
            SELECT 1 FROM events AS sent
            WHERE sent.request = actions.request AND sent.action = :action AND sent.name = 'sending'
              AND sent.seq < look.seq)
        """,
        {"action": action},
    ).fetchone()
    return found is not None and not _was_ended(
        connection, found["connection"], found["target_id"], found["number"]
    )


def _was_ended(
    connection: Connection, name: str, reference: str | None, looked_up: bytes | None = None
) -> bool:
    """Return whether CallOps cancelled or deleted the target of that id.

    Stopping and starting a campaign do not count. ``looked_up`` is the keyed hash of an id that may hold a
    number.
    """
    ended = connection.execute(
        """
        SELECT 1 FROM actions
        WHERE target_id = ? AND connection = ? AND state = 'succeeded'
          AND kind IN ('cancel_call', 'delete_campaign')
        UNION ALL
        SELECT 1 FROM lookup CROSS JOIN actions ON actions.n = lookup.action
        WHERE lookup.number = ? AND connection = ? AND state = 'succeeded' AND agent IS NULL
          AND kind IN ('cancel_call', 'delete_campaign')
        """,
        [reference, name, looked_up, name],
    )
    return ended.fetchone() is not None


def campaigns_seen(connection: Connection) -> set[tuple[str, str, str]]:
    """Return the campaigns that look-ups named: connection, id and name, without deleted ones."""
    rows = connection.execute(
        """
        SELECT DISTINCT actions.connection, actions.target_id, personal.value
        FROM events
        CROSS JOIN personal ON personal.event = events.seq AND personal.field = 'known_as'
        CROSS JOIN actions ON actions.id = events.action
        WHERE events.name = 'looked_up' AND personal.value IS NOT NULL AND actions.target_id IS NOT NULL
          AND actions.kind <> 'cancel_call'
          AND NOT EXISTS (
            SELECT 1 FROM actions AS deletion
            WHERE deletion.target_id = actions.target_id AND deletion.connection = actions.connection
              AND deletion.kind = 'delete_campaign' AND deletion.state = 'succeeded')
        """
    )
    return {(row[0], row[1], row[2]) for row in rows}


class CallHistory(Repository):
    """The log's knowledge of calls and campaigns at providers."""

    upcoming_calls = reads(upcoming_calls)
    scheduled = reads(scheduled)
    scheduled_by = reads(scheduled_by)
    scheduled_to = reads(scheduled_to)
    to_cancel = reads(to_cancel)
    connections_knowing = reads(connections_knowing)
    find_scheduled = reads(find_scheduled)
    placed_as = reads(placed_as)
    known_ids = reads(known_ids)
    seen = reads(seen)
    found_before_attempt = reads(found_before_attempt)
    campaigns_seen = reads(campaigns_seen)

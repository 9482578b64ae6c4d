"""Mutual exclusion for cancellations by number, which remove all calls that an agent has scheduled to it.

Such a cancellation holds while it is being sent, or is unknown and about to be retried. Meanwhile no other
action begins for the same agent and number. No cancellation begins while a call to them is being placed.
Otherwise the cancellation could remove a newer schedule than its own. The same agent is the same name in a
connection, or the same fingerprint under any name and connection.

Both SQL fragments are used by the query for due actions and, in the same transaction as the claim, by the
claim. Of two unknown cancellations, the one that was ordered first goes first. So neither waits for ever.
"""

from sqlite3 import Connection
from typing import Final

HOLDING: Final = """
    holding (n, kind, request, connection, agent, number, ordered) AS MATERIALIZED (
        SELECT actions.n, kind, request, connection, agent, number, NULL
        FROM actions CROSS JOIN lookup ON lookup.action = actions.n
        WHERE state = 'sending'
        UNION ALL
        SELECT actions.n, kind, request, connection, agent, number, last_event
        FROM actions INDEXED BY actions_maybe_executed CROSS JOIN lookup ON lookup.action = actions.n
        WHERE state = 'approved' AND maybe_executed = 1 AND kind = 'cancel_call'
    )
"""
"""The actions that others wait for. Only actions with a number have a row in ``lookup``.

The planner would look for the unknown ones among all cancellations, by their kind.
"""

WAITS: Final = """
    EXISTS (
        SELECT 1 FROM holding CROSS JOIN lookup AS own
        WHERE holding.n <> actions.n AND 'cancel_call' IN (holding.kind, actions.kind)
          AND own.action = actions.n AND own.number = holding.number
          AND (holding.connection = actions.connection AND holding.agent = actions.agent
               OR (SELECT fingerprint FROM requests WHERE id = holding.request)
                  = (SELECT fingerprint FROM requests WHERE id = actions.request))
          AND (holding.ordered IS NULL OR holding.ordered < actions.last_event
               OR NOT (actions.maybe_executed AND actions.kind = 'cancel_call')))
"""
"""SQL condition: a row of ``actions`` waits for one of `HOLDING`."""


def waits(connection: Connection, action: str) -> bool:
    """Return whether an action may not begin now."""
    found = connection.execute(f"WITH {HOLDING} SELECT 1 FROM actions WHERE id = ? AND {WAITS}", [action])  # noqa: S608 - fixed text
    return found.fetchone() is not None

"""Who must wait for whom, because a provider cancels by number: all that an agent has scheduled to it goes.

While such a cancellation is being sent, or is in doubt and about to be sent again, nothing else begins for
the same agent and number; and no cancellation begins while a call to them is being placed.
Otherwise the cancellation could take away a newer schedule than the one it was meant for. The same agent is
the same name in one connection, or, under whatever name and connection, the same fingerprint.

Both fragments are used by what looks for ready entries and, in the same transaction as the claim, by what
claims one. Of two cancellations in doubt the one that was ordered first goes first: neither waits for ever.
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
"""What others wait for. Only what is aimed at a number has a row in ``lookup``.

The planner would look for those in doubt among all cancellations that ever were, by their kind.
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
"""Whether an entry of ``actions`` waits for one of `HOLDING`."""


def waits(connection: Connection, entry: str) -> bool:
    """Return whether an entry may not begin now."""
    found = connection.execute(f"WITH {HOLDING} SELECT 1 FROM actions WHERE id = ? AND {WAITS}", [entry])  # noqa: S608 - fixed text
    return found.fetchone() is not None

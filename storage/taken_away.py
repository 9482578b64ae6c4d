"""What a cancellation took away, noted where the call was placed: in its story, and in the audit channel."""

from sqlite3 import Connection

from storage.appending import Chain
from storage.chain import CANCELLED, moment
from storage.entries import SYSTEM, Cancelled
from storage.outbox import STATE


def note(connection: Connection, writer: Chain, entry: str, by: str) -> None:
    """Write down which scheduled calls a cancellation took away, and have their messages edited."""
    found = connection.execute(
        """
        WITH done AS (SELECT * FROM actions WHERE id = ? AND kind = 'cancel_call')
        SELECT placed.id, placed.request FROM done, actions AS placed
        WHERE placed.id IN (
            SELECT events.entry FROM events
            WHERE json_extract(data, '$.reference') = done.target_id AND done.target_id IS NOT NULL
            UNION
            SELECT scheduled.id FROM lookup AS its JOIN lookup AS same ON same.number = its.number
                JOIN actions AS scheduled ON scheduled.n = same.action
            WHERE its.action = done.n AND scheduled.agent = done.agent
                AND scheduled.scheduled_for > done.asked_at
        )
        AND placed.connection = done.connection AND placed.kind = 'place_call'
        AND placed.state = 'succeeded' AND placed.code = 'scheduled'
        AND NOT EXISTS (SELECT 1 FROM events WHERE request = placed.request AND name = ?)
        """,
        [entry, CANCELLED],
    ).fetchall()
    for placed, request in found:
        event = writer.append(request, placed, CANCELLED, actor=SYSTEM, data={"by": by}, private={})
        connection.execute(
            "INSERT INTO outbox (request, entry, event, template, slot) VALUES (?, ?, ?, ?, 'audit')",
            [request, placed, event.seq, STATE],
        )


def cancelled(connection: Connection, request: str) -> Cancelled | None:
    """By which request a call that was placed was cancelled."""
    found = connection.execute(
        """
        SELECT requests.id, requests.moves_to FROM events
        JOIN requests ON requests.id = json_extract(events.data, '$.by')
        WHERE events.request = ? AND name = ? ORDER BY seq LIMIT 1
        """,
        [request, CANCELLED],
    ).fetchone()
    return Cancelled(found["id"], moment(found["moves_to"]) if found["moves_to"] else None) if found else None

"""What a cancellation took away, noted where the call was placed: in its story, and in its messages.

Nothing is claimed of a call that was placed once the cancellation was on its way, or whose time had come.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from storage.appending import Chain
from storage.chain import CANCELLED
from storage.entries import SYSTEM, Cancelled
from storage.outbox import STATE


def note(connection: Connection, writer: Chain, entry: str, by: str) -> None:
    """Write down which scheduled calls a cancellation took away, and have their messages edited.

    Whoever placed one hears of it, unless it was them who had it cancelled.
    """
    for placed in _found(connection, entry):
        request = placed["request"]
        event = writer.append(request, placed["id"], CANCELLED, actor=SYSTEM, data={"by": by}, private={})
        slots = ["audit", *(slot for slot in ("card", "origin") if slot in placed["shown"].split())]
        if placed["requester"] != placed["cancelled_by"]:
            slots.append(f"dm:{placed['requester']}")
        connection.executemany(
            "INSERT INTO outbox (request, entry, event, template, slot) VALUES (?, ?, ?, ?, ?)",
            [(request, placed["id"], event.seq, STATE, slot) for slot in slots],
        )


def _found(connection: Connection, entry: str) -> list[Mapping[str, Any]]:
    """The calls, each found by an index: by its provider's id, or by its number."""
    return connection.execute(
        """
        WITH done AS MATERIALIZED (
            SELECT actions.*, min(seq) AS sent, max(seq) AS sent_last
            FROM actions CROSS JOIN events ON events.request = actions.request
                AND events.entry = actions.id AND events.name = 'sending'
            WHERE id = :entry AND kind = 'cancel_call' GROUP BY id
        ), hit AS MATERIALIZED (
            SELECT events.entry AS id FROM done CROSS JOIN events
                ON json_extract(events.data, '$.reference') = +done.target_id
            UNION
            SELECT placed.id FROM done CROSS JOIN lookup AS its ON its.action = done.n
                CROSS JOIN lookup AS same ON same.number = its.number
                CROSS JOIN actions AS placed ON placed.n = same.action AND placed.agent = done.agent
        )
        SELECT placed.id, placed.request, placed.requester, done.requester AS cancelled_by, (
            SELECT coalesce(group_concat(slot, ' '), '') FROM messages WHERE messages.request = placed.request
        ) AS shown
        FROM hit CROSS JOIN done CROSS JOIN actions AS placed ON placed.id = hit.id
        WHERE placed.connection = done.connection AND placed.kind = 'place_call'
            AND placed.state = 'succeeded' AND placed.code = 'scheduled' AND placed.last_event < done.sent
            AND placed.scheduled_for > (SELECT at FROM events WHERE seq = done.sent_last)
            AND NOT EXISTS (SELECT 1 FROM events WHERE request = placed.request AND name = :name)
        """,
        {"entry": entry, "name": CANCELLED},
    ).fetchall()


def cancelled(connection: Connection, request: str) -> Cancelled | None:
    """By which request a call that was placed was cancelled."""
    found = connection.execute(
        """
        SELECT requests.id, requests.moves = events.entry AS moved FROM events
        JOIN requests ON requests.id = json_extract(events.data, '$.by')
        WHERE events.request = ? AND name = ? ORDER BY seq LIMIT 1
        """,
        [request, CANCELLED],
    ).fetchone()
    return Cancelled(found["id"], moved=bool(found["moved"])) if found else None

"""What a cancellation took away, noted where the call was placed: in its story, and in its messages.

Nothing is claimed of a call that was placed once the cancellation was on its way, or whose time had come.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any, Final

from storage.changes import Notification
from storage.event_log.hash_chain import CANCELLED
from storage.event_log.writer import EventWriter
from storage.models import SYSTEM, Cancelled
from storage.repositories.outbox import STATE, add_posts

SENT: Final = "CASE ended.name WHEN 'succeeded' THEN max(events.seq) ELSE min(events.seq) END"
"""Of a cancellation that ``ended``, the ``sending`` event that did it.

An answer is that of the last attempt; what a person or a look-up settled may be the work of the first.
"""


def same_account(placed: str, cancel: str) -> str:
    """Return the condition that a call was placed where a cancellation of the same connection goes.

    An agent's fingerprint begins with its account's, and a cancellation by id has only that.
    """
    of = "(SELECT fingerprint FROM requests WHERE id = {}.request)"
    return f"substr({of.format(placed)}, 1, length({of.format(cancel)})) = {of.format(cancel)}"


def note(connection: Connection, writer: EventWriter, entry: str, by: str) -> None:
    """Write down which scheduled calls a cancellation took away, and have their messages edited.

    Whoever placed one hears of it, unless it was them who had it cancelled.
    """
    for placed in _found(connection, entry):
        request = placed["request"]
        event = writer.append(request, placed["id"], CANCELLED, actor=SYSTEM, data={"by": by}, private={})
        slots = ["audit", *(slot for slot in ("card", "origin") if slot in placed["shown"].split())]
        if placed["requester"] != placed["cancelled_by"]:
            slots.append(f"dm:{placed['requester']}")
        add_posts(connection, event, [Notification(STATE, slot) for slot in slots])


def _found(connection: Connection, entry: str) -> list[Mapping[str, Any]]:
    """Return the calls, each found by an index: by its provider's id, or by its number.

    By number a provider says the same where a call went out while it answered: only what came later counts.
    """
    return connection.execute(
        f"""
        WITH done AS MATERIALIZED (
            SELECT actions.*, {SENT} AS sent,
                CASE WHEN ended.name = 'succeeded' AND target_id IS NULL THEN ended.at
                    ELSE max(events.at) END AS later_than
            FROM actions CROSS JOIN events AS ended ON ended.seq = actions.last_event
                CROSS JOIN events ON events.request = actions.request
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
            AND placed.scheduled_for > done.later_than AND {same_account("placed", "done")}
            AND NOT EXISTS (SELECT 1 FROM events WHERE request = placed.request AND name = :name)
        """,  # noqa: S608 - fixed text
        {"entry": entry, "name": CANCELLED},
    ).fetchall()


def cancelled(connection: Connection, request: str) -> Cancelled | None:
    """Return by which request a placed call was cancelled, or None."""
    found = connection.execute(
        """
        SELECT requests.id, requests.reschedules = events.entry AS moved FROM events
        JOIN requests ON requests.id = json_extract(events.data, '$.by')
        WHERE events.request = ? AND name = ? ORDER BY seq LIMIT 1
        """,
        [request, CANCELLED],
    ).fetchone()
    return Cancelled(found["id"], moved=bool(found["moved"])) if found else None


def done_by(connection: Connection, request: str) -> str | None:
    """Return which other request cancelled the same, while this cancellation was under way; or None."""
    found = connection.execute(
        """
        WITH own AS MATERIALIZED (SELECT * FROM actions WHERE request = ? AND kind = 'cancel_call'),
        same AS MATERIALIZED (
            SELECT other.n FROM own CROSS JOIN actions AS other
                ON other.target_id = own.target_id
            UNION
            SELECT also.action FROM own CROSS JOIN lookup AS its ON its.action = own.n
                CROSS JOIN lookup AS also ON also.number = its.number
        )
        SELECT done.request FROM same CROSS JOIN own CROSS JOIN actions AS done ON done.n = same.n
        WHERE done.kind = 'cancel_call' AND done.state = 'succeeded' AND done.connection = own.connection
            AND done.agent IS own.agent AND done.last_event BETWEEN own.asked_event AND own.last_event
        ORDER BY done.last_event LIMIT 1
        """,
        [request],
    ).fetchone()
    return str(found["request"]) if found else None

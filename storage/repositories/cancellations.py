"""Records on placed calls that a cancellation cancelled them, and updates their messages.

A call is left alone if it was placed after the cancellation was sent, or if its time had come.
"""

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any, Final

from storage.changes import Notification
from storage.event_log.hash_chain import CANCELLED, FOLLOWED
from storage.event_log.writer import EventWriter
from storage.models import SYSTEM, Cancelled, Event
from storage.repositories.outbox import STATE, add_posts

SENT: Final = "CASE ended.name WHEN 'succeeded' THEN max(events.seq) ELSE min(events.seq) END"
"""For a cancellation that ``ended``: its ``sending`` event.

A success is the answer to the last attempt. A result that a person or a look-up recorded may be that of the
first attempt.
"""


_SHOWN: Final = """
    (
        SELECT coalesce(group_concat(slot, ' '), '') FROM messages WHERE messages.request = placed.request
    ) AS shown
"""
"""The messages that a placed call has."""


def same_account(placed: str, cancel: str) -> str:
    """Return the SQL condition that a call was placed at the account of a cancellation's connection.

    An agent's fingerprint begins with its account's. A cancellation by id has only the latter.
    """
    of = "(SELECT fingerprint FROM requests WHERE id = {}.request)"
    return f"substr({of.format(placed)}, 1, length({of.format(cancel)})) = {of.format(cancel)}"


def note(connection: Connection, writer: EventWriter, action: str, by: str) -> None:
    """Record which scheduled calls a cancellation cancelled, and queue updates of their messages.

    The requester of such a call is notified, unless the same person had it cancelled.
    """
    for placed in _found(connection, action):
        request = placed["request"]
        event = writer.append(request, placed["id"], CANCELLED, actor=SYSTEM, data={"by": by}, private={})
        _update_messages(connection, event, placed)


def note_second_step(connection: Connection, writer: EventWriter, events: Sequence[Event]) -> None:
    """Update the messages of a rescheduled call if some events of the move tell of its second step.

    A call that another request cancelled is left alone.
    """
    move = next((event.request for event in events if event.name == FOLLOWED), None)
    placed = connection.execute(
        f"""
        SELECT placed.id, placed.request, placed.requester, requests.requester AS cancelled_by, {_SHOWN}
        FROM requests JOIN actions AS placed ON placed.id = requests.reschedules
        JOIN events ON events.request = placed.request AND events.name = :name
        WHERE requests.id = :move AND json_extract(events.data, '$.by') = :move
        """,  # noqa: S608 - fixed text
        {"move": move, "name": CANCELLED},
    ).fetchone()
    if placed:
        data = {"by": move}
        event = writer.append(placed["request"], placed["id"], FOLLOWED, actor=SYSTEM, data=data, private={})
        _update_messages(connection, event, placed)


def _update_messages(connection: Connection, event: Event, placed: Mapping[str, Any]) -> None:
    slots = ["audit", *(slot for slot in ("card", "origin") if slot in placed["shown"].split())]
    if placed["requester"] != placed["cancelled_by"]:
        slots.append(f"dm:{placed['requester']}")
    add_posts(connection, event, [Notification(STATE, slot) for slot in slots])


def _found(connection: Connection, action: str) -> list[Mapping[str, Any]]:
    """Return the cancelled calls, found by an index: by the provider's id, or by number.

    By number, a provider answers the same if a call was made meanwhile. So only calls due after the answer
    count.
    """
    return connection.execute(
        f"""
        WITH done AS MATERIALIZED (
            SELECT actions.*, {SENT} AS sent,
                CASE WHEN ended.name = 'succeeded' AND target_id IS NULL THEN ended.at
                    ELSE max(events.at) END AS later_than
            FROM actions CROSS JOIN events AS ended ON ended.seq = actions.last_event
                CROSS JOIN events ON events.request = actions.request
                AND events.action = actions.id AND events.name = 'sending'
            WHERE id = :action AND kind = 'cancel_call' GROUP BY id
        ), hit AS MATERIALIZED (
            SELECT events.action AS id FROM done CROSS JOIN events
                ON json_extract(events.data, '$.reference') = +done.target_id
            UNION
            SELECT placed.id FROM done CROSS JOIN lookup AS its ON its.action = done.n
                CROSS JOIN lookup AS same ON same.number = its.number
                CROSS JOIN actions AS placed ON placed.n = same.action AND placed.agent = done.agent
        )
        SELECT placed.id, placed.request, placed.requester, done.requester AS cancelled_by, {_SHOWN}
        FROM hit CROSS JOIN done CROSS JOIN actions AS placed ON placed.id = hit.id
        WHERE placed.connection = done.connection AND placed.kind = 'place_call'
            AND placed.state = 'succeeded' AND placed.code = 'scheduled' AND placed.last_event < done.sent
            AND placed.scheduled_for > done.later_than AND {same_account("placed", "done")}
            AND NOT EXISTS (SELECT 1 FROM events WHERE request = placed.request AND name = :name)
        """,  # noqa: S608 - fixed text
        {"action": action, "name": CANCELLED},
    ).fetchall()


def cancelled(connection: Connection, request: str) -> Cancelled | None:
    """Return the request by which a placed call was cancelled, or None."""
    found = connection.execute(
        """
        SELECT requests.id, requests.reschedules = events.action AS moved, requests.requester,
            reason.value AS reason
        FROM events JOIN requests ON requests.id = json_extract(events.data, '$.by')
        JOIN actions ON actions.request = requests.id AND actions.position = 1
        LEFT JOIN personal AS reason ON reason.event = actions.asked_event AND reason.field = 'reason'
        WHERE events.request = ? AND name = ? ORDER BY seq LIMIT 1
        """,
        [request, CANCELLED],
    ).fetchone()
    if found is None:
        return None
    return Cancelled(found["id"], bool(found["moved"]), found["requester"], found["reason"])


def done_by(connection: Connection, request: str) -> str | None:
    """Return another request that cancelled the same target during this cancellation, or None."""
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

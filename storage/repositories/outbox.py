"""The outbox: Slack messages that are committed together with their events, and sent in order."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Final

from storage.changes import Announced, Announcement, Notification
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import ERASED, microseconds, moment
from storage.event_log.writer import WriteContext
from storage.models import Event, MessageRef, OutboxItem, Scalar
from storage.repositories.rate_limits import MINUTE

AUDIT: Final = "audit"
"""The slot of a request's message in the audit channel."""
EDITED: Final = frozenset({AUDIT, "card", "origin", "settle"})
"""Slots with a single message for each request. A later edit covers an earlier one."""
ASKED: Final = "asked:"
"""Prefix before a person's id: a single message for each person."""
SETTLE: Final = "settle:"
"""Prefix before a person's id: the message about an unknown outcome, one for each person."""
REPLY: Final = "reply:"
"""Prefix before an outbox row's id: a message that is edited only to be erased."""
STATE: Final = "state"
"""The template of an update that shows a request's present state."""
ERASURE: Final = "erased"
"""The template of an update that removes the personal text from a message."""

_ERASURES: Final = """
    INSERT INTO outbox (request, action, event, template, slot, added_at)
    SELECT messages.request, messages.request, events.seq, ?, messages.slot, events.at FROM messages
"""


_FREE: Final = """
    ended IS NULL AND is_next = 1 AND lane IS NULL AND (lease_until IS NULL OR lease_until <= :now)
"""
_DUE: Final = f"""
    WITH RECURSIVE lanes (name) AS (
        SELECT min(lane) FROM outbox WHERE ended IS NULL AND lane IS NOT NULL
        UNION ALL
        SELECT (SELECT min(lane) FROM outbox
                WHERE ended IS NULL AND lane > lanes.name)
        FROM lanes WHERE name IS NOT NULL
    ), due (id) AS (
        SELECT id FROM (
            SELECT id FROM outbox
            WHERE {_FREE} AND coalesce(not_before, 0) = 0 ORDER BY id LIMIT :limit)
        UNION
        SELECT id FROM (
            SELECT id FROM outbox
            WHERE {_FREE} AND coalesce(not_before, 0) > 0 AND coalesce(not_before, 0) <= :now LIMIT :limit)
        UNION
        SELECT id FROM (
            SELECT id FROM outbox
            WHERE {_FREE} AND not_before IS NOT NULL AND postponed_at > :ahead LIMIT :limit)
        UNION
        SELECT id FROM lanes CROSS JOIN outbox ON id = (
            SELECT min(id) FROM outbox
            WHERE ended IS NULL AND lane = lanes.name AND is_next = 1)
        WHERE (not_before IS NULL OR not_before <= :now OR postponed_at > :ahead)
            AND (lease_until IS NULL OR lease_until <= :now)
            AND lane NOT IN (
                SELECT lane FROM outbox
                WHERE ended IS NULL AND lease_until > :now AND lane IS NOT NULL)
    )
    SELECT outbox.* FROM due JOIN outbox USING (id) ORDER BY id LIMIT :limit
"""  # noqa: S608 - fixed text


def is_edited(slot: str) -> bool:
    """Return whether a slot has a single message that is edited from then on."""
    return slot in EDITED or slot.startswith((ASKED, SETTLE, REPLY))


def add_posts(connection: Connection, event: Event, posts: Iterable[Notification]) -> None:
    """Add the notifications of a request's event."""
    connection.executemany(
        "INSERT INTO outbox (request, action, event, template, slot, added_at) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (event.request, event.action, event.seq, post.template, post.to, microseconds(event.at))
            for post in posts
        ],
    )


def announce(connection: Connection, sources: WriteContext, *announcements: Announcement) -> None:
    """Add announcements, except those that were added before."""
    now = microseconds(sources.clock())
    connection.executemany(
        """
        INSERT INTO outbox (dedupe_key, template, slot, event, payload, added_at, is_next)
        VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING
        """,
        [(one.key, one.kind, one.to, one.event, _as_text(one.payload), now) for one in announcements],
    )


def announce_anew(connection: Connection, key: str, payload: Mapping[str, Scalar]) -> None:
    """Give an announcement a new payload. If its message was sent, it is edited."""
    connection.execute(
        """
        UPDATE outbox
        SET payload = ?, ended = NULL, ended_at = NULL, not_before = NULL, lane = NULL, unordered = 0
        WHERE dedupe_key = ?
        """,
        [_as_text(payload), key],
    )


def outgoing(
    connection: Connection, now: datetime, *, owner: str, until: datetime, limit: int
) -> list[OutboxItem]:
    """Lease and return due outbox items, at most the first unsent one of each request.

    An ``unordered`` item delays only items for the same place. Of the items that wait in a lane, only the
    oldest is returned.
    """
    rows = connection.execute(
        _DUE, {"now": microseconds(now), "ahead": microseconds(now + MINUTE), "limit": limit}
    ).fetchall()
    connection.executemany(
        "UPDATE outbox SET owner = ?, lease_until = ?, tries = tries + 1 WHERE id = ?",
        [(owner, microseconds(until), row["id"]) for row in rows],
    )
    return [_outgoing(row) for row in rows]


def _outgoing(row: Row) -> OutboxItem:
    return OutboxItem(
        id=row["id"],
        request=row["request"],
        action=row["action"],
        event=row["event"],
        template=row["template"],
        to=row["slot"],
        tries=row["tries"] + 1,
        added_at=moment(row["added_at"]),
        unordered=bool(row["unordered"]),
        key=row["dedupe_key"],
        payload=json.loads(row["payload"]),
        stands=MessageRef(row["channel"], row["ts"]) if row["ts"] else None,
    )


def delivered(
    connection: Connection,
    sources: WriteContext,
    post: OutboxItem,
    ref: MessageRef | None,
    *,
    seen: int | None,
    opens: Collection[str] = (),
) -> None:
    """Record that an item was sent. ``ref`` is the place of a lasting message (audit, card, announcement).

    ``seen`` is the last event that the message showed. Older updates of the same message need not be sent.
    Neither need the same words about what CallOps did to another action of the request. An update that tells
    a pause or an outage, and was queued later than the event and the item, is still sent. Everything in the
    lanes that it ``opens`` is due at once, in order.
    """
    now = sources.clock()
    _end(connection, post, "delivered", now, ref)
    edited = is_edited(post.to)
    connection.execute(
        """
        UPDATE outbox SET ended = 'covered', ended_at = :now
        WHERE request = :request AND slot = :slot AND ended IS NULL
        AND (event < :seen OR (event = :seen AND (
            id < :id OR added_at = (SELECT at FROM events WHERE seq = event))))
        AND (:edited OR (template = :template AND 'system' = (SELECT actor FROM events WHERE seq = event)))
        """,
        {
            "now": microseconds(now),
            "id": post.id,
            "request": post.request,
            "slot": post.to,
            "seen": seen,
            "edited": edited,
            "template": post.template,
        },
    )
    if ref is not None and post.request is not None:
        _stands(connection, post, ref, seen)
    connection.executemany(
        "UPDATE outbox SET lane = NULL, unordered = 0, not_before = NULL WHERE lane = ? AND ended IS NULL",
        [(lane,) for lane in opens],
    )


def slot_of(post: OutboxItem) -> str:
    """Return the slot under which the place of an item's message is kept."""
    return post.to if is_edited(post.to) else f"{REPLY}{post.id}"


def joined(connection: Connection, post: OutboxItem, ref: MessageRef) -> None:
    """Record that a message will also tell an item's news, before it is edited. An erasure then finds it."""
    connection.execute(
        "INSERT INTO messages (request, slot, channel, ts) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [post.request, slot_of(post), ref.channel, ref.ts],
    )


def told_in(connection: Connection, ref: MessageRef) -> list[str]:
    """Return the requests that a message is about, oldest first."""
    rows = connection.execute(
        """
        SELECT request, min(requests.asked_at) AS at FROM messages JOIN requests ON requests.id = request
        WHERE ts = ? AND messages.channel = ? GROUP BY request ORDER BY at, request
        """,
        [ref.ts, ref.channel],
    )
    return [row["request"] for row in rows]


def _stands(connection: Connection, post: OutboxItem, ref: MessageRef, seen: int | None) -> None:
    """Record the place of a message, so that it can be edited, if only to erase it."""
    slot = slot_of(post)
    connection.execute(
        """
        INSERT INTO messages (request, slot, channel, ts) VALUES (?, ?, ?, ?)
        ON CONFLICT (request, slot) DO UPDATE SET channel = excluded.channel, ts = excluded.ts,
            link = CASE WHEN ts = excluded.ts THEN link END
        """,
        [post.request, slot, ref.channel, ref.ts],
    )
    # A message that was sent during an erasure still shows the erased values.
    connection.execute(
        f"""
        {_ERASURES} JOIN events ON events.request = messages.request AND events.name = ?
        WHERE messages.request = ? AND messages.slot = ? AND events.seq > ? LIMIT 1
        """,
        [ERASURE, ERASED, post.request, slot, seen],
    )


def permalink(connection: Connection, request: str) -> tuple[MessageRef, str | None] | None:
    """Return the place of a request's audit message and its address if it is known, or None."""
    row = connection.execute(
        "SELECT channel, ts, link FROM messages WHERE request = ? AND slot = ?", [request, AUDIT]
    ).fetchone()
    return None if row is None else (MessageRef(row["channel"], row["ts"]), row["link"])


def keep_permalink(connection: Connection, request: str, ref: MessageRef, link: str) -> None:
    """Keep the address of a request's audit message, unless another message has replaced it."""
    connection.execute(
        "UPDATE messages SET link = ? WHERE request = ? AND slot = ? AND ts = ?",
        [link, request, AUDIT, ref.ts],
    )


def erase_posts(connection: Connection, event: Event) -> None:
    """Queue updates that remove the personal text from every message of an erased request."""
    connection.execute(
        f"{_ERASURES} JOIN events ON events.seq = ? WHERE messages.request = ?",
        [ERASURE, event.seq, event.request],
    )
    connection.execute(
        """
        UPDATE outbox SET ended = NULL, ended_at = NULL, not_before = NULL, lane = NULL, unordered = 0
        WHERE template = ? AND ts IS NOT NULL AND event IN (SELECT seq FROM events WHERE request = ?)
        """,
        [Announced.PAUSE, event.request],
    )


def postpone(
    connection: Connection,
    sources: WriteContext,
    post: OutboxItem,
    *,
    not_before: datetime,
    error: str | None,
    lane: str | None = None,
    unordered: bool = False,
) -> None:
    """Postpone an item. Without an ``error`` it was not attempted, so the attempt is not counted.

    Items in its ``lane`` are not due before either. If ``unordered``, the request's items for other places do
    not wait for it.
    """
    now = sources.clock()
    connection.execute(
        """
        UPDATE outbox SET error = coalesce(:error, error), tries = tries - (:error IS NULL), lane = :lane,
            unordered = :unordered, not_before = :not_before, postponed_at = :now, owner = NULL,
            lease_until = NULL
        WHERE id = :id
        """,
        {
            "error": error,
            "lane": lane,
            "unordered": unordered,
            "not_before": microseconds(not_before),
            "now": microseconds(now),
            "id": post.id,
        },
    )
    connection.execute(
        """
        UPDATE outbox SET not_before = :until, postponed_at = :now
        WHERE id = (
            SELECT min(id) FROM outbox
            WHERE ended IS NULL AND lane = :lane AND is_next = 1)
        """,
        {"until": microseconds(not_before), "now": microseconds(now), "lane": lane},
    )


def abandon(connection: Connection, sources: WriteContext, post: OutboxItem, *, error: str) -> None:
    """Give up an item that can never be sent, as its channel is gone. It is kept with its error."""
    connection.execute("UPDATE outbox SET error = ? WHERE id = ?", [error, post.id])
    _end(connection, post, "abandoned", sources.clock())


def _end(
    connection: Connection, post: OutboxItem, how: str, now: datetime, ref: MessageRef | None = None
) -> None:
    """End an item, unless its payload has changed meanwhile. ``ref`` is its message's place."""
    connection.execute(
        """
        UPDATE outbox SET ended = CASE WHEN payload = :told THEN :how END,
            ended_at = CASE WHEN payload = :told THEN :now END, owner = NULL, lease_until = NULL,
            channel = coalesce(:channel, channel), ts = coalesce(:ts, ts)
        WHERE id = :id AND ended IS NULL
        """,
        {
            "told": _as_text(post.payload),
            "how": how,
            "now": microseconds(now),
            "channel": ref and ref.channel,
            "ts": ref and ref.ts,
            "id": post.id,
        },
    )


def _as_text(payload: Mapping[str, Scalar]) -> str:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True)


class Outbox(Repository):
    """Slack messages that wait to be sent."""

    announce = writes(announce)
    outgoing = writes(outgoing)
    delivered = writes(delivered)
    postpone = writes(postpone)
    abandon = writes(abandon)
    joined = writes(joined)
    told_in = reads(told_in)
    permalink = reads(permalink)
    keep_permalink = writes(keep_permalink)

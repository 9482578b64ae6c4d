"""Pauses: when people stop calls from being placed and campaigns from being started, and let them go on.

The chain records who, when, until when and for which connection. The reason is in an erasable row. A row of
``pauses`` holds until another pause takes its place or a person resumes. After its ``until`` it has no
effect.
"""

from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from storage.changes import Announced, Announcement
from storage.database.migrations import NEVER
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import CALLS_PAUSED, CALLS_RESUMED, microseconds
from storage.event_log.writer import EventWriter, WriteContext
from storage.models import Pause, PauseCounts, Scalar
from storage.repositories import brake, call_history, outages, outbox
from storage.repositories.brake import EVERY_CONNECTION, KINDS, PAUSABLE
from storage.repositories.outbox import STATE
from storage.repositories.rate_limits import MINUTE

EVENTS: Final = frozenset({CALLS_PAUSED, CALLS_RESUMED})
CARDS_TOLD: Final = 50
"""Approval cards that say that calls are paused, those to be decided next first. Slack takes so many edits a
minute. A card that is posted during the pause says so, too."""
_NONCE: Final = "pause:"
"""Prefix of the nonce that a pause used up, so that a repeated delivery makes no second one."""


def pause(
    connection: Connection,
    sources: WriteContext,
    name: str | None,
    *,
    actor: str,
    reason: str,
    until: datetime | None,
    nonce: str,
) -> Pause:
    """Pause a connection, or all with None, from now on. It takes the place of an earlier pause of the same.

    No paused action enters ``sending`` any more: `apply` raises a conflict. `renew_lease` returns False for
    one that is there already. The pause counts those that are being sent. A ``nonce`` makes one pause.
    """
    where = name or EVERY_CONNECTION
    now = sources.clock()
    known = brake.of(connection, where, now)
    used = connection.execute(
        "INSERT INTO nonces (nonce, person, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [f"{_NONCE}{nonce}", actor, microseconds(now)],
    )
    if not used.rowcount and known:
        return known
    found = counts(connection, now, name).values()
    event = EventWriter(connection, sources).append_new(
        "B",
        CALLS_PAUSED,
        actor=actor,
        data={
            "connection": name,
            "until": None if until is None else microseconds(until),
            "leaving": sum(one.leaving for one in found),
            "waiting": sum(one.waiting for one in found),
            "scheduled": sum(one.scheduled for one in found),
        },
        private={"reason": reason},
    )
    connection.execute(
        "INSERT OR REPLACE INTO pauses (connection, event, until) VALUES (?, ?, ?)",
        [where, event.seq, event.data["until"]],
    )
    if known:
        outbox.announce_anew(connection, _announcement(known.id, name).key, {"replaced_by": event.request})
    one = _announcement(event.request, name, event.seq)
    outbox.announce(connection, sources, one)
    _tell_waiting(connection, where, now)
    _tell_deciders(connection, where, now, told=CARDS_TOLD, ended=known)
    made = brake.of(connection, where, now)
    if made is None:
        raise ValueError("a pause ends after it begins")
    return made


def resume(
    connection: Connection, sources: WriteContext, name: str | None, *, actor: str, only: str | None = None
) -> Pause | None:
    """End the pause of a connection, or that of all with None. Return it, or None if there is none.

    Other pauses stay. With ``only``, a pause with another id stays, too.
    """
    where, now = name or EVERY_CONNECTION, sources.clock()
    known = brake.of(connection, where, now)
    if known is None or (only and known.id != only):
        return None
    connection.execute("DELETE FROM pauses WHERE connection = ?", [where])
    event = EventWriter(connection, sources).append(
        known.id, known.id, CALLS_RESUMED, actor=actor, data={"connection": name}, private={}
    )
    told: dict[str, Scalar] = {"resumed_by": actor, "resumed_at": microseconds(event.at)}
    outbox.announce_anew(connection, _announcement(known.id, name).key, told)
    _tell_waiting(connection, where, now)
    _tell_deciders(connection, where, now, told=0, ended=known)
    return known


def counts(connection: Connection, now: datetime, name: str | None = None) -> Mapping[str, PauseCounts]:
    """Return what a pause would find now, by connection: of one, or of all with None.

    Connections without any such action are left out.
    """
    rows = connection.execute(
        f"""
        SELECT connection, state, count(*) FROM actions INDEXED BY actions_state
        WHERE state IN ('approved', 'sending') AND kind IN ({KINDS})
          AND (:name IS NULL OR connection = :name)
        GROUP BY connection, state
        """,  # noqa: S608 - fixed text
        {"name": name},
    )
    found = {(one, state): int(count) for one, state, count in rows}
    scheduled = call_history.count_scheduled(connection, name, now)
    return {
        one: PauseCounts(
            found.get((one, "approved"), 0), found.get((one, "sending"), 0), scheduled.get(one, 0)
        )
        for one in {*(one for one, _ in found), *scheduled}
    }


def _announcement(pause_id: str, name: str | None, event: int | None = None) -> Announcement:
    to = f"audit:{name}" if name else "audit"
    return Announcement(Announced.PAUSE, pause_id, to=to, event=event)


def _tell_waiting(connection: Connection, name: str, now: datetime) -> None:
    """Queue updates of the messages of the next requests in line, which say that they wait or go on."""
    waiting = connection.execute("SELECT DISTINCT connection FROM actions WHERE state = 'approved'")
    for (one,) in waiting.fetchall():
        if name in {EVERY_CONNECTION, one}:
            outages.tell_again(connection, one, now, kinds=PAUSABLE)


def _tell_deciders(
    connection: Connection, name: str, now: datetime, *, told: int, ended: Pause | None
) -> None:
    """Queue updates of cards of pending requests that a pause concerns.

    These are the next ``told``, those whose update is queued, and those that show the ``ended`` pause. The
    last were posted since it began, or queued behind its announcement.
    """
    connection.execute(
        f"""
        WITH held AS (
            SELECT actions.request, min(actions.id) AS action,
                row_number() OVER (ORDER BY coalesce(decide_by, {NEVER}), requests.asked_at) AS place
            FROM actions INDEXED BY actions_pending JOIN requests ON requests.id = actions.request
            WHERE actions.state = 'pending' AND actions.kind IN ({KINDS})
              AND :name IN ('{EVERY_CONNECTION}', actions.connection)
            GROUP BY actions.request
        )
        INSERT INTO outbox (request, action, event, template, slot, added_at)
        SELECT held.request, held.action, (SELECT max(seq) FROM events WHERE events.request = held.request),
            '{STATE}', messages.slot, :now
        FROM held JOIN messages ON messages.request = held.request AND messages.slot = 'card'
        WHERE place <= :told OR CAST(messages.ts AS REAL) >= :began OR held.request IN (
            SELECT request FROM outbox
            WHERE slot = 'card' AND (ended IS NULL OR id > (
                SELECT id FROM outbox WHERE dedupe_key = :announced)))
        ORDER BY place
        """,  # noqa: S608 - fixed text
        {
            "name": name,
            "now": microseconds(now),
            "told": told,
            "announced": ended and _announcement(ended.id, ended.connection).key,
            "began": ended and (ended.at - MINUTE).timestamp(),
        },
    )


class Pauses(Repository):
    """Pauses that people set."""

    pause = writes(pause)
    resume = writes(resume)
    counts = reads(counts)
    active = reads(brake.active)
    for_kind = reads(brake.for_kind)
    holds_back = reads(brake.holds_back)

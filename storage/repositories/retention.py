"""Purges personal data by rules: decides which requests are due and which are kept, and erases them.

Whole requests are erased with all their targets, because texts about one target also tell of the others. Rows
are blanked and never deleted, as `storage.database.migrations` says.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Final

from providers.actions import CancelCall, NumberRef, PlaceCall
from storage.database.repository import Repository, reads
from storage.event_log.hash_chain import ERASED, PURGED, microseconds, moment
from storage.event_log.writer import EventWriter, WriteContext
from storage.models import Event, Scalar
from storage.repositories import call_list_rows, dispatch_queue, do_not_call, screens
from storage.repositories.call_history import still_goes_out
from storage.repositories.erasure_list import (
    AGAIN,
    Listed,
    PurgeFilter,
    PurgeResult,
    Retained,
    RetainedBecause,
    erase_again_filter,
    keep_in_list,
)
from storage.repositories.mentions import left_for_good, mentions_any, mentions_function
from storage.repositories.outbox import erase_posts
from storage.repositories.rows import ACTION, as_action, read_events
from storage.repositories.users import DRAFTS_KEPT
from storage.states import TERMINAL, State, request_state

WIPES_TRIED: Final = 8
"""Each waits a quarter of a second for readers: two seconds in all."""

UNWIPED: Final = "unwiped"
"""The name in ``meta`` of the note that the write-ahead log could not be truncated after a purge."""

TOGETHER = 50
"""Requests that are erased in a transaction. Other commits wait for it."""


def erasable(connection: Connection, sources: WriteContext, erasing: PurgeFilter) -> PurgeResult:
    """Return what `purge` would erase now, and what it would keep. Nothing is changed."""
    now = sources.clock()
    going: list[Listed] = []
    kept = []
    for one in _meant(connection, sources, erasing):
        stays = _stays(connection, sources, erasing, one.id, now)
        if stays is None:
            going.append(one)
        elif not (
            stays.why is RetainedBecause.YOUNG and erasing.before
        ):  # a young request is no exception to a rule by age
            kept.append(stays)
        if len(going) == erasing.at_most:
            break
    ids = json.dumps([one.id for one in going])
    [(messages,)] = connection.execute(
        "SELECT count(*) FROM messages WHERE request IN (SELECT value FROM json_each(?))", [ids]
    )
    return PurgeResult(
        going,
        kept,
        drafts=len(_drafts(connection, erasing, now)),
        people=len(_people(connection, erasing)),
        messages=messages,
        left=left_for_good(connection, erasing.numbers),
    )


def erase(
    connection: Connection, sources: WriteContext, request: str, actor: str, rule: str | None = None
) -> Event | None:
    """Erase a request or reported error, its drafts and screens. Return the event, or None if all was gone.

    Raises:
        RequestNotFoundError: There is no such request or error.
    """
    whole = read_events(connection, request)[0].request
    _forget_drafts(connection, _numbers(connection, whole))
    blanked = connection.execute(
        """
        UPDATE personal SET salt = NULL, value = NULL
        WHERE value IS NOT NULL AND event IN (SELECT seq FROM events WHERE request = ?)
        """,
        [whole],
    )
    connection.execute(
        "DELETE FROM lookup WHERE action IN (SELECT n FROM actions WHERE request = ?)", [whole]
    )
    if not blanked.rowcount:
        return None
    call_list_rows.forget(
        connection, "list IN (SELECT id FROM call_lists WHERE request = :request)", {"request": whole}
    )
    data: dict[str, Scalar] = {} if rule is None else {"rule": rule}
    event = EventWriter(connection, sources).append(whole, whole, ERASED, actor=actor, data=data, private={})
    erase_posts(connection, event)
    screens.forget(connection, requests=[whole])
    return event


def erase_some(
    connection: Connection, sources: WriteContext, erasing: PurgeFilter, some: Sequence[Listed], actor: str
) -> list[Listed]:
    """Erase those of some requests that may still be erased, and return them."""
    now = sources.clock()
    gone = []
    for one in some:
        stays = _stays(connection, sources, erasing, one.id, now)
        if stays is None and erase(connection, sources, one.id, actor, erasing.rule):
            gone.append(one)
    return gone


def conclude(
    connection: Connection, sources: WriteContext, erasing: PurgeFilter, found: PurgeResult, actor: str
) -> str | None:
    """Erase drafts and names, and record the purge. Return its event's id, or None if nothing was erased."""
    now = sources.clock()
    drafts, people = _drafts(connection, erasing, now), _people(connection, erasing)
    connection.executemany("UPDATE nonces SET content = NULL WHERE id = ?", [(draft,) for draft in drafts])
    rows = call_list_rows.forget_unasked(connection, sources) + _forget_rows(connection, sources, erasing)
    connection.executemany(
        "UPDATE people SET name = '', timezone = 'UTC', read_at = 0 WHERE id = ?", [(one,) for one in people]
    )
    asked_for = erasing.numbers or erasing.names
    screens.forget(connection, people=[one.id for one in erasing.names])
    # Drafts and unused lists also expire without a purge.
    if not (found.requests or people or ((drafts or rows) and asked_for)):
        return None
    data: dict[str, Scalar] = {
        "rule": erasing.rule,
        "requests": len(found.requests),
        "drafts": len(drafts),
        **({"rows": rows} if rows else {}),
        "people": len(people),
        "kept": len(found.kept),
    }
    return EventWriter(connection, sources).append_new("P", PURGED, actor=actor, data=data).request


def _forget_rows(connection: Connection, sources: WriteContext, erasing: PurgeFilter) -> int:
    """Erase the rows of call lists with a number, also as data for the voice agent. Return their count."""
    if not erasing.numbers:
        return 0
    known = [sources.lookup(number).hex() for number in sorted(erasing.numbers)]
    with mentions_function(connection, sorted(erasing.numbers)):
        return call_list_rows.forget(
            connection,
            "(lower(hex(number)) IN (SELECT value FROM json_each(:numbers)) "
            "OR (value IS NOT NULL AND mentions(value)))",
            {"numbers": json.dumps(known)},
        )


def _meant(connection: Connection, sources: WriteContext, erasing: PurgeFilter) -> Iterator[Listed]:
    """Yield every request and reported error that a rule selects and that has anything left to erase."""
    found = {one.id: one for one in erasing.listed if listed(connection, one.id) == one}
    for name in {request for number in erasing.numbers for request in _about(connection, sources, number)}:
        if asked := listed(connection, name):
            found[name] = asked
    # In the order of the requests: a call before its cancellation, without which it would still be due.
    order = dict(
        tuple(row)
        for row in connection.execute(
            """
            SELECT request, min(seq) FROM events
            WHERE request IN (SELECT value FROM json_each(?)) GROUP BY request
            """,
            [json.dumps([*found])],
        )
    )
    yield from sorted(found.values(), key=lambda one: order[one.id])
    if erasing.before is None:
        return
    for name in _old(connection, erasing.before):
        if name not in found and (asked := listed(connection, name)):
            found[name] = asked
            yield asked


def listed(connection: Connection, request: str) -> Listed | None:
    """Return a request or reported error as the list holds it, or None if nothing is left to erase."""
    row = connection.execute(
        """
        SELECT min(at) AS at FROM events WHERE request = :request AND EXISTS (
            SELECT 1 FROM events AS one JOIN personal ON personal.event = one.seq
            WHERE one.request = :request AND personal.value IS NOT NULL)
        """,
        {"request": request},
    ).fetchone()
    return None if row["at"] is None else Listed(request, moment(row["at"]))


def _about(connection: Connection, sources: WriteContext, number: str) -> set[str]:
    """Return the requests with a number as target or in their texts, and its stops, including lifted ones."""
    aimed = connection.execute(
        """
        SELECT actions.request FROM lookup JOIN actions ON actions.n = lookup.action
        WHERE lookup.number = :number
        UNION SELECT events.request FROM stops JOIN events ON events.seq = stops.event
        WHERE stops.number = :number AND stops.list = ''
        UNION SELECT events.request FROM personal JOIN events ON events.seq = personal.event
        WHERE personal.field = :lifted AND personal.value = :hex
        """,
        {
            "number": sources.lookup(number),
            "lifted": do_not_call.LOOKUP,
            "hex": sources.lookup(number).hex(),
        },
    ).fetchall()
    with mentions_function(connection, [number]):
        mentioning = connection.execute(
            """
            SELECT DISTINCT events.request FROM personal JOIN events ON events.seq = personal.event
            WHERE personal.value IS NOT NULL AND mentions(personal.value)
            """
        ).fetchall()
    return {request for (request,) in [*aimed, *mentioning]}


def _old(connection: Connection, before: datetime) -> Iterator[str]:
    """Yield requests from before a time that have anything left to erase, the oldest first."""
    rows = connection.execute(
        """
        SELECT events.request, events.at FROM personal
        CROSS JOIN events ON events.seq = personal.event
        WHERE personal.value IS NOT NULL ORDER BY personal.event
        """
    )
    for request, at in rows:
        if at < microseconds(before):
            yield str(request)
        elif at >= microseconds(before + DRAFTS_KEPT):  # a clock set back may leave older ones behind
            return


def _stays(
    connection: Connection, sources: WriteContext, erasing: PurgeFilter, request: str, now: datetime
) -> Retained | None:
    """Return why a request is not erased now, or None."""
    rows = connection.execute(
        """
        SELECT state, max(updated_at, coalesce(scheduled_for, 0)) AS ended, scheduled_for, number
        FROM actions LEFT JOIN lookup ON lookup.action = actions.n WHERE request = ?
        """,
        [request],
    ).fetchall()
    state = request_state(State(row["state"]) for row in rows) if rows else None
    words = str(state or "fault")
    held = {sources.lookup(number) for number in erasing.hold}
    on_hold = request in erasing.hold or any(row["number"] in held for row in rows)
    if on_hold or mentions_any(connection, request, [one for one in erasing.hold if one.startswith("+")]):
        return Retained(request, RetainedBecause.HELD, words)
    if any(State(row["state"]) not in TERMINAL for row in rows):
        return Retained(request, RetainedBecause.UNDER_WAY, words)
    if request in {
        move.id for move in dispatch_queue.reschedules_due(connection, now)
    }:  # its call is yet to be placed again
        return Retained(request, RetainedBecause.MOVING, words)
    if still_goes_out(connection, request, now):
        reported_call_time = max(row["scheduled_for"] for row in rows if row["scheduled_for"])
        return Retained(request, RetainedBecause.GOES_OUT, words, moment(reported_call_time))
    happened = [row["ended"] for row in rows] or _reported(connection, request)
    ended = moment(max(happened))
    limits = [limit for limit in (erasing.before, erasing.spare_after) if limit is not None]
    if limits and ended >= min(limits) and request not in {one.id for one in erasing.listed}:
        return Retained(request, RetainedBecause.YOUNG, words, ended)
    return None


def _reported(connection: Connection, fault: str) -> list[int]:
    return [at for (at,) in connection.execute("SELECT at FROM events WHERE request = ?", [fault])]


def _numbers(connection: Connection, request: str) -> list[str]:
    """Return the numbers of a request's targets."""
    rows = connection.execute(
        """
        SELECT personal.value FROM personal JOIN events ON events.seq = personal.event
        WHERE events.request = ? AND personal.field = ? AND personal.value IS NOT NULL
        """,
        [request, ACTION],
    )
    found = []
    for (value,) in rows:
        match as_action(value):
            case PlaceCall(to=number) | CancelCall(target=NumberRef(to=number)):
                found.append(number)
    return found


def _forget_drafts(connection: Connection, numbers: Sequence[str]) -> None:
    with mentions_function(connection, numbers):
        connection.execute("UPDATE nonces SET content = NULL WHERE content IS NOT NULL AND mentions(content)")


def _drafts(connection: Connection, erasing: PurgeFilter, now: datetime) -> list[int]:
    """Return drafts that hold a number, belong to a purged person, or are too old."""
    with mentions_function(connection, sorted(erasing.numbers)):
        rows = connection.execute(
            "SELECT id FROM nonces WHERE content IS NOT NULL AND (at < ? OR mentions(content))",
            [microseconds(now - DRAFTS_KEPT)],
        ).fetchall()
    theirs = [
        row
        for one in erasing.names
        for row in connection.execute(
            "SELECT id FROM nonces WHERE content IS NOT NULL AND person = ? AND at <= ?",
            [one.id, microseconds(one.at)],
        )
    ]
    return sorted({row["id"] for row in [*rows, *theirs]})


def _people(connection: Connection, erasing: PurgeFilter) -> list[str]:
    """Return people to erase: named by the rule, not read since its time, or with its number in the name."""
    until = {one.id: microseconds(one.at) for one in erasing.names}
    before = 0 if erasing.before is None else microseconds(erasing.before)
    with mentions_function(connection, sorted(erasing.numbers)):
        rows = connection.execute(
            "SELECT id, read_at, mentions(name) AS mentioned FROM people WHERE name <> ''"
        ).fetchall()
    return [
        row["id"]
        for row in rows
        if row["mentioned"] or row["read_at"] < max(before, until.get(row["id"], -1) + 1)
    ]


def keep_unwiped(connection: Connection) -> None:
    """Note that erased values may stand in the write-ahead log, until it is truncated."""
    connection.execute("INSERT INTO meta VALUES (?, x'01') ON CONFLICT DO NOTHING", [UNWIPED])


def is_unwiped(connection: Connection) -> bool:
    """Return whether erased values may stand in the write-ahead log."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", [UNWIPED]).fetchone() is not None


def forget_unwiped(connection: Connection) -> None:
    """Note that no erased value stands in the write-ahead log."""
    connection.execute("DELETE FROM meta WHERE name = ?", [UNWIPED])


class Retention(Repository):
    """Erases personal data by rule."""

    erasable = reads(erasable)

    async def purge(self, erasing: PurgeFilter, *, actor: str) -> PurgeResult:
        """Erase everything that a rule selects, except what is under way, held or too young. List it first.

        Updates that remove personal text from Slack are queued in the outbox. The chain stays complete, and
        gets an event with the counts.
        """
        found = await self.erasable(erasing)
        if (found.requests or erasing.names) and erasing.rule != AGAIN:
            await self._list(erasing, found.requests)
        gone: list[Listed] = []
        for first in range(0, len(found.requests), TOGETHER):
            some = found.requests[first : first + TOGETHER]
            gone += await self._write(
                partial(erase_some, sources=self._sources, erasing=erasing, some=some, actor=actor)
            )
        found = replace(found, requests=gone)
        id_ = await self._write(lambda connection: conclude(connection, self._sources, erasing, found, actor))
        if not found.anything or await self._wiped():
            return replace(found, id=id_)
        await self._write(keep_unwiped)
        return replace(found, id=id_, wiped=False, unwiped=await asyncio.to_thread(self._log_beside))

    async def wipe_rest(self) -> bool | None:
        """Truncate the write-ahead log if a purge could not. Return whether that worked, None if it did."""
        if not await self._read(is_unwiped):
            return None
        if wiped := await self._database.writer.wipe():
            await self._write(forget_unwiped)
        return wiped

    async def erased_before(self, *, hold: frozenset[str]) -> PurgeFilter | None:
        """Return a filter for everything that was ever purged, for a restored older log, or None.

        Raises:
            UnreadableListError: The list cannot be read.
        """
        return await asyncio.to_thread(erase_again_filter, self._database.path, hold=hold)

    async def _list(self, erasing: PurgeFilter, requests: Sequence[Listed]) -> None:
        """List what is to be erased before anything is, so that an interrupted purge can be repeated."""
        await asyncio.to_thread(keep_in_list, self._database.path, erasing, requests, self._sources.clock())

    def _log_beside(self) -> int:
        """Return the size of the write-ahead log."""
        beside = self._database.path.with_name(f"{self._database.path.name}-wal")
        return beside.stat().st_size if beside.exists() else 0

    async def _wiped(self) -> bool:
        """Truncate the write-ahead log between others' reads. Return whether that succeeded."""
        for _ in range(WIPES_TRIED):
            if await self._database.writer.wipe():
                return True
        return False

"""The log in one SQLite file."""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_bytes
from sqlite3 import Connection
from typing import Final, Self

from providers.actions import Kind
from storage.database import deadlines
from storage.database.connection import BUSY_SECONDS, Reader, Writer, open_for_reading
from storage.database.write_behind import WriteBehind
from storage.event_log.writer import Sources
from storage.log import AlreadyAsked, Conflict
from storage.maintenance import anchors
from storage.maintenance.anchors import Anchor
from storage.maintenance.verification import verify
from storage.models import (
    AskedToStop,
    Budget,
    Change,
    Draft,
    Event,
    Found,
    Imported,
    LogEntry,
    MessageRef,
    NewRequest,
    Outgoing,
    Page,
    Person,
    Query,
    Recorded,
    Request,
    Scalar,
    Standstill,
    Stop,
    Tally,
    Traffic,
    UnfinishedImport,
    Verdict,
    Waiting,
    Whole,
)
from storage.repositories import (
    audit,
    dispatch_queue,
    do_not_call,
    outages,
    outbox,
    processes,
    rate_limits,
    requests,
    retention,
    search,
    users,
)
from storage.repositories.approvals import (
    alike,
    count_pending,
    last_asked,
    pending,
    pending_request,
    pending_since,
    undecided,
)
from storage.repositories.audit import copied_at, rules
from storage.repositories.call_history import (
    campaigns_seen,
    coming_up,
    holders,
    known_call,
    known_ids,
    scheduled,
    scheduled_to,
    seen,
    sighted_before,
)
from storage.repositories.dispatch_queue import lapsed, overdue, ready, unsighted, unsure
from storage.repositories.erasure_list import AGAIN, Erased, Erasing, Listed, again, keep_in_list
from storage.repositories.rows import read_events, read_private, read_request, read_whole
from storage.repositories.search import tally

UNREADABLE_FOR: Final = 10.0
"""Seconds for which a read that failed is taken to say how reads are."""
WIPES_TRIED: Final = 8
"""Each waits a quarter of a second for those who read just then: two seconds in all."""


class SQLiteLog:
    """`storage.log.ActionLog` in a SQLite file that several processes may share. Made by `open`.

    One thread writes, another reads, and verifying reads in a third: nothing that is read stands before an
    answer to Slack that waits for its commit. The methods are the protocol's and described there. What SQLite
    itself refuses (a full disk) is raised as `sqlite3.Error`, and nothing changed. Where another process
    keeps the file locked, that is `errors.LogBusyError`. Inside a `deadlines.deadline` nothing is waited
    for past it.
    """

    def __init__(self, path: Path, sources: Sources, writer: Writer, reader: Reader) -> None:
        self._path = path
        self._sources = sources
        self._writer = writer
        self._reader = reader
        self._behind = WriteBehind(writer)

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        key: bytes,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes] = token_bytes,
        watched: bool = False,
    ) -> Self:
        """Open the file, made and migrated if need be; `close` lets go of it.

        ``key`` is the secret under which numbers are looked up: a file keeps to its first. ``clock`` gives
        aware times, ``random`` so many random bytes. ``watched``: nothing is committed once other files lie
        at the path; two descriptors stay open for as long as the process lives. Raises
        `connection.CannotOpen`.
        """
        path, sources = Path(path), Sources(key, clock, random)
        writer = await Writer.open(path)
        try:
            reader = await Reader.open(path)
        except BaseException:
            await writer.close()
            raise
        log = cls(path, sources, writer, reader)
        try:
            if not await reader.do(lambda connection: requests.has_key(connection, sources)):
                await writer.do(lambda connection: requests.keep_key(connection, sources))
            if unmasked := await reader.do(requests.without_masked):
                await writer.do(lambda connection: requests.keep_masked(connection, sources, unmasked))
            if watched:
                await writer.watch(path)
        except BaseException:
            await log.close()
            raise
        return log

    async def close(self) -> None:  # noqa: D102 - as the protocol
        due = deadlines.current()
        await self._behind.close(due.left if due else BUSY_SECONDS)
        await self._reader.close()
        await self._writer.close()

    def fault(self) -> str | None:  # noqa: D102
        files, failed = self._writer.files, self._reader.failed
        if files and (why := files.replaced()):
            return (
                f"The log is lost: {why}. Nothing is accepted. Stop CallOps, put the right file in place, "
                "with no -wal and no -shm beside it, and start again"
            )
        if failed and time.monotonic() - failed[0] < UNREADABLE_FOR:
            return f"The log cannot be read: {failed[1]}"
        return None

    async def read_anew(self) -> None:  # noqa: D102
        await asyncio.to_thread(_read_anew, self._path)

    async def record(self, new: NewRequest) -> Recorded:  # noqa: D102
        try:
            return await self._writer.do(lambda connection: requests.record(connection, self._sources, new))
        except requests.UnderWay as asked:
            by = {place: await self.request(request) for place, request in asked.by.items()}
        raise AlreadyAsked(by)

    async def apply(self, change: Change) -> Request:  # noqa: D102
        try:
            return await self._writer.do(lambda connection: requests.apply(connection, self._sources, change))
        except requests.TooLate:
            raise Conflict(await self.request(change.request)) from None

    async def hold(self, entry: str, *, owner: str, attempt: int, until: datetime) -> bool:  # noqa: D102
        return await self._writer.do(
            lambda connection: requests.hold(connection, self._sources, entry, owner, attempt, until)
        )

    async def release(self, owner: str) -> None:  # noqa: D102
        now = self._sources.clock()
        await self._writer.do(lambda connection: processes.release(connection, owner, now))

    async def report(self, *, actor: str, where: str, private: Mapping[str, str]) -> str:  # noqa: D102
        return await self._writer.do(
            lambda connection: audit.report(
                connection, self._sources, actor=actor, where=where, private=private
            )
        )

    async def record_denied_attempt(  # noqa: D102
        self, *, actor: str, where: str, why: str
    ) -> str | None:
        return await self._writer.do(
            lambda connection: audit.record_denied_attempt(
                connection, self._sources, actor=actor, where=where, why=why
            )
        )

    async def keep_rules(  # noqa: D102
        self, *, actor: str, data: Mapping[str, Scalar], after: Event | None
    ) -> str | None:
        seq = after.seq if after else None
        return await self._writer.do(
            lambda connection: audit.keep_rules(connection, self._sources, actor=actor, data=data, after=seq)
        )

    async def rules(self) -> Event | None:  # noqa: D102
        return await self._reader.do(rules)

    async def exported(self, *, actor: str, rows: str, private: Mapping[str, str]) -> str:  # noqa: D102
        return await self._writer.do(
            lambda connection: audit.exported(
                connection, self._sources, actor=actor, rows=rows, private=private
            )
        )

    async def erase(self, request: str, *, actor: str) -> None:  # noqa: D102
        going = await self._reader.do(lambda connection: retention.find_one(connection, request))
        if going:
            await self._list(Erasing(rule="one request"), [going])
        await self._writer.do(lambda connection: retention.erase(connection, self._sources, request, actor))
        await self._writer.wipe()

    async def _list(self, erasing: Erasing, requests: Sequence[Listed]) -> None:
        """Before anything goes: what is broken off here is finished by purging again."""
        await asyncio.to_thread(keep_in_list, self._path, erasing, requests, self._sources.clock())

    async def erasable(self, erasing: Erasing) -> Erased:  # noqa: D102
        return await self._reader.do(lambda connection: retention.find(connection, self._sources, erasing))

    async def purge(self, erasing: Erasing, *, actor: str) -> Erased:  # noqa: D102
        found = await self.erasable(erasing)
        if (found.requests or erasing.names) and erasing.rule != AGAIN:
            await self._list(erasing, found.requests)
        gone: list[Listed] = []
        for first in range(0, len(found.requests), retention.TOGETHER):
            some = found.requests[first : first + retention.TOGETHER]
            gone += await self._writer.do(
                partial(retention.erase_some, sources=self._sources, erasing=erasing, some=some, actor=actor)
            )
        found = replace(found, requests=gone)
        id_ = await self._writer.do(
            lambda connection: retention.conclude(connection, self._sources, erasing, found, actor)
        )
        return replace(found, id=id_, wiped=not found.anything or await self._wiped())

    async def _wiped(self) -> bool:
        """Whether the write-ahead log could be emptied, between the readings of others."""
        for _ in range(WIPES_TRIED):
            if await self._writer.wipe():
                return True
        return False

    async def erased_before(self, *, hold: frozenset[str]) -> Erasing | None:  # noqa: D102
        return await asyncio.to_thread(again, self._path, hold=hold)

    async def anchor(self, before: datetime) -> Anchor | None:  # noqa: D102
        return await self._reader.do(lambda connection: anchors.head(connection, before))

    async def keep_anchor(self, anchor: Anchor) -> None:  # noqa: D102
        await asyncio.to_thread(anchors.note, self._path, anchor)

    async def request(self, request: str) -> Request:  # noqa: D102
        return await self._reader.do(lambda connection: read_request(connection, request))

    async def events(self, request: str) -> Sequence[Event]:  # noqa: D102
        return await self._reader.do(lambda connection: read_events(connection, request))

    async def private(self, request: str) -> Sequence[tuple[int, str, str]]:  # noqa: D102
        return await self._reader.do(lambda connection: read_private(connection, request))

    async def whole(self, request: str) -> Whole:  # noqa: D102
        return await self._reader.do(lambda connection: read_whole(connection, request))

    async def page(self, query: Query, *, after: int | None = None, limit: int = 50) -> Page:  # noqa: D102
        number = None if query.number is None else self._sources.lookup(query.number)
        return await self._reader.do(lambda connection: search.page(connection, query, number, after, limit))

    async def search(  # noqa: D102
        self, query: Query, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> Found:
        number = None if query.number is None else self._sources.lookup(query.number)
        return await self._reader.do(
            lambda connection: search.search(
                connection, query, number, after=after, before=before, limit=limit
            )
        )

    async def asked_to_stop(self, number: str) -> AskedToStop | None:  # noqa: D102
        looked_up = self._sources.lookup(number)
        return await self._reader.do(lambda connection: search.asked_to_stop(connection, looked_up))

    async def people_named(self, name: str) -> Sequence[Person]:  # noqa: D102
        return await self._reader.do(lambda connection: users.named(connection, name))

    async def coming_up(  # noqa: D102
        self, connection: str, agent: str, number: str, now: datetime
    ) -> Sequence[LogEntry]:
        name, looked_up = connection, self._sources.lookup(number)
        return await self._reader.do(lambda connection: coming_up(connection, name, agent, looked_up, now))

    async def scheduled(  # noqa: D102
        self, connections: Collection[str], now: datetime, *, mine: str, limit: int
    ) -> Sequence[LogEntry]:
        return await self._reader.do(
            lambda connection: scheduled(connection, connections, now, mine=mine, limit=limit)
        )

    async def scheduled_to(self, number: str, now: datetime) -> Sequence[LogEntry]:  # noqa: D102
        looked_up = self._sources.lookup(number)
        return await self._reader.do(lambda connection: scheduled_to(connection, looked_up, now))

    async def holders(self, ids: Collection[str]) -> frozenset[str]:  # noqa: D102
        return await self._reader.do(lambda connection: holders(connection, ids, self._sources.lookup))

    async def known_call(  # noqa: D102
        self, connection: str, reference: str, now: datetime
    ) -> LogEntry | None:
        name = connection
        return await self._reader.do(lambda connection: known_call(connection, name, reference, now))

    async def known_ids(self, ids: Collection[str]) -> Collection[str]:  # noqa: D102
        return await self._reader.do(lambda connection: known_ids(connection, ids, self._sources.lookup))

    async def seen(  # noqa: D102
        self, connection: str, account: str, reference: str, before: datetime
    ) -> bool:
        name = connection
        return await self._reader.do(lambda connection: seen(connection, name, account, reference, before))

    async def copied_at(self) -> datetime | None:  # noqa: D102
        return await self._reader.do(copied_at)

    async def sighted_before(self, entry: str) -> bool:  # noqa: D102
        return await self._reader.do(lambda connection: sighted_before(connection, entry))

    async def tally(self, since: datetime) -> Sequence[Tally]:  # noqa: D102
        return await self._reader.do(lambda connection: tally(connection, since))

    async def verify(self) -> Verdict:  # noqa: D102
        return await asyncio.to_thread(verify, self._path, key=self._sources.key)

    async def ready(  # noqa: D102
        self,
        now: datetime,
        limit: int,
        *,
        without: Collection[str] = (),
        kinds: Collection[Kind] = (),
        held: Collection[str] = (),
    ) -> Sequence[LogEntry]:
        return await self._reader.do(lambda connection: ready(connection, now, limit, without, kinds, held))

    async def lapsed(self, now: datetime) -> Sequence[LogEntry]:  # noqa: D102
        return await self._reader.do(lambda connection: lapsed(connection, now))

    async def moves_due(self, now: datetime) -> Sequence[Request]:  # noqa: D102
        return await self._reader.do(lambda connection: dispatch_queue.moves_due(connection, now))

    async def moves_followed(self, now: datetime) -> Sequence[Request]:  # noqa: D102
        return await self._reader.do(lambda connection: dispatch_queue.moves_followed(connection, now))

    async def undecided(self, now: datetime, limit: int) -> Sequence[Request]:  # noqa: D102
        return await self._reader.do(lambda connection: undecided(connection, now, limit))

    async def pending(  # noqa: D102
        self, limit: int, *, after: Waiting | None = None, team: str | None = None
    ) -> Sequence[Waiting]:
        return await self._reader.do(lambda connection: pending(connection, limit, after, team))

    async def count_pending(self, at_most: int, *, team: str | None = None) -> int:  # noqa: D102
        return await self._reader.do(lambda connection: count_pending(connection, at_most, team))

    async def pending_since(self, after: int, limit: int) -> tuple[Sequence[str], int]:  # noqa: D102
        return await self._reader.do(lambda connection: pending_since(connection, after, limit))

    async def pending_request(self, request: str) -> Waiting | None:  # noqa: D102
        return await self._reader.do(lambda connection: pending_request(connection, request))

    async def alike(self, masked: str) -> Sequence[LogEntry]:  # noqa: D102
        looked_up = self._sources.lookup(masked)
        return await self._reader.do(lambda connection: alike(connection, looked_up))

    async def campaigns_seen(self) -> Collection[tuple[str, str, str]]:  # noqa: D102
        return await self._reader.do(campaigns_seen)

    async def last_asked(self, people: Collection[str]) -> Mapping[str, datetime]:  # noqa: D102
        return await self._reader.do(lambda connection: last_asked(connection, people))

    async def overdue(self, now: datetime) -> Sequence[LogEntry]:  # noqa: D102
        return await self._reader.do(lambda connection: overdue(connection, now))

    async def unsighted(  # noqa: D102
        self, connections: Collection[str], limit: int, after: Mapping[str, int]
    ) -> tuple[Sequence[LogEntry], Mapping[str, int]]:
        return await self._reader.do(lambda connection: unsighted(connection, connections, limit, after))

    async def unsure(self, connections: Collection[str], limit: int) -> Sequence[LogEntry]:  # noqa: D102
        return await self._reader.do(lambda connection: unsure(connection, connections, limit))

    async def turn(  # noqa: D102
        self, account: str, *, a_minute: int | None, now: datetime, paused: bool = True
    ) -> datetime | None:
        if a_minute is not None:
            return await self._writer.do(
                lambda connection: rate_limits.turn(connection, account, a_minute, now, paused=paused)
            )
        if not paused:
            return None
        return await self._reader.do(lambda connection: rate_limits.paused_until(connection, account, now))

    async def take(self, budgets: Sequence[Budget], now: datetime) -> datetime | None:  # noqa: D102
        return await self._writer.do(lambda connection: rate_limits.take(connection, budgets, now))

    async def pause(  # noqa: D102
        self,
        account: str,
        until: datetime,
        *,
        connections: Collection[str] = (),
        tell: bool = False,
        probe: datetime | None = None,
    ) -> None:
        now = self._sources.clock()

        def leave_alone(connection: Connection) -> None:
            rate_limits.pause(connection, account, until, now)
            outages.asked(connection, connections, until, now, probe=probe, tell=tell)

        await self._writer.do(leave_alone)

    async def traffic(self, owner: str) -> Traffic:  # noqa: D102
        return await self._reader.do(lambda connection: outages.traffic(connection, owner))

    async def standstills(self) -> Sequence[Standstill]:  # noqa: D102
        return await self._reader.do(outages.standstills)

    async def failed(  # noqa: D102
        self,
        connection: str,
        *,
        began: datetime,
        pause: Callable[[int], timedelta],
        reachable: bool,
        told_from: int,
    ) -> Standstill:
        name, now = connection, self._sources.clock()
        return await self._writer.do(
            lambda connection: outages.failed(
                connection,
                name,
                began=began,
                now=now,
                pause=pause,
                reachable=reachable,
                told_from=told_from,
            )
        )

    async def answered(self, connection: str) -> None:  # noqa: D102
        name, now = connection, self._sources.clock()
        await self._writer.do(lambda connection: outages.answered(connection, name, now))

    async def probe(self, connection: str, until: datetime) -> bool:  # noqa: D102
        name, now = connection, self._sources.clock()
        return await self._writer.do(lambda connection: outages.probe(connection, name, now=now, until=until))

    async def next_probe(  # noqa: D102
        self, connections: Collection[str], until: datetime, *, due: datetime | None = None
    ) -> bool:
        return await self._writer.do(
            lambda connection: outages.next_probe(connection, connections, until, due)
        )

    async def lift(self, connections: Collection[str], account: str) -> Sequence[Standstill]:  # noqa: D102
        now = self._sources.clock()
        return await self._writer.do(lambda connection: outages.lift(connection, connections, account, now))

    async def over(self) -> None:  # noqa: D102
        now = self._sources.clock()
        await self._writer.do(lambda connection: outages.over(connection, now))

    async def said(self, connection: str, ref: MessageRef | None) -> None:  # noqa: D102
        name = connection
        if ref is None:
            await self._writer.do(lambda connection: outages.forget(connection, name, "down"))
        else:
            await self._writer.do(lambda connection: outages.said(connection, name, ref))

    async def stop(  # noqa: D102
        self, number: str, *, masked: str, actor: str, reason: str | None
    ) -> tuple[Stop, bool]:
        return await self._writer.do(
            lambda connection: do_not_call.stop(
                connection, self._sources, number, masked=masked, actor=actor, reason=reason
            )
        )

    async def allow(self, number: str, *, masked: str, actor: str, reason: str) -> Stop | None:  # noqa: D102
        allowed = await self._writer.do(
            lambda connection: do_not_call.allow(
                connection, self._sources, number, masked=masked, actor=actor, reason=reason
            )
        )
        await self._writer.wipe()
        return allowed

    async def stops(self, number: str) -> Sequence[Stop]:  # noqa: D102
        looked_up = self._sources.lookup(number)
        return await self._reader.do(lambda connection: do_not_call.find(connection, looked_up))

    async def unlisted(self, name: str, numbers: Iterable[str]) -> int:  # noqa: D102
        return sum([await self._unlisted(name, some) for some in await self._parts(numbers)])

    async def _unlisted(self, name: str, some: Sequence[bytes]) -> int:
        return await self._reader.do(lambda connection: do_not_call.unlisted(connection, name, some))

    async def _parts(self, numbers: Iterable[str]) -> list[list[bytes]]:
        """Return the hashes of numbers, each once, as transactions take them.

        They are in the table's order: each of its pages is read and written about once.
        """
        hashed = await asyncio.to_thread(lambda: sorted({*map(self._sources.lookup, numbers)}))
        return [
            hashed[first : first + do_not_call.TOGETHER]
            for first in range(0, len(hashed), do_not_call.TOGETHER)
        ]

    async def add_list(  # noqa: D102
        self, name: str, numbers: Iterable[str], *, actor: str, progress: Callable[[int], None] | None = None
    ) -> Imported:
        if not name:
            raise ValueError("a list has a name")
        parts = await self._parts(numbers)
        for some in parts:
            if await self._unlisted(name, some):
                break
        else:
            return Imported(None, 0, (await self.stopped_numbers()).get(name, 0))
        await self._sweep()
        began = await self._writer.do(
            lambda connection: do_not_call.begin_list(connection, self._sources, name, actor=actor)
        )
        try:
            for some in parts:
                await self._writer.do(partial(do_not_call.add_some, began=began, numbers=some))
                if progress:
                    progress(len(some))
        except BaseException:
            await self._writer.do(partial(do_not_call.give_up, began=began))
            raise
        finishing = asyncio.ensure_future(
            self._writer.do(partial(do_not_call.finish_list, sources=self._sources, began=began))
        )
        try:
            return await asyncio.shield(finishing)
        except asyncio.CancelledError:  # too late: the numbers count, and whoever cancelled hears of it
            return await finishing

    async def unfinished_imports(self) -> Sequence[UnfinishedImport]:  # noqa: D102
        return await self._reader.do(do_not_call.unfinished)

    async def remove_list(self, name: str, *, actor: str) -> int:  # noqa: D102
        removed = await self._writer.do(
            lambda connection: do_not_call.remove_list(connection, self._sources, name, actor=actor)
        )
        await self._sweep()
        await self._writer.wipe()
        return removed

    async def _sweep(self) -> None:
        """Delete what is left of lists that were removed, and of imports that were given up."""
        while await self._writer.do(do_not_call.sweep):
            pass

    async def stopped_numbers(self) -> Mapping[str | None, int]:  # noqa: D102
        return await self._reader.do(do_not_call.count)

    async def stop_news(self, until: datetime) -> Sequence[tuple[Event, str | None]]:  # noqa: D102
        now = self._sources.clock()
        return await self._writer.do(lambda connection: do_not_call.news(connection, now, until))

    async def stop_told(self, event: int) -> None:  # noqa: D102
        now = self._sources.clock()
        await self._writer.do(lambda connection: do_not_call.told(connection, event, now))

    async def outgoing(  # noqa: D102
        self, now: datetime, *, owner: str, until: datetime, limit: int
    ) -> Sequence[Outgoing]:
        return await self._writer.do(
            lambda connection: outbox.outgoing(connection, now, owner=owner, until=until, limit=limit)
        )

    async def delivered(  # noqa: D102
        self, post: Outgoing, ref: MessageRef | None, *, seen: int, opens: Collection[str] = ()
    ) -> None:
        now = self._sources.clock()
        await self._writer.do(lambda connection: outbox.delivered(connection, post, ref, seen, opens, now))

    async def postpone(  # noqa: D102
        self,
        post: Outgoing,
        *,
        not_before: datetime,
        error: str | None,
        lane: str | None = None,
        aside: bool = False,
    ) -> None:
        now = self._sources.clock()
        await self._writer.do(
            lambda connection: outbox.postpone(
                connection, post, not_before, error, lane, aside=aside, now=now
            )
        )

    async def abandon(self, post: Outgoing, *, error: str) -> None:  # noqa: D102
        now = self._sources.clock()
        await self._writer.do(lambda connection: outbox.abandon(connection, post, error, now))

    async def keep_draft(self, nonce: str, *, person: str, content: Mapping[str, object]) -> None:  # noqa: D102
        now = self._sources.clock()
        await self._behind.keep(
            ("draft", nonce),
            Draft(nonce, person, content, None),
            lambda connection: users.keep_draft(connection, now, nonce, person, content),
        )

    async def draft(self, nonce: str) -> Draft | None:  # noqa: D102
        found = await self._reader.do(lambda connection: users.draft(connection, nonce))
        if found is None and isinstance(kept := self._behind.get(("draft", nonce)), Draft):
            as_read_back = json.loads(json.dumps(dict(kept.content)))
            return replace(kept, content=as_read_back)
        return found

    async def claim(self, name: str) -> bool:  # noqa: D102
        now = self._sources.clock()
        return await self._writer.do(lambda connection: users.claim(connection, now, name))

    async def keep_person(self, person: Person) -> None:  # noqa: D102
        await self._behind.keep(
            ("person", person.id), person, lambda connection: users.keep_person(connection, person)
        )

    async def person(self, person: str) -> Person | None:  # noqa: D102
        found = await self._reader.do(lambda connection: users.person(connection, person))
        kept = self._behind.get(("person", person))
        return kept if isinstance(kept, Person) else found

    async def present(self, process: str, lives: timedelta) -> int:  # noqa: D102
        now = self._sources.clock()
        return await self._writer.do(lambda connection: processes.present(connection, process, now, lives))


def _read_anew(path: Path) -> None:
    with closing(open_for_reading(path)) as connection:
        connection.execute("SELECT max(seq) FROM events").fetchone()

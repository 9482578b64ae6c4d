"""Sends approved actions, and ends actions that expired or whose process died.

The dispatcher never waits for a person, and no person waits for it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.config.settings import Settings
from bot.services.notifications import SystemChanges, ended_unsent
from bot.services.outcomes import REMOVING
from bot.services.wakeups import Wakeups
from bot.workers.attempt import Attempts
from bot.workers.circuit_breaker import CircuitBreaker
from bot.workers.lookups import TargetLookups
from bot.workers.loop import each, log_fault
from bot.workers.rate_limiter import ASK_AGAIN, RateLimiter
from providers.actions import Kind
from providers.base import Adapter
from storage.changes import Transition
from storage.models import ActionRecord, Request, Traffic
from storage.states import State
from storage.store import Store

EXPIRED_AT_ONCE = 100
"""Requests that expire in one run, so that actions due for sending do not wait for all of them."""
LATE_AT_ONCE = 100
"""Actions of paused connections that are checked for expiry in one run."""


@dataclass(slots=True)
class Dispatcher:
    """Sends approved actions as far as their connections have free workers, with one request per attempt."""

    _store: Store
    _settings: Settings
    _adapters: Mapping[str, Adapter]
    _pace: RateLimiter
    _look_ups: TargetLookups
    _outages: CircuitBreaker
    _attempts: Attempts
    _changes: SystemChanges
    _wakeups: Wakeups
    _owner: str
    _clock: Callable[[], datetime]
    _looked_at: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)
    _expired_first: str | None = field(default=None, init=False)
    """The first request to expire in the last run. If it is still there, expiring it failed."""
    _in_flight: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _busy: Counter[str] = field(default_factory=Counter, init=False)

    async def run_once(self) -> bool:
        """Reap dead attempts, expire requests, start look-ups and send due actions.

        Returns True if more requests must expire. An action without a free worker is sent in the run that
        starts when one is free.
        """
        now = self._clock()
        await each(await self._store.dispatch_queue.lease_expired(now), self._attempts.reap)
        undecided = await self._store.approvals.decision_expired(now, EXPIRED_AT_ONCE)
        await each(undecided, self._expire)
        more = len(undecided) == EXPIRED_AT_ONCE and undecided[0].id != self._expired_first
        self._expired_first = undecided[0].id if undecided else None
        await each(await self._store.dispatch_queue.retry_window_expired(now), self._attempts.end_window)
        traffic = await self._store.outages.traffic(self._owner)
        self._pace.refresh(traffic.all_outages)
        await self._look_ups.run_once()
        down, probes = await self._outages.run_once(traffic.all_outages)
        await self._end_what_stands_still(now, paused=traffic.paused)
        for connection in probes:
            await self._probe(connection, now)
        for connection in self._pace.removals_due - down:
            await self._probe_by_removing(connection, now)
        room = {name: self._room(name, traffic) for name in self._adapters}
        full = {name for name, free in room.items() if free <= 0}
        # Read so many actions of each connection that no worker stays free, even if some are not claimed yet.
        most = max(self._settings.dispatch.workers, *map(self._settings.workers, room))
        waiting = full | down | self._pace.waiting()
        for record in await self._store.dispatch_queue.due(
            now, most, without=waiting, held=self._attempts.held()
        ):
            free = room.setdefault(record.connection, self._room(record.connection, traffic))
            if record.id not in self._in_flight and free > 0:
                self._start(record)
                room[record.connection] -= 1
        return more

    def _room(self, connection: str, traffic: Traffic) -> int:
        """Return the count of free workers of a connection. Requests of other processes use workers, too."""
        sending = self._busy[connection] + traffic.elsewhere.get(connection, 0)
        return self._settings.workers(connection) - sending

    async def _probe(self, connection: str, now: datetime) -> None:
        """Send one request through a connection that failed, to probe whether its outage is over."""
        waiting = await self._waiting_for(frozenset({connection}), now, limit=1)
        if waiting and not self._busy[connection] and await self._outages.probes(connection):
            self._pace.probing.add(connection)
            self._start(waiting[0])

    async def _probe_by_removing(self, connection: str, now: datetime) -> None:
        """Send one request that removes something, although the account asked for a longer wait."""
        waiting = await self._waiting_for(frozenset({connection}), now, limit=1, kinds=REMOVING)
        busy = any(self._busy[one] for one in self._pace.sharing(connection))
        if waiting and not busy and await self._pace.probes(connection, self._settings.dispatch.lease):
            self._pace.probing.add(connection)
            self._start(waiting[0])

    async def _waiting_for(
        self, connections: frozenset[str], now: datetime, *, limit: int, kinds: Collection[Kind] = ()
    ) -> Sequence[ActionRecord]:
        """Return the due actions of these connections, up to ``limit`` of each."""
        others = self._adapters.keys() - connections
        ready = await self._store.dispatch_queue.due(
            now, limit, without=others, kinds=kinds, held=self._attempts.held()
        )
        return [record for record in ready if record.connection in connections]

    async def _end_what_stands_still(self, now: datetime, *, paused: bool) -> None:
        """Expire late actions that wait for a provider or a pause, as an attempt would."""
        held = self._pace.held
        if not (held or paused) or self._looked_at <= now < self._looked_at + ASK_AGAIN:
            return
        self._looked_at = now
        late = list(await self._waiting_for(held, now, limit=LATE_AT_ONCE)) if held else []
        late += await self._store.dispatch_queue.paused(now, LATE_AT_ONCE) if paused else []
        await each(late, self._end_if_late)

    def _start(self, record: ActionRecord) -> None:
        self._busy[record.connection] += 1
        context = copy_context()  # the end is logged with the same fields
        task = asyncio.create_task(self._attempts.run(record), name=f"send {record.id}", context=context)
        self._in_flight[record.id] = task

        def ended(task: asyncio.Task[None]) -> None:
            del self._in_flight[record.id]
            self._busy[record.connection] -= 1
            self._pace.probing.discard(record.connection)
            if not task.cancelled() and (error := task.exception()):
                # Do not wake the workers: on a full disk it would fail, and be logged, again without pause.
                log_fault(error, f"Sending {record.id} was broken off")
            else:
                self._wakeups.all()

        task.add_done_callback(ended, context=context)

    async def finish(self, within: timedelta) -> bool:
        """Wait for the requests in flight for a while. The leases of unfinished ones are found later.

        Returns whether anything was in flight.
        """
        if running := self._running():
            await asyncio.wait(running, timeout=within.total_seconds())
        return bool(running)

    def _running(self) -> list[asyncio.Task[None]]:
        return [*self._in_flight.values(), *self._look_ups.running, *self._outages.running]

    def break_off(self) -> list[str]:
        """Cancel what is still in flight, and return the ids of the actions, which their leases protect."""
        for task in self._running():
            task.cancel()
        return sorted(self._in_flight)

    async def _end_if_late(self, record: ActionRecord) -> None:
        if record.id not in self._in_flight:
            await self._attempts.end_if_late(record)

    async def _expire(self, request: Request) -> None:
        moves = [
            Transition(record.id, "expired", frozenset({State.PENDING}), State.EXPIRED)
            for record in request.actions
        ]
        await self._changes.apply(request, *moves, posts=ended_unsent(request))

"""Looks up the targets of actions, before the first attempt and after an unknown outcome.

A look-up has no effect at the provider, and no decision waits for it. Its result is an annotation in the log.
It resolves an unknown outcome only if it shows the effect:

- The campaign to delete is gone, or the call to cancel is cancelled. It existed before the first attempt.
- The campaign to stop is stopped, or the one to start is active.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.services.notifications import SystemChanges, all_told
from bot.services.outcomes import MAX_ATTEMPTS, REMOVING
from bot.services.preconditions import Preconditions
from bot.services.wakeups import Wakeups
from bot.text import outcomes
from bot.workers.loop import run_beside
from bot.workers.rate_limiter import RateLimiter
from providers.actions import CannotSendError, Code, Kind, LookupResult
from providers.base import Adapter, Context
from storage.changes import Annotation, Notification, Transition
from storage.event_log.hash_chain import LOOKED_UP, microseconds
from storage.models import ActionRecord, Request, Scalar
from storage.states import State
from storage.store import Store

MAX_CONCURRENT = 4
"""Look-ups in flight, half of a connection's workers by default, because nobody waits for them."""
BATCH = 100
"""Actions of a connection that are read in a run, including some that may have no look-up."""
LOOKED_UP_DONE = "looked_up_done"
"""The event, and the template, for an unknown action that a look-up shows as done."""
_CODES = {
    Kind.CANCEL_CALL: Code.CANCELLED,
    Kind.DELETE_CAMPAIGN: Code.DELETED,
    Kind.STOP_CAMPAIGN: Code.STOPPED,
    Kind.START_CAMPAIGN: Code.STARTED,
}


@dataclass(slots=True)
class TargetLookups:
    """Looks up targets: at most once before an action's first attempt, and after each unknown outcome."""

    _store: Store
    _preconditions: Preconditions
    _adapters: Mapping[str, Adapter]
    _pace: RateLimiter
    _changes: SystemChanges
    _wakeups: Wakeups
    _clock: Callable[[], datetime]
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _put_off: dict[str, int] = field(default_factory=dict, init=False)
    _read: Mapping[str, int] = field(default_factory=dict, init=False)
    """The position up to which each connection's actions were read."""
    _queue: dict[str, ActionRecord] = field(default_factory=dict, init=False)
    """Actions that were read and still need a look-up before their first attempt."""
    _able: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._able = frozenset(
            name
            for name, adapter in self._adapters.items()
            if type(adapter).build_look_up is not Adapter.build_look_up and adapter.settings.mode == "live"
        )

    @property
    def running(self) -> Sequence[asyncio.Task[None]]:
        """The look-ups that are running."""
        return list(self._running.values())

    async def run_once(self) -> None:
        """Start look-ups of new actions and of unknown ones, as far as there is room."""
        able = self._able - self._pace.waiting() - self._pace.probing
        if not able or len(self._running) >= MAX_CONCURRENT:
            return
        for record in await self._store.dispatch_queue.unknown_awaiting_lookup(able, BATCH):
            self._start(record, self._after_doubt)
        queued = Counter(record.connection for record in self._queue.values())
        short = [name for name in able if queued[name] < BATCH]
        found, self._read = await self._store.dispatch_queue.awaiting_lookup(short, BATCH, self._read)
        self._queue.update((record.id, record) for record in found if self._is_to_be_found(record))
        for record in [
            one for one in self._queue.values() if one.connection in able and one.id not in self._running
        ]:
            if len(self._running) >= MAX_CONCURRENT:
                break
            del self._queue[record.id]
            self._start(record, self._first)

    async def is_due(self, record: ActionRecord) -> bool:
        """Return whether an unknown action is still to be looked up."""
        able = self._able & {record.connection}
        due = await self._store.dispatch_queue.unknown_awaiting_lookup(able, BATCH)
        return any(one.id == record.id for one in due) and self._can_be_asked(record)

    async def before_first_attempt(self, record: ActionRecord) -> bool:
        """Look up an action's target before its first attempt. Return False if the look-up must wait.

        An account that asked for a wait gets one request only, which is the removal itself.
        """
        able = record.connection in self._able and not self._pace.asked_for(record.connection)
        if record.attempt or record.looked_up or not (able and self._is_to_be_found(record)):
            return True
        if record.id in self._running:
            await asyncio.wait({self._running[record.id]})
        request = await self._store.requests.request(record.request)
        now = next(one for one in request.actions if one.id == record.id)
        return now.looked_up or await self._record_first(request, now)

    async def confirms_gone(self, request: Request, record: ActionRecord) -> bool:
        """Look up a target again that a provider did not find, and return whether it is gone.

        Returns True if the connection cannot look up anything, and False if it cannot be asked now.
        """
        if record.connection not in self._able or not self._can_be_asked(record):
            return True
        if not await self._pace.try_acquire(record.connection):
            return False
        seen = await self._seen(request, record)
        await self._pace.on_response(record.connection, seen)
        return seen.found is False or seen.done

    def _start(self, record: ActionRecord, look: Callable[[ActionRecord], Coroutine[Any, Any, None]]) -> None:
        room = len(self._running) < MAX_CONCURRENT
        if room and record.id not in self._running and self._can_be_asked(record):
            run_beside(self._running, record.id, look(record), f"Looking up {record.id}", self._wakeups.all)

    async def _first(self, record: ActionRecord) -> None:
        """Look up an action's target if that is still needed. Leave it in the queue if it must wait."""
        self._queue[record.id] = record
        request = await self._store.requests.request(record.request)
        now = next(one for one in request.actions if one.id == record.id)
        waits = now.state in {State.PENDING, State.APPROVED} and not now.attempt and not now.looked_up
        if not waits or await self._record_first(request, now):
            del self._queue[record.id]

    async def _record_first(self, request: Request, record: ActionRecord) -> bool:
        """Look up a target and record the result. Return False if the look-up must wait for a rate limit."""
        if not await self._pace.try_acquire(record.connection):
            return False
        sighting = await self._ask(request, record)
        if sighting is None:
            return False
        posts = [Notification("state", "audit")]
        if request.approvals_needed:
            posts.insert(0, Notification("state", "card"))
        await self._change(request, [], sighting, record, posts)
        return True

    async def _after_doubt(self, record: ActionRecord) -> None:
        """Look up the target of an unknown action, and record the result and its consequence."""
        if not await self._pace.try_acquire(record.connection):
            return
        request = await self._store.requests.request(record.request)
        sighting = await self._ask(request, record)
        if sighting is None:
            return
        if await self._took_effect(request, record, sighting):
            message = outcomes.LOOKED_UP_DONE if sighting.done else outcomes.LOOKED_UP_GONE
            done = Transition(
                record.id,
                LOOKED_UP_DONE,
                frozenset({State.UNKNOWN}),
                State.SUCCEEDED,
                attempt=record.attempt,
                changes={"code": _CODES[record.kind], "message": message, "reference": record.target_id},
            )
            await self._change(request, [done], sighting, record, all_told(LOOKED_UP_DONE, request))
        elif sighting.found and not sighting.done and record.kind in REMOVING:
            posts = [Notification("state", "audit"), Notification("still_there", "thread")]
            await self._change(request, [], sighting, record, posts)
        else:
            await self._change(request, [], sighting, record, [])

    async def _took_effect(self, request: Request, record: ActionRecord, sighting: LookupResult) -> bool:
        """Return whether a look-up shows that an unknown action happened.

        A call that nobody saw before may be another one. A call that is not there may be another team's.
        """
        history = self._store.call_history
        match record.kind:
            case Kind.STOP_CAMPAIGN | Kind.START_CAMPAIGN:
                return sighting.done
            case Kind.DELETE_CAMPAIGN:
                return sighting.found is False and await history.found_before_attempt(record.id)
            case _ if sighting.done and record.target_id:
                return await history.found_before_attempt(record.id) or await history.seen(
                    record.connection, request.fingerprint, record.target_id, record.asked_at
                )
            case _:
                return False

    def _is_to_be_found(self, record: ActionRecord) -> bool:
        """Return whether a look-up before the first attempt can tell anything new.

        Of a call that the log knows it cannot. It could only make the cancellation late.
        """
        return record.scheduled_for is None and self._can_be_asked(record)

    def _can_be_asked(self, record: ActionRecord) -> bool:
        """Return whether a request can look up an action's target. Building the request has no effect."""
        adapter = self._adapters[record.connection]
        if record.for_provider is None:
            return False
        try:
            return adapter.build_look_up(record.for_provider, self._context(record)) is not None
        except CannotSendError:
            return True  # the look-up records the reason

    async def _ask(self, request: Request, record: ActionRecord) -> LookupResult | None:
        """Return the result of a look-up, None if the provider put it off and it may be retried."""
        seen = await self._seen(request, record)
        await self._pace.on_response(record.connection, seen)
        if not seen.put_off:
            self._put_off.pop(record.id, None)
            return seen
        times = self._put_off.get(record.id, 0) + 1
        self._put_off[record.id] = times
        if times < MAX_ATTEMPTS:
            return None
        del self._put_off[record.id]
        return seen

    async def _seen(self, request: Request, record: ActionRecord) -> LookupResult:
        action = record.for_provider
        assert action is not None  # noqa: S101 - `_can_be_asked` is true
        if self._preconditions.fingerprint(record.connection, action) != request.fingerprint:
            return LookupResult(found=None, message=outcomes.CHANGED_MEANWHILE)
        try:
            seen = await self._adapters[record.connection].look_up(action, self._context(record))
        except CannotSendError as refused:
            return LookupResult(found=None, message=refused.message)
        return seen or LookupResult(found=None, message=outcomes.CANNOT_BE_ASKED)

    def _context(self, record: ActionRecord) -> Context:
        return Context(now=self._clock(), action_id=record.id)

    async def _change(
        self,
        request: Request,
        moves: Sequence[Transition],
        sighting: LookupResult,
        record: ActionRecord,
        posts: Sequence[Notification],
    ) -> None:
        data: dict[str, Scalar] = {"found": sighting.found, "said": sighting.message}
        if sighting.call_time:
            data["call_time"] = microseconds(sighting.call_time)
        note = Annotation(record.id, LOOKED_UP, data, {"known_as": sighting.name} if sighting.name else {})
        # If a person settled the action meanwhile, that settlement stands.
        await self._changes.apply(request, *moves, notes=[note], posts=posts)

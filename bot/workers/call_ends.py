"""Asks providers how placed calls ended, where a provider can be asked.

The row of a call says when it is asked for next. A request first moves that time, so a process that dies
repeats none. A found end goes the way of a webhook. These requests come last: they wait for a paused
connection and for everything that is due to be sent, and leave the last place of a rate limit to others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.workers.loop import each
from bot.workers.provider_events import ProviderEvents
from bot.workers.rate_limiter import RateLimiter
from providers.actions import CallEnd, CannotSendError, Outcome, PlaceCall, ProviderEvent, Status
from providers.base import Adapter, Context, describe_end
from storage.models import ActionRecord, Request, record_of
from storage.repositories.end_polls import EndPoll
from storage.repositories.rate_limits import MINUTE
from storage.states import State
from storage.store import Store

FIRST = timedelta(seconds=30)
"""The time from a call's own time to the first request for its end. Each wait doubles it."""
LONGEST = timedelta(minutes=15)
"""The longest wait between two requests for a call's end."""
GIVE_UP = timedelta(hours=24)
"""The time after which the next request for a call's end is the last one."""


def first_poll_at(adapter: Adapter, record: ActionRecord, outcome: Outcome, now: datetime) -> datetime | None:
    """Return when the end of a placed call is first asked for, None if it cannot be asked for."""
    action, call_id = record.action, outcome.reference
    if outcome.status is not Status.OK or not isinstance(action, PlaceCall) or call_id is None:
        return None
    try:
        asked = adapter.build_end(call_id, None, Context(now=now, action_id=record.id))
    except CannotSendError:
        return None
    return None if asked is None else max(action.at or now, now) + FIRST


def next_poll_at(poll: EndPoll, now: datetime) -> datetime | None:
    """Return when a call's end is asked for again, None if this is the last time."""
    waited = now - poll.since
    return None if waited >= GIVE_UP else now + min(max(waited, FIRST), LONGEST)


@dataclass(slots=True)
class CallEnds:
    """Asks for the ends of placed calls that are due."""

    _store: Store
    _adapters: Mapping[str, Adapter]
    _pace: RateLimiter
    _events: ProviderEvents
    _clock: Callable[[], datetime]
    _able: frozenset[str] = field(init=False)
    _quiet: dict[str, datetime] = field(default_factory=dict, init=False)
    """Connections whose rate limit was nearly used up, and until when they are not asked."""

    def __post_init__(self) -> None:
        self._able = frozenset(
            name for name, adapter in self._adapters.items() if adapter.settings.mode == "live"
        )

    async def run_once(self) -> None:
        """Ask for one due end of each connection, as far as nothing else waits for it."""
        now = self._clock()
        quiet = {name for name, until in self._quiet.items() if now < until <= now + MINUTE}
        able = self._able - self._pace.waiting() - self._pace.probing - quiet
        due = await self._store.end_polls.due(able, now, 1)
        if due:
            sends = await self._store.dispatch_queue.due(now, 1)
            busy = {record.connection for record in sends}
            await each([poll for poll in due if poll.connection not in busy], self._ask)

    async def _ask(self, poll: EndPoll) -> None:
        """Ask for the end of a call, and record it. Keep asking later unless that is over."""
        request = await self._store.requests.request(poll.action)
        record = record_of(request, poll.action)
        action, call_id = record.action, record.reference
        if not (isinstance(action, PlaceCall) and call_id and self._is_wanted(request, record)):
            await self._store.end_polls.remove(poll.action)
            return
        look = partial(self._look, record, action, call_id)
        now = self._clock()
        again = next_poll_at(poll, now)
        if not await self._pace.try_acquire(poll.connection, spare=1):
            return
        if not await self._store.end_polls.postpone(poll, again or now + LONGEST):
            return
        end = await look(None)
        if end is not None:
            if await self._pace.try_acquire(poll.connection, spare=1):
                end = await look(end) or end
            event = ProviderEvent(
                action_id=record.id,
                message=describe_end(self._adapters[poll.connection].title, end),
                end=end,
                number=action.to,
                reference=call_id,
            )
            await self._events.take(poll.connection, event)
        if again is None or (end and not end.again):
            await self._store.end_polls.remove(poll.action)

    def _is_wanted(self, request: Request, record: ActionRecord) -> bool:
        """Return whether the end of a call is still unknown, and its connection has the same account."""
        return (
            record.state is State.SUCCEEDED
            and (record.end is None or record.end.again)
            and not request.cancelled
            and request.fingerprint.startswith(self._adapters[record.connection].fingerprint(None))
        )

    async def _look(
        self, record: ActionRecord, action: PlaceCall, call_id: str, known: CallEnd | None
    ) -> CallEnd | None:
        context = Context(now=self._clock(), action_id=record.id)
        seen = await self._adapters[record.connection].look_up_end(action, call_id, known, context)
        if seen is None:
            return None
        if seen.pause:
            quiet_until = self._clock() + MINUTE
            self._quiet |= dict.fromkeys(self._pace.sharing(record.connection), quiet_until)
        await self._pace.on_response(record.connection, seen)
        return seen.end

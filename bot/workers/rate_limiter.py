"""Limits the requests to each connection, by the store, so that all processes agree."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.services.outcomes import PUT_OFF_AT_MOST
from bot.slack.backoff import Wait
from bot.workers.outage_policy import is_open
from providers.actions import LookupResult, Outcome
from providers.base import Adapter
from storage.models import ConnectionOutage
from storage.store import Store

ASK_AGAIN = timedelta(seconds=60)
"""The longest wait for a rate limit before it is asked for again, so that waiting actions are checked for
expiry."""

TELL_FROM = timedelta(seconds=60)
"""The shortest pause that requesters are told of. A shorter one is over before they have read of it."""


@dataclass(slots=True)
class RateLimiter:
    """Acquires rate limits for connections, and remembers which connections must wait."""

    _store: Store
    _adapters: Mapping[str, Adapter]
    _clock: Callable[[], datetime]
    held: frozenset[str] = field(default=frozenset(), init=False)
    """Paused connections."""
    removals_due: frozenset[str] = field(default=frozenset(), init=False)
    """Connections whose provider asked for a wait and that may send one request to remove something."""
    probing: set[str] = field(default_factory=set, init=False)
    """Paused connections with a request in flight that probes whether they answer again."""
    _waits: dict[str, Wait] = field(default_factory=dict, init=False)
    _asked: frozenset[str] = field(default=frozenset(), init=False)

    def refresh(self, all_outages: Iterable[ConnectionOutage]) -> None:
        """Update the paused connections from the outages in the log."""
        now = self._clock()
        holding = [one for one in all_outages if is_open(one, now)]
        self.held = frozenset(one.connection for one in holding)
        self._asked = frozenset(one.connection for one in holding if one.reason == "rate_limited")
        due = frozenset(one.connection for one in holding if one.probe_at and one.probe_at <= now)
        self.removals_due = due - {one.connection for one in holding if one.reason == "down"}

    def hold(self, *connections: str) -> None:
        """Pause connections from now on, until the next refresh."""
        self.held |= set(connections)

    def asked_for(self, connection: str) -> bool:
        """Return whether a provider asked for a pause, whether or not it is also down."""
        return connection in self._asked

    def waiting(self) -> frozenset[str]:
        """Return the connections that are paused or have reached their rate limit."""
        now = self._clock()
        self._waits = {name: wait for name, wait in self._waits.items() if not wait.is_over(now)}
        return frozenset(self._waits) | self.held

    async def try_acquire(self, connection: str, *, spare: int = 0) -> bool:
        """Acquire a connection's rate limit for one request. Return False if it must wait.

        ``spare`` places of a minute are left to others. Only the request itself waits for those.
        """
        if connection in self.waiting() - self.probing:
            return False
        now, adapter = self._clock(), self._adapters[connection]
        a_minute = adapter.requests_a_minute
        if a_minute is not None and a_minute <= spare:
            return False
        until = await self._store.rate_limits.try_acquire(
            self._account(connection),
            a_minute=None if a_minute is None else a_minute - spare,
            now=now,
            paused=not (connection in self.probing and self.asked_for(connection)),
        )
        if until is not None and not spare:
            self._wait(connection, now, until)
        return until is None

    async def on_response(self, connection: str, said: Outcome | LookupResult) -> None:
        """Pause all connections of an account if a reply says that its rate limit is reached."""
        if said.pause:
            now, pause = self._clock(), timedelta(seconds=said.pause)
            sharing = self.sharing(connection)
            await self._store.outages.pause(
                self._account(connection),
                now + pause,
                connections=sharing,
                tell=pause >= TELL_FROM,
                probe=now + min(pause, PUT_OFF_AT_MOST),
            )
            self.hold(*sharing)
        elif connection in self.probing and self.asked_for(connection):
            # The probe was answered, so the next one may go out.
            await self._store.outages.next_probe(self.sharing(connection), self._clock())

    async def probes(self, connection: str, takes: timedelta) -> bool:
        """Reserve the probe that removes something. Return False if another process has it."""
        now = self._clock()
        return await self._store.outages.next_probe(self.sharing(connection), now + takes, due=now)

    def sharing(self, connection: str) -> Sequence[str]:
        """Return the connections of the same account."""
        account = self._account(connection)
        return [name for name in self._adapters if self._account(name) == account]

    def _account(self, connection: str) -> str:
        return account_of(connection, self._adapters[connection])

    def _wait(self, connection: str, now: datetime, until: datetime) -> None:
        self._waits[connection] = Wait(now, min(until, now + ASK_AGAIN))


def account_of(connection: str, adapter: Adapter) -> str:
    """Return the key of a connection's rate limit: its provider's account, or the connection itself."""
    return adapter.budget or connection

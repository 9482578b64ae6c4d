"""How fast a connection may be asked, and when not at all: as the log says, so that all processes agree."""

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
"""How long what the log said of a turn is believed: then somebody looks again at what waits, and finds what
has meanwhile run out of time."""

TELL_FROM = timedelta(seconds=60)
"""The shortest pause that those who wait are told of: a shorter one is over before they have read it."""


@dataclass(slots=True)
class RateLimiter:
    """Takes turns for connections, and remembers which of them wait."""

    _store: Store
    _adapters: Mapping[str, Adapter]
    _clock: Callable[[], datetime]
    held: frozenset[str] = field(default=frozenset(), init=False)
    """Connections that stand still."""
    removals_due: frozenset[str] = field(default=frozenset(), init=False)
    """Connections whose provider asked for a wait; each may send one request to remove something."""
    probing: set[str] = field(default_factory=set, init=False)
    """Connections that stand still, and of which one request finds out if they answer again."""
    _waits: dict[str, Wait] = field(default_factory=dict, init=False)
    _asked: frozenset[str] = field(default=frozenset(), init=False)

    def refresh(self, all_outages: Iterable[ConnectionOutage]) -> None:
        """What stands still, as the log says now."""
        now = self._clock()
        holding = [one for one in all_outages if is_open(one, now)]
        self.held = frozenset(one.connection for one in holding)
        self._asked = frozenset(one.connection for one in holding if one.reason == "rate_limited")
        due = frozenset(one.connection for one in holding if one.probe_at and one.probe_at <= now)
        self.removals_due = due - {one.connection for one in holding if one.reason == "down"}

    def hold(self, *connections: str) -> None:
        """Some stand still from now on; what the log says counts from the next round on."""
        self.held |= set(connections)

    def asked_for(self, connection: str) -> bool:
        """Whether a provider asked to be left alone, be it down or not."""
        return connection in self._asked

    def waiting(self) -> frozenset[str]:
        """Connections that stand still or have no turn."""
        now = self._clock()
        self._waits = {name: wait for name, wait in self._waits.items() if not wait.is_over(now)}
        return frozenset(self._waits) | self.held

    async def try_acquire(self, connection: str) -> bool:
        """Take a connection's turn for one request; False where it has to wait."""
        if connection in self.waiting() - self.probing:
            return False
        now, adapter = self._clock(), self._adapters[connection]
        until = await self._store.rate_limits.try_acquire(
            self._account(connection),
            a_minute=adapter.requests_a_minute,
            now=now,
            paused=not (connection in self.probing and self.asked_for(connection)),
        )
        if until is not None:
            self._wait(connection, now, until)
        return until is None

    async def on_response(self, connection: str, said: Outcome | LookupResult) -> None:
        """Leave a whole account alone where a reply says that its rate is spent."""
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
            # That was answered: the next one may go.
            await self._store.outages.next_probe(self.sharing(connection), self._clock())

    async def probes(self, connection: str, takes: timedelta) -> bool:
        """Take the turn of one request that removes something; False where somebody else has it."""
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
    """What shares one rate with a connection: its provider's account, or nothing else."""
    return adapter.budget or connection

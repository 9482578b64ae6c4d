"""How fast a connection may be asked: its turns come from the log, so that all processes share one rate."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from providers.actions import Code, Outcome, Sighting
from providers.base import Adapter
from storage.log import ActionLog

ASK_AGAIN = timedelta(seconds=60)
"""How long what the log said of a turn is believed: then somebody looks again at what waits, and finds what
has meanwhile run out of time."""


class Pace:
    """Takes turns for connections, and remembers which of them wait."""

    def __init__(
        self, log: ActionLog, adapters: Mapping[str, Adapter], *, clock: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._adapters = adapters
        self._clock = clock
        self._waits: dict[str, tuple[datetime, datetime]] = {}

    def waiting(self) -> frozenset[str]:
        """Connections that have no turn yet. A wait that lies ahead of the clock was for another time."""
        now = self._clock()
        self._waits = {
            name: (since, until) for name, (since, until) in self._waits.items() if since <= now < until
        }
        return frozenset(self._waits)

    async def turn(self, connection: str) -> bool:
        """Take a connection's turn for one request; False where it has to wait."""
        if connection in self.waiting():
            return False
        now, adapter = self._clock(), self._adapters[connection]
        until = await self._log.turn(self._account(connection), a_minute=adapter.requests_a_minute, now=now)
        if until is not None:
            self._wait(connection, now, until)
        return until is None

    async def heed(self, connection: str, said: Outcome | Sighting) -> None:
        """Leave a whole account alone where a reply says that its rate is spent."""
        match said:
            case Outcome(code=Code.RATE_LIMITED, retry_after=float(put_off)):
                seconds = max(said.pause or 0.0, put_off)
            case _:
                seconds = said.pause or 0.0
        if seconds > 0:
            now = self._clock()
            until = now + timedelta(seconds=seconds)
            await self._log.pause(self._account(connection), until)
            self._wait(connection, now, until)

    def _account(self, connection: str) -> str:
        return self._adapters[connection].budget or connection

    def _wait(self, connection: str, now: datetime, until: datetime) -> None:
        self._waits[connection] = (now, min(until, now + ASK_AGAIN))

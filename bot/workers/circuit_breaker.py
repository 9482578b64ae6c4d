"""Counts the failures of each connection, pauses it during an outage, and probes whether it is over.

If nothing could be reached, the provider's host is pinged for any answer at all (`Adapter.ping`). That has no
effect and uses no attempt of a request. If something answered, only a real request can tell, and one pending
request is sent. One process at a time probes, and all others wait for its result.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.services.wakeups import Wakeups
from bot.text.log_format import log_about
from bot.workers.loop import run_beside
from bot.workers.outage_policy import failed, is_down, is_open, pause_after, told_from
from bot.workers.rate_limiter import RateLimiter
from providers.actions import Code, Outcome
from providers.base import Adapter
from storage.models import ConnectionOutage
from storage.store import Store

PROBE_MARGIN = timedelta(seconds=5)
"""The time by which a probe's lock outlasts the deadline of a request."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class CircuitBreaker:
    """Counts failures, and probes connections during an outage."""

    _store: Store
    _adapters: Mapping[str, Adapter]
    _pace: RateLimiter
    _deadline: timedelta
    _wakeups: Wakeups
    _clock: Callable[[], datetime]
    _counted: set[str] = field(default_factory=set, init=False)
    """Connections with counted failures."""
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)

    @property
    def running(self) -> Sequence[asyncio.Task[None]]:
        """The pings that are running."""
        return list(self._running.values())

    async def run_once(
        self, all_outages: Sequence[ConnectionOutage]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Ping hosts whose pause is over. Return the connections that are down, and those to probe."""
        now = self._clock()
        if any(one.reason == "rate_limited" and not is_open(one, now) for one in all_outages):
            await self._store.outages.clear_expired()
        down = [one for one in all_outages if is_down(one) and one.connection in self._adapters]
        self._counted = {one.connection for one in all_outages if one.reason == "down"}
        due = [one for one in down if not is_open(one, now) and not self._pace.asked_for(one.connection)]
        unreached = [one.connection for one in due if not one.reachable]
        for connection in unreached:
            if connection not in self._running and await self.probes(connection):
                run_beside(
                    self._running,
                    connection,
                    self._ping(connection),
                    f"Asking whether {connection} answers",
                    self._wakeups.all,
                )
        names = frozenset(one.connection for one in down)
        return names, frozenset(one.connection for one in due if one.reachable)

    async def probes(self, connection: str) -> bool:
        """Return whether this process may probe a connection."""
        return await self._store.outages.acquire_probe(
            connection, self._clock() + self._deadline + PROBE_MARGIN
        )

    async def on_response(self, connection: str, outcome: Outcome, *, began: datetime) -> None:
        """Count the failure or success of a request that began at ``began``."""
        if failed(outcome):
            await self._failed(connection, began, reachable=outcome.code is not Code.UNREACHABLE)
        elif connection in self._counted:
            await self._store.outages.answered(connection)
            _log.info("%s answers again", connection)

    async def _failed(self, connection: str, began: datetime, *, reachable: bool) -> None:
        pause = partial(pause_after, reachable=reachable)
        tell = told_from(reachable=reachable)
        found = await self._store.outages.failed(
            connection, began=began, pause=pause, reachable=reachable, told_from=tell
        )
        self._counted.add(connection)
        if is_open(found, self._clock()):
            self._pace.hold(connection)
            _log.warning(
                "%s does not answer (%d in a row); it is left alone until %s",
                connection,
                found.failures,
                f"{found.until:%H:%M:%S} UTC",
            )

    async def _ping(self, connection: str) -> None:
        log_about(connection=connection)
        began = self._clock()
        if await self._adapters[connection].ping() is None:
            await self._store.outages.answered(connection)
            _log.info("%s can be reached again", connection)
        else:
            await self._failed(connection, began, reachable=False)

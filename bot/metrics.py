"""The page `/metrics`, in the text format of Prometheus.

It is made when it is asked for. No label holds a number, a name of a person or an id. Connections that the
settings no longer have share a label, so that the number of series stays bounded.
"""

import asyncio
import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.workers.loop import PeriodicTask
from storage.database.connection import UNREADABLE
from storage.database.deadlines import deadline
from storage.errors import LogUnavailableError
from storage.repositories.metrics import Measurements, Queue
from storage.store import Store

REMOVED: Final = "_removed"
"""The label of connections that the settings do not have. No connection can have this name."""
LOG_WITHIN: Final = 5.0
"""Seconds until the page is answered without the log. Prometheus waits for ten by default."""
DECIDED_WITHIN: Final = (60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""The bounds of the histogram of decisions, in seconds."""

_log = logging.getLogger(__name__)


@dataclass
class MetricsPage:
    """The page, and the counts since the start of this process.

    ``connections`` are those of the settings. ``limited`` counts Slack's answers of 429 by method. ``free``
    returns the free bytes of a folder's disk.
    """

    store: Store
    connections: Collection[str]
    tasks: Sequence[PeriodicTask]
    limited: Mapping[str, int]
    clock: Callable[[], datetime]
    seconds: Callable[[], float] = time.monotonic
    free: Callable[[str], int] = lambda folder: shutil.disk_usage(folder).free
    _seen: int = field(default=0, init=False)
    _outcomes: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    _decided: list[int] = field(default_factory=lambda: [0] * (len(DECIDED_WITHIN) + 1), init=False)
    _decided_seconds: float = field(default=0.0, init=False)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def begin(self) -> None:
        """Count what happens from now on."""
        self._seen = await self.store.metrics.last_event()

    async def text(self) -> bytes:
        """Return the page. It has no numbers of the log while that cannot be read."""
        async with self._one:  # two at a time would count new events twice
            measured = await self._measure()
        return generate_latest(_Page([*self._of_log(measured), *self._of_process(measured is not None)]))

    async def _measure(self) -> Measurements | None:
        try:
            with deadline(LOG_WITHIN):
                anchored = await asyncio.to_thread(self.store.metrics.anchored)
                measured = await self.store.metrics.measure(self._seen, anchored)
        except (*UNREADABLE, OSError, LogUnavailableError) as error:
            _log.warning("The log can't be read for the metrics: %s", type(error).__name__)
            return None
        self._seen = measured.seen
        self._outcomes.update(measured.outcomes)
        for waited in measured.decided:
            self._decided[sum(waited > bound for bound in DECIDED_WITHIN)] += 1
            self._decided_seconds += waited
        return measured

    def _of_log(self, measured: Measurements | None) -> Iterable[Metric]:
        if measured is None:
            return
        waiting = _gauge("queue_actions", "Approved actions that are not sent yet.", "connection")
        age = _gauge("queue_age_seconds", "Seconds for which the first of them waits.", "connection")
        for name, queue in self._queues(measured).items():
            waiting.add_metric([name], queue.actions if queue else 0)
            age.add_metric([name], self._since(queue.since if queue else None))
        yield waiting
        yield age
        yield _gauge("unknown_actions", "Actions whose outcome is unknown now.", value=measured.unknown)
        yield _gauge(
            "outbox_age_seconds",
            "Seconds for which the oldest post waits for Slack.",
            value=self._since(measured.oldest_post),
        )
        yield _gauge(
            "unanchored_seconds",
            "Age in seconds of the oldest event that no anchor covers.",
            value=self._since(measured.unanchored_since),
        )
        if measured.anchored_at:
            yield _gauge(
                "anchor_age_seconds",
                "Age in seconds of the last event that an anchor covers.",
                value=self._since(measured.anchored_at),
            )

    def _queues(self, measured: Measurements) -> dict[str, Queue | None]:
        """Return the queue of each connection of the settings, None if empty, and of all others together."""
        found: dict[str, Queue | None] = {
            name: measured.queues.get(name) for name in sorted(self.connections)
        }
        if others := [queue for name, queue in measured.queues.items() if name not in found]:
            actions = sum(one.actions for one in others)
            found[REMOVED] = Queue(actions, min(one.since for one in others))
        return found

    def _of_process(self, readable: bool) -> Iterable[Metric]:  # noqa: FBT001 - the only argument
        yield _gauge("log_readable", "1 if the log could be read for this page, else 0.", value=readable)
        outcomes = CounterMetricFamily(
            "callops_outcomes", "Outcomes since the start, by state and code.", labels=["state", "code"]
        )
        for labels, count in sorted(self._outcomes.items()):
            outcomes.add_metric(labels, count)
        yield outcomes
        yield HistogramMetricFamily(
            "callops_decision_seconds",
            "Seconds from a request to a decision about it, since the start.",
            buckets=[
                (str(bound), sum(self._decided[: place + 1]))
                for place, bound in enumerate([*DECIDED_WITHIN, "+Inf"])
            ],
            sum_value=self._decided_seconds,
        )
        limited = CounterMetricFamily(
            "callops_slack_rate_limited", "Slack's answers of 429 since the start.", labels=["method"]
        )
        for method, count in sorted(self.limited.items()):
            limited.add_metric([method], count)
        yield limited
        idle = _gauge("worker_idle_seconds", "Seconds since a worker's last run began.", "worker")
        for one in self.tasks:
            idle.add_metric([one.name], max(self.seconds() - one.last_run, 0))
        yield idle
        folder = self.store.metrics.path.absolute().parent
        yield _gauge("disk_free_bytes", "Free bytes on the log's disk.", value=self.free(str(folder)))

    def _since(self, at: datetime | None) -> float:
        """Return the seconds since a time, 0 for None and for a time that a wrong clock wrote."""
        return max((self.clock() - at).total_seconds(), 0) if at else 0.0


@dataclass(frozen=True, slots=True)
class _Page(Collector):
    """Metrics that are already collected."""

    metrics: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self.metrics


def _gauge(name: str, text: str, *labels: str, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"callops_{name}", text, value=value, labels=labels or None)


def metrics_route(page: MetricsPage) -> Route:
    """Return the route `/metrics`."""

    async def answer(_: Request) -> Response:
        headers = {"Connection": "close", "Cache-Control": "no-store"}
        return Response(await page.text(), headers=headers, media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", answer)

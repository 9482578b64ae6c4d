"""Runs background work periodically, and as soon as it is woken."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from storage.errors import LogBusyError, LogReplacedError

POLL = 1.0
"""Seconds between runs at most, and so the longest delay of work that becomes due by the clock."""
MIN_INTERVAL = 0.1
"""Seconds between runs at least, for work that many changes wake and whose small delay nobody notices."""

_Item = TypeVar("_Item")
_log = logging.getLogger(__name__)


class PeriodicTask:
    """Runs ``run_once`` every ``every`` seconds and when woken, until it is ended or cancelled.

    Wake-ups are throttled: runs caused by `wake()` start at least ``min_interval`` seconds apart. A run that
    fails is logged, and the next one follows.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[], Awaitable[bool | None]],
        *,
        every: float = POLL,
        min_interval: float = 0.0,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.every = every
        self._min_interval = min_interval
        self.last_run = seconds()
        """The start of the last run, in seconds of a monotonic clock."""

        self._run_once = run_once
        self._seconds = seconds
        self._woken = asyncio.Event()
        self._ending = False

    def wake(self) -> None:
        """Start the next run soon, because there may be new work."""
        self._woken.set()

    def end(self) -> None:
        """Stop as soon as there is no more work."""
        self._ending = True
        self._woken.set()

    async def run(self) -> None:
        """Call ``run_once`` as long as it returns that there is more, then wait."""
        while True:
            self._woken.clear()
            self.last_run = self._seconds()
            more: bool | None = False
            try:
                more = await self._run_once()
            except Exception as error:  # noqa: BLE001 - background work must outlive any fault
                log_fault(error, f"The task {self.name} failed; it goes on")
            if more:
                continue
            if self._ending:
                return
            try:
                async with asyncio.timeout(self.every):
                    await self._woken.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(self.last_run + self._min_interval - self._seconds())


async def each(items: Iterable[_Item], do: Callable[[_Item], Awaitable[None]]) -> None:
    """Do something with every item concurrently. A failure is logged and affects no other item."""
    for failed in await asyncio.gather(*(do(item) for item in items), return_exceptions=True):
        if isinstance(failed, Exception):
            log_fault(failed, "Background work failed; it goes on with the rest")


def log_fault(error: BaseException, what: str) -> None:
    """Log an error of background work in full, or in one line if the log is busy and the work is retried."""
    if isinstance(error, LogReplacedError):
        _log.debug("%s: the log is lost", what)  # `bot.workers.write_probe` reports it, less often
    elif isinstance(error, LogBusyError):
        _log.warning("%s: another process holds the write lock of the log", what)
    else:
        _log.error("%s", what, exc_info=error)


def run_beside(
    running: dict[str, asyncio.Task[None]],
    name: str,
    work: Coroutine[Any, Any, None],
    what: str,
    then: Callable[[], None],
) -> None:
    """Keep a task in ``running`` until it ends, then call ``then``. ``what`` describes the task in errors."""
    running[name] = task = asyncio.create_task(work, name=what)

    def ended(task: asyncio.Task[None]) -> None:
        del running[name]
        then()
        if not task.cancelled() and (error := task.exception()):
            log_fault(error, f"{what} was broken off")

    task.add_done_callback(ended)


async def until_written(write: Callable[[], Awaitable[_Item]]) -> _Item:
    """Return the result of a necessary write, which is repeated for as long as the log is busy."""
    while True:
        try:
            return await write()
        except LogBusyError:
            _log.warning("The log is waited for: another process holds its write lock")

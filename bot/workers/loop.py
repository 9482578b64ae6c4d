"""Background work in rounds: when woken, and otherwise once in a while."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from storage.errors import LogBusyError, LogReplacedError

POLL = 1.0
"""Seconds between rounds at most: what becomes due by the clock is found this late at worst."""
MIN_INTERVAL = 0.1
"""Seconds between rounds at least, where many changes wake one that nobody notices to come a little later."""

_Item = TypeVar("_Item")
_log = logging.getLogger(__name__)


class PeriodicTask:
    """Runs ``step`` until ended or cancelled, every so many seconds and when woken.

    Rounds that begin since somebody woke them begin ``apart`` seconds from each other. A round that fails is
    logged, and the next one comes.
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
        """When the last round began, by a clock in seconds that only goes forward."""

        self._run_once = run_once
        self._seconds = seconds
        self._woken = asyncio.Event()
        self._ending = False

    def wake(self) -> None:
        """There is something new to do."""
        self._woken.set()

    def end(self) -> None:
        """Stop as soon as there is nothing more to do."""
        self._ending = True
        self._woken.set()

    async def run(self) -> None:
        """Go round for as long as ``step`` says that there is more, then wait."""
        while True:
            self._woken.clear()
            self.last_run = self._seconds()
            more: bool | None = False
            try:
                more = await self._run_once()
            except Exception as error:  # noqa: BLE001 - background work must outlive any fault
                log_fault(error, f"A round of the {self.name} failed; it goes on")
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
    """Do something with every item at once; one that fails is logged and holds up no other."""
    for failed in await asyncio.gather(*(do(item) for item in items), return_exceptions=True):
        if isinstance(failed, Exception):
            log_fault(failed, "Background work failed; it goes on with the rest")


def log_fault(error: BaseException, what: str) -> None:
    """Log a fault of background work in full, and in one line that the log is busy: it is tried again."""
    if isinstance(error, LogReplacedError):
        _log.debug("%s: the log is lost", what)  # `bot.write_probe` says so loudly, and not with every round
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
    """Keep a task in ``running`` until it ends, then do ``then``. ``what`` it was is logged with a fault."""
    running[name] = task = asyncio.create_task(work, name=what)

    def ended(task: asyncio.Task[None]) -> None:
        del running[name]
        then()
        if not task.cancelled() and (error := task.exception()):
            log_fault(error, f"{what} was broken off")

    task.add_done_callback(ended)


async def until_written(write: Callable[[], Awaitable[_Item]]) -> _Item:
    """Write what nothing goes on without, and try again for as long as the log is busy."""
    while True:
        try:
            return await write()
        except LogBusyError:
            _log.warning("The log is waited for: another process holds its write lock")

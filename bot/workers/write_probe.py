"""Tests every few seconds that the log can be written, and detects another CallOps with another log.

The processes of this log are counted by their locks. Additional connections to Slack belong to another log.
Slack sends each request to any connection, so each log would record only some of the requests.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from storage.errors import LogBusyError
from storage.store import Store

EVERY = 5.0
"""Seconds between two writes."""
OVERLAP = 60.0
"""Seconds for which Slack may still count a connection that this process has left."""
REMEMBERED = 15 * 60.0
"""Seconds for which a foreign request or connection is reported."""

SAID_EVERY = 60.0
"""Seconds between two log lines about the same error."""
HELD = "another process holds its write lock"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A sign of another log, and its time in seconds."""

    what: str
    at: float


class WriteProbe:
    """Tests whether this process can write to its log, and collects signs of other logs."""

    def __init__(
        self,
        store: Store,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self.wrote: float | None = None
        """The time of the last write, in seconds. None before the first."""

        self.problem: str | None = None
        """The reason why the log cannot be used, as a sentence without its period. None if it can."""

        self._said = 0.0
        self._tried: float | None = None
        self._left: list[float] = []
        self._foreign: _Seen | None = None

    async def run_once(self) -> bool:
        """Write if it is time."""
        now = self._seconds()
        if fault := self._store.fault():
            self._cannot(fault)
        elif self._tried is None or now - self._tried >= EVERY:
            self._tried = now
            await self.write()
        return False

    async def write(self) -> None:
        """Write to the log and read it, and remember an error."""
        doing = "written to"
        try:
            await self._store.processes.probe()
            doing = "read"
            await self._store.read_anew()
        except Exception as error:  # noqa: BLE001 - any error, such as a full disk, is reported and retried
            why = HELD if isinstance(error, LogBusyError) else type(error).__name__
            self._cannot(self._store.fault() or f"The log cannot be {doing}: {why}")
        else:
            if self.problem:
                _log.warning("The log can be used again")
            self.wrote, self.problem = self._seconds(), None

    def _cannot(self, trouble: str) -> None:
        """Remember why the log cannot be used, and log it as an error from time to time."""
        now = self._seconds()
        if self.problem is None or now - self._said >= SAID_EVERY:
            _log.error("%s", trouble)
            self._said = now
        self.problem = trouble

    # Signs of another log on the same Slack app.
    def left_a_connection(self) -> None:
        """Remember that a connection to Slack was closed, which Slack may still count for a while."""
        self._left.append(self._seconds())

    async def counted(self, connections: int) -> None:
        """Compare Slack's count of the app's connections with the processes of this log."""
        processes = await self._store.processes.count_serving()
        now = self._seconds()
        self._left = [at for at in self._left if now - at < OVERLAP]
        others = connections - processes - len(self._left)
        if others > 0:
            self._found(
                f"Slack counts {connections} connections of this app, and this log knows of "
                f"{processes}: another CallOps is connected with another log, so requests are split "
                "between the two. Stop it, or give it the same DATABASE_URL"
            )

    def foreign_request(self) -> None:
        """Report that a user pressed a button of a request that this log does not have."""
        self._found(
            "Somebody pressed a button of a request that is not in this log: another CallOps uses the same "
            "Slack app with another log, or the log was lost. Stop it, or give both the same DATABASE_URL"
        )

    def _found(self, what: str) -> None:
        _log.error("%s", what)
        self._foreign = _Seen(what, self._seconds())

    def another_log(self) -> str | None:
        """Return the last sign of another log on the same Slack app, None if there is no recent one."""
        seen = self._foreign
        return seen.what if seen and self._seconds() - seen.at < REMEMBERED else None

"""Writes to the log every few seconds, to see that it can be, and finds out whether somebody has another log.

The processes of this log are counted by their locks. More connections to Slack than those are of another log:
Slack gives each request to any connection, so half of what is asked would be kept here and half there.
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
"""Seconds for which Slack may still count a connection of ours that we have left."""
REMEMBERED = 15 * 60.0
"""Seconds for which a foreign request or connection is spoken of."""

SAID_EVERY = 60.0
"""Seconds between two lines about the same trouble."""
HELD = "another process holds its write lock"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of another log, and when, in seconds."""

    what: str
    at: float


class WriteProbe:
    """Whether this process can write to its log, and signs of others that have another one."""

    def __init__(
        self,
        store: Store,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self.wrote: float | None = None
        """When the log was last written to, in seconds."""

        self.trouble: str | None = None
        """Why it cannot be used since, as a sentence without its period."""

        self._said = 0.0
        self._tried: float | None = None
        self._left: list[float] = []
        self._foreign: _Seen | None = None

    async def run_once(self) -> bool:
        """Write, when it is time to."""
        now = self._seconds()
        if fault := self._store.fault():
            self._cannot(fault)
        elif self._tried is None or now - self._tried >= EVERY:
            self._tried = now
            await self.write()
        return False

    async def write(self) -> None:
        """Write to the log and read it. What keeps it from that is remembered."""
        doing = "written to"
        try:
            await self._store.processes.probe()
            doing = "read"
            await self._store.read_anew()
        except Exception as error:  # noqa: BLE001 - a full disk, a lost one: it is said, and tried again
            why = HELD if isinstance(error, LogBusyError) else type(error).__name__
            self._cannot(self._store.fault() or f"The log cannot be {doing}: {why}")
        else:
            if self.trouble:
                _log.warning("The log can be used again")
            self.wrote, self.trouble = self._seconds(), None

    def _cannot(self, trouble: str) -> None:
        """Remember what keeps the log from being used, and say it loudly, now and then."""
        now = self._seconds()
        if self.trouble is None or now - self._said >= SAID_EVERY:
            _log.error("%s", trouble)
            self._said = now
        self.trouble = trouble

    # Others.

    def left_a_connection(self) -> None:
        """A connection to Slack was given up; Slack may count it for a while."""
        self._left.append(self._seconds())

    async def counted(self, connections: int) -> None:
        """Slack says how many connections the app has, ours among them."""
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
        """Somebody pressed a button of a request that this log does not have."""
        self._found(
            "Somebody pressed a button of a request that is not in this log: another CallOps uses the same "
            "Slack app with another log, or the log was lost. Stop it, or give both the same DATABASE_URL"
        )

    def _found(self, what: str) -> None:
        _log.error("%s", what)
        self._foreign = _Seen(what, self._seconds())

    def another_log(self) -> str | None:
        """What speaks for another log on the same Slack app, if anything lately did."""
        seen = self._foreign
        return seen.what if seen and self._seconds() - seen.at < REMEMBERED else None

"""Tells systemd that the bot serves, that its workers run, and that it stops (sd_notify(3), `Type=notify`).

Without systemd's variables nothing is sent.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"
_USEC: Final = 1_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The supervisor of this process. ``address`` is its socket, None without one.

    ``watchdog`` are the seconds after which it kills a process that sends no sign, None if it does not.
    """

    address: str | None = None
    watchdog: float | None = None

    @classmethod
    def of(cls, variables: Mapping[str, str], process: int | None = None) -> "ServiceManager":
        """Return the supervisor that the environment names for this process."""
        seconds = variables.get("WATCHDOG_USEC", "")
        ours = variables.get("WATCHDOG_PID") in {None, "", str(process or os.getpid())}
        watched = ours and seconds.isdecimal() and int(seconds) > 0
        return cls(variables.get("NOTIFY_SOCKET") or None, int(seconds) / _USEC if watched else None)

    def notify(self, state: str) -> None:
        """Send a state. A supervisor that cannot be reached is a warning."""
        if self.address is None:
            return
        # A name in Linux's abstract namespace begins with a null byte, which the variable has as "@".
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)  # a busy supervisor delays nothing
                sender.sendto(state.encode(), address)
        except OSError as error:
            _log.warning("The service manager can't be told %s: %s", state, error)

    async def watch(
        self,
        unhealthy: Callable[[], Sequence[str]],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Send signs of life at half the allowed time, as long as ``unhealthy`` returns no problem."""
        if self.watchdog is None:
            return
        before: Sequence[str] = ()
        while True:
            problems = unhealthy()
            if not problems:
                self.notify(WATCHDOG)
            elif not before:
                _log.error("The service manager gets no sign of life: %s", " ".join(problems))
            before = problems
            await sleep(self.watchdog / 2)

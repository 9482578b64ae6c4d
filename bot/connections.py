"""Limits for slow HTTP connections: how long each may be awaited, and how many at once.

A connection is awaited while the rest of a request is missing, or while its peer does not read an answer.
Anybody can hold such connections, so only those are closed, the oldest first. Other connections are never
refused because of them, and every complete request is answered.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Any, Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

AWAITED_WITHIN: Final = 3.0
"""Seconds for which a connection may be awaited. Slack itself gives up after three. Code that reads a body
answers earlier if it did not arrive."""
MAX_CONCURRENT: Final = 1024
"""Awaited connections. With more, the oldest one of the peer that has the most is closed."""
SPARED: Final = 0.1
"""Seconds until an awaited connection counts, since its request may be on its way. Many connections may come
at once through one proxy. Above twice the limit, each counts at once."""

AT_A_TIME: Final = 4096
"""Bytes that are parsed before their content is measured. The framing of a body may be far larger than its
content. Chunks of a byte each would cost a second of this process for each megabyte."""

_log = logging.getLogger(__name__)


class Awaited:
    """The awaited connections of each peer, oldest first.

    ``at_once`` limits their number. ``within`` is the seconds for which each may be awaited.
    """

    def __init__(self, at_once: int = MAX_CONCURRENT, within: float = AWAITED_WITHIN) -> None:
        self._at_once, self.within = at_once, within
        self._number = 0
        self._of: dict[str, OrderedDict[Connection, None]] = {}

    def add(self, connection: "Connection") -> None:
        """Count a connection as awaited. Close another one if the limit is exceeded."""
        self._number += 1
        self._of.setdefault(connection.peer, OrderedDict())[connection] = None
        self._make_room(2 * self._at_once)
        connection.loop.call_later(SPARED, self._make_room, self._at_once)

    def remove(self, connection: "Connection") -> None:
        """Count a connection as awaited no longer."""
        self._number -= 1
        of_peer = self._of[connection.peer]
        del of_peer[connection]
        if not of_peer:
            del self._of[connection.peer]

    def _make_room(self, at_once: int) -> None:
        while self._number > at_once:
            # A peer that opens many connections has its own closed.
            most = max(self._of, key=lambda peer: len(self._of[peer]))
            oldest = next(iter(self._of[most]))
            if oldest.give_up():
                _log.warning(
                    "A connection to this process's port was closed: its request had not come whole, or its "
                    "answer was not read, and more than %d were as slow",
                    self._at_once,
                )
                return


class Connection(H11Protocol):
    """A connection that is closed if its peer is too slow. uvicorn would wait for ever."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        awaited: Awaited,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._awaited = awaited
        self._patience: asyncio.TimerHandle | None = None
        self._framing = 0
        self.peer = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start to wait for a request."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._look()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes in parts, until the connection is closed."""
        for begin in range(0, len(data), AT_A_TIME):
            if self.transport.is_closing():
                break
            self._take(data[begin : begin + AT_A_TIME])
        self._look()

    def on_response_complete(self) -> None:
        """Start to wait for the peer to read the answer, if it has not."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """Start to wait for the peer to read the answer."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """Stop waiting for the peer to read the answer."""
        super().resume_writing()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting for the peer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def give_up(self) -> bool:
        """Close the connection if it is still awaited, and return whether it was."""
        awaited = self._is_awaited()
        self._stop_waiting()
        if awaited:
            self.connections.discard(self)
            self.transport.abort()
        return awaited

    def _take(self, data: bytes) -> None:
        """Parse received bytes. Close the connection if the chunks of a body hold less than their framing."""
        cycle = self.cycle if self._is_in_body() else None
        before = len(cycle.body) if cycle else 0
        super().data_received(data)
        if cycle and cycle is self.cycle and self._is_in_body():
            self._framing = max(0, self._framing + len(data) - 2 * (len(cycle.body) - before))
        if self._framing > AT_A_TIME:
            _log.warning("A connection to this process's port was closed: its body was in tiny chunks")
            self.connections.discard(self)
            self.transport.abort()

    def _is_in_body(self) -> bool:
        """Return whether the rest of a body is missing and the request is not answered yet."""
        return self.conn.their_state is h11.SEND_BODY and self.conn.our_state is not h11.DONE

    def _look(self) -> None:
        """Start or stop waiting for the peer, by the connection's state."""
        if not self._is_awaited():
            self._stop_waiting()
        elif self._patience is None:
            self._patience = self.loop.call_later(self._awaited.within, self.give_up)
            self._awaited.add(self)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self._awaited.remove(self)

    def _is_awaited(self) -> bool:
        """Return whether the peer must act next, by sending a request or by reading an answer."""
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            return True
        state = self.conn.their_state
        # A connection kept for its next request is left to uvicorn's own timeout.
        return state is h11.SEND_BODY or (state is h11.IDLE and self.timeout_keep_alive_task is None)

    def _should_upgrade(self) -> bool:
        """Return False, because there are no WebSockets here."""
        return False


EVERY: Final = 60.0
"""Seconds for which a log line is not repeated."""


class Throttle(logging.Filter):
    """A filter that writes a log line once in a while, and then how often it was left out.

    It remembers every different line, so its loggers' lines must not hold anything that strangers choose. It
    is used in one event loop.
    """

    def __init__(self, *names: str, every: float = EVERY) -> None:
        super().__init__()
        self._loggers = [logging.getLogger(name) for name in names]
        self._every = every
        self._left_out: dict[tuple[str, int, str], int] = {}

    def start(self) -> None:
        """Add the filter to its loggers."""
        for logger in self._loggers:
            logger.addFilter(self)

    def stop(self) -> None:
        """Remove the filter from its loggers, and write the counts that are due."""
        for logger in self._loggers:
            logger.removeFilter(self)
        for line in list(self._left_out):
            self._count(line)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a line, which is True unless the same line was written recently."""
        line = (record.name, record.levelno, record.getMessage())
        if line in self._left_out:
            self._left_out[line] += 1
            return False
        self._left_out[line] = 0
        asyncio.get_running_loop().call_later(self._every, self._count, line)
        return True

    def _count(self, line: tuple[str, int, str]) -> None:
        """Write how often a line was left out, if it was. The filter does not see that line."""
        name, level, text = line
        if left_out := self._left_out.pop(line, 0):
            record = logging.LogRecord(
                name, level, __file__, 0, "%s [%d more of these]", (text, left_out), exc_info=None
            )
            logging.getLogger(name).callHandlers(record)

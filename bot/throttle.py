"""Fewer lines in the process's log about what strangers cause, who may come as often as they like."""

import asyncio
import logging
from typing import Final

EVERY: Final = 60.0
"""Seconds for which a line that was written is not written again."""


class Throttle(logging.Filter):
    """Writes a line once in a while, and how often it was left out until then.

    A filter of loggers whose lines hold nothing that strangers choose, as each different line is remembered.
    It is used in one event loop.
    """

    def __init__(self, *names: str, every: float = EVERY) -> None:
        super().__init__()
        self._loggers = [logging.getLogger(name) for name in names]
        self._every = every
        self._left_out: dict[tuple[str, int, str], int] = {}

    def start(self) -> None:
        """Filter the loggers that were named."""
        for logger in self._loggers:
            logger.addFilter(self)

    def stop(self) -> None:
        """Filter nothing more, and write what was left out."""
        for logger in self._loggers:
            logger.removeFilter(self)
        for line in list(self._left_out):
            self._count(line)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written: it was not in the last while."""
        line = (record.name, record.levelno, record.getMessage())
        if line in self._left_out:
            self._left_out[line] += 1
            return False
        self._left_out[line] = 0
        asyncio.get_running_loop().call_later(self._every, self._count, line)
        return True

    def _count(self, line: tuple[str, int, str]) -> None:
        """Write how often a line was left out, if it was, as a line that is not counted itself."""
        name, level, text = line
        if left_out := self._left_out.pop(line, 0):
            record = logging.LogRecord(
                name, level, __file__, 0, "%s [%d more of these]", (text, left_out), exc_info=None
            )
            logging.getLogger(name).callHandlers(record)

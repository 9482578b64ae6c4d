"""The process's log on standard error, written by a thread of its own: nothing waits for whoever reads it.

A log collector that stands still fills the pipe, and then a write to it never returns. The lines wait in a
queue with a bound. Lines that find no room are counted, and their number is a line of its own later.
"""

import logging
import os
import queue
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from logging.handlers import QueueHandler, QueueListener
from typing import Final

from bot.slack.masking import MaskNumbers
from bot.text.log_format import JsonFormatter, LogFormat
from bot.text.terminal import LineFormatter

MOST: Final = 10_000
"""Lines that wait: some megabytes."""
FLUSH_WITHIN: Final = 0.5
"""Seconds that the last lines may take when the process ends."""


class LogLines(QueueHandler):
    """Puts lines into the queue, and counts those for which there is no room."""

    queue: queue.Queue[logging.LogRecord | None]

    def __init__(self, most: int) -> None:
        super().__init__(queue.Queue(most))
        self._dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a line into the queue, behind the number of those that found no room before it."""
        try:
            self.say_dropped()
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy of a record that refers to nothing which may change until it is written."""
        kept = copy(record)
        kept.msg, kept.args = record.getMessage(), None
        if record.exc_info and not record.exc_text:
            kept.exc_text = logging.Formatter().formatException(record.exc_info)
        kept.exc_info = None
        return kept

    def say_dropped(self, within: float = 0.0) -> None:
        """Put the number of dropped lines into the queue, if there are any. Raises `queue.Full`."""
        if self._dropped:
            what = f"{self._dropped} lines of this log were dropped because its reader stalled"
            told = logging.LogRecord(__name__, logging.ERROR, __file__, 0, what, args=None, exc_info=None)
            self.queue.put(told, block=within > 0, timeout=within)
            self._dropped = 0


class Writing(QueueListener):
    """The thread that writes the lines. It holds up no exit of the process."""

    queue: queue.Queue[logging.LogRecord | None]

    def wait(self, seconds: float) -> None:
        """Wait until the thread has ended, for so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def stop_within(self, seconds: float) -> None:
        """Write the lines that wait. Raises `queue.Full` where there is no end of them in time."""
        began = time.monotonic()
        self.queue.put(None, timeout=seconds)
        self.wait(max(began + seconds - time.monotonic(), 0.0))


class Descriptor(logging.Handler):
    """Writes lines to a file descriptor, past `sys.stderr`, whose buffer every exit waits for."""

    def __init__(self, descriptor: int, form: LogFormat) -> None:
        super().__init__()
        self._descriptor = descriptor
        lines = LineFormatter("%(asctime)s %(levelname)s %(message)s")
        self.setFormatter(JsonFormatter() if form == "json" else lines)

    def createLock(self) -> None:  # noqa: N802 - as `logging` names it
        """Have no lock: only one thread writes, and the exit of the process would wait for it."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Write a line without a lock, which Python 3.13 would enter."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, however long that takes."""
        left = memoryview(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            return  # nobody reads it any more, and there is nowhere to say so


@contextmanager
def log_to_stderr(level: str, *, form: LogFormat = "text", default_region: str) -> Iterator[None]:
    """Write our own lines at the level asked for; libraries only when something is wrong.

    httpx logs whole URLs at INFO, slack_sdk whole payloads at DEBUG, uvicorn the paths it is asked for:
    numbers and keys do not belong there. Whatever number is in a line all the same is masked.
    """
    with written_to(sys.stderr.fileno(), form=form, hide=MaskNumbers(default_region)):
        logging.getLogger().setLevel(logging.WARNING)
        for ours in ("callops", "bot", "providers", "storage"):
            logging.getLogger(ours).setLevel(level)
        for theirs in ("slack_bolt", "slack_sdk", "httpx", "httpcore", "aiohttp", "uvicorn"):
            logging.getLogger(theirs).setLevel(logging.WARNING)
        logging.captureWarnings(capture=True)
        yield


@contextmanager
def written_to(
    descriptor: int, *, form: LogFormat = "text", most: int = MOST, hide: logging.Filter | None = None
) -> Iterator[Writing]:
    """Write every line that is logged to a file descriptor, without waiting for it; the thread that does.

    ``hide`` may change a line before it waits.
    """
    lines = LogLines(most)
    if hide:
        lines.addFilter(hide)
    writing = Writing(lines.queue, Descriptor(descriptor, form))
    writing.start()
    logging.getLogger().addHandler(lines)
    try:
        yield writing
    finally:
        logging.getLogger().removeHandler(lines)
        with suppress(queue.Full):
            lines.say_dropped(FLUSH_WITHIN)
            writing.stop_within(FLUSH_WITHIN)

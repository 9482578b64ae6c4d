"""The process's log, before a reader that stands still: real pipes."""

import asyncio
import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta

import pytest

from bot.cli.process_log import FLUSH_WITHIN, Descriptor, written_to
from bot.slack.masking import MaskNumbers
from bot.text.log_format import log_about

SOON = 2.0
"""Seconds that a busy machine may take for what waits for nothing."""
LONG = 30.0
PIPE = 4096
"""Bytes that a pipe holds here."""
STANDS_STILL = """
import logging
from bot.cli.process_log import log_to_stderr

with log_to_stderr("INFO", default_region="IN"):
    for number in range(20_000):
        logging.getLogger("callops").info("line %d", number)
"""


@pytest.fixture
def pipe() -> tuple[int, int]:
    """Return the ends of a small pipe for reading and writing. A test closes them."""
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, PIPE)
    return reads, writes


def read_all(descriptor: int) -> list[str]:
    """Every line, until nobody writes any more."""
    with os.fdopen(descriptor, encoding="utf-8") as file:
        return file.read().splitlines()


def test_lines_are_written_as_they_were_logged(pipe: tuple[int, int]) -> None:
    """With their arguments, their time and what was raised; none is missing."""
    reads, writes = pipe
    log = logging.getLogger("callops.test")
    log.setLevel(logging.INFO)
    with written_to(writes) as writing:
        log.info("one %s", "+91\u00a0•••")
        try:
            int("two")
        except ValueError:
            log.exception("failed")
    writing.wait(LONG)
    surrogate = logging.LogRecord("callops", logging.INFO, "", 0, "\udcff is no text", None, None)
    Descriptor(writes, "text").emit(
        surrogate
    )  # not through the root: what captures lines there cannot write it
    os.close(writes)
    lines = read_all(reads)
    assert lines[0].endswith(" INFO one +91\u00a0•••")
    assert " ERROR failed" in lines[1]
    assert lines[-2].startswith("    │ ValueError: ")
    assert lines[-1].endswith(" INFO \\udcff is no text")


def test_nobody_waits_for_a_reader_that_stands_still(pipe: tuple[int, int]) -> None:
    """A full pipe holds up nothing: neither those who log, nor the end."""
    reads, writes = pipe
    log = logging.getLogger("callops.test")
    log.setLevel(logging.INFO)
    began = time.monotonic()
    with written_to(writes, most=50) as writing:
        for number in range(1000):
            log.info("line %d %s", number, "x" * 100)
    assert time.monotonic() - began < FLUSH_WITHIN + SOON
    assert os.read(reads, PIPE).count(b"\n") < 1000
    os.close(reads)  # ends the thread, which still waits to write
    writing.wait(LONG)
    os.close(writes)


def test_what_was_dropped_is_counted_once_the_reader_goes_on(pipe: tuple[int, int]) -> None:
    """Each line is there or counted."""
    reads, writes = pipe
    log = logging.getLogger("callops.test")
    log.setLevel(logging.INFO)
    found: list[str] = []
    reading = threading.Thread(target=lambda: found.extend(read_all(reads)))
    with written_to(writes, most=50) as writing:
        for number in range(1000):
            log.info("line %d %s", number, "x" * 100)
        reading.start()
    writing.wait(LONG)
    os.close(writes)
    reading.join()
    written = sum(" INFO line " in line for line in found)
    dropped = [line.split() for line in found if "lines of this log were dropped" in line]
    assert 0 < written < 1000
    assert written + sum(int(words[words.index("ERROR") + 1]) for words in dropped) == 1000


def test_a_process_whose_log_nobody_reads_ends() -> None:
    """With its own status, and before anybody would kill it."""
    process = subprocess.Popen([sys.executable, "-c", STANDS_STILL], stderr=subprocess.PIPE)  # noqa: S603 - ours
    try:
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


async def test_each_line_of_json_is_an_object_with_its_fields(pipe: tuple[int, int]) -> None:
    """Tasks have fields of their own. Numbers are masked in the message, its fields and a traceback."""
    reads, writes = pipe
    log = logging.getLogger("callops.test")
    log.setLevel(logging.INFO)

    async def attempt(request: str, number: int) -> None:
        log_about(request=request, connection="line-9876543210")
        await asyncio.sleep(0)
        log_about(attempt=number)
        log.info("sent to +919876543210")

    with written_to(writes, form="json", hide=MaskNumbers("IN")) as writing:
        await asyncio.gather(attempt("A-7K3F", 1), attempt("A-7K3G", 2))
        try:
            int("98765 43210 is\nno number")
        except ValueError:
            log.exception("failed\x1b[2J\u2028here")
    writing.wait(LONG)
    os.close(writes)
    first, second, failed = [json.loads(line) for line in read_all(reads)]
    assert [datetime.fromisoformat(one.pop("time")).utcoffset() for one in (first, second)] == [
        timedelta()
    ] * 2
    masked = {"message": "sent to +91\u00a0•••3210", "connection": "line-+91\u00a0•••3210"}
    common = {"level": "INFO", "logger": "callops.test", **masked}
    assert first == common | {"request": "A-7K3F", "attempt": 1}
    assert second == common | {"request": "A-7K3G", "attempt": 2}
    assert (failed["level"], failed["message"]) == ("ERROR", "failed\x1b[2J\u2028here")
    assert failed["exception"].startswith("Traceback")
    assert "•••3210" in failed["exception"]
    assert "43210" not in failed["exception"]
    assert failed.keys() == {"time", "level", "logger", "message", "exception"}

"""Benchmark of acknowledging a command, and of sending a burst of them, against Bolt alone: `make bench`.

The bot runs as usual: a process of its own, over HTTP, with its log on the disk. The request is committed
before its acknowledgement leaves. Both sides get the same bytes over the same kind of connection from a
client that does nothing else. `make test` does not run this file.
"""

import asyncio
import math
import sqlite3
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

from bot.slack.http_mode import PATH
from playground import content, voxworks
from playground.faults import Fault
from playground.interactions import DOMAIN, VERIFICATION
from playground.request_url import signature
from playground.stage import Stage

ONE_BY_ONE: Final = 400
PAUSE: Final = 0.05
"""Seconds between two commands that are measured one at a time.

An action is sent and its posts wait for Slack's rate limit meanwhile.
"""
WARM_UP: Final = 50
"""Commands that are not measured: the first ones look people up and fill caches."""
BURST: Final = 500
WORKERS: Final = 8
"""Default of `[dispatch] workers`."""
TAKES: Final = 0.2
"""Seconds of a provider's answer to each request."""
DRAINED_WITHIN: Final = 120
GOALS: Final = {"one at a time, p50": 3.0, "a burst, p99": 2.0, "a burst sent": 1.2}
"""Largest allowed ratio to Bolt alone."""
NO_APPROVAL: Final = {'approve = ["managers"]\n': ""}


@dataclass(frozen=True)
class Connection:
    """A kept connection, as a proxy in front of the bot keeps them."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, address: str) -> Self:
        """Open a connection to an address."""
        place = urlsplit(address)
        return cls(*await asyncio.open_connection(place.hostname, place.port))

    async def milliseconds(self, request: bytes) -> float:
        """Return how long an acknowledgement takes. Raises RuntimeError if the answer is none."""
        begin = time.perf_counter()
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        taken = (time.perf_counter() - begin) * 1000
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer = await self.reader.readexactly(int(length.partition(b":")[2]))
        if not head.startswith(b"HTTP/1.1 200 ") or b"About to be sent" not in answer:
            raise RuntimeError(f"not acknowledged: {head!r} {answer!r}")
        return taken


def command(number: int) -> bytes:
    """Return a slash command that cancels a call, as Slack sends it."""
    form = {
        "token": VERIFICATION,
        "team_id": content.TEAM_ID,
        "team_domain": DOMAIN,
        "channel_id": "C0SUPPORT",
        "channel_name": "support",
        "user_id": "U0AGENT",
        "user_name": "asha",
        "command": "/calls",
        "text": f"cancel {called(number)} via voxworks reason=customer asked",
        "api_app_id": content.APP_ID,
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:1/",
        "trigger_id": f"{number}.1",
    }
    body, stamp = urlencode(form).encode(), str(int(time.time()))
    head = {
        "Host": "127.0.0.1",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": len(body),
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(stamp, body),
    }
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def called(number: int) -> str:
    """Return a call's id at the provider."""
    return f"vx_{number:06}"


async def one_by_one(address: str) -> list[float]:
    """Return each acknowledgement's milliseconds, with a single command at a time."""
    connection = await Connection.to(address)
    taken = []
    for number in range(WARM_UP + ONE_BY_ONE):
        taken.append(await connection.milliseconds(command(number)))
        await asyncio.sleep(PAUSE)
    connection.writer.close()
    return taken[WARM_UP:]


async def burst(address: str) -> list[float]:
    """Return each acknowledgement's milliseconds, with all commands at once."""
    connections = [await Connection.to(address) for _ in range(BURST)]
    requests = [command(WARM_UP + ONE_BY_ONE + number) for number in range(BURST)]
    pairs = zip(connections, requests, strict=True)
    taken = await asyncio.gather(*(connection.milliseconds(request) for connection, request in pairs))
    for connection in connections:
        connection.writer.close()
    return taken


def ended(log: Path) -> int:
    """Return how many actions have a recorded outcome."""
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM actions WHERE state = 'succeeded'")
    return int(count)


async def drained(log: Path, count: int) -> None:
    """Wait until that many outcomes are recorded. Raises TimeoutError."""
    async with asyncio.timeout(DRAINED_WITHIN):
        while ended(log) < count:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)


async def bare(slack: str) -> tuple[list[float], list[float]]:
    """Measure Bolt alone, with single commands and in a burst."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.bare_bolt", slack, stdout=PIPE
    )
    try:
        assert process.stdout
        address = (await process.stdout.readline()).decode().strip()
        return await one_by_one(address), await burst(address)
    finally:
        process.kill()
        await process.wait()


async def measure(folder: Path) -> dict[str, tuple[float, float]]:
    """Return the milliseconds of CallOps and those of Bolt alone, by what is measured."""
    log = folder / "callops.db"
    async with Stage(folder, over_http=True) as stage:
        stage.write_configuration(NO_APPROVAL)
        due = datetime.now(UTC) + timedelta(days=1)
        for number in range(WARM_UP + ONE_BY_ONE + BURST):
            await stage.providers.add_call("voxworks", called(number), due=due, owner=voxworks.TEAM)
        alone, alone_at_once = await bare(stage.addresses["slack"])
        await stage.start_bot()
        address = stage.bot_log().partition("Listening to Slack at ")[2].split(PATH)[0]
        single = await one_by_one(address)
        await drained(log, WARM_UP + ONE_BY_ONE)
        await stage.providers.fail("voxworks", Fault(does="slow", seconds=TAKES, times=None))
        begin = time.perf_counter()
        at_once = await burst(address)
        await drained(log, WARM_UP + ONE_BY_ONE + BURST)  # this also proves that none was lost
        sent = (time.perf_counter() - begin) * 1000
    return {
        "one at a time, p50": (statistics.median(single), statistics.median(alone)),
        "a burst, p99": (p99(at_once), p99(alone_at_once)),
        "a burst sent": (sent, BURST * TAKES / WORKERS * 1000),
    }


def p99(taken: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return sorted(taken)[math.ceil(len(taken) * 0.99) - 1]


def main() -> int:
    """Measure, print the results, and return 1 if a goal was missed."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder) / "stage"))
    missed = 0
    for name, (ours, theirs) in found.items():
        ratio, goal = ours / theirs, GOALS[name]
        missed += ratio > goal
        mark = "" if ratio <= goal else f"  over {goal}"
        print(f"  {name:24} {ours:10.2f} ms {theirs:10.2f} ms {ratio:6.2f} x{mark}")  # noqa: T201 - it prints
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())

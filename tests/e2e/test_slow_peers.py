"""Strangers at the bot's port, who hold many connections and send endless data."""

import asyncio
import resource
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from bot.slack.http_mode import MAX_BODY, MAX_HELD
from bot.webhooks import MAX_CONCURRENT
from tests.e2e.scene import BOTH_MODES, Scene, until
from tests.e2e.test_http_mode import command, send

pytestmark = pytest.mark.asyncio(loop_scope="session")

DRIPPING = 1_100
RENEWED, EVERY = 100, 0.2
"""Connections that are reopened at once, and the seconds between. This computer also runs the bot."""
FEW_FILES = 256
FLOOD, BURST = 200, 25
LINES_OF_A_KIND = 2
LOOKS = 10
AT_ONCE_IS = 1.0
"""Seconds. Slack waits for three."""


def half_a_head() -> bytes:
    """Return the beginning of a request's head."""
    return b"POST /slack/events HTTP/1.1\r\nHo"


def half_a_body() -> bytes:
    """Return a head that looks like Slack's, and the beginning of a body."""
    head = "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
    return f"{head}X-Slack-Request-Timestamp: {time.time():.0f}\r\nX-Slack-Signature: v0=0\r\n\r\nx".encode()


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """Raise this process's limit of open files, because it holds the other end of each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * DRIPPING:
        pytest.skip("this process may not open that many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Dripping:
    """Connections that always exist: another replaces each that ends."""

    def __init__(self, scene: Scene, sent: Callable[[], bytes], number: int) -> None:
        url = httpx.URL(scene.address)
        self._address, self._sent, self._number = (url.host, url.port), sent, number
        self._open: deque[socket.socket] = deque()
        self.opened = 0

    async def run(self) -> None:
        """Open all connections, then send a byte on each now and then, and replace those that ended."""
        while True:
            for _ in range(
                min(self._number - len(self._open), RENEWED if self.opened >= self._number else self._number)
            ):
                await self._begin()
            await asyncio.sleep(EVERY)
            for _ in range(len(self._open)):
                self._drip(self._open.popleft())

    async def _begin(self) -> None:
        one = socket.socket()
        self._open.append(one)
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, self._address)
        self.opened += 1
        with suppress(OSError):
            one.send(self._sent())

    def _drip(self, one: socket.socket) -> None:
        try:
            one.send(b"x")
            if one.recv(1024):
                self._open.append(one)
                return
        except BlockingIOError:
            self._open.append(one)
            return
        except OSError:
            pass
        one.close()

    def close(self) -> None:
        """Close all connections."""
        for one in self._open:
            one.close()


@asynccontextmanager
async def dripping(scene: Scene, sent: Callable[[], bytes], number: int) -> AsyncIterator[Dripping]:
    """Hold that many connections meanwhile."""
    held = Dripping(scene, sent, number)
    running = asyncio.create_task(held.run())

    async def all_open() -> bool | None:
        return held.opened >= number or None

    try:
        await until(all_open)
        yield held
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        held.close()


async def look(scene: Scene, path: str) -> int:
    """Return the status of a health check."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        return (await client.get(f"{scene.address}{path}")).status_code


async def is_well(scene: Scene) -> None:
    """Assert that health checks and Slack are answered at once, each time."""
    for _ in range(LOOKS):
        began = time.monotonic()
        assert (await look(scene, "/healthz"), await look(scene, "/readyz")) == (200, 200)
        if scene.over_http:
            answer = await send(scene, command())
            assert (answer.status_code, "Type a command" in answer.text) == (200, True)
        assert time.monotonic() - began < 3 * AT_ONCE_IS


@BOTH_MODES
@pytest.mark.parametrize("sent", [half_a_head, half_a_body])
@pytest.mark.parametrize("number", [MAX_CONCURRENT + 16, DRIPPING])
async def test_slow_peers_hold_nothing(scene: Scene, sent: Callable[[], bytes], number: int) -> None:
    """Heads or bodies come byte by byte, renewed without end. Health checks and Slack are still answered."""
    async with dripping(scene, sent, number):
        await is_well(scene)
    assert "Traceback" not in scene.bot_log()


async def test_slow_peers_do_not_use_up_the_open_files(dark_scene: Scene) -> None:
    """Even a process that may have few open files still answers, and opens what it needs."""
    dark_scene.over_http = True
    few = ["sh", "-c", f'ulimit -Sn {FEW_FILES} && exec "$@"', "sh", sys.executable, "-m", "bot", "serve"]
    with (dark_scene.folder / "bot.log").open("wb") as log:
        bot = await asyncio.create_subprocess_exec(*few, env=dark_scene.environment(), stderr=log)
    dark_scene.bot = bot
    dark_scene._processes.append(bot)
    await dark_scene._connected(0)
    async with dripping(dark_scene, half_a_head, DRIPPING):
        await is_well(dark_scene)
        await dark_scene.place()
        await dark_scene.audit("*Placed*")
    assert "out of system resource" not in dark_scene.bot_log()


@pytest.mark.parametrize("scene", [True], indirect=True)
async def test_a_flood_of_strangers_leaves_few_lines(scene: Scene) -> None:
    """Bad signatures, unknown paths and nonsense make few lines, with the count of the others."""
    before = len(scene.bot_log().splitlines())
    for _ in range(FLOOD // BURST):
        await asyncio.gather(
            *(send(scene, command(), headers={"X-Slack-Signature": "v0=00"}) for _ in range(BURST)),
            *(look(scene, "/nothing/here") for _ in range(BURST)),
            *(nonsense(scene) for _ in range(BURST)),
        )
    async with dripping(scene, half_a_head, DRIPPING) as held:

        async def some_were_closed() -> bool | None:
            return held.opened >= DRIPPING + LINES_OF_A_KIND or None

        await until(some_were_closed)
    assert await scene.stop_bot() == 0
    lines = scene.bot_log().splitlines()[before:]
    for kind in ("was answered 401", "Invalid HTTP request", "was closed"):
        told = [line for line in lines if kind in line]
        assert len(told) == LINES_OF_A_KIND, told
        assert "more of these]" in told[-1]
    assert f"[{FLOOD - 1} more of these]" in "".join(lines)
    assert len([line for line in lines if " WARNING " in line]) == 3 * LINES_OF_A_KIND


async def nonsense(scene: Scene) -> None:
    """Send bytes that are no HTTP, and read the answer."""
    url = httpx.URL(scene.address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"\x16\x03\x01\r\n\r\n")
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize("scene", [True], indirect=True)
async def test_bodies_that_never_end_hold_no_room(scene: Scene) -> None:
    """The bodies fill the bot's room, each but for its last byte. Slack's own bodies are still read."""
    url = httpx.URL(scene.address)
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY}\r\n"
    head += f"X-Slack-Request-Timestamp: {time.time():.0f}\r\n\r\n"
    held = [await asyncio.open_connection(url.host, url.port) for _ in range(MAX_HELD // MAX_BODY + 1)]
    for _, writer in held:
        writer.write(head.encode() + b"x" * (MAX_BODY - 1))
    await asyncio.gather(*(writer.drain() for _, writer in held))
    for _ in range(LOOKS):
        assert (await send(scene, command("x" * (MAX_BODY // 2)))).status_code == 200
    for _, writer in held:
        writer.close()

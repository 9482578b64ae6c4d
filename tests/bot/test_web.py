"""The bot's HTTP server and slow peers: real sockets, small limits."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.connections import Awaited, Throttle
from bot.web import STRANGERS, Web, create_web

CONCURRENT = 10
WITHIN = 1.0
FLOOD = 60
MORE_THAN_KERNELS_KEEP = 8 * 1024 * 1024
LONG = 10
ASK = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_A_HEAD = b"GET /hello HTTP/1.1\r\nHo"
HALF_A_BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx"
SLOW = [pytest.param(HALF_A_HEAD, id="a head"), pytest.param(HALF_A_BODY, id="a body")]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Running:
    """A server and its peers."""

    port: int
    stack: AsyncExitStack
    server: uvicorn.Server
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def connect(self, sent: bytes = b"", *, peer: str = "127.0.0.1") -> Streams:
        """Connect from an address of this computer, and send something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(peer, 0))
        self.stack.callback(writer.close)
        writer.write(sent)
        return reader, writer

    async def flood(self, sent: bytes, times: int = FLOOD, *, peer: str = "127.0.0.1") -> list[Streams]:
        """Connect that often, each after the last."""
        return [await self.connect(sent, peer=peer) for _ in range(times)]

    async def is_answered(self, *, peer: str = "127.0.0.1") -> bool:
        """Return whether a complete request is answered."""
        reader, writer = await self.connect(ASK, peer=peer)
        answer = await reader.readline()
        writer.close()
        return answer.startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def running(throttle: Throttle | None = None) -> AsyncIterator[Running]:
    """Yield a server with four answers: small, echoed, slow and large."""

    async def hello(_: Request) -> Response:
        return PlainTextResponse("hello")

    async def body(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    async def slow(_: Request) -> Response:
        on.asked += 1
        await on.go_on.wait()
        return PlainTextResponse("done")

    async def large(_: Request) -> Response:
        on.asked += 1
        return PlainTextResponse(b"x" * MORE_THAN_KERNELS_KEEP)

    routes = [Route("/hello", hello), Route("/slow", slow), Route("/large", large)]
    app = create_web([*routes, Route("/body", body, methods=["POST"])])
    async with AsyncExitStack() as stack:
        web = await Web.start(app, "127.0.0.1", 0, awaited=Awaited(CONCURRENT, WITHIN), throttle=throttle)
        stack.push_async_callback(web.stop)
        on = Running(int(web.address.rpartition(":")[2]), stack, web._server)
        yield on


async def until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(LONG):
        while not true():  # noqa: ASYNC110 - it is another task's
            await asyncio.sleep(0.01)


async def ended(streams: Streams) -> bool:
    """Wait until the server closes a connection. Raises TimeoutError."""
    async with asyncio.timeout(LONG):
        with suppress(ConnectionError):  # closed during a transfer
            await streams[0].read()
        return True


def is_open(streams: Streams) -> bool:
    """Return whether the server has neither closed nor broken a connection."""
    return not streams[0].at_eof() and streams[0].exception() is None


@pytest.mark.parametrize("sent", SLOW)
async def test_of_slow_connections_the_oldest_are_closed(sent: bytes) -> None:
    """Complete requests are answered at once, however many connections are slow. The newest stay open."""
    async with running() as on:
        slow = await on.flood(sent)
        assert await on.is_answered()
        assert all([await ended(one) for one in slow[:-CONCURRENT]])
        assert all(map(is_open, slow[1 - CONCURRENT :]))


@pytest.mark.parametrize("sent", SLOW)
async def test_a_peer_closes_its_own_connections(sent: bytes) -> None:
    """A flood from an address costs other peers nothing."""
    async with running() as on:
        other = await on.connect(HALF_A_HEAD, peer="127.0.0.2")
        await on.flood(sent)
        other[1].write(ASK[len(HALF_A_HEAD) :])
        assert (await other[0].readline()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", SLOW)
async def test_many_peers_together_hold_nothing(sent: bytes) -> None:
    """With too many connections in all and none with too many, the oldest is closed."""
    async with running() as on:
        slow = [await on.connect(sent, peer=f"127.0.1.{last}") for last in range(1, FLOOD)]
        assert await on.is_answered()
        assert all([await ended(one) for one in slow[:-CONCURRENT]])


async def test_what_was_asked_whole_is_answered_whatever_comes(caplog: pytest.LogCaptureFixture) -> None:
    """A request whose answer takes long is no slow peer: its connection stays, and nobody is turned away."""
    async with running() as on:
        asked = await on.flood(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", 2 * CONCURRENT)
        await until(lambda: on.asked == len(asked))
        await on.flood(HALF_A_HEAD)
        assert await on.is_answered()
        on.go_on.set()
        for reader, _ in asked:
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    assert "was closed" in caplog.text


async def test_many_that_come_at_once_are_all_answered() -> None:
    """Requests are complete when the server looks, so a proxy with one address may open any number."""
    async with running() as on:
        asking = await asyncio.gather(*(on.is_answered() for _ in range(2 * CONCURRENT)))
        assert all(asking)


@pytest.mark.parametrize("sent", [pytest.param(b"", id="nothing"), *SLOW])
async def test_a_peer_that_keeps_us_waiting_is_left(sent: bytes) -> None:
    """A byte now and then does not help, nor does an earlier answer on the connection."""
    async with running() as on:
        kept = await on.connect(ASK)
        await kept[0].readuntil(b"hello")
        for one in (kept, fresh := await on.connect()):
            one[1].write(sent or b"G")

        async def drip() -> None:
            while True:
                await asyncio.sleep(WITHIN / 10)
                fresh[1].write(b"x")

        dripping = asyncio.create_task(drip())
        assert await ended(kept)
        assert await ended(fresh)
        dripping.cancel()


async def test_an_answer_that_nobody_reads_is_not_waited_for() -> None:
    """The connection is closed in time, and sooner if there are more such connections."""
    large = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
    async with running() as on:
        for times in (1, 2 * CONCURRENT):
            for _ in range(times):
                _unread(on, large)
            await until(lambda: on.asked == times)  # noqa: B023 - it is waited for here
            assert await on.is_answered()
            await until(lambda: not on.server.server_state.connections)
            on.asked = 0


def _unread(on: Running, sent: bytes) -> socket.socket:
    """Ask for something and read nothing."""
    one = socket.create_connection(("127.0.0.1", on.port))
    on.stack.callback(one.close)
    one.sendall(sent)
    one.setblocking(False)
    return one


CHUNKED = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(CHUNKED + b"1\r\na\r\n" * 200_000, id="tiny chunks"),
        pytest.param(CHUNKED + 40 * (b"1;" + b"a" * 4000 + b"\r\na\r\n"), id="chunks with extensions"),
        pytest.param(b"POST /body HTTP/1.1\r\n" + b"a: b\r\n" * 200_000, id="a head of many fields"),
        pytest.param(
            b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 20_000 + b"\r\n", id="a whole head"
        ),
    ],
)
async def test_what_costs_more_than_it_says_is_not_read_to_its_end(sent: bytes) -> None:
    """Of a megabyte of framing a few kilobytes are parsed, and others are answered meanwhile."""
    async with running() as on:
        began = time.process_time()
        streams = await on.connect(sent)
        assert await on.is_answered()
        assert await ended(streams)
        assert time.process_time() - began < 0.5


async def test_a_body_in_small_chunks_is_read() -> None:
    """Some proxies send such bodies, even with a chunk in parts."""
    content = bytes(range(256)) * 64
    sent = b"".join(b"%x\r\n%s\r\n" % (16, content[n : n + 16]) for n in range(0, len(content), 16))
    async with running() as on:
        reader, writer = await on.connect(CHUNKED)
        for n in range(0, len(sent), 700):
            writer.write(sent[n : n + 700])
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(len(content)) == content


async def test_lines_about_strangers_are_few_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Nonsense makes a line of each kind, with the count of further ones."""
    async with running(Throttle(*STRANGERS)) as on:
        for _ in range(FLOOD):
            await ended(await on.connect(b"\x16\x03\x01\r\n\r\n"))
        await on.flood(HALF_A_HEAD)
        assert await on.is_answered()
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 4
    assert lines.count("Invalid HTTP request received.") == 1
    assert f"Invalid HTTP request received. [{FLOOD - 1} more of these]" in lines


async def test_what_was_left_out_is_said_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """A line is written again after a while, and so on."""
    log = logging.getLogger("bot.strangers")
    throttle = Throttle(log.name, every=0.05)
    throttle.start()
    for _ in range(2):
        for number in range(5):
            log.warning("Turned away: %d", number % 2)
        await until(lambda: caplog.text.count("more") == 2)
        assert [one.getMessage() for one in caplog.records] == [
            "Turned away: 0",
            "Turned away: 1",
            "Turned away: 0 [2 more of these]",
            "Turned away: 1 [1 more of these]",
        ]
        caplog.clear()
    throttle.stop()
    log.warning("Turned away: 0")
    log.warning("Turned away: 0")
    assert [one.getMessage() for one in caplog.records] == ["Turned away: 0"] * 2


async def test_a_websocket_is_no_reason_to_install_anything(caplog: pytest.LogCaptureFixture) -> None:
    """An upgrade is answered like any request, and nothing is logged."""
    async with running() as on:
        upgrade = ASK[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        reader, _ = await on.connect(upgrade)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    assert caplog.text == ""

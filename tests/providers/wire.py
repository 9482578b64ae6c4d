"""A provider on loopback that answers or fails exactly as told, and records every byte that it read."""

import asyncio
import json
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from providers.actions import CallAction, CannotSendError, Outcome, Status
from providers.base import Adapter, Context

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_LINGER_ZERO = struct.pack("ii", 1, 0)  # closing then sends RST instead of FIN


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it was on the wire. ``connection`` counts the TCP connections from 1."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass(slots=True)
class Wire:
    """The listening end: its answer, and the requests that it got."""

    port: int
    answer: Answer
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a request was read."""

    @property
    def base_url(self) -> str:
        """Return the address for a connection."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


@asynccontextmanager
async def listening(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Listen on a free loopback port, and answer each request with ``wire.answer``."""
    wire = Wire(port=0, answer=answer, scheme="https" if tls else "http")
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            serving.add(task)
        wire.connections += 1
        number = wire.connections
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                wire.received.append(await _read(reader, number))
                wire.asked.set()
                await wire.answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body, connection)


def reply(status: int = 200, body: object = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Return an ordinary reply. A body that is not bytes is written as JSON."""
    return _in_one_segment(_written(status, body, headers))


def twice(status: int = 200, body: object = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Return a reply and its unrequested repetition, in one segment."""
    return _in_one_segment(_written(status, body, headers) * 2)


def _in_one_segment(content: bytes) -> Answer:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return answer


def _written(status: int, body: object, headers: Mapping[str, str] | None) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return _head(status, {"Content-Length": str(len(content)), **(headers or {})}) + content


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection (RST) after the request was read."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.close()
    raise ConnectionAbortedError


async def reset_midway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection (RST) before the reply's announced length."""
    writer.write(_head(200, {"Content-Length": "100"}) + b'{"status":"succ')
    await writer.drain()
    await reset(reader, writer)


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the connection (FIN) without an answer after the request was read."""
    writer.close()
    raise ConnectionAbortedError


async def silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Answer nothing after the request was read, until the other side gives up."""
    await reader.read()
    raise ConnectionAbortedError


async def cut_short(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End the reply before its announced length."""
    writer.write(_head(200, {"Content-Length": "100"}) + b'{"status":"succ')
    await writer.drain()
    await hang_up(_reader, writer)


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an endless body at one byte a time, so that no single read waits for long."""
    writer.write(_head(200, {"Transfer-Encoding": "chunked"}))
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def gibberish(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with bytes that are not HTTP."""
    writer.write(b"SSH-2.0-OpenSSH_9.7\r\n")
    await writer.drain()
    await hang_up(_reader, writer)


def flood(content: bytes, times: int, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer that repeats a chunk for as long as the other side reads."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"Content-Length": str(len(content) * times), **(headers or {})}))
        for _ in range(times):
            writer.write(content)
            await writer.drain()

    return answer


def gzip_bomb(megabytes: int) -> bytes:
    """Return a gzip stream that decodes to that many megabytes of zeros, made in a moment.

    After a full flush the compressor has no history, so each megabyte compresses to the same bytes.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(1 << 20)
    first = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
    again = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
    return first + again * (megabytes - 1) + compressor.flush()


@asynccontextmanager
async def nobody_listening() -> AsyncIterator[str]:
    """Yield the address of a port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so nobody else gets it, but not listening
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@asynccontextmanager
async def never_accepting() -> AsyncIterator[str]:
    """Yield the address of a port with a full queue, so that connecting takes for ever."""
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Words", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def perform(adapter: Adapter, action: CallAction, context: Context) -> Outcome:
    """Prepare and send as the dispatcher does. A refusal before any request is an outcome too."""
    try:
        prepared = adapter.prepare(action, context)
    except CannotSendError as refused:
        return Outcome(status=Status.REFUSED, code=refused.code, message=refused.message)
    return await adapter.send(prepared)

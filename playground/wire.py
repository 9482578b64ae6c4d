"""The wire of a provider stand-in: HTTP/1.1 on a loopback port, with faults on demand.

The faults affect bytes and connections, because these tell an HTTP client "never sent" from "sent, and the
outcome is unknown". Framing is h11's, so everything except the fault is correct HTTP.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import h11

from playground.faults import HONEST, REPLIES, SILENT, Fault
from playground.http_messages import Answer, Request
from playground.journal import Recorder
from playground.web.guard import foreign

HOST: Final = "127.0.0.1"
_READ: Final = 1 << 16
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: close() sends RST (socket(7))


class Provider(Protocol):
    """The provider behind the wire."""

    name: str
    documented: Mapping[str, Callable[[Request], Answer]]
    """Documented replies that only come on demand, by name."""

    def answer(self, request: Request) -> Answer:
        """Carry out a request, and return the reply."""
        ...


class Front:
    """The listener of a provider. ``port`` stays reserved while it refuses connections."""

    def __init__(self, provider: Provider, recorder: Recorder) -> None:
        self._provider = provider
        self._recorder = recorder
        self._replies = {**REPLIES, **provider.documented}
        self._fault: Fault | None = None
        self._left: int | None = None
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.StreamWriter] = set()
        # Bound but never listening: this reserves the port while the listener is closed.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind((HOST, 0))
        self.port: int = self._reserved.getsockname()[1]
        self._hosts = frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    async def arm(self, fault: Fault) -> None:
        """Set a fault for the next requests, and for no earlier ones.

        Raises:
            ValueError: There is no such fault, or it contradicts its effect.
        """
        known = SILENT | HONEST | {"endless", "refused"} | self._replies.keys()
        if fault.does not in known:
            raise ValueError(f"{fault.does} is not a fault; there are: {', '.join(sorted(known))}")
        if fault.does in HONEST and not fault.happens:
            raise ValueError(f"{fault.does} needs the provider's own answer, and so the effect")
        if fault.does == "refused" and fault.effect:
            raise ValueError("a refused connection has no effect")
        await self.clear()
        if fault.does == "refused":
            self._stop_listening()
        self._fault, self._left = fault, fault.times

    async def clear(self) -> None:
        """Clear the fault, so that everything works again."""
        self._fault = None
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, HOST, self.port, reuse_port=True)

    async def close(self) -> None:
        """Close the port and every connection."""
        self._stop_listening()
        self._reserved.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for writer in self._idle:  # a kept-alive connection would still get through
            writer.close()

    def _next_fault(self) -> Fault | None:
        fault = self._fault
        if self._left is not None and fault is not None:
            self._left -= 1
            if self._left == 0:
                self._fault = None
        return fault

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER)
        # The client may leave at any time.
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while self._listener is not None:
                self._idle.add(writer)
                try:
                    request = await self._read(http, reader, writer)
                except h11.RemoteProtocolError:
                    writer.write(b"".join(_rendered(http, Answer(400, b""), to="")))
                    return
                finally:
                    self._idle.discard(writer)
                if request is None:
                    return
                fault = self._next_fault()
                answer = self._answer(request, fault)
                if fault is not None and fault.does == "slow":
                    await asyncio.sleep(fault.seconds)
                self._recorder.answered(
                    self._provider.name, request.number, answer, fault.does if fault else None
                )
                head, body = _rendered(http, answer, to=request.method) if answer else (b"", b"")
                await _send(head, body, fault, reader, writer)
                if http.our_state is not h11.DONE or http.their_state is not h11.DONE or writer.is_closing():
                    return
                http.start_next_cycle()

    async def _read(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Request | None:
        """Read one complete request and record it in the journal. Return None if the client has left.

        Raises:
            h11.RemoteProtocolError: It is not HTTP, comes from another page, or is for another name.
        """
        head = await _next_event(http, reader, writer)
        if not isinstance(head, h11.Request):
            return None
        said = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        if refusal := foreign(said, self._hosts):
            raise h11.RemoteProtocolError(refusal)
        body = bytearray()
        while isinstance(part := await _next_event(http, reader, writer), h11.Data):
            body += part.data
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
        )
        method, target = head.method.decode("ascii"), head.target.decode("ascii")
        return self._recorder.asked(self._provider.name, method, target, headers, bytes(body))

    def _answer(self, request: Request, fault: Fault | None) -> Answer | None:
        """Let the provider answer, unless the fault prevents it. Return the reply to send, or None."""
        answer = self._provider.answer(request) if fault is None or fault.happens else None
        if fault is None or fault.does in HONEST:
            return answer
        reply = self._replies.get(fault.does)
        return fault.replaced(reply(request)) if reply else None


async def _next_event(
    http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> object:
    """Return h11's next event, once enough has been read for one."""
    while (event := http.next_event()) is h11.NEED_DATA:
        if http.they_are_waiting_for_100_continue:
            writer.write(http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        http.receive_data(await reader.read(_READ))
    return event


async def _send(
    head: bytes, body: bytes, fault: Fault | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send an answer, or do to the connection what the fault says."""
    match fault:
        case Fault(does="reset"):
            _reset(writer)
        case Fault(does="close"):
            writer.close()
        case Fault(does="silence"):
            await reader.read()
            writer.close()
        case Fault(does="cut"):
            writer.write(head + body[: len(body) // 2])
            await writer.drain()
            _reset(writer)
        case Fault(does="drip", seconds=seconds):
            for byte in head + body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(seconds)
        case Fault(does="endless", seconds=seconds):
            await _pour(writer, seconds)
        case _:
            writer.write(head + body)
            await writer.drain()


def _rendered(http: h11.Connection, answer: Answer, *, to: str) -> tuple[bytes, bytes]:
    """Return the bytes of an answer: its head and its body, which is empty for the method HEAD."""
    headers = [*answer.headers.items(), ("Content-Length", str(len(answer.body)))]
    head = http.send(h11.Response(status_code=answer.status, headers=headers)) or b""
    body = b"" if to == "HEAD" else http.send(h11.Data(data=answer.body)) or b""
    return head, body + (http.send(h11.EndOfMessage()) or b"")


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.transport.abort()


async def _pour(writer: asyncio.StreamWriter, seconds: float) -> None:
    """Send a valid JSON string that never ends, until the client leaves, which raises ConnectionError."""
    writer.write(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"\r\n'
    )
    while True:
        writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(seconds)

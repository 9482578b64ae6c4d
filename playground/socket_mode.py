"""The server side of Socket Mode: connections, envelopes, acknowledgements, and failures of these.

Sources: slack_sdk's and node's Socket Mode clients and their issues (node-slack-sdk 1654, bolt-python 448 and
1071, bolt-js 2487), read 2026-11. They show hello, envelopes, acks, disconnects, up to ten connections of
which any one gets a payload, and the attempt and reason of retried events. A payload in flight when its
connection ends is sent again.
"""

import asyncio
import contextlib
import json
import secrets
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, get_args
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from playground import PlaygroundError
from playground.content import APP_ID
from playground.request_url import NotTakenError, RequestUrl
from playground.workspace import Json, Workspace

HOST = "127.0.0.1"
MAX_CONNECTIONS = 10
CLOSING_GRACE = 1.0  # seconds between "disconnect" and the end of the connection; Slack gives about ten


Treatment = Literal["full", "hang up", "dismiss", "mute"]
"""Ways to mistreat a new connection.

- `full`: `too_many_websockets` instead of hello.
- `hang up`: hello, then closed.
- `dismiss`: told to disconnect after each hello.
- `mute`: accepted, but nothing is sent.
"""


class UndeliveredError(PlaygroundError):
    """The person's error: `dispatch_failed` (no connection) or `operation_timeout` (no ack in time)."""


@dataclass(eq=False)
class _Link:
    connection: ServerConnection
    draining: bool = False  # told to disconnect: gets nothing new
    silent: bool = False  # the network drops everything, and nobody has noticed yet


@dataclass(eq=False)
class _Pending:
    envelope: Json
    answer: asyncio.Future[Json | None]
    again: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a second delivery was acknowledged, too."""
    link: _Link | None = None
    sent: int = 0


@dataclass
class SocketMode:
    """The Socket Mode side of one workspace and one app."""

    workspace: Workspace
    deliveries: list[Json] = field(default_factory=list)
    twice: int = 0  # number of the next envelopes that are delivered twice
    refusing: int = 0  # number of the next handshakes that break, each using up its address
    treatment: Treatment | None = None  # of the next connections
    treated: int = 0  # number of the next connections that are mistreated
    muted: int = 0  # number of connections without a hello
    request_url: RequestUrl = field(init=False)
    """The app's request URL, if it uses HTTP instead."""
    _links: list[_Link] = field(default_factory=list)
    _pending: dict[str, _Pending] = field(default_factory=dict)
    _tickets: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _port: int = 0

    def __post_init__(self) -> None:
        """Start without a request URL."""
        self.request_url = RequestUrl(self.workspace.clock)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Listen on a loopback port until the stack is closed."""
        await self.request_url.start(stack)
        server = await stack.enter_async_context(
            serve(
                self._connected,
                HOST,
                0,
                origins=[None],  # no page connects
                process_request=self._admit,
                close_timeout=CLOSING_GRACE,
            )
        )
        self._port = next(iter(server.sockets)).getsockname()[1]
        stack.push_async_callback(self._stop)

    def new_url(self) -> str:
        """Return the address for a new connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"ws://{HOST}:{self._port}/link/?ticket={ticket}&app_id={APP_ID}"

    @property
    def connected(self) -> int:
        """The number of connections that get payloads. Over HTTP it is 1."""
        if self.request_url.url:
            return 1
        return sum(not link.draining and not link.silent for link in self._links)

    # To the app.

    async def deliver(
        self, kind: str, payload: Json, *, answerable: bool = True, **more: object
    ) -> Json | None:
        """Send an envelope, wait for its ack, and return the ack's payload.

        Raises:
            UndeliveredError: There is no connection, or no ack in time.
        """
        if self.request_url.url:
            return await self._request(kind, payload, more)
        if not self._links:
            self._record(kind, payload, error="dispatch_failed")
            raise UndeliveredError("dispatch_failed")
        envelope: Json = {"envelope_id": str(uuid.uuid4()), "type": kind, "payload": payload}
        envelope |= {"accepts_response_payload": answerable, **more}
        pending = _Pending(envelope, asyncio.get_running_loop().create_future())
        self._pending[envelope["envelope_id"]] = pending
        record = self._record(kind, payload, envelope_id=envelope["envelope_id"])
        times, self.twice = (2, self.twice - 1) if self.twice else (1, 0)
        began = self.workspace.clock()
        try:
            async with asyncio.timeout(self.workspace.patience.ack):
                for _ in range(times):
                    await self._send(pending)
                answer = await pending.answer
                if times > 1:
                    await pending.again.wait()  # so that watchers see the effects of both deliveries
        except TimeoutError:
            record["error"] = "operation_timeout"
            raise UndeliveredError("operation_timeout") from None
        finally:
            del self._pending[envelope["envelope_id"]]
            record |= {"sent": pending.sent, "seconds": self.workspace.clock() - began}
            self.workspace.touch()
        record["ack"] = answer
        return answer

    async def _request(self, kind: str, payload: Json, more: Json) -> Json | None:
        """Send the payload over HTTP instead."""
        record = self._record(kind, payload)
        times, self.twice = (2, self.twice - 1) if self.twice else (1, 0)
        attempt, reason = more.get("retry_attempt", 0), more.get("retry_reason", "")
        began = self.workspace.clock()
        try:
            async with asyncio.timeout(self.workspace.patience.ack):
                sending = self.request_url.send(kind, payload, times=times, attempt=attempt, reason=reason)
                record["ack"] = answer = await sending
        except TimeoutError:
            record["error"] = "operation_timeout"
            raise UndeliveredError("operation_timeout") from None
        except NotTakenError as error:
            record |= {"error": "dispatch_failed", "why": str(error)}
            raise UndeliveredError("dispatch_failed") from None
        finally:
            record |= {"sent": times, "seconds": self.workspace.clock() - began}
            self.workspace.touch()
        return answer

    def publish(self, payload: Json) -> None:
        """Send an event, and repeat it as Slack does until it is acknowledged."""
        self._spawn(self._publish(payload))

    async def _publish(self, payload: Json) -> None:
        reason = ""
        for attempt, delay in enumerate((0.0, *self.workspace.patience.event_retries)):
            await asyncio.sleep(delay)
            with contextlib.suppress(UndeliveredError):
                retry = {"retry_attempt": attempt, "retry_reason": reason}
                await self.deliver("events_api", payload, answerable=False, **retry)
                return
            reason = "timeout"

    # On demand.

    async def disconnect(self, reason: str) -> None:
        """Tell every connection to disconnect, and close those that stay. A mere `warning` closes none."""
        for link in list(self._links):
            await self._dismiss(link, reason)

    async def _dismiss(self, link: _Link, reason: str) -> None:
        link.draining = reason != "warning"
        await self._write(link, {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})
        if link.draining:
            self._spawn(self._close_later(link))

    def treat(self, treatment: Treatment | None, times: int) -> None:
        """Mistreat so many of the next connections. None: treat them well."""
        if treatment not in {None, *get_args(Treatment)}:
            raise ValueError(f"{treatment!r} is none of {', '.join(get_args(Treatment))}")
        self.treatment, self.treated = treatment, times

    def _treat(self) -> Treatment | None:
        if self.treated <= 0:
            return None
        self.treated -= 1
        return self.treatment

    def fall_silent(self) -> None:
        """Let every connection go dead without a close, as after a network failure."""
        for link in self._links:
            link.silent = True
            link.connection.transport.pause_reading()

    async def _close_later(self, link: _Link) -> None:
        await asyncio.sleep(CLOSING_GRACE)
        await link.connection.close()

    # The wire.

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        ticket = parse_qs(urlsplit(request.path).query).get("ticket", [""])[0]
        if ticket not in self._tickets:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such link\n")
        self._tickets.discard(ticket)
        if self.refusing:
            self.refusing -= 1
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "come again\n")
        return None

    async def _connected(self, connection: ServerConnection) -> None:
        for old in [link for link in self._links if link.silent]:
            old.connection.transport.abort()  # at the latest now, Slack notices a dead connection
        link, treatment = _Link(connection), self._treat()
        if treatment == "mute":
            self.muted += 1
            try:
                await connection.wait_closed()
            finally:
                self.muted -= 1
            return
        if len(self._links) >= MAX_CONNECTIONS or treatment == "full":
            await self._write(link, {"type": "disconnect", "reason": "too_many_websockets"})
            return
        self._links.append(link)
        try:
            await self._write(link, self._hello())
            self.workspace.touch()
            if treatment == "hang up":
                return
            if treatment == "dismiss":
                await self._dismiss(link, "refresh_requested")
            await self._send_what_waits()
            async for raw in connection:
                self._acknowledge(raw)
        except ConnectionClosed:
            pass  # an abrupt end is an end
        finally:
            self._links.remove(link)
            self.workspace.touch()
            for pending in self._pending.values():
                pending.link = None if pending.link is link else pending.link
            await self._send_what_waits()

    def _hello(self) -> Json:
        debug = {"host": HOST, "build_number": 1, "approximate_connection_time": 18060}
        app = {"app_id": APP_ID}
        return {
            "type": "hello",
            "num_connections": len(self._links),
            "connection_info": app,
            "debug_info": debug,
        }

    def _acknowledge(self, raw: str | bytes) -> None:
        try:
            ack = json.loads(raw)
            pending = self._pending.get(ack["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self.workspace.fault("Socket Mode", "not an acknowledgement", [], str(raw))
            return
        if pending and pending.answer.done():
            pending.again.set()
        elif pending:
            pending.answer.set_result(ack.get("payload"))

    async def _send_what_waits(self) -> None:
        for pending in list(self._pending.values()):
            if pending.link is None and not pending.answer.done():
                await self._send(pending)

    async def _send(self, pending: _Pending) -> None:
        able = [link for link in self._links if not link.draining]
        if able:
            self._links.append(
                self._links.pop(self._links.index(able[0]))
            )  # the next connection gets the next payload
            pending.link, pending.sent = able[0], pending.sent + 1
            await self._write(able[0], pending.envelope)

    async def _write(self, link: _Link, message: Json) -> None:
        if not link.silent:
            with contextlib.suppress(ConnectionClosed):
                await link.connection.send(json.dumps(message))

    def _record(self, kind: str, payload: Json, **more: object) -> Json:
        record: Json = {"at": self.workspace.clock(), "type": kind, "payload": payload, **more}
        self.deliveries.append(record)
        return record

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self._links:
            if link.silent:
                link.connection.transport.abort()

"""Socket Mode: how dead connections are detected and replaced, and how a connection stops.

slack_sdk's client detects a silent connection by aiohttp's heartbeat. Every `PING_EVERY` seconds it checks
whether it needs a new connection. A connection counts from Slack's hello on. After connections that fail or
end soon, further ones wait longer each time (`bot.slack.backoff`).
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from aiohttp import ClientWebSocketResponse, WSMsgType
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot import CallOpsError
from bot.slack.backoff import backoff
from bot.slack.errors import Refusal, error_code, refusal
from bot.slack.rate_limits import paused_by

PING_EVERY: Final = 2.0
"""Seconds. A silent connection is closed half of this after a ping without an answer. The next check replaces
it. The worst case is two and a half times this, well within ten."""
SILENT_AFTER: Final = 10.0
"""Seconds without an answer to a ping until we report that Slack cannot reach us."""
CONNECT_WITHIN: Final = 5.0
"""Seconds to get an address and to connect to it."""
HELLO_WITHIN: Final = 5.0
"""Seconds to wait for Slack's hello after that."""
LIVED_FROM: Final = 30.0
"""Seconds. A connection that ended earlier counts as a failure."""
ONE_FREE: Final = -1
"""Failures to start from. Slack may ask once for a new connection soon after the last one, so the first early
end is free."""
TOO_MANY: Final = "too_many_websockets"
CLOSE_WITHIN: Final = 0.5
"""Seconds for closing a connection. A dead peer never answers."""

_log = logging.getLogger(__name__)


class _InOurWords(logging.Filter):
    """A log filter that replaces the library's text and traceback with one sentence of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record. Return True, because every record is written."""
        kind = record.exc_info[0] if record.exc_info else None
        what = f" ({kind.__name__})" if kind else ""
        record.msg, record.args = f"The connection to Slack had trouble{what}; it is tried again", ()
        record.exc_info = record.exc_text = None
        return True


def _logger() -> logging.Logger:
    logger = logging.getLogger("callops.socket_mode")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_InOurWords())
    return logger


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, sleep and randomness of a client.

    ``jitter`` returns a random share from 0 to 1. ``seconds`` is a clock that only goes forward.
    """

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    seconds: Callable[[], float] = time.monotonic
    hello_within: float = HELLO_WITHIN


class NotGreetedError(CallOpsError):
    """Slack ended a new connection before its hello. The text is Slack's reason, if it gave one."""


class Client(SocketModeClient):
    """slack_sdk's client, with its own way to connect.

    Each attempt gets a new address, because the library would reuse one that a broken handshake has used up.
    The new connection is open before the old one is closed, and a dead peer is not waited for. The client
    waits before the next attempt if one failed or a connection ended soon.
    """

    def __init__(
        self,
        app_token: str,
        web_client: AsyncWebClient,
        leaving: Callable[[], None],
        timing: Timing,
    ) -> None:
        super().__init__(app_token, _logger(), web_client, ping_interval=PING_EVERY)
        self._leaving = leaving
        self._timing = timing
        self._farewells: set[asyncio.Task[None]] = set()
        self._failures = ONE_FREE
        """Failed attempts in a row, plus connections that ended too early."""
        self._connected_at: float | None = None
        self._said: set[str] = set()
        self.trouble: str | None = None
        """Why the last attempt failed, or why the client waits, as a sentence. None while all is well."""

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        """Replace the current connection if it is dead, or always with ``force``, which Slack asks for."""
        replaced = self.current_session
        async with self.connect_operation_lock:
            if self.current_session is replaced and (force or not await self.is_connected()):
                await self.connect()

    async def connect(self) -> None:
        """Connect. Retry until it succeeds or the client is closed."""
        self.auto_reconnect_enabled = False
        wait = self._wait_after_the_last()
        while not self.closed:
            if wait:
                await self._timing.sleep(wait)
            try:
                session, messages = await self._new_session()
            except Exception as error:  # noqa: BLE001 - any failure is retried, and its text may hold an address
                self._failures = max(self._failures, 0) + 1
                self._say(f"Slack cannot be connected to: {_reason(error)}. It is tried again.")
                wait = max(backoff(self._failures, self._timing.jitter()), _asked_for(error))
            else:
                self._use(session, messages)
                return

    def _wait_after_the_last(self) -> float:
        """Return the seconds until the first attempt, by how long the last connection lived."""
        if self._connected_at is None:
            return 0.0
        if self._timing.seconds() - self._connected_at >= LIVED_FROM:
            self._failures = ONE_FREE
            self._said.clear()
            return 0.0
        self._failures += 1
        wait = backoff(self._failures, self._timing.jitter())
        if wait:
            self._say("Slack ends each connection soon after its hello. It is tried again, ever more slowly.")
        return wait

    def _say(self, trouble: str) -> None:
        """Keep the sentence that says what is wrong. Log it once until a connection has lived."""
        self.trouble = trouble
        if trouble not in self._said:
            self._said.add(trouble)
            _log.warning("%s", trouble)

    async def _new_session(self) -> tuple[ClientWebSocketResponse, list[str]]:
        """Return a connection on which Slack said hello, and the messages so far."""
        async with asyncio.timeout(CONNECT_WITHIN):
            opened = await self.web_client.apps_connections_open(app_token=self.app_token)
            session = await self.aiohttp_client_session.ws_connect(
                opened["url"],
                autoping=False,
                heartbeat=self.ping_interval,
                proxy=self.proxy,
                ssl=self.web_client.ssl if self.web_client.ssl is not None else True,
            )
        try:
            messages = await _until_hello(session, self._timing.hello_within)
            await session.ping(f"sdk-ping-pong:{time.time()}".encode())
        except BaseException:
            self._part_with(session)
            raise
        return session, messages

    def _use(self, session: ClientWebSocketResponse, messages: list[str]) -> None:
        """Switch to a new connection and close the old one. The old one's own task may be the caller."""
        self._connected_at, self.trouble = self._timing.seconds(), None
        for message in messages:
            self.message_queue.put_nowait(message)
        old, self.current_session = self.current_session, session
        self.auto_reconnect_enabled = self.default_auto_reconnect_enabled
        self.stale, self.last_ping_pong_time = False, None
        for task in (self.current_session_monitor, self.message_receiver):
            if task is not None:
                task.cancel()
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())
        if old is not None:
            self._part_with(old)

    async def left(self) -> None:
        """Wait until every connection that was left is closed. Each takes `CLOSE_WITHIN` at most."""
        while self._farewells:
            await asyncio.wait(self._farewells)

    def _part_with(self, session: ClientWebSocketResponse) -> None:
        self._leaving()
        farewell = asyncio.create_task(self._leave(session))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def _leave(self, session: ClientWebSocketResponse) -> None:
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await session.close()
        except (TimeoutError, OSError) as error:
            _log.debug("A connection to Slack that was left said no farewell: %s", type(error).__name__)


async def _until_hello(session: ClientWebSocketResponse, within: float) -> list[str]:
    """Return the messages up to Slack's hello. Raise `NotGreetedError` if it is late."""
    messages: list[str] = []
    try:
        async with asyncio.timeout(within):
            while not await _hears_hello(session, messages):
                pass
    except TimeoutError:
        raise NotGreetedError(f"it said no hello within {within:g} s") from None
    return messages


async def _hears_hello(session: ClientWebSocketResponse, messages: list[str]) -> bool:
    """Receive the next message. Return True if it is Slack's hello.

    Raise `NotGreetedError` if the connection ends.
    """
    message = await session.receive()
    match message.type:
        case WSMsgType.TEXT:
            messages.append(message.data)
            said = _read(message.data)
            if said.get("type") == "disconnect":
                raise NotGreetedError(str(said.get("reason", "")))
            return said.get("type") == "hello"
        case WSMsgType.PING:
            await session.pong(message.data)
        case WSMsgType.PONG:
            pass
        case _:
            raise NotGreetedError
    return False


def _read(message: str) -> Mapping[str, Any]:
    try:
        said = json.loads(message)
    except ValueError:
        return {}
    return said if isinstance(said, Mapping) else {}


def _reason(error: Exception) -> str:
    """Return a short reason why an attempt failed."""
    match error:
        case NotGreetedError() if str(error) == TOO_MANY:
            return f"{TOO_MANY}. Ten connections of this app are open already: stop some CallOps"
        case NotGreetedError():
            return str(error) or "it ended the connection before its hello"
        case _:
            return error_code(error)


def _asked_for(error: Exception) -> float:
    """Return the seconds for which Slack asked to wait, or 0."""
    if refusal(error, direct=False) is not Refusal.LIMITED:
        return 0.0
    now = datetime.now(UTC)
    return (paused_by(error, now) - now).total_seconds()


async def _not_counted(_connections: int) -> None:
    pass


class SocketMode:
    """Bolt behind Slack's Socket Mode.

    ``counted`` gets the number of the app's connections that Slack counts. ``leaving`` is called when we
    leave a connection.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        direct: bool,
        counted: Callable[[int], Awaitable[None]] = _not_counted,
        leaving: Callable[[], None] = lambda: None,
        timing: Timing | None = None,
    ) -> None:
        self._app = app
        self._counted = counted
        self._answering: set[asyncio.Task[object]] = set()
        self.client = Client(app_token, app.client, leaving, timing or Timing())
        if direct:
            self.client.proxy = None  # the library would use the environment's proxy even for this machine
        self.client.message_listeners.append(self._heard)
        self.client.socket_mode_request_listeners.append(self._answer)

    async def start(self) -> None:
        """Connect, with retries until Slack says hello."""
        await self.client.connect()

    def closed(self) -> str | None:
        """Return as a sentence why Slack cannot reach us, or None if it can."""
        if self.client.trouble:
            return self.client.trouble
        session = self.client.current_session
        if session is None or session.closed:
            return "CallOps is not connected to Slack; it tries again."
        answered = self.client.last_ping_pong_time
        if answered is not None and (silent := time.time() - answered) > SILENT_AFTER:
            return f"Slack has not answered for {silent:.0f} s."
        return None

    async def stop(self, within: float) -> None:
        """Stop taking requests, answer those that were taken, then close. Slack sends the rest elsewhere."""
        self.client.socket_mode_request_listeners.clear()
        if self._answering:
            await asyncio.wait(self._answering, timeout=within)
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self.client.close()  # type: ignore[no-untyped-call]  # slack_sdk
        except TimeoutError:
            _log.debug("Slack said no farewell")
        await self.client.left()

    async def _heard(self, _client: AsyncBaseSocketModeClient, message: Any, _raw: str | None = None) -> None:  # noqa: ANN401 - the library's type
        connections = message.get("num_connections")
        if message.get("type") == "hello" and isinstance(connections, int):
            await self._counted(connections)

    async def _answer(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one envelope."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._answering.add(task)
        try:
            began = time.time()
            answer = await run_async_bolt_app(self._app, request)
            await send_async_response(client, request, answer, began)
        finally:
            self._answering.discard(task)

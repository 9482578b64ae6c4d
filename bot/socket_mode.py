"""Socket Mode: how a dead connection is noticed and replaced, and how it stops.

slack_sdk's client notices a connection whose network fell silent by aiohttp's heartbeat, and looks once in
each `PING_EVERY` whether it needs a new one.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from aiohttp import ClientWebSocketResponse
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

PING_EVERY: Final = 2.0
"""Seconds. A silent connection is given up half of it after the ping that it did not answer, and replaced
with the next look: at worst after two and a half times this, so well within ten."""
SILENT_AFTER: Final = 10.0
"""Seconds without an answer to a ping after which we say that Slack does not reach us."""
CONNECT_WITHIN: Final = 5.0
"""Seconds for one try: the address is asked for, then connected to."""
CLOSE_WITHIN: Final = 0.5
"""Seconds for a farewell that a dead peer never answers."""

_log = logging.getLogger(__name__)


class _InOurWords(logging.Filter):
    """Says that something is wrong with the connection, without the library's words and traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is to be written."""
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


class Client(SocketModeClient):
    """slack_sdk's client, but for how it connects.

    Each try begins with a new address: the library tries one again for ever that a broken handshake has used
    up. The new connection is there before the old one is left, and a dead peer is not waited for.
    """

    def __init__(self, app_token: str, web_client: AsyncWebClient, leaving: Callable[[], None]) -> None:
        super().__init__(app_token, _logger(), web_client, ping_interval=PING_EVERY)
        self._leaving = leaving
        self._farewells: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """Connect, however often it takes."""
        while not self.closed:
            self.auto_reconnect_enabled = False
            try:
                async with asyncio.timeout(CONNECT_WITHIN):
                    session = await self._new_session()
            except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again; its words may hold an address
                _log.warning("Slack cannot be connected to: %s. It is tried again.", type(error).__name__)
                await asyncio.sleep(PING_EVERY)
            else:
                self._use(session)
                return

    async def _new_session(self) -> ClientWebSocketResponse:
        address, self.wss_uri = self.wss_uri, None
        session = await self.aiohttp_client_session.ws_connect(
            address or await self.issue_new_wss_url(),
            autoping=False,
            heartbeat=self.ping_interval,
            proxy=self.proxy,
            ssl=self.web_client.ssl if self.web_client.ssl is not None else True,
        )
        await session.ping(f"sdk-ping-pong:{time.time()}".encode())
        return session

    def _use(self, session: ClientWebSocketResponse) -> None:
        """Listen to a new connection, and leave the old one, whose own task may be what calls."""
        old, self.current_session = self.current_session, session
        self.auto_reconnect_enabled = self.default_auto_reconnect_enabled
        self.stale, self.last_ping_pong_time = False, None
        for task in (self.current_session_monitor, self.message_receiver):
            if task is not None:
                task.cancel()
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())
        if old is not None:
            self._leaving()
            farewell = asyncio.create_task(self._leave(old))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    async def _leave(self, session: ClientWebSocketResponse) -> None:
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await session.close()
        except (TimeoutError, OSError) as error:
            _log.debug("A connection to Slack that was left said no farewell: %s", type(error).__name__)


async def _not_counted(_connections: int) -> None:
    pass


class SocketMode:
    """Bolt behind Slack's Socket Mode; it knows what it is still answering.

    ``counted`` is told how many connections of the app Slack counts, ``leaving`` that one of ours is left.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        direct: bool,
        counted: Callable[[int], Awaitable[None]] = _not_counted,
        leaving: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._counted = counted
        self._answering: set[asyncio.Task[object]] = set()
        self.client = Client(app_token, app.client, leaving)
        if direct:
            self.client.proxy = None  # the library takes a proxy from the environment, even to this machine
        self.client.message_listeners.append(self._heard)
        self.client.socket_mode_request_listeners.append(self._answer)

    async def start(self) -> None:
        """Connect, however often it takes."""
        await self.client.connect()

    def closed(self) -> str | None:
        """Why Slack does not reach us, as a sentence; None: it does."""
        session = self.client.current_session
        if session is None or session.closed:
            return "CallOps is not connected to Slack; it tries again."
        answered = self.client.last_ping_pong_time
        if answered is not None and (silent := time.time() - answered) > SILENT_AFTER:
            return f"Slack has not answered for {silent:.0f} s."
        return None

    async def stop(self, within: float) -> None:
        """Take nothing in any more, answer what was taken, close. Slack delivers the rest again elsewhere."""
        self.client.socket_mode_request_listeners.clear()
        if self._answering:
            await asyncio.wait(self._answering, timeout=within)
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self.client.close()  # type: ignore[no-untyped-call]  # slack_sdk
        except TimeoutError:
            _log.debug("Slack said no farewell")

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

"""The HTTP side: what providers tell through webhooks, heard by one uvicorn.

A webhook's path ends in a secret, and its body holds numbers and what was said: neither is ever logged. The
answer says only that it was taken, after it was committed, and never waits for Slack.
"""

import asyncio
import hmac
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, Self

import uvicorn
from pydantic import JsonValue
from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from providers.actions import Notice
from providers.base import Adapter

MAX_BODY: Final = 1024 * 1024
"""Bytes. A call's whole transcript may be in it, in an alphabet that JSON writes with six bytes a letter."""
HEAD_WITHIN: Final = 2.0
BODY_WITHIN: Final = 2.0
ANSWER_WITHIN: Final = 2.5
"""Seconds in all: CallKaro waits for five."""
STOP_WITHIN: Final = 3
"""Seconds: longer than any answer takes."""
AT_ONCE: Final = 64
"""Connections; one more is told to come again."""

Take = Callable[[str, Notice], Awaitable[None]]
_log = logging.getLogger(__name__)


class CannotListen(Exception):
    """Why nobody can be heard, as a sentence that says what to do."""


def create_web(adapters: Mapping[str, Adapter], take: Take) -> Starlette:
    """Make the ASGI app: the webhooks of those connections that hear any; nothing else is there."""
    hearing = {name: adapter for name, adapter in adapters.items() if adapter.webhook_secret}
    nobodys = secrets.token_urlsafe()

    async def webhook(request: Request) -> Response:
        name, word = request.path_params["connection"], request.path_params["secret"]
        adapter = hearing.get(name)
        expected = (adapter and adapter.webhook_secret) or nobodys
        if not hmac.compare_digest(word.encode(), expected.encode()) or adapter is None:
            return _answer(HTTPStatus.NOT_FOUND)
        return _answer(await _heard(request, name, adapter, take))

    async def nothing_here(_request: Request, _error: Exception) -> Response:
        return _answer(HTTPStatus.NOT_FOUND)

    app = Starlette(
        routes=[Route("/webhooks/{connection}/{secret}", webhook, methods=["POST"])],
        exception_handlers={HTTPException: nothing_here},
    )
    app.router.redirect_slashes = False  # it would answer with the path
    return app


def _answer(status: HTTPStatus) -> Response:
    """An answer that says nothing more, and ends its connection: another webhook comes by its own."""
    return Response(status_code=status, headers={"Connection": "close"})


async def _heard(request: Request, name: str, adapter: Adapter, take: Take) -> HTTPStatus:
    """Read a webhook and take what it tells; what to answer."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            found = await _document(request)
            if isinstance(found, HTTPStatus):
                return found
            notice = adapter.hear(found)
            if notice is not None:
                await take(name, notice)
    except TimeoutError:
        _log.warning("A webhook of %s could not be taken in time; it was told to come again", name)
        return HTTPStatus.SERVICE_UNAVAILABLE
    except Exception as error:  # noqa: BLE001 - its words may hold what was told: only its kind is logged
        _log.error("A webhook of %s could not be taken: %s", name, type(error).__name__)
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK


async def _document(request: Request) -> dict[str, JsonValue] | HTTPStatus:
    """The JSON object in a body, or what is wrong with it."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY:
                    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except TimeoutError:
        return HTTPStatus.REQUEST_TIMEOUT
    except ClientDisconnect:
        return HTTPStatus.BAD_REQUEST  # nobody reads it
    try:
        document = from_json(bytes(body), allow_inf_nan=False)
    except ValueError:
        return HTTPStatus.BAD_REQUEST
    return document if isinstance(document, dict) else HTTPStatus.BAD_REQUEST


class Impatient(H11Protocol):
    """A connection that ends where no whole head of a request comes in time; uvicorn would wait for ever."""

    patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait."""
        super().connection_made(transport)
        self.patience = self.loop.call_later(HEAD_WITHIN, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self.patience:
            self.patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.close()


class Web:
    """One uvicorn without its main loop, which would take the signals from us. Made by `start`."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        host, port = listener.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @classmethod
    async def start(cls, app: Starlette, host: str, port: int) -> Self:
        """Listen on an address. Raises `CannotListen`."""
        listener = await _listen(host, port)
        config = uvicorn.Config(
            app,
            http=Impatient,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # a webhook's path is a secret
            proxy_headers=False,
            server_header=False,
            limit_concurrency=AT_ONCE,
            timeout_graceful_shutdown=STOP_WITHIN,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        return cls(server, listener)

    async def stop(self) -> None:
        """Take nothing in any more and finish what was taken."""
        await self._server.shutdown(sockets=[self._listener])


async def _listen(host: str, port: int) -> socket.socket:
    try:
        [(family, kind, protocol, _, address), *_] = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise CannotListen(f"HOST is {host}, which is no address here: {error.strerror}") from error
    # With its protocol named, or asyncio does not set TCP_NODELAY on what it accepts.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(
            f"HOST {host} and PORT {port} cannot be listened on for webhooks ({error.strerror}): end what "
            "listens there, or set another PORT"
        ) from error
    return listener

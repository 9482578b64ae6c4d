"""One uvicorn: health checks, webhooks, and without Socket Mode what Slack sends.

No path is logged: a webhook's ends in a secret.
"""

import asyncio
import socket
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN: Final = 2.0
"""Seconds until a connection has sent the head of its first request."""
STOP_WITHIN: Final = 3
"""Seconds: longer than any answer takes."""
AT_ONCE: Final = 1024
"""Connections; one more is told to come again."""
IDLE: Final = 75
"""Seconds for which a connection is kept for the next request: longer than the 60 s of the usual proxies, or
theirs would now and then write into one that we have just closed."""


class CannotListen(Exception):
    """Why nobody can be heard, as a sentence that says what to do."""


def create_web(routes: Iterable[BaseRoute]) -> Starlette:
    """Make the ASGI app. Until `complete`, whatever else is asked for is told to come again."""

    async def nothing_here(request: Request, _error: Exception) -> Response:
        complete = request.app.state.complete
        status = HTTPStatus.NOT_FOUND if complete else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(status_code=status, headers={"Connection": "close"})

    app = Starlette(routes=list(routes), exception_handlers={HTTPException: nothing_here})
    app.router.redirect_slashes = False  # it would answer with the path
    app.state.complete = False
    return app


def complete(app: Starlette, routes: Iterable[BaseRoute]) -> None:
    """Add the last routes; beside them there is nothing."""
    app.router.routes.extend(routes)
    app.state.complete = True


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
        self._stopped = False
        host, port = listener.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @classmethod
    async def start(cls, app: ASGIApp, host: str, port: int, *, at_once: int = AT_ONCE) -> Self:
        """Listen on an address. Raises `CannotListen`."""
        listener = await listen(host, port)
        config = uvicorn.Config(
            app,
            http=Impatient,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # a webhook's path is a secret
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=IDLE,
            limit_concurrency=at_once,
            timeout_graceful_shutdown=STOP_WITHIN,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        return cls(server, listener)

    async def stop(self) -> None:
        """Take nothing in any more and finish what was taken; once."""
        if not self._stopped:
            self._stopped = True
            await self._server.shutdown(sockets=[self._listener])


async def listen(host: str, port: int) -> socket.socket:
    """A socket on an address. Raises `CannotListen`."""
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
            f"HOST {host} and PORT {port} cannot be listened on ({error.strerror}): end what listens "
            "there, or set another PORT"
        ) from error
    return listener

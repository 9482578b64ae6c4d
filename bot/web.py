"""One uvicorn: health checks, webhooks, and without Socket Mode what Slack sends.

No path is logged: a webhook's ends in a secret.
"""

import asyncio
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final, Protocol, Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot.connections import AT_ONCE, Awaited, Connection, Throttle
from bot.workers.clock_check import ClockCheck
from bot.workers.loop import Rounds
from bot.workers.write_probe import EVERY, WriteProbe

STOP_WITHIN: Final = 3
"""Seconds: longer than any answer takes."""
ACCEPTED_AT_ONCE: Final = 16
"""Connections that are taken in one turn of the event loop, before those are closed that are too many."""
WAIT_TO_BE_ACCEPTED: Final = 2048
"""Connections that the kernel keeps meanwhile."""
IDLE: Final = 75
"""Seconds for which a connection is kept for the next request: longer than the 60 s of the usual proxies, or
theirs would now and then write into one that we have just closed."""

LARGEST_HEAD: Final = 16 * 1024
"""Bytes of a request's head: Slack's has some 1 500."""

STRANGERS: Final = ("uvicorn.error", "bot.connections", "bot.slack.http_mode", "bot.webhooks")
"""Loggers whose lines anybody can cause who reaches the port."""


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


class Web:
    """One uvicorn without its main loop, which would take the signals from us. Made by `start`."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket, throttle: Throttle) -> None:
        self._server = server
        self._listener = listener
        self._throttle = throttle
        self._stopped = False
        host, port = listener.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @classmethod
    async def start(
        cls,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        awaited: Awaited | None = None,
        throttle: Throttle | None = None,
    ) -> Self:
        """Listen on an address. Raises `CannotListen`.

        ``awaited`` bounds the connections whose peers are slow, ``throttle`` the lines about strangers.
        """
        listener = await listen(host, port)
        awaited = awaited or Awaited(min(AT_ONCE, _files() // 4))
        config = uvicorn.Config(
            app,
            http=partial(Connection, awaited=awaited),  # type: ignore[arg-type]  # it makes a protocol
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # a webhook's path is a secret
            proxy_headers=False,
            h11_max_incomplete_event_size=LARGEST_HEAD,
            server_header=False,
            timeout_keep_alive=IDLE,
            backlog=ACCEPTED_AT_ONCE,
            timeout_graceful_shutdown=STOP_WITHIN,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        listener.listen(WAIT_TO_BE_ACCEPTED)
        throttle = throttle or Throttle(*STRANGERS)
        throttle.start()
        return cls(server, listener, throttle)

    async def stop(self) -> None:
        """Take nothing in any more and finish what was taken; once."""
        if not self._stopped:
            self._stopped = True
            await self._server.shutdown(sockets=[self._listener])
            self._throttle.stop()


def _files() -> int:
    """Return how many files this process may have open. Connections are some of them."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


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


STUCK_AFTER: Final = 60.0
"""Seconds. A round waits for Slack for a few at most, and the next comes a second later."""

UNWRITTEN_AFTER: Final = 4 * EVERY
"""Seconds since a sign of life in the log; one in doubt may wait ten for another process's commit."""


class Door(Protocol):
    """How Slack reaches this process."""

    def closed(self) -> str | None:
        """Why Slack does not, as a sentence; None: it does."""
        ...


@dataclass
class Health:
    """What the two answers are made of."""

    rounds: Sequence[Rounds] = ()
    ended: Callable[[], Sequence[str]] = list
    write_probe: WriteProbe | None = None
    """None until the log is open."""

    seconds: Callable[[], float] = time.monotonic
    door: Door | None = None
    """None while it is not open yet."""

    clock: ClockCheck | None = None
    """None until Slack was asked."""

    stopping: bool = False
    beside: list[str] = field(default_factory=list)
    """What does not keep anything from working but should be mended."""

    def unhealthy(self) -> list[str]:
        """What only a restart would mend."""
        now = self.seconds()
        wrong = [f"The {name} has ended." for name in self.ended()]
        stuck = [one for one in self.rounds if now - one.turned > STUCK_AFTER + one.every]
        return wrong + [f"The {one.name} has not turned for {now - one.turned:.0f} s." for one in stuck]

    def unready(self) -> list[str]:
        """What keeps this process from taking anything in."""
        wrong = ["CallOps is stopping."] if self.stopping else []
        wrong += self._log_unready()
        closed = "CallOps is not connected to Slack yet." if self.door is None else self.door.closed()
        return [*wrong, *filter(None, [closed])]

    def _log_unready(self) -> list[str]:
        wrote = self.write_probe.wrote if self.write_probe else None
        if self.write_probe and self.write_probe.trouble:
            return [f"{self.write_probe.trouble}."]
        if wrote is None:
            return ["The log was not written to yet."]
        since = self.seconds() - wrote
        return [f"The log was not written to for {since:.0f} s."] if since > UNWRITTEN_AFTER else []

    def warnings(self) -> list[str]:
        """What works but is not right."""
        another = self.write_probe.another_log() if self.write_probe else None
        clock = self.clock.warning if self.clock else None
        return [*self.beside, *([clock] if clock else []), *([f"{another}."] if another else [])]


def health_routes(health: Health) -> list[Route]:
    """`/healthz` and `/readyz`."""

    async def healthz(_: Request) -> Response:
        return _answer("healthy", health.unhealthy(), [])

    async def readyz(_: Request) -> Response:
        return _answer("ready", [*health.unhealthy(), *health.unready()], health.warnings())

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _answer(good: str, wrong: Sequence[str], warnings: Sequence[str]) -> Response:
    content = {
        "status": f"not {good}" if wrong else good,
        "failures": list(wrong),
        "warnings": list(warnings),
    }
    status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
    # Its connection ends with it: whoever asks for nothing else holds none.
    headers = {"Connection": "close", "Cache-Control": "no-store"}
    return JSONResponse(content, status_code=status, headers=headers)

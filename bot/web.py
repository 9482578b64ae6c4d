"""The HTTP server: health checks, webhooks, and Slack's requests unless Socket Mode is used.

Paths are never logged, because a webhook's path ends in a secret.
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

from bot import CallOpsError
from bot.connections import MAX_CONCURRENT, Awaited, Connection, Throttle
from bot.workers.clock_check import ClockCheck
from bot.workers.loop import PeriodicTask
from bot.workers.write_probe import EVERY, WriteProbe

STOP_WITHIN: Final = 3
"""Seconds that the server's shutdown waits. No answer takes longer."""
ACCEPTED_AT_ONCE: Final = 16
"""Connections accepted in a turn of the event loop, before those over the limit are closed."""
WAIT_TO_BE_ACCEPTED: Final = 2048
"""Connections that the kernel queues until they are accepted."""
IDLE: Final = 75
"""Seconds for which an idle connection is kept. Proxies usually keep theirs for 60. With a shorter time, a
proxy would sometimes write into a connection that we have just closed."""

LARGEST_HEAD: Final = 16 * 1024
"""Bytes of a request's head. Slack's has some 1 500."""

STRANGERS: Final = (
    "uvicorn.error",
    "bot.connections",
    "bot.metrics",
    "bot.slack.http_mode",
    "bot.webhooks",
)
"""Loggers whose lines anybody who reaches the port can cause."""


class CannotListenError(CallOpsError):
    """The address cannot be listened on. The sentence says what to do."""


def create_web(routes: Iterable[BaseRoute]) -> Starlette:
    """Build the ASGI app. Unknown paths are answered with 503 until `complete`, then with 404."""

    async def nothing_here(request: Request, _error: Exception) -> Response:
        complete = request.app.state.complete
        status = HTTPStatus.NOT_FOUND if complete else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(status_code=status, headers={"Connection": "close"})

    app = Starlette(routes=list(routes), exception_handlers={HTTPException: nothing_here})
    app.router.redirect_slashes = False  # a redirect would contain the path, with its secret
    app.state.complete = False
    return app


def complete(app: Starlette, routes: Iterable[BaseRoute]) -> None:
    """Add the last routes. Unknown paths are answered with 404 from then on."""
    app.router.routes.extend(routes)
    app.state.complete = True


class Web:
    """A running uvicorn server, built by `start` without the main loop that would handle our signals."""

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
        """Start a server on an address. Raises `CannotListenError`.

        ``awaited`` limits connections of slow peers. ``throttle`` limits log lines that strangers cause.
        """
        listener = await listen(host, port)
        awaited = awaited or Awaited(min(MAX_CONCURRENT, _files() // 4))
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
        """Stop accepting connections and finish the requests that were accepted. Further calls do nothing."""
        if not self._stopped:
            self._stopped = True
            await self._server.shutdown(sockets=[self._listener])
            self._throttle.stop()


def _files() -> int:
    """Return how many files this process may open. Connections count as files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


async def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address. Raises `CannotListenError`."""
    try:
        [(family, kind, protocol, _, address), *_] = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise CannotListenError(f"HOST is {host}, which is no address here: {error.strerror}") from error
    # asyncio sets TCP_NODELAY on accepted sockets only if the listener's protocol is named.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListenError(
            f"HOST {host} and PORT {port} cannot be listened on ({error.strerror}): end what listens "
            "there, or set another PORT"
        ) from error
    return listener


STUCK_AFTER: Final = 60.0
"""Seconds without a run until a task counts as stuck. A run waits for Slack for a few at most."""

UNWRITTEN_AFTER: Final = 4 * EVERY
"""Seconds without a write to the log until the process is not ready. A commit may wait ten for another
process."""


class Door(Protocol):
    """The way by which Slack reaches this process."""

    def closed(self) -> str | None:
        """Return as a sentence why Slack cannot reach this process, or None if it can."""
        ...


@dataclass
class Health:
    """The state that `/healthz` and `/readyz` report."""

    tasks: Sequence[PeriodicTask] = ()
    ended: Callable[[], Sequence[str]] = list
    write_probe: WriteProbe | None = None
    """None until the log is open."""

    seconds: Callable[[], float] = time.monotonic
    slack: Door | None = None
    """None until Slack can reach this process."""

    clock: ClockCheck | None = None
    """None until Slack was asked for its time."""

    stopping: bool = False
    startup_warnings: list[str] = field(default_factory=list)
    """Warnings of the start, about faults that stop nothing."""

    def unhealthy(self) -> list[str]:
        """Return the problems that only a restart fixes."""
        now = self.seconds()
        wrong = [f"The {name} has ended." for name in self.ended()]
        stuck = [one for one in self.tasks if now - one.last_run > STUCK_AFTER + one.every]
        return wrong + [f"The {one.name} has not run for {now - one.last_run:.0f} s." for one in stuck]

    def unready(self) -> list[str]:
        """Return the reasons why this process cannot take requests."""
        wrong = ["CallOps is stopping."] if self.stopping else []
        wrong += self._log_unready()
        closed = "CallOps is not connected to Slack yet." if self.slack is None else self.slack.closed()
        return [*wrong, *filter(None, [closed])]

    def _log_unready(self) -> list[str]:
        wrote = self.write_probe.wrote if self.write_probe else None
        if self.write_probe and self.write_probe.problem:
            return [f"{self.write_probe.problem}."]
        if wrote is None:
            return ["The log was not written to yet."]
        since = self.seconds() - wrote
        return [f"The log was not written to for {since:.0f} s."] if since > UNWRITTEN_AFTER else []

    def warnings(self) -> list[str]:
        """Return the problems that stop nothing."""
        another = self.write_probe.another_log() if self.write_probe else None
        clock = self.clock.warning if self.clock else None
        return [*self.startup_warnings, *([clock] if clock else []), *([f"{another}."] if another else [])]


def health_routes(health: Health) -> list[Route]:
    """Return the routes `/healthz` and `/readyz`."""

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
    # Probes need no connection that stays open.
    headers = {"Connection": "close", "Cache-Control": "no-store"}
    return JSONResponse(content, status_code=status, headers=headers)

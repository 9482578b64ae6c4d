"""Serves HTTP on a listening socket for the duration of a context."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HOST: Final = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Return a listening socket on loopback. Port 0 takes any free one.

    The socket names TCP as its protocol, because only then asyncio disables Nagle's algorithm. With Nagle, an
    answer whose head and body are written separately waits 40 ms for an acknowledgement.

    Raises:
        OSError: The port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


class _Http(H11Protocol):
    """HTTP protocol whose connection a request can abort."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


@asynccontextmanager
async def served(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """Serve HTTP inside the context. Open connections are aborted at the end, so that the end is quick."""

    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    config = uvicorn.Config(quiet, ws="none", lifespan="off", log_config=None, access_log=False)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: _Http(config, state, {}), sock=listening)
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in state.tasks:
            task.cancel()
        await asyncio.gather(*state.tasks)
        await server.wait_closed()

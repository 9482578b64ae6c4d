"""HTTP on a listening socket, for as long as a block lasts."""

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
    """A listening socket on loopback; port 0 takes any that is free. Raises OSError where it is taken.

    It says that it speaks TCP, because only then asyncio turns Nagle's algorithm off: with it, an
    answer whose head and body are written apart waits 40 ms for an acknowledgement.
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
    """HTTP whose connection a request can cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


@asynccontextmanager
async def served(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """HTTP for as long as it is wanted; what still hangs at the end is cut, so that the end is quick."""

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

"""Stand-ins with their control routes on loopback, for the tests."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from playground import callkaro, kore, providers, ryng, voxworks
from playground.provider_control import ProviderControl

NUMBER = "+919876543210"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # httpx would load every authority, for each client
START = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 09:30 in India


@dataclass(frozen=True, slots=True)
class Running:
    """The control client, and a plain HTTP client for each provider with its key.

    Kore.ai has no client, because the tests sign its tokens.
    """

    control: ProviderControl
    callkaro: httpx.AsyncClient
    voxworks: httpx.AsyncClient
    ryng: httpx.AsyncClient
    kore: httpx.AsyncClient
    opened: set[str]

    async def place(self, **fields: object) -> httpx.Response:
        """Place a call as in the document's first example, with further fields."""
        content = {"to_number": NUMBER, "agent_id": callkaro.AGENT, **fields}
        return await self.callkaro.post(callkaro.PLACE, json=content)

    async def cancel(self, call_id: str) -> httpx.Response:
        """Cancel a call by its id."""
        return await self.voxworks.post(f"/api/v1/cancel-call/{call_id}")

    async def effects(self, provider: str, *, of_requests: bool = True) -> list[tuple[str, str]]:
        """Return the effects at a provider as pairs of kind and call id."""
        journal = await self.control.journal(provider)
        return [
            (effect.what, effect.subject.id)
            for effect in journal.effects
            if (effect.request is not None) is of_requests
        ]


@asynccontextmanager
async def running(
    *, journal: Path | None = None, now: Callable[[], datetime] = lambda: START
) -> AsyncIterator[Running]:
    """Start stand-ins and their control routes, and stop them afterwards."""
    opened: set[str] = set()
    async with AsyncExitStack() as stack:
        standins = await providers.start(stack, journal=journal, now=now, opened=lambda: opened)
        app = Starlette(routes=[Mount("/control/providers", routes=standins.routes)])
        control = ProviderControl(f"{await stack.enter_async_context(served(app))}/control/providers")

        async def client(provider: str, headers: Mapping[str, str]) -> httpx.AsyncClient:
            return await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=standins.addresses[provider], headers=headers, trust_env=False, verify=NO_TLS
                )
            )

        yield Running(
            await stack.enter_async_context(control),
            await client("callkaro", {"X-API-KEY": callkaro.KEY}),
            await client("voxworks", {"Authorization": f"Bearer {voxworks.KEY}"}),
            await client("ryng", {ryng.HEADER: ryng.TOKEN}),
            await client(
                "kore", {"Content-Type": "application/json", "iid": kore.APP, "accountId": kore.ACCOUNT}
            ),
            opened,
        )


@dataclass(slots=True)
class Ears:
    """A receiver of webhooks. It answers with the next of ``statuses``, and with 200 after them."""

    url: str = ""
    heard: list[Any] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, request: Request) -> Response:
        """Keep a document."""
        self.heard.append(await request.json())
        self.came.set()
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def listening(on: Running) -> AsyncIterator[Ears]:
    """Start a receiver to which the stand-ins may post."""
    ears = Ears()
    async with served(Starlette(routes=[Route("/hear", ears.hear, methods=["POST"])])) as address:
        on.opened.add(address)
        ears.url = f"{address}/hear"
        yield ears


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serve on a loopback port, without uvicorn's main loop, which takes the signals and 0.1 s to stop."""
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Without the name TCP, asyncio does not set TCP_NODELAY and each reply waits 40 ms for an ACK.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listener])
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        await server.shutdown(sockets=[listener])

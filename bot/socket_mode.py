"""Socket Mode, and how it stops: what was taken in is answered before the connection is closed."""

import asyncio
from typing import cast

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

PING_EVERY = 3.0
"""Seconds between pings: a connection that dropped silently is noticed after a few of them."""


class SocketMode(AsyncSocketModeHandler):
    """Bolt's handler, which also knows what it is still answering."""

    def __init__(self, app: AsyncApp, app_token: str, *, direct: bool) -> None:
        super().__init__(app, app_token, ping_interval=PING_EVERY)
        if direct:
            self.client.proxy = None  # the library takes a proxy from the environment, even to this machine
        self._answering: set[asyncio.Task[object]] = set()

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Answer one envelope."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._answering.add(task)
        try:
            await super().handle(client, req)
        finally:
            self._answering.discard(task)

    async def stop(self, within: float) -> None:
        """Take nothing in any more, answer what was taken, close. Slack delivers the rest again elsewhere."""
        self.client.socket_mode_request_listeners.clear()
        if self._answering:
            await asyncio.wait(self._answering, timeout=within)
        await self.close_async()  # type: ignore[no-untyped-call]  # slack_bolt

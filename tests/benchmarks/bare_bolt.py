"""Bolt over HTTP and nothing else, as the yardstick for CallOps.

    python -m tests.benchmarks.bare_bolt SLACK_API_URL

The server, the adapter and the way to acknowledge are the same. There is no guard, no log, and a single
listener.
"""

import asyncio
import sys

from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.http_mode import PATH
from bot.web import Web
from playground.content import BOT_TOKEN, SIGNING_SECRET


async def serve(slack: str) -> None:
    """Print the address of the server, then answer until killed."""
    client = AsyncWebClient(BOT_TOKEN, base_url=slack)
    app = AsyncApp(client=client, signing_secret=SIGNING_SECRET, process_before_response=True)

    @app.command("/calls")
    async def answer(ack: AsyncAck) -> None:
        await ack("About to be sent.")

    handler = AsyncSlackRequestHandler(app, path=PATH)
    web = await Web.start(handler, "127.0.0.1", 0)  # type: ignore[arg-type]  # Bolt's types
    print(web.address, flush=True)  # noqa: T201 - for who started it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))

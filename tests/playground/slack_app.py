"""A small real app, slack_bolt over Socket Mode, for tests of the Slack stand-in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground import slack
from playground.content import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Content
from playground.manifest import Manifest
from playground.people import Person, Workspace
from playground.serving import HOST, listen, served
from playground.workspace import Patience

Json = dict[str, Any]
NOBODY = "http://127.0.0.1:9"
"""An address on which nobody listens."""

PLAIN = {"type": "plain_text", "text": "x"}
BUTTON: Json = {"type": "button", "action_id": "press", "text": {"type": "plain_text", "text": "Press"}}
CONFIRM = {
    "title": {"type": "plain_text", "text": "Sure?"},
    "text": {"type": "mrkdwn", "text": "This cancels *the call*."},
    "confirm": {"type": "plain_text", "text": "Do it"},
    "deny": {"type": "plain_text", "text": "Keep it"},
}
CARD: list[Json] = [
    {"type": "section", "block_id": "head", "text": {"type": "mrkdwn", "text": "*A card*"}},
    {"type": "actions", "block_id": "row", "elements": [{**BUTTON, "confirm": CONFIRM, "value": "nonce"}]},
]


def text_input(block_id: str, **element: object) -> Json:
    """Return an input block with one line of text."""
    field_ = {"type": "plain_text_input", "action_id": "value", **element}
    label = {"type": "plain_text", "text": block_id.title()}
    return {"type": "input", "block_id": block_id, "label": label, "element": field_}


def modal(title: str = "Form", *blocks: Json, **more: object) -> Json:
    """Return a modal with a submit button."""
    texts = {
        name: {"type": "plain_text", "text": text}
        for name, text in {"title": title, "submit": "Send"}.items()
    }
    return {"type": "modal", "callback_id": "form", **texts, "blocks": list(blocks), **more}


HOME: Json = {
    "type": "home",
    "private_metadata": "kept",
    "blocks": [{"type": "actions", "block_id": "row", "elements": [{**BUTTON, "value": "nonce"}]}],
}
FORM = modal(
    "Form",
    text_input("name"),
    text_input("colour", initial_value="red"),
    {
        **text_input("note"),
        "optional": True,
    },
)


@dataclass
class Stage:
    """Everything that a test needs. `heard` are the payloads that the sample app got."""

    slack: slack.Slack
    people: Workspace
    client: AsyncWebClient
    heard: list[Json] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)

    def person(self, user: str = "U0AGENT") -> Person:
        """Return a person at a keyboard."""
        return self.people.person(user)


@asynccontextmanager
async def stage(
    patience: Patience | None = None,
    manifest: Manifest | None = None,
    workspace: Content | None = None,
) -> AsyncIterator[Stage]:
    """Yield the stand-in alone, with a Web API client and people."""
    async with AsyncExitStack() as stack:
        opened = {NOBODY}
        running = await slack.start(
            stack, patience=patience, manifest=manifest, workspace=workspace, opened=lambda: opened
        )
        people = await stack.enter_async_context(Workspace(f"{running.address}/control/"))
        client = AsyncWebClient(token=BOT_TOKEN, base_url=f"{running.address}/api/", retry_handlers=[])
        yield Stage(running, people, client, opened=opened)


@asynccontextmanager
async def bolt(on: Stage, ping_interval: float = 5) -> AsyncIterator[AsyncSocketModeHandler]:
    """Yield the handler of the connected sample app."""
    app = _app(on)
    handler = AsyncSocketModeHandler(app, APP_TOKEN, ping_interval=ping_interval)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        await on.people.bot_connected()
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def bolt_over_http(on: Stage, signing_secret: str = SIGNING_SECRET) -> AsyncIterator[None]:
    """Serve the sample app over HTTP, behind Bolt's own ASGI adapter."""
    listening = listen(0)
    adapter = AsyncSlackRequestHandler(_app(on, signing_secret))
    async with served(adapter, listening):  # type: ignore[arg-type]  # Bolt's types
        address = f"http://{HOST}:{listening.getsockname()[1]}"
        on.opened.add(address)
        await on.people.request_url(f"{address}/slack/events")
        yield


def _app(on: Stage, signing_secret: str = "") -> AsyncApp:
    app = AsyncApp(client=on.client, process_before_response=True, signing_secret=signing_secret)

    @app.middleware
    async def hear(body: Json, next: Any) -> None:  # noqa: A002 - bolt's own name
        on.heard.append(body)
        await next()

    _commands(app)
    _views(app)
    _presses(app)
    return app


def _commands(app: AsyncApp) -> None:
    @app.command("/echo")
    async def echo(ack: Any, command: Json) -> None:
        await ack(text=command["text"] or "nothing", blocks=CARD)

    @app.command("/loud")
    async def loud(ack: Any) -> None:
        await ack(response_type="in_channel", text="<!channel> heard by all")

    @app.command("/slow")
    async def slow(ack: Any) -> None:
        await asyncio.sleep(1.3)
        await ack("too late")

    @app.command("/wrong")
    async def wrong(ack: Any) -> None:
        await ack(text="x", blocks=[{"type": "header", "text": {"type": "plain_text", "text": "h" * 151}}])

    @app.command("/form")
    async def form(ack: Any, client: AsyncWebClient, command: Json) -> None:
        await client.views_open(trigger_id=command["trigger_id"], view=FORM)
        await ack()


def _views(app: AsyncApp) -> None:
    @app.view("form")
    async def submitted(ack: Any, view: Json) -> None:
        answers: dict[str, Json] = {
            "errors": {"response_action": "errors", "errors": {"name": "Not that name."}},
            "strange errors": {"response_action": "errors", "errors": {"nowhere": "?"}},
            "update": {"response_action": "update", "view": modal("Second", text_input("name"))},
            "push": {"response_action": "push", "view": modal("On top", text_input("more"))},
            "clear": {"response_action": "clear"},
            "invalid": {"response_action": "update", "view": modal("t" * 25, text_input("name"))},
        }
        name = next(iter(view["state"]["values"].values())).get("value", {}).get("value")
        await ack(**answers.get(name, {}))

    @app.view_closed("form")
    async def closed(ack: Any) -> None:
        await ack()


def _presses(app: AsyncApp) -> None:
    @app.action("press")
    async def pressed(ack: Any, respond: Any, body: Json) -> None:
        if "view" not in body:
            await respond(text="pressed", replace_original=True)
        await ack()

    @app.shortcut("remind")
    async def remind(ack: Any) -> None:
        await ack()

    @app.event("app_home_opened")
    async def opened(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view=HOME, hash=event.get("view", {}).get("hash"))

"""Translates people's acts on the page, as JSON, into requests to the stand-ins."""

import html
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from playground.journal import CallEnd
from playground.people import ImpossibleError, Workspace
from playground.web.feed import Feed

Json: TypeAlias = dict[str, Any]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Personal(_Act):
    person: str


class _Typed(_Act):
    """A value in an input of a modal, or None if it was cleared."""

    block_id: str
    action_id: str
    value: JsonValue


class Write(_Personal):
    """Write in a channel, or type a command there. ``thread_ts`` selects a thread."""

    channel: str
    text: str
    thread_ts: str | None = None


class Click(_Personal):
    """Press an element of a message or, with ``view_id``, of the modal, with its typed values."""

    block_id: str
    action_id: str
    value: JsonValue = None
    channel: str | None = None
    ts: str | None = None
    view_id: str | None = None
    typed: tuple[_Typed, ...] = ()


class _File(_Act):
    """A file's name, and its content in base64."""

    name: str
    content: str


class Pick(_Personal):
    """Pick files in an element of the modal. No files clear it."""

    view_id: str
    block_id: str
    action_id: str
    files: tuple[_File, ...]


class Submit(_Personal):
    """Press a modal's submit button, with its typed values."""

    view_id: str
    typed: tuple[_Typed, ...] = ()


class Close(_Personal):
    """Close the modal."""

    view_id: str


class Use(_Personal):
    """Use a shortcut on a message, or a global one."""

    callback_id: str
    channel: str | None = None
    ts: str | None = None


class Read(_Personal):
    """Mark a channel as read up to a message."""

    channel: str
    ts: str


class Arm(_Act):
    """Set a provider's switch. ``fault`` None clears it."""

    provider: str
    fault: str | None = None


class Ring(_Act):
    """Select how a provider's next calls end."""

    provider: str
    end: CallEnd


class Report(_Act):
    """Let CallKaro report ended calls to the bot, or not."""

    wanted: bool


class Trouble(_Act):
    """Set one of Slack's switches."""

    does: Literal["ratelimited", "twice", "heal"]


class Bot(_Act):
    """Kill the bot, or start it."""

    does: Literal["kill", "start"]


class Actions:
    """The page's acts, below ``/do``. The reply to an impossible act is 409 with a sentence."""

    def __init__(self, slack: Workspace, feed: Feed) -> None:
        self._slack, self._feed = slack, feed

    def routes(self) -> list[BaseRoute]:
        """Return a route for each act."""
        return [
            _route("/command", Write, self.command),
            _route("/say", Write, self.say),
            _route("/click", Click, self.click),
            _route("/submit", Submit, self.submit),
            _route("/pick", Pick, self.pick),
            _route("/close", Close, self.close),
            _route("/shortcut", Use, self.shortcut),
            _route("/home", _Personal, self.home),
            _route("/read", Read, self.read),
            _route("/arm", Arm, self.arm),
            _route("/ring", Ring, self.ring),
            _route("/report", Report, self.report),
            _route("/trouble", Trouble, self.trouble),
            _route("/bot", Bot, self.bot),
        ]

    async def command(self, act: Write) -> Json:
        """Type a slash command. Its text is sent as typed, because the manifest asks for no escaping."""
        name, _, text = act.text.partition(" ")
        return await self._do(act.person, "command", channel=act.channel, command=name, text=text.strip())

    async def say(self, act: Write) -> Json:
        """Write a message. Markup in it is escaped, as Slack's clients do.

        docs.slack.dev/messaging/formatting-message-text, "Escaping text", read 2026-11.
        """
        text = html.escape(act.text, quote=False)
        return await self._do(act.person, "say", channel=act.channel, text=text, thread_ts=act.thread_ts)

    async def click(self, act: Click) -> Json:
        """Press an element. The typed values of a modal are sent along, as in `view.state`."""
        if act.view_id and act.typed:
            await self._do(act.person, "fill", view_id=act.view_id, typed=_dumped(act.typed))
        place = {"view_id": act.view_id} if act.view_id else {"channel": act.channel, "ts": act.ts}
        found = {"block_id": act.block_id, "action_id": act.action_id, "value": act.value}
        return await self._do(act.person, "click", **place, **found, confirm=True)

    async def submit(self, act: Submit) -> Json:
        """Submit the modal."""
        return await self._do(act.person, "submit", view_id=act.view_id, typed=_dumped(act.typed))

    async def pick(self, act: Pick) -> Json:
        """Pick files in an element of the modal."""
        return await self._do(act.person, "pick", **act.model_dump(exclude={"person"}))

    async def close(self, act: Close) -> Json:
        """Close the modal."""
        return await self._do(act.person, "close", view_id=act.view_id)

    async def shortcut(self, act: Use) -> Json:
        """Use a shortcut on a message, or a global one."""
        place = {"channel": act.channel, "ts": act.ts}
        return await self._do(act.person, "shortcut", callback_id=act.callback_id, **place)

    async def home(self, act: _Personal) -> Json:
        """Open the app's Home tab."""
        return await self._do(act.person, "home")

    async def read(self, act: Read) -> Json:
        """Remember that a channel was read up to a message."""
        self._feed.read(act.person, act.channel, act.ts)
        return {}

    async def arm(self, act: Arm) -> Json:
        """Set a provider's switch."""
        await self._feed.arm(act.provider, act.fault)
        return {}

    async def ring(self, act: Ring) -> Json:
        """Select how a provider's next calls end."""
        await self._feed.ring(act.provider, act.end)
        return {}

    async def report(self, act: Report) -> Json:
        """Let CallKaro report ended calls to the bot, or not."""
        await self._feed.report_ends(wanted=act.wanted)
        return {}

    async def trouble(self, act: Trouble) -> Json:
        """Set one of Slack's switches."""
        await self._feed.switches.slack(act.does)
        return {}

    async def bot(self, act: Bot) -> Json:
        """Kill the bot with -9, or start it."""
        await (self._feed.kill_bot() if act.does == "kill" else self._feed.start_bot())
        return {}

    async def _do(self, person: str, act: str, **body: object) -> Json:
        told = await self._slack.ask("POST", f"/people/{person}/{act}", body)
        return {"error": told.get("error"), "errors": told.get("errors", {})}


def _route(path: str, kind: type[Any], act: Callable[[Any], Awaitable[Json]]) -> Route:
    async def handle(request: Request) -> Response:
        try:
            done: Mapping[str, object] = await act(kind.model_validate_json(await request.body()))
        except (ImpossibleError, ValueError, RuntimeError) as error:
            return JSONResponse({"sentence": str(error)}, status_code=HTTPStatus.CONFLICT)
        return JSONResponse(done)

    return Route(path, handle, methods=["POST"])


def _dumped(typed: tuple[_Typed, ...]) -> list[Json]:
    return [one.model_dump() for one in typed]

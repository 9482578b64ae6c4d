"""People at work in the playground: a client that types, presses, fills in and reads like a person."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from io import BytesIO
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import aiohttp

from playground import PlaygroundError

Json: TypeAlias = dict[str, Any]
Found = TypeVar("Found")
WAIT = 10.0  # seconds that a person waits for something to appear, unless told otherwise


class ImpossibleError(PlaygroundError):
    """Slack's client would not let this person do that. The message says why."""


@dataclass(frozen=True)
class Message:
    """A message as a person sees it, with its replies. `edits` are its earlier versions."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: tuple[Json, ...]
    thread_ts: str | None
    ephemeral_to: str | None
    deleted: bool
    edits: tuple[Json, ...]
    pings: tuple[str, ...]
    in_reply_to: str | None
    replies: tuple["Message", ...] = ()


@dataclass(frozen=True)
class View:
    """An open modal or a Home tab as its person sees it. `values` is the present `state.values`."""

    id: str
    hash: str
    blocks: tuple[Json, ...]
    values: dict[str, dict[str, Json]]
    errors: dict[str, str]
    title: Json = field(default_factory=dict)
    submit: Json | None = None
    close: Json | None = None
    callback_id: str = ""
    private_metadata: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Heard:
    """The new parts of a person's screen after an act.

    `error` is Slack's message in place of the app's (`operation_timeout`, `dispatch_failed`, …). `errors` are
    the messages under a modal's inputs. `confirm` is the dialog that was answered.
    """

    messages: tuple[Message, ...]
    view: View | None
    error: str | None
    errors: Mapping[str, str]
    confirm: Json | None

    @property
    def ephemeral(self) -> Message | None:
        """The newest message that only this person sees."""
        found = [message for message in self.messages if message.ephemeral_to]
        return found[-1] if found else None


class Workspace:
    """The whole workspace, through the control address (`http://127.0.0.1:…/control/`).

    An async context manager.
    """

    def __init__(self, control: str) -> None:
        self._control = control.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # Shorter than uvicorn's five seconds, so that no closing connection is reused.
            connector=aiohttp.TCPConnector(keepalive_timeout=3)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def reset(self) -> None:
        """Reset Slack to its initial state: people, channels, no messages, no trouble."""
        await self.ask("POST", "/reset")

    def person(self, user: str) -> "Person":
        """Return a person by user id."""
        return Person(self, user)

    async def state(self) -> Json:
        """Return everything as JSON, see `Control.state`."""
        return await self.ask("GET", "/state")

    async def journal(self, method: str | None = None) -> list[Json]:
        """Return every Web API call, or those of a method, in order."""
        calls: list[Json] = (await self.state())["journal"]
        return [call for call in calls if method in {None, call["method"]}]

    async def faults(self) -> list[Json]:
        """Return what Slack refused or should not have got: the app's messages, views and acks."""
        found: list[Json] = (await self.state())["faults"]
        return found

    async def messages(self) -> list[Message]:
        """Return every message, including ephemeral and deleted ones."""
        return [_message(one) for one in (await self.state())["messages"]]

    async def fail(
        self,
        method: str,
        does: str = "ratelimited",
        *,
        times: int = 1,
        retry_after: int = 1,
        code: str = "internal_error",
        after_effect: bool = False,
        where: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Plan trouble for the next calls of a method (`*` is any), see `Trouble`."""
        plan = {"method": method, "does": does, "times": times, "retry_after": retry_after}
        plan |= {"code": code, "after_effect": after_effect, "where": dict(where)}
        await self.ask("POST", "/trouble", plan)

    async def heal(self) -> None:
        """Cancel all planned trouble."""
        await self.ask("DELETE", "/trouble")

    async def latency(self, seconds: float) -> None:
        """Set the delay of every Web API answer, in seconds."""
        await self.ask("POST", "/trouble", {"latency": seconds})

    async def clock_ahead(self, seconds: float) -> None:
        """Set how far Slack's clock is ahead in the date of its answers, in seconds."""
        await self.ask("POST", "/trouble", {"ahead": seconds})

    async def deliver_twice(self, times: int = 1) -> None:
        """Deliver each of the next payloads twice."""
        await self.ask("POST", "/sockets/twice", {"times": times})

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell the app's connections to close and reconnect."""
        await self.ask("POST", "/sockets/disconnect", {"reason": reason})

    async def fall_silent(self) -> None:
        """Let the app's connections die without a close."""
        await self.ask("POST", "/sockets/silence", {})

    async def refuse_connections(self, times: int) -> None:
        """Break the handshake of the app's next connections."""
        await self.ask("POST", "/sockets/refuse", {"times": times})

    async def treat_connections(self, treatment: str | None, times: int = 1_000_000) -> None:
        """Mistreat the app's next connections (`playground.socket_mode.Treatment`). None: treat them well."""
        await self.ask("POST", "/sockets/treat", {"treatment": treatment, "times": times})

    async def request_url(self, url: str | None) -> None:
        """Set the app's request URL for HTTP, or None for Socket Mode."""
        await self.ask("POST", "/request_url", {"url": url})

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or restore it."""
        await self.ask("POST", f"/channels/{channel}", {"archived": archived})

    async def make_private(self, channel: str) -> None:
        """Make a channel private."""
        await self.ask("POST", f"/channels/{channel}", {"private": True})

    async def app_in(self, channel: str, *, member: bool) -> None:
        """Remove the app from a channel, or invite it."""
        await self.ask("POST", f"/channels/{channel}", {"app": member})

    async def event(self, event: Json) -> None:
        """Publish an event of the Events API."""
        await self.ask("POST", "/events", event)

    async def bot_connected(self, within: float = WAIT) -> None:
        """Wait until the app has a Socket Mode connection. Raises `TimeoutError`."""

        async def connected() -> bool | None:
            return bool((await self.state())["connected"]) or None

        await self.until(connected, within)

    async def until(self, look: Callable[[], Awaitable[Found | None]], within: float = WAIT) -> Found:
        """Call ``look`` after every change until its result is not None, and return that.

        Raises:
            TimeoutError: There was no result in time.
        """
        async with asyncio.timeout(within):
            seen = 0
            while (found := await look()) is None:
                seen = (await self.ask("GET", f"/changes?since={seen}"))["changes"]
            return found

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send a control request, and return its answer.

        Raises:
            ImpossibleError: The stand-in refused it.
        """
        if self._session is None:
            raise RuntimeError("use it as an async context manager")
        sent = None if body is None else BytesIO(json.dumps(body).encode())  # perhaps with a large file
        async with self._session.request(method, self._control + path, data=sent) as reply:
            if not reply.ok:
                raise ImpossibleError(await reply.text())
            found: Json = await reply.json()
            return found


@dataclass(frozen=True)
class Person:
    """A person at a keyboard."""

    workspace: Workspace
    id: str

    async def command(self, line: str, channel: str = "C0SUPPORT") -> Heard:
        """Type a slash command, such as `/calls help`, into a channel."""
        name, _, text = line.partition(" ")
        return await self._do("command", channel=channel, command=name, text=text.strip())

    async def click(
        self,
        where: Message | View,
        action_id: str | None = None,
        *,
        text: str | None = None,
        block_id: str | None = None,
        value: object = None,
        confirm: bool = True,
        stale: bool = False,
    ) -> Heard:
        """Press a button, by id or text, or choose `value` in a menu, and answer its confirm dialog.

        With `stale`, this person's screen does not show the message's last edit yet.
        """
        place = (
            {"view_id": where.id} if isinstance(where, View) else {"channel": where.channel, "ts": where.ts}
        )
        found = {"action_id": action_id, "text": text, "block_id": block_id, "stale": stale}
        return await self._do("click", **place, **found, value=value, confirm=confirm)

    async def double_click(
        self, message: Message, action_id: str | None = None, *, text: str | None = None
    ) -> Heard:
        """Press a button twice, before the first press can be answered."""
        found = {"channel": message.channel, "ts": message.ts, "action_id": action_id, "text": text}
        return await self._do("click", **found, confirm=True, times=2)

    async def fill(self, view: View, values: Mapping[str, object]) -> View:
        """Type into inputs, named by block_id, action_id or label. Return the changed modal."""
        heard = await self._do("fill", view_id=view.id, typed=_typed(view, values))
        return heard.view or view

    async def pick(self, view: View, name: str, *files: tuple[str, bytes]) -> View:
        """Pick files, each a name and its content, in a file input. Return the changed modal."""
        sent = [{"name": one, "content": b64encode(content).decode()} for one, content in files]
        heard = await self._do("pick", view_id=view.id, block_id=_input(view, name), files=sent)
        return heard.view or view

    async def submit(self, view: View, values: Mapping[str, object] | None = None) -> Heard:
        """Type into inputs and press the modal's submit button."""
        return await self._do("submit", view_id=view.id, typed=_typed(view, values or {}))

    async def close(self, view: View) -> Heard:
        """Close the modal without submitting it."""
        return await self._do("close", view_id=view.id)

    async def open_home(self) -> None:
        """Open the app's Home tab."""
        await self._do("home")

    async def home(self) -> View | None:
        """Return the app's Home tab as this person sees it, None if nothing was ever published."""
        return _view((await self._screen())["home"])

    async def shortcut(self, callback_id: str, message: Message | None = None) -> Heard:
        """Use a global shortcut, or one on a message."""
        place = {"channel": message.channel, "ts": message.ts} if message else {}
        return await self._do("shortcut", callback_id=callback_id, **place)

    async def say(self, text: str, channel: str = "C0SUPPORT", thread: Message | None = None) -> Heard:
        """Write a message."""
        return await self._do("say", channel=channel, text=text, thread_ts=thread.ts if thread else None)

    async def be_away(self, *, away: bool = True) -> None:
        """Set this person's presence to away or active."""
        await self._do("presence", away=away)

    async def channel(self, channel: str) -> list[Message]:
        """Return a channel's messages as this person sees them, oldest first, replies in their threads."""
        return _threaded([one for one in await self.messages() if one.channel == channel])

    async def direct(self) -> list[Message]:
        """Return the app's direct messages to this person."""
        return _threaded([one for one in await self.messages() if one.channel.startswith("D")])

    async def ephemerals(self) -> list[Message]:
        """Return the messages that only this person sees."""
        return [one for one in await self.messages() if one.ephemeral_to]

    async def messages(self) -> list[Message]:
        """Return all messages that this person sees, oldest first, including replies."""
        return [_message(one) for one in (await self._screen())["messages"]]

    async def view(self) -> View | None:
        """Return the modal that this person sees, or None."""
        return _view((await self._screen())["view"])

    async def wait_for(self, wanted: Callable[[Message], bool], within: float = WAIT) -> Message:
        """Wait until this person sees a wanted message, and return the newest.

        Raises:
            TimeoutError: None has come in time.
        """

        async def look() -> Message | None:
            return next((one for one in reversed(await self.messages()) if wanted(one)), None)

        return await self.workspace.until(look, within)

    async def wait_for_view(self, wanted: Callable[[View], bool] = bool, within: float = WAIT) -> View:
        """Wait until this person sees a wanted modal. Raises `TimeoutError`."""

        async def look() -> View | None:
            view = await self.view()
            return view if view and wanted(view) else None

        return await self.workspace.until(look, within)

    async def _screen(self) -> Json:
        return await self.workspace.ask("GET", f"/people/{self.id}")

    async def _do(self, act: str, **body: object) -> Heard:
        told = await self.workspace.ask("POST", f"/people/{self.id}/{act}", body)
        return Heard(
            messages=tuple(map(_message, told["messages"])),
            view=_view(told["view"]),
            error=told.get("error"),
            errors=told.get("errors", {}),
            confirm=told.get("confirm"),
        )


def _typed(view: View, values: Mapping[str, object]) -> list[Json]:
    return [{"block_id": _input(view, name), "value": value} for name, value in values.items()]


def _input(view: View, name: str) -> str:
    for block in (one for one in view.blocks if one["type"] == "input"):
        if name in {block["block_id"], block["element"]["action_id"], block["label"]["text"]}:
            return str(block["block_id"])
    raise ImpossibleError(f"there is no input {name!r}")


def _message(raw: Json) -> Message:
    return Message(**_known(Message, raw))


def _view(raw: Json | None) -> View | None:
    return View(**_known(View, raw)) if raw else None


def _known(kind: type, raw: Json) -> Json:
    kept = {name: raw[name] for name in (one.name for one in fields(kind)) if name in raw}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}


def _threaded(messages: list[Message]) -> list[Message]:
    """Return root messages with their replies."""
    replies = [one for one in messages if one.thread_ts not in {None, one.ts}]
    return [
        replace(root, replies=tuple(one for one in replies if one.thread_ts == root.ts))
        for root in messages
        if root.thread_ts in {None, root.ts}
    ]

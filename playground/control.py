"""Control routes of the Slack stand-in, over HTTP: act as people, see their screens, and cause failures."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from playground import forms
from playground.content import BOT_USER
from playground.interactions import ImpossibleError, Interactions
from playground.opened import Opened, check_opened
from playground.trouble import Trouble, Troubles
from playground.workspace import Json, Message, RefusedError, View, Workspace

Handler = Callable[[Request], Awaitable[Response]]
PING = re.compile(r"<(!channel|!here|!everyone|!subteam\^\w+|@[UW]\w+)(?:\|[^>]*)?>")
LONGEST_WAIT = 10.0  # seconds that a request for changes may hang


@dataclass(frozen=True)
class Control:
    """The control routes of a workspace, mounted below /control."""

    workspace: Workspace
    interactions: Interactions
    troubles: Troubles
    opened: Opened

    def routes(self) -> list[BaseRoute]:
        """Return every route. The reply to an invalid or impossible act is 409 with a sentence."""
        return [
            Route("/state", self.state),
            Route("/reset", self.reset, methods=["POST"]),
            Route("/changes", self.changes),
            Route("/watch", _checked(self.watch)),
            Route("/people/{person}", self.screen),
            Route("/people/{person}/{act}", _checked(self.act), methods=["POST"]),
            Route("/trouble", _checked(self.trouble), methods=["POST"]),
            Route("/trouble", self.heal, methods=["DELETE"]),
            Route("/sockets/{does}", _checked(self.sockets), methods=["POST"]),
            Route("/channels/{channel}", _checked(self.channel), methods=["POST"]),
            Route("/request_url", _checked(self.request_url), methods=["POST"]),
            Route("/events", _checked(self.event), methods=["POST"]),
        ]

    async def state(self, _: Request) -> Response:
        """Return everything: calls, deliveries, faults, messages, views, channels and people."""
        workspace = self.workspace
        return JSONResponse(
            {
                "journal": workspace.journal,
                "deliveries": self.interactions.socket.deliveries,
                "faults": workspace.faults,
                "messages": [self._message(message) for message in workspace.messages],
                "views": [self._view(view) for view in workspace.views.values()],
                "channels": [
                    asdict(one) | {"members": sorted(one.members)} for one in workspace.channels.values()
                ],
                "users": [asdict(user) for user in workspace.users.values()],
                "connected": self.interactions.socket.connected,
                "muted": self.interactions.socket.muted,
                "changes": workspace.changes,
            }
        )

    async def reset(self, _: Request) -> Response:
        """Reset Slack to its initial state."""
        self.workspace.start_over()
        self.troubles.planned.clear()
        self.troubles.latency = self.troubles.ahead = 0
        self.interactions.socket.deliveries.clear()
        self.interactions.socket.twice = self.interactions.socket.refusing = 0
        self.interactions.socket.treat(None, 0)
        self.interactions.socket.request_url.url = None
        return JSONResponse({})

    async def changes(self, request: Request) -> Response:
        """Return the number of the newest change, once it exceeds `since` or after a timeout."""
        since = int(request.query_params.get("since", "0"))
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self.workspace.changed_since(since)
        except TimeoutError:
            pass  # the client asks again
        return JSONResponse({"changes": self.workspace.changes})

    async def watch(self, request: Request) -> Response:
        """Return changes after `since`, and entries after the first `calls`, `deliveries` and `refused`.

        Waits for a change. Every message has its viewers in `seen_by`, even a deleted one. `views` are the
        modals that people see now, and `homes` their Home tabs. Channels and trouble are always complete.
        """
        asked = {name: int(value) for name, value in request.query_params.items()}
        since, workspace = asked.get("since", 0), self.workspace
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await workspace.changed_since(since)
        except TimeoutError:
            pass  # the client asks again
        tops = ((person, workspace.top(person)) for person in workspace.stacks)
        return JSONResponse(
            {
                "changes": workspace.changes,
                "messages": [
                    self._message(message) | {"seen_by": self._seers(message)}
                    for message in workspace.messages
                    if message.changed > since
                ],
                "views": {person: self._view(view) for person, view in tops if view},
                "homes": {person: self._view(home) for person, home in workspace.homes.items()},
                "channels": [
                    asdict(one) | {"members": sorted(one.members)} for one in workspace.channels.values()
                ],
                "calls": workspace.journal[asked.get("calls", 0) :],
                "deliveries": self.interactions.socket.deliveries[asked.get("deliveries", 0) :],
                "refused": workspace.faults[asked.get("refused", 0) :],
                "trouble": [asdict(one) for one in self.troubles.planned if one.times > 0],
                "twice": self.interactions.socket.twice,
                "connected": self.interactions.socket.connected,
            }
        )

    async def screen(self, request: Request) -> Response:
        """Return a person's screen: messages in channels, threads and direct messages, and the open modal."""
        return JSONResponse(self._screen(request.path_params["person"], since=0))

    async def act(self, request: Request) -> Response:
        """Act as a person, and return what is new on that person's screen."""
        person, act = request.path_params["person"], request.path_params["act"]
        if person not in self.workspace.users:
            raise ImpossibleError(f"nobody is called {person}")
        before = self.workspace.changes
        body = await request.json()
        if act == "pick":
            outcome = self.interactions.pick(person, body["view_id"], body)
        else:
            outcome = await self._do(person, act, body)
        return JSONResponse({**self._screen(person, since=before), **outcome})

    async def _do(self, person: str, act: str, body: Json) -> Json:
        does, code = self.interactions, None
        match act:
            case "command":
                code = await does.command(person, body["channel"], body["command"], body["text"])
            case "click":
                return await does.click(person, body, body.get("value"), confirmed=body["confirm"])
            case "fill":
                does.fill(person, body["view_id"], body["typed"])
            case "submit":
                does.fill(person, body["view_id"], body["typed"])
                return await does.submit(person, body["view_id"])
            case "close":
                await does.close(person, body["view_id"])
            case "shortcut":
                code = await does.shortcut(person, body["callback_id"], body.get("channel"), body.get("ts"))
            case "home":
                does.open_home(person)
            case "presence":
                (does.workspace.away.add if body["away"] else does.workspace.away.discard)(person)
            case "say":
                does.say(person, body["channel"], body["text"], body.get("thread_ts"))
            case _:
                raise ImpossibleError(f"people do not {act}")
        return {"error": code}

    async def trouble(self, request: Request) -> Response:
        """Plan trouble for a method, or set the delay of every answer or the clock's offset, in seconds."""
        body = await request.json()
        self.troubles.latency = body.pop("latency", self.troubles.latency)
        self.troubles.ahead = body.pop("ahead", self.troubles.ahead)
        if body:
            self.troubles.planned.append(Trouble(**body))
        self.workspace.touch()
        return JSONResponse({})

    async def heal(self, _: Request) -> Response:
        """Cancel all planned trouble."""
        self.troubles.planned.clear()
        self.workspace.touch()
        return JSONResponse({})

    async def sockets(self, request: Request) -> Response:
        """Disturb the Socket Mode connections: `twice`, `disconnect`, `silence`, `refuse` or `treat`."""
        body, socket = await request.json(), self.interactions.socket
        match request.path_params["does"]:
            case "twice":
                socket.twice += body["times"]
            case "disconnect":
                await socket.disconnect(body["reason"])
            case "silence":
                socket.fall_silent()
            case "refuse":
                socket.refusing += body["times"]
            case "treat":
                socket.treat(body["treatment"], body["times"])
            case other:
                raise ImpossibleError(f"connections do not {other}")
        self.workspace.touch()
        return JSONResponse({})

    async def request_url(self, request: Request) -> Response:
        """Set the app's request URL for HTTP, or None for Socket Mode."""
        url = (await request.json())["url"]
        if url is not None:
            check_opened(url, self.opened)
        self.interactions.socket.request_url.url = url
        self.workspace.touch()
        return JSONResponse({})

    async def channel(self, request: Request) -> Response:
        """Archive a channel, make it private, or remove or add the app."""
        body, channel = await request.json(), self.workspace.channel(request.path_params["channel"])
        channel.archived = body.get("archived", channel.archived)
        channel.private = body.get("private", channel.private)
        if "app" in body:
            (channel.members.add if body["app"] else channel.members.discard)(BOT_USER)
        return JSONResponse({})

    async def event(self, request: Request) -> Response:
        """Publish an event of the Events API."""
        self.interactions.event(await request.json())
        return JSONResponse({})

    def _screen(self, person: str, since: int) -> Json:
        view, home = self.workspace.top(person), self.workspace.homes.get(person)
        seen = [message for message in self.workspace.seen_by(person) if message.changed > since]
        return {
            "messages": [self._message(message) for message in seen],
            "view": self._view(view) if view and view.changed > since else None,
            "home": self._view(home) if home else None,
            "changes": self.workspace.changes,
        }

    def _seers(self, message: Message) -> list[str]:
        members = self.workspace.channels[message.channel].members
        return sorted(members if message.ephemeral_to is None else members & {message.ephemeral_to})

    def _message(self, message: Message) -> Json:
        return asdict(message) | {"pings": pings(message)}

    def _view(self, view: View) -> Json:
        found = {name: value for name, value in asdict(view).items() if name not in {"typed", "payload"}}
        return {**found, **view.payload, "values": forms.values(view.payload["blocks"], view.typed)}


def _checked(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        try:
            return await handler(request)
        except (ImpossibleError, RefusedError, ValueError) as error:
            return PlainTextResponse(str(error), status_code=409)

    return checked


def pings(message: Message) -> list[str]:
    """Return the mentions in a message's text and mrkdwn: `!channel`, `@U…`, `!subteam^S…`."""

    def texts(node: object) -> Iterator[str]:
        match node:
            case {"type": "mrkdwn", "text": str(text)}:
                yield text
            case dict():
                for child in node.values():
                    yield from texts(child)
            case list():
                for child in node:
                    yield from texts(child)

    found = [match[1] for text in (message.text, *texts(message.blocks)) for match in PING.finditer(text)]
    return list(dict.fromkeys(found))

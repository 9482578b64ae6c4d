"""The Slack stand-in: Web API, Socket Mode, response URLs and control routes, on loopback."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.utils import formatdate
from typing import cast
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from playground import content
from playground.control import Control
from playground.files import LOGIN_PAGE
from playground.interactions import Interactions
from playground.manifest import Manifest
from playground.opened import Opened, nothing_opened
from playground.serving import HOST, listen, served
from playground.socket_mode import SocketMode
from playground.trouble import Trouble, Troubles
from playground.web.guard import OwnAddress
from playground.webapi import METHODS, WebApi
from playground.workspace import Json, Patience, RefusedError, Workspace

NOT_KEPT = {"token"}  # never in the journal


@dataclass(frozen=True)
class Slack:
    """A running stand-in: its address, and its state for tests in the same process."""

    address: str
    workspace: Workspace
    socket: SocketMode


async def start(
    stack: AsyncExitStack,
    *,
    port: int = 0,
    workspace: content.Content | None = None,
    manifest: Manifest | None = None,
    patience: Patience | None = None,
    clock: Callable[[], float] = time.time,
    routes: Sequence[BaseRoute] = (),
    opened: Opened = nothing_opened,
) -> Slack:
    """Start a Slack stand-in on a loopback port until the stack is closed.

    Args:
        stack: Stops the stand-in when it is closed.
        port: The port. 0 takes any free one.
        workspace: The people and channels.
        manifest: The app's permissions. Without one, everything is granted.
        patience: How long Slack waits, in seconds.
        clock: Returns seconds since 1970.
        routes: Further control routes, mounted below /control/providers.
        opened: Returns the addresses at which an app may be reached over HTTP.
    """
    listening = listen(port)
    address = f"http://{HOST}:{listening.getsockname()[1]}"
    state = Workspace(workspace or content.read(), patience or Patience(), clock)
    granted, links, troubles = manifest or Manifest(), SocketMode(state), Troubles()
    api = WebApi(state, granted, links.new_url, address)

    def hook_url(kind: str, secret: str) -> str:
        return f"{address}/hooks/{kind}/{content.TEAM_ID}/{secret}"

    interactions = Interactions(state, granted, links, api, hook_url)
    front = _Front(state, api, interactions, troubles)
    control = Control(state, interactions, troubles, opened)
    app = Starlette(
        routes=[
            Route("/api/{method}", front.call, methods=["GET", "POST"]),
            Route("/hooks/{kind}/{team}/{secret}", front.respond, methods=["POST"]),
            Route("/upload/v1/{id}", front.take_file, methods=["POST"]),
            Route("/upload/v1/{id}", front.give_file, methods=["GET"]),
            Route("/files-pri/{team}-{id}/download/{name}", front.give_private, methods=["GET"]),
            Route("/files-pri/{team}-{id}/{name}", front.give_private, methods=["GET"]),
            Mount("/control", routes=[Mount("/providers", routes=list(routes)), *control.routes()]),
        ]
    )
    await links.start(stack)
    await stack.enter_async_context(served(OwnAddress(app, listening.getsockname()[1]), listening))
    return Slack(address, state, links)


@dataclass(frozen=True)
class _Front:
    """The HTTP endpoints for the app."""

    workspace: Workspace
    api: WebApi
    interactions: Interactions
    troubles: Troubles

    async def call(self, request: Request) -> Response:
        """Handle a Web API call: record, delay, disturb and perform it."""
        method = request.path_params["method"]
        try:
            args = await _arguments(request)
        except RefusedError as refused:
            return JSONResponse({"ok": False, "error": refused.code})
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip() or args.get("token")
        entry: Json = {"at": self.workspace.clock(), "method": method, "answer": None}
        entry |= {"args": {name: value for name, value in args.items() if name not in NOT_KEPT}}
        self.workspace.journal.append(entry)
        await asyncio.sleep(self.troubles.latency)
        trouble = self.troubles.next(method, args)
        entry["trouble"] = trouble.does if trouble else None
        if trouble is None or trouble.after_effect:
            entry["answer"] = self.api.call(method, token, args)
        self.workspace.touch()
        if trouble:
            return await _troubled(trouble, request)
        return JSONResponse(entry["answer"], headers=self._scopes(method) | self._date())

    async def respond(self, request: Request) -> Response:
        """Handle a `response_url`. A used or unknown one answers 404 with a code (second-hand)."""
        try:
            self.interactions.respond(request.path_params["secret"], await request.json())
        except RefusedError as refused:
            known = {"invalid_url", "expired_url", "used_url"}
            answer = {"ok": False, "error": refused.code}
            return JSONResponse(answer, status_code=404 if refused.code in known else 400)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, status_code=400)
        return JSONResponse({"ok": True})

    async def take_file(self, request: Request) -> Response:
        """Store the bytes of a file, sent to the address that was issued for it."""
        file = self.workspace.uploads.get(request.path_params["id"])
        if file is None:
            return PlainTextResponse("not found", status_code=404)
        file.content = await request.body()
        return PlainTextResponse(f"OK - {len(file.content)}")

    async def give_file(self, request: Request) -> Response:
        """Serve a shared file."""
        file = self.workspace.uploads.get(request.path_params["id"])
        if file is None or file.content is None or file.channel is None:
            return PlainTextResponse("not found", status_code=404)
        shown = {"content-disposition": "attachment"}
        return Response(file.content, media_type="application/octet-stream", headers=shown)

    async def give_private(self, request: Request) -> Response:
        """Serve a file to the app's token. Anyone else gets the login page, with status 200.

        Source: `playground.files.LOGIN_PAGE`. Trouble is planned for the name `files.download`.
        """
        if trouble := self.troubles.next("files.download", {}):
            return await _troubled(trouble, request)
        granted = self.api.manifest.scopes
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token != content.BOT_TOKEN or not (granted is None or "files:read" in granted):
            return HTMLResponse(LOGIN_PAGE)
        file = self.workspace.uploads.get(request.path_params["id"])
        if file is None or file.content is None or file.deleted:
            return PlainTextResponse("not found", status_code=404)
        return Response(file.content, media_type=file.mimetype)

    def _scopes(self, method: str) -> dict[str, str]:
        # second-hand: every answer's headers have the token's scopes, and those that the method accepts
        known = METHODS.get(method)
        accepted = [*known.scopes, *filter(None, [known.scope])] if known else []
        every = sorted({scope for one in METHODS.values() for scope in (one.scope, *one.scopes) if scope})
        granted = self.api.manifest.scopes
        own = ",".join(["commands", *every] if granted is None else granted)
        return {"x-oauth-scopes": own, "x-accepted-oauth-scopes": ",".join(accepted)}

    def _date(self) -> dict[str, str]:
        now = self.workspace.clock() + self.troubles.ahead
        return {"date": formatdate(now, usegmt=True)}


async def _arguments(request: Request) -> Json:
    """Return the arguments of a call: its query, and a form or JSON body."""
    args: Json = dict(request.query_params)
    body = (await request.body()).decode("utf-8", "replace")
    if request.headers.get("content-type", "").startswith("application/json"):
        # second-hand: the errors that every method's page lists, invalid_json and json_not_object
        try:
            found = json.loads(body or "{}")
        except ValueError as error:
            raise RefusedError("invalid_json") from error
        if not isinstance(found, dict):
            raise RefusedError("json_not_object")
        return args | found
    return args | dict(parse_qsl(body, keep_blank_values=True))


async def _troubled(trouble: Trouble, request: Request) -> Response:
    match trouble.does:
        case "ratelimited":  # the form that slack_sdk's RateLimitErrorRetryHandler reads
            answer = {"ok": False, "error": "ratelimited"}
            return JSONResponse(answer, status_code=429, headers={"Retry-After": str(trouble.retry_after)})
        case "server_error":
            return Response("upstream failure", status_code=500, media_type="text/html")
        case "error":
            return JSONResponse({"ok": False, "error": trouble.code})
        case "garbled":
            return Response('{"ok": tr', media_type="application/json")
        case "silence":
            while (await request.receive())["type"] != "http.disconnect":
                pass
        case "reset":
            cast("asyncio.Transport", request.scope["state"]["transport"]).abort()
            await asyncio.sleep(0)
    return Response()  # nobody is there to read it

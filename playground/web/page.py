"""The page's server: its files, its acts, and the stream of events."""

import mimetypes
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from playground.people import Workspace
from playground.web.actions import Actions
from playground.web.browsers import Browser
from playground.web.cast import CAST
from playground.web.feed import Feed
from playground.web.guard import Guard

STATIC = Path(__file__).parent / "static"


def create_app(feed: Feed, slack: Workspace, hosts: frozenset[str]) -> ASGIApp:
    """Return the page's app over a workspace. ``hosts`` are the names to which it answers."""
    mimetypes.add_type("text/javascript", ".js")  # browsers insist, whatever this machine's tables say

    async def live(request: Request) -> Response:
        person = request.path_params["person"]
        if person not in CAST:
            return PlainTextResponse(f"nobody is called {person}", HTTPStatus.NOT_FOUND)
        browser = Browser(person)

        async def stream() -> AsyncIterator[str]:
            feed.add(browser)
            try:
                async for told in browser.stream():
                    yield told
            finally:
                feed.browsers.remove(browser)

        return StreamingResponse(stream(), media_type="text/event-stream")

    app = Starlette(
        routes=[
            Route("/live/{person}", live),
            Mount("/do", routes=Actions(slack, feed).routes()),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ]
    )
    return Guard(app, hosts)

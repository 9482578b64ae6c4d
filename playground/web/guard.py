"""Protects the page from all other pages and machines, and them from the page.

Another page can point its own name at 127.0.0.1 (DNS rebinding), or send requests without reading the
answers. So the server answers only to its own name, and acts only on JSON from its own origin.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.serving import HOST

# w3.org/TR/CSP3, w3.org/TR/trusted-types: nothing from elsewhere, and no text that becomes markup or code
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SAFE: Final = frozenset({"GET", "HEAD"})


def foreign(headers: Mapping[str, str], hosts: frozenset[str]) -> str | None:
    """Return why a request comes from another page or is for another name, as a sentence, or None."""
    origin = headers.get("origin")
    if headers.get("host") not in hosts:
        return "This page answers to its own address only."
    if origin is not None and origin not in {f"http://{host}" for host in hosts}:
        return "Another page may not ask this one."
    return None


class OwnAddress:
    """ASGI middleware for a stand-in that programs call and pages do not.

    Only a file may be opened from elsewhere, by anyone who knows its address.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app, self._hosts = app, frozenset({f"{HOST}:{port}", f"localhost:{port}"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        headers = Headers(scope=scope)
        refusal = foreign(headers, self._hosts)
        is_file = scope["method"] in SAFE and scope["path"].startswith("/upload/")
        # Browsers send it with each request, even with those that have no origin, such as an image's.
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not is_file:
            refusal = refusal or "Another page may not ask this."
        app = self._app if refusal is None else PlainTextResponse(refusal, HTTPStatus.FORBIDDEN)
        await app(scope, receive, send)


class Guard:
    """ASGI middleware that accepts only requests to ``hosts`` (such as ``127.0.0.1:4800``)."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on and add the headers."""
        refusal = self.refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else PlainTextResponse(refusal, HTTPStatus.FORBIDDEN)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, with_headers)

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Return why a request is refused, or None."""
        refusal = foreign(headers, self._hosts)
        if refusal or method in SAFE:
            return refusal
        if "origin" not in headers or headers.get("content-type") != "application/json":
            return "Only the page itself acts here, with JSON."
        return None

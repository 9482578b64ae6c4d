"""What keeps every other page and machine away from this one, and this one from everything else.

A page elsewhere can point its own name at 127.0.0.1 (DNS rebinding) or send us requests without reading the
answers; so we answer only to our own name, and act only on JSON from our own origin.
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
    """Return why a request is another page's or for another name, as a sentence; None: it is neither."""
    origin = headers.get("origin")
    if headers.get("host") not in hosts:
        return "This page answers to its own address only."
    if origin is not None and origin not in {f"http://{host}" for host in hosts}:
        return "Another page may not ask this one."
    return None


class OwnAddress:
    """ASGI middleware before a stand-in, which programs ask and no page does.

    A file alone may be opened from elsewhere, by whoever knows its address.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app, self._hosts = app, frozenset({f"{HOST}:{port}", f"localhost:{port}"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        headers = Headers(scope=scope)
        refusal = foreign(headers, self._hosts)
        is_file = scope["method"] in SAFE and scope["path"].startswith("/upload/")
        # A browser says it of each request, also of those to which it adds no origin, such as an image's.
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not is_file:
            refusal = refusal or "Another page may not ask this."
        app = self._app if refusal is None else PlainTextResponse(refusal, HTTPStatus.FORBIDDEN)
        await app(scope, receive, send)


class Guard:
    """ASGI middleware: only requests to ``hosts`` (such as ``127.0.0.1:4800``) get through."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and add the headers."""
        refusal = self.refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else PlainTextResponse(refusal, HTTPStatus.FORBIDDEN)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, with_headers)

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is not answered; None when it is."""
        refusal = foreign(headers, self._hosts)
        if refusal or method in SAFE:
            return refusal
        if "origin" not in headers or headers.get("content-type") != "application/json":
            return "Only the page itself acts here, with JSON."
        return None

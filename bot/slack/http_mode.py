"""A guard for Slack's HTTP requests, which checks sender and shape before Bolt reads them.

Bolt's own adapter answers behind the guard. Bolt alone reads bodies of any size, and logs requests with a
wrong signature. It answers 500 to a timestamp that is not a number, and to a body that is not of Slack's
shape (https://docs.slack.dev/authentication/verifying-requests-from-slack). No content of a request is
logged.
"""

import asyncio
import hashlib
import hmac
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from pydantic_core import from_json
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH: Final = "/slack/events"
MAX_BODY: Final = 1024 * 1024
"""Bytes. A view with everything that was typed has at most 250 kB."""
MAX_HELD: Final = 64 * MAX_BODY
"""Bytes of all bodies that are being read. Above it, the oldest body is dropped. A body can be checked as
Slack's only once it is complete."""
MAX_DISCARDED: Final = 32 * MAX_BODY
"""Bytes that are read and discarded. If a connection is closed on unread bytes, its answer is lost."""
BODY_WITHIN: Final = 2.5
"""Seconds. Slack gives up after three."""
NOT_OLDER: Final = 300
"""Seconds that a timestamp may be off, as Slack recommends."""
MAX_CONCURRENT: Final = 1024
"""Requests of Slack's answered at a time. Further ones are answered with 503, so that Slack retries them."""
FIELDS: Final = 200
"""Fields of a form. A slash command has some fifteen."""

_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_log = logging.getLogger(__name__)


class Guard:
    """An ASGI app that passes Slack's requests to Bolt and rejects all others."""

    def __init__(self, app: ASGIApp, signing_secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._secret = signing_secret.encode()
        self._clock = clock
        self._bodies = _Bodies()
        self._room = asyncio.Semaphore(MAX_CONCURRENT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED)
            return
        with self._bodies.one() as kept:
            wrong = await self._read(scope, receive, kept)
            body = bytes(kept)
        wrong = wrong or self._look(Headers(scope=scope), body)
        if wrong is None and self._room.locked():
            wrong = HTTPStatus.SERVICE_UNAVAILABLE
        if wrong:
            self._tell(wrong)
            await _answer(send, wrong)
            return
        answered = _Answered(send)
        try:
            async with self._room:
                await self._app(scope, _replay(body, receive), answered)
        except Exception as error:  # noqa: BLE001 - its text may hold the request, so only its type is logged
            _log.error("A request of Slack's could not be answered: %s", type(error).__name__)
            if not answered.begun:
                await _answer(send, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _tell(self, wrong: HTTPStatus) -> None:
        """Log that a request was rejected."""
        _log.warning(
            "A request to %s was answered %d %s.%s",
            PATH,
            wrong.value,
            wrong.phrase,
            " If it came from Slack, this machine's clock is off or SLACK_SIGNING_SECRET is another app's."
            if wrong is HTTPStatus.UNAUTHORIZED
            else "",
        )

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> HTTPStatus | None:
        """Read a whole body. Return the status to reject the request with, or None."""
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        wrong: HTTPStatus | None = None
        if not length.isdecimal() or int(length[:20]) > MAX_BODY:
            wrong = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        elif not self._is_of_now(headers):
            wrong = HTTPStatus.UNAUTHORIZED
        read, more = 0, True
        try:
            async with asyncio.timeout(BODY_WITHIN):
                while more and read < MAX_DISCARDED:
                    message = await receive()
                    if message["type"] != "http.request":
                        return HTTPStatus.BAD_REQUEST  # the sender is gone, so this status is never read
                    part, more = message.get("body", b""), message.get("more_body", False)
                    read += len(part)
                    if read > MAX_BODY:
                        wrong = wrong or HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                    if not wrong and not self._bodies.add(body, part):
                        wrong = HTTPStatus.SERVICE_UNAVAILABLE
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT
        return wrong

    def _is_of_now(self, headers: Headers) -> bool:
        sent = headers.getlist("x-slack-request-timestamp")
        if len(sent) != 1 or not _TIMESTAMP.fullmatch(sent[0].encode("latin-1")):
            return False
        return abs(self._clock() - int(sent[0])) <= NOT_OLDER

    def _look(self, headers: Headers, body: bytes) -> HTTPStatus | None:
        """Check signature and shape of a request. Return the status to reject it with, or None."""
        signed = headers.getlist("x-slack-signature")
        base = b"v0:%s:%s" % (headers["x-slack-request-timestamp"].encode("latin-1"), body)
        expected = f"v0={hmac.new(self._secret, base, hashlib.sha256).hexdigest()}".encode()
        if len(signed) != 1 or not hmac.compare_digest(signed[0].encode("latin-1"), expected):
            return HTTPStatus.UNAUTHORIZED
        try:
            found = _content(headers.get("content-type", ""), body.decode())
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        return None if _is_slacks(found) else HTTPStatus.BAD_REQUEST


class _Bodies:
    """The bodies that are being read, oldest first."""

    def __init__(self) -> None:
        self._all: OrderedDict[int, bytearray] = OrderedDict()
        self._held = 0

    @contextmanager
    def one(self) -> Iterator[bytearray]:
        """Yield an empty body, which is counted until the block ends."""
        body = bytearray()
        self._all[id(body)] = body
        try:
            yield body
        finally:
            self._drop(body)

    def add(self, body: bytearray, part: bytes) -> bool:
        """Add bytes to a body. Return False if it was dropped. Drop the oldest bodies to make room."""
        while self._held + len(part) > MAX_HELD:
            self._drop(next(iter(self._all.values())))
        if id(body) not in self._all:
            return False
        body += part
        self._held += len(part)
        return True

    def _drop(self, body: bytearray) -> None:
        if self._all.pop(id(body), None) is not None:
            self._held -= len(body)
            body.clear()


class HttpMode:
    """Bolt's ASGI adapter behind the guard. The server finishes open requests at the end."""

    def __init__(self, app: AsyncApp, signing_secret: str, *, clock: Callable[[], float] = time.time) -> None:
        adapter = AsyncSlackRequestHandler(app, path=PATH)
        self.guard = Guard(adapter, signing_secret, clock=clock)  # type: ignore[arg-type]  # Bolt's types

    async def start(self) -> None:
        """Do nothing, because Slack opens the connections."""

    def closed(self) -> str | None:
        """Return None: the token was valid at the start, and Slack sends requests as they come."""
        return None

    async def stop(self, _within: float) -> None:
        """Do nothing, because the server closes the connections."""


def _content(kind: str, text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the content of a body: an event is JSON, an interaction JSON in a form, a command a form.

    Raise `ValueError` for invalid JSON or too many fields.
    """
    if kind.partition(";")[0].strip().lower() == "application/json":
        return from_json(text, allow_inf_nan=False)
    form = parse_qs(text, keep_blank_values=True, max_num_fields=FIELDS)
    if "payload" in form:
        return from_json(form["payload"][0], allow_inf_nan=False)
    return {name: values[0] for name, values in form.items()}


def _is_slacks(found: object) -> bool:
    """Return whether the content has the shape of something that Slack sends."""
    match found:
        case (
            {"command": str(), "user_id": str(), "trigger_id": str()}
            | {"type": "event_callback", "event": {"type": str()}}
            | {"type": "block_actions", "user": {"id": str()}, "actions": [{"action_id": str()}, *_]}
            | {"type": "view_submission" | "view_closed", "user": {"id": str()}, "view": dict()}
            | {"type": "block_suggestion", "user": {"id": str()}, "action_id": str()}
            | {"type": "shortcut" | "message_action", "user": {"id": str()}, "callback_id": str()}
            | {"type": "url_verification", "challenge": str()}
            | {"type": "app_rate_limited"}
            | {"ssl_check": "1"}
        ):
            return True
        case _:
            return False


class _Answered:
    """A `Send` that remembers whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `Receive` that delivers a body that was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _answer(send: Send, status: HTTPStatus) -> None:
    """Send an empty answer that closes its connection, so that strangers keep none open."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": b""})

"""Requests to an app with a request URL: signed and encoded as Slack does it over HTTP.

Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack (the signature),
/interactivity/implementing-slash-commands (a form, whose text answer is a message),
/interactivity/handling-user-interaction (`payload` in a form) and /apis/events-api (JSON, the retries'
headers), read 2026-11.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

import aiohttp

from playground import PlaygroundError
from playground.content import SIGNING_SECRET
from playground.workspace import Json

AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


class NotTakenError(PlaygroundError):
    """There was no answer, or its status was not 200."""


@dataclass
class RequestUrl:
    """The app's request URL. Without a `url` the app is not reached over HTTP."""

    clock: Callable[[], float]
    url: str | None = None
    _session: aiohttp.ClientSession | None = None

    async def start(self, stack: AsyncExitStack) -> None:
        """Open the session for sending, until the stack is closed."""
        # A connection for each request: one that the app has closed meanwhile would look like a dead app.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

    async def send(
        self, kind: str, payload: Json, *, times: int = 1, attempt: int = 0, reason: str = ""
    ) -> Json | None:
        """Send the payload of a Socket Mode envelope of this kind, and return the answer.

        The same signed request is sent ``times`` times at once, and the first one's answer is returned.

        Raises:
            NotTakenError: There was no answer, or its status was not 200.
        """
        body, content_type = _encoded(kind, payload)
        stamp = str(int(self.clock()))
        headers = {"Content-Type": content_type, "User-Agent": AGENT, "X-Slack-Request-Timestamp": stamp}
        headers["X-Slack-Signature"] = signature(stamp, body)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": f"http_{reason}"}
        sent = [self._post(headers, body) for _ in range(times)]
        return (await asyncio.gather(*sent))[0]

    async def _post(self, headers: dict[str, str], body: bytes) -> Json | None:
        if self._session is None or self.url is None:
            raise NotTakenError("no request URL")
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as reply:
                text = await reply.text()
        except aiohttp.ClientError as error:
            raise NotTakenError(type(error).__name__) from error
        if reply.status != HTTPStatus.OK:
            raise NotTakenError(str(reply.status))
        if not text:
            return None
        if reply.content_type == "application/json":
            answer: Json = json.loads(text)
            return answer
        return {"text": text}


def signature(stamp: str, body: bytes, secret: str = SIGNING_SECRET) -> str:
    """Return Slack's signature of a request."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


def _encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    match kind:
        case "slash_commands":
            return urlencode(payload).encode(), "application/x-www-form-urlencoded"
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}).encode(), "application/x-www-form-urlencoded"
        case _:
            return json.dumps(payload).encode(), "application/json"

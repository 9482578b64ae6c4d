"""The client of Slack's Web API, as all of CallOps uses it, and what Slack answers to one call."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import SLACK_ERRORS, error_code, http_status

SLACK_ANSWERS_WITHIN = 10
"""Seconds until a call that has no answer is given up."""


def make_client(token: str, url: str) -> AsyncWebClient:
    """A client that makes each call once."""
    client = AsyncWebClient(
        token=token,
        base_url=url,
        timeout=SLACK_ANSWERS_WITHIN,
        retry_handlers=[],  # the library's own would post a message a second time after a lost answer
    )
    if is_loopback(url):
        client.proxy = None  # the library takes a proxy from the environment, even to this machine
    return client


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Told:
    """What Slack answered to one call.

    ``trouble`` is why there is no answer; ``refused`` whether that was Slack's own word, and no failure on
    the way; ``needed`` the scope it names. ``date`` is Slack's clock; ``heard`` is ours at that time;
    ``scopes`` are the token's.
    """

    answer: Mapping[str, Any] | None
    heard: datetime
    trouble: str | None = None
    refused: bool = False
    needed: str | None = None
    date: datetime | None = None
    scopes: frozenset[str] | None = None


def _now() -> datetime:
    return datetime.now(UTC)


async def told(call: Awaitable[AsyncSlackResponse], clock: Callable[[], datetime] = _now) -> Told:
    """Make a call and say what came of it, and when by a clock."""
    try:
        response = await call
    except SLACK_ERRORS as error:
        now = clock()
        if not isinstance(error, SlackApiError):
            return Told(None, now, _in_words(error))
        # Where the answer is not JSON, the library hands on the HTTP client's own response.
        said = getattr(error.response, "data", None)
        refused = isinstance(said, Mapping) and http_status(error) == HTTPStatus.OK
        needed = said.get("needed") if isinstance(said, Mapping) else None
        return Told(None, now, error_code(error), refused, needed, _date(error.response.headers))
    return answered(response, clock())


def answered(response: AsyncSlackResponse, heard: datetime) -> Told:
    """Return what an answer says, heard at that time."""
    headers = response.headers
    listed = headers.get("x-oauth-scopes")
    scopes = None if listed is None else frozenset(filter(None, map(str.strip, listed.split(","))))
    # The library's type says that an answer may be bytes; no method used here has such.
    return Told(dict(response.data), heard, date=_date(headers), scopes=scopes)  # type: ignore[arg-type]


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None


def _in_words(error: BaseException) -> str:
    """What kept Slack from answering."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "this machine finds no address for that name"
        case aiohttp.ClientSSLError():
            return "its certificate is not trusted on this machine"
        case aiohttp.ClientConnectorError():
            return "nobody there takes the connection"
        case TimeoutError():
            return "it did not answer in time"
        case _:
            return f"the connection broke ({error_code(error)})"

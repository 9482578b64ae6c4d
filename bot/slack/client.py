"""The client for Slack's Web API, and the result of a call."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import SLACK_ERRORS, error_code, http_status

SLACK_ANSWERS_WITHIN = 10
"""Seconds until a call without an answer fails."""


_METHOD: Final = re.compile(r"[a-z]+(\.[A-Za-z]+)+")


class RateLimitedCount(AsyncRetryHandler):
    """Counts Slack's answers of 429 by method. It retries nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.by_method = Counter[str]()

    async def can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        """Count an answer, and return False."""
        del state, error
        if response and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            method = request.url.rpartition("/")[2]
            self.by_method[method if _METHOD.fullmatch(method) else "other"] += 1
        return False


def make_client(token: str, url: str, *, watching: Sequence[AsyncRetryHandler] = ()) -> AsyncWebClient:
    """Return a client that makes each call once. ``watching`` see each answer, and retry nothing."""
    client = AsyncWebClient(
        token=token,
        base_url=url,
        timeout=SLACK_ANSWERS_WITHIN,
        retry_handlers=[*watching],  # the library's retries would post a message twice after a lost answer
    )
    if is_loopback(url):
        client.proxy = None  # the library would use the environment's proxy even for this machine
    return client


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class SlackAnswer:
    """The result of a call of the Web API.

    ``problem`` is why the call failed, and None if it did not. ``refused`` is True if Slack itself refused
    the call. ``needed`` is the scope that Slack names as missing. ``date`` is Slack's time, and ``heard`` is
    ours at the same moment. ``scopes`` are the token's.
    """

    answer: Mapping[str, Any] | None
    heard: datetime
    problem: str | None = None
    refused: bool = False
    needed: str | None = None
    date: datetime | None = None
    scopes: frozenset[str] | None = None


def _now() -> datetime:
    return datetime.now(UTC)


async def answer_of(call: Awaitable[AsyncSlackResponse], clock: Callable[[], datetime] = _now) -> SlackAnswer:
    """Make a call and return its result, with the time of the answer by ``clock``."""
    try:
        response = await call
    except SLACK_ERRORS as error:
        now = clock()
        if not isinstance(error, SlackApiError):
            return SlackAnswer(None, now, _in_words(error))
        # If the answer is not JSON, the library passes on the HTTP client's own response.
        said = getattr(error.response, "data", None)
        refused = isinstance(said, Mapping) and http_status(error) == HTTPStatus.OK
        needed = said.get("needed") if isinstance(said, Mapping) else None
        return SlackAnswer(None, now, error_code(error), refused, needed, _date(error.response.headers))
    return answered(response, clock())


def answered(response: AsyncSlackResponse, heard: datetime) -> SlackAnswer:
    """Return the result that an answer holds. It came at ``heard``."""
    headers = response.headers
    listed = headers.get("x-oauth-scopes")
    scopes = None if listed is None else frozenset(filter(None, map(str.strip, listed.split(","))))
    # The library's type allows bytes as an answer, but no method used here returns them.
    return SlackAnswer(dict(response.data), heard, date=_date(headers), scopes=scopes)  # type: ignore[arg-type]


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None


def _in_words(error: BaseException) -> str:
    """Return in words why no answer came."""
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

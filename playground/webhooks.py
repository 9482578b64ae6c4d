"""Webhooks of a provider, each sent as often as requested."""

from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from pydantic import Field, JsonValue

from playground.journal import Frozen

TIMEOUT = 5.0
"""Seconds. CallKaro's page "Webhooks", Best Practices: "Respond quickly"."""


class End(Frozen):
    """The end of an attempt at a call.

    ``reason`` is a word of the page "Hangup Reasons". ``attempt`` counts from 0. ``again`` is the time of the
    next attempt, or False (that it is a time is *assumed*).
    """

    reason: str = "CLIENT_INITIATED"
    attempt: int = 0
    again: str | bool = False


class Telling(Frozen):
    """A webhook's address, its content, and how often it is sent, since it may come more than once."""

    url: str
    times: int = Field(default=1, ge=1)
    end: End = Field(default_factory=End)


class Webhook(Frozen):
    """The address that is configured in a provider's dashboard for the ends of calls.

    ``times`` is how often each webhook is sent. ``deletions`` says whether deleted calls are told too.
    """

    url: str
    times: int = Field(default=1, ge=1)
    deletions: bool = False


@dataclass(frozen=True, slots=True)
class Callback:
    """A webhook to send. It is sent again after each of these times, until it is answered with 200."""

    name: str
    url: str
    document: JsonValue
    retries: tuple[timedelta, ...] = ()


async def tell(telling: Telling, document: JsonValue) -> list[int | None]:
    """Send a webhook, and return the status of each answer, None for an answer that did not come in time."""
    return [await send(telling.url, document) for _ in range(telling.times)]


async def send(url: str, document: JsonValue) -> int | None:
    """Send a webhook once, and return the status of its answer, None if none came in time."""
    waits = aiohttp.ClientTimeout(total=TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=waits) as session,
            session.post(url, json=document, allow_redirects=False) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None

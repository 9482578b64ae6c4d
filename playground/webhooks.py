"""Webhooks of a provider, each sent as often as requested."""

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


async def tell(telling: Telling, document: JsonValue) -> list[int | None]:
    """Send a webhook, and return the status of each answer, None for an answer that did not come in time."""
    waits = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(timeout=waits) as session:
        return [await _once(session, telling.url, document) for _ in range(telling.times)]


async def _once(session: aiohttp.ClientSession, url: str, document: JsonValue) -> int | None:
    try:
        async with session.post(url, json=document, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None

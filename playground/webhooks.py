"""What a provider tells by itself: a webhook, sent as often as somebody asks for."""

import aiohttp
from pydantic import Field, JsonValue

from playground.journal import Frozen

ANSWER_WITHIN = 5.0
"""Seconds. CallKaro's page "Webhooks", Best Practices: "Respond quickly"."""


class End(Frozen):
    """How one try of a call ended.

    ``reason`` is a word of the page "Hangup Reasons"; ``attempt`` counts the tries from 0; ``again`` is when
    the next one is, false where there is none (that it is a time is *assumed*).
    """

    reason: str = "CLIENT_INITIATED"
    attempt: int = 0
    again: str | bool = False


class Telling(Frozen):
    """Where a webhook goes, what it tells, and how often: nobody promises that it comes once."""

    url: str
    times: int = Field(default=1, ge=1)
    end: End = Field(default_factory=End)


async def tell(telling: Telling, document: JsonValue) -> list[int | None]:
    """Send a webhook; the status of each answer, None where there was none in time."""
    waits = aiohttp.ClientTimeout(total=ANSWER_WITHIN)
    async with aiohttp.ClientSession(timeout=waits) as session:
        return [await _once(session, telling.url, document) for _ in range(telling.times)]


async def _once(session: aiohttp.ClientSession, url: str, document: JsonValue) -> int | None:
    try:
        async with session.post(url, json=document, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None

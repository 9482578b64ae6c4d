"""How much a provider still takes: what its reply says of its rate, as a pause before the next request. Pure.

Voxworks documents ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining`` as strings, and no more about them;
they are believed of any provider that sends them. That the limit counts for a minute is *assumed*.
"""

from collections.abc import Mapping
from typing import Final

import httpx

from providers.actions import Code, LookupResult, Outcome
from providers.transport.response import Response

WINDOW: Final = 60.0
"""Seconds that ``X-RateLimit-Limit`` counts for: *assumed*."""

SHARE: Final = 4
"""When less than one in so many requests is left, the rest are spread over the window."""

DEFAULT_WAIT: Final = 5.0
"""Seconds to wait at least where a provider refuses for its rate, or has nothing left. Short on purpose: a
cancellation that comes too late does more harm than one more request that is refused."""

_MOST_DIGITS: Final = 9


def pause(headers: Mapping[str, str]) -> float | None:
    """Seconds to leave a connection alone after a reply with these headers (names in small letters)."""
    limit, left = (_count(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining"))
    if left == 0:
        return DEFAULT_WAIT
    if not limit or left is None or left * SHARE >= limit:
        return None
    return WINDOW / limit


def paused(outcome: Outcome, headers: Mapping[str, str]) -> Outcome:
    """An outcome with the pause that its reply asks for: a refusal for the rate pauses by itself."""
    refused = outcome.code is Code.RATE_LIMITED
    seconds = _asked(headers, refused=refused, retry_after=outcome.retry_after)
    return outcome.model_copy(update={"pause": seconds})


def put_off(sighting: LookupResult, reply: Response) -> LookupResult:
    """What a look-up's reply says of the rate: the pause it asks for, and whether it was an answer at all."""
    refused = sighting.put_off or reply.status == httpx.codes.TOO_MANY_REQUESTS
    seconds = _asked(dict(reply.headers), refused=refused, retry_after=reply.retry_after)
    return sighting.model_copy(update={"put_off": refused, "pause": seconds})


def _asked(headers: Mapping[str, str], *, refused: bool, retry_after: float | None) -> float | None:
    seconds = pause(headers)
    if not refused:
        return seconds
    return max(DEFAULT_WAIT, retry_after or 0.0, seconds or 0.0)


def _count(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else None

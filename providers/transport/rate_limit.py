"""Reads from a reply's headers how long a connection must pause before its next request.

Voxworks documents ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining`` as strings, and no more about them.
They are read from any provider's reply. That the limit applies to a minute is *assumed*.
"""

from collections.abc import Mapping
from typing import Final

import httpx

from providers.actions import Code, LookupResult, Outcome
from providers.transport.response import Response

WINDOW: Final = 60.0
"""Seconds to which ``X-RateLimit-Limit`` applies: *assumed*."""

SHARE: Final = 4
"""If less than this fraction (1/4) of the limit remains, requests are spread over the window."""

DEFAULT_WAIT: Final = 5.0
"""Seconds to wait, at least, when the rate limit is exceeded or used up.

It is short because a late cancellation does more harm than another rejected request.
"""

_MOST_DIGITS: Final = 9


def pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to pause after a reply with these headers (names in lower case), or None."""
    limit, left = (_count(headers.get(f"x-ratelimit-{name}")) for name in ("limit", "remaining"))
    if left == 0:
        return DEFAULT_WAIT
    if not limit or left is None or left * SHARE >= limit:
        return None
    return WINDOW / limit


def paused(outcome: Outcome, headers: Mapping[str, str]) -> Outcome:
    """Return the outcome with the pause that its reply asks for. An exceeded rate limit always has one."""
    refused = outcome.code is Code.RATE_LIMITED
    seconds = _asked(headers, refused=refused, retry_after=outcome.retry_after)
    return outcome.model_copy(update={"pause": seconds})


def put_off(sighting: LookupResult, reply: Response) -> LookupResult:
    """Return the look-up's result with its pause and with ``put_off``, by the reply's status and headers."""
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

"""How much a provider still takes: what its reply says of its rate, as a pause before the next request. Pure.

Voxworks documents ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining`` as strings, and no more about them;
they are believed of any provider that sends them. That the limit counts for a minute is *assumed*.
"""

from collections.abc import Mapping
from typing import Final

from providers.actions import Code, Outcome

WINDOW: Final = 60.0
"""Seconds that ``X-RateLimit-Limit`` counts for: *assumed*."""

SHARE: Final = 4
"""When less than one in so many requests is left, the rest are spread over the window."""

DEFAULT_WAIT: Final = 5.0
"""Seconds to wait where a provider refuses for its rate and names no time, or has nothing left. Short on
purpose: a cancellation that comes too late does more harm than one more request that is refused."""

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
    seconds = pause(headers)
    if outcome.code is Code.RATE_LIMITED:
        asked = DEFAULT_WAIT if outcome.retry_after is None else outcome.retry_after
        seconds = max(asked, seconds or 0.0)
    return outcome.model_copy(update={"pause": seconds})


def _count(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else None

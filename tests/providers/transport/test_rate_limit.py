from typing import Any

import pytest

from providers.actions import CampaignRef, Code, DeleteCampaign, Outcome, Retry, Status
from providers.transport.rate_limit import DEFAULT_WAIT, pause, paused
from tests.providers.made import CANCEL, DELETE, KEY, PLACE, ask, kore, ryng
from tests.providers.wire import reply, reset

LIMITED = Outcome(status=Status.FAILED, code=Code.RATE_LIMITED, message="Too many.", retry=Retry.AFTER)
DONE = Outcome(status=Status.OK, code=Code.CANCELLED, message="Cancelled.")


@pytest.mark.parametrize(
    ("limit", "left", "seconds"),
    [
        ("60", "60", None),
        ("60", "15", None),
        ("60", "14", 1.0),
        ("60", "1", 1.0),
        ("120", "1", 0.5),
        ("60", "0", DEFAULT_WAIT),
        (None, "0", DEFAULT_WAIT),
        ("0", "0", DEFAULT_WAIT),
        ("0", "5", None),
        ("60", None, None),
        (None, "1", None),
        (None, None, None),
        (" 60 ", " 3", 1.0),
        ("sixty", "1", None),
        ("60", "-1", None),
        ("6e1", "1", None),
        ("60", "1.5", None),
        ("٦٠", "1", None),
        ("9" * 400, "1", None),
    ],
)
def test_a_pause(limit: str | None, left: str | None, seconds: float | None) -> None:
    """Below a quarter of the limit the rest is spread over a minute. With none left, the wait is short."""
    given = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": left}
    assert pause({name: value for name, value in given.items() if value is not None}) == seconds


@pytest.mark.parametrize(
    ("outcome", "headers", "seconds"),
    [
        (LIMITED, {}, DEFAULT_WAIT),
        (LIMITED.model_copy(update={"retry_after": 30.0}), {}, 30.0),
        (LIMITED.model_copy(update={"retry_after": 0.0}), {"x-ratelimit-remaining": "0"}, DEFAULT_WAIT),
        (DONE, {}, None),
        (DONE, {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "2"}, 1.0),
    ],
)
def test_a_refusal_for_the_rate_pauses_by_itself(
    outcome: Outcome, headers: dict[str, str], seconds: float | None
) -> None:
    """A 429 pauses the connection for its Retry-After, or briefly without one."""
    assert paused(outcome, headers) == outcome.model_copy(update={"pause": seconds})


@pytest.mark.parametrize("status", [200, 400, 429, 500])
async def test_any_reply_may_slow_a_connection_down(status: int) -> None:
    """The rate headers of any reply count, whatever it means."""
    headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "3"}
    for action, of in ((PLACE, None), (DELETE, None), (CANCEL, None), (CANCEL, ryng)):
        outcome, _ = await ask(action, reply(status, {}, headers), of=of)
        assert outcome.pause == (DEFAULT_WAIT if status == 429 else 1.0)


async def test_a_429_without_a_readable_time_names_none() -> None:
    """`decide_next` chooses the wait then, and the pause is short all the same."""
    later: list[dict[str, str]] = [{}, {"Retry-After": "soon"}]
    for headers in later:
        outcome, _ = await ask(CANCEL, reply(429, {}, headers))
        assert (outcome.retry, outcome.retry_after, outcome.pause) == (Retry.AFTER, None, DEFAULT_WAIT)


async def test_kores_rate_text_pauses_too() -> None:
    """A rate limit in words alone pauses the connection as well."""
    delete = DeleteCampaign(target=CampaignRef(campaign_id="cd-1"))
    body = {"status": "error", "message": "Rate limit for this API has been reached"}
    outcome, _ = await ask(delete, reply(200, body), of=kore)
    assert (outcome.code, outcome.pause) == (Code.RATE_LIMITED, DEFAULT_WAIT)


async def test_headers_that_are_kept() -> None:
    """Only headers that explain a reply are kept, without secrets and numbers."""
    headers: dict[str, Any] = {
        "Content-Type": f"application/json; key={KEY}",
        "Retry-After": "+91 98765 43210",
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "59",
        "Date": "Tue, 30 Dec 2025 12:00:00 GMT",
        "Set-Cookie": f"session={KEY}",
        "X-Echo": KEY,
    }
    outcome, _ = await ask(PLACE, reply(200, {"status": "success", "call_id": "a1"}, headers))
    assert outcome.headers == (
        ("content-type", "application/json; key=[secret]"),
        ("retry-after", "+91\u00a0•••3210"),
        ("x-ratelimit-limit", "60"),
        ("x-ratelimit-remaining", "59"),
        ("date", "Tue, 30 Dec 2025 12:00:00 GMT"),
    )


async def test_no_reply_no_headers() -> None:
    """A missing answer has neither headers nor a pause."""
    outcome, _ = await ask(CANCEL, reset)
    assert (outcome.headers, outcome.pause) == ((), None)

"""A wrong clock, against the stand-in of Slack, with clocks that tests advance."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.http_mode import Guard
from bot.web import Health
from bot.workers.clock_check import EVERY, ClockCheck
from playground.request_url import signature
from tests.playground.slack_app import Stage, stage

SECRET = "of-a-test"
MINUTES = timedelta(minutes=6)


@dataclass
class Clock:
    """The computer's clocks: the wall clock may be off, the other only goes forward."""

    off: timedelta = timedelta()
    seconds: float = 1000.0
    said: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time of the wall clock."""
        return datetime.now(UTC) + self.off


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a stand-in of Slack."""
    async with stage() as running:
        yield running


def check(client: AsyncWebClient, clock: Clock, *, over_http: bool = True) -> ClockCheck:
    """Return a check that uses those clocks."""
    return ClockCheck(client, over_http=over_http, clock=clock.now, seconds=lambda: clock.seconds)


async def asked(on: Stage) -> int:
    """Return how often Slack was asked."""
    return len([one for one in (await on.people.state())["journal"] if one["method"] == "auth.test"])


@pytest.mark.parametrize(("off", "how"), [(MINUTES, "ahead of"), (-MINUTES, "behind")])
async def test_a_clock_that_is_off_is_a_warning_until_it_is_right(
    on: Stage, caplog: pytest.LogCaptureFixture, off: timedelta, how: str
) -> None:
    """`/readyz` and a single log line tell what to do, and CallOps continues."""
    caplog.set_level("INFO")
    clock = Clock()
    watched = check(on.client, clock)
    health = Health(clock=watched)
    await watched.run_once()
    assert health.warnings() == []
    clock.off, clock.seconds = off, clock.seconds + EVERY
    for _ in range(3):
        await watched.run_once()
        clock.seconds += EVERY
    [warning] = health.warnings()
    assert warning.startswith("This machine's clock is 3")
    assert f" s {how} Slack's. Let the machine keep its time by NTP." in warning
    assert warning.endswith("Slack's requests are turned away while it is more than 5 minutes off.")
    assert caplog.text.count("This machine's clock is") == 1
    clock.off = timedelta()
    await watched.run_once()
    assert health.warnings() == []
    assert "This machine's clock agrees with Slack's again" in caplog.text


async def test_slack_is_asked_seldom_and_no_trouble_is_no_news(on: Stage) -> None:
    """Between two checks nothing is asked. If Slack does not answer, the last result stays."""
    clock = Clock(off=MINUTES)
    watched = check(on.client, clock, over_http=False)
    watched.ask_slack(await on.client.auth_test())
    assert watched.warning is not None
    assert "requests" not in watched.warning
    before = await asked(on)
    clock.seconds += EVERY - 1
    await watched.run_once()
    assert await asked(on) == before
    clock.seconds += 1
    for does in ("reset", "garbled", "server_error"):
        await on.people.fail("auth.test", does)
        await watched.run_once()
        clock.seconds += EVERY
        assert watched.warning is not None


@pytest.mark.parametrize(("off", "status"), [(timedelta(), 400), (MINUTES, 401), (-MINUTES, 401)])
async def test_requests_are_measured_by_the_same_clock(off: timedelta, status: int) -> None:
    """With a right clock, an old signature is a bad request. With a wrong clock it is nobody's fault."""
    clock, sent = Clock(off), []

    async def never(*_: object) -> None:
        raise AssertionError

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message.get("status"))

    stamp = str(int(datetime.now(UTC).timestamp()))
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature(stamp, b"", SECRET)}
    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(one.encode(), value.encode()) for one, value in headers.items()],
    }
    await Guard(never, SECRET, clock=lambda: clock.now().timestamp())(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0] == status

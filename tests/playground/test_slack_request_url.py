"""An app that Slack reaches over HTTP: Bolt's own adapter accepts the stand-in's signatures and encodings."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from playground.workspace import Patience
from tests.playground.slack_app import NOBODY, Stage, bolt_over_http, stage

BRIEF = Patience(ack=1.0, event_retries=(0.0, 0.1))


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack with little patience."""
    async with stage(BRIEF) as running:
        yield running


async def test_commands_and_clicks_come_as_signed_forms(on: Stage) -> None:
    """Bolt accepts the signature and both encodings, and the user sees its answer."""
    async with bolt_over_http(on):
        heard = await on.person().command("/echo hello & <you> ²")
        assert heard.ephemeral
        assert heard.ephemeral.text == "hello & <you> ²"
        assert (await on.person().click(heard.ephemeral, "press")).error is None
    assert [body.get("type", "command") for body in on.heard] == ["command", "block_actions"]
    assert await on.people.faults() == []


async def test_events_come_as_json_until_they_are_taken(on: Stage) -> None:
    """An event reaches the app as JSON, and is sent again until the answer is a 200."""
    await on.people.request_url(f"{NOBODY}/slack/events")
    await on.people.event({"type": "app_mention", "user": "U0AGENT"})

    async def refused() -> bool | None:
        return len((await on.people.state())["deliveries"]) > 0 or None

    await on.people.until(refused)
    async with bolt_over_http(on):

        async def heard() -> bool | None:
            return bool(on.heard) or None

        await on.people.until(heard)
    assert on.heard[0]["event"]["type"] == "app_mention"


async def test_what_the_person_reads_when_it_does_not_work(on: Stage) -> None:
    """No listener, another secret and a late answer have Slack's own words."""
    await on.people.request_url(f"{NOBODY}/slack/events")
    assert (await on.person().command("/echo x")).error == "dispatch_failed"
    async with bolt_over_http(on, "another secret"):
        assert (await on.person().command("/echo x")).error == "dispatch_failed"
    async with bolt_over_http(on):
        assert (await on.person().command("/slow")).error == "operation_timeout"


async def test_delivered_twice(on: Stage) -> None:
    """On demand the same signed request arrives twice, and the person sees one answer."""
    async with bolt_over_http(on):
        await on.people.deliver_twice()
        await on.person().command("/echo once")
        await asyncio.sleep(0.05)
        assert [body["text"] for body in on.heard] == ["once", "once"]
        assert len(await on.person().ephemerals()) == 1

"""Requests to the bot's address over HTTP, by Slack and by anybody else."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import TypeAlias
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from playground.content import APP_ID, SIGNING_SECRET, TEAM_ID
from playground.request_url import signature
from tests.e2e.conftest import Wings
from tests.e2e.scene import NUMBER, Scene, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

Headers: TypeAlias = dict[str, str | None]
NO_HEADERS: Headers = {}
TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
CANARY = "canary-of-a-body"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
A_MINUTE_TOO_OLD = 301
HELP = {"command": "/calls", "text": "help", "user_id": "U0AGENT", "trigger_id": "t", "team_id": TEAM_ID}
HELP |= {"channel_id": "C0AUDIT", "channel_name": "audit", "user_name": "asha", "api_app_id": APP_ID}
HELP |= {"response_url": "http://127.0.0.1:9/"}
CONCURRENT = 200


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def over_http(wings: Wings) -> AsyncIterator[Scene]:
    """Yield a bot that Slack reaches over HTTP, for tests that change nothing."""
    scene = await wings.next(over_http=True)
    yield scene
    await scene.check()
    wings.free(scene)


async def send(
    scene: Scene, body: bytes, kind: str = FORM, *, off: int = 0, headers: Headers = NO_HEADERS
) -> httpx.Response:
    """Send a body as Slack does. ``headers`` override Slack's, and None removes a header."""
    stamp = str(int(time.time()) + off)
    sent = {TIMESTAMP: stamp, SIGNATURE: signature(stamp, body)}
    sent |= {"Content-Type": kind}
    for name, value in headers.items():
        sent.pop(name)
        if value is not None:
            sent[name] = value
    encoded = [(key.encode(), value.encode()) for key, value in sent.items()]
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        return await client.post(f"{scene.address}/slack/events", content=body, headers=encoded)


def command(text: str = "help") -> bytes:
    """Return a slash command as Slack sends it."""
    return urlencode(HELP | {"text": text}).encode()


async def test_a_signed_command_is_answered(over_http: Scene) -> None:
    """A signed request reaches the bot, and its answer is there for Slack to show."""
    answer = await send(over_http, command())
    assert answer.status_code == 200
    assert "*CallOps*" in answer.text


async def test_slack_may_ask_whether_this_is_the_address(over_http: Scene) -> None:
    """Slack sends a challenge to a new request URL, and reads it back."""
    asked = {"type": "url_verification", "challenge": "abc", "token": "t"}
    answer = await send(over_http, json.dumps(asked).encode(), JSON)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


@pytest.mark.parametrize(
    "headers",
    [
        {TIMESTAMP: None},
        {TIMESTAMP: ""},
        {TIMESTAMP: "abc"},
        {TIMESTAMP: "²"},
        {TIMESTAMP: "-1"},
        {TIMESTAMP: "nan"},
        {TIMESTAMP: "9" * 400},
        {SIGNATURE: None},
        {SIGNATURE: ""},
        {SIGNATURE: "v0=" + "0" * 64},
        {SIGNATURE: "v0=ünsigned"},
    ],
    ids=lambda headers: " ".join(f"{name} {str(value)[:12]}" for name, value in headers.items()),
)
async def test_what_slack_did_not_sign_is_turned_away(over_http: Scene, headers: Headers) -> None:
    """A request without signature and time gets a 401, and nothing else."""
    answer = await send(over_http, command(CANARY), headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize("off", [-A_MINUTE_TOO_OLD, A_MINUTE_TOO_OLD + 2])
async def test_what_was_signed_long_ago_is_turned_away(over_http: Scene, off: int) -> None:
    """A signature is valid for five minutes, before and after."""
    assert (await send(over_http, command(CANARY), off=off)).status_code == 401


async def test_what_was_changed_on_the_way_is_turned_away(over_http: Scene) -> None:
    """The signature of another body, or with another secret, is not valid."""
    stamp = str(int(time.time()))
    for wrong in (signature(stamp, command()), signature(stamp, command(CANARY), SIGNING_SECRET[::-1])):
        answer = await send(over_http, command(CANARY), headers={SIGNATURE: wrong})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"command=/calls&text=\xff", FORM, id="no UTF-8"),
        pytest.param(b"[]", JSON, id="a list"),
        pytest.param(b'"text"', JSON, id="a text"),
        pytest.param(b"null", JSON, id="nothing"),
        pytest.param(b"{", JSON, id="half an object"),
        pytest.param(b"", JSON, id="no JSON"),
        pytest.param(b"", FORM, id="no form"),
        pytest.param(b'{"type": "event_callback", "event": []}', JSON, id="an event that is a list"),
        pytest.param(b'{"type": NaN}', JSON, id="not a number"),
        pytest.param(b'{"a":' * 100_000, JSON, id="endlessly deep"),
        pytest.param(b"payload={", FORM, id="half a payload"),
        pytest.param(b"payload=[]", FORM, id="a payload that is a list"),
        pytest.param(b"payload=", FORM, id="an empty payload"),
        pytest.param(urlencode({"payload": json.dumps({"type": "block_actions", "user": {"id": "U0AGENT"}, "actions": []})}).encode(), FORM, id="no button"),
        pytest.param(urlencode({"payload": json.dumps({"type": "block_actions", "user": "U0AGENT", "actions": [{"action_id": "x"}]})}).encode(), FORM, id="nobody"),
        pytest.param(urlencode({"payload": json.dumps({"type": "view_submission", "user": {"id": "U0AGENT"}, "view": []})}).encode(), FORM, id="no view"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(1000)), FORM, id="a thousand fields"),
    ],
)  # fmt: skip
async def test_what_slack_would_not_send_is_a_bad_request(over_http: Scene, body: bytes, kind: str) -> None:
    """A signed body that is unlike Slack's requests gets a 400, and the log has no fault."""
    answer = await send(over_http, body, kind)
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize("signed", [True, False])
async def test_what_is_too_large_is_not_read(over_http: Scene, *, signed: bool) -> None:
    """More than a megabyte is refused, even if no length is declared."""
    body = b"text=" + b"x" * 1024 * 1024
    headers: Headers = {} if signed else {SIGNATURE: None}
    assert (await send(over_http, body, headers=headers)).status_code == 413

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * 64 * 1024

    stamp = str(int(time.time()))
    said = {TIMESTAMP: stamp, SIGNATURE: signature(stamp, body)}
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        answer = await client.post(f"{over_http.address}/slack/events", content=parts(), headers=said)
    assert answer.status_code == 413


async def test_nothing_of_a_request_is_logged(over_http: Scene) -> None:
    """The bot's log holds neither a body nor a refused path, and no traceback."""
    await send(over_http, command(CANARY), headers={SIGNATURE: "v0=00"})
    await send(over_http, CANARY.encode(), JSON)
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        assert (await client.get(f"{over_http.address}/{CANARY}")).status_code == 404
        assert (await client.get(f"{over_http.address}/slack/events")).status_code == 405
    assert CANARY not in over_http.bot_log()
    assert "was answered 401 Unauthorized" in over_http.bot_log()


@pytest.mark.parametrize("scene", [True], indirect=True)
async def test_the_same_signed_request_twice_is_one_action(scene: Scene) -> None:
    """Slack, or somebody who recorded it, sends it again.

    The answer is the same, and a single call is placed.
    """
    asked = urlencode(HELP | {"command": "/cancel-call", "text": "vx_1001 duplicate"}).encode()
    stamp = str(int(time.time()))
    headers: Headers = {TIMESTAMP: stamp}
    headers[SIGNATURE] = signature(stamp, asked)
    first = await send(scene, asked, headers=headers)
    again = await send(scene, asked, headers=headers)
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert len(await scene.log("list")) == 1


@pytest.mark.parametrize("scene", [True], indirect=True)
async def test_of_a_burst_that_was_answered_nothing_is_lost_when_it_stops(scene: Scene) -> None:
    """SIGTERM comes in the middle.

    Acknowledged requests are in the log, and the bot exits with 0 within ten seconds.
    """

    async def ask(number: int) -> str | None:
        body = urlencode(
            HELP | {"command": "/cancel-call", "text": f"vx_{number} duplicate", "trigger_id": f"t{number}"}
        )
        try:
            answer = await send(scene, body.encode())
        except httpx.TransportError:
            return None
        found = re.search(r"A-[0-9A-Z]{4,}", answer.text)
        return found[0] if found else None

    await scene.ask("/calls help")
    asking = [asyncio.create_task(ask(number)) for number in range(CONCURRENT)]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    async with asyncio.timeout(10):
        assert await scene.stop_bot() == 0
    accepted = {one for one in await asyncio.gather(*asking) if one}
    assert accepted
    assert accepted <= {one["request"] for one in await scene.log("list", "--limit", str(CONCURRENT))}


async def test_both_tokens_are_socket_mode(dark_scene: Scene) -> None:
    """With both tokens, the bot says which it uses. Health is served in both modes."""
    dark_scene.over_http = False
    dark_scene.told_otherwise["SLACK_SIGNING_SECRET"] = SIGNING_SECRET
    await dark_scene.start_bot()
    assert "Socket Mode. SLACK_SIGNING_SECRET is set, but not used" in dark_scene.bot_log()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        assert (await client.get(f"{dark_scene.address}/readyz")).status_code == 200
        assert (await client.post(f"{dark_scene.address}/slack/events")).status_code == 404
    assert NUMBER not in words(await dark_scene.ask("/calls help"))


async def test_without_a_token_and_a_secret_it_does_not_start(dark_scene: Scene) -> None:
    """The operator reads what to set for either way."""
    printed = await dark_scene.terminal("serve", SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="")
    assert printed.status == 2
    assert "SLACK_APP_TOKEN isn't set" in printed.errors
    assert "set SLACK_SIGNING_SECRET" in printed.errors


async def test_a_clock_that_is_off_is_said_where_people_look(dark_scene: Scene) -> None:
    """With six minutes off, the bot starts, and warns at `/readyz`, in `check`, and once in its log."""
    dark_scene.over_http = True
    await dark_scene.slack.clock_ahead(360)
    await dark_scene.start_bot()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        answers = [await client.get(f"{dark_scene.address}/readyz") for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 200
        [warning] = [one for one in answer.json()["warnings"] if "clock" in one]
        assert (
            "s behind Slack's. Let the machine keep its time by NTP. Slack's requests are turned" in warning
        )
    assert dark_scene.bot_log().count("This machine's clock is") == 1

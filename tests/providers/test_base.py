import asyncio
import gzip
import logging
import ssl
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from providers.actions import (
    CallAction,
    CampaignRef,
    Code,
    DeleteCampaign,
    Kind,
    Outcome,
    PlaceCall,
    Refused,
    Retry,
    Status,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Reply, Request
from tests.providers.made import (
    CANCEL,
    CONTEXT,
    DELETE,
    KEY,
    NOW,
    NUMBER,
    PLACE,
    adapter_for,
    ask,
    callkaro,
    open_adapter,
    voxworks,
)
from tests.providers.wire import (
    Answer,
    cut_short,
    drip,
    flood,
    gibberish,
    gzip_bomb,
    hang_up,
    listening,
    never_accepting,
    nobody_listening,
    reply,
    reset,
    silence,
)

MEBIBYTE = 1 << 20
DOUBTS = [(PLACE, Retry.VERIFY), (DELETE, Retry.SHORT_WINDOW), (CANCEL, Retry.IDEMPOTENT)]
each_action = pytest.mark.parametrize(("action", "doubt"), DOUBTS, ids=["place", "delete", "cancel"])

HURRIED = 0.3
"""Seconds: a deadline that a test can wait for."""


@each_action
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(reset, Code.CONNECTION_LOST, id="read, then RST"),
        pytest.param(hang_up, Code.CONNECTION_LOST, id="read, then FIN"),
        pytest.param(cut_short, Code.CONNECTION_LOST, id="cut short"),
        pytest.param(gibberish, Code.CONNECTION_LOST, id="not HTTP"),
        pytest.param(silence, Code.NO_ANSWER, id="silence"),
        pytest.param(drip, Code.NO_ANSWER, id="a body that never ends"),
        pytest.param(reply(200, b"["), Code.UNREADABLE_REPLY, id="half JSON"),
        pytest.param(reply(200, b"[" * 100_000), Code.UNREADABLE_REPLY, id="nested without end"),
        pytest.param(reply(200, b'{"status":"success","success":true,"n":' + b"9" * 5000 + b"}"), Code.UNREADABLE_REPLY, id="an integer of 5000 digits"),
        pytest.param(reply(200, b'{"status":"success","success":true,"n":NaN}'), Code.UNREADABLE_REPLY, id="NaN"),
        pytest.param(reply(200, b'{"success":false,"success":true,"status":"error","status":"success"}'), Code.UNREADABLE_REPLY, id="keys that stand twice"),
        pytest.param(reply(200, b'{"status":"success","success":true,"x":"\xff"}'), Code.UNREADABLE_REPLY, id="not UTF-8"),
        pytest.param(reply(200, b"[]"), Code.UNREADABLE_REPLY, id="a list"),
        pytest.param(reply(200, b""), Code.UNREADABLE_REPLY, id="empty"),
        pytest.param(reply(200, b"{}", {"Content-Encoding": "br"}), Code.UNREADABLE_REPLY, id="an encoding nobody asked for"),
        pytest.param(reply(200, b"{}", {"Content-Encoding": "gzip"}), Code.UNREADABLE_REPLY, id="gzip that is none"),
        pytest.param(flood(b" " * MEBIBYTE, 3), Code.UNREADABLE_REPLY, id="too large"),
        pytest.param(reply(502, b"<html>"), Code.SERVER_ERROR, id="HTML 502"),
    ],
)  # fmt: skip
async def test_doubt(action: CallAction, doubt: Retry, answer: Answer, code: Code) -> None:
    """After a lost or unreadable answer nobody knows; the request was made once, and its kind says what may follow."""
    outcome, received = await ask(action, answer, deadline=HURRIED)
    assert (outcome.status, outcome.code, outcome.retry) == (Status.UNKNOWN, code, doubt)
    assert len(received) == 1


@each_action
async def test_a_refused_connection_was_certainly_not_sent(action: CallAction, doubt: Retry) -> None:
    """A port that refuses is unreachable, whatever a doubt would allow, and safe to try again."""
    async with nobody_listening() as base_url, open_adapter(adapter_for(action, base_url)) as adapter:
        outcome = await adapter.perform(action, CONTEXT)
    assert (outcome.status, outcome.code, outcome.retry) == (Status.FAILED, Code.UNREACHABLE, Retry.SAFE)
    assert outcome.retry is not doubt


@each_action
async def test_a_connection_that_never_comes_about(action: CallAction, doubt: Retry) -> None:
    """A connect timeout ends before the deadline does, so it is never mistaken for a doubt."""
    async with (
        never_accepting() as base_url,
        open_adapter(adapter_for(action, base_url, deadline=HURRIED)) as adapter,
    ):
        outcome = await adapter.perform(action, CONTEXT)
    assert (outcome.status, outcome.code, outcome.retry) == (Status.FAILED, Code.UNREACHABLE, Retry.SAFE)
    assert outcome.retry is not doubt


@each_action
async def test_a_certificate_that_cannot_be_trusted(action: CallAction, doubt: Retry) -> None:
    """A wrong certificate is a matter of settings: nothing was sent, and trying again cannot help."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(__file__).with_name("untrusted.pem"))
    async with (
        listening(reply(), tls=tls) as wire,
        open_adapter(adapter_for(action, wire.base_url)) as adapter,
    ):
        outcome = await adapter.perform(action, CONTEXT)
    assert (outcome.status, outcome.code, outcome.retry) == (Status.FAILED, Code.CONFIG_ERROR, Retry.NEVER)
    assert "base_url" in outcome.message
    assert wire.received == []
    assert doubt is not Retry.NEVER


class Raising(httpx.AsyncBaseTransport):
    """A network that fails in a way that no test machine can be made to."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's own
        """Fail."""
        raise self._fault


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.PoolTimeout("no room"), "failed unreachable safe"),
        (httpx.ConnectError("name or service not known"), "failed unreachable safe"),
        (httpx.WriteTimeout("stuck"), "unknown no_answer verify"),
        (httpx.WriteError("gone"), "unknown connection_lost verify"),
        (httpx.LocalProtocolError("odd"), "unknown connection_lost verify"),
        (OSError("no buffer space"), "unknown connection_lost verify"),
        (ZeroDivisionError("a fault of ours"), "unknown unreadable_reply verify"),
    ],
    ids=repr,
)
async def test_what_the_wire_can_raise(fault: Exception, expected: str) -> None:
    """Only what is raised before a connection exists counts as not sent; everything else is a doubt."""
    async with open_adapter(callkaro(transport=Raising(fault))) as adapter:
        outcome = await adapter.perform(PLACE, CONTEXT)
    assert f"{outcome.status} {outcome.code} {outcome.retry}" == expected


async def test_the_deadline_is_total() -> None:
    """A reply that drips on is given up at the deadline, although every single read was quick."""
    started = time.monotonic()
    outcome, _ = await ask(CANCEL, drip, deadline=HURRIED)
    assert outcome.code is Code.NO_ANSWER
    assert HURRIED <= time.monotonic() - started < HURRIED + 1


async def test_a_cancelled_send_stays_cancelled() -> None:
    """Stopping the program is not an outcome of the call."""
    async with listening(silence) as wire, open_adapter(voxworks(wire.base_url)) as adapter:
        sending = asyncio.create_task(adapter.perform(CANCEL, CONTEXT))
        await asyncio.wait_for(wire.asked.wait(), timeout=5)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_each_placed_call_has_its_own_connection() -> None:
    """Two placed calls use two TCP connections, even after a deletion left one open."""
    async with (
        listening(reply(200, {"status": "success"})) as wire,
        open_adapter(callkaro(wire.base_url)) as adapter,
    ):
        for action in (DELETE, PLACE, PLACE, DELETE):
            await adapter.perform(action, CONTEXT)
    assert [request.connection for request in wire.received] == [1, 2, 3, 1]


async def test_cookies_are_not_kept() -> None:
    """Nothing of one reply goes into the next request."""
    async with (
        listening(reply(200, {}, {"Set-Cookie": "session=1; Path=/"})) as wire,
        open_adapter(voxworks(wire.base_url)) as adapter,
    ):
        await adapter.perform(CANCEL, CONTEXT)
        await adapter.perform(CANCEL, CONTEXT)
    assert len(wire.received) == 2
    assert all("cookie" not in request.headers for request in wire.received)


async def test_a_redirect_is_not_followed() -> None:
    """The key is not carried to wherever a reply points."""
    async with listening(reply(200, {})) as other:
        outcome, received = await ask(CANCEL, reply(307, b"", {"Location": f"{other.base_url}/api"}))
    assert outcome.code is Code.CONFIG_ERROR
    assert len(received) == 1
    assert other.received == []


async def test_a_gzip_bomb_is_stopped_at_the_bound() -> None:
    """200 MB in a gzip of 200 kB are never in memory: decoding stops at the bound."""
    bomb = gzip_bomb(200)
    answer = reply(200, bomb, {"Content-Encoding": "gzip"})
    async with listening(answer) as wire, open_adapter(voxworks(wire.base_url)) as adapter:
        tracemalloc.start()
        outcome = await adapter.perform(CANCEL, CONTEXT)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert outcome.code is Code.UNREADABLE_REPLY
    assert peak < 16 * MEBIBYTE
    assert len(outcome.raw or "") <= 4096


async def test_a_compressed_reply_is_read_all_the_same() -> None:
    """A server that compresses without being asked is still understood."""
    body = gzip.compress(b'{"success": true, "call_id": "vx_123"}')
    outcome, _ = await ask(CANCEL, reply(200, body, {"Content-Encoding": "gzip"}))
    assert outcome.status is Status.OK


async def test_neither_key_nor_number_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """At every level and for every kind of request, the logs hold no key, number, agent or reply."""
    caplog.set_level(logging.DEBUG)
    echo = {"status": "success", "success": True, "echo": f"{KEY} {NUMBER}"}
    for action in (PLACE, DELETE, CANCEL):
        await ask(action, reply(200, echo, {"X-Echo": f"{KEY} {NUMBER}"}))
    assert not [secret for secret in (KEY, NUMBER, NUMBER[1:], "agent_id") if secret in caplog.text]


async def test_neither_key_nor_number_reaches_an_outcome() -> None:
    """An echo of what was sent is redacted, and a prepared request shows neither when printed."""
    echo = {
        "message": f"key {KEY} for {NUMBER}",
        "n": "98765 43210",
        "m": "0091-98765-43210",
        "Authorization": f"Bearer {KEY}",
    }
    for action in (PLACE, DELETE, CANCEL):
        for status in (200, 400, 401, 403, 404, 418, 429, 500):
            outcome, _ = await ask(action, reply(status, echo))
            written = repr(outcome) + outcome.model_dump_json()
            assert KEY not in written
            assert NUMBER not in written
            if action is not CANCEL:  # whose request held no number to look for
                assert "43210" not in written
    printed = repr(callkaro().prepare(PLACE, CONTEXT)) + repr(voxworks().settings)
    assert KEY not in printed
    assert NUMBER not in printed


class OtherSettings(ConnectionSettings):
    """A made-up provider's settings."""

    base_url: str = "https://api.example"


class Other(Adapter):
    """A made-up provider, for what no real adapter may do."""

    provider = "other"
    title = "Other"
    support = "nobody"
    settings_type = OtherSettings
    capabilities = (
        Capability(Kind.PLACE_CALL, fields=frozenset({"at"})),
        Capability(Kind.DELETE_CAMPAIGN, target=CampaignRef),
    )
    path: ClassVar[str] = "/ok"
    parsed: ClassVar[Callable[[], Outcome | None]] = lambda: None

    def build(self, action: CallAction, context: Context) -> Request:  # noqa: ARG002 - the path is the point
        """A request to wherever the test says."""
        return Request(path=self.path, headers={})

    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:  # noqa: ARG002 - made up
        """Whatever the test says."""
        return type(self).parsed()


@pytest.mark.parametrize(
    "path", ["/../admin", "/a/../../b", "/a/./b", "@evil.example/", ".evil.example/", ":1/x", "/a#b", "/ä"]
)
def test_a_request_goes_where_the_connection_points(path: str) -> None:
    """Whatever an adapter builds, host and path are what httpx would send, or nothing is sent."""

    class Astray(Other):
        path: ClassVar[str] = ""

    Astray.path = path
    with pytest.raises(Refused) as refused:
        Astray(OtherSettings(), clock=lambda: NOW).prepare(PLACE, CONTEXT)
    assert refused.value.code is Code.CONFIG_ERROR


def test_a_path_in_base_url_is_kept() -> None:
    """A provider behind a gateway's path is asked under that path."""
    adapter = Other(OtherSettings(base_url="https://gateway.example/voice"), clock=lambda: NOW)
    assert adapter.prepare(PLACE, CONTEXT).url == "https://gateway.example/voice/ok"


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (PlaceCall(to=NUMBER, agent="a", retries=2), "retries"),
        (PlaceCall(to=NUMBER, agent="a", batch="b", language="hi"), "batch"),
        (CANCEL, None),
    ],
)
def test_an_undeclared_wish_is_refused(action: CallAction, field: str | None) -> None:
    """What an adapter does not declare is refused loudly, with the field that it lacks."""
    with pytest.raises(Refused) as refused:
        Other(OtherSettings(), clock=lambda: NOW).prepare(action, CONTEXT)
    assert (refused.value.code, refused.value.field) == (Code.UNSUPPORTED, field)


async def test_a_refusal_is_an_outcome_of_performing() -> None:
    """Performing what cannot be asked for ends as refused, and nothing is sent."""
    outcome, received = await ask(DeleteCampaign(target=CampaignRef(campaign_id="c")), reply())
    assert (outcome.status, outcome.code) == (Status.REFUSED, Code.UNSUPPORTED)
    assert received == []


async def test_an_adapters_own_fault_after_sending_is_a_doubt() -> None:
    """A fault in reading the answer does not undo that the request was sent."""

    class Faulty(Other):
        parsed: ClassVar[Callable[[], Outcome | None]] = lambda: dict[str, Outcome]()["missing"]

    async with (
        listening(reply(200, {})) as wire,
        open_adapter(Faulty(OtherSettings(base_url=wire.base_url), clock=lambda: NOW)) as adapter,
    ):
        outcome = await adapter.perform(DeleteCampaign(target=CampaignRef(campaign_id="c")), CONTEXT)
    assert (outcome.status, outcome.retry) == (Status.UNKNOWN, Retry.IDEMPOTENT)
    assert "KeyError" in outcome.message


def test_settings_of_another_provider_are_refused() -> None:
    """An adapter takes its own settings only."""
    with pytest.raises(TypeError, match="OtherSettings"):
        Other(callkaro().settings, clock=lambda: NOW)

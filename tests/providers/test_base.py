import asyncio
import gzip
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import ClassVar

import httpx
import pytest

from providers.actions import (
    CallAction,
    CampaignRef,
    CannotSendError,
    Code,
    DeleteCampaign,
    Kind,
    Outcome,
    PlaceCall,
    Retry,
    Status,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Request, Response
from tests.providers.made import (
    CANCEL,
    CONTEXT,
    NOW,
    NUMBER,
    PLACE,
    ask,
    callkaro,
    open_adapter,
    voxworks,
)
from tests.providers.wire import (
    drip,
    gzip_bomb,
    listening,
    perform,
    reply,
    silence,
)
from tests.support.tree import ROOT

MEBIBYTE = 1 << 20

HURRIED = 0.5
"""Seconds of a deadline that a test can wait for."""


class Raising(httpx.AsyncBaseTransport):
    """A network with failures that no test computer can produce."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's own
        """Raise the failure."""
        raise self._fault


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.PoolTimeout("no room"), "failed unreachable safe"),
        (httpx.WriteTimeout("stuck"), "unknown no_answer verify"),
        (httpx.WriteError("gone"), "unknown connection_lost verify"),
        (httpx.LocalProtocolError("odd"), "unknown connection_lost verify"),
        (OSError("no buffer space"), "unknown connection_lost verify"),
        (ZeroDivisionError("a fault of ours"), "unknown unreadable_reply verify"),
    ],
    ids=repr,
)
async def test_what_the_wire_can_raise(fault: Exception, expected: str) -> None:
    """Only an error before a connection exists counts as not sent. Any other is an unknown outcome."""
    async with open_adapter(callkaro(transport=Raising(fault))) as adapter:
        outcome = await perform(adapter, PLACE, CONTEXT)
    assert f"{outcome.status} {outcome.code} {outcome.retry}" == expected


async def test_the_deadline_is_total() -> None:
    """A dripping reply is given up at the deadline, although every single read was quick."""
    started = time.monotonic()
    outcome, _ = await ask(CANCEL, drip, deadline=HURRIED)
    assert outcome.code is Code.NO_ANSWER
    assert HURRIED <= time.monotonic() - started < HURRIED + 1


async def test_a_cancelled_send_stays_cancelled() -> None:
    """Stopping the program is not an outcome of the call."""
    async with listening(silence) as wire, open_adapter(voxworks(wire.base_url)) as adapter:
        sending = asyncio.create_task(perform(adapter, CANCEL, CONTEXT))
        await asyncio.wait_for(wire.asked.wait(), timeout=5)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_cookies_are_not_kept() -> None:
    """Nothing of a reply goes into the next request."""
    async with (
        listening(reply(200, {}, {"Set-Cookie": "session=1; Path=/"})) as wire,
        open_adapter(voxworks(wire.base_url)) as adapter,
    ):
        await perform(adapter, CANCEL, CONTEXT)
        await perform(adapter, CANCEL, CONTEXT)
    assert len(wire.received) == 2
    assert all("cookie" not in request.headers for request in wire.received)


async def test_a_gzip_bomb_is_stopped_at_the_bound() -> None:
    """200 MB in a gzip of 200 kB are never in memory, because decoding stops at the bound."""
    bomb = gzip_bomb(200)
    answer = reply(200, bomb, {"Content-Encoding": "gzip"})
    async with listening(answer) as wire, open_adapter(voxworks(wire.base_url)) as adapter:
        tracemalloc.start()
        outcome = await perform(adapter, CANCEL, CONTEXT)
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


class OtherSettings(ConnectionSettings):
    """A made-up provider's settings."""

    base_url: str = "https://api.example"


class Other(Adapter):
    """A made-up provider, for behaviour that no real adapter has."""

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
        """Return a request to the path that the test sets."""
        return Request(path=self.path, headers={})

    def parse(self, action: CallAction, reply: Response) -> Outcome | None:  # noqa: ARG002 - made up
        """Return the outcome that the test sets."""
        return type(self).parsed()


@pytest.mark.parametrize(
    "path", ["/../admin", "/a/../../b", "/a/./b", "@evil.example/", ".evil.example/", ":1/x", "/a#b", "/ä"]
)
def test_a_request_goes_where_the_connection_points(path: str) -> None:
    """For any adapter, host and path are what httpx would send, or nothing is sent."""

    class Astray(Other):
        path: ClassVar[str] = ""

    Astray.path = path
    with pytest.raises(CannotSendError) as refused:
        Astray(OtherSettings(), clock=lambda: NOW).prepare(PLACE, CONTEXT)
    assert refused.value.code is Code.CONFIG_ERROR


def test_a_path_in_base_url_is_kept() -> None:
    """A provider behind a gateway's path gets requests under that path."""
    adapter = Other(OtherSettings(base_url="https://gateway.example/voice"), clock=lambda: NOW)
    assert adapter.prepare(PLACE, CONTEXT).url == "https://gateway.example/voice/ok"


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (PlaceCall(to=NUMBER, agent="a", retries=2), "retries"),
        (PlaceCall(to=NUMBER, agent="a", batch="b", language="hi"), "batch"),
    ],
)
def test_an_undeclared_wish_is_refused(action: CallAction, field: str | None) -> None:
    """An undeclared feature is refused with the field that it lacks."""
    with pytest.raises(CannotSendError) as refused:
        Other(OtherSettings(), clock=lambda: NOW).prepare(action, CONTEXT)
    assert (refused.value.code, refused.value.field) == (Code.UNSUPPORTED, field)


async def test_an_adapters_own_fault_after_sending_is_a_doubt() -> None:
    """A bug in reading the answer does not undo the sent request."""

    class Faulty(Other):
        parsed: ClassVar[Callable[[], Outcome | None]] = lambda: dict[str, Outcome]()["missing"]

    async with (
        listening(reply(200, {})) as wire,
        open_adapter(Faulty(OtherSettings(base_url=wire.base_url), clock=lambda: NOW)) as adapter,
    ):
        outcome = await perform(adapter, DeleteCampaign(target=CampaignRef(campaign_id="c")), CONTEXT)
    assert (outcome.status, outcome.retry) == (Status.UNKNOWN, Retry.IDEMPOTENT)
    assert "KeyError" in outcome.message


def test_settings_of_another_provider_are_refused() -> None:
    """An adapter takes its own settings only."""
    with pytest.raises(TypeError, match="OtherSettings"):
        Other(callkaro().settings, clock=lambda: NOW)


def test_a_proxy_in_the_environment_is_not_asked() -> None:
    """With any proxy in the environment, a request goes to its provider and a key to nobody else."""
    script = """
import asyncio
from tests.providers.made import CANCEL, ask
from tests.providers.wire import reply
outcome, received = asyncio.run(ask(CANCEL, reply(200, {"success": True})))
print(outcome.status, len(received))
"""
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1")
    asked = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | proxies,
    )
    assert asked.stdout == "ok 1\n"

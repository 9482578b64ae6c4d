import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.providers.made import KEY, callkaro, open_adapter, ryng, voxworks
from tests.providers.wire import (
    gibberish,
    hang_up,
    listening,
    never_accepting,
    nobody_listening,
    reply,
    silence,
)

HURRIED = 0.3
"""Seconds of a deadline that a test can wait for."""


class NoSuchHost(httpx.AsyncBaseTransport):
    """A network whose name server knows nobody, with httpx's error."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise the failure."""
        unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise httpx.ConnectError(str(unknown), request=request) from unknown


@pytest.mark.parametrize("status", [200, 204, 301, 401, 404, 405, 500])
async def test_any_answer_will_do(status: int) -> None:
    """A host that answers anything is reachable.

    It gets one request, without a secret and without an effect.
    """
    async with (
        listening(reply(status, b"", {"Location": "/x"})) as wire,
        open_adapter(voxworks(wire.base_url)) as adapter,
    ):
        assert await adapter.ping() is None
    [request] = wire.received
    assert (request.method, request.target, request.body) == ("HEAD", "/", b"")
    assert request.headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}
    assert KEY not in str(request)


async def test_a_path_in_base_url_is_kept() -> None:
    """A gateway gets the connection's own address."""
    async with (
        listening(reply()) as wire,
        open_adapter(voxworks(f"{wire.base_url}/voice")) as adapter,
    ):
        assert await adapter.ping() is None
    assert wire.received[0].target == "/voice/"


async def test_nobody_listens() -> None:
    """The message names the refusing port, with the setting to check."""
    async with nobody_listening() as base_url, open_adapter(voxworks(base_url)) as adapter:
        told = await adapter.ping()
    assert told is not None
    assert f"{base_url} refuses connections" in told
    assert "base_url" in told


async def test_nobody_answers() -> None:
    """The message has the timeout, for connecting or answering."""
    async with never_accepting() as base_url, open_adapter(voxworks(base_url, deadline=HURRIED)) as adapter:
        assert "didn't answer within 0.3 s" in str(await adapter.ping())
    async with listening(silence) as wire, open_adapter(voxworks(wire.base_url, deadline=HURRIED)) as adapter:
        assert "didn't answer within 0.3 s" in str(await adapter.ping())


async def test_no_such_host() -> None:
    """The message has the unknown name, with the settings that gave it."""
    async with open_adapter(callkaro("https://voice.example", transport=NoSuchHost())) as adapter:
        told = await adapter.ping()
    assert told == (
        "No host is known as voice.example. Check this connection's base_url, and this machine's name server (DNS)."
    )


async def test_ryng_is_found_by_its_subdomain() -> None:
    """The message names the setting that has the host."""
    async with nobody_listening() as base_url, open_adapter(ryng(base_url)) as adapter:
        assert "subdomain or base_url" in str(await adapter.ping())


async def test_a_certificate_that_cannot_be_trusted() -> None:
    """The message says that the certificate is wrong."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(__file__).with_name("untrusted.pem"))
    async with listening(reply(), tls=tls) as wire, open_adapter(voxworks(wire.base_url)) as adapter:
        told = str(await adapter.ping())
    assert "certificate" in told
    assert wire.received == []


async def test_a_port_without_tls() -> None:
    """The message says that the port of the https address is plain."""
    async with (
        listening(reply()) as wire,
        open_adapter(voxworks(wire.base_url.replace("http:", "https:"))) as adapter,
    ):
        assert "doesn't speak proper TLS" in str(await adapter.ping())


async def test_something_that_is_not_http() -> None:
    """Neither gibberish nor a hang-up is an answer."""
    for answer in (gibberish, hang_up):
        async with listening(answer) as wire, open_adapter(voxworks(wire.base_url)) as adapter:
            assert "gave no HTTP answer" in str(await adapter.ping())

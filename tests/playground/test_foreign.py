"""Foreign pages and names: they reach no stand-in, and stand-ins reach only what the demo opened."""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
import pytest

from playground.callkaro import AGENT, KEY, PLACE
from playground.content import APP_TOKEN, BOT_TOKEN
from playground.people import ImpossibleError
from tests.playground.providers_running import NUMBER, Running, running
from tests.playground.slack_app import Stage, bolt, stage

FOREIGN = [
    pytest.param({"Host": "attacker.example"}, id="another name"),
    pytest.param({"Host": "attacker.example:{port}"}, id="another name that leads here"),
    pytest.param({"Host": "127.0.0.1"}, id="no port"),
    pytest.param({"Host": "127.0.0.1:1"}, id="another port"),
    pytest.param({"Host": "127.0.0.1:{port}.attacker.example"}, id="a name that begins alike"),
    pytest.param({"Host": ""}, id="no name"),
    pytest.param({"Origin": "http://attacker.example"}, id="another page"),
    pytest.param({"Origin": "http://attacker.example:{port}"}, id="another page, the same port"),
    pytest.param({"Origin": "https://127.0.0.1:{port}"}, id="another scheme"),
    pytest.param({"Origin": "http://127.0.0.1:1"}, id="a page of this machine"),
    pytest.param({"Origin": "null"}, id="a page of nowhere"),
]
TO_SLACK = [
    ("GET", "/control/state"),
    ("GET", "/control/people/U0AGENT"),
    ("POST", "/control/reset"),
    ("POST", "/control/people/U0AGENT/say"),
    ("POST", "/control/request_url"),
    ("DELETE", "/control/trouble"),
    ("GET", f"/api/chat.postMessage?token={BOT_TOKEN}&channel=C0SUPPORT&text=forged"),
    ("POST", f"/api/chat.postMessage?token={BOT_TOKEN}&channel=C0SUPPORT&text=forged"),
    ("GET", "/nothing"),
]
SAYS = {"channel": "C0SUPPORT", "text": "forged", "thread_ts": None, "url": None}


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a stand-in of Slack."""
    async with stage() as started:
        yield started


@pytest.fixture
async def providers() -> AsyncIterator[Running]:
    """Yield the providers."""
    async with running() as started:
        yield started


async def ask(
    address: str, method: str, path: str, headers: Mapping[str, str], body: object = None
) -> tuple[int, str]:
    """Send a request with exactly these headers, and return its status and answer."""
    port = urlsplit(address).port or 0

    def asked() -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            content = json.dumps(body).encode()
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in ({**headers} | {"Content-Length": str(len(content))}).items():
                connection.putheader(name, value.format(port=port))
            connection.endheaders(content)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()

    return await asyncio.to_thread(asked)


@pytest.mark.parametrize("headers", [*FOREIGN, *(
    pytest.param({"Sec-Fetch-Site": one}, id=f"an image of a {one} page") for one in ("cross-site", "same-site")
)])  # fmt: skip
async def test_slack_answers_no_page_and_no_other_name(on: Stage, headers: dict[str, str]) -> None:
    """Any such request is refused, and nothing changes."""
    before = await on.people.state()
    for method, path in TO_SLACK:
        status, answer = await ask(on.slack.address, method, path, headers, SAYS)
        assert status == HTTPStatus.FORBIDDEN, path
        assert "forged" not in answer
    assert await on.people.state() == before


@pytest.mark.parametrize("name", ["127.0.0.1:{port}", "localhost:{port}"])
async def test_slack_answers_to_its_own_name(on: Stage, name: str) -> None:
    """Programs use the name, and so does an address that somebody types."""
    for headers in ({}, {"Origin": f"http://{name}"}, {"Sec-Fetch-Site": "none"}):
        status, answer = await ask(on.slack.address, "GET", "/control/state", {"Host": name, **headers})
        assert (status, "U0AGENT" in answer) == (HTTPStatus.OK, True)


async def test_a_file_may_be_opened_from_the_page(on: Stage) -> None:
    """The demo's page has another port, so its link comes from another origin."""
    given = await on.client.files_getUploadURLExternal(filename="a.txt", length=1)
    headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
    assert (await ask(on.slack.address, "GET", urlsplit(given["upload_url"]).path, headers))[0] == (
        HTTPStatus.NOT_FOUND
    )


async def test_no_page_connects_as_the_app(on: Stage) -> None:
    """A Socket Mode connection belongs to a program."""
    async with bolt(on):
        opened = await on.client.apps_connections_open(app_token=APP_TOKEN)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(opened["url"], origin="http://attacker.example")
        assert refused.value.status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_provider_answers_no_page_and_no_other_name(
    providers: Running, headers: dict[str, str]
) -> None:
    """Even with its well-known key, it is no request."""
    call = {"to_number": NUMBER, "agent_id": AGENT}
    status, _ = await ask(str(providers.callkaro.base_url), "POST", PLACE, headers | {"X-API-KEY": KEY}, call)
    assert status == HTTPStatus.BAD_REQUEST
    assert (await providers.control.journal("callkaro")).exchanges == ()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://127.0.0.1:9@127.0.0.1:{port}/x",
        "http://127.0.0.1:9\\@127.0.0.1:{port}/x",
        "//127.0.0.1:{port}/x",
        "https://127.0.0.1:9/x",
        "file:///etc/passwd",
        "http://",
        "",
        "x",
    ],
)
async def test_nothing_is_posted_to_what_the_demo_did_not_open(
    on: Stage, providers: Running, url: str
) -> None:
    """For any spelling of the address, the caller reads why, and no connection is made."""
    providers.opened.add("http://127.0.0.1:9")
    await providers.place()
    [call] = await providers.control.calls("callkaro")
    with socket.create_server(("127.0.0.1", 0)) as local:
        local.setblocking(False)
        told = url.format(port=local.getsockname()[1])
        with pytest.raises(ValueError, match="the stand-ins post to nothing else"):
            await providers.control.end_call(call.id, told)
        with pytest.raises(ImpossibleError, match="the stand-ins post to nothing else"):
            await on.people.request_url(told)
        await on.person().command("/echo x")
        with pytest.raises(BlockingIOError):
            local.accept()


async def test_no_redirect_leads_out(on: Stage, providers: Running) -> None:
    """An app that redirects the stand-ins counts as silent."""
    with socket.create_server(("127.0.0.1", 0)) as local:
        local.setblocking(False)
        elsewhere = f"http://127.0.0.1:{local.getsockname()[1]}/"

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 307 x\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()

        async with await asyncio.start_server(redirect, "127.0.0.1", 0) as app:
            address = f"http://127.0.0.1:{app.sockets[0].getsockname()[1]}"
            on.opened.add(address)
            providers.opened.add(address)
            await on.people.request_url(address)
            assert (await on.person().command("/echo x")).error == "dispatch_failed"
            await providers.place()
            [call] = await providers.control.calls("callkaro")
            assert await providers.control.end_call(call.id, address) == [307]
        with pytest.raises(BlockingIOError):
            local.accept()

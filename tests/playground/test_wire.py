import asyncio
import gzip
import io
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from playground.callkaro import AGENT, DELETE, KEY, PLACE
from playground.faults import Fault
from tests.playground.providers_running import NUMBER, Running, running

CALL = {"to_number": NUMBER, "agent_id": AGENT}
SHORT = httpx.Timeout(5, read=0.2)


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


async def answered(on: Running) -> list[tuple[int | None, str | None, int]]:
    """Return CallKaro's journal in short: the answered status, the fault, and the number of effects."""
    return [
        (exchange.answer.status, exchange.answer.fault, len(exchange.effects))
        for exchange in (await on.control.journal("callkaro")).exchanges
        if exchange.answer is not None
    ]


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("reset", httpx.ReadError),
        ("close", httpx.RemoteProtocolError),
        ("silence", httpx.ReadTimeout),
    ],
)
async def test_no_answer(on: Running, fault: str, raised: type[Exception], *, effect: bool) -> None:
    """A request that is read without an answer fails at the client, and the journal has its effect."""
    await on.control.fail("callkaro", fault, effect=effect)
    on.callkaro.timeout = SHORT
    with pytest.raises(raised):
        await on.place()
    assert await answered(on) == [(None, fault, int(effect))]
    assert (await on.place()).status_code == 200


async def test_refused(on: Running) -> None:
    """A refused connection is no request, even after a kept one. The port stays the stand-in's."""
    await on.place()
    await on.control.fail("callkaro", "refused")
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await on.place()
    assert await answered(on) == [(200, None, 1)]
    await on.control.clear("callkaro")
    assert (await on.place()).status_code == 200


async def test_refused_while_one_is_answered(on: Running) -> None:
    """A request in progress still gets its answer, and a later one gets none."""
    await on.control.fail("callkaro", Fault(does="slow", seconds=0.2))
    placing = asyncio.create_task(on.place())
    await asyncio.sleep(0.1)
    await on.control.fail("callkaro", "refused")
    assert (await placing).status_code == 200
    with pytest.raises(httpx.ConnectError):
        await on.place()


async def test_cut(on: Running) -> None:
    """The reply is reset in its middle: the status is read, the body never ends, and the call is placed."""
    await on.control.fail("callkaro", "cut")
    async with on.callkaro.stream("POST", PLACE, json=CALL) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.ReadError):
            await reply.aread()
    assert await answered(on) == [(200, "cut", 1)]


async def test_slow(on: Running) -> None:
    """A slow answer is complete after its time, and the effect does not wait for it."""
    await on.control.fail("callkaro", Fault(does="slow", seconds=0.4))
    before = time.monotonic()
    placing = asyncio.create_task(on.place())
    await asyncio.sleep(0.1)
    assert [what for what, _ in await on.effects("callkaro")] == ["placed"]
    assert not placing.done()
    assert (await placing).status_code == 200
    assert time.monotonic() - before >= 0.4


async def test_slower_than_the_client_waits(on: Running) -> None:
    """A client that gives up has still placed its call."""
    await on.control.fail("callkaro", Fault(does="slow", seconds=30))
    on.callkaro.timeout = SHORT
    with pytest.raises(httpx.ReadTimeout):
        await on.place()
    assert len(await on.effects("callkaro")) == 1


async def test_drip(on: Running) -> None:
    """A dripping answer arrives one byte at a time, and whole."""
    await on.control.fail("callkaro", Fault(does="drip", seconds=0.001))
    async with on.callkaro.stream("POST", PLACE, json=CALL) as reply:
        pieces = [piece async for piece in reply.aiter_raw()]
    assert len(pieces) > 20
    assert json.loads(b"".join(pieces))["status"] == "success"
    assert await answered(on) == [(200, "drip", 1)]


async def test_endless(on: Running) -> None:
    """A body that never ends is read until the client stops, and harms nobody else."""
    await on.control.fail("callkaro", "endless")
    size = 0
    async with on.callkaro.stream("POST", PLACE, json=CALL) as reply:
        async for piece in reply.aiter_raw():
            size += len(piece)
            if size > 1 << 20:
                break
    assert (await on.place()).status_code == 200
    assert await answered(on) == [(None, "endless", 1), (200, None, 1)]


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("server_error", 500, b'{"status": "error", "message": "Server error"}'),
        ("html_502", 502, b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
        ("malformed", 200, b'{"status": "succ'),
        ("empty", 200, b""),
        ("wrong_type", 200, b'["success"]'),
        ("deep", 200, b"[" * 100_000),
        ("redirect", 307, b""),
    ],
)
async def test_replaced_answers(on: Running, fault: str, status: int, body: bytes, *, effect: bool) -> None:
    """Another reply may replace the true one, with the request's effect or without it."""
    await on.control.fail("callkaro", fault, effect=effect)
    reply = await on.place()
    assert (reply.status_code, reply.content) == (status, body)
    assert await answered(on) == [(status, fault, int(effect))]


async def test_following_a_redirect_asks_twice(on: Running) -> None:
    """A client that follows the redirect has placed two calls, and the journal shows both."""
    await on.control.fail("callkaro", "redirect")
    await on.callkaro.post(PLACE, json=CALL, follow_redirects=True)
    assert await answered(on) == [(307, "redirect", 1), (200, None, 1)]


async def test_gzip_bomb(on: Running) -> None:
    """Some 200 kB on the wire are 200 MB of zeros, in valid gzip."""
    await on.control.fail("callkaro", "gzip_bomb")
    async with on.callkaro.stream("POST", PLACE, json=CALL) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        packed = b"".join([piece async for piece in reply.aiter_raw()])
    assert len(packed) < 300_000
    size = 0
    with gzip.open(io.BytesIO(packed)) as unpacked:
        while piece := unpacked.read(1 << 22):
            size += len(piece)
    assert size == 200 << 20


async def test_custom_reply(on: Running) -> None:
    """Any status, headers and body can be answered, and parts of a documented reply changed."""
    fault = Fault(does="reply", status=418, headers={"X-Brew": "tea"}, body="ü", effect=False)
    await on.control.fail("callkaro", fault)
    reply = await on.place()
    assert (reply.status_code, reply.headers["X-Brew"], reply.text) == (418, "tea", "ü")
    await on.control.fail("callkaro", Fault(does="server_error", body="{}"))
    reply = await on.place()
    assert (reply.status_code, reply.text) == (500, "{}")
    assert await answered(on) == [(418, "reply", 0), (500, "server_error", 1)]


async def test_times(on: Running) -> None:
    """A fault affects as many requests as planned, or all until it is cleared, at a single provider."""
    await on.control.fail("callkaro", "html_502", 2)
    assert [(await on.place()).status_code for _ in range(3)] == [502, 502, 200]
    await on.control.fail("callkaro", "html_502", None)
    assert [(await on.place()).status_code for _ in range(3)] == [502, 502, 502]
    assert (await on.cancel("vx_1001")).status_code == 200
    await on.control.clear("callkaro")
    assert (await on.place()).status_code == 200


async def test_keep_alive(on: Running) -> None:
    """Without a fault, a connection carries request after request, however the body is sent."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"to_number": "+919876543210",'
        yield b'"agent_id": "' + AGENT.encode() + b'"}'

    reader, writer = await asyncio.open_connection(on.callkaro.base_url.host, on.callkaro.base_url.port)
    here = f"127.0.0.1:{on.callkaro.base_url.port}"
    head = f"POST {PLACE}?x=%2F HTTP/1.1\r\nHost: {here}\r\nx-api-KEY: {KEY}\r\n"
    for framing in ("Content-Length: 68\r\n\r\n", "Expect: 100-continue\r\nContent-Length: 68\r\n\r\n"):
        writer.write((head + framing).encode())
        if "100-continue" in framing:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b'{"to_number":"+919876543210","agent_id":"6803fa770b666a64ab1694c1e"}')
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (await reader.readuntil(b"}")).endswith(b'"}')
    writer.write((head + "Connection: close\r\nContent-Length: 0\r\n\r\n").encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert (await on.callkaro.post(PLACE, content=chunks())).status_code == 200
    journal = await on.control.journal("callkaro")
    assert [len(exchange.effects) for exchange in journal.exchanges] == [1, 1, 0, 1]
    first = journal.exchanges[0].request
    assert first.target == f"{PLACE}?x=%2F"
    assert first.headers == (("Host", here), ("x-api-KEY", "[redacted]"), ("Content-Length", "68"))


async def test_not_http(on: Running) -> None:
    """Bytes that are no HTTP get a 400 and count as no request."""
    reader, writer = await asyncio.open_connection(on.callkaro.base_url.host, on.callkaro.base_url.port)
    writer.write(b"HELO there\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert (await on.control.journal("callkaro")).lines == ()


async def test_requests_at_once(on: Running) -> None:
    """Each of many simultaneous clients gets an answer, and the journal has every request."""
    replies = await asyncio.gather(*(on.place() for _ in range(50)))
    ids = {reply.json()["call_id"] for reply in replies}
    assert len(ids) == 50
    assert {call_id for _, call_id in await on.effects("callkaro")} == ids


async def test_delete_faults_too(on: Running) -> None:
    """A fault hits the next request to any endpoint."""
    await on.place(schedule_at="2026-12-31T09:30:00")
    await on.control.fail("callkaro", "reset")
    with pytest.raises(httpx.ReadError):
        await on.callkaro.post(DELETE, params={"agent_id": AGENT}, json={"to_number": NUMBER})
    assert [what for what, _ in await on.effects("callkaro")] == ["placed", "removed"]

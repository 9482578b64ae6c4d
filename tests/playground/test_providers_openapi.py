"""The stand-ins' replies against the OpenAPI parts of the providers' own documents."""

from collections.abc import AsyncIterator, Iterable

import httpx
import pytest

from playground.callkaro import PLACE, Shape
from tests.playground.providers_running import Running, running
from tests.support.provider_documents import IN_REPLIES, IN_REQUESTS, Operation, operation

SHAPES: tuple[Shape, ...] = ("success", "done", "neither")


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


def faults(described: Operation, replies: Iterable[httpx.Response]) -> set[str]:
    """Return everything in some replies that the document does not describe."""
    return {
        fault
        for reply in replies
        for fault in described.reply_faults(
            reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, reply.json()
        )
    }


async def test_callkaro_replies(on: Running) -> None:
    """CallKaro's replies match its document, but for the known gaps."""
    described = operation("callkaro")
    replies = [await on.place(), await on.place(to_number="1"), await on.place(agent_id="nobody")]
    for shape in SHAPES:
        await on.control.shape(shape)
        replies.append(await on.place())
    replies.append(await on.callkaro.post(PLACE, json={}, headers={"X-API-KEY": "wrong"}))
    await on.control.fail("callkaro", "server_error")
    replies.append(await on.place())
    assert faults(described, replies) == IN_REPLIES["callkaro"].keys()
    assert described.statuses <= {str(reply.status_code) for reply in replies}


async def test_callkaro_examples(on: Running) -> None:
    """Every example request in CallKaro's document is placed, and has the same gaps as ours."""
    described = operation("callkaro")
    replies = [await on.callkaro.post(PLACE, json=example) for example in described.examples]
    assert faults(described, replies) <= IN_REPLIES["callkaro"].keys()
    assert len(await on.control.calls("callkaro")) == len(described.examples)
    headers = {"X-API-KEY": "k", "Content-Type": "application/json"}
    found = [described.request_faults("POST", PLACE, headers, example) for example in described.examples]
    assert {fault for faults in found for fault in faults} == IN_REQUESTS["callkaro"].keys()


async def test_voxworks_replies(on: Running) -> None:
    """Voxworks' replies match its document, and it describes no other."""
    described = operation("voxworks")
    replies = [await on.cancel("vx_1001"), await on.cancel("vx_1001"), await on.cancel("vx_9001")]
    for fault in ("rate_limited", "server_error", "rejected"):
        await on.control.fail("voxworks", fault)
        replies.append(await on.cancel("vx_1002"))
    on.voxworks.headers["Authorization"] = "Bearer wrong"
    replies.append(await on.cancel("vx_1002"))
    assert faults(described, replies) == IN_REPLIES["voxworks"].keys()
    assert {str(reply.status_code) for reply in replies} == described.statuses

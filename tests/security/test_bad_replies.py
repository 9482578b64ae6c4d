"""Undocumented replies, from every provider to every kind of action: never a success, and never large."""

import json
import tracemalloc
from collections.abc import Mapping
from typing import cast

import pytest

from providers.actions import CallAction, Status
from providers.transport.redaction import LONGEST_RECORD
from providers.transport.response import LARGEST_BODY
from tests.providers.wire import Answer, drip, flood, gzip_bomb, reply
from tests.security.test_echoes import ASKED, SHORT, SUCCESSES, exchange

GOOD = {
    "status": "success",
    "success": True,
    "error": False,
    "call_id": "40961",
    "data": {"_id": "c-1"},
}
TEXT = json.dumps(GOOD)[1:-1]
"""A success for each of the providers, to be spoilt."""

MOST_MEMORY = 16 * LARGEST_BODY
"""Most bytes of memory while a reply of any size is read: a few times the bound."""

GZIP = {"Content-Encoding": "gzip"}
REPLIES: Mapping[str, Answer] = {
    "gzip bomb": reply(200, gzip_bomb(200), GZIP),
    "no gzip": reply(200, b"{" + TEXT.encode() + b"}", GZIP),
    "unknown encoding": reply(200, b"{" + TEXT.encode() + b"}", {"Content-Encoding": "br"}),
    "without end": drip,
    "200 MB": flood(b" " * LARGEST_BODY, 200),
    "a success, then 2 MB": flood(b"{" + TEXT.encode() + b"}" + b" " * LARGEST_BODY, 2),
    "deep list": reply(200, b"[" * 100_000),
    "deep within a success": reply(200, f'{{{TEXT},"x":{"[" * 100_000}'.encode()),
    "deep and whole": reply(200, f'{{{TEXT},"x":{"[" * 50_000}{"]" * 50_000}}}'.encode()),
    "5 000 digits": reply(200, f'{{{TEXT},"n":{"9" * 5000}}}'.encode()),
    "NaN": reply(200, f'{{{TEXT},"n":NaN}}'.encode()),
    "infinite": reply(200, f'{{{TEXT},"n":1e999}}'.encode()),
    "a key twice": reply(200, f'{{{TEXT},"status":"error","success":false,"error":true}}'.encode()),
    "not UTF-8": reply(200, f'{{{TEXT},"x":"'.encode() + b'\xff"}'),
    "two documents": reply(200, f"{{{TEXT}}}{{{TEXT}}}".encode()),
    "a list of successes": reply(200, [GOOD]),
    "HTML 502": reply(502, b"<html><body>Bad Gateway</body></html>", {"Content-Type": "text/html"}),
    "HTML 200": reply(200, b"<html><body>Welcome</body></html>", {"Content-Type": "text/html"}),
    "empty 200": reply(200, b""),
    "204": reply(204, b"", {"Content-Length": "0"}),
    "of other types": reply(
        200, {"status": ["success"], "success": "true", "error": 0, "done": 1, "data": []}
    ),
}


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize(("provider", "action"), ASKED)
async def test_what_is_no_answer_is_a_doubt(provider: str, action: CallAction, name: str) -> None:
    """Each is an unknown outcome, at once or at the deadline, and little of it is kept."""
    outcome, received, _ = await exchange(
        provider, action, REPLIES[name], deadline=SHORT if name == "without end" else 20.0
    )
    assert (outcome.status, outcome.reference, outcome.record) == (Status.UNKNOWN, None, None)
    assert len(outcome.raw or "") <= LONGEST_RECORD
    assert received


@pytest.mark.parametrize("name", ["gzip bomb", "200 MB", "deep list", "5 000 digits"])
async def test_no_reply_takes_much_memory(name: str) -> None:
    """For a reply of any size, memory stays within a few times the bound."""
    provider, action = ASKED[0].values
    tracemalloc.start()
    try:
        await exchange(str(provider), cast("CallAction", action), REPLIES[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.parametrize(("provider", "action"), ASKED)
async def test_a_good_answer_is_one(provider: str, action: CallAction) -> None:
    """The unspoilt answer is a success everywhere, so only the fault makes it unknown above."""
    good = GOOD | {"status": SUCCESSES.get(action.kind, "success")}
    statuses = [(await exchange(provider, action, reply(http, good)))[0].status for http in (200, 201)]
    assert Status.OK in statuses

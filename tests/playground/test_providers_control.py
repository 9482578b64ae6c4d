import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from playground.faults import Fault
from playground.journal import Journal
from playground.provider_control import ProviderControl
from playground.voxworks import KEY, SEEDED, TEAM
from tests.playground.providers_running import NUMBER, START, Running, running


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


async def test_an_exchange_is_whole(on: Running) -> None:
    """The journal has a request as it was sent, its effects, and the answer, in that order."""
    reply = await on.voxworks.post("/api/v1/cancel-call/vx%5F1001?a=b%20c", content="whatever é")
    journal = await on.control.journal("voxworks")
    (exchange,) = journal.exchanges
    asked, (effect,), answer = exchange.request, exchange.effects, exchange.answer
    assert (asked.method, asked.target, asked.body) == (
        "POST",
        "/api/v1/cancel-call/vx%5F1001?a=b%20c",
        "whatever é",
    )
    assert answer is not None
    assert (answer.status, answer.body, answer.fault) == (200, reply.text, None)
    assert asked.at == effect.at == answer.at == START
    assert asked.number < effect.number < answer.number
    numbers = [line.number for line in journal.lines]
    assert numbers == sorted(set(numbers))


async def test_secrets_are_left_out(tmp_path: Path) -> None:
    """No key reaches the journal, in memory or in the file. The presence of a key does."""
    file = tmp_path / "journal.jsonl"
    async with running(journal=file) as recorded:
        await recorded.cancel("vx_1001")
        await recorded.place()
    assert b"playground-key" not in file.read_bytes()
    asked = [dict(exchange.request.headers) for exchange in Journal.read(file).exchanges]
    assert [headers.get("Authorization", headers.get("X-API-KEY")) for headers in asked] == ["[redacted]"] * 2


async def test_a_killed_playground_leaves_its_journal(tmp_path: Path) -> None:
    """After kill -9 the file holds what happened, and a new start adds to it."""
    file = tmp_path / "journal.jsonl"
    program = (
        "import asyncio, contextlib, pathlib, sys\n"
        "from playground import providers\n"
        "async def main():\n"
        "    async with contextlib.AsyncExitStack() as stack:\n"
        "        standins = await providers.start(stack, journal=pathlib.Path(sys.argv[1]))\n"
        "        print(standins.addresses['voxworks'], flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(file), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {KEY}"}) as http:
        await http.post(f"{address}/api/v1/cancel-call/vx_1001")
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    before = Journal.read(file)
    assert [(effect.what, effect.subject.id) for effect in before.effects if effect.request] == [
        ("cancelled", "vx_1001")
    ]
    async with running(journal=file) as again:
        await again.cancel("vx_1002")
        assert [
            effect.subject.id
            for effect in (await again.control.journal("voxworks")).effects
            if effect.request
        ] == ["vx_1001", "vx_1002"]
    after = Journal.read(file)
    assert after.lines[: len(before.lines)] == before.lines
    assert [line.number for line in after.lines] == list(range(1, 1 + len(after.lines)))


async def test_journals_are_apart(on: Running) -> None:
    """A provider's journal holds only its own requests."""
    await on.place()
    await on.cancel("vx_1001")
    for provider in ("callkaro", "voxworks"):
        journal = await on.control.journal(provider)
        assert {line.provider for line in journal.lines} == {provider}
        assert len(journal.exchanges) == 1


async def test_reset(on: Running) -> None:
    """A reset restores calls, faults, time and shape, and keeps the journal."""
    await on.control.shape("done")
    await on.control.advance(3600)
    await on.place()
    await on.cancel("vx_1001")
    await on.control.fail("callkaro", "refused")
    await on.control.reset()
    assert await on.control.calls("callkaro") == ()
    assert {call.state for call in await on.control.calls("voxworks")} == {"scheduled"}
    assert (await on.place()).json()["status"] == "success"
    asked = [exchange.request.at for exchange in (await on.control.journal("callkaro")).exchanges]
    assert [(at - START).total_seconds() for at in asked] == [3600, 0]
    assert len(await on.control.calls("voxworks")) == len(SEEDED)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(does="sulk"), "sulk is not a fault; there are: close, cut, "),
        (Fault(does="slow", effect=False), "needs the provider's own answer"),
        (Fault(does="refused", effect=True), "a refused connection has no effect"),
        (Fault(does="rate_limited"), "rate_limited is not a fault"),
    ],
)
async def test_faults_that_make_no_sense(on: Running, fault: Fault, sentence: str) -> None:
    """A fault that a provider cannot have is refused with a reason, and nothing is armed."""
    with pytest.raises(ValueError, match=sentence):
        await on.control.fail("callkaro", fault)
    assert (await on.place()).status_code == 200


async def test_calls_that_make_no_sense(on: Running) -> None:
    """A call added by hand needs an owner that its provider knows."""
    due = datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="a team as owner: ours, theirs"):
        await on.control.add_call("voxworks", "vx_1", due=due, owner="nobody")
    with pytest.raises(ValueError, match="a known agent as owner"):
        await on.control.add_call("callkaro", "c_1", due=due, owner=TEAM, to=NUMBER)


async def test_control_outside_its_context() -> None:
    """The error tells how the client is to be used."""
    with pytest.raises(RuntimeError, match="context manager"):
        await ProviderControl("http://127.0.0.1:1").calls("callkaro")

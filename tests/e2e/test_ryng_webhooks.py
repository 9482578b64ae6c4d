"""Ryng's callbacks: the address goes out with the call, and its end is recorded once."""

import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest
import pytest_asyncio

from playground import ryng
from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORD, OTHER_WORD = "canary-webhook-word-of-ryng", "canary-webhook-word-of-callkaro"
PUBLIC_URL = "https://bot.example/call-ops"
SETTINGS = f"""provider = "ryng"
allow_undocumented = true
webhook_secret = "env:RYNG_WEBHOOK_SECRET"
campaign_id = {ryng.CAMPAIGN}"""
CALLKARO = """timezone = "Asia/Kolkata"
webhook_secret = "env:CALLKARO_WEBHOOK_SECRET"
send_action_id = true
allow_undocumented = true
"""
SECRETS = {"RYNG_WEBHOOK_SECRET": WORD, "CALLKARO_WEBHOOK_SECRET": OTHER_WORD}


@pytest_asyncio.fixture(loop_scope="session")
async def hearing(dark_scene: Scene) -> Scene:
    """Return a scene whose calls through Ryng are sent with the address for their ends."""
    scene = dark_scene
    scene.connect_further()
    file = scene.folder / "callops.toml"
    text = file.read_text(encoding="utf-8")
    for old, new in {'provider = "ryng"': SETTINGS, 'timezone = "Asia/Kolkata"\n': CALLKARO}.items():
        assert old in text
        text = text.replace(old, new)
    agents = f"\n[connections.dialer.agents]\nasha = {ryng.AGENT}\n"
    file.write_text(text + agents, encoding="utf-8")
    scene.told_otherwise = {**SECRETS, "PUBLIC_URL": PUBLIC_URL, "PORT": "0", "LOG_LEVEL": "DEBUG"}
    await scene.start_bot()
    return scene


async def sent_address(scene: Scene, number: int = 1) -> str:
    """Return the address that a call was sent with."""
    asked = (await scene.request_reaches("ryng", number))[-1]
    return str(asked.json["terminalCallbackUrl"])


async def report(scene: Scene, address: str, **changes: Any) -> int:
    """Post the end of a call to an address below the public one, and return the status."""
    call = (await scene.providers.calls("ryng"))[-1]
    said = {
        "callID": int(call.id),
        "callLogID": int(call.id) + 1,
        "customerNum": NUMBER,
        "status": "completed",
        "disposition": "Interested",
        "talktime": 42,
        "callDuration": 55,
        "recordingUrl": "https://recordings.ryng.example/1.mp3",
    }
    url = address.replace(PUBLIC_URL, scene.address)
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(url, json=said | changes)).status_code


async def ends(scene: Scene, request: str) -> list[str]:
    """Return the endings in the log of a request's call."""
    shown = await scene.log("show", request)
    return [one["data"]["ending"] for one in shown["events"] if one["name"] == "call_ended"]


async def test_the_end_of_a_call_is_recorded_once(hearing: Scene) -> None:
    """The address has the secret and our id. The same end twice is one event, and can be searched."""
    await hearing.place(f"/place-call {NUMBER} via dialer")
    request = request_id(await hearing.audit("*Placed*"))
    address = await sent_address(hearing)
    assert address == f"{PUBLIC_URL}/webhooks/dialer/{WORD}/{request}"
    assert [await report(hearing, address) for _ in range(2)] == [200, 200]
    assert await ends(hearing, request) == ["answered"]
    found = await hearing.log("list", "--ended", "answered")
    assert [(one["id"], one["ended"]) for one in found] == [(request, "answered")]
    assert "answered" in words(await hearing.ask("/calls log ended=answered"))


async def test_an_end_before_the_answer_survives_a_kill(hearing: Scene) -> None:
    """The call ended while its answer was still out, and the bot is killed. A repetition adds nothing."""
    await hearing.providers.fail("ryng", "silence", effect=True)
    await hearing.place(f"/place-call {NUMBER} via dialer")
    address = await sent_address(hearing)
    assert await report(hearing, address) == 200
    await hearing.kill_bot()
    await hearing.start_bot()
    assert [await report(hearing, address) for _ in range(2)] == [200, 200]
    request = request_id(await hearing.audit("*Placed*"))
    names = [one["name"] for one in (await hearing.log("show", request))["events"]]
    assert (names.count("call_ended"), names.count("webhook"), names.count("sending")) == (1, 1, 1)
    assert len(await hearing.requests("ryng")) == 1


async def test_a_write_that_fails_is_told_again(hearing: Scene) -> None:
    """While another process holds the log, Ryng reads 503, and later its repetition is taken."""
    await hearing.place(f"/place-call {NUMBER} via dialer")
    request = request_id(await hearing.audit("*Placed*"))
    address = await sent_address(hearing)
    with closing(sqlite3.connect(hearing.folder / "callops.db", isolation_level=None)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        assert await report(hearing, address) == 503
    assert await report(hearing, address, disposition="No Answer", talktime=0) == 200
    assert await ends(hearing, request) == ["other"]


async def test_nobody_else_tells_an_end(hearing: Scene) -> None:
    """A wrong word, number or id, or another connection's secret, changes nothing.

    The word stands in no line of the bot, of the log or of the check.
    """
    await hearing.place(f"/place-call {NUMBER} via dialer")
    request = request_id(await hearing.audit("*Placed*"))
    await hearing.place(f"/place-call {OTHER_NUMBER} via dialer")
    other = request_id(await hearing.audit("*Placed*", "3211"))
    address = f"{PUBLIC_URL}/webhooks/dialer/{WORD}/{request}"
    assert await sent_address(hearing, 2) == address.replace(request, other)
    wrong = {
        address.replace(WORD, f"{WORD}x"): 404,
        address.replace(WORD, OTHER_WORD): 404,
        address.replace("dialer", "reminders"): 404,
        address.replace("dialer", "reminders").replace(WORD, OTHER_WORD): 200,
        address.replace(request, other): 200,
        address.replace(request, "A-2222"): 200,
        address.replace(f"/{request}", ""): 200,
        f"{address}/more": 404,
        f"{address}/": 404,
    }
    assert {one: await report(hearing, one) for one in wrong} == wrong
    assert await report(hearing, address, customerNum=OTHER_NUMBER) == 200
    assert (await ends(hearing, request), await ends(hearing, other)) == ([], [])
    shown = [
        await hearing.terminal(*command)
        for command in (["log", "show", request, "--json"], ["log", "show", request, "--raw"], ["check"])
    ]
    assert "Ryng" in shown[-1].output
    assert f"Providers are told to report to {PUBLIC_URL}." in shown[-1].output
    for told in (*(one.output + one.errors for one in shown), hearing.bot_log()):
        assert "canary" not in told


async def test_without_a_public_address_none_is_sent(hearing: Scene) -> None:
    """The call is placed all the same, and the check says what is missing."""
    await hearing.stop_bot()
    hearing.told_otherwise["PUBLIC_URL"] = ""
    await hearing.start_bot()
    await hearing.place(f"/place-call {NUMBER} via dialer")
    await hearing.audit("*Placed*")
    [asked] = await hearing.requests("ryng")
    assert "terminalCallbackUrl" not in asked.json
    printed = await hearing.terminal("check")
    assert "Ryng isn't told where to report the ends of calls." in printed.output
    assert "PUBLIC_URL" in printed.output

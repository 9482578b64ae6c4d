"""CallKaro's stand-in rings, and tells the bot how each try of a call ended."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from playground.callkaro import AGENT, DELETE, KEY
from playground.calls import Ringing
from playground.journal import CallEnd
from playground.stage import WEBHOOK_WORD
from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, request_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY = 24 * 3600


@pytest_asyncio.fixture(loop_scope="session")
async def scene(dark_scene: Scene) -> Scene:
    """Return a scene whose bot is told of ended calls."""
    dark_scene.webhooks = True
    dark_scene.write_configuration()
    await dark_scene.start_bot()
    await dark_scene.report_ends(wanted=True)
    return dark_scene


async def ends(scene: Scene, request: str) -> list[dict[str, Any]]:
    """Return what the log holds of the ends of a request's call."""
    shown = await scene.log("show", request)
    return [event["data"] for event in shown["events"] if event["name"] == "call_ended"]


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        ("answered", "answered"),
        ("no_answer", "no_answer"),
        ("voicemail", "voicemail"),
        ("busy", "rejected"),  # CallKaro has no word for a busy line
        ("rejected", "rejected"),
        ("invalid_number", "invalid_number"),
    ],
)
async def test_an_end_reaches_the_log(scene: Scene, end: CallEnd, ending: str) -> None:
    """A placed call rings, ends, and its end stands in the log beside the action."""
    await scene.providers.ring("callkaro", end)
    await scene.place()
    request = request_id(await scene.audit("*Placed*"))
    await scene.providers.advance(60)
    [told] = (await scene.providers.journal("callkaro")).told[-1:]
    assert told.status == 200
    [data] = await ends(scene, request)
    assert (data["ending"], data["try"], data["again"]) == (ending, 0, False)
    assert (await scene.log("show", request))["request"]["state"] == "succeeded"


async def test_each_try_reaches_the_log_once(scene: Scene) -> None:
    """Nobody answers the first two tries, and somebody the third. A repeated webhook changes nothing."""
    await scene.report_ends(wanted=True)
    await scene.providers.ring("callkaro", Ringing(end="no_answer", rings=20))
    await scene.place(f"/place-call {NUMBER} retries=5 gap=30,60")
    request = request_id(await scene.audit("*Placed*"))
    await scene.providers.advance(20)
    await scene.providers.advance(30 * 60 + 20)
    await scene.providers.ring("callkaro", "answered")
    await scene.providers.advance(DAY)
    found = await ends(scene, request)
    assert [(one["ending"], one["try"], one["again"]) for one in found] == [
        ("no_answer", 0, True),
        ("no_answer", 1, True),
        ("answered", 2, False),
    ]


async def test_a_restarted_bot_is_told_too(scene: Scene) -> None:
    """An end while the bot is gone is lost, and the next one is told at its new address."""
    await scene.place()
    request = request_id(await scene.audit("*Placed*"))
    await scene.kill_bot()
    await scene.providers.advance(60)
    [told] = (await scene.providers.journal("callkaro")).told[-1:]
    assert told.status is None
    await scene.start_bot()
    assert await ends(scene, request) == []
    await scene.place(f"/place-call {OTHER_NUMBER}")
    another = request_id(await scene.audit("*Placed*", OTHER_NUMBER[-4:]))
    await scene.providers.advance(60)
    assert [one["ending"] for one in await ends(scene, another)] == ["answered"]


async def test_a_deletion_is_told_if_callkaro_does(scene: Scene) -> None:
    """Somebody deletes the call at CallKaro. The thread says that it doesn't go out."""
    url = f"{scene.bot_address}/webhooks/reminders/{WEBHOOK_WORD}"
    await scene.providers.tell("callkaro", url, deletions=True)
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    request = request_id(await scene.audit("*Scheduled*"))
    async with httpx.AsyncClient(trust_env=False, headers={"X-API-KEY": KEY}) as client:
        address = f"{scene.addresses['callkaro']}{DELETE}?agent_id={AGENT}"
        await client.post(address, json={"to_number": NUMBER})
    await scene.reply("scheduled call was deleted")
    assert [one["ending"] for one in await ends(scene, request)] == ["deleted"]

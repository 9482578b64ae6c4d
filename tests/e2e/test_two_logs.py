"""Two bots on one Slack app, each with a log of its own: people who can mend it are told."""

import asyncio

import httpx
import pytest

from playground.stage import stop
from tests.e2e.scene import NUMBER, SOCKET_MODE_ONLY, Scene, until, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANOTHER = "another CallOps is connected with another log"
FOREIGN = "Somebody pressed a button of a request that is not in this log"


@SOCKET_MODE_ONLY
async def test_a_second_bot_with_another_log_is_said_loudly(scene: Scene) -> None:
    """Slack counts more connections than the log knows. The second bot says so in its log, and to users."""
    scene.errors_expected = (ANOTHER,)
    first = scene.bot
    assert first is not None
    scene.told_otherwise["DATABASE_URL"] = f"sqlite:///{scene.folder / 'other.db'}"
    second = await scene.start_bot()

    async def noticed() -> bool | None:
        return ANOTHER in scene.bot_log() or None

    await until(noticed)
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        ready = await client.get(f"{scene.address}/readyz")
    assert ready.status_code == 200
    assert [one for one in ready.json()["warnings"] if ANOTHER in one]
    assert ANOTHER in (await scene.terminal("check", PORT=scene.address.rpartition(":")[2])).output
    assert [await stop(one) for one in (second, first)] == [0, 0]


@SOCKET_MODE_ONLY
async def test_two_bots_on_one_log_are_no_trouble(scene: Scene) -> None:
    """Several processes may share a log without an alarm."""
    first = scene.bot
    assert first is not None
    second = await scene.start_bot()
    await asyncio.gather(*(scene.ask("/calls help") for _ in range(4)))
    assert ANOTHER not in scene.bot_log()
    assert [await stop(one) for one in (second, first)] == [0, 0]


async def test_whoever_presses_a_button_of_another_log_is_told(scene: Scene) -> None:
    """The bot's log lacks the card's request.

    The user reads why nothing happens, and the operator that it did.
    """
    scene.errors_expected = (FOREIGN,)
    await scene.ask("/cancel-call vx_1001 customer asked")
    card = await scene.card("Requested by")
    await scene.stop_bot()
    scene.told_otherwise["DATABASE_URL"] = f"sqlite:///{scene.folder / 'other.db'}"
    await scene.start_bot()
    await scene.mira.click(card, "review")
    told = await scene.answered("This request isn't in the log", person=scene.mira)
    assert "so nothing was done" in words(told)
    assert FOREIGN in scene.bot_log()
    assert NUMBER not in scene.bot_log()

import pytest

from tests.e2e.scene import Scene, private, until, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS = 20


def number(place: int) -> str:
    """Return the number of one of the calls."""
    return f"+9198765{place:05}"


async def test_twenty_calls_wait_through_a_kill_and_are_sent_once(scene: Scene) -> None:
    """Nothing is sent after the pause, not by the next process either. After the resume, each call is."""
    await scene.ask("/cancel-call vx_1001 customer asked")
    cancellation = await scene.review()
    await scene.providers.fail("callkaro", "refused", times=None)
    for place in range(CALLS):
        await scene.place(f"/place-call {number(place)}")
    paused = private(await scene.mira.command("/calls pause via reminders wrong list"))
    assert f"{CALLS} actions wait." in words(paused)
    await scene.kill_bot()
    await scene.providers.clear("callkaro")
    await scene.start_bot()
    printed = await scene.terminal("retry-connection", "reminders")
    assert printed.status == 0
    assert (await scene.mira.submit(cancellation)).error is None
    await scene.request_reaches("voxworks")  # what goes on proves that the dispatcher has looked
    assert await scene.requests("callkaro") == []
    resumed = private(await scene.mira.command("/calls resume via reminders"))
    assert "are no longer paused" in words(resumed)

    async def all_sent() -> bool | None:
        sent = [one for one in await scene.requests("callkaro") if one.effects]
        return len(sent) >= CALLS or None

    await until(all_sent, within=60)
    assert sorted(one.json["to_number"] for one in await scene.requests("callkaro")) == [
        number(place) for place in range(CALLS)
    ]

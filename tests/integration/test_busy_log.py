import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from sqlite3 import Connection

import pytest

from bot.ui.do_not_call import ADD
from playground.people import Heard, Message
from storage.queries import Query
from storage.states import State
from tests.e2e.scene import private, until, words
from tests.integration.bench import AGENT, PLACE, BotWorld, StepLog, bench
from tests.storage.holder import held
from tests.storage.samples import NUMBER, verified

SLACK_WAITS = 3.0
"""Seconds until people read that the app did not answer."""
SLOW_COMMIT = 3.2
"""Seconds of a commit: longer than Slack waits."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, which receives people's input."""
    async with bench(tmp_path) as made, made.connected():
        yield made


async def types(stage: BotWorld, line: str) -> Heard:
    """Type a line as the agent, and return its result, which must come in time."""
    began = time.monotonic()
    heard = await stage.people.person(AGENT).command(line)
    assert time.monotonic() - began < SLACK_WAITS
    return heard


async def pressed(stage: BotWorld, shown: Message) -> str:
    """Press the button of a stop's preview, and return the answer."""
    asha = stage.people.person(AGENT)
    before = {one.ts: words(one) for one in await asha.ephemerals()}
    await asha.click(shown, ADD)

    async def answered() -> str | None:
        now = [words(one) for one in await asha.ephemerals() if before.get(one.ts) != words(one)]
        return now[-1] if now else None

    return await until(answered)


async def test_what_was_recorded_before_the_log_became_busy_is_not_denied(stage: BotWorld) -> None:
    """A stop blocks its number first. If the log is busy from then on, the answer says that much."""
    waiting = await stage.bot.ask(PLACE, delivery_key="a call that waits")
    shown = private(await types(stage, f"/calls stop {NUMBER} asked for it"))
    async with AsyncExitStack() as stack:

        async def become_busy() -> None:
            stage.bot.store.at.clear()
            await stack.enter_async_context(held(stage.path))

        stage.bot.store.at["before call_stopped"] = become_busy
        said = await pressed(stage, shown)
        assert "recorded at least a part of this" in said
        assert await stage.bot.store.do_not_call.stops(NUMBER)
    said = await pressed(stage, shown)
    assert "is now blocked." in said
    assert "Undo" in said, "it is still the block that this button made"
    assert (await stage.bot.record(waiting)).state is State.WITHDRAWN
    assert not (await verified(stage.bot.store)).faults


async def test_whether_a_slow_commit_is_recorded_is_not_guessed(stage: BotWorld) -> None:
    """A disk takes longer than Slack waits. The answer says that nobody knows, and the request is there."""
    await stage.bot.person(AGENT)
    await make_slow(stage.bot.store)
    said = words(private(await types(stage, "/cancel-call vx_1001 via voxworks reason=customer asked")))
    assert "couldn't tell in time whether this was recorded" in said
    await stage.bot.store.audit.record_error(actor=AGENT, where="test", private={})  # after the current write
    assert len((await stage.bot.store.search.page(Query())).actions) == 1


async def make_slow(store: StepLog) -> None:
    """Let every new request take long to be written."""

    def slow(connection: Connection) -> None:
        connection.create_function("takes_long", 0, lambda: time.sleep(SLOW_COMMIT))
        connection.execute(
            "CREATE TEMP TRIGGER slowly AFTER INSERT ON main.requests BEGIN SELECT takes_long(); END"
        )

    await store._database.writer.do(slow)

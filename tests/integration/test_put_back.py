"""Restored backups: approved actions in them were sent since, and are not sent again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from providers.actions import PlaceCall
from storage.maintenance.backup import backup
from storage.states import State
from tests.integration.bench import CANCEL_BY_NUMBER, BotWorld, bench
from tests.integration.test_moves_and_cancellations import move, placed, second_steps
from tests.storage.samples import NUMBER, verified


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def put_back(stage: BotWorld) -> None:
    """Kill the bot, and start another one on the backup, in a place of its own."""
    await stage.bot.store.die()
    copy, stage.folder = stage.folder / "backup.db", stage.folder / "again"
    stage.folder.mkdir()
    copy.rename(stage.path)
    await stage.start()


async def test_nobody_is_called_again_after_a_restore(stage: BotWorld) -> None:
    """The call was approved at the backup, and placed after it. New requests are sent as usual."""
    at = stage.clock().replace(microsecond=0) + timedelta(hours=3)
    call = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    assert not backup(stage.path, stage.folder / "backup.db").faults
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed"]
    await put_back(stage)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(call)
    assert record.state is State.REFUSED
    assert "restored from a backup" in (record.message or "")
    assert await stage.effects("callkaro") == ["placed"]
    await stage.pass_time(minutes=1)
    cancelled = await stage.bot.approved(CANCEL_BY_NUMBER)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(cancelled)).state is State.SUCCEEDED
    assert (await verified(stage.bot.store)).faults == ()


async def test_a_move_takes_no_second_step_again_after_a_restore(stage: BotWorld) -> None:
    """The first step was done at the backup, and the second one after it."""
    moves = await move(stage, await placed(stage))
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    assert not backup(stage.path, stage.folder / "backup.db").faults
    await second_steps(stage)
    assert await stage.effects("callkaro") == ["placed", "removed", "placed"]
    await put_back(stage)
    await second_steps(stage)
    assert await stage.effects("callkaro") == ["placed", "removed", "placed"]

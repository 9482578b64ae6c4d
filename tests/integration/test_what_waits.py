"""What a round and a list cost the log, beside few and beside many waiting requests."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, MANAGER, Bot, Parts, StepLog, bench
from tests.storage.samples import cancelling, many_numbers

FEW, MANY = 20, 400
COUNTED = 1_500
"""Steps in which a hundred waiting requests are counted; no more of them are."""
NOBODY_IS_ASKED = {'expires = "8h"': 'expires = "8h"\nnotify = "nobody"'}


class CountingLog(StepLog):
    """The real log, which counts the steps of SQLite's machine on both of its connections."""

    taken = 0

    async def cost(self, work: Awaitable[object]) -> int:
        """Do something, and say how many steps that took."""
        await self._database.reader.do(lambda connection: connection.set_progress_handler(self._step, 1))
        await self._database.writer.do(lambda connection: connection.set_progress_handler(self._step, 1))
        self.taken = 0
        await work
        return self.taken

    def _step(self) -> None:
        self.taken += 1


async def new_request(bot: Bot) -> None:
    """Have somebody ask, and all who are to hear of it hear."""
    await bot.ask(CANCEL_BY_NUMBER, delivery_key="another")
    await bot.asks()


async def overview(bot: Bot) -> None:
    """List what waits."""
    await bot.surfaces.requests._lists.overview(await bot.person(MANAGER))


WORK: dict[str, Callable[[Bot], Awaitable[object]]] = {
    "a round of the dispatcher": lambda bot: bot.dispatcher.run_once(),
    "a round of the asking": lambda bot: bot.asking.run_once(),
    "a round of the outbox": lambda bot: bot.outbox.run_once(),
    "a list": overview,
    "a new request": new_request,
}


async def costs(folder: Path, waiting: int) -> dict[str, int]:
    """How many steps each work takes beside so many waiting requests."""
    found = {}
    async with bench(folder, Parts(log=CountingLog)) as stage:
        bot = await stage.crash(**NOBODY_IS_ASKED)
        assert isinstance(bot.store, CountingLog)
        team = (await bot.person(AGENT)).team
        for number in many_numbers(waiting):
            new = replace(cancelling(number), team=team, requester=AGENT)
            await bot.store.requests.create(new)
        while await bot.asking.run_once():
            pass
        for name, work in WORK.items():
            found[name] = await bot.store.cost(work(bot))
    return found


async def test_what_waits_costs_nobody_anything(tmp_path: Path) -> None:
    """Twenty times as much waits; a round in which nothing is due, a list and a new request cost the same."""
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    few, many = await costs(tmp_path / "few", FEW), await costs(tmp_path / "many", MANY)
    assert all(many[name] <= few[name] * 1.3 + COUNTED for name in WORK), (few, many)

"""Costs of a worker's run and of a list in the log, with few and with many pending requests."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, MANAGER, Bot, Parts, StepLog, bench
from tests.storage.samples import cancelling, many_numbers

FEW, MANY = 20, 400
COUNTED = 1_500
"""Steps in which a hundred pending requests are counted. No more are counted."""
NOBODY_IS_ASKED = {'expires = "8h"': 'expires = "8h"\nnotify = "nobody"'}


class CountingLog(StepLog):
    """The real log, which counts the steps of SQLite's virtual machine on both of its connections."""

    taken = 0

    async def cost(self, work: Awaitable[object]) -> int:
        """Await some work, and return how many steps it took."""
        await self._database.reader.do(lambda connection: connection.set_progress_handler(self._step, 1))
        await self._database.writer.do(lambda connection: connection.set_progress_handler(self._step, 1))
        self.taken = 0
        await work
        return self.taken

    def _step(self) -> None:
        self.taken += 1


async def new_request(bot: Bot) -> None:
    """Create a request as a person, and post all its notifications."""
    await bot.ask(CANCEL_BY_NUMBER, delivery_key="another")
    await bot.asks()


async def overview(bot: Bot) -> None:
    """List pending requests."""
    await bot.surfaces.requests._lists.overview(await bot.person(MANAGER))


WORK: dict[str, Callable[[Bot], Awaitable[object]]] = {
    "a round of the dispatcher": lambda bot: bot.dispatcher.run_once(),
    "a round of the asking": lambda bot: bot.asking.run_once(),
    "a round of the outbox": lambda bot: bot.outbox.run_once(),
    "a list": overview,
    "a new request": new_request,
}


async def costs(folder: Path, waiting: int) -> dict[str, int]:
    """Return the steps of each kind of work with that many pending requests."""
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
    """With twenty times as many, an idle run, a list and a new request cost the same."""
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    few, many = await costs(tmp_path / "few", FEW), await costs(tmp_path / "many", MANY)
    assert all(many[name] <= few[name] * 1.3 + COUNTED for name in WORK), (few, many)

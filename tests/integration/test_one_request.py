from pathlib import Path

import pytest

from storage.states import State
from tests.integration.bench import PLACE, bench
from tests.providers.contract.failures import FAILURES, NOT_SENT

ENDS = {"unknown": State.UNKNOWN, "failed": State.FAILED}
ROUNDS = 4
"""Runs: more than the allowed attempts for an action that was not sent."""


@pytest.mark.parametrize("failure", FAILURES)
async def test_one_placed_call_is_one_request(failure: str, tmp_path: Path) -> None:
    """However the wire fails and however long it takes, a provider that read a request gets no second one."""
    expected = FAILURES[failure]
    async with bench(tmp_path) as world, expected.at() as place:
        bot = await world.crash(**{world.addresses["callkaro"]: place.base_url})
        request = await bot.ask(PLACE)
        for _ in range(ROUNDS):
            await bot.run_until_idle()
            await world.pass_time(seconds=30)
        if expected.outcome == NOT_SENT:  # it waits for the host, without a further attempt
            assert (await bot.record(request)).state is State.APPROVED
            await world.pass_time(minutes=20)
            await bot.run_until_idle()
        record = await bot.record(request)
        assert len(place.received) == expected.requests
        over = ENDS[expected.meaning(PLACE).partition(" ")[0]]
        assert record.state is (State.EXPIRED if expected.outcome == NOT_SENT else over)
        assert record.attempt == 1

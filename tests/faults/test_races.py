from tests.faults.amounts import scaled
from tests.faults.crew import aim, put_there
from tests.faults.processes import Steps, begin, bot, decide, ended, meeting
from tests.faults.reporting import Report
from tests.faults.standins import Lines
from tests.faults.world import world
from tests.integration.bench import AGENT, MANAGER, SECOND

RACES = 400
PEOPLE = ((MANAGER, "approve"), (SECOND, "approve"), (SECOND, "deny"), (AGENT, "take back"))
MOVES = {"approve": "approved", "deny": "denied", "take back": "withdrawn"}
OF_EACH = 4
"""Least number of each result in 400 races: with a constant winner there was no race."""


async def test_of_those_who_decide_at_once_exactly_one_wins(report: Report) -> None:
    """Two approve, one denies and one withdraws, each in a process.

    One decides, and only the winner is told so.
    """
    races = scaled(RACES)
    async with world() as stage:
        made, _ = await bot(stage.place, Steps(None, stage.place.providers))
        ids = []
        for number in range(races):
            put_there(stage.providers, "cancel by id", number)
            ids.append((await made.ask(aim("cancel by id", number), f"race {number}"))[0].id)
        together = meeting(len(PEOPLE))
        racing = [begin(decide, stage.place, who, how, ids, together) for who, how in PEOPLE]
        assert [await ended(process) for process in racing] == [0] * len(PEOPLE)
        told = Lines(stage.place.folder / "told.jsonl").read()
        ends = dict.fromkeys(MOVES.values(), 0)
        for request in ids:
            happened = [event.name for event in await made.store.requests.events(request)][1:]
            won = [MOVES[one["how"]] for one in told if one["request"] == request and one["won"]]
            assert sorted(won) == sorted(happened), f"{request}: {won} were told so, {happened} happened"
            # An approved action can still be withdrawn until it is sent, in a transition after the race.
            first, *after = happened
            assert after in ([], ["withdrawn"] if first == "approved" else []), f"{request}: {happened}"
            ends[first] += 1
        await made.store.close()
    assert len(told) == races * len(PEOPLE)
    report("races", accepted=races)
    assert races < RACES or min(ends.values()) >= OF_EACH, ends

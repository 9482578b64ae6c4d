from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.operations import Origin, Wish
from providers.actions import PlaceCall, Refused
from storage.lifecycle import State
from tests.invariants.bench import AGENT, PLACE, Bench, Bot, bench
from tests.invariants.test_stops import read

RULE = 'name = "anyone may place a call"'
AMERICAN, AUSTRALIAN = "+1 312 555 0123", "+61412345678"
EARLY_IN_CHICAGO = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Bench]:
    """A world with one bot in it, at 6:40 in Chicago and 18:10 in Kolkata."""
    async with bench(tmp_path) as made:
        made.clock.now = EARLY_IN_CHICAGO
        yield made


async def keeping(stage: Bench, *lines: str) -> Bot:
    """A bot under whose rule calls keep hours, or say what they are for."""
    return await stage.crash(**{RULE: "\n".join([RULE, *lines])})


async def test_a_call_outside_hours_is_refused_with_a_line_that_may_go_out(stage: Bench) -> None:
    """The recipient's time is said, and the line to copy is accepted as it is."""
    await keeping(stage, 'calling_hours = "recipient"')
    async with stage.connected():
        asha = stage.people.person(AGENT)
        said = read((await asha.command(f"/place-call {AMERICAN}")).ephemeral)
        assert "It is 6:40 AM in Chicago. Calls there may go out from 8:00 AM to 9:00 PM." in said
        assert "Schedule it: at=`2026-11-21T08:00-06:00`" in said
        corrected = next(line for line in said.splitlines() if line.startswith("Corrected"))
        again = await asha.command(corrected.split("`")[1])
        assert "Place this call?" in read(again.ephemeral)
        unknown = read((await asha.command("/place-call +49 1511 2345678")).ephemeral)
        assert "This call must keep calling hours, and none are set for Germany." in unknown


async def test_a_number_of_many_zones_is_asked_about_in_the_line_and_in_the_form(stage: Bench) -> None:
    """The form offers the zones that the number leaves; the one that was said is kept with the call."""
    bot = await keeping(stage, 'calling_hours = "US"')
    async with stage.connected():
        asha = stage.people.person(AGENT)
        asked = read((await asha.command(f"/place-call {AUSTRALIAN}")).ephemeral)
        assert "This number may be in 8 time zones" in asked
        form = (await asha.command("/place-call")).view
        assert form
        offered = (await asha.submit(form, {"targets": AUSTRALIAN})).view
        assert offered
        assert "Indian/Christmas" in read(offered)
        shown = (await asha.submit(offered, {"zone": "Australia/Perth"})).view
        assert shown
        assert "Place this call?" in read(shown)
        assert "Australia/Perth" in read(shown)
        await asha.submit(shown)
    [entry] = await bot.entries()
    assert (await bot.log.request(entry.id)).zone == "Australia/Perth"
    await bot.rounds()
    assert (await bot.entry(entry.request)).state is State.SUCCEEDED


async def test_a_call_that_waited_past_its_hours_is_refused_before_it_is_sent(stage: Bench) -> None:
    """Asked in hours, approved after: nothing is sent, and the entry says what the clock there said."""
    stage.clock.now = datetime(2026, 11, 21, 15, 25, tzinfo=UTC)  # 20:55 in India
    bot = await keeping(stage, 'calling_hours = "IN"', 'approve = ["managers"]')
    made = await bot.ask(PLACE)
    await stage.pass_time(minutes=10)
    await bot.approve(made)
    await bot.rounds()
    entry = await bot.entry(made)
    assert (entry.state, entry.attempt) == (State.REFUSED, 0)
    assert "It is 9:05 PM in India." in (entry.message or "")
    assert await stage.effects("callkaro") == []


async def test_a_scheduled_call_keeps_the_hours_of_its_own_time(stage: Bench) -> None:
    """It is sent to its provider at night, for the day; not the other way round."""
    bot = await stage.crash(
        **{
            'timezone = "Asia/Kolkata"': 'timezone = "Asia/Kolkata"\ncalling_hours = { from = "9:00", until = "18:00", days = "Mon-Fri" }'
        }
    )
    monday = datetime(2026, 11, 23, 5, tzinfo=UTC)
    made = await bot.ask(PLACE.model_copy(update={"at": monday}))
    await bot.rounds()
    assert (await bot.entry(made)).state is State.SUCCEEDED
    with pytest.raises(Refused, match="It is then Sun 10:30 AM in India"):
        await bot.ask(PLACE.model_copy(update={"at": monday - timedelta(days=1)}), inbound="sunday")


@pytest.mark.parametrize("key", ["purpose", "consent"])
async def test_a_rule_wants_to_know_what_a_call_is_for(stage: Bench, key: str) -> None:
    """Without it nothing is asked; with it, it is in the log and on the card."""
    bot = await keeping(stage, f'{key} = "required"', 'approve = ["managers"]')
    origin = Origin(await bot.person(AGENT), None, "call")
    call = [PlaceCall(to=PLACE.to, agent="payments")]
    with pytest.raises(Refused, match=f"add {key}=") as refused:
        await bot.operations.ask(Wish("reminders", call), origin)
    assert refused.value.field == key
    wish = Wish("reminders", call, purpose="renewal", consent="crm 4711")
    made = (await bot.operations.ask(wish, origin)).request
    await bot.posts()
    [card] = [read(one) for one in await stage.said("C0APPROVE")]
    assert "renewal" in card
    assert "crm 4711" in card
    assert (await bot.log.request(made.id)).consent == "crm 4711"

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec, Reschedule
from providers.actions import CannotSendError, PlaceCall
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, PLACE, Bot, BotWorld, bench
from tests.integration.test_stops import read
from tests.integration.test_typed_times import pressed

RULE = 'name = "anyone may place a call"'
AMERICAN, AUSTRALIAN = "+1 312 555 0123", "+61412345678"
EARLY_IN_CHICAGO = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, at 6:40 in Chicago and 18:10 in Kolkata."""
    async with bench(tmp_path) as made:
        made.clock.now = EARLY_IN_CHICAGO
        yield made


async def keeping(stage: BotWorld, *lines: str) -> Bot:
    """Return a bot whose rule has these additional lines."""
    return await stage.crash(**{RULE: "\n".join([RULE, *lines])})


async def test_a_call_outside_hours_is_refused_with_a_time_that_is_allowed(stage: BotWorld) -> None:
    """The recipient's time is given, and the button previews the call at the next possible time."""
    await keeping(stage, 'calling_hours = "recipient"')
    async with stage.connected():
        asha = stage.people.person(AGENT)
        refused = (await asha.command(f"/place-call {AMERICAN}")).ephemeral
        assert refused
        said = read(refused)
        assert "It's 6:40 AM in Chicago. Calls there are allowed from 8:00 AM to 9:00 PM." in said
        assert "The next possible time is `21 Nov 2026 19:30`." in said
        assert "*Call +" in await pressed(stage, refused, "Use 21 Nov 2026 19:30")
        unknown = read((await asha.command("/place-call +49 1511 2345678")).ephemeral)
        assert "This call needs calling hours, and none are set for Germany." in unknown


async def test_a_number_of_many_zones_is_asked_about_in_the_line_and_in_the_form(stage: BotWorld) -> None:
    """The form offers the number's possible zones, and the chosen one is kept with the call."""
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
        assert "*Call +" in read(shown)
        assert "Australia/Perth" in read(shown)
        await asha.submit(shown)
    [record] = await bot.actions()
    assert (await bot.store.requests.request(record.id)).zone == "Australia/Perth"
    await bot.run_until_idle()
    assert (await bot.record(record.request)).state is State.SUCCEEDED


@pytest.mark.parametrize("hours", [(), ('calling_hours = "US"',)], ids=["no hours", "hours"])
async def test_a_zone_that_the_number_cannot_be_in_is_a_fault(
    stage: BotWorld, hours: tuple[str, ...]
) -> None:
    """The line is corrected if a single zone is possible. Nothing is recorded."""
    stage.clock.now = EARLY_IN_CHICAGO.replace(hour=8)  # 3:00 in Chicago, 13:30 in Kolkata
    bot = await keeping(stage, *hours)
    async with stage.connected():
        asha = stage.people.person(AGENT)
        refused = (await asha.command(f"/place-call {AMERICAN} zone=asia/calcutta")).ephemeral
        assert refused
        said = read(refused)
        assert "This number is in America/Chicago, not Asia/Kolkata. Leave out zone=." in said
        again = await pressed(stage, refused, "Use America/Chicago")
        assert ("*Call +" in again) is (not hours)
        assert "America/Chicago" in again or "in Chicago" in again
        asked = read((await asha.command(f"/place-call {AUSTRALIAN} zone=kolkata")).ephemeral)
        assert "one of 8 time zones, not Asia/Kolkata: Australia/Adelaide" in asked
    assert await bot.actions() == []


async def test_a_zone_is_a_choice_of_the_number_that_is_called(stage: BotWorld) -> None:
    """The form offers the number's zones only. A chosen zone is a fault once another number is typed."""
    bot = await keeping(stage, 'calling_hours = "US"')
    async with stage.connected():
        asha = stage.people.person(AGENT)
        wrong = (await asha.command(f"/place-call {AUSTRALIAN} zone=Asia/Kolkata")).ephemeral
        assert wrong
        mended = (await asha.click(wrong, text="Open the form…")).view
        assert "Australia/Perth" in read(mended)
        assert "Asia/Kolkata" not in read(mended).split("You typed")[0]
        form = (await asha.command("/place-call")).view
        assert form
        offered = (await asha.submit(form, {"targets": AUSTRALIAN})).view
        assert offered
        refused = await asha.submit(offered, {"targets": AMERICAN, "zone": "Australia/Perth"})
        assert "This number is in America/Chicago, not Australia/Perth." in str(refused.errors)
    assert await bot.actions() == []


async def recorded(bot: Bot, zone: str, delivery_key: str) -> str:
    """Return the id of a call that was recorded with a zone, whatever its number says."""
    origin = RequestSource(await bot.person(AGENT), None, delivery_key)
    spec = RequestSpec("reminders", [PlaceCall(to="+13125550123", agent="payments")])
    decision = await bot.requests.check(spec, origin.person)
    new = await bot.requests._request(spec, origin, decision)
    return (await bot.store.requests.create(replace(new, zone=zone))).request.id


async def test_the_zone_is_looked_at_again_when_it_is_approved_and_sent(stage: BotWorld) -> None:
    """A request that was recorded with a wrong zone goes no further."""
    says = "This number is in America/Chicago, not Asia/Kolkata."
    bot = await keeping(stage, 'approve = ["managers"]')
    waiting = await bot.store.requests.request(await recorded(bot, "Asia/Kolkata", "waits"))
    with pytest.raises(PermissionDeniedError, match=says):
        await bot.approve(waiting)
    assert (await bot.record(waiting)).state is State.PENDING
    bot = await keeping(stage)
    approved = await recorded(bot, "Asia/Kolkata", "approved")
    await bot.run_until_idle()
    record = await bot.record(approved)
    assert (record.state, record.attempt) == (State.REFUSED, 0)
    assert says in (record.message or "")
    assert await stage.effects("callkaro") == []


async def test_a_moved_call_keeps_its_zone_or_gets_another_of_its_number(stage: BotWorld) -> None:
    """An impossible zone is a fault. The new zone holds when the call is placed again."""
    bot = await keeping(stage)
    async with stage.connected():
        asha = stage.people.person(AGENT)
        preview = await asha.command(f"/place-call {AUSTRALIAN} in 5 h zone=Australia/Sydney")
        await asha.click(preview.messages[-1], "place")
    await bot.run_until_idle()
    bot = await keeping(stage, 'calling_hours = "AU"')
    move = f"/calls move {AUSTRALIAN} at=2026-11-23T08:00+00:00"  # Mon 19:00 in Sydney, 16:00 in Perth
    async with stage.connected():
        asha = stage.people.person(AGENT)
        wrong = read((await asha.command(f"{move} zone=Asia/Kolkata")).ephemeral)
        assert "one of 8 time zones, not Asia/Kolkata" in wrong
        late = f"/calls move {AUSTRALIAN} at=2026-11-23T10:30+00:00"  # Mon 21:30 in Sydney
        assert "in Sydney" in read((await asha.command(late)).ephemeral)
        asked = await asha.command(f"{late} zone=Australia/Perth")
        assert "Australia/Perth" in str(
            (await bot.store.requests.request((await bot.actions())[0].request)).zone
        ), asked
    move = (await bot.actions())[0].request
    await bot.approve(await bot.store.requests.request(move))
    await bot.run_until_idle()
    await bot.reschedules.run_once()
    again = await bot.store.requests.request((await bot.actions())[0].request)
    assert (again.second_step_of, again.zone) == (move, "Australia/Perth")


async def test_a_move_with_a_wrong_zone_cancels_nothing(stage: BotWorld) -> None:
    """The call could not be placed again, so it is not cancelled, neither at approval nor at sending."""
    says = "This number is in Asia/Kolkata, not America/New_York"
    await stage.bot.directory.refresh_groups()
    bot, later = stage.bot, stage.clock.now + timedelta(hours=3)
    call = PLACE.model_copy(update={"at": later})
    placed = await bot.ask(call)
    await bot.run_until_idle()
    origin = RequestSource(await bot.person(AGENT), None, "move")
    again = Reschedule(placed.actions[0].id, call.model_copy(update={"at": later + timedelta(hours=1)}))
    spec = RequestSpec("reminders", (CANCEL_BY_NUMBER,), "moved", reschedules=again)
    new = await bot.requests._request(spec, origin, await bot.requests.check(spec, origin.person))
    move = (await bot.store.requests.create(replace(new, zone="America/New_York"))).request
    with pytest.raises(PermissionDeniedError, match=says):
        await bot.approve(move)
    [cancel] = [record.action for record in move.actions if record.action]
    with pytest.raises(CannotSendError, match=says):
        await bot.preconditions.check_before_sending(move, cancel)
    assert await stage.effects("callkaro") == ["placed"]


async def test_a_call_that_waited_past_its_hours_is_refused_before_it_is_sent(stage: BotWorld) -> None:
    """Created in hours and approved after, it is not sent. The action has the local time as its reason."""
    stage.clock.now = datetime(2026, 11, 21, 15, 25, tzinfo=UTC)  # 20:55 in India
    bot = await keeping(stage, 'calling_hours = "IN"', 'approve = ["managers"]')
    made = await bot.ask(PLACE)
    await stage.pass_time(minutes=10)
    await bot.approve(made)
    await bot.run_until_idle()
    record = await bot.record(made)
    assert (record.state, record.attempt) == (State.REFUSED, 0)
    assert "It's 9:05 PM in India." in (record.message or "")
    assert await stage.effects("callkaro") == []


async def test_a_scheduled_call_keeps_the_hours_of_its_own_time(stage: BotWorld) -> None:
    """A call for the day is sent to its provider at night, and never the reverse."""
    bot = await stage.crash(
        **{
            'timezone = "Asia/Kolkata"': 'timezone = "Asia/Kolkata"\ncalling_hours = { from = "9:00", until = "18:00", days = "Mon-Fri" }'
        }
    )
    monday = datetime(2026, 11, 23, 5, tzinfo=UTC)
    made = await bot.ask(PLACE.model_copy(update={"at": monday}))
    await bot.run_until_idle()
    assert (await bot.record(made)).state is State.SUCCEEDED
    with pytest.raises(CannotSendError, match="That's Sun 10:30 AM in India"):
        await bot.ask(PLACE.model_copy(update={"at": monday - timedelta(days=1)}), delivery_key="sunday")


@pytest.mark.parametrize("key", ["purpose", "consent"])
async def test_a_rule_wants_to_know_what_a_call_is_for(stage: BotWorld, key: str) -> None:
    """Without a purpose no request is created. With it, the purpose is in the log and on the card."""
    bot = await keeping(stage, f'{key} = "required"', 'approve = ["managers"]')
    origin = RequestSource(await bot.person(AGENT), None, "call")
    call = [PlaceCall(to=PLACE.to, agent="payments")]
    with pytest.raises(CannotSendError, match=f"{key}=") as refused:
        await bot.requests.ask(RequestSpec("reminders", call), origin)
    assert refused.value.field == key
    spec = RequestSpec("reminders", call, purpose="renewal", consent="crm 4711")
    made = (await bot.requests.ask(spec, origin)).request
    await bot.posts()
    [card] = [read(one) for one in await stage.said("C0APPROVE")]
    assert "renewal" in card
    assert "crm 4711" in card
    assert (await bot.store.requests.request(made.id)).consent == "crm 4711"

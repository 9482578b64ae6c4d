"""Times that people type, from command to request, in their own zone or the written one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playground.people import Message
from storage.states import State
from tests.integration.bench import AGENT, Bot, BotWorld, bench
from tests.integration.test_stops import read
from tests.storage.samples import NUMBER

NOW = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)
"""Saturday 21 November 2026, 9:13 in India."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        made.clock.now = NOW
        await made.bot.directory.refresh_groups()
        yield made


async def pressed(stage: BotWorld, message: Message, button: str) -> str:
    """Press a button of a message that only the agent sees, and return what replaces it."""
    asha = stage.people.person(AGENT)
    await asha.click(message, text=button)
    await stage.bot.surfaces.replies.drain(5)
    return read((await asha.ephemerals())[-1])


async def known_with(bot: Bot, zone: str) -> None:
    """Store a time zone for the agent, as Slack would give it."""
    person = await bot.person(AGENT)
    await bot.store.users.keep_person(replace(person, timezone=zone))


async def test_whoever_has_no_zone_is_asked_for_it(stage: BotWorld) -> None:
    """No time is read in UTC: the user writes zone or offset. A time that needs neither is read."""
    await known_with(stage.bot, "")
    async with stage.connected():
        asha = stage.people.person(AGENT)
        said = read((await asha.command(f"/place-call {NUMBER} tomorrow 9:30")).ephemeral)
        assert "Slack didn't send your time zone." in said
        assert "9:30 pm Asia/Kolkata" in said
        said = read((await asha.command(f"/cancel-call {NUMBER} wrong number call-time=17:00")).ephemeral)
        assert "Slack didn't send your time zone." in said
        assert "Choose one in your Slack preferences" in read(
            (await asha.command("/calls log from=yesterday")).ephemeral
        )
        form = (await asha.command("/place-call")).view
        assert form
        refused = await asha.submit(form, {"targets": NUMBER, "at": "tomorrow 9:30"})
        assert "Slack didn't send your time zone." in refused.errors["at"]
        for typed in ("in 20 min", "tomorrow 9:30 +05:30", "9:30pm Asia/Kolkata", "2026-11-22T10:00+05:30"):
            shown = (await asha.command(f"/place-call {NUMBER} {typed}")).ephemeral
            assert shown
            assert "*Call +" in read(shown), typed
        assert shown
        await asha.click(shown, "place")
        await stage.bot.run_until_idle()
        assert "Sun, 22 Nov, 4:30 AM UTC" in str((await asha.command("/calls move")).view)
    [record] = await stage.bot.actions()
    assert record.scheduled_for == datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "typed", "utc"),
    [
        ("+05:30", "tomorrow 9:30", "2026-11-22T04:00"),
        ("+05:30", "tonight 9", "2026-11-21T15:30"),
        ("Asia/Kolkata", "9:30pm IST", "2026-11-21T16:00"),
        ("Asia/Kolkata", "at=9:30 pm IST", "2026-11-21T16:00"),
        ("Asia/Kolkata", "9:30 UTC", "2026-11-21T09:30"),
        ("Asia/Kolkata", "10:00 +05:30", "2026-11-21T04:30"),
        ("Asia/Kolkata", "tomorrow 10:00 +0530", "2026-11-22T04:30"),
        ("Asia/Kolkata", "2026-12-5 10:00", "2026-12-05T04:30"),
        ("Asia/Kolkata", "10:00 2026-12-5", "2026-12-05T04:30"),
        ("Asia/Kolkata", "in 2h30m", "2026-11-21T06:13"),
        ("Asia/Kolkata", "in 2 h 30 min", "2026-11-21T06:13"),
        ("Asia/Kolkata", "in 1.5 hours", "2026-11-21T05:13"),
        ("Asia/Kolkata", "in half an hour", "2026-11-21T04:13"),
        ("Asia/Kolkata", "day after tomorrow 10am", "2026-11-23T04:30"),
        ("Asia/Kolkata", "next friday 10:00", "2026-11-27T04:30"),
        ("Asia/Kolkata", "this friday 10:00", "2026-11-27T04:30"),
        ("Asia/Kolkata", "1430 hrs", "2026-11-21T09:00"),
        ("Asia/Kolkata", "tomorrow morning 10 o'clock", "2026-11-22T04:30"),
        ("Asia/Kolkata", "5 Dec 10:00 America/New_York", "2026-12-05T15:00"),
    ],
)
async def test_a_time_behind_a_number_is_read(stage: BotWorld, zone: str, typed: str, utc: str) -> None:
    """The number ends where the time begins, and the preview has that instant."""
    await known_with(stage.bot, zone)
    async with stage.connected():
        asha = stage.people.person(AGENT)
        shown = (await asha.command(f"/place-call 98765 43210 {typed}")).ephemeral
        assert "*Call +" in read(shown)
        assert shown
        await asha.click(shown, "place")
    [record] = await stage.bot.actions()
    assert record.state is State.APPROVED
    assert record.scheduled_for == datetime.fromisoformat(f"{utc}+00:00")


@pytest.mark.parametrize(
    ("typed", "says", "button"),
    [
        ("yesterday 9:30", "is in the past", "Use today 9:30"),
        ("next monday 10:00", "Type “Mon 23 Nov 10:00” or “Mon 30 Nov 10:00”.", None),
        ("10:00 CST", "Type “10:00 America/Chicago” or", None),
        ("18:00 JST", "can mean several time zones", "Use 18:00 Asia/Tokyo"),
        ("midnight", "Type “tomorrow 00:00” or “today 23:59”.", None),
        ("10 o'clock", "Type “10 am” or “10 pm”.", None),
        ("2026/12/5 10:00", "Did you mean `2026-12-05 10:00`?", "Use 2026-12-05 10:00"),
        ("2026.12.5 10:00", "Did you mean `2026-12-05 10:00`?", "Use 2026-12-05 10:00"),
        ("5 Dec 10:00-11:00", "an offset from UTC? It could also be", None),
    ],
)
async def test_a_doubtful_time_is_a_question_with_its_answers(
    stage: BotWorld, typed: str, says: str, button: str | None
) -> None:
    """Each suggestion is text to type. With a single suggestion, a button previews the call."""
    async with stage.connected():
        asha = stage.people.person(AGENT)
        shown = (await asha.command(f"/place-call 98765 43210 {typed}")).ephemeral
        assert shown
        assert says in read(shown)
        if button:
            assert "*Call +" in await pressed(stage, shown, button)
    assert await stage.bot.actions() == []


async def test_when_a_call_goes_out_is_read_and_mended_as_any_time(stage: BotWorld) -> None:
    """A wrong call time of a cancellation is corrected by a button if one time is likely.

    A cancellation has no preview, so the button is named after what it sends. A second press sends nothing.
    """
    line = f"/cancel-call {NUMBER} wrong number call-time="
    async with stage.connected():
        asha = stage.people.person(AGENT)
        faulty = (await asha.command(f"{line}yesterday 17:00")).ephemeral
        assert faulty
        assert await stage.bot.actions() == []
        for _ in range(2):
            await asha.click(faulty, text="Request cancellation of +91 98765 43210", stale=True)
        assert "is too long for a time" in read((await asha.command(f"{line}{'9 ' * 1000}")).ephemeral)
        [record] = await stage.bot.actions()
        request = await stage.bot.store.requests.request(record.request)
        assert request.reported_call_time == datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
        await asha.command("/cancel-call 98765 43211 wrong number call-time=9:30pm IST")
    second = next(one for one in await stage.bot.actions() if one.request != record.request)
    request = await stage.bot.store.requests.request(second.request)
    assert request.reported_call_time == datetime(2026, 11, 21, 16, tzinfo=UTC)

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import PermissionDeniedError, Settlement
from bot.services.notifications import SystemChanges
from bot.text.interactions import Evidence
from bot.workers.unknown_reminders import UnknownReminders
from playground.people import Message
from storage.models import Request
from storage.states import State
from tests.integration.bench import MANAGER, PLACE, Bot, BotWorld, bench


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def reminding(bot: Bot) -> UnknownReminders:
    """Return the worker of reminders, which remembers nothing yet."""
    changes = SystemChanges(bot.store, bot.settings, bot.wakeups)
    return UnknownReminders(bot.store, bot.directory, bot.permissions, changes, bot.outbox._clock)


async def doubtful(stage: BotWorld) -> Request:
    """Create a call whose answer is lost."""
    await stage.providers.fail("callkaro", "reset")
    request = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert (await stage.bot.entry(request)).state is State.UNKNOWN
    return request


async def reminders(stage: BotWorld, channel: str) -> list[Message]:
    """Return the reminders in that channel."""
    return [one for one in await stage.said(channel) if "Still unresolved" in one.text]


async def test_a_doubt_is_brought_up_once_a_day_until_it_is_settled(stage: BotWorld) -> None:
    """The thread and the people who may settle it get it, despite restarts and several processes."""
    request = await doubtful(stage)
    for hours in (1, 12, 10):
        await stage.pass_time(hours=hours)
        await reminding(stage.bot).run_once()
        await stage.bot.posts()
    assert await reminders(stage, "C0AUDIT") == []
    for day in (1, 2):
        await stage.pass_time(hours=1 if day == 1 else 24)
        bots = [stage.bot, await stage.start()]
        for bot in bots * 2:
            await reminding(bot).run_once()
            await bot.posts()
        threaded = await reminders(stage, "C0AUDIT")
        assert len(threaded) == day
        assert all(one.thread_ts for one in threaded)
        assert "then press *Record outcome…* above." in threaded[-1].text
        [told] = (await reminders(stage, "D0MANAGER"))[day - 1 :]
        assert "Record outcome…" in str(told.blocks)
    assert await reminders(stage, "D0AGENT") == []  # the requester may not settle it
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.settle(
        request.id, manager, Settlement.HAPPENED, evidence=Evidence.SUPPORT, reason="They said so", nonce="n"
    )
    await stage.pass_time(days=2)
    await reminding(stage.bot).run_once()
    await stage.bot.posts()
    assert len(await reminders(stage, "C0AUDIT")) == 2


async def test_a_reminder_that_comes_too_late_is_not_posted(stage: BotWorld) -> None:
    """An outcome that was settled between the annotation and the post is not asked about any more."""
    request = await doubtful(stage)
    await stage.pass_time(days=1)
    await reminding(stage.bot).run_once()
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.settle(
        request.id, manager, Settlement.HAPPENED, evidence=Evidence.SCREEN, reason="I looked", nonce="n"
    )
    await stage.bot.posts()
    assert await reminders(stage, "C0AUDIT") == await reminders(stage, "D0MANAGER") == []


async def test_who_settles_says_what_shows_it(stage: BotWorld) -> None:
    """The evidence is in the log and in the thread. Only a retry needs none."""
    request = await doubtful(stage)
    manager = await stage.bot.person(MANAGER)
    for what in (Settlement.HAPPENED, Settlement.DID_NOT_HAPPEN):
        with pytest.raises(PermissionDeniedError, match="Say what shows it"):
            await stage.bot.approvals.settle(
                request.id, manager, what, evidence=Evidence.NONE, reason="I feel so", nonce="n"
            )
    await stage.bot.approvals.settle(
        request.id, manager, Settlement.HAPPENED, evidence=Evidence.CUSTOMER, reason="She rang", nonce="n"
    )
    await stage.bot.posts()
    [event] = [one for one in await stage.bot.store.requests.events(request.id) if one.name == "happened"]
    assert event.data["evidence"] == "customer"
    [said] = [one.text for one in await stage.said("C0AUDIT") if "it *did* happen" in one.text]
    assert "The customer says so." in said
    assert "She rang" in said


@pytest.mark.parametrize("settlement", [Settlement.HAPPENED, Settlement.DID_NOT_HAPPEN])
async def test_the_end_of_a_doubt_is_confirmed_where_it_was_asked(
    stage: BotWorld, settlement: Settlement
) -> None:
    """The channel hears once it is known to be done. Only the requester hears that it was not."""
    await stage.crash(**{"[slack]": "[slack]\nconfirm_in_channel = true"})
    request = await doubtful(stage)
    manager = await stage.bot.person(MANAGER)
    await stage.bot.approvals.settle(
        request.id, manager, settlement, evidence=Evidence.SCREEN, reason="I looked", nonce="n"
    )
    await stage.bot.posts()
    confirmed = [one for one in await stage.said("C0SUPPORT") if request.id in str(one.blocks)]
    assert len(confirmed) == (settlement is Settlement.HAPPENED)


async def test_a_day_is_counted_from_the_doubt(stage: BotWorld) -> None:
    """After another attempt without an answer, a new day begins."""
    request = await doubtful(stage)
    manager = await stage.bot.person(MANAGER)
    await stage.pass_time(hours=20)
    await stage.bot.approvals.settle(
        request.id,
        manager,
        Settlement.RETRY_REQUESTED,
        evidence=Evidence.NONE,
        reason="Nobody knows",
        nonce="n",
    )
    await stage.providers.fail("callkaro", "reset")
    await stage.bot.run_until_idle()
    await stage.pass_time(hours=20)
    await reminding(stage.bot).run_once()
    assert not [
        one for one in await stage.bot.store.requests.events(request.id) if one.name == "still_unknown"
    ]
    assert (await stage.bot.entry(request)).updated_at + timedelta(hours=20) == stage.clock()

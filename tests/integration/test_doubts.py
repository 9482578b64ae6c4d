from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import PermissionDeniedError, Settlement
from bot.services.notifications import SystemChanges
from bot.text.interactions import Evidence
from bot.workers.turns import Turns
from bot.workers.unknown_reminders import UnknownReminders
from playground.people import Message
from providers.actions import CallAction, CallRef, CancelCall, PlaceCall
from storage.models import Request
from storage.states import State
from tests.e2e.scene import buttons, words
from tests.integration.bench import CANCEL_BY_NUMBER, MANAGER, PLACE, SECOND, Bot, BotWorld, bench
from tests.storage.samples import NUMBER, OTHER_NUMBER


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def reminding(bot: Bot) -> UnknownReminders:
    """Return the worker that tells settlers, which remembers nothing yet."""
    changes = SystemChanges(bot.store, bot.settings, bot.wakeups, bot.permissions.asked_to_settle)
    clock = bot.outbox._clock
    turns = Turns(bot.store, bot.current, bot.directory, bot.workspace.team, clock)
    return UnknownReminders(bot.store, bot.directory, bot.permissions, turns, bot.look_ups, changes, clock)


async def tells(stage: BotWorld) -> None:
    """Let every bot tell and remind twice, as after a restart, and post that."""
    for bot in stage.bots * 2:
        await reminding(bot).run_once()
        await bot.posts()


async def doubtful(stage: BotWorld, action: CallAction = PLACE) -> Request:
    """Create an action whose answer is lost."""
    await stage.providers.fail("callkaro", "reset", times=3)
    request = await stage.bot.approved(action)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=40)  # beyond the time for another attempt
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    await stage.providers.clear("callkaro")
    assert (await stage.bot.record(request)).state is State.UNKNOWN
    return request


async def settle(stage: BotWorld, request: Request, what: Settlement = Settlement.HAPPENED) -> None:
    """Let a manager record the outcome, and post that."""
    manager = await stage.bot.person(MANAGER)
    evidence = Evidence.NONE if what is Settlement.RETRY_REQUESTED else Evidence.SCREEN
    await stage.bot.approvals.settle(
        request.id, manager, what, evidence=evidence, reason="I looked", nonce=f"settle {what}"
    )
    await stage.bot.posts()


async def unknowns(stage: BotWorld, channel: str) -> list[Message]:
    """Return the messages in that channel that tell of an unknown outcome for the first time."""
    return [one for one in await stage.said(channel) if one.text.startswith("⚠️ *Outcome unknown* · call to")]


async def reminders(stage: BotWorld, channel: str) -> list[str]:
    """Return the first lines of the reminders in that channel."""
    said = [one.text for one in await stage.said(channel) if "Still unresolved" in one.text]
    return [one.partition("\n")[0] for one in said]


async def test_who_may_settle_is_told_at_once(stage: BotWorld) -> None:
    """The approvals channel gets a post, and one manager a message, once despite several processes."""
    request = await doubtful(stage)
    await stage.start()
    await tells(stage)
    [post] = await unknowns(stage, "C0APPROVE")
    direct = [*await unknowns(stage, "D0MANAGER"), *await unknowns(stage, "D0SECOND")]
    assert len(direct) == 1
    for one in (post, *direct):
        assert buttons(one) == ["Record outcome…", "Show number"]
        assert "Don't place it again until someone has checked." in one.text
        assert request.id in words(one)
    assert not [one for one in await stage.said("D0AGENT") if "Record outcome" in str(one.blocks)]


async def test_the_next_is_told_if_nobody_settles(stage: BotWorld) -> None:
    """As for approvals, the next person is told after five minutes."""
    await doubtful(stage)
    for minutes, told in ((0, 1), (4, 1), (1, 2), (6, 2)):
        await stage.pass_time(minutes=minutes)
        await tells(stage)
        people = ("D0MANAGER", "D0SECOND")
        assert sum([len(await unknowns(stage, one)) for one in people]) == told, minutes
    assert len(await unknowns(stage, "C0APPROVE")) == 1


async def test_people_are_reminded_until_it_is_settled(stage: BotWorld) -> None:
    """After 15 minutes, an hour, and each day from then on. The thread has each reminder, too."""
    request = await doubtful(stage)
    await tells(stage)
    for hours in (0.2, 0.1, 0.5, 0.3, 10, 12.8, 0.2, 23, 1):
        await stage.pass_time(hours=hours)
        await tells(stage)
    state = "⚠️ *Still unresolved {}* · call to +91\u00a0•••3210"
    told = [state.format(after) for after in ("after 15 min", "after 1 h", "after 1 day", "after 2 days")]
    assert await reminders(stage, "D0MANAGER") == told
    assert len(await reminders(stage, "C0AUDIT")) == len(told)
    threaded = [one for one in await stage.said("C0AUDIT") if "Still unresolved" in one.text]
    assert all(one.thread_ts for one in threaded)
    assert "then press *Record outcome…* above." in threaded[-1].text
    assert await reminders(stage, "D0AGENT") == []  # the requester may not settle it
    await settle(stage, request)
    await stage.pass_time(days=2)
    await tells(stage)
    assert await reminders(stage, "D0MANAGER") == told


async def test_people_are_reminded_before_the_call_goes_out(stage: BotWorld) -> None:
    """A cancellation that nobody checks would be noticed by the customer."""
    at = stage.clock().replace(microsecond=0) + timedelta(minutes=50)
    await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    await stage.bot.run_until_idle()
    await doubtful(stage, CANCEL_BY_NUMBER)
    await tells(stage)
    for minutes in (16, 20):
        await stage.pass_time(minutes=minutes)
        await tells(stage)
    states = [one.split("*")[1] for one in await reminders(stage, "C0AUDIT")]
    assert states == ["Still unresolved after 15 min", "Still unresolved and the call is due soon"]


async def test_nobody_is_told_while_something_automatic_is_left(stage: BotWorld) -> None:
    """A cancellation is sent again by itself, so nobody has to look yet."""
    await stage.providers.fail("callkaro", "reset")
    await stage.bot.approved(CANCEL_BY_NUMBER)
    await stage.bot.dispatcher.run_once()
    await stage.bot.dispatcher.finish(timedelta(seconds=10))
    await tells(stage)
    assert not [one for one in await stage.said("C0APPROVE") if "Outcome unknown" in one.text]


async def test_the_messages_show_the_recorded_outcome(stage: BotWorld) -> None:
    """Their buttons are gone, so nobody looks in vain."""
    request = await doubtful(stage)
    await tells(stage)
    await settle(stage, request)
    where = ("C0APPROVE", "D0MANAGER", "D0SECOND")
    after = [one for channel in where for one in await stage.said(channel) if request.id in words(one)]
    assert len(after) == 2
    for one in after:
        assert one.text.startswith("✅ *Placed*")
        assert buttons(one) == []


async def test_what_was_settled_is_told_to_nobody(stage: BotWorld) -> None:
    """An outcome that was recorded between the annotation and the post is not asked about any more."""
    request = await doubtful(stage)
    await reminding(stage.bot).run_once()
    await settle(stage, request)
    assert not [one for one in await stage.said("C0APPROVE") if request.id in words(one)]
    assert not [one for one in await stage.said("D0MANAGER") if request.id in words(one)]


async def test_only_what_is_no_call_is_sent_again(stage: BotWorld) -> None:
    """A call is requested anew. Nobody who has evidence sends anything again."""
    request = await doubtful(stage)
    manager = await stage.bot.person(MANAGER)
    for evidence, why in ((Evidence.NONE, "Request it anew"), (Evidence.SCREEN, "Not sent again")):
        with pytest.raises(PermissionDeniedError, match=why):
            await stage.bot.approvals.settle(
                request.id, manager, Settlement.RETRY_REQUESTED, evidence=evidence, reason="", nonce="n"
            )
    assert (await stage.bot.record(request)).state is State.UNKNOWN
    assert len(await stage.asked("callkaro")) == 1


async def test_a_further_unknown_outcome_is_told_anew(stage: BotWorld) -> None:
    """An edited message rings nobody, and the customer may have been reached twice by now."""
    request = await doubtful(stage, CANCEL_BY_NUMBER)
    await tells(stage)
    before = await direct(stage)
    await stage.providers.fail("callkaro", "reset", times=3)
    await settle(stage, request, Settlement.RETRY_REQUESTED)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=40)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(request)).state is State.UNKNOWN
    await tells(stage)
    assert len(await direct(stage)) == len(before) + 1


async def direct(stage: BotWorld) -> list[Message]:
    """Return the direct messages in which settlers can record an outcome."""
    said = [one for where in ("D0MANAGER", "D0SECOND") for one in await stage.said(where)]
    return [one for one in said if "Record outcome…" in buttons(one)]


async def test_who_settles_says_what_shows_it(stage: BotWorld) -> None:
    """The evidence is in the log and in the thread. Only a retry needs none."""
    request = await doubtful(stage)
    manager = await stage.bot.person(MANAGER)
    for what in (Settlement.HAPPENED, Settlement.DID_NOT_HAPPEN):
        with pytest.raises(PermissionDeniedError, match="Choose where you checked"):
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
    confirmed = [one for one in await stage.said("C0SUPPORT") if request.id in words(one)]
    assert len(confirmed) == (settlement is Settlement.HAPPENED)


async def test_the_time_is_counted_from_the_doubt(stage: BotWorld) -> None:
    """After another attempt without an answer, people are told anew, and the reminders begin anew."""
    request = await doubtful(stage, CANCEL_BY_NUMBER)
    await tells(stage)
    await stage.pass_time(hours=20)
    await settle(stage, request, Settlement.RETRY_REQUESTED)
    await stage.providers.fail("callkaro", "reset", times=9)
    await stage.bot.run_until_idle()
    await tells(stage)
    events = await stage.bot.store.requests.events(request.id)
    assert [one.name for one in events].count("settle_asked") == 2
    assert "still_unknown" not in {one.name for one in events}


async def test_an_approver_who_may_settle_is_told_once(stage: BotWorld) -> None:
    """The one message asks to record the outcome. It goes to the approver, whoever's turn it is."""
    for by in (MANAGER, SECOND):
        await stage.providers.fail("voxworks", "silence", times=None)
        cancel = CancelCall(target=CallRef(call_id=f"vx_{by}"))
        made = await stage.bot.ask(cancel, delivery_key=by)
        await stage.bot.approve(made, by)
        for _ in range(6):
            await stage.bot.run_until_idle()
            await stage.bot.posts()
            await stage.pass_time(seconds=40)
        await tells(stage)
        told = [one for one in await stage.said(f"D{by[1:]}") if made.id in words(one)]
        assert [buttons(one) for one in told] == [["Record outcome…"]]


async def test_several_reminders_within_a_minute_share_a_message(stage: BotWorld) -> None:
    """A person is reminded once, with a button for each. The first messages stay as they are."""
    bot = await stage.crash(**{'settle = ["managers"]': 'settle = ["U0MANAGER"]'})
    for number in (NUMBER, OTHER_NUMBER):
        await stage.providers.fail("callkaro", "reset")
        await bot.ask(PlaceCall(to=number, agent="payments"), delivery_key=number)
        await bot.run_until_idle()
    for minutes in (0, 16):
        await stage.pass_time(minutes=minutes)
        await bot.unknown_reminders.run_once()
        await bot.posts()
    first, again = await stage.said("D0MANAGER")
    for one in (first, again):
        assert one.text == "⚠️ *2 outcomes unknown*"
        assert str(one.blocks).count("Record outcome…") == 2


async def test_several_unknowns_within_a_minute_share_a_message(stage: BotWorld) -> None:
    """A person is notified once. Each request keeps its button until its outcome is recorded."""
    bot = await stage.crash(**{'settle = ["managers"]': 'settle = ["U0MANAGER"]'})
    made = []
    for number in (NUMBER, OTHER_NUMBER):
        await stage.providers.fail("callkaro", "reset")
        made.append(await bot.ask(PlaceCall(to=number, agent="payments"), delivery_key=number))
        await bot.run_until_idle()
        await bot.unknown_reminders.run_once()
        await bot.posts()
    [told] = await stage.said("D0MANAGER")
    assert told.text == "⚠️ *2 outcomes unknown*"
    assert str(told.blocks).count("Record outcome…") == len(made)
    await settle(stage, made[0])
    [told] = await stage.said("D0MANAGER")
    assert told.text == "⚠️ *1 outcome unknown*"
    assert str(told.blocks).count("Record outcome…") == 1

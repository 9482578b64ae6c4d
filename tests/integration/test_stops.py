import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.services.do_not_call import UNDO_WITHIN
from bot.services.models import DoNotCallResult, PermissionDeniedError, RequestSource, RequestSpec, Reschedule
from bot.ui.do_not_call import ADD, UNDO, status
from bot.ui.do_not_call import stopped as stopped_words
from playground import callkaro, voxworks
from playground.faults import Fault
from playground.people import Message, Person, View
from providers import phone
from providers.actions import CallRef, CancelCall, Kind, NumberRef, PlaceCall
from storage.maintenance.verification import verify
from storage.queries import Query
from storage.repositories.erasure_list import PurgeFilter
from storage.states import State
from tests.e2e.scene import private, until, words
from tests.integration.bench import AGENT, MANAGER, PLACE, Bot, BotWorld, bench
from tests.storage.samples import NUMBER, OTHER_NUMBER, erase, verified

PHONE = phone.read(NUMBER, default_region="IN")
MASKED = phone.mask(NUMBER)
PLACING = {
    "[connections.voxworks]": "[connections.voxworks]\nallow_undocumented = true\n"
    f'from_number = "{voxworks.FROM_NUMBER}"\nagents = {{ payments = "{voxworks.SCRIPT}" }}'
}
"""Change of the file that allows placing calls at the connection that cancels by id."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def read(shown: Message | View | None) -> str:
    """Return all text of a message or modal."""
    assert shown
    return words(shown)


def scheduled(at: datetime) -> PlaceCall:
    """Return the call, for a time."""
    return PlaceCall(to=NUMBER, agent="payments", at=at)


async def stop(bot: Bot, by: str = AGENT, delivery_key: str = "stop") -> DoNotCallResult:
    """Stop all calls to the number."""
    origin = RequestSource(await bot.person(by), "C0SUPPORT", delivery_key)
    return await bot.stopping.add(PHONE, origin, "asked us to")


async def answer(person: Person, shown: Message, action_id: str) -> Message:
    """Press a button of an answer, and return what takes its place."""
    before = {one.ts: one.text for one in await person.ephemerals()}
    heard = await person.click(shown, action_id)
    assert heard.error is None

    async def replaced() -> Message | None:
        now = [one for one in await person.ephemerals() if before.get(one.ts) != one.text]
        return now[-1] if now else None

    return await until(replaced)


async def test_somebody_who_asks_not_to_be_called_is_called_no_more(stage: BotWorld) -> None:
    """A stop is shown first. Pressed, it cancels without an approval, refuses with user and time, and only a manager removes it."""
    later = stage.clock.now + timedelta(hours=3)
    call = await stage.bot.ask(scheduled(later), delivery_key="scheduled")
    await stage.bot.run_until_idle()
    async with stage.connected():
        asha, mira = stage.people.person(AGENT), stage.people.person(MANAGER)
        shown = private(await asha.command("/calls stop 98765 43210 asked us to"))
        assert not await stage.bot.store.do_not_call.stops(NUMBER)
        stopped = read(await answer(asha, shown, ADD))
        said = [
            read((await who.command(line)).ephemeral)
            for who, line in [
                (asha, f"/place-call {NUMBER} tomorrow 9:30"),
                (asha, f"/calls allow {NUMBER} please"),
                (mira, f"/calls allow {NUMBER} called us back"),
                (asha, f"/place-call {NUMBER} tomorrow 9:30"),
            ]
        ]
    refused, not_hers, allowed, preview = said
    assert "Block +91 98765 43210 (India)?" in read(shown)
    assert "Reason: “asked us to”" in read(shown)
    assert "Cancels 1 call" in read(shown)
    assert call.id in read(shown)
    assert f"{MASKED} is now blocked." in stopped
    assert "Cancelling: reminders, voice agent payments" in stopped
    assert "Couldn't check: voxworks. Look there for calls to this number." in stopped
    assert "asha blocked this number on 2 Mar 2026 (S-" in refused
    assert "Only managers may let calls go out again." in not_hers
    assert "+91 98765 43210 (India) is unblocked." in allowed
    assert "*Call +" in preview
    await stage.bot.run_until_idle()
    assert await stage.effects("callkaro") == ["placed", "removed"]
    [refusal] = (await stage.bot.store.search.page(Query(state=State.REFUSED))).actions
    assert "This number was blocked on 2 Mar 2026" in (refusal.message or "")
    assert "asha" not in (refusal.message or "")
    assert verify(stage.path).faults == ()


async def test_a_stop_and_a_list_are_told_in_the_audit_channel_once(stage: BotWorld) -> None:
    """The message has the user and the masked number. After a failure of Slack it comes later."""
    await stop(stage.bot)
    await stage.bot.store.do_not_call_lists.add("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    for _ in range(4):
        await stage.bot.posts()
        stage.clock.move(minutes=2)
    said = await stage.said("C0AUDIT")
    first, second = [words(one) for one in said if "details A-" not in str(one.blocks)]
    assert f"asha blocked {MASKED}." in first
    assert "asked us to" not in first  # a reason in a channel could not be erased
    assert "2 numbers added to the do-not-call list “ndnc”." in second
    [listed] = await stage.bot.store.do_not_call.stops(OTHER_NUMBER)
    became = str(status(await stage.bot.store.requests.events(listed.id), {}).blocks)
    assert became.index("2 numbers added to the do-not-call list “ndnc”.") < became.index(
        "Importing the do-not-call list “ndnc”. It blocks nothing until it's done."
    )


async def test_what_waits_is_withdrawn_and_its_requester_told(stage: BotWorld) -> None:
    """A call that waits is not sent and gives the reason. Its requester gets a message."""
    made = await stage.bot.ask(PLACE, by=MANAGER)
    report = await stop(stage.bot)
    assert report.withdrawn == [made.id]
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.WITHDRAWN
    await stage.bot.posts()
    [told] = [words(one) for one in await stage.said("D0MANAGER")]
    assert "*Blocked*" in told
    assert report.stop.id in told
    assert "placed" not in await stage.effects("callkaro")


async def test_nothing_leaves_once_a_stop_is_recorded(stage: BotWorld) -> None:
    """A stop between the claim and the bytes holds the call back. It is then refused, and nothing is sent."""
    bot, reports = stage.bot, list[DoNotCallResult]()

    async def meanwhile() -> None:
        del bot.store.at["before hold"]
        reports.append(await stop(bot))

    bot.store.at["before hold"] = meanwhile
    made = await bot.ask(PLACE)
    await bot.run_until_idle()
    assert reports[0].going_out == [made.id]
    assert "placed" not in await stage.effects("callkaro")
    record = await bot.record(made)
    assert record.state is State.REFUSED
    assert reports[0].stop.id in (record.message or "")
    names = [event.name for event in await bot.store.requests.events(made.id)]
    assert names == ["requested", "sending", "held_back", "refused"]
    assert (await verified(bot.store)).faults == ()


async def test_what_had_left_before_the_stop_is_said_to_perhaps_go_out(stage: BotWorld) -> None:
    """A stop after the bytes' last check is late for that call.

    The message says so, and a cancellation follows.
    """
    bot, reports = stage.bot, list[DoNotCallResult]()

    async def meanwhile() -> None:
        del bot.store.at["after hold"]
        reports.append(await stop(bot))

    bot.store.at["after hold"] = meanwhile
    made = await bot.ask(scheduled(stage.clock.now + timedelta(hours=3)))
    await bot.run_until_idle()
    assert reports[0].going_out == [made.id]
    assert await stage.effects("callkaro") == ["placed", "removed"]


async def test_a_lost_answer_is_told_when_calls_are_stopped(stage: BotWorld) -> None:
    """Nobody knows whether that call went out, and it has no further attempt."""
    await stage.providers.fail("callkaro", Fault(does="close", times=1))
    made = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    report = await stop(stage.bot)
    assert report.unknown == [made.id]


async def test_calls_are_cancelled_by_the_ids_the_log_knows(stage: BotWorld) -> None:
    """A provider that cancels by id gets the scheduled call's id, in a single request without approval."""
    bot = await stage.crash(**PLACING)
    at = stage.clock.now + timedelta(hours=3)
    call = PlaceCall(to=NUMBER, agent="payments", at=at)
    origin = RequestSource(await bot.person(AGENT), None, "voxworks")
    made = (await bot.requests.ask(RequestSpec("voxworks", [call]), origin)).request
    await bot.run_until_idle()
    reference = (await bot.record(made)).reference
    report = await stop(bot)
    [cancelling] = [one for one in report.cancelling if one.connection == "voxworks"]
    assert [record.action for record in cancelling.actions] == [
        CancelCall(target=CallRef(call_id=reference or ""))
    ]
    await bot.run_until_idle()
    assert (await bot.record(cancelling)).state is State.SUCCEEDED
    again = await stop(bot, delivery_key="again")
    assert not again.created
    assert "voxworks" in again.not_cancelled, "what was cancelled is not cancelled once more"


async def test_a_stop_delivered_twice_makes_its_requests_once(stage: BotWorld) -> None:
    """The same delivery is the same stop and the same cancellations."""
    first, second = await stop(stage.bot), await stop(stage.bot)
    assert first.stop.id == second.stop.id
    assert [one.id for one in first.cancelling] == [one.id for one in second.cancelling]
    assert len((await stage.bot.store.search.page(Query(kind=Kind.CANCEL_CALL))).actions) == 1


async def test_a_call_cannot_be_approved_once_calls_are_stopped(stage: BotWorld) -> None:
    """A list that is imported meanwhile refuses the approval, with a reason."""
    bot = await stage.crash(
        **{'request = ["everyone"]\nsettle': 'request = ["everyone"]\napprove = ["managers"]\nsettle'}
    )
    made = await bot.ask(PLACE)
    assert made.state is State.PENDING
    await bot.store.do_not_call_lists.add("ndnc", [NUMBER], actor="system")
    with pytest.raises(PermissionDeniedError, match="on the do-not-call list ndnc"):
        await bot.approve(made)


async def test_forgetting_a_person_does_not_lift_their_stop(stage: BotWorld) -> None:
    """Personal values go, with the number's reason. The keyed hash stays, and no number is in the file."""
    made = await stage.bot.ask(PLACE)
    report = await stop(stage.bot)
    await stage.bot.run_until_idle()
    for request in [made.id, report.stop.id, *(one.id for one in report.cancelling)]:
        await erase(stage.bot.store, request, actor=MANAGER)
    assert await stage.bot.store.do_not_call.stops(NUMBER)
    with pytest.raises(PermissionDeniedError):
        await stage.bot.ask(PLACE, delivery_key="again")
    assert verify(stage.path).faults == ()


async def test_taking_a_stop_out_of_the_file_is_found(stage: BotWorld) -> None:
    """A row deleted by hand contradicts the events."""
    report = await stop(stage.bot)
    await stage.bot.store.do_not_call_lists.add("ndnc", [OTHER_NUMBER], actor="system")
    with closing(sqlite3.connect(stage.path)) as connection:
        connection.execute("DELETE FROM stops")
        connection.commit()
    faults = verify(stage.path).faults
    assert (
        f"{report.stop.id}: calls to its number are no longer stopped, though nobody allowed them." in faults
    )
    assert "The list ndnc has 0 numbers, its events say 1." in faults


@pytest.mark.parametrize(
    ("rule", "person", "may"),
    [
        ("", MANAGER, True),
        ("", AGENT, False),
        ('unblock = ["leads"]', MANAGER, False),
        ('unblock = ["leads"]', AGENT, True),
    ],
)
async def test_who_may_lift_a_stop(stage: BotWorld, rule: str, person: str, may: bool) -> None:  # noqa: FBT001 - a table's column
    """The rule's `lift` names them. Without it, approvers of cancellations may."""
    bot = await stage.crash(
        **{
            "[groups]": f'[groups]\nleads = ["{AGENT}"]',
            'name = "anyone may place a call"': f'name = "anyone may place a call"\n{rule}',
        }
    )
    assert bot.permissions.may_unblock(await bot.person(person)).allowed is may


async def test_the_form_does_what_the_line_does(stage: BotWorld) -> None:
    """`/calls stop` without a number opens the form, with the same answer."""
    async with stage.connected():
        asha = stage.people.person(AGENT)
        opened = (await asha.command("/calls stop")).view
        assert opened
        shown = (await asha.submit(opened, {"targets": "98765 43210", "reason": "asked us to"})).view
        assert shown
        assert "Block +91 98765 43210 (India)?" in read(shown)
        assert not await stage.bot.store.do_not_call.stops(NUMBER)
        heard = await asha.click(shown, ADD)
        assert heard.view
        assert f"{MASKED} is now blocked." in read(heard.view)
        assert await stage.bot.store.do_not_call.stops(NUMBER)
        assert "Block undone." in read((await asha.click(heard.view, UNDO)).view)
        assert not await stage.bot.store.do_not_call.stops(NUMBER)


async def test_every_agents_calls_are_cancelled(stage: BotWorld) -> None:
    """Each agent has a request of its own, because a request is bound to its agent."""
    later = stage.clock.now + timedelta(hours=3)
    bot = await stage.start(
        **{
            f'payments = "{callkaro.AGENT}"': f'payments = "{callkaro.AGENT}"\nsupport = "{callkaro.OTHER_AGENT}"'
        }
    )
    for agent in ("payments", "support"):
        await bot.ask(PlaceCall(to=NUMBER, agent=agent, at=later), delivery_key=agent)
    await bot.run_until_idle()
    report = await stop(bot)
    await bot.run_until_idle()
    ended = [await bot.store.requests.request(one.id) for one in report.cancelling]
    assert [one.state for one in ended] == [State.SUCCEEDED] * 2
    assert await stage.effects("callkaro") == ["placed", "placed", "removed", "removed"]


async def test_a_stop_on_a_dry_run_does_not_say_that_it_cancels(stage: BotWorld) -> None:
    """The user reads that nothing was cancelled there."""
    bot = await stage.start(**{'provider = "callkaro"': 'provider = "callkaro"\nmode = "dry-run"'})
    report = await stop(bot)
    assert report.cancelling == []
    assert "dry run" in report.not_cancelled["reminders"]
    assert "*Not cancelled* in reminders: it's a dry run" in str(stopped_words(report).blocks)


async def test_why_somebody_was_stopped_is_purged_with_their_number(stage: BotWorld) -> None:
    """The stop itself stays as a keyed hash. Its reason is shown in no channel, and is erased."""
    await stop(stage.bot)
    await stage.bot.store.retention.purge(
        PurgeFilter(rule="by number", numbers=frozenset({NUMBER})), actor="operator"
    )
    [stopped] = await stage.bot.store.do_not_call.stops(NUMBER)
    assert await stage.bot.store.requests.personal_values(stopped.id) == []
    assert not verify(stage.path).faults


async def test_a_stop_that_was_lifted_is_not_forgotten(stage: BotWorld) -> None:
    """A search for calls after somebody asked for none still finds that time."""
    bot = stage.bot
    await stop(bot)
    await bot.run_until_idle()
    await bot.stopping.remove(PHONE, await bot.person(MANAGER), "called us back")
    assert await bot.store.search.asked_to_stop(NUMBER)


async def test_whoever_is_not_called_at_all_has_no_hours(stage: BotWorld) -> None:
    """A stopped number is refused as stopped, without an hour at which calls are allowed."""
    bot = await stage.start(
        **{
            'actions = ["place_call"]': 'actions = ["place_call"]\ncalling_hours = { from = "00:00", until = "00:01" }'
        }
    )
    await stop(bot)
    with pytest.raises(PermissionDeniedError, match="blocked this number"):
        await bot.ask(PLACE)


async def test_a_stop_between_the_steps_of_a_move_offers_nothing(stage: BotWorld) -> None:
    """The call is cancelled and stays so.

    The message gives the reason, and has no button to place it again.
    """
    bot, later = stage.bot, stage.clock.now + timedelta(hours=3)
    placed = await bot.ask(scheduled(later), delivery_key="scheduled")
    await bot.run_until_idle()
    spec = RequestSpec(
        "reminders",
        (CancelCall(target=NumberRef(agent="payments", to=NUMBER)),),
        "moved",
        reschedules=Reschedule(placed.id, scheduled(later + timedelta(hours=1))),
    )
    origin = RequestSource(await bot.person(AGENT), "C0SUPPORT", "move")
    move = (await bot.requests.ask(spec, origin)).request
    await bot.approve(move)
    await bot.run_until_idle()
    await stop(bot)
    moving = bot.reschedules
    await moving.run_once()
    await moving.run_once()
    await bot.posts()
    said = await stage.said("C0AUDIT")
    [audit] = [one for one in said if f"details {move.id}" in str(one.blocks) and not one.thread_ts]
    assert "Old call cancelled, new one not placed" in audit.text
    assert "This number was blocked" in audit.text
    assert "Place it again" not in str(audit.blocks)


async def test_an_undo_lifts_only_the_block_and_only_for_its_author(stage: BotWorld) -> None:
    """It works once and for ten minutes. The log and the audit channel have it; cancelled calls stay so."""
    bot = stage.bot
    await bot.ask(scheduled(stage.clock.now + timedelta(hours=3)), delivery_key="scheduled")
    await bot.run_until_idle()
    async with stage.connected():
        asha, mira = stage.people.person(AGENT), stage.people.person(MANAGER)
        shown = private(await asha.command(f"/calls stop {NUMBER}"))
        await asha.double_click(shown, ADD)
        blocked = await asha.wait_for(lambda one: "is now blocked." in one.text)
        await bot.run_until_idle()
        [stopped] = await bot.store.do_not_call.stops(NUMBER)
        with pytest.raises(PermissionDeniedError, match="Only the person who blocked this number"):
            await bot.stopping.undo(stopped.id, await bot.person(MANAGER))
        other = private(await mira.command(f"/calls stop {NUMBER}"))
        assert "Already blocked by <@U0AGENT>" in read(other)
        await asha.double_click(blocked, UNDO)
        undone = await asha.wait_for(lambda one: "Block undone." in one.text)
        assert "Calls already cancelled stay cancelled." in read(undone)
    assert not await bot.store.do_not_call.stops(NUMBER)
    assert await stage.effects("callkaro") == ["placed", "removed"]
    assert await bot.stopping.undo(stopped.id, await bot.person(AGENT)) == (stopped, [])
    await bot.posts()
    said = [words(one) for one in await stage.said("C0AUDIT")]
    assert sum(f"undid the block of {MASKED}." in one for one in said) == 1
    events = await bot.store.requests.events(stopped.id)
    assert [(one.name, one.actor) for one in events] == [("calls_stopped", AGENT), ("calls_allowed", AGENT)]
    assert (await verified(bot.store)).faults == ()


async def test_an_undo_has_ten_minutes(stage: BotWorld) -> None:
    """After that, a manager decides."""
    report = await stop(stage.bot)
    stage.clock.now += UNDO_WITHIN + timedelta(seconds=1)
    with pytest.raises(PermissionDeniedError, match="10 minutes only"):
        await stage.bot.stopping.undo(report.stop.id, await stage.bot.person(AGENT))
    assert await stage.bot.store.do_not_call.stops(NUMBER)
    await stage.bot.stopping.remove(PHONE, await stage.bot.person(MANAGER), "called us back")
    with pytest.raises(PermissionDeniedError, match="isn't blocked"):
        await stage.bot.stopping.undo(report.stop.id, await stage.bot.person(AGENT))


async def test_an_undo_never_lifts_what_somebody_else_asked_for_too(stage: BotWorld) -> None:
    """A colleague's customer asked as well. The log keeps the block, and a manager decides."""
    report = await stop(stage.bot)
    async with stage.connected():
        mira = stage.people.person(MANAGER)
        again = await answer(mira, private(await mira.command(f"/calls stop {NUMBER}")), ADD)
        assert "was blocked already" in read(again)
        assert UNDO not in str(again.blocks)
    with pytest.raises(PermissionDeniedError, match="Someone else asked for this block, too"):
        await stage.bot.stopping.undo(report.stop.id, await stage.bot.person(AGENT))
    assert await stage.bot.store.do_not_call.stops(NUMBER)


async def test_a_killed_stop_is_finished_by_its_button_and_not_made_again(stage: BotWorld) -> None:
    """The block is recorded first. Once it was undone, the same button makes no other."""
    bot = stage.bot
    origin = RequestSource(await bot.person(AGENT), "C0SUPPORT", "first", nonce="button")
    await bot.store.do_not_call.add(NUMBER, masked=MASKED, actor=AGENT, reason=None, nonce="button")
    bot = await stage.crash()
    report = await bot.stopping.add(PHONE, origin, None)
    assert report.created
    assert [one.connection for one in report.cancelling] == ["reminders"]
    await bot.stopping.undo(report.stop.id, origin.person)
    with pytest.raises(PermissionDeniedError, match="lifted in the meantime"):
        await bot.stopping.add(PHONE, origin, None)
    assert not await bot.store.do_not_call.stops(NUMBER)

"""A call that one person reschedules and another cancels: the customer is not called again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import (
    CreateResult,
    PermissionDeniedError,
    RequestSource,
    RequestSpec,
    Reschedule,
    Settlement,
)
from bot.text.interactions import Evidence
from bot.ui.replacing import KEEP, REPLACE
from playground.faults import Fault
from providers.actions import Kind, PlaceCall
from storage.models import ActionRecord
from storage.queries import Query
from storage.states import State
from tests.e2e.scene import private, request_id, words
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, MANAGER, SECOND, BotWorld, bench
from tests.integration.test_unread_people import UNREAD, forget
from tests.storage.samples import NUMBER, verified


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def placed(stage: BotWorld) -> ActionRecord:
    """Place a call in three hours."""
    at = stage.clock().replace(microsecond=0) + timedelta(hours=3)
    made = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    await stage.bot.run_until_idle()
    return await stage.bot.record(made)


async def move(stage: BotWorld, call: ActionRecord, *, hours: float = 5) -> CreateResult:
    """Ask to reschedule a call."""
    assert isinstance(call.action, PlaceCall)
    again = call.action.model_copy(update={"at": stage.clock() + timedelta(hours=hours)})
    return await _ask(stage, AGENT, Reschedule(call.id, again), f"move {hours}")


async def cancel(stage: BotWorld) -> CreateResult:
    """Ask, as somebody else, to cancel the scheduled calls to the number."""
    return await _ask(stage, SECOND, None, "cancel")


async def _ask(stage: BotWorld, by: str, moves: Reschedule | None, delivery_key: str) -> CreateResult:
    spec = RequestSpec("reminders", (CANCEL_BY_NUMBER,), "customer asked", reschedules=moves)
    return await stage.bot.requests.ask(
        spec, RequestSource(await stage.bot.person(by), "C0SUPPORT", delivery_key)
    )


async def second_steps(stage: BotWorld) -> None:
    """Let reschedules create their second steps, and send them."""
    bot = stage.bot
    moving = bot.reschedules
    await moving.run_once()
    await bot.run_until_idle()
    await moving.run_once()


async def test_neither_joins_the_other(stage: BotWorld) -> None:
    """A reschedule calls again, so it is no duplicate of a cancellation, nor the reverse."""
    call = await placed(stage)
    asked = [await move(stage, call), await move(stage, call, hours=6), await cancel(stage)]
    assert [one.created for one in asked] == [True] * 3
    assert (await move(stage, call)).created is False
    assert (await cancel(stage)).request.id == asked[2].request.id


async def test_a_move_does_not_join_a_cancellation_that_waits(stage: BotWorld) -> None:
    """Only one of them may be carried out, so nothing new is recorded, and the cancellation is named."""
    call = await placed(stage)
    waiting = await cancel(stage)
    asked = await move(stage, call)
    assert asked.nothing_new
    assert asked.duplicates_of == (waiting.request,)


async def test_a_move_replaces_the_requesters_own_cancellation(stage: BotWorld) -> None:
    """The question names the cancellation and the time. Two presses make one move, and one withdrawal."""
    await placed(stage)
    asha, sam = stage.people.person(AGENT), stage.people.person(SECOND)
    async with stage.connected():
        cancelling = request_id(private(await asha.command(f"/cancel-call {NUMBER} customer asked")))
        others = words(private(await sam.command(f"/calls move {NUMBER} tomorrow 10:00")))
        assert f"<@{AGENT}> requested to cancel this call just now ({cancelling})." in others
        assert "your move wasn't requested" in others
        question = private(await asha.command(f"/calls move {NUMBER} tomorrow 10:00"))
        assert f"A cancellation of this call is waiting ({cancelling})." in words(question)
        assert "Replace it with a move to Tue, 3 Mar, 10:00 AM IST?" in words(question)
        assert (await stage.bot.store.requests.request(cancelling)).state is State.PENDING
        await asha.double_click(question, REPLACE)
        await asha.wait_for(lambda one: one.ts == question.ts and "Waiting for approval" in words(one))
    records = (await stage.bot.store.search.page(Query(kind=Kind.CANCEL_CALL))).actions
    assert [one.state for one in records] == [State.PENDING, State.WITHDRAWN]
    assert records[1].request == cancelling
    assert (await stage.bot.store.requests.request(records[0].request)).reschedules
    assert (await verified(stage.bot.store)).faults == ()


async def test_a_move_that_failed_can_be_tried_again(stage: BotWorld) -> None:
    """The button opens the form of the same call, with the new time. A call that was cancelled has none."""
    call = await placed(stage)
    await stage.providers.fail("callkaro", Fault(does="reply", status=400, effect=False))
    failed = await stage.bot.approve((await move(stage, call)).request)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    asha = stage.people.person(AGENT)
    async with stage.connected():
        audit = next(one for one in await stage.said("C0AUDIT") if "❌ *Not moved*" in one.text)
        form = (await asha.click(audit, "menu", value=f"place_again {failed.id}")).view
        assert form
        assert "*Scheduled call*" in words(form)
        assert not {"scheduled_call", "targets"} & form.values.keys()
        assert failed.new_time
        assert form.values["picked"]["picked"]["selected_date_time"] == int(failed.new_time.timestamp())
        assert not (await asha.submit(form)).errors
        again = (await stage.bot.actions())[0].request
        assert (await stage.bot.store.requests.request(again)).reschedules == call.id
        await stage.bot.approve((await cancel(stage)).request)
        await stage.bot.run_until_idle()
        assert (await asha.click(audit, "menu", value=f"place_again {failed.id}")).view is None


async def test_a_call_reads_as_moved_once_it_is_placed_again(stage: BotWorld) -> None:
    """Before that it's cancelled, and is being moved. If the new call fails, it isn't moved at all."""
    call = await placed(stage)
    moves = await move(stage, call)
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert await headline(stage, call) == "🚫 *Cancelled, being moved*"
    await second_steps(stage)
    await stage.bot.posts()
    assert await headline(stage, call) == "🚫 *Moved*"
    assert (await verified(stage.bot.store)).faults == ()


async def test_a_call_whose_new_call_failed_does_not_read_as_moved(stage: BotWorld) -> None:
    """The message follows the second step to any end."""
    call = await placed(stage)
    moves = await move(stage, call)
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    await stage.providers.fail("callkaro", Fault(does="reply", status=400, effect=False))
    await second_steps(stage)
    await stage.bot.posts()
    assert await headline(stage, call) == "🚫 *Cancelled, new call not placed*"


async def headline(stage: BotWorld, call: ActionRecord) -> str:
    """Return the status at the beginning of a call's audit message."""
    [audit] = [one for one in await stage.said("C0AUDIT") if words(one).rstrip().endswith(call.request)]
    return audit.text.partition(" · ")[0]


async def test_a_cancellation_is_kept_by_a_press(stage: BotWorld) -> None:
    """The answer shows that it still waits, and nothing new was asked."""
    await placed(stage)
    asha = stage.people.person(AGENT)
    async with stage.connected():
        cancelling = request_id(private(await asha.command(f"/cancel-call {NUMBER} customer asked")))
        question = private(await asha.command(f"/calls move {NUMBER} tomorrow 10:00"))
        await asha.click(question, KEEP)
        await asha.wait_for(lambda one: one.ts == question.ts and "Waiting for approval" in words(one))
    [record] = (await stage.bot.store.search.page(Query(kind=Kind.CANCEL_CALL))).actions
    assert (record.request, record.state) == (cancelling, State.PENDING)


async def test_a_cancellation_decided_meanwhile_is_not_replaced(stage: BotWorld) -> None:
    """The withdrawal and the move are one change, so the move is not recorded either."""
    await placed(stage)
    asha = stage.people.person(AGENT)
    async with stage.connected():
        cancelling = request_id(private(await asha.command(f"/cancel-call {NUMBER} customer asked")))
        question = private(await asha.command(f"/calls move {NUMBER} tomorrow 10:00"))
        await stage.bot.approve(await stage.bot.store.requests.request(cancelling))
        await stage.bot.run_until_idle()
        await asha.click(question, REPLACE)
        await asha.wait_for(lambda one: one.ts == question.ts and "Too late" in words(one))
    [record] = (await stage.bot.store.search.page(Query(kind=Kind.CANCEL_CALL))).actions
    assert (record.request, record.state) == (cancelling, State.SUCCEEDED)


async def test_what_was_cancelled_is_not_moved(stage: BotWorld) -> None:
    """The cancellation comes first, and nobody can approve the reschedule any more."""
    call = await placed(stage)
    later, gone = await move(stage, call), await cancel(stage)
    await stage.bot.approve(gone.request)
    await stage.bot.run_until_idle()
    with pytest.raises(PermissionDeniedError, match=f"{gone.request.id} cancelled this call"):
        await stage.bot.approve(later.request)
    await second_steps(stage)
    assert await stage.effects("callkaro") == ["placed", "removed"]


async def test_a_move_that_was_approved_is_refused_once_its_call_is_cancelled(stage: BotWorld) -> None:
    """Both were approved, and the cancellation was sent first."""
    call = await placed(stage)
    moves, gone = await move(stage, call), await cancel(stage)
    await stage.bot.approve(gone.request)
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    await second_steps(stage)
    assert "placed" not in (await stage.effects("callkaro"))[1:]


async def test_a_move_in_doubt_places_nothing_once_its_call_was_cancelled(stage: BotWorld) -> None:
    """People settle the reschedule as done after somebody else had the call cancelled."""
    call = await placed(stage)
    await stage.providers.fail("callkaro", Fault(does="reset", times=None, effect=False))
    moves = await move(stage, call)
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    await stage.pass_time(minutes=1)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(moves.request)).state is State.UNKNOWN
    await stage.providers.clear("callkaro")
    gone = await cancel(stage)
    await stage.bot.approve(gone.request)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(gone.request)).state is State.SUCCEEDED
    await stage.bot.approvals.settle(
        moves.request.id,
        await stage.bot.person(MANAGER),
        Settlement.HAPPENED,
        evidence=Evidence.SCREEN,
        reason="it is gone",
        nonce="settle",
    )
    await second_steps(stage)
    assert "placed" not in (await stage.effects("callkaro"))[1:]
    await stage.bot.posts()
    why = f"{gone.request.id} cancelled this call"
    assert any(why in one.text for one in await stage.said("C0AUDIT"))


async def test_a_cancellation_between_the_steps_is_the_last_word(stage: BotWorld) -> None:
    """The reschedule is half done when somebody has the number's calls cancelled."""
    call = await placed(stage)
    moves = await move(stage, call)
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    gone = await cancel(stage)
    await stage.bot.approve(gone.request)
    await stage.bot.run_until_idle()
    await second_steps(stage)
    assert "placed" not in (await stage.effects("callkaro"))[1:]


async def test_a_call_that_waits_does_not_go_out_after_its_cancellation(stage: BotWorld) -> None:
    """Slack does not identify the call's requester, and another person's cancellation finds nothing yet."""
    at = stage.clock().replace(microsecond=0) + timedelta(hours=3)
    call = PlaceCall(to=NUMBER, agent="payments", at=at)
    waits = await stage.bot.ask(call, by=UNREAD, delivery_key="call")
    await forget(stage, UNREAD)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(waits)).state is State.APPROVED
    gone = await cancel(stage)
    await stage.bot.approve(gone.request)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(gone.request)).state is State.SUCCEEDED
    await stage.people.heal()
    await stage.pass_time(minutes=1)
    await stage.bot.run_until_idle()
    assert "placed" not in await stage.effects("callkaro")
    record = await stage.bot.record(waits)
    assert record.state is State.REFUSED
    assert gone.request.id in (record.message or "")
    again = await stage.bot.ask(call, delivery_key="again")
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(again)).state is State.SUCCEEDED

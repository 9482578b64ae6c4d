"""Connections that change their account or agent under an old name, while calls are scheduled."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import RequestSource, RequestSpec
from playground import callkaro, voxworks
from playground.faults import Fault
from providers import phone
from providers.actions import CallAction, CallRef, CancelCall, CannotSendError, PlaceCall
from storage.models import ActionRecord
from storage.states import State
from tests.e2e.scene import private, words
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, BotWorld, bench
from tests.integration.test_moves_and_cancellations import move, placed, second_steps
from tests.storage.samples import NUMBER

ANOTHER_AGENT = {callkaro.AGENT: "6803fa770b666a64ab1694c1f"}
ANSWERS = Fault(does="reply", times=None, effect=False, status=200, body='{"status": "success"}')
VOXWORKS = 'provider = "voxworks"'
PLACES = f"""{VOXWORKS}
allow_undocumented = true
from_number = "{voxworks.FROM_NUMBER}"
agents = {{ scripts = "{voxworks.SCRIPT}" }}
"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def ask(stage: BotWorld, connection: str, action: CallAction, delivery_key: str) -> ActionRecord:
    """Create a request, have it approved if needed, and send it."""
    person = await stage.bot.person(AGENT)
    spec = RequestSpec(connection, (action,), "customer asked")
    request = (await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", delivery_key))).request
    if request.approvals_needed:
        await stage.bot.approve(request)
    await stage.bot.run_until_idle()
    return await stage.bot.record(request)


async def placed_by_id(stage: BotWorld) -> ActionRecord:
    """Place a call in three hours at the provider that cancels by id."""
    await stage.crash(**{VOXWORKS: PLACES})
    at = stage.clock().replace(microsecond=0) + timedelta(hours=3)
    call = await ask(stage, "voxworks", PlaceCall(to=NUMBER, agent="scripts", at=at), "call")
    assert call.reference
    return call


async def test_another_agent_cannot_have_cancelled_the_call(stage: BotWorld) -> None:
    """The provider answers "removed" to any deletion by number. Nobody is told that the call is cancelled."""
    call = await placed(stage)
    await stage.crash(**ANOTHER_AGENT)
    with pytest.raises(CannotSendError, match=f"now uses another account or voice agent than {call.id}"):
        await ask(stage, "reminders", CANCEL_BY_NUMBER, "cancel")
    assert await stage.effects("callkaro") == ["placed"]


async def test_a_call_is_not_gone_with_those_of_another_agent(stage: BotWorld) -> None:
    """A call was placed before the change, another after it. Only the later one reads as cancelled."""
    before = await placed(stage)
    await stage.crash(**ANOTHER_AGENT)
    at = stage.clock() + timedelta(hours=4)
    await stage.providers.fail("callkaro", ANSWERS)
    after = await ask(stage, "reminders", PlaceCall(to=NUMBER, agent="payments", at=at), "another")
    cancel = await ask(stage, "reminders", CANCEL_BY_NUMBER, "cancel")
    assert cancel.state is State.SUCCEEDED
    log = stage.bot.store
    assert (await log.requests.request(after.request)).cancelled is not None
    assert (await log.requests.request(before.request)).cancelled is None
    assert [one.id for one in await log.call_history.scheduled_to(NUMBER, stage.clock())] == [before.id]


@pytest.mark.parametrize("change", ["address", "caller"])
async def test_an_id_of_another_account_is_not_sent(stage: BotWorld, change: str) -> None:
    """In another account it may be somebody else's call.

    The caller's number does not matter for the account.
    """
    call = await placed_by_id(stage)
    [old, new] = {
        "address": [
            stage.addresses["voxworks"],
            stage.addresses["voxworks"].replace("127.0.0.1", "localhost"),
        ],
        "caller": [voxworks.FROM_NUMBER, "+61291234568"],
    }[change]
    await stage.crash(**{VOXWORKS: PLACES, old: new})
    cancel = CancelCall(target=CallRef(call_id=call.reference or ""))
    if change == "caller":
        assert (await ask(stage, "voxworks", cancel, "cancel")).state is State.SUCCEEDED
        return
    with pytest.raises(CannotSendError, match=f"now uses another account or voice agent than {call.id}"):
        await ask(stage, "voxworks", cancel, "cancel")
    bot = stage.bot
    stopping = bot.stopping
    phone_number = phone.read(NUMBER, default_region="IN", premium=True)
    report = await stopping.add(
        phone_number, RequestSource(await bot.person(AGENT), "C0SUPPORT", "stop"), None
    )
    assert call.id in report.not_cancelled["voxworks"]
    await bot.run_until_idle()
    assert await stage.effects("voxworks") == ["placed"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (ANOTHER_AGENT, "reminders now uses another account or voice agent than"),
        ({"env:CALLKARO_API_KEY": "env:NOT_SET"}, "it's off: NOT_SET not set"),
        ({"connections.reminders": "connections.others"}, "it isn't configured anymore"),
    ],
)
async def test_the_preview_of_a_stop_names_what_it_cannot_cancel(
    stage: BotWorld, change: dict[str, str], says: str
) -> None:
    """A call stays with its connection, even if that is off or has another account by now."""
    call = await placed(stage)
    await stage.crash(**change)
    async with stage.connected():
        shown = words(private(await stage.people.person(AGENT).command(f"/calls stop {NUMBER} asked us to")))
    assert "Cancels 1 call" not in shown
    assert "*Can't cancel 1 call. Cancel at the provider:*" in shown
    assert says in shown[shown.index(call.id) :]


async def test_a_move_goes_on_where_it_began(stage: BotWorld) -> None:
    """The agent changes between the steps, and the call is not placed with the new one."""
    call = await placed(stage)
    moves = await move(stage, call)
    await stage.bot.approve(moves.request)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(moves.request)).state is State.SUCCEEDED
    await stage.crash(**ANOTHER_AGENT)
    await second_steps(stage)
    assert await stage.effects("callkaro") == ["placed", "removed"]
    await stage.bot.posts()
    assert any("changed after this was requested" in one.text for one in await stage.said("C0AUDIT"))

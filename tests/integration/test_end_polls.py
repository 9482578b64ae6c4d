"""The ends of calls that are asked for at their provider: when, how often, and what is kept of them."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.services.models import RequestSource, RequestSpec
from bot.workers.call_ends import FIRST, GIVE_UP, LONGEST
from bot.workers.rate_limiter import RateLimiter
from playground import voxworks
from playground.faults import Fault
from providers.actions import CallEnd, CallRef, CancelCall, Ending, PlaceCall, ProviderEvent
from storage.models import ActionRecord, Request
from storage.states import State
from tests.integration.bench import AGENT, BotWorld, bench
from tests.storage.samples import NUMBER

SETTINGS = f"""provider = "voxworks"
allow_undocumented = true
from_number = "{voxworks.FROM_NUMBER}"
agents = {{ reminder = "{voxworks.SCRIPT}" }}
"""
PLACE = PlaceCall(to=NUMBER, agent="reminder")
RECORDING = "https://recordings.example/1.mp3"
CANARY = "Canary of a transcript"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, which can ask Voxworks how calls ended."""
    async with bench(tmp_path) as made:
        await made.crash(**{'provider = "voxworks"\n': SETTINGS})
        yield made


async def placed(stage: BotWorld, action: PlaceCall = PLACE, key: str = "placed") -> ActionRecord:
    """Place a call through Voxworks, and return its action."""
    bot = stage.bot
    source = RequestSource(await bot.person(AGENT), "C0SUPPORT", key, None)
    made = (await bot.requests.ask(RequestSpec("voxworks", (action,), "a reason"), source)).request
    await bot.run_until_idle()
    record = await bot.record(made)
    assert (record.state, bool(record.reference)) == (State.SUCCEEDED, True)
    return record


async def says(stage: BotWorld, record: ActionRecord, status: int = 200, /, **call: Any) -> None:
    """Let Voxworks answer all requests with these fields of the call from now on."""
    document = {"success": True, "call": {"call_id": record.reference, "transcript": CANARY, **call}}
    fault = Fault(does="reply", status=status, body=json.dumps(document), effect=False, times=None)
    await stage.providers.fail("voxworks", fault)


async def asked(stage: BotWorld) -> list[str]:
    """Return the endpoints of the requests for the ends of calls, in order."""
    exchanges = await stage.asked("voxworks")
    return [one.request.target.split("/")[3] for one in exchanges if one.request.method == "GET"]


async def ends(stage: BotWorld, record: ActionRecord) -> list[dict[str, Any]]:
    """Return the recorded ends of a call."""
    events = await stage.bot.store.requests.events(record.request)
    return [dict(event.data) for event in events if event.name == "call_ended"]


async def poll_when_due(stage: BotWorld) -> float:
    """Let the time of the next request come, send it, and return the seconds until then."""
    [poll] = await stage.bot.store.end_polls.due(["voxworks"], stage.clock() + GIVE_UP, 9)
    wait = (poll.due_at - stage.clock()).total_seconds()
    await stage.pass_time(seconds=wait)
    await stage.bot.call_ends.run_once()
    return wait


async def test_the_end_of_a_call_is_asked_for_until_it_is_there(stage: BotWorld) -> None:
    """The first time is soon after the call. Each wait doubles the time, and an interim answer is no news."""
    record = await placed(stage)
    await says(stage, record, status="in_progress", ended_at=None)
    await stage.pass_time(seconds=FIRST.total_seconds() - 1)
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == []
    waits = [await poll_when_due(stage) for _ in range(7)]
    assert waits == [1, 30, 30, 60, 120, 240, 480]
    assert await asked(stage) == ["get-call"] * 7
    assert await ends(stage, record) == []
    await says(stage, record, status="completed", duration=42, recording_url=RECORDING, call_summary=CANARY)
    assert await poll_when_due(stage) == LONGEST.total_seconds()
    assert (await asked(stage))[7:] == ["get-call", "get-call-result"]
    assert not await stage.bot.store.end_polls.due(["voxworks"], stage.clock() + GIVE_UP, 9)
    [end] = await ends(stage, record)
    assert end["ending"] == "answered"
    assert (await stage.bot.record(record.request)).end == CallEnd(
        ending=Ending.ANSWERED, word="completed", seconds=42, recording=RECORDING
    )
    assert CANARY.encode() not in stage.path.read_bytes() + stage.path.with_suffix(".db-wal").read_bytes()
    assert not (await stage.bot.store.verify()).faults


async def test_the_longest_wait_and_the_last_request(stage: BotWorld) -> None:
    """After a day nothing is asked any more, and nothing is said of the call."""
    record = await placed(stage)
    await says(stage, record, status="ringing")
    first = stage.clock() + FIRST
    waits = []
    while await stage.bot.store.end_polls.due(["voxworks"], stage.clock() + GIVE_UP, 9):
        waits.append(await poll_when_due(stage))
    assert max(waits) == LONGEST.total_seconds()
    assert GIVE_UP <= stage.clock() - first < GIVE_UP + LONGEST
    assert len(await asked(stage)) == len(waits)
    assert await ends(stage, record) == []
    assert not await stage.bot.store.end_polls.due(["voxworks"], stage.clock() + GIVE_UP, 9)


async def test_a_scheduled_call_is_asked_for_after_its_time(stage: BotWorld) -> None:
    """Before that it cannot have ended."""
    at = stage.clock() + timedelta(hours=3)
    record = await placed(stage, PLACE.model_copy(update={"at": at}))
    await says(stage, record, status="rang-out")
    await stage.pass_time(hours=3)
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == []
    await stage.pass_time(seconds=FIRST.total_seconds() + 1)
    await stage.bot.call_ends.run_once()
    assert [end["ending"] for end in await ends(stage, record)] == ["no_answer"]


@pytest.mark.parametrize("step", ["after succeeded", "before call_ended", "after call_ended"])
async def test_a_crash_loses_no_end_and_records_none_twice(stage: BotWorld, step: str) -> None:
    """The row is committed with the call's success, and is deleted after the end is recorded."""
    if step == "after succeeded":
        stage.bot.store.at[step] = stage.bot.store.die
        source = RequestSource(await stage.bot.person(AGENT), "C0SUPPORT", "trigger", None)
        spec = RequestSpec("voxworks", (PLACE,), "a reason")
        made = (await stage.bot.requests.ask(spec, source)).request
        await stage.survives(stage.bot.run_until_idle())
        await stage.crash(**{'provider = "voxworks"\n': SETTINGS})
        record = await stage.bot.record(made)
    else:
        record = await placed(stage)
    await says(stage, record, status="voicemail")
    stage.bot.store.at[step] = stage.bot.store.die
    await stage.pass_time(seconds=31)
    await stage.survives(stage.bot.call_ends.run_once())
    if step != "after succeeded":
        await stage.crash(**{'provider = "voxworks"\n': SETTINGS})
    for _ in range(3):
        await stage.pass_time(minutes=1)
        await stage.bot.call_ends.run_once()
    assert [end["ending"] for end in await ends(stage, record)] == ["voicemail"]
    assert len(await asked(stage)) == (4 if step == "before call_ended" else 2)
    assert not await stage.bot.store.end_polls.due(["voxworks"], stage.clock() + GIVE_UP, 9)


async def test_two_processes_ask_once(stage: BotWorld) -> None:
    """The process that moves the time of the row first sends the request."""
    record = await placed(stage)
    await says(stage, record, status="ringing")
    other = await stage.start(**{'provider = "voxworks"\n': SETTINGS})
    await stage.pass_time(seconds=31)
    for bot in (other, stage.bots[-2]):
        await bot.call_ends.run_once()
    assert await asked(stage) == ["get-call"]
    [poll] = await other.store.end_polls.due(["voxworks"], stage.clock() + GIVE_UP, 9)
    assert await other.store.end_polls.postpone(poll, stage.clock())
    assert not await other.store.end_polls.postpone(poll, stage.clock())


async def test_an_end_that_a_webhook_told_is_not_asked_for(stage: BotWorld) -> None:
    """Neither is that of a call that was cancelled, or of one at another account."""
    told, cancelled = (
        await placed(stage),
        await placed(stage, PLACE.model_copy(update={"at": stage.clock() + timedelta(hours=1)}), "second"),
    )
    event = ProviderEvent(
        action_id=None, message="It ended.", end=CallEnd(ending=Ending.ANSWERED), reference=told.reference
    )
    await stage.bot.notices.take("voxworks", event)
    assert len(await ends(stage, told)) == 1
    cancel = await stage.bot.approved(CancelCall(target=CallRef(call_id=cancelled.reference or "")))
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(cancel)).state is State.SUCCEEDED
    moved = await placed(stage, key="third")
    before = await asked(stage)
    await stage.start(**{'provider = "voxworks"\n': SETTINGS.replace("reminder =", "other =")})
    await stage.pass_time(hours=2)
    for _ in range(3):  # one of an account at a time
        await stage.bot.call_ends.run_once()
    assert (await asked(stage))[len(before) :] == ["get-call", "get-call-result"]
    polls = [one.request.target for one in await stage.asked("voxworks") if one.request.method == "GET"]
    assert all(str(moved.reference) in target for target in polls[len(before) :])


async def test_an_end_waits_for_whatever_else_there_is(stage: BotWorld) -> None:
    """It waits for a paused connection, and for an action that is due to be sent."""
    record = await placed(stage)
    await says(stage, record, status="failed")
    await stage.pass_time(seconds=31)
    await stage.bot.store.outages.pause(
        "voxworks", stage.clock() + timedelta(seconds=40), connections=["voxworks"]
    )
    await stage.bot.dispatcher.run_once()
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == []
    await stage.pass_time(seconds=41)
    waiting = await cancellation(stage)
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == []
    await stage.bot.approvals.withdraw(waiting.id, await stage.bot.person(AGENT), delivery_key="back")
    await stage.bot.dispatcher.run_once()
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == ["get-call", "get-call-result"]
    assert [end["ending"] for end in await ends(stage, record)] == ["failed"]


async def cancellation(stage: BotWorld) -> Request:
    """Return an approved cancellation that is due, and not sent yet."""
    return await stage.bot.approved(CancelCall(target=CallRef(call_id="vx_1003")))


async def test_the_last_place_of_a_rate_limit_is_left_to_others(stage: BotWorld) -> None:
    """With a single place left, a request for an end waits, and any other takes it."""
    await stage.with_kore()
    bot, kore = stage.bot, stage.bot.adapters["kore"]
    pace = RateLimiter(bot.store, bot.adapters, stage.clock)
    for _ in range((kore.requests_a_minute or 0) - 1):
        assert await pace.try_acquire("kore", spare=1)
    assert not await pace.try_acquire("kore", spare=1)
    assert "kore" not in pace.waiting()
    assert await pace.try_acquire("kore")
    assert not await pace.try_acquire("kore", spare=10_000)


async def test_a_rate_that_is_nearly_spent_is_left_to_others(stage: BotWorld) -> None:
    """After such an answer no end is asked for during the next minute."""
    record = await placed(stage)
    body = json.dumps({"success": True, "call": {"call_id": record.reference, "status": "ringing"}})
    left = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "5"}
    await stage.providers.fail(
        "voxworks", Fault(does="reply", status=200, body=body, headers=left, times=None)
    )
    await placed_row_due_now(stage, record)
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == ["get-call"]
    await stage.pass_time(seconds=35)
    await stage.bot.dispatcher.run_once()
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == ["get-call"]
    await stage.pass_time(seconds=30)
    await stage.bot.call_ends.run_once()
    assert await asked(stage) == ["get-call", "get-call"]


async def placed_row_due_now(stage: BotWorld, record: ActionRecord) -> None:
    """Let the time of the first request for the call's end come."""
    await stage.pass_time(seconds=31)
    [poll] = await stage.bot.store.end_polls.due(["voxworks"], stage.clock(), 9)
    assert poll.action == record.id


@pytest.mark.parametrize(
    ("status", "call"),
    [
        (200, {"status": "scheduled"}),
        (200, {"status": "cooking"}),  # an unknown word, and no other sign of an end
        (200, {}),
        (200, {"status": "completed", "call_id": "vx_other"}),
        (404, {"status": "completed"}),
        (500, {"status": "completed"}),
    ],
)
async def test_no_news(stage: BotWorld, status: int, call: dict[str, Any]) -> None:
    """Only Voxworks' own word on this very call is an end."""
    record = await placed(stage)
    await says(stage, record, status, **call)
    await stage.pass_time(seconds=31)
    await stage.bot.call_ends.run_once()
    assert await ends(stage, record) == []
    assert await asked(stage) == ["get-call"]

"""Calls at the stand-ins ring when they are due, end as the switch says, and are told by webhook."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playground.callkaro import AGENT, DELETE, OTHER_AGENT
from playground.calls import Ringing
from playground.journal import CallEnd
from playground.ryng import SUBDOMAIN
from playground.voxworks import TEAM
from tests.playground.providers_running import NUMBER, START, Ears, Running, listening, running

TO = NUMBER.removeprefix("+")
SOON = 15
"""Seconds that a busy machine may take."""
IN_INDIA = timedelta(hours=5, minutes=30)
ENDS: dict[CallEnd, tuple[str, int]] = {
    "answered": ("CLIENT_INITIATED", 125),
    "no_answer": ("USER_UNAVAILABLE", 0),
    "voicemail": ("VOICEMAIL_DETECTED", 125),
    "busy": ("USER_REJECTED", 0),
    "rejected": ("USER_REJECTED", 0),
    "invalid_number": ("INVALID_PHONE_NUMBER", 0),
}
"""CallKaro's hangup reason and duration for each end."""


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


@pytest.fixture
async def ears(on: Running) -> AsyncIterator[Ears]:
    """Yield a receiver to which CallKaro tells ended calls."""
    async with listening(on) as started:
        await on.control.tell("callkaro", started.url)
        yield started


def data(ears: Ears) -> list[dict[str, Any]]:
    """Return the data of the received events."""
    assert {one["event"] for one in ears.heard} <= {"call_ended"}
    return [one["data"] for one in ears.heard]


def naive(seconds: float) -> str:
    """Return CallKaro's text for so many seconds after the start."""
    return f"{START + IN_INDIA + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize("provider", ["callkaro", "voxworks", "ryng"])
@pytest.mark.parametrize("end", ENDS)
async def test_the_switch_decides_how_a_call_ends(on: Running, provider: str, end: CallEnd) -> None:
    """A call rings at its time, and ends after its ringing and its length. Only the latter is talk."""
    owner = {"callkaro": AGENT, "voxworks": TEAM, "ryng": SUBDOMAIN}[provider]
    due = START + timedelta(minutes=10)
    await on.control.ring(provider, Ringing(end=end, rings=20, seconds=125))
    await on.control.add_call(provider, "77", due=due, owner=owner, to=NUMBER)
    picked_up = end in {"answered", "voicemail"}
    lasts = 145 if picked_up else 20
    await on.control.advance(600 + lasts - 1)
    assert (await on.control.journal(provider)).ends == ()
    await on.control.advance(1)
    [ended] = (await on.control.journal(provider)).ends
    made = ended.made
    assert (ended.call.id, ended.call.state, made.number, made.end) == ("77", "attempted", 0, end)
    assert (made.began, made.ended) == (due, due + timedelta(seconds=lasts))
    assert (made.rang, made.seconds, made.picked_up, made.again) == (20, lasts - 20, picked_up, None)


async def test_calls_are_answered_unless_the_switch_says_more(on: Running) -> None:
    """A reset returns to answered calls."""
    await on.control.ring("callkaro", "busy")
    await on.control.reset()
    await on.place()
    await on.control.advance(60)
    assert [one.made.end for one in (await on.control.journal("callkaro")).ends] == ["answered"]


async def test_the_switch_of_the_ringing_counts(on: Running, ears: Ears) -> None:
    """A call that rings already keeps its end. A cancelled call never rings."""
    await on.place()
    await on.control.calls("callkaro")
    await on.control.ring("callkaro", "busy")
    await on.place(schedule_at="2026-11-20T10:00:00", to_number="+919876543211")
    await on.callkaro.post(DELETE, params={"agent_id": AGENT}, json={"to_number": "919876543211"})
    await on.control.advance(3600)
    assert [(one["to"], one["hangup_reason"]) for one in data(ears)] == [(TO, "CLIENT_INITIATED")]


@pytest.mark.parametrize("end", ENDS)
async def test_callkaro_tells_every_documented_field(on: Running, ears: Ears, end: CallEnd) -> None:
    """The event has all fields of the page. Without an answer there is nothing to hear or to read."""
    await on.control.ring("callkaro", Ringing(end=end, rings=20, seconds=125))
    placed = await on.place(metadata={"callops_action_id": "A-7K3F", "age": 25}, batch_id="b1")
    await on.control.advance(300)
    [told] = data(ears)
    call_id, (reason, seconds) = placed.json()["call_id"], ENDS[end]
    picked_up = seconds > 0
    assert told == {
        "callSid": call_id,
        "name": "outbound-api",
        "agent": AGENT,
        "versionId": "1203fa770b666a64ab1694c1e",
        "from": "918000000000",
        "to": TO,
        "recordingUrl": f"https://recordings.callkaro.example/{call_id}.mp3" if picked_up else None,
        "call_duration": seconds,
        "time": naive(0),
        "transcription": "Full call transcript..." if picked_up else "",
        "batchId": "b1",
        "hangup_reason": reason,
        "call_metadata": {"callops_action_id": "A-7K3F", "age": 25},
        "try_count": 0,
        "post_call": {"lead_status": "interested"} if picked_up else {},
        "post_call_detail": {"lead_status": {"value": "interested", "comment": "Customer showed interest"}}
        if picked_up
        else {},
        "functions_called": [],
        "disposition_reason": "Customer requested callback" if picked_up else None,
        "conversion_status": picked_up,
        "next_call_scheduled": False,
        "call_link": f"https://callkaro.ai/dashboard/call-history?call_id={call_id}",
    }
    [line] = (await on.control.journal("callkaro")).told
    assert (line.webhook, line.body, line.status) == ("call_ended", ears.heard[0], 200)


async def test_the_type_of_a_scheduled_call(on: Running, ears: Ears) -> None:
    """The page "Call Types" tells calls that are scheduled from calls that are made at once."""
    await on.place(schedule_at="2026-11-20T10:00:00")
    await on.control.advance(3600)
    [told] = data(ears)
    assert (told["name"], told["time"]) == ("outbound-scheduled", naive(1800))


@pytest.mark.parametrize(
    ("retries", "gap", "begin"),
    [
        (2, 30, [0, 20 + 1800, 2 * (20 + 1800)]),
        # the page: "after 30 minutes, then 60 minutes"; that the last gap counts again is assumed
        (3, [30, 60], [0, 20 + 1800, 40 + 1800 + 3600, 60 + 1800 + 7200]),
        (1, None, [0, 20 + 1800]),
        (0, 30, [0]),
        (None, None, [0]),
    ],
)
async def test_nobody_answers_and_callkaro_tries_again(
    on: Running, ears: Ears, retries: int | None, gap: Any, begin: list[int]
) -> None:
    """Each try has its own event, with the time of the next one, or false at the last."""
    await on.control.ring("callkaro", Ringing(end="no_answer", rings=20))
    fields = {"number_of_retries": retries, "gap_between_retries": gap}
    await on.place(**{name: value for name, value in fields.items() if value is not None})
    await on.control.advance(24 * 3600)
    told = data(ears)
    assert [one["try_count"] for one in told] == [*range(len(begin))]
    assert [one["time"] for one in told] == [naive(at) for at in begin]
    assert [one["next_call_scheduled"] for one in told] == [*(naive(at) for at in begin[1:]), False]
    assert {one["hangup_reason"] for one in told} == {"USER_UNAVAILABLE"}
    assert len({one["callSid"] for one in told}) == 1


async def test_an_answer_ends_the_tries(on: Running, ears: Ears) -> None:
    """The second try is answered, so there is no third. An invalid number isn't tried again."""
    await on.control.ring("callkaro", "voicemail")
    await on.place(number_of_retries=5, gap_between_retries=10)
    await on.control.advance(60)
    await on.control.ring("callkaro", "answered")
    await on.control.advance(3600)
    assert [(one["try_count"], one["hangup_reason"]) for one in data(ears)] == [
        (0, "VOICEMAIL_DETECTED"),
        (1, "CLIENT_INITIATED"),
    ]
    ears.heard.clear()
    await on.control.ring("callkaro", "invalid_number")
    await on.place(number_of_retries=5, gap_between_retries=10)
    await on.control.advance(3600)
    assert [one["next_call_scheduled"] for one in data(ears)] == [False]


async def test_a_try_to_come_can_be_deleted(on: Running, ears: Ears) -> None:
    """Between two tries a call is scheduled, and a deletion ends it."""
    await on.control.ring("callkaro", "busy")
    await on.place(number_of_retries=3, gap_between_retries=30)
    await on.control.advance(60)
    assert [one.state for one in await on.control.calls("callkaro")] == ["scheduled"]
    await on.callkaro.post(DELETE, params={"agent_id": AGENT}, json={"to_number": TO})
    await on.control.advance(24 * 3600)
    assert [one["try_count"] for one in data(ears)] == [0]


async def test_nothing_is_told_unless_it_is_wanted(on: Running) -> None:
    """Without an address nothing is posted, nor after it was removed or reset."""
    async with listening(on) as ears:
        await on.place()
        await on.control.advance(60)
        for forget in (on.control.tell("callkaro", None), on.control.reset()):
            await on.control.tell("callkaro", ears.url)
            await forget
            await on.place()
            await on.control.advance(60)
        assert ears.heard == []
    assert (await on.control.journal("callkaro")).told == ()


async def test_callkaro_may_tell_twice_and_does_not_insist(on: Running, ears: Ears) -> None:
    """Two webhooks, of the account and of the agent, send the same event. A failure is not repeated."""
    await on.control.tell("callkaro", ears.url, times=2)
    ears.statuses += [500, 503]
    await on.place()
    await on.control.advance(3600)
    assert len(ears.heard) == 2
    assert ears.heard[0] == ears.heard[1]
    assert [one.status for one in (await on.control.journal("callkaro")).told] == [500, 503]


@pytest.mark.parametrize(("calls", "reason"), [(1, "DELETED_SCH_CALL_ONE"), (2, "DELETED_SCH_CALL_ALL")])
async def test_deletions_are_told_if_that_is_switched_on(
    on: Running, ears: Ears, calls: int, reason: str
) -> None:
    """No page says when the two reasons are sent, so they are off at first."""
    for deletions in (False, True):
        await on.control.tell("callkaro", ears.url, deletions=deletions)
        for _ in range(calls):
            await on.place(schedule_at="2026-12-31T09:30:00", metadata={"callops_action_id": "A-1"})
        await on.place(schedule_at="2026-12-31T09:30:00", agent_id=OTHER_AGENT)
        await on.callkaro.post(DELETE, params={"agent_id": AGENT}, json={"to_number": TO})
        await on.control.advance(1)
    told = data(ears)
    assert len(told) == calls
    fields = ("hangup_reason", "to", "agent", "call_metadata", "call_duration", "next_call_scheduled")
    assert {tuple(map(str, map(one.get, fields))) for one in told} == {
        (reason, TO, AGENT, "{'callops_action_id': 'A-1'}", "0", "False")
    }


async def test_only_opened_addresses_are_posted_to(on: Running) -> None:
    """An address that nobody opened is refused, and an address closed later is not posted to."""
    with pytest.raises(ValueError, match="is at no address that was opened here"):
        await on.control.tell("callkaro", "http://127.0.0.1:9/hear")
    async with listening(on) as ears:
        await on.control.tell("voxworks", ears.url)
        on.opened.clear()
        await on.control.add_call("voxworks", "vx_1", due=START, owner=TEAM, to=NUMBER)
        await on.control.advance(60)
        assert ears.heard == []
    assert [one.status for one in (await on.control.journal("voxworks")).told] == [None]


@pytest.mark.parametrize("wrong", ['{"end": "engaged"}', '{"rings": -1}', '{"seconds": -1}', "[]", "busy"])
async def test_switches_that_make_no_sense(on: Running, wrong: str) -> None:
    """A way to end that no call has is refused, and the next call is answered."""
    with pytest.raises(ValueError, match="validation error"):
        await on.control._ask("PUT", "/callkaro/ring", wrong)
    await on.place()
    await on.control.advance(60)
    assert [one.made.end for one in (await on.control.journal("callkaro")).ends] == ["answered"]


async def test_it_happens_by_itself() -> None:
    """The machine's time alone makes a call ring, end, and be told."""
    async with running(now=lambda: datetime.now(UTC)) as on, listening(on) as ears:
        await on.control.tell("callkaro", ears.url)
        await on.control.ring("callkaro", Ringing(rings=0, seconds=1))
        await on.place()
        async with asyncio.timeout(SOON):
            await ears.came.wait()
        assert [one["call_duration"] for one in data(ears)] == [1]

"""What follows when a provider tells by itself that a call happened, as a table."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.loading import load
from bot.notices import Ignored, Notices, settles
from providers.actions import CallAction, Code, Kind, Notice, NumberRef, PlaceCall
from providers.actions import CancelCall as Cancel
from storage.entries import SYSTEM, Change, LogEntry, MessageRef, Move, Request
from storage.lifecycle import TERMINAL, State
from storage.log import Conflict
from storage.sqlite import SQLiteLog
from tests.bot.test_settings import environment
from tests.storage.samples import KEY, claim, placing

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NUMBER = "+919876543210"
PLACE = PlaceCall(to=NUMBER, agent="payments")
NOTICE = Notice(action_id="A-7K3F", message="It ended.", number=NUMBER, reference="c-1")


def request(
    state: State = State.UNKNOWN,
    *,
    action: CallAction | None = PLACE,
    kind: Kind = Kind.PLACE_CALL,
    doubted: bool = True,
    **more: Any,
) -> Request:
    """A request for one call."""
    entry = LogEntry(
        id="A-7K3F",
        request="A-7K3F",
        position=1,
        kind=kind,
        connection="reminders",
        agent="payments",
        target_id=None,
        scheduled_for=None,
        state=state,
        attempt=1,
        doubted=doubted,
        owner=None,
        lease_until=None,
        not_before=None,
        code=None,
        message=None,
        retry=None,
        reference="earlier",
        http_status=None,
        asked_at=NOW,
        updated_at=NOW,
        action=action,
    )
    return Request(
        id="A-7K3F",
        kind=kind,
        connection="reminders",
        fingerprint="f",
        requester="U0AGENT",
        team="T0",
        channel=None,
        rule="anyone",
        approvals_needed=0,
        decide_by=None,
        asked_at=NOW,
        reason=None,
        purpose=None,
        consent=None,
        entries=[replace(entry, **more)],
    )


@pytest.mark.parametrize(
    ("before", "doubted"),
    [(State.UNKNOWN, True), (State.SENDING, False)],
    ids=["the answer was lost", "the answer is not there yet"],
)
def test_what_nobody_knew_is_done(before: State, doubted: bool) -> None:  # noqa: FBT001 - a column of a table
    """The call happened: one move by the system, in this attempt, with the provider's words and id."""
    change = settles(request(before, doubted=doubted), NOTICE, "reminders")
    assert isinstance(change, Change)
    [move] = change.moves
    assert (change.actor, move.name, move.before, move.after) == (
        SYSTEM,
        "webhook",
        frozenset({before}),
        State.SUCCEEDED,
    )
    assert move.attempt == 1
    assert move.changes == {
        "code": Code.QUEUED,
        "message": "It ended.",
        "reference": "c-1",
        "not_before": None,
    }
    assert [post.to for post in change.posts] == ["audit", "thread", "dm:U0AGENT"]


@pytest.mark.parametrize(
    "more", [{"approvals_needed": 1}, {"messages": {"card": MessageRef("C0APPROVE", "1.0")}}]
)
def test_a_card_that_was_decided_on_shows_it_too(more: dict[str, Any]) -> None:
    """Whoever approved the call reads in the card that it took place."""
    change = settles(replace(request(), **more), NOTICE, "reminders")
    assert isinstance(change, Change)
    assert [post.to for post in change.posts] == ["audit", "thread", "dm:U0AGENT", "card"]


def test_an_attempt_that_was_ordered_is_not_made() -> None:
    """It would call a second time: the order is dropped and the doubt ends, in one change."""
    change = settles(request(State.APPROVED), NOTICE, "reminders")
    assert isinstance(change, Change)
    assert [(move.name, move.before, move.after) for move in change.moves] == [
        ("order_dropped", frozenset({State.APPROVED}), State.UNKNOWN),
        ("webhook", frozenset({State.UNKNOWN}), State.SUCCEEDED),
    ]


def test_an_id_that_is_known_is_not_forgotten() -> None:
    """A notice without the provider's id keeps the one that the log has."""
    change = settles(request(), NOTICE.model_copy(update={"reference": None}), "reminders")
    assert isinstance(change, Change)
    assert change.moves[0].changes["reference"] == "earlier"


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNKNOWN])
def test_what_is_not_in_doubt_stays_as_it_is(state: State) -> None:
    """A second delivery is nothing; a call that was never sent, and yet took place, is odd."""
    found = settles(request(state, doubted=state is State.SENDING, attempt=0), NOTICE, "reminders")
    assert isinstance(found, Ignored)
    assert found.odd == (state not in {State.SUCCEEDED, State.SENDING})
    assert state in found.why


@pytest.mark.parametrize("state", sorted(TERMINAL - {State.SUCCEEDED}))
def test_what_is_over_otherwise_is_told_of_and_stays(state: State) -> None:
    """It was sent once and is over as not done, and yet it took place: people read so, and nothing moves."""
    change = settles(request(state), NOTICE, "reminders")
    assert isinstance(change, Change)
    assert change.moves == ()
    [note] = change.notes
    assert (note.name, note.data) == ("took_place", {"warning_1": "It ended."})
    assert [(post.template, post.to) for post in change.posts] == [
        ("took_place", "thread"),
        ("took_place", "dm:U0AGENT"),
    ]


@pytest.mark.parametrize(
    ("changed", "connection", "notice", "odd"),
    [
        pytest.param({}, "reminders", {"number": "+919876543211"}, True, id="another number"),
        pytest.param({}, "reminders", {"number": None}, True, id="no number"),
        pytest.param({}, "voxworks", {}, True, id="another connection"),
        pytest.param({}, "reminders", {"action_id": "A-7K3F.2"}, True, id="another target"),
        pytest.param({"id": "A-7K3F.2"}, "reminders", {}, True, id="the request as a whole"),
        pytest.param({"action": None}, "reminders", {}, False, id="erased"),
        pytest.param({"action": Cancel(target=NumberRef(agent="payments", to=NUMBER)), "kind": Kind.CANCEL_CALL}, "reminders", {}, True, id="a cancellation"),
    ],
)  # fmt: skip
def test_what_is_not_about_this_call_changes_nothing(
    changed: dict[str, Any], connection: str, notice: dict[str, Any], *, odd: bool
) -> None:
    """Everything must agree: connection, target, kind and number. The reason holds no number."""
    found = settles(request(**changed), NOTICE.model_copy(update=notice), connection)
    assert isinstance(found, Ignored)
    assert found.odd == odd
    assert "98765" not in found.why


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SQLiteLog]:
    """A log in a file."""
    opened = await SQLiteLog.open(tmp_path / "callops.db", key=KEY, clock=lambda: NOW)
    yield opened
    await opened.close()


async def in_doubt(log: SQLiteLog) -> str:
    """A call that was sent, and whose answer was lost."""
    entry = (await log.record(placing(NUMBER))).request.entries[0].id
    await log.apply(claim(entry, until=NOW + timedelta(seconds=30)))
    lost = Move(
        entry, "unknown", frozenset({State.SENDING}), State.UNKNOWN, attempt=1, changes={"doubted": True}
    )
    await log.apply(Change(entry, SYSTEM, [lost]))
    return entry


async def told(log: SQLiteLog, entry: str, *, times: int = 1) -> int:
    """Let a provider tell of a call, at once as often; how often there was something to post."""
    announced: list[None] = []
    notices = Notices(log, load(environment(log._path.parent)), announce=lambda: announced.append(None))
    notice = NOTICE.model_copy(update={"action_id": entry})
    await asyncio.gather(*(notices.take("reminders", notice) for _ in range(times)))
    return len(announced)


async def test_of_many_deliveries_one_is_written(log: SQLiteLog) -> None:
    """All at once and once more: one event, one set of posts, and the log is whole."""
    entry = await in_doubt(log)
    assert await told(log, entry, times=20) == 1
    assert await told(log, entry) == 0
    assert [event.name for event in await log.events(entry)] == ["requested", "sending", "unknown", "webhook"]
    assert (await log.verify()).faults == ()


async def test_a_call_that_took_place_is_not_placed_again(log: SQLiteLog) -> None:
    """Somebody ordered another attempt that is not begun: nothing is ready to be sent any more."""
    entry = await in_doubt(log)
    order = Move(entry, "ordered", frozenset({State.UNKNOWN}), State.APPROVED)
    await log.apply(Change(entry, "U0MANAGER", [order]))
    assert [one.id for one in await log.ready(NOW, 10)] == [entry]
    assert await told(log, entry) == 1
    assert await log.ready(NOW, 10) == []
    names = [event.name for event in await log.events(entry)]
    assert names[3:] == ["ordered", "order_dropped", "webhook"]
    assert (await log.request(entry)).state is State.SUCCEEDED
    assert (await log.verify()).faults == ()


async def test_a_contradiction_is_told_once(log: SQLiteLog) -> None:
    """Somebody said that it did not happen: however often the provider says otherwise, it is one note."""
    entry = await in_doubt(log)
    said = Move(entry, "did_not_happen", frozenset({State.UNKNOWN}), State.FAILED)
    await log.apply(Change(entry, "U0MANAGER", [said]))
    assert await told(log, entry, times=20) == 1
    assert await told(log, entry) == 0
    assert [event.name for event in await log.events(entry)][3:] == ["did_not_happen", "took_place"]
    assert (await log.request(entry)).state is State.FAILED
    assert (await log.verify()).faults == ()


async def test_an_action_that_is_not_in_the_log_is_no_fault(log: SQLiteLog) -> None:
    """Nothing is written and nothing raised: the provider must not try for ever."""
    assert await told(log, "A-2222") == 0
    assert (await log.verify()).events == 0


@pytest.mark.parametrize("after", [State.SUCCEEDED, State.FAILED])
async def test_of_a_person_and_a_provider_exactly_one_wins(log: SQLiteLog, after: State) -> None:
    """Somebody settles it while the provider tells: whichever is first stands, the other changes nothing."""
    winners = set()
    for number in range(20):
        entry = await in_doubt(log)
        settled = Change(entry, "U0MANAGER", [Move(entry, "happened", frozenset({State.UNKNOWN}), after)])

        async def person(settled: Change = settled, waits: float = number**2 / 2000) -> bool:
            await asyncio.sleep(waits)
            try:
                await log.apply(settled)
            except Conflict:
                return False
            return True

        first, _ = await asyncio.gather(person(), told(log, entry))
        names = [event.name for event in await log.events(entry)]
        contradicted = ["took_place"] if first and after is State.FAILED else []
        assert names[3:] == (["happened", *contradicted] if first else ["webhook"])
        winners.add(first)
    assert winners == {True, False}

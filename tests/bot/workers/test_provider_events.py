"""Transitions after a provider reports a call's end by itself, as a table."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.loader import load
from bot.services.notifications import SystemChanges
from bot.services.wakeups import Wakeups
from bot.workers.provider_events import Ignored, ProviderEvents, ended, settles, settles_deletion
from providers.actions import CallAction, CallEnd, Code, Ending, Kind, NumberRef, PlaceCall, ProviderEvent
from providers.actions import CancelCall as Cancel
from storage.changes import ChangeSet, NewAction, NewRequest, Transition
from storage.errors import ConflictError
from storage.models import SYSTEM, Cancelled, MessageRef, Request
from storage.states import TERMINAL, State
from storage.store import Store
from tests.bot.config.test_loader import environment
from tests.storage.samples import KEY, Clock, approve, cancelling, claim, erase, placing, verified
from tests.support.values import an_action

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NUMBER = "+919876543210"
PLACE = PlaceCall(to=NUMBER, agent="payments")
NOTICE = ProviderEvent(
    action_id="A-7K3F",
    message="It ended.",
    end=CallEnd(ending=Ending.ANSWERED),
    number=NUMBER,
    reference="c-1",
)
SILENT = sorted(end for end in Ending if not end.rang)


def request(
    state: State = State.UNKNOWN,
    *,
    action: CallAction | None = PLACE,
    kind: Kind = Kind.PLACE_CALL,
    maybe_executed: bool = True,
    **more: Any,
) -> Request:
    """Return a request for a single call."""
    record = an_action(
        id="A-7K3F",
        kind=kind,
        agent="payments",
        state=state,
        attempt=1,
        maybe_executed=maybe_executed,
        reference="earlier",
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
        actions=[replace(record, **more)],
    )


@pytest.mark.parametrize(
    ("before", "maybe_executed"),
    [(State.UNKNOWN, True), (State.SENDING, False)],
    ids=["the answer was lost", "the answer is not there yet"],
)
def test_what_nobody_knew_is_done(before: State, maybe_executed: bool) -> None:  # noqa: FBT001 - a column of a table
    """The call happened.

    The system makes a single transition in this attempt, with the provider's message and id.
    """
    change = settles(request(before, maybe_executed=maybe_executed), NOTICE, "reminders")
    assert isinstance(change, ChangeSet)
    [move] = change.transitions
    assert (change.actor, move.name, move.from_states, move.to_state) == (
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
    assert [post.to for post in change.notifications] == ["audit", "thread", "dm:U0AGENT"]


@pytest.mark.parametrize("end", [end for end in Ending if end.rang])
def test_every_end_that_rang_is_proof(end: Ending) -> None:
    """A call that was answered, declined or missed was placed."""
    change = settles(request(), NOTICE.model_copy(update={"end": CallEnd(ending=end)}), "reminders")
    assert isinstance(change, ChangeSet)
    assert change.transitions[0].to_state is State.SUCCEEDED


@pytest.mark.parametrize("end", SILENT)
def test_an_end_that_did_not_ring_settles_nothing(end: Ending) -> None:
    """The people who settle read it once for each try, and no state changes."""
    notices = [
        NOTICE.model_copy(update={"end": CallEnd(ending=end, try_number=try_number)})
        for try_number in (0, 0, 1)
    ]
    assert all(isinstance(settles(request(), notice, "reminders"), Ignored) for notice in notices)
    changes = [ended(request(), notice, "reminders") for notice in notices]
    assert all(isinstance(change, ChangeSet) and change.transitions == () for change in changes)
    first, again, second = (change for change in changes if isinstance(change, ChangeSet))
    [note] = first.annotations
    assert (note.name, note.data["warning_1"]) == ("call_ended", "It ended.")
    assert [(post.template, post.to) for post in first.notifications] == [
        ("state", "audit"),
        ("call_ended", "thread"),
    ]
    assert first.nonce == again.nonce != second.nonce


@pytest.mark.parametrize("end", list(Ending))
@pytest.mark.parametrize("state", list(State))
def test_each_end_of_a_call_that_was_sent_is_recorded(state: State, end: Ending) -> None:
    """The audit message shows it. A settlement that follows brings its own edit."""
    told = NOTICE.model_copy(
        update={"end": CallEnd(ending=end, seconds=125, link="https://karo.example/c/1")}
    )
    found = ended(request(state), told, "reminders")
    assert isinstance(found, ChangeSet)
    [note] = found.annotations
    assert (note.name, note.data["ending"], note.private) == (
        "call_ended",
        end,
        {"end": '{"link": "https://karo.example/c/1", "seconds": 125}'},
    )
    shown = [post.to for post in found.notifications if post.template == "state"]
    assert shown == ([] if end.rang and state not in TERMINAL else ["audit"])
    told_to = [post.to for post in found.notifications if post.template == "call_ended"]
    if state is State.UNKNOWN:
        assert told_to == ([] if end.rang else ["thread"])
    else:
        assert told_to == (
            ["thread", "dm:U0AGENT"] if (state, end) == (State.SUCCEEDED, Ending.DELETED) else []
        )


def test_a_deletion_that_callops_asked_for_surprises_nobody() -> None:
    """The end is recorded, and the requester of the call gets no message."""
    known = replace(request(State.SUCCEEDED), cancelled=Cancelled("A-2222"))
    notice = NOTICE.model_copy(update={"end": CallEnd(ending=Ending.DELETED)})
    found = ended(known, notice, "reminders")
    assert isinstance(found, ChangeSet)
    assert [post.to for post in found.notifications] == ["audit"]


def test_a_call_that_was_never_sent_has_no_end() -> None:
    """Such a report is odd, and nothing of it is recorded."""
    found = ended(request(State.PENDING, attempt=0), NOTICE, "reminders")
    assert isinstance(found, Ignored)
    assert found.odd


CANCEL = Cancel(target=NumberRef(agent="payments", to=NUMBER))


@pytest.mark.parametrize(
    ("state", "maybe_executed", "names"),
    [
        (State.UNKNOWN, True, ["webhook"]),
        (State.SENDING, False, ["webhook"]),
        (State.APPROVED, True, ["order_dropped", "webhook"]),
        (State.SENDING, True, None),
        (State.SUCCEEDED, False, None),
        (State.FAILED, True, None),
        (State.WITHDRAWN, False, None),
    ],
)
def test_a_deleted_call_ends_the_doubt_about_its_deletion(
    state: State,
    maybe_executed: bool,  # noqa: FBT001 - a column of a table
    names: list[str] | None,
) -> None:
    """The deletion happened, whatever its own answer was. A final state stays."""
    deletion = request(state, action=CANCEL, kind=Kind.CANCEL_CALL, maybe_executed=maybe_executed)
    notice = NOTICE.model_copy(update={"action_id": "A-2222", "end": CallEnd(ending=Ending.DELETED)})
    found = settles_deletion(deletion, "A-7K3F", notice)
    assert isinstance(found, ChangeSet) == (names is not None)
    if isinstance(found, ChangeSet):
        assert [move.name for move in found.transitions] == names
        changes = found.transitions[-1].changes
        assert (found.transitions[-1].to_state, changes["code"]) == (State.SUCCEEDED, Code.CANCELLED)
        assert changes["reference"] == "earlier"
        assert found.nonce == "deleted A-2222"


@pytest.mark.parametrize(
    "more", [{"approvals_needed": 1}, {"messages": {"card": MessageRef("C0APPROVE", "1.0")}}]
)
def test_a_card_that_was_decided_on_shows_it_too(more: dict[str, Any]) -> None:
    """The approver reads in the card that the call took place."""
    change = settles(replace(request(), **more), NOTICE, "reminders")
    assert isinstance(change, ChangeSet)
    assert [post.to for post in change.notifications] == ["audit", "thread", "dm:U0AGENT", "card"]


def test_an_attempt_that_was_ordered_is_not_made() -> None:
    """The attempt would call a second time. The retry is dropped and the outcome settled in one change."""
    change = settles(request(State.APPROVED), NOTICE, "reminders")
    assert isinstance(change, ChangeSet)
    assert [(move.name, move.from_states, move.to_state) for move in change.transitions] == [
        ("order_dropped", frozenset({State.APPROVED}), State.UNKNOWN),
        ("webhook", frozenset({State.UNKNOWN}), State.SUCCEEDED),
    ]


def test_an_id_that_is_known_is_not_forgotten() -> None:
    """An event without the provider's id keeps the id of the log."""
    change = settles(request(), NOTICE.model_copy(update={"reference": None}), "reminders")
    assert isinstance(change, ChangeSet)
    assert change.transitions[0].changes["reference"] == "earlier"


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNKNOWN])
def test_what_is_not_in_doubt_stays_as_it_is(state: State) -> None:
    """A second delivery changes nothing. A call that was never sent, and yet took place, is odd."""
    found = settles(request(state, maybe_executed=state is State.SENDING, attempt=0), NOTICE, "reminders")
    assert isinstance(found, Ignored)
    assert found.odd == (state not in {State.SUCCEEDED, State.SENDING})
    assert state in found.reason


@pytest.mark.parametrize("state", sorted(TERMINAL - {State.SUCCEEDED}))
def test_what_is_over_otherwise_is_told_of_and_stays(state: State) -> None:
    """The action was sent once and ended as not done, yet the call took place.

    People read so, and the state stays.
    """
    change = settles(request(state), NOTICE, "reminders")
    assert isinstance(change, ChangeSet)
    assert change.transitions == ()
    [note] = change.annotations
    assert (note.name, note.data) == ("took_place", {"warning_1": "It ended."})
    assert [(post.template, post.to) for post in change.notifications] == [
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
    """Connection, target, kind and number must all agree. The reason holds no number."""
    found = settles(request(**changed), NOTICE.model_copy(update=notice), connection)
    assert isinstance(found, Ignored)
    assert found.odd == odd
    assert "98765" not in found.reason


@pytest.fixture
def clock() -> Clock:
    """Return a clock that tests advance."""
    return Clock(NOW)


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """Yield a store in a file."""
    opened = await Store.open(tmp_path / "callops.db", key=KEY, clock=clock)
    yield opened
    await opened.close()


async def in_doubt(store: Store) -> str:
    """Create a call whose answer was lost, and return its action's id."""
    action = (await store.requests.create(placing(NUMBER))).request.actions[0].id
    await store.requests.apply(claim(action, until=NOW + timedelta(seconds=30)))
    lost = Transition(
        action,
        "unknown",
        frozenset({State.SENDING}),
        State.UNKNOWN,
        attempt=1,
        changes={"maybe_executed": True},
    )
    await store.requests.apply(ChangeSet(action, SYSTEM, [lost]))
    return action


async def told(
    store: Store,
    action: str,
    *,
    times: int = 1,
    end: Ending = Ending.ANSWERED,
    try_number: int | None = None,
) -> int:
    """Deliver a provider's event, several times at once. Return how often there was something to post."""
    announced: list[None] = []
    wakeups = Wakeups(outbox=lambda: announced.append(None))
    settings = load(environment(store._database.path.parent))
    notices = ProviderEvents(store, SystemChanges(store, settings, wakeups, lambda _: ()))
    notice = NOTICE.model_copy(
        update={"action_id": action, "end": CallEnd(ending=end, try_number=try_number)}
    )
    await asyncio.gather(*(notices.take("reminders", notice) for _ in range(times)))
    return len(announced)


async def test_of_many_deliveries_one_is_written(store: Store) -> None:
    """Many at once and another one later write the end once and settle once. The log is whole."""
    action = await in_doubt(store)
    assert await told(store, action, times=20) == 2
    assert await told(store, action) == 0
    assert [event.name for event in await store.requests.events(action)] == [
        "requested",
        "sending",
        "unknown",
        "call_ended",
        "webhook",
    ]
    assert (await verified(store)).faults == ()


async def test_a_call_that_took_place_is_not_placed_again(store: Store) -> None:
    """Somebody ordered another attempt that has not begun. Nothing is due any more."""
    action = await in_doubt(store)
    order = Transition(action, "retry_requested", frozenset({State.UNKNOWN}), State.APPROVED)
    await store.requests.apply(ChangeSet(action, "U0MANAGER", [order]))
    assert [one.id for one in await store.dispatch_queue.due(NOW, 10)] == [action]
    assert await told(store, action) == 2
    assert await store.dispatch_queue.due(NOW, 10) == []
    names = [event.name for event in await store.requests.events(action)]
    assert names[3:] == ["retry_requested", "call_ended", "order_dropped", "webhook"]
    assert (await store.requests.request(action)).state is State.SUCCEEDED
    assert (await verified(store)).faults == ()


async def test_a_contradiction_is_told_once(store: Store) -> None:
    """Somebody recorded that it did not happen.

    However often the provider reports otherwise, there is a single note.
    """
    action = await in_doubt(store)
    said = Transition(action, "did_not_happen", frozenset({State.UNKNOWN}), State.FAILED)
    await store.requests.apply(ChangeSet(action, "U0MANAGER", [said]))
    assert await told(store, action, times=20) == 2
    assert await told(store, action) == 0
    assert [event.name for event in await store.requests.events(action)][3:] == [
        "did_not_happen",
        "call_ended",
        "took_place",
    ]
    assert (await store.requests.request(action)).state is State.FAILED
    assert (await verified(store)).faults == ()


async def placed(store: Store, new: NewRequest | None = None, reference: str | None = None) -> str:
    """Create an accepted call for tomorrow, and return its action's id."""
    new = new or placing(NUMBER, at=NOW + timedelta(days=1))
    action = (await store.requests.create(new)).request.actions[0].id
    await store.requests.apply(claim(action, until=NOW + timedelta(seconds=30)))
    done = Transition(
        action,
        "succeeded",
        frozenset({State.SENDING}),
        State.SUCCEEDED,
        changes={"code": Code.SCHEDULED, "reference": reference},
    )
    await store.requests.apply(ChangeSet(action, SYSTEM, [done]))
    return action


async def deletion_in_doubt(store: Store, *, number: str = NUMBER, agent: str = "payments") -> str:
    """Create a deletion by number whose answer was lost, and return its action's id."""
    cancel = Cancel(target=NumberRef(agent=agent, to=number))
    made = replace(cancelling(number), actions=[NewAction(cancel, number=number)])
    deleted = (await store.requests.create(made)).request.actions[0].id
    await store.requests.apply(approve(deleted))
    await store.requests.apply(claim(deleted, until=NOW + timedelta(seconds=30)))
    lost = Transition(
        deleted,
        "unknown",
        frozenset({State.SENDING}),
        State.UNKNOWN,
        attempt=1,
        changes={"maybe_executed": True},
    )
    await store.requests.apply(ChangeSet(deleted, SYSTEM, [lost]))
    return deleted


async def states(store: Store, *actions: str) -> list[State]:
    """Return the states of some requests."""
    return [(await store.requests.request(action)).state for action in actions]


async def test_a_call_that_was_deleted_settles_its_deletion(store: Store) -> None:
    """The deletion is settled once, however often it is reported. The call's message says that it is gone."""
    call, deletion = await placed(store), await deletion_in_doubt(store)
    assert await told(store, call, times=5, end=Ending.DELETED) == 2
    assert await states(store, call, deletion) == [State.SUCCEEDED, State.SUCCEEDED]
    cancelled = (await store.requests.request(call)).cancelled
    assert cancelled is not None
    assert cancelled.by == deletion
    later = await deletion_in_doubt(store)
    assert await told(store, call, end=Ending.DELETED) == 0
    assert await states(store, later) == [State.UNKNOWN]
    assert (await verified(store)).faults == ()


async def test_a_call_in_doubt_that_was_deleted_stays_in_doubt(store: Store) -> None:
    """The deletion is settled once. A repeated event settles no later deletion."""
    call, deletion = await in_doubt(store), await deletion_in_doubt(store)
    assert (
        await told(store, call, times=5, end=Ending.DELETED) == 2
    )  # the deletion, and the message to people
    assert await states(store, call, deletion) == [State.UNKNOWN, State.SUCCEEDED]
    later = await deletion_in_doubt(store)
    assert await told(store, call, times=5, end=Ending.DELETED) == 0
    assert await states(store, call, later) == [State.UNKNOWN, State.UNKNOWN]
    assert (await verified(store)).faults == ()


@pytest.mark.parametrize(
    ("deletions", "end"),
    [
        ([{"number": "+919876543211"}], Ending.DELETED),
        ([{"agent": "sales"}], Ending.DELETED),
        ([{}, {}], Ending.DELETED),
        *(([{}], end) for end in Ending if end is not Ending.DELETED),
    ],
)
async def test_what_does_not_prove_a_deletion_settles_none(
    store: Store, deletions: list[dict[str, str]], end: Ending
) -> None:
    """Another number, another agent, a call of several, or another end proves nothing."""
    call = await in_doubt(store)
    made = [await deletion_in_doubt(store, **one) for one in deletions]
    await told(store, call, end=end)
    assert set(await states(store, *made)) == {State.UNKNOWN}


async def test_a_deletion_from_before_the_call_is_not_settled(store: Store, clock: Clock) -> None:
    """An earlier deletion cannot have deleted a call that was placed later."""
    deletion = await deletion_in_doubt(store)
    clock.move(minutes=1)
    call = await placed(store)
    await told(store, call, end=Ending.DELETED)
    assert await states(store, deletion) == [State.UNKNOWN]


async def test_one_of_several_that_was_deleted_settles_nothing(store: Store) -> None:
    """A deletion by number was aimed at all of them, and somebody may have deleted this one by hand."""
    calls = [await placed(store), await placed(store)]
    deletion = await deletion_in_doubt(store)
    await told(store, calls[0], end=Ending.DELETED)
    assert await states(store, deletion) == [State.UNKNOWN]
    assert [(await store.requests.request(call)).cancelled for call in calls] == [None, None]


async def test_a_call_from_before_the_deletion_settles_none(store: Store, clock: Clock) -> None:
    """The event comes late.

    The call's time was before the deletion's request, so another deletion removed it.
    """
    call = await placed(store)
    clock.move(days=2)
    deletion = await deletion_in_doubt(store)
    await told(store, call, end=Ending.DELETED)
    assert await states(store, deletion) == [State.UNKNOWN]


async def test_a_call_of_another_account_settles_no_deletion(store: Store) -> None:
    """The connection's account changed between the two."""
    elsewhere = replace(placing(NUMBER, at=NOW + timedelta(days=1)), fingerprint="another")
    call = await placed(store, elsewhere)
    deletion = await deletion_in_doubt(store)
    await told(store, call, end=Ending.DELETED)
    assert await states(store, deletion) == [State.UNKNOWN]


async def test_one_event_comes_for_each_try(store: Store) -> None:
    """The first try did not ring, the second did, and that one settles the call."""
    action = await in_doubt(store)
    assert await told(store, action, times=3, end=Ending.NOT_REACHED, try_number=0) == 1
    assert await told(store, action, end=Ending.NOT_REACHED, try_number=1) == 1
    assert await states(store, action) == [State.UNKNOWN]
    assert await told(store, action, end=Ending.NO_ANSWER, try_number=2) == 2
    assert await states(store, action) == [State.SUCCEEDED]
    assert [event.name for event in await store.requests.events(action)][3:] == [
        "call_ended",
        "call_ended",
        "call_ended",
        "webhook",
    ]


@pytest.mark.parametrize(
    ("connection", "changes", "ends"),
    [
        ("reminders", {}, 1),
        ("reminders", {"number": None}, 1),
        ("reminders", {"number": "+919876543211"}, 0),
        ("reminders", {"reference": "c-2"}, 0),
        ("reminders", {"reference": None}, 0),
        ("other", {}, 0),
    ],
)
async def test_a_call_is_found_by_its_provider_s_id(
    store: Store, connection: str, changes: dict[str, Any], ends: int
) -> None:
    """The connection must agree, and the number if it is given."""
    action = await placed(store, placing(NUMBER), reference="c-1")
    notice = NOTICE.model_copy(update={"action_id": None, **changes})
    await deliver(store, connection, notice, notice)
    assert await ends_of(store, action) == ends


async def test_an_id_that_several_calls_have_names_none(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator reads of it, without the id, because it comes from outside."""
    calls = [await placed(store, placing(NUMBER), reference="c-1") for _ in range(2)]
    await deliver(store, "reminders", NOTICE.model_copy(update={"action_id": None}))
    assert [await ends_of(store, action) for action in calls] == [0, 0]
    [line] = [one for one in caplog.records if one.levelname == "WARNING"]
    assert "2 calls have its id" in line.getMessage()
    assert "c-1" not in line.getMessage()


async def test_an_erased_call_is_found_and_keeps_nothing(store: Store) -> None:
    """Its number is gone, so it cannot be compared."""
    action = await placed(store, placing(NUMBER), reference="c-1")
    await erase(store, action, actor="U0DPO")
    await deliver(store, "reminders", NOTICE.model_copy(update={"action_id": None, "number": None}))
    assert await ends_of(store, action) == 0


async def deliver(store: Store, connection: str, *notices: ProviderEvent) -> None:
    """Deliver events of a connection, one after another."""
    settings = load(environment(store._database.path.parent))
    events = ProviderEvents(store, SystemChanges(store, settings, Wakeups(), lambda _: ()))
    for notice in notices:
        await events.take(connection, notice)


async def ends_of(store: Store, action: str) -> int:
    """Return how many ends of a call are recorded."""
    return [event.name for event in await store.requests.events(action)].count("call_ended")


async def test_an_action_that_is_not_in_the_log_is_no_fault(store: Store) -> None:
    """Nothing is written or raised, because the provider must not retry for ever."""
    assert await told(store, "A-2222") == 0
    assert (await verified(store)).events == 0


@pytest.mark.parametrize("after", [State.SUCCEEDED, State.FAILED])
async def test_of_a_person_and_a_provider_exactly_one_wins(store: Store, after: State) -> None:
    """Somebody settles it during a provider's event: the first stands, and the other changes nothing."""
    winners = set()
    for number in range(20):
        action = await in_doubt(store)
        settled = ChangeSet(
            action, "U0MANAGER", [Transition(action, "happened", frozenset({State.UNKNOWN}), after)]
        )

        async def person(settled: ChangeSet = settled, waits: float = number**2 / 2000) -> bool:
            await asyncio.sleep(waits)
            try:
                await store.requests.apply(settled)
            except ConflictError:
                return False
            return True

        first, _ = await asyncio.gather(person(), told(store, action))
        names = [event.name for event in await store.requests.events(action)]
        names.remove("call_ended")
        contradicted = ["took_place"] if first and after is State.FAILED else []
        assert names[3:] == (["happened", *contradicted] if first else ["webhook"])
        winners.add(first)
    assert winners == {True, False}

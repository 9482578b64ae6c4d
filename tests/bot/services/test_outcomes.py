"""Decisions after an outcome, as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.services.outcomes import MAX_PUT_OFF, PAUSES, WINDOW, decide_next
from providers.actions import CallRef, CancelCall, Code, Kind, Outcome, PlaceCall, Retry, Status
from storage import states
from storage.models import ActionRecord
from storage.states import State
from tests.support.values import an_action

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PLACE = PlaceCall(to="+919876543210", agent="payments")
CANCEL = CancelCall(target=CallRef(call_id="vx_123"))


def record(
    action: PlaceCall | CancelCall = CANCEL,
    *,
    attempt: int = 1,
    maybe_executed: bool = False,
    not_after: datetime | None = None,
) -> ActionRecord:
    """Return an action that is being sent."""
    return an_action(
        id="A-7K3F",
        kind=action.kind,
        connection="voxworks",
        target_id="vx_123" if action.kind is Kind.CANCEL_CALL else None,
        state=State.SENDING,
        attempt=attempt,
        maybe_executed=maybe_executed,
        owner="me",
        lease_until=NOW,
        asked_at=NOW,
        updated_at=NOW,
        action=action,
        not_after=not_after,
    )


def outcome(status: Status, code: Code, retry: Retry = Retry.NEVER, **more: Any) -> Outcome:
    """Return an outcome with a short message."""
    return Outcome(status=status, code=code, message="What happened.", retry=retry, **more)


NO_ANSWER = outcome(Status.UNKNOWN, Code.NO_ANSWER, Retry.IDEMPOTENT)
PLACE_NO_ANSWER = outcome(Status.UNKNOWN, Code.NO_ANSWER, Retry.VERIFY)
UNREACHABLE = outcome(Status.FAILED, Code.UNREACHABLE, Retry.SAFE)
NOT_FOUND = outcome(Status.FAILED, Code.NOT_FOUND)
LATER = outcome(Status.FAILED, Code.RATE_LIMITED, Retry.AFTER, retry_after=7.0)
SHORT = outcome(Status.UNKNOWN, Code.SERVER_ERROR, Retry.SHORT_WINDOW)
OK = outcome(Status.OK, Code.CANCELLED)


@pytest.mark.parametrize(
    ("record", "outcome", "seen", "names", "state"),
    [
        pytest.param(record(), OK, False, ["succeeded"], State.SUCCEEDED, id="a clear success"),
        pytest.param(record(), NOT_FOUND, False, ["failed"], State.FAILED, id="a clear failure"),
        pytest.param(
            record(), NOT_FOUND, True, ["failed"], State.FAILED, id="not found without a doubt is a failure"
        ),
        pytest.param(
            record(PLACE), PLACE_NO_ANSWER, False, ["unknown"], State.UNKNOWN, id="a place in doubt waits"
        ),
        pytest.param(
            record(PLACE),
            outcome(Status.UNKNOWN, Code.NO_ANSWER, Retry.IDEMPOTENT),
            False,
            ["unknown"],
            State.UNKNOWN,
            id="a place is never idempotent, whatever an adapter says",
        ),
        *(
            pytest.param(
                replace(record(), kind=kind),
                NO_ANSWER,
                False,
                ["unknown"],
                State.UNKNOWN,
                id=f"nor is {kind}: somebody may have done the contrary meanwhile",
            )
            for kind in (Kind.START_CAMPAIGN, Kind.STOP_CAMPAIGN)
        ),
        pytest.param(
            replace(record(), kind=Kind.START_CAMPAIGN),
            LATER,
            False,
            ["failed"],
            State.FAILED,
            id="nor is a start put off by the system",
        ),
        pytest.param(
            replace(record(), kind=Kind.STOP_CAMPAIGN),
            LATER,
            False,
            ["retry_scheduled"],
            State.APPROVED,
            id="a stop that was not processed is sent later",
        ),
        pytest.param(
            record(), NO_ANSWER, False, ["unknown", "retry_scheduled"], State.APPROVED, id="by id again"
        ),
        pytest.param(
            record(attempt=3), NO_ANSWER, False, ["unknown"], State.UNKNOWN, id="three requests in all"
        ),
        pytest.param(
            record(), UNREACHABLE, False, ["retry_scheduled"], State.APPROVED, id="never sent, sent again"
        ),
        pytest.param(
            record(PLACE), UNREACHABLE, False, ["retry_scheduled"], State.APPROVED, id="also a place"
        ),
        pytest.param(
            record(attempt=3), UNREACHABLE, False, ["failed"], State.FAILED, id="never sent, three times"
        ),
        pytest.param(record(), LATER, False, ["retry_scheduled"], State.APPROVED, id="not processed, later"),
        pytest.param(
            record(attempt=9), LATER, False, ["retry_scheduled"], State.APPROVED, id="later, as often as told"
        ),
        pytest.param(
            record(PLACE), LATER, False, ["failed"], State.FAILED, id="a place is not put off by the system"
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True),
            OK,
            False,
            ["succeeded"],
            State.SUCCEEDED,
            id="doubt, then success",
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True),
            NOT_FOUND,
            True,
            ["inferred"],
            State.SUCCEEDED,
            id="seen, then gone",
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True),
            NOT_FOUND,
            False,
            ["unknown"],
            State.UNKNOWN,
            id="never seen",
        ),
        pytest.param(
            replace(record(attempt=2, maybe_executed=True), kind=Kind.STOP_CAMPAIGN),
            NOT_FOUND,
            True,
            ["unknown"],
            State.UNKNOWN,
            id="a stop removes nothing, so gone does not mean stopped",
        ),
        pytest.param(
            replace(record(attempt=2, maybe_executed=True), kind=Kind.START_CAMPAIGN),
            NOT_FOUND,
            True,
            ["unknown"],
            State.UNKNOWN,
            id="a start removes nothing, so gone does not mean started",
        ),
        pytest.param(
            replace(record(attempt=2, maybe_executed=True), kind=Kind.DELETE_CAMPAIGN),
            NOT_FOUND,
            True,
            ["inferred"],
            State.SUCCEEDED,
            id="a campaign was seen, then gone",
        ),
        pytest.param(
            record(attempt=3, maybe_executed=True),
            UNREACHABLE,
            True,
            ["unknown"],
            State.UNKNOWN,
            id="a doubt outlives an unreachable provider",
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True),
            outcome(Status.FAILED, Code.INVALID_REQUEST),
            True,
            ["unknown"],
            State.UNKNOWN,
            id="a doubt outlives a refusal",
        ),
        pytest.param(
            record(),
            SHORT,
            False,
            ["unknown", "retry_scheduled"],
            State.APPROVED,
            id="by number, shortly after the first",
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True, not_after=NOW + timedelta(seconds=9)),
            SHORT,
            False,
            ["unknown", "retry_scheduled"],
            State.APPROVED,
            id="by number, while its window is open",
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True, not_after=NOW + timedelta(seconds=8)),
            SHORT,
            False,
            ["unknown"],
            State.UNKNOWN,
            id="by number, but its pause outlasts its window",
        ),
        pytest.param(
            record(attempt=3, maybe_executed=True, not_after=NOW + timedelta(seconds=20)),
            SHORT,
            False,
            ["unknown"],
            State.UNKNOWN,
            id="by number, three requests in all",
        ),
        pytest.param(
            record(attempt=2),
            SHORT,
            False,
            ["unknown"],
            State.UNKNOWN,
            id="by number, and the first request left no window",
        ),
        pytest.param(
            record(attempt=2, maybe_executed=True, not_after=NOW + timedelta(seconds=3)),
            UNREACHABLE,
            False,
            ["unknown"],
            State.UNKNOWN,
            id="not sent, and its window closes before it could be",
        ),
        pytest.param(
            record(PLACE), SHORT, False, ["unknown"], State.UNKNOWN, id="a place has no window at all"
        ),
    ],
)
def test_what_follows(
    record: ActionRecord, outcome: Outcome, names: list[str], state: State, *, seen: bool
) -> None:
    """Each outcome leads to a single state, by legal transitions only."""
    made = decide_next(
        record, outcome, requester="U0AGENT", owner="me", now=NOW, until=None, seen=seen, waited=False
    )
    assert [move.name for move in made.transitions] == names
    assert made.transitions[-1].to_state is state
    before: State = State.SENDING
    for move in made.transitions:
        assert before in move.from_states
        states.check(before, move.to_state)
        before = move.to_state


def waits(
    found: ActionRecord, outcome: Outcome, *, jitter: float = 0, until: datetime | None = None
) -> float:
    """Return the seconds until the next attempt."""
    made = decide_next(
        found,
        outcome,
        requester="U0AGENT",
        owner="me",
        now=NOW,
        until=until,
        seen=False,
        waited=False,
        jitter=jitter,
    )
    again = made.transitions[-1].changes["not_before"]
    assert isinstance(again, datetime)
    return (again - NOW).total_seconds()


def test_who_does_not_say_how_long_is_waited_for_twice_as_long_each_time() -> None:
    """Waits grow from five seconds to a quarter of an hour, for 40 attempts in all."""
    later = outcome(Status.FAILED, Code.RATE_LIMITED, Retry.AFTER)
    backed_off = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert [waits(record(attempt=n), later) for n in range(1, 11)] == backed_off
    assert waits(record(attempt=MAX_PUT_OFF - 1), later) == 900


@pytest.mark.parametrize("told", [0.0, 0.001, 4.0])
def test_no_time_that_is_named_is_sooner_than_the_back_off(told: float) -> None:
    """A Retry-After in the past counts as zero, and the wait still doubles."""
    later = outcome(Status.FAILED, Code.RATE_LIMITED, Retry.AFTER, retry_after=told)
    assert [waits(record(attempt=n), later) for n in range(1, 5)] == [5, 10, 20, 40]


def test_what_removes_something_waits_a_quarter_of_an_hour_at_most() -> None:
    """A longer Retry-After is cut for these kinds, after a delay and after an unknown outcome.

    Other kinds wait as told.
    """
    day = 86400.0
    later = outcome(Status.FAILED, Code.RATE_LIMITED, Retry.AFTER, retry_after=day)
    broken = outcome(Status.UNKNOWN, Code.SERVER_ERROR, Retry.IDEMPOTENT, retry_after=day)
    for kind in (Kind.CANCEL_CALL, Kind.DELETE_CAMPAIGN):
        removing = replace(record(), kind=kind)
        assert (waits(removing, later), waits(removing, broken)) == (900, 900)
    assert waits(replace(record(), kind=Kind.STOP_CAMPAIGN), later) == day


@pytest.mark.parametrize(
    ("attempt", "until"), [(MAX_PUT_OFF, None), (MAX_PUT_OFF + 1, None), (1, NOW + timedelta(seconds=3))]
)
def test_what_is_put_off_for_good_says_what_to_do(attempt: int, until: datetime | None) -> None:
    """After 40 attempts, or without time left, the action failed, and people read where to do it."""
    made = decide_next(
        record(attempt=attempt), LATER, requester="U0AGENT", owner="me", now=NOW, until=until, seen=False, waited=False
    )  # fmt: skip
    [move] = made.transitions
    assert move.to_state is State.FAILED
    assert str(move.changes["message"]).endswith("Do it in the provider's dashboard.")


def test_jitter_only_ever_makes_a_wait_longer() -> None:
    """Jitter adds a fifth at most. If that would be too late, the wait is as long as asked."""
    assert [waits(record(), LATER, jitter=share) for share in (0, 0.5, 1)] == [7, 7.7, 8.4]
    assert waits(record(), LATER, jitter=1, until=NOW + timedelta(seconds=8)) == 7
    assert waits(record(), UNREACHABLE, jitter=1) == 2


def test_a_window_is_counted_from_the_first_attempt() -> None:
    """The second attempt has the end of the window. The unknown outcome says why there is no third."""
    begun = NOW - timedelta(seconds=20)
    made = decide_next(
        replace(record(), updated_at=begun),
        SHORT,
        requester="U0AGENT",
        owner="me",
        now=NOW,
        until=None,
        seen=False,
        waited=False,
    )
    assert made.transitions[-1].changes["not_after"] == begun + WINDOW
    assert made.transitions[-1].data == {"reason": "short_window"}
    made = decide_next(
        replace(record(), updated_at=begun - timedelta(seconds=9)),
        SHORT,
        requester="U0AGENT",
        owner="me",
        now=NOW,
        until=None,
        seen=False,
        waited=False,
    )
    [doubt] = made.transitions
    assert "could cancel a newer call" in str(doubt.changes["message"])


def test_a_reply_s_headers_are_kept_where_they_can_be_erased() -> None:
    """The headers are JSON beside the reply."""
    headers = (("retry-after", "7"), ("date", "today"))
    made = decide_next(
        record(),
        LATER.model_copy(update={"headers": headers}),
        requester="U0AGENT",
        owner="me",
        now=NOW,
        until=None,
        seen=False,
        waited=False,
    )
    assert made.transitions[0].private == {"headers": '{"retry-after": "7", "date": "today"}'}
    assert made.transitions[0].data == {"reason": "after"}


def test_a_pause_is_never_shorter_than_the_provider_asked() -> None:
    """Retry-After moves the next attempt to exactly that time."""
    made = decide_next(
        record(), LATER, requester="U0AGENT", owner="me", now=NOW, until=None, seen=False, waited=False
    )
    assert made.transitions[0].changes["not_before"] == NOW + timedelta(seconds=7)


def test_pauses_grow_between_attempts() -> None:
    """The second pause is longer than the first."""
    pauses = []
    for attempt in (1, 2):
        made = decide_next(
            record(attempt=attempt), UNREACHABLE, requester="U0AGENT", owner="me", now=NOW, until=None, seen=False, waited=False
        )  # fmt: skip
        pauses.append(made.transitions[0].changes["not_before"])
    assert pauses == [NOW + pause for pause in PAUSES]


def test_nothing_is_ordered_after_its_time_ran_out() -> None:
    """A wait beyond the request's own time is a failure now."""
    until = NOW + timedelta(seconds=5)
    made = decide_next(
        record(), LATER, requester="U0AGENT", owner="me", now=NOW, until=until, seen=False, waited=False
    )
    assert [move.to_state for move in made.transitions] == [State.FAILED]


def test_the_requester_is_told_what_they_would_not_see() -> None:
    """Failures and unknown outcomes reach the requester. A success does only after an approval."""

    def told(outcome: Outcome, *, waited: bool) -> bool:
        made = decide_next(
            record(attempt=3), outcome, requester="U0AGENT", owner="me", now=NOW, until=None, seen=False, waited=waited
        )  # fmt: skip
        return any(post.to == "dm:U0AGENT" for post in made.notifications)

    assert told(NOT_FOUND, waited=False)
    assert told(NO_ANSWER, waited=False)
    assert told(OK, waited=True)
    assert not told(OK, waited=False)


def test_what_is_left_of_something_deleted_is_kept_where_it_can_be_erased() -> None:
    """Reply, record and summary are personal values, warnings are not. A thread reply mentions them."""
    deleted = outcome(Status.OK, Code.DELETED, raw="{}", record='{"name": "Billing"}', summary="name: Billing", warnings=("Look.",))  # fmt: skip
    made = decide_next(
        record(), deleted, requester="U0AGENT", owner="me", now=NOW, until=None, seen=False, waited=True
    )
    assert made.transitions[0].private == {
        "raw": "{}",
        "record": '{"name": "Billing"}',
        "summary": "name: Billing",
    }
    assert made.transitions[0].data == {"warning_1": "Look."}
    assert [post.to for post in made.notifications] == ["audit", "thread", "dm:U0AGENT"]


def test_whoever_was_told_of_a_doubt_is_told_of_its_end() -> None:
    """A success after an unknown outcome reaches the requester, with or without an approval."""
    made = decide_next(
        record(attempt=2, maybe_executed=True), OK, requester="U0AGENT", owner="me", now=NOW, until=None, seen=False, waited=False
    )  # fmt: skip
    assert any(post.to == "dm:U0AGENT" for post in made.notifications)

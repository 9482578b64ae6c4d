"""What follows when a provider tells by itself that a call happened, as a table."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.notices import Ignored, settles
from providers.actions import CallAction, Code, Kind, Notice, NumberRef, PlaceCall
from providers.actions import CancelCall as Cancel
from storage.lifecycle import State
from storage.log import SYSTEM, Change, LogEntry, Request

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


def test_an_id_that_is_known_is_not_forgotten() -> None:
    """A notice without the provider's id keeps the one that the log has."""
    change = settles(request(), NOTICE.model_copy(update={"reference": None}), "reminders")
    assert isinstance(change, Change)
    assert change.moves[0].changes["reference"] == "earlier"


@pytest.mark.parametrize("state", set(State) - {State.UNKNOWN})
def test_what_is_not_in_doubt_stays_as_it_is(state: State) -> None:
    """A second delivery is nothing; a call that took place although it stands otherwise is odd."""
    found = settles(request(state), NOTICE, "reminders")
    assert isinstance(found, Ignored)
    assert found.odd == (state not in {State.SUCCEEDED, State.SENDING})
    assert state in found.why


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

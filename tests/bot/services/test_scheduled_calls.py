"""Scheduled calls: their label in a form, their target, and the time at which it is too late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.parsing.command import CommandContext, ConnectionInfo, Verb
from bot.services.scheduled_calls import (
    CannotCancelError,
    call_options,
    cancelling,
    clock,
    label,
    too_late,
    values,
)
from bot.ui.forms import Form
from playground.blocks import faults
from providers.actions import Code, Kind, PlaceCall
from storage.models import ActionRecord
from storage.states import State
from tests.support.values import an_action

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
KOLKATA = "Asia/Kolkata"
CANCELS = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
VOCABULARY = CommandContext(
    {
        "reminders": ConnectionInfo(("payments",), CANCELS, "number"),
        "voxworks": ConnectionInfo((), CANCELS, "call_id"),
        "kore": ConnectionInfo((), frozenset({Kind.PLACE_CALL})),
    },
    "IN",
)
CALL = an_action(
    id="A-7K3F",
    kind=Kind.PLACE_CALL,
    agent="payments",
    scheduled_for=NOW + timedelta(days=1),
    state=State.SUCCEEDED,
    attempt=1,
    code=Code.SCHEDULED,
    reference="vx_7",
    http_status=200,
    asked_at=NOW,
    updated_at=NOW,
    action=PlaceCall(to="+919876543210", agent="payments", at=NOW + timedelta(days=1)),
)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (timedelta(hours=1), "Sat, 21 Nov, 10:30 AM IST"),
        (timedelta(hours=19), "Sun, 22 Nov, 4:30 AM IST"),
        (timedelta(days=6), "Fri, 27 Nov, 9:30 AM IST"),
        (timedelta(days=7), "Sat, 28 Nov, 9:30 AM IST"),
        (timedelta(days=60), "Wed, 20 Jan 2027, 9:30 AM IST"),
    ],
)
def test_times_are_said_in_the_readers_zone(after: timedelta, said: str) -> None:
    """A time has its weekday and its zone, and its year only if it is another one."""
    assert clock(NOW + after, zone=KOLKATA, now=NOW) == said


def test_a_zone_that_nobody_knows_is_utc_and_says_so() -> None:
    """An unknown zone still gives every label."""
    assert clock(NOW, zone="No/Where", now=NOW) == "Sat, 21 Nov, 4:00 AM UTC"


def test_a_call_is_one_line_without_its_whole_number() -> None:
    """The label has time, number and agent. Two equal labels add their ids."""
    assert label(CALL, zone=KOLKATA, now=NOW) == "Sun, 22 Nov, 9:30 AM IST · +91\u00a0•••3210 · payments"
    twins = call_options([CALL, replace(CALL, id="A-8888")], zone=KOLKATA, now=NOW).calls
    assert [text.rpartition(" · ")[2] for _, text in twins] == ["A-7K3F", "A-8888"]


@pytest.mark.parametrize("count", [98, 99, 100, 150])
def test_calls_that_no_list_holds_are_told(count: int) -> None:
    """The form lists the next calls, says that there are later ones, and what to do."""
    found = call_options([replace(CALL, id=f"A-{n}") for n in range(count)], zone=KOLKATA, now=NOW)
    assert (len(found.calls), found.more) == (min(count, 99), count > 99)
    for verb in (Verb.CANCEL, Verb.MOVE):
        view = Form(verb, VOCABULARY).build({}, nonce="n", channel="", known=found)
        assert faults("modal", view) == []
        assert ("Only the next 99 are listed." in str(view)) == (count > 99)


def test_a_call_is_aimed_at_as_its_connection_cancels() -> None:
    """The target is the number with its agent, or the provider's id."""
    assert cancelling(VOCABULARY) == ["reminders", "voxworks"]
    by_number = {"connection": "reminders", "targets": "+919876543210", "agent": "payments"}
    assert values(CALL, VOCABULARY) == by_number
    by_id = {"connection": "voxworks", "call": "vx_7"}
    assert values(replace(CALL, connection="voxworks"), VOCABULARY) == by_id


@pytest.mark.parametrize(
    "call",
    [
        replace(CALL, connection="voxworks", reference=None),
        replace(CALL, connection="kore"),
        replace(CALL, connection="gone"),
    ],
)
def test_what_cannot_be_cancelled_is_said(call: ActionRecord) -> None:
    """The reasons are a missing id, a provider without cancellation, and a missing connection."""
    with pytest.raises(CannotCancelError, match=call.connection):
        values(call, VOCABULARY)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (CALL, None),
        (replace(CALL, scheduled_for=NOW), "Too late: this call was due Sat, 21 Nov, 9:30 AM IST"),
        (replace(CALL, code=Code.QUEUED), "isn't a scheduled call"),
        (replace(CALL, state=State.FAILED), "can't cancel"),
        (replace(CALL, action=None), "can't cancel"),
    ],
)
def test_a_call_is_cancelled_before_it_goes_out(call: ActionRecord, says: str | None) -> None:
    """A call that is not scheduled, or was due, is refused with a reason."""
    found = too_late(call, zone=KOLKATA, now=NOW)
    assert (found is None) if says is None else (says in str(found))

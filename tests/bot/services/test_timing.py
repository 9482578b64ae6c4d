from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.services.timing import by_number, call_time_passed, has_more_to_do, verified_outcome
from providers.actions import Code, Outcome, Retry, Status
from storage.states import State
from tests.bot.ui.test_channel_messages import ACTIONS, NOW, record, request

OK = Outcome(status=Status.OK, code=Code.CANCELLED, message="Deleted.", retry=Retry.NEVER)
AT = NOW + timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("kind", ["cancel by number", "cancel by id"])
def test_each_action_has_the_time_of_its_own_call(kind: str) -> None:
    """The log's time of a call counts only for that call. The requester's time fills a gap."""
    first = replace(record(ACTIONS[kind], State.APPROVED), scheduled_for=AT)
    later = replace(record(ACTIONS[kind], State.APPROVED, 2), scheduled_for=AT + timedelta(hours=2))
    silent = replace(later, scheduled_for=None)
    both = request(first, later)
    assert [call_time_passed(both, one, AT) for one in (first, later, silent)] == [True, False, False]
    assert not call_time_passed(both, first, AT - MOMENT)
    assert call_time_passed(replace(both, reported_call_time=AT), silent, AT)


def test_only_cancellations_come_too_late_for_a_call() -> None:
    """A call to be placed has a time as well, with other rules."""
    placed = replace(record(ACTIONS["place"], State.APPROVED), scheduled_for=AT)
    assert not call_time_passed(request(placed), placed, AT)


@pytest.mark.parametrize(
    ("kind", "began", "answered", "status"),
    [
        ("cancel by number", AT - MOMENT, AT - MOMENT, Status.OK),
        ("cancel by number", AT - MOMENT, AT, Status.UNKNOWN),
        ("cancel by number", AT, AT, Status.OK),
        ("cancel by id", AT - MOMENT, AT, Status.OK),
    ],
)
def test_a_success_by_number_is_believed_until_the_call(
    kind: str, began: datetime, answered: datetime, status: Status
) -> None:
    """A request sent before the call and answered after it is unknown.

    A request sent after it concerns later calls only.
    """
    sent = replace(record(ACTIONS[kind], State.SENDING), scheduled_for=AT, updated_at=began)
    later = replace(record(ACTIONS["place"], State.SUCCEEDED), updated_at=sent.asked_at)
    found = verified_outcome(request(sent), sent, OK, [later], answered)
    assert found.status is status
    assert ("only later calls" in found.message) == (began == AT)
    if began == AT:  # without a later call the answer proves nothing
        assert verified_outcome(request(sent), sent, OK, [], answered).status is Status.UNKNOWN


def test_a_move_is_aimed_at_one_call() -> None:
    """A later call to the number is not the one that is rescheduled."""
    sent = record(ACTIONS["cancel by number"], State.APPROVED)
    assert by_number(request(sent), sent) is not None
    assert by_number(replace(request(sent), reschedules="A-2222"), sent) is None


def test_a_later_call_counts_if_it_was_scheduled_when_it_was_asked() -> None:
    """A newer schedule is no reason to send. Stopping all calls needs no schedule."""
    sent = record(ACTIONS["cancel by number"], State.APPROVED)
    there = replace(record(ACTIONS["place"], State.SUCCEEDED), updated_at=sent.asked_at)
    newer = replace(there, updated_at=sent.asked_at + MOMENT)
    assert has_more_to_do(request(sent), sent, [there])
    assert not has_more_to_do(request(sent), sent, [newer])
    assert not has_more_to_do(request(sent), sent, [])
    assert has_more_to_do(replace(request(sent), stop="S-2222"), sent, [])

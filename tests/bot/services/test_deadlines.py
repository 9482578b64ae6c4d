"""Deadlines and reminders as tables: the end of a request, and the reminders due at each minute."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.services.timing import Reminder, decide_by, next_reminder, reminder_due

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return the time that many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("reported_call_time", "ends"),
    [
        pytest.param([], 480, id="no call is known: the rule's time"),
        pytest.param([180], 178, id="a call: its time less the margin"),
        pytest.param([600], 480, id="a later call: the rule's time"),
        pytest.param([180, 60], 58, id="the first of several"),
        pytest.param([3], 1.5, id="a call very soon: half of what is left"),
        pytest.param([-5], 480, id="what is over hastens nobody"),
    ],
)
def test_a_request_ends_with_its_rule_or_before_its_call(
    reported_call_time: list[float], ends: float
) -> None:
    """The earlier time counts, with a margin for sending an approved action."""
    times = [at(minutes) for minutes in reported_call_time]
    assert decide_by(NOON, timedelta(hours=8), times, margin=timedelta(minutes=2)) == at(ends)


@pytest.mark.parametrize(
    ("whole", "now", "due", "next_one"),
    [
        pytest.param(120, 0, None, 60, id="just asked"),
        pytest.param(120, 59.9, None, 60, id="almost half time"),
        pytest.param(120, 60, Reminder.HALF, 105, id="half time"),
        pytest.param(120, 105, Reminder.LAST, None, id="a quarter of an hour left"),
        pytest.param(120, 118, Reminder.LAST, None, id="late is better than never"),
        pytest.param(120, 119.5, None, None, id="too late to be of use"),
        pytest.param(24, 12, Reminder.HALF, None, id="half time is the last call"),
        pytest.param(24, 20, Reminder.HALF, None, id="and stays so"),
        pytest.param(8, 4, None, None, id="so short a time that nobody is reminded"),
    ],
)
def test_reminders_come_at_half_time_and_before_the_end(
    whole: float, now: float, due: Reminder | None, next_one: float | None
) -> None:
    """A later reminder replaces an earlier one that was missed."""
    assert reminder_due(NOON, at(whole), at(now)) == due
    assert next_reminder(NOON, at(whole), at(now)) == (at(next_one) if next_one else None)

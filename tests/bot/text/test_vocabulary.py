"""The words and emoji that every screen uses."""

from datetime import UTC, datetime
from itertools import product

import pytest

from bot.text import vocabulary
from bot.text.clocks import clock
from bot.text.markup import when
from providers.actions import Code, Kind
from storage.states import State
from tests.support.values import an_action

AT = datetime(2026, 12, 7, 4, 30, tzinfo=UTC)
EMOJI = {"⏳", "✅", "🚫", "✋", "❌", "⚠️"}


def test_every_state_has_a_word_and_one_of_six_emoji() -> None:
    """Each state of each kind is shown, and every word that is shown can be typed to find it."""
    for kind, state in product(Kind, State):
        record = an_action(kind=kind, state=state)
        assert vocabulary.emoji(record) in EMOJI
        assert vocabulary.status(record)[0].isupper()
        assert state in vocabulary.states_named(vocabulary.status(record))
        assert state in vocabulary.states_named(state.value)


@pytest.mark.parametrize(
    ("kind", "code", "shown"),
    [
        (Kind.PLACE_CALL, Code.QUEUED, "✅ Placed"),
        (Kind.PLACE_CALL, Code.SCHEDULED, "✅ Scheduled"),
        (Kind.CANCEL_CALL, Code.DELETED, "🚫 Cancelled"),
        (Kind.DELETE_CAMPAIGN, Code.DELETED, "✅ Deleted"),
    ],
)
def test_successes_are_named_by_what_was_done(kind: Kind, code: Code, shown: str) -> None:
    """A success is called after the deed, not "done"."""
    record = an_action(kind=kind, state=State.SUCCEEDED, code=code)
    assert f"{vocabulary.emoji(record)} {vocabulary.status(record)}" == shown


def test_a_dry_run_and_a_cancelled_call_are_named() -> None:
    """A dry run is no refusal, and a placed call that was cancelled later is shown as cancelled."""
    tried = an_action(state=State.REFUSED, code=Code.DRY_RUN)
    assert vocabulary.status(tried) == "Dry run"
    placed = an_action(kind=Kind.PLACE_CALL, state=State.SUCCEEDED, code=Code.SCHEDULED)
    assert vocabulary.status(placed, cancelled=True) == "Cancelled"
    assert vocabulary.emoji(placed, cancelled=True) == "🚫"
    assert vocabulary.states_named("no such word") == frozenset()


def test_a_time_for_one_reader_has_its_weekday_and_zone() -> None:
    """A year is shown if it isn't this one. Zones without a name are shown by their offset."""
    assert clock(AT, "Asia/Kolkata", now=AT) == "Mon, 7 Dec, 10:00 AM IST"
    assert clock(AT, "Asia/Dubai", now=datetime(2025, 1, 1, tzinfo=UTC)) == "Mon, 7 Dec 2026, 8:30 AM UTC+04"
    assert clock(AT, "-02:30", now=AT) == "Mon, 7 Dec, 2:00 AM UTC-02:30"


def test_a_time_for_several_readers_is_in_the_zone_of_each() -> None:
    """Slack draws the time, and a client that can't shows it in UTC."""
    assert when(AT) == "<!date^1796617800^{date_long_pretty}, {time}|Mon, 7 Dec 2026, 4:30 AM UTC>"

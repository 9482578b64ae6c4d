from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.cli.maintenance import lifted_words
from bot.ui.announcements import outage
from bot.ui.request_status import passed, request_status
from bot.workers.outage_policy import failed, is_down, is_open, pause_after
from providers.actions import Code, Outcome, Status
from storage.models import ConnectionOutage
from storage.states import State
from tests.bot.ui.test_channel_messages import ACTIONS, record, request

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
DOWN = ConnectionOutage(
    "reminders", "down", NOW, NOW + timedelta(minutes=5), 4, NOW, reachable=False, told=True
)
ASKED = replace(DOWN, reason="rate_limited", failures=0, reachable=True)


@pytest.mark.parametrize(
    ("failures", "reachable", "seconds"),
    [
        (1, False, 5),
        (2, False, 10),
        (6, False, 160),
        (7, False, 300),
        (99, False, 300),
        (1, True, 0),
        (3, True, 0),
        (4, True, 5),
        (99, True, 300),
    ],
)
def test_a_pause_grows(failures: int, seconds: int, *, reachable: bool) -> None:
    """Pauses double up to five minutes. After an answer, only the fourth failure in a row counts."""
    pause = pause_after(failures, reachable=reachable)
    assert pause.total_seconds() == seconds
    assert is_down(replace(DOWN, failures=failures, reachable=reachable)) is (seconds > 0)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (Code.UNREACHABLE, True),
        (Code.NO_ANSWER, True),
        (Code.CONNECTION_LOST, True),
        (Code.SERVER_ERROR, True),
        (Code.UNREADABLE_REPLY, False),
        (Code.QUEUED, False),
        (Code.REJECTED, False),
        (Code.RATE_LIMITED, False),
    ],
)
def test_what_an_answer_says_of_its_provider(code: Code, *, says: bool) -> None:
    """An outcome that is no failure came from a working provider, even if it is rubbish."""
    assert failed(Outcome(status=Status.FAILED, code=code, message="")) is says


def test_a_wrong_clock_holds_nothing_up() -> None:
    """An outage ends at its time, and one that began in the future does not count."""
    assert is_open(DOWN, NOW)
    assert not is_open(DOWN, DOWN.until)
    assert not is_open(DOWN, NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("outage", "says"),
    [
        (DOWN, "reminders is down. Next try: <!date"),
        (ASKED, "reminders asked us to wait. Next try: <!date"),
    ],
)
def test_who_waits_reads_why_and_until_when(outage: ConnectionOutage, says: str) -> None:
    """The audit message, the card and each of several targets tell it."""
    one = record(ACTIONS["place"], State.APPROVED)
    single = replace(request(one), waits_for=outage)
    several = replace(request(one, replace(one, id="A-7K3F.2", position=2)), waits_for=outage)
    for text in (request_status(single), passed(single), request_status(several)):
        assert says in text
    assert says not in request_status(replace(request(replace(one, state=State.SENDING)), waits_for=outage))


def test_who_waits_longer_anyway_reads_of_that() -> None:
    """An action whose own time comes after the outage waits for its own time."""
    one = replace(record(ACTIONS["place"], State.APPROVED), not_before=DOWN.until + timedelta(hours=1))
    assert "is down" not in request_status(replace(request(one), waits_for=DOWN))


def test_an_outage_in_words() -> None:
    """The first message says that CallOps continues by itself, the second since when the provider answers."""
    assert "*reminders has been down since <!date" in outage("reminders", NOW).text
    assert "We retry every 5 minutes" in outage("reminders", NOW).text
    assert "*reminders is back since <!date" in outage("reminders", NOW, NOW).text


def test_what_was_lifted_in_words() -> None:
    """The sentence has the former end of the outage, and what happens now."""
    assert lifted_words(ASKED).startswith("reminders asked us to wait until 21 Nov 09:35:00 UTC.")
    assert "didn't answer 4 times in a row" in lifted_words(DOWN)

"""Waits of a post that Slack does not take yet."""

from datetime import timedelta

import pytest

from bot.workers.outbox import LONGEST_PAUSE, pause_after


@pytest.mark.parametrize(("tries", "seconds"), [(1, 2), (2, 4), (4, 16)])
def test_pauses_grow(tries: int, seconds: int) -> None:
    """Each attempt waits twice as long as the one before."""
    assert pause_after(tries) == timedelta(seconds=seconds)


@pytest.mark.parametrize("tries", [9, 50, 100_000])
def test_a_pause_has_an_end_however_long_slack_is_down(tries: int) -> None:
    """Hours of attempts do not lengthen the wait beyond its limit."""
    assert pause_after(tries) == LONGEST_PAUSE

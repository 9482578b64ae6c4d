from tests.faults.playing import play_a_part
from tests.faults.reporting import Report


def test_random_lives_lose_repeat_and_make_up_nothing(report: Report) -> None:
    """A third of all lives: after every step every invariant holds, and enough was met on the way."""
    play_a_part(1, report)

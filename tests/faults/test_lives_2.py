from tests.faults.playing import play_a_part
from tests.faults.reporting import Report


def test_random_lives_lose_repeat_and_make_up_nothing(report: Report) -> None:
    """In a third of all histories every invariant holds after every step, and enough events came up."""
    play_a_part(2, report)

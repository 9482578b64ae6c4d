"""Number of histories that a gate plays, and the events that must come up in them."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.amounts import SEED, scaled
from tests.faults.lives import RandomHistory, forget
from tests.faults.reporting import Report

LIVES: Final = 1500
PARTS: Final = 3
"""Number of tests, in files of their own, among which several cores share the histories."""
ENOUGH: Final = 100
"""Fewer histories than that prove nothing about frequencies."""

STEPS_EACH: Final = 60
COVERED: Final[Mapping[str, float]] = {
    "sends": 1.0,
    "crashes after send": 0.02,
    "reaps": 0.5,
    "retry_scheduled": 0.3,
    "stalls": 0.5,
    "duplicate deliveries": 1.0,
    "settled": 0.1,
    "late_answer": 0.05,
    "pauses": 1.0,
}
"""Least frequency of each event for a history: about a quarter of the usual."""


def play(machine: type[RandomHistory], lives: int, *, part: int) -> None:
    """Play that many histories of at most `STEPS_EACH` steps. The same part plays the same histories."""
    rules = settings(
        max_examples=lives,
        stateful_step_count=STEPS_EACH,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with _in_silence():
        run_state_machine_as_test(seed(SEED + part)(machine), settings=rules)


@contextmanager
def _in_silence() -> Iterator[None]:
    """Silence the bot's own lines, which report each kill."""
    logger = logging.getLogger("bot")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
        forget()


def play_a_part(part: int, report: Report) -> None:
    """Play one of the `PARTS`, which run beside each other, and check that enough of everything came up."""

    class Part(RandomHistory):
        """A history with counts of its own."""

        coverage: ClassVar[Counter[str]] = Counter()
        totals: ClassVar[Counter[str]] = Counter()

    lives = scaled(LIVES) // PARTS
    play(Part, lives, part=part)
    assert Part.totals["lives"] >= lives
    report(
        "hypothesis",
        accepted=Part.totals["accepted"],
        sent=Part.totals["sent"],
        unknown=Part.totals["unknown"],
        kills=sum(count for what, count in Part.coverage.items() if what.startswith("died")),
    )
    thin = {what: Part.coverage[what] for what, each in COVERED.items() if Part.coverage[what] < each * lives}
    assert not thin or lives < ENOUGH, f"too little of {thin} in {lives} lives to prove anything"

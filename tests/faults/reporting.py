"""Results of the gates as a table: each adds a row, and a soak prints them all."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from tests.faults.amounts import SCALE, SEED
from tests.faults.judging import Judgement

PROPERTY: Final = "gate"
COLUMNS: Final = ("accepted", "sent", "lost", "duplicated", "false success", "unknown", "kills")


class Report(Protocol):
    """A gate's report. Several reports of the same gate are added up."""

    def __call__(
        self,
        gate: str,
        *,
        accepted: int = 0,
        sent: int = 0,
        lost: int = 0,
        duplicated: int = 0,
        false_success: int = 0,
        unknown: int = 0,
        kills: int = 0,
    ) -> None:
        """Add a row to the table of results."""


def report_judgement(report: Report, gate: str, judged: Judgement, *, kills: int = 0) -> None:
    """Report a judgement."""
    report(
        gate,
        accepted=judged.accepted,
        sent=judged.sent,
        lost=len(judged.lost),
        duplicated=len(judged.duplicated),
        false_success=len(judged.false_success),
        unknown=judged.unknown,
        kills=kills,
    )


def table(rows: Iterable[tuple[str, Sequence[int], float]]) -> list[str]:
    """Return the rows as a Markdown table, with the sums of each gate and the total."""
    numbers: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for gate, counts, took in rows:
        for name in (gate, "**all**"):
            known = numbers.setdefault(name, [0] * len(COLUMNS))
            numbers[name] = [one + other for one, other in zip(known, counts, strict=True)]
            seconds[name] = seconds.get(name, 0.0) + took
    order = sorted(numbers, key=lambda name: (name == "**all**", name))
    head = ("gate", *COLUMNS, "seconds")
    lines = [" | ".join(head), " | ".join(["---", *["--:"] * (len(head) - 1)])]
    lines += [" | ".join([name, *map(str, numbers[name]), f"{seconds[name]:.0f}"]) for name in order]
    return [f"{SCALE:g} times the amounts, seed {SEED}", "", *(f"| {line} |" for line in lines)]

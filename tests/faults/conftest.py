"""Reports of the gates, and the table at the end of a run."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.amounts import SEED
from tests.faults.reporting import COLUMNS, PROPERTY, Report, table


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Yield a function that adds a row to the table. A failure is printed with the seed."""
    begun = time.monotonic()
    rows: dict[str, list[int]] = {}

    def add(gate: str, **counts: int) -> None:
        named = {name.replace("_", " "): count for name, count in counts.items()}
        assert named.keys() <= {*COLUMNS}
        row = rows.setdefault(gate, [0] * len(COLUMNS))
        rows[gate] = [count + named.get(name, 0) for name, count in zip(COLUMNS, row, strict=True)]

    print(f"seed {SEED}")  # noqa: T201 - shown with a failure
    yield add
    for number, (gate, counts) in enumerate(rows.items()):
        took = time.monotonic() - begun if number == 0 else 0.0
        request.node.user_properties.append((PROPERTY, [gate, counts, took]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of all gates that reported."""
    reports = [
        one for told in terminalreporter.stats.values() for one in told
    ]  # includes the end of each test
    rows = [
        tuple(value)
        for one in reports
        for name, value in getattr(one, "user_properties", [])
        if name == PROPERTY and getattr(one, "when", None) == "teardown"
    ]
    if rows:
        terminalreporter.write_sep("=", "gates")
        for line in table(rows):
            terminalreporter.write_line(line)

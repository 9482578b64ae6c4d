"""In what order the suite is played, and by how many at once."""

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

FOR_EACH_CORE: Final = 2
"""Workers: scenes of whole processes wait half their time, for leases, deadlines and one another."""
FIRST: Final = ("e2e/", "browser/", "security/", "faults/test_lives", "faults/test_kill", "faults/")
"""Files that take long, by how their paths begin. What is begun last had better be short, or all wait for it."""


# Each run draws the same examples, so that none is red by chance; `--hypothesis-profile=search` draws new ones.
# How long an example takes says how busy the machine is.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, derandomize=False)
settings.load_profile("same")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many `-n auto` are."""
    return FOR_EACH_CORE * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else FOR_EACH_CORE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first. Stable, so that files and scenes stay together."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((place for place, start in enumerate(FIRST) if path.startswith(start)), len(FIRST))

    items.sort(key=place)

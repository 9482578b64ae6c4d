"""Order of the test suite, and its number of workers."""

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

FOR_EACH_CORE: Final = 2
"""Workers for each core.

Scenes of whole processes wait half their time, for leases, deadlines and each other.
"""
FIRST: Final = (
    "package/",
    "e2e/",
    "browser/",
    "security/",
    "faults/test_lives",
    "faults/test_kill",
    "faults/",
)
"""Beginnings of the paths of slow files.

They start first, because a slow file at the end delays the whole run.
"""


# Each run draws the same examples, so that none fails by chance. `--hypothesis-profile=search` draws new ones.
# An example's duration only shows how busy the computer is.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, derandomize=False)
settings.load_profile("same")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`."""
    return FOR_EACH_CORE * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else FOR_EACH_CORE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first. The order is stable, so that files and scenes stay together."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((place for place, start in enumerate(FIRST) if path.startswith(start)), len(FIRST))

    items.sort(key=place)

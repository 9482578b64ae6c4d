"""In what order the suite is played, and by how many at once."""

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

FOR_EACH_CORE: Final = 2
"""Workers: scenes of whole processes wait half their time, for leases, deadlines and one another."""
FIRST: Final = ("road", "page", "security", "gates")
"""Folders whose files take long. What is begun last had better be short, or all others wait for it."""


# How long an example takes says how busy the machine is.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many `-n auto` are."""
    return FOR_EACH_CORE * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else FOR_EACH_CORE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long folders first. Stable, so that files and scenes stay together."""
    folders = {name: place for place, name in enumerate(FIRST)}

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return folders.get(folder, len(folders))

    items.sort(key=place)

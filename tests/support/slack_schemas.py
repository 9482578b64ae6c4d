"""Slack's own schemas with their checkers, which stand beside this repository on some computers."""

import importlib.util
from functools import cache
from types import ModuleType

import pytest

from tests.support.tree import ROOT

FOLDER = ROOT.parent / "shared" / "slack"


@cache
def _load(name: str) -> ModuleType | None:
    path = FOLDER / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.exists() or spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checker(name: str) -> ModuleType:
    """Return a checker (`check_blocks`, `check_manifest`). Skip the test if it is missing."""
    module = _load(name)
    if module is None:
        pytest.skip("Slack's own schemas are not beside this repository")
    return module

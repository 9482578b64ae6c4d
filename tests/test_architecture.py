"""The architecture's page: everything that it names exists, and it names each package."""

import re

import pytest

from tests.support.tree import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent.name for path in (ROOT / "bot").glob("*/__init__.py"))


@pytest.mark.parametrize(
    "named", sorted(set(re.findall(r"`((?:bot|storage|providers|playground|tests)/[\w./-]*)`", PAGE)))
)
def test_what_it_names_is_there(named: str) -> None:
    """Each name is a file or a folder."""
    assert (ROOT / named).exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_it_names_each_package(package: str) -> None:
    """Each package has a line of its own in the tree."""
    assert re.search(rf"^ +{package}/ +\S", PAGE, re.MULTILINE)

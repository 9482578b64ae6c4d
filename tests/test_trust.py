"""The documented threats: each has tests, and every named test and page exists."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.support.tree import ROOT

TRUST = ROOT / "docs/trust.md"
ANNEX = ROOT / "docs/trust-tests.md"
PAGES = [ANNEX, ROOT / "SECURITY.md"]
NAMED = re.compile(r"`(tests/[\w/]+\.py::[^`]+)`")
FEWEST_THREATS = 35
"""Least number of threats on the page. With fewer, it was not read, or some were removed."""


def threats(page: str) -> dict[str, str]:
    """Return the protection against each threat, from every table below the heading of threats."""
    below = page.split("\n## Threats\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (?!threat \|)(.+?) \| (.+) \|$", below, re.MULTILINE)
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def annexed(page: str) -> dict[str, list[str]]:
    """Return the tests that the annex names for each threat."""
    parts = re.split(r"^### (.+)$", page, flags=re.MULTILINE)[1:]
    named = [(threat, NAMED.findall(told)) for threat, told in zip(parts[::2], parts[1::2], strict=True)]
    assert len(dict(named)) == len(named)
    return dict(named)


def lacking(name: str) -> str | None:
    """Return the missing part of a test's name: its file, its function, or its parameter.

    Return None if all exist.
    """
    where, _, parameter = name.partition("[")
    file, *parts = where.split("::")
    if not (ROOT / file).exists():
        return f"{name}: there is no such file"
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    if not parameter and len(parts) == 1:
        return None if parts[0] in functions else f"{name}: there is no such test"
    # Inherited tests and parameters exist only after an import.
    found: object = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    for part in parts:
        found = getattr(found, part, None)
    marks = [mark for mark in getattr(found, "pytestmark", []) if mark.name == "parametrize"]
    ids = {one.id for mark in marks for one in mark.args[1] if hasattr(one, "id")}
    if found is None or (parameter and parameter.removesuffix("]") not in ids):
        return f"{name}: there is no such test"
    return None


def heading(line: str) -> str:
    """Return a heading as links name it."""
    return re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")


def dead(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading."""
    found = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, part = target.partition("#")
        file = (page.parent / path) if path else page
        lines = file.read_text(encoding="utf-8").splitlines() if part and file.is_file() else []
        headings = {heading(line) for line in lines if line.startswith("#")}
        if not file.exists() or (part and part not in headings):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_test_is_there(page: Path) -> None:
    """Pytest accepts each name."""
    named = set(NAMED.findall(page.read_text(encoding="utf-8")))
    assert named
    assert sorted(filter(None, map(lacking, named))) == []


def test_every_threat_has_a_test() -> None:
    """Each threat is in the annex with a test, and the annex has no other threat."""
    met = threats(TRUST.read_text(encoding="utf-8"))
    tests = annexed(ANNEX.read_text(encoding="utf-8"))
    assert len(met) >= FEWEST_THREATS
    assert [threat for threat, protection in met.items() if "|" in protection or not protection.strip()] == []
    assert list(tests) == list(met)
    assert [threat for threat, named in tests.items() if not named] == []


def test_every_link_leads_somewhere() -> None:
    """Each link on every page leads to an existing file and heading."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    assert {TRUST, *PAGES} <= set(pages)
    assert {page.name: found for page in pages if (found := dead(page))} == {}


@pytest.mark.parametrize(
    "name",
    [
        "tests/test_nowhere.py::test_it",
        "tests/test_trust.py::test_nothing",
        "tests/integration/test_invariants.py::test_the_invariant_holds[11-nothing]",
        "tests/providers/contract/test_contract.py::TestContract::test_nothing",
    ],
)
def test_a_name_of_no_test_is_found(name: str) -> None:
    """Otherwise the test above would prove nothing."""
    assert lacking(name)


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """A link to no file and a link to no heading are both found."""
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](page.md#one-thing) [b](none.md) [c](#other)\n", encoding="utf-8")
    assert dead(page) == ["none.md", "#other"]

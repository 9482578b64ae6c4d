"""ADDING_PROVIDERS.md, followed word for word in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.providers.another_pytest import another_pytest
from tests.support.tree import ROOT

BIN = Path(sys.executable).parent
*STEPS, ELSEWHERE = (ROOT / "ADDING_PROVIDERS.md").read_text(encoding="utf-8").split("\n## ")[1:]
OF_ALL_PROVIDERS = (
    "tests/test_first_contact.py",
    "tests/bot/config/test_loader.py",
    "tests/providers/test_feature_matrix.py",
)
"""Tests outside the contract that read the registry, or the texts about each provider."""
WHAT_IS_TOLD = (
    "tests/security/test_echoes.py",
    "tests/security/test_bad_replies.py",
    "tests/security/test_anything_typed.py",
)
"""Tests of each provider that no secret and no number is kept or shown."""
BLOCK = re.compile(r"^(?:`(?P<file>[^`]+)`:\n\n)?```(?P<language>[a-z]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)  # fmt: skip


def run(tree: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy."""
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tree)  # noqa: S603 - as the page has it


def inserted(text: str, difference: str) -> str:
    """Insert the lines of a difference that begin with +, beside the one that does not."""
    lines = difference.splitlines(keepends=True)
    [beside] = [line[1:] for line in lines if line.startswith(" ")]
    assert text.count(beside) == 1, beside
    return text.replace(beside, "".join(line[1:] for line in lines))


def follow(tree: Path, steps: Sequence[str]) -> None:
    """Follow the steps in the copy."""
    for step in steps:
        for block in BLOCK.finditer(step):
            match block["file"], block["language"]:
                case None, "sh":
                    assert block["text"] == "make provider-table\n"
                    # The environment is this one, not one that is set up anew.
                    made = run(tree, "make", "-o", ".venv/.installed", f"BIN={BIN}", "provider-table")
                    assert made.returncode == 0, made.stderr
                case str(file), "diff":
                    path = tree / file
                    path.write_text(inserted(path.read_text(encoding="utf-8"), block["text"]), "utf-8")
                case str(file), _:
                    path = tree / file
                    assert not path.exists(), f"{file} is there already"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(block["text"], encoding="utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the files that the suite reads."""
    for name in ("providers", "storage", "bot", "playground", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "Makefile", "pyproject.toml", "callops.example.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def suite(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the contract suite for the page's provider."""
    return another_pytest(tree, "tests/providers/contract/test_contract.py", "-k", "acme")


def test_the_page_works_as_it_stands(tree: Path) -> None:
    """With every step done, the provider keeps the contract, in a tree without a fault."""
    follow(tree, STEPS)
    told = another_pytest(tree, *WHAT_IS_TOLD, "-k", "acme")
    for tested in (suite(tree), another_pytest(tree, *OF_ALL_PROVIDERS), told):
        assert tested.returncode == 0, tested.stdout
    new = ("providers/acme.py", "providers/registry.py", "tests/providers/cases/acme.py")
    for look in (("check",), ("format", "--check")):
        linted = run(tree, BIN / "ruff", *look, "--no-cache", *new)
        assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        (1, "No module named 'providers.acme'"),
        (2, "acme is not in providers/registry.py: add its adapter to PROVIDERS"),
        (3, "tests/providers/cases/acme.py is missing: add its settings, requests and refusals"),
        (4, "tests/providers/replies/acme is missing: add one file for each reply"),
        (5, "docs/providers/acme.md is missing: add its facts and their sources"),
        (6, "README.md has no row for acme: run  make provider-table"),
    ],
    ids=["adapter", "registry", "case", "replies", "page", "tables"],
)
def test_a_step_that_is_left_out_is_named(tree: Path, left_out: int, says: str) -> None:
    """Without any one step the suite fails, and says what to add."""
    assert len(STEPS) == 6
    steps = [step for step in STEPS if not step.startswith(f"{left_out}. ")]
    assert len(steps) == 5
    if left_out in {1, 2}:  # a missing or unknown provider has no row
        steps = steps[:-1]
    follow(tree, steps)
    tested = suite(tree)
    assert tested.returncode != 0
    assert says in tested.stdout


HALF: tuple[tuple[str, str, str, str], ...] = (
    ("providers/acme.py", "/v1/calls", "/v2/calls", "test_request[acme/cancel]"),
    ("providers/acme.py", "200, True", "200, _", "test_failure[acme/cancel_call-an empty object]"),
    ("providers/acme.py", "200, True", "200, _", "test_junk_is_no_success[acme/cancel-200]"),
    (
        "providers/acme.py",
        "_, False",
        "_, None",
        "test_not_found_is_the_providers_own_word[acme/cancel_call]",
    ),
    ("providers/acme.py", "provider_time=at,", "", "test_a_time_is_told_as_it_is_sent[acme/schedule]"),
    ("providers/acme.py", "minute = 120", "minute = -1", "test_what_is_declared_can_be_meant[acme/itself]"),
    ("tests/providers/replies/acme/cancel-404.json", "{", "", "cancel-404.json: 1 validation error"),
    ("tests/providers/replies/acme/cancel-500.json", "unknown", "failed", "that means unknown"),
)
"""Faults inside a step: the file, the old and new text, and the suite's message."""


def test_half_a_step_is_named_too(tree: Path) -> None:
    """Another request, a false success, an unreadable reply and a missing one are all named."""
    follow(tree, STEPS)
    for file, old, new, _ in HALF:
        path = tree / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    tested = suite(tree)
    assert tested.returncode != 0
    assert [says for *_, says in HALF if says not in tested.stdout] == []


def test_a_package_of_ones_own_keeps_the_contract_too(tree: Path) -> None:
    """With the same steps in another package, the suite covers an adapter outside the registry."""
    places = {
        "`providers/acme.py`": "`my_company/voice.py`",
        "`tests/providers/cases/acme.py`": "`my_company/case.py`",
        "`tests/providers/replies/acme/": "`my_company/replies/",
    }
    own = [STEPS[0], STEPS[2], STEPS[3]]
    for place, mine in places.items():
        own = [step.replace(place, mine) for step in own]
    follow(tree, [*own, ELSEWHERE])
    tested = another_pytest(tree, "my_company")
    assert tested.returncode == 0, tested.stdout
    assert sorted(path.name for path in (tree / "my_company").glob("*.py")) == [
        "case.py",
        "test_voice.py",
        "voice.py",
    ]
    assert "acme" not in (tree / "providers" / "registry.py").read_text(encoding="utf-8")

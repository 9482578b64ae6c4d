"""The table of facts in docs/providers: every fact has its tests, and no fact is left out."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.providers.another_pytest import another_pytest

ROOT = Path(__file__).parents[2]
FACTS = ROOT.parent / "shared" / "PROVIDERS.md"
"""The facts that were given, which stand beside this repository on some machines."""

NOT_BUILT = "not built yet"

TABLE = {
    found["id"]: found["tests"]
    for found in re.finditer(
        r"^\| (?P<id>[A-Za-z]+-[0-9]+) \| .+ \| (?P<tests>.+) \|$",
        (ROOT / "docs/providers/README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}

ROW, BULLET, NUMBERED = r"^\| (?!provider |reply )", r"^- ", r"^[0-9]+[a-z]?\. "

PARTS = {
    "Endpoint": ("## 1.", ROW),
    "Field": ("## 1.", r"^CallKaro's place-call fields"),
    "Further": ("## 1.", BULLET),
    "All": ("**All providers**", NUMBERED),
    "CallKaro": ("**CallKaro**", BULLET),
    "Voxworks": ("**Voxworks**", BULLET),
    "Ryng": ("**Ryng**", BULLET),
    "Kore": ("**Kore.ai**", BULLET),
    "Reply": ("## 3.", ROW),
    "Doubt": ("## 3.", r"^Rule after doubt"),
}
"""For each kind of fact, the heading it stands under, and what each one begins with."""


def collected(files: list[str]) -> set[str]:
    """The tests that pytest finds in files, with and without their parameters."""
    listed = another_pytest(ROOT, "--collect-only", "-q", "-o", "addopts=", *files)
    assert listed.returncode == 0, listed.stdout
    found = set(listed.stdout.splitlines())
    return found | {name.partition("[")[0] for name in found}


def written(file: str) -> set[str]:
    """The tests that stand in a file as functions."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return {f"{file}::{one.name}" for one in functions}


def test_every_named_test_is_there() -> None:
    """Each name in the table can be given to pytest."""
    named = {name for tests in TABLE.values() for name in re.findall(r"`([^`]+)`", tests)}
    # Only what is in a class may be inherited or have parameters here, and so needs pytest to find it.
    in_classes = {name for name in named if "::Test" in name}
    missing = in_classes - collected(sorted({name.partition("::")[0] for name in in_classes}))
    for name in named - in_classes:
        file = name.partition("::")[0]
        if not (ROOT / file).exists() or name not in written(file):
            missing.add(name)
    assert sorted(missing) == []


def test_every_fact_has_tests() -> None:
    """A fact names its tests, or says that it is not built yet."""
    assert [fact for fact, tests in TABLE.items() if "`" not in tests and tests != NOT_BUILT] == []


def test_no_fact_is_left_out() -> None:
    """Every row, trap and fact that was given is in the table, and the table has no other."""
    if not FACTS.exists():
        pytest.skip("the facts that were given are not beside this repository")
    given = FACTS.read_text(encoding="utf-8")
    counted = {}
    for part, (heading, pattern) in PARTS.items():
        # To the next heading, of a section or in bold.
        under = re.split(r"^(?:## |\*\*)", given.split(f"\n{heading}", 1)[1], maxsplit=1, flags=re.MULTILINE)
        counted[part] = len(re.findall(pattern, under[0], re.MULTILINE))
    assert dict(Counter(fact.partition("-")[0] for fact in TABLE)) == counted
    assert all(f"{part}-{number + 1}" in TABLE for part, most in counted.items() for number in range(most))

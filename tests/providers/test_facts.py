"""The table of facts in docs/providers: every fact has its tests, and none is left out."""

import ast
import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.providers.another_pytest import another_pytest
from tests.support.tree import ROOT

FACTS = ROOT.parent / "shared" / "PROVIDERS.md"
"""The original facts, which stand beside this repository on some computers."""

NOT_BUILT = "not built yet"
MARK_LETTERS = 12
"""Letters of a mark, 48 bits: two facts share a mark by chance once in billions."""
KNOWN: dict[str, str] = json.loads(Path(__file__).with_name("facts.json").read_text(encoding="utf-8"))
"""The mark of each fact at the time when its adapter was written."""

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
"""The heading of each kind of fact, and the beginning of each fact."""


def collected(files: list[str]) -> set[str]:
    """Return the tests that pytest finds in files, with and without their parameters."""
    listed = another_pytest(ROOT, "--collect-only", "-q", "-o", "addopts=", *files)
    assert listed.returncode == 0, listed.stdout
    found = set(listed.stdout.splitlines())
    return found | {name.partition("[")[0] for name in found}


def written(file: str) -> set[str]:
    """Return the tests that a file has as functions."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return {f"{file}::{one.name}" for one in functions}


def test_every_named_test_is_there() -> None:
    """Pytest accepts each name in the table."""
    named = {name for tests in TABLE.values() for name in re.findall(r"`([^`]+)`", tests)}
    # Only tests in a class may be inherited or have parameters here, so only pytest finds them.
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


def facts(given: str) -> dict[str, str]:
    """Return the text of each fact by its id in the table."""
    found: dict[str, str] = {}
    for part, (heading, pattern) in PARTS.items():
        # To the next heading, of a section or in bold.
        under = re.split(r"^(?:## |\*\*)", given.split(f"\n{heading}", 1)[1], maxsplit=1, flags=re.MULTILINE)
        # A fact goes on until the next one, a row of a table or an empty line.
        each = re.finditer(rf"(?:{pattern}).*(?:\n(?!{pattern}|\||\n).+)*", under[0], re.MULTILINE)
        found |= {f"{part}-{n}": " ".join(one[0].split()) for n, one in enumerate(each, start=1)}
    return found


def marks(given: str) -> dict[str, str]:
    """Return a short hash of each fact in a text."""
    return {
        fact: hashlib.sha256(words.encode()).hexdigest()[:MARK_LETTERS]
        for fact, words in facts(given).items()
    }


def test_no_fact_is_left_out() -> None:
    """Every original row, trap and fact is in the table with its words, and the table has no other.

    A fact whose words changed has another mark. Check whether its adapter and its tests still hold, then
    write the new mark into facts.json.
    """
    if not FACTS.exists():
        pytest.skip("the facts that were given are not beside this repository")
    given = marks(FACTS.read_text(encoding="utf-8"))
    assert given.keys() == TABLE.keys()
    assert {fact: mark for fact, mark in given.items() if KNOWN[fact] != mark} == {}


def test_the_marks_are_those_of_the_table() -> None:
    """Every fact of the table has its mark."""
    assert KNOWN.keys() == TABLE.keys()


def test_another_word_is_another_mark() -> None:
    """A letter in any line of a fact changes its mark and no other's. Other line breaks change none."""
    parts = "\n".join(f"\n{heading} x\n" for heading in ("## 1.", "**CallKaro**", "## 3."))
    before = parts.replace("**CallKaro** x\n", "**CallKaro**\n\n- one\n  more\n- two\n")
    for heading, _ in PARTS.values():
        before += "" if f"\n{heading}" in before else f"\n{heading}\n"
    first = marks(before)
    assert first.keys() == {"CallKaro-1", "CallKaro-2"}
    assert marks(before.replace("one\n  more", "one more")) == first
    other = marks(before.replace("more", "most"))
    assert [fact for fact in first if first[fact] != other[fact]] == ["CallKaro-1"]

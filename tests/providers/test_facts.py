"""The table of facts in docs/providers: every fact has its tests, and no fact is left out."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

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


def test_every_named_test_is_there() -> None:
    """Each name in the table is one that pytest finds."""
    named = {name for tests in TABLE.values() for name in re.findall(r"`([^`]+)`", tests)}
    files = sorted({name.partition("::")[0] for name in named})
    assert not [file for file in files if not (ROOT / file).exists()]
    collecting = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    listed = subprocess.run(  # noqa: S603 - our own interpreter
        [*collecting, "-o", "addopts="], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found = set(listed.stdout.splitlines())
    found |= {name.partition("[")[0] for name in found}
    assert sorted(named - found) == []


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

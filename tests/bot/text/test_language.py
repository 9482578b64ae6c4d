"""The English of everything that people read in Slack: short sentences, contractions, plain words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import ROOT

MOST_WORDS = 20
READ = [*sorted((ROOT / "bot" / "ui").glob("*.py")), *sorted((ROOT / "bot" / "text").glob("*.py"))]
READ += [ROOT / "providers" / "transport" / "errors.py"]
STIFF = {
    r"\b(?:do|does|did|is|was|are|has|have|could|would) not\b": "use the contraction",
    r"\bcannot\b": "say can't",
    r"\bwhoever\b": "name the person: your CallOps admin, an approver, a manager",
    r"\bany more\b": "say no longer, or leave it out",
    r"\bat once\b": "say immediately, or now",
    r"\bby itself\b": "say automatically",
    r"\bcomes of it\b": "say the result",
    r"\bbesides\b": "say also",
    r"\bnobody can tell\b": "say that the outcome is unknown",
    r"\btak(?:e|en) back\b|\btook (?:it|this) back\b": "say withdraw",
    r"\bin doubt\b": "say unknown",
    r"\bscreen of the provider\b|\bprovider's own screen\b": "say the provider's dashboard",
    r"\(optional\)": "Slack adds it to optional fields",
}


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each sentence of a module's texts with its line. Docstrings and patterns are none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # a docstring, of a module or of an attribute
            skipped.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(
                part.value if isinstance(part, ast.Constant) else "X"  # type: ignore[misc]
                for part in node.values
            )
        if " " not in text or "\\" in text or "SELECT" in text:
            continue
        for sentence in re.split(r"(?<=[.?!:])\s+|\n", text):
            yield node.lineno, sentence


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_are_short_and_plain(path: Path) -> None:
    """No sentence has more than twenty words, and none sounds like a contract."""
    faults = [
        f"line {line}: {len(sentence.split())} words: {sentence}"
        for line, sentence in sentences(path)
        if len(re.findall(r"[\w'\u2019-]+", sentence)) > MOST_WORDS
    ]
    faults += [
        f"line {line}: {advice}: {sentence}"
        for line, sentence in sentences(path)
        for stiff, advice in STIFF.items()
        if re.search(stiff, sentence, re.IGNORECASE)
    ]
    assert faults == []

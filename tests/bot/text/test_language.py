"""The English of everything that people read: short sentences, contractions, plain words, few emoji."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.text import vocabulary
from tests.support.tree import ROOT

MOST_WORDS = 20
READ = [*sorted((ROOT / "bot" / "ui").glob("*.py")), *sorted((ROOT / "bot" / "text").glob("*.py"))]
READ += [ROOT / "providers" / "transport" / "errors.py", ROOT / "bot" / "__main__.py"]
for package in ("bot/cli", "bot/config", "storage/maintenance"):
    READ += sorted((ROOT / package).rglob("*.py"))
EMOJI = re.compile("[\u21a9\u21aa\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]\ufe0f?")
OURS = {
    vocabulary.WAITING,
    vocabulary.DONE,
    vocabulary.CANCELLED,
    vocabulary.DENIED,
    vocabulary.FAILED,
    vocabulary.UNKNOWN,
    vocabulary.PAUSED,
}
OPPOSITES = re.compile(r"^The (?:call|campaign) was not \w+$")
"""An answer beside its opposite, from which a contraction would hardly tell it apart."""
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


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each text of a module with its line. Docstrings and patterns are none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # a docstring, of a module or of an attribute
            skipped.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        text = _text(node)
        if "\\" not in text and not re.search("SELECT|UPDATE [a-z]", text):
            yield node.lineno, text


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each sentence of a module's texts with its line."""
    for line, text in texts(path):
        if " " in text:
            yield from ((line, sentence) for sentence in re.split(r"(?<=[.?!:])\s+|\n", text))


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


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
        if re.search(stiff, sentence, re.IGNORECASE) and not OPPOSITES.match(sentence)
    ]
    assert faults == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "bot").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_line_begins_with_no_other_emoji(path: Path) -> None:
    """Each emoji at the start of a line means one state."""
    begun = ((line, EMOJI.match(start)) for line, text in texts(path) for start in text.split("\n"))
    assert [(line, found[0]) for line, found in begun if found and found[0] not in OURS] == []

"""Checks that every sentence people read in Slack stands in `bot/text` or `bot/ui`.

The results of a request at a provider are worded by its adapter in `providers/`, because only that file knows
what an answer means. Those sentences reach Slack as they stand, and this test ignores them.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.settings import SlackSettings
from bot.text.interactions import DEFAULT_DENIAL_REASONS, DEFAULT_REASONS
from tests.support.tree import ROOT

BOT = ROOT / "bot"
CATALOGUE = [*(BOT / "text").glob("*.py"), *(BOT / "ui").glob("*.py"), BOT / "parsing" / "labels.py"]

TERMINAL = {
    "__main__",
    "config/environment",
    "config/faults",
    "config/connection_secrets",
    "config/loader",
    "config/settings",
    "policy/explain",
    "policy/calling_hours",
    "policy/rules",
    "slack/files",
    "slack/socket_mode",
    "web",
    "workers/write_probe",
    "slack/client",
    "workers/clock_check",
    "connections",
    "metrics",
    "text/findings",
}
"""Modules whose sentences an operator reads in a terminal, in the process's log or at `/readyz`.

All of `cli` belongs to them.

`settings` words the faults of the file. The reasons that people choose from stand in the catalogue.
"""

WORD = re.compile(r"[A-Za-z\u2019']{2,}")
PATTERN = re.compile(r"\\[sdwS]|\(\?")
SLACKS_DATES = re.compile(r"<!date\^[^>]*>")
LOGGERS = {"_log", "logging"}
LOGGED = {"Ignored", "PeriodicTask", "log_fault", "run_beside"}
"""Functions and classes whose texts go to the process's log: ignored webhooks, names of tasks, failures."""


def _is_of_terminal(path: Path) -> bool:
    """Return whether a module speaks to operators alone."""
    where = path.relative_to(BOT)
    return where.parts[0] == "cli" or str(where.with_suffix("")) in TERMINAL


def is_sentence(text: str) -> bool:
    """Return whether a text has three words with spaces between them, and is no pattern or Slack date."""
    text = SLACKS_DATES.sub("", text)
    return " " in text and len(WORD.findall(text)) >= 3 and not PATTERN.search(text)


def unsaid(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that nobody reads in Slack: docstrings, types, patterns, log lines, our own errors."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                yield from ast.walk(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in LOGGERS:
                yield from ast.walk(node)
            case ast.Call(func=ast.Name(id=name)) if name in LOGGED:
                yield from ast.walk(node)
            case ast.Raise(exc=ast.Call(func=ast.Name(id="RuntimeError" | "AssertionError" | "TypeError"))):
                yield from ast.walk(node)


def sentences(path: Path) -> Iterator[str]:
    """Yield the sentences for people in a module, each with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out = set(unsaid(tree))
    parts = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if node in left_out or node in parts:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else "{}"
                for value in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if is_sentence(text):
            yield f"{path.name}:{node.lineno}: {text}"


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(BOT.rglob("*.py")) if path not in CATALOGUE and not _is_of_terminal(path)],
    ids=lambda path: str(path.relative_to(BOT)),
)
def test_a_sentence_stands_in_the_catalogue(path: Path) -> None:
    """Sentences are changed and reviewed in two folders."""
    assert list(sentences(path)) == []


def test_sentences_are_seen() -> None:
    """The search finds sentences in each part of the catalogue."""
    assert sum(len(list(sentences(path))) for path in CATALOGUE) > 300


def test_settings_hold_no_words_that_people_choose_from() -> None:
    """Reasons stand in the catalogue. The settings' other sentences say why a file cannot be read."""
    reasons = {*DEFAULT_REASONS, *DEFAULT_DENIAL_REASONS}
    tree = ast.parse((BOT / "config" / "settings.py").read_text(encoding="utf-8"))
    held = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not reasons & held
    assert {*SlackSettings.model_fields["denial_reasons"].default} == {*DEFAULT_DENIAL_REASONS}

"""Every sentence people read in Slack stands in `bot/text` and `bot/ui`: a sentence elsewhere in `bot` is found here.

What comes of a request at a provider is said by its adapter, in `providers/`: a provider is one file, which
knows what an answer means. These sentences reach Slack as they stand there, and nothing here looks at them.
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
    "config/loader",
    "config/settings",
    "health",
    "policy/explain",
    "policy/calling_hours",
    "policy/rules",
    "slack/socket_mode",
    "web",
    "workers/write_probe",
    "slack/client",
    "workers/clock_check",
    "connections",
    "throttle",
    "text/findings",
    "findings",
    "cli/progress",
}
"""What an operator reads in a terminal, in the process's log or at `/readyz`: with all of `cli` it stands
where it is said.

`settings` says what is wrong with the file; the words of its reasons, which people choose from, stand in the
catalogue.
"""

WORD = re.compile(r"[A-Za-z\u2019']{2,}")
PATTERN = re.compile(r"\\[sdwS]|\(\?")
SLACKS_DATES = re.compile(r"<!date\^[^>]*>")
LOGGERS = {"_log", "logging"}
LOGGED = {"Ignored", "Line", "PeriodicTask", "log_fault", "run_beside"}
"""What says why a webhook changes nothing, what a line, a round or a task is named and what failed, for the
process's log."""


def _is_of_terminal(path: Path) -> bool:
    """Whether a module speaks to operators alone."""
    where = path.relative_to(BOT)
    return where.parts[0] == "cli" or str(where.with_suffix("")) in TERMINAL


def is_sentence(text: str) -> bool:
    """Three words with spaces between them, and no regular expression; a date is written by Slack."""
    text = SLACKS_DATES.sub("", text)
    return " " in text and len(WORD.findall(text)) >= 3 and not PATTERN.search(text)


def unsaid(tree: ast.Module) -> Iterator[ast.AST]:
    """What nobody reads in Slack: docstrings, types, patterns, lines for the process's log, errors of ours."""
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
    """What a module holds that reads like something said to people, with its line."""
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
    """Whoever changes what is said, or reads all of it, looks into two folders."""
    assert list(sentences(path)) == []


def test_sentences_are_seen() -> None:
    """The search finds what it is for: each part of the catalogue that says something."""
    assert sum(len(list(sentences(path))) for path in CATALOGUE) > 300


def test_settings_hold_no_words_that_people_choose_from() -> None:
    """Reasons are the catalogue's; what else the settings say is why a file cannot be read."""
    reasons = {*DEFAULT_REASONS, *DEFAULT_DENIAL_REASONS}
    tree = ast.parse((BOT / "config" / "settings.py").read_text(encoding="utf-8"))
    held = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not reasons & held
    assert {*SlackSettings.model_fields["denial_reasons"].default} == {*DEFAULT_DENIAL_REASONS}

"""Agreement of manifest, listeners, example files and documents, and our own rules for the repository."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot.app import SCOPES
from bot.cli.checks.slack import OPTIONAL_SCOPES
from bot.cli.parser import make_parser
from bot.config.settings import DispatchSettings, RetentionSettings, SlackSettings
from bot.listeners.actions import COMMANDS_HEARD
from bot.listeners.home import OPENED
from bot.listeners.shortcuts import CANCEL_MENTIONED, GLOBAL, PLACE_MENTIONED
from bot.parsing import log_query
from bot.parsing.command import CommandContext, ConnectionInfo
from bot.parsing.parser import parse
from bot.policy.rules import Rule
from providers.actions import Kind
from providers.registry import PROVIDERS
from providers.settings import ConnectionSettings
from tests.support.slack_schemas import checker
from tests.support.tree import ROOT

if TYPE_CHECKING:
    from pydantic import BaseModel

LONGEST_SHORTCUT = 24
"""Characters (docs.slack.dev/reference/app-manifest)."""
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATORS = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if path.name != "CHANGELOG.md"  # it describes the past
}
LONGEST_README = 120
"""Lines. A longer text belongs on the page of its readers."""

OF_CONNECTIONS = {
    *ConnectionSettings.model_fields,
    "audit_channel",
    "workers",
    "calling_hours",
    "dashboard_url",
}
"""Settings of a connection of any provider."""

EVERYTHING = CommandContext(
    {
        "reminders": ConnectionInfo(
            ("payments",), frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), cancels_by="number"
        ),
        "voxworks": ConnectionInfo(kinds=frozenset({Kind.CANCEL_CALL}), cancels_by="call_id"),
        "kore": ConnectionInfo(
            kinds=frozenset({Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN})
        ),
    },
    "IN",
)


@pytest.fixture
def manifest() -> dict[str, Any]:
    """Return the Slack app's manifest."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return read


def test_slack_takes_the_manifest(manifest: dict[str, Any]) -> None:
    """Slack's own schema finds no fault."""
    assert checker("check_manifest").faults(manifest) == []


def test_the_app_hears_every_command_of_the_manifest_and_no_other(manifest: dict[str, Any]) -> None:
    """A command without a listener would never answer, and one without a manifest would never come."""
    assert {one["command"] for one in manifest["features"]["slash_commands"]} == set(COMMANDS_HEARD)


def test_the_app_hears_the_shortcuts_of_the_manifest_and_no_other(manifest: dict[str, Any]) -> None:
    """Some are for messages. Slack does not cut their names, none of which is just "Cancel"."""
    shortcuts = manifest["features"]["shortcuts"]
    ours = {("message", CANCEL_MENTIONED), ("message", PLACE_MENTIONED)} | {("global", one) for one in GLOBAL}
    assert {(one["type"], one["callback_id"]) for one in shortcuts} == ours
    assert all(len(one["name"]) <= LONGEST_SHORTCUT for one in shortcuts)


def test_the_app_hears_the_events_of_the_manifest_and_no_other(manifest: dict[str, Any]) -> None:
    """An event that nobody asked Slack for would never come."""
    assert manifest["settings"]["event_subscriptions"] == {"bot_events": [OPENED]}
    assert manifest["features"]["app_home"]["home_tab_enabled"]


def test_the_app_asks_for_the_scopes_it_uses(manifest: dict[str, Any]) -> None:
    """The scopes are the fewest possible, and the start checks the same ones."""
    scopes = manifest["oauth_config"]["scopes"]
    assert set(scopes["bot"]) == SCOPES
    assert set(scopes["bot_optional"]) == OPTIONAL_SCOPES


def table_cells(page: str, heading: str) -> list[str]:
    """Return the first cell of each row of the tables under a heading."""
    below = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (.*?) \|", below, re.MULTILINE)


def test_the_readme_is_short() -> None:
    """A newcomer reads it to its end."""
    assert len(README.splitlines()) <= LONGEST_README


def test_the_readme_names_every_command_and_provider(manifest: dict[str, Any]) -> None:
    """The README has all that people type, and every provider."""
    commands = [one["command"] for one in manifest["features"]["slash_commands"]]
    titles = [adapter.title for adapter in PROVIDERS.values()]
    shortcuts = [one["name"] for one in manifest["features"]["shortcuts"]]
    assert [name for name in [*commands, *titles, *shortcuts] if name not in README] == []


def test_the_operators_page_names_every_variable_and_no_other() -> None:
    """The table of the environment and the example file name the same variables."""
    variables = re.findall(
        r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
    )
    example = (ROOT / "callops.example.toml").read_text(encoding="utf-8")
    ours = {name for name in variables if f'"env:{name}"' not in example}
    told = set(re.findall(r"`([A-Z_]+)`", " ".join(table_cells(OPERATORS, "Environment"))))
    assert told == ours


def test_the_operators_page_names_every_setting_and_no_other() -> None:
    """Each section of the file has a row with its keys, and the common ones stand below."""
    tables: dict[str, type[BaseModel]] = {
        "slack": SlackSettings,
        "dispatch": DispatchSettings,
        "retention": RetentionSettings,
    }
    for section, table in tables.items():
        [keys] = re.findall(rf"^\| `\[{section}\]` \| (.*?) \|$", OPERATORS, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", keys)) == set(table.model_fields), section
    [taken] = re.findall(r"^Every connection also takes ([^.]*)\.", OPERATORS, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", taken)) == OF_CONNECTIONS


def test_the_operators_page_names_every_command_and_no_other() -> None:
    """Each command has its row."""
    known = set(re.findall(r"^    ([a-z-]+)(?: |$)", make_parser().format_help(), re.MULTILINE))
    told = re.findall(r"`([a-z-]+)", " ".join(table_cells(OPERATORS, "Commands")))
    assert set(told) == known


def help_on(capsys: pytest.CaptureFixture[str], words: list[str]) -> str | None:
    """Return the help of a command, or None if there is no such command."""
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args([*words, "--help"])
    shown = capsys.readouterr().out
    return None if ended.value.code else shown


def unknown_commands(document: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the commands and make targets of a document that do not exist, or lack an option."""
    wrong = []
    written = re.findall(r"(?:python -m bot|(?<!-u )\bcallops) (?!callops )([a-z][^`\n#]*)", document)
    written += re.findall(r"`([^`\n#]+)`", " ".join(table_cells(document, "Commands")))
    for line in written:
        words = re.findall(r"^[a-z-]+(?: [a-z-]+)?", line.strip())[0].split()
        shown = help_on(capsys, words[:1])
        if shown and len(words) > 1 and "..." in shown.partition("\n\n")[0]:  # it has commands of its own
            shown = help_on(capsys, words)
        options = re.findall(r"(?<!\S)\[?(--[a-z-]+)", line)
        if shown is None or [option for option in options if option not in shown]:
            wrong.append(line)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    made = re.findall(r"(?:`|^ {4})make ([a-z-]+)", document, re.MULTILINE)
    return wrong + [target for target in made if target not in targets]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_exists(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `python -m bot` has a known command and options, and each `make` has a target."""
    assert unknown_commands(DOCUMENTS[document], capsys) == []


def test_an_unknown_command_of_a_document_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise the test above could pass without reading anything."""
    lines = ("python -m bot log verify", "`python -m bot run`", "callops log tail", "`make money`")
    document = "\n".join(("python -m bot check [--jsn]  # no", *lines))
    assert unknown_commands(document, capsys) == ["check [--jsn]  ", "run", "log tail", "money"]


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if "/decisions/" not in name])
def test_every_setting_of_a_document_exists(document: str) -> None:
    """Each `key = value` has a key of some section of the file."""
    adapters = (adapter.settings_type for adapter in PROVIDERS.values())
    tables: tuple[type[BaseModel], ...] = (
        SlackSettings,
        DispatchSettings,
        RetentionSettings,
        Rule,
        *adapters,
    )
    known = OF_CONNECTIONS.union(*(table.model_fields for table in tables), {"provider"})
    assert set(re.findall(r"`(\w+) = ", DOCUMENTS[document])) - known == set()


def test_what_the_readme_says_people_type_is_understood() -> None:
    """With every provider connected, each line of its table parses without a fault."""
    table = README.partition("## What people type")[2].partition("\n## ")[0]
    lines = re.findall(r"`(/[a-z-]+) ([^`]+)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    now, timezone = datetime(2026, 11, 21, 4, 0, tzinfo=UTC), "Asia/Kolkata"
    wrong = []
    for command, text in lines:
        if text.startswith("log "):
            read = log_query.read(
                text.removeprefix("log "), vocabulary=EVERYTHING, timezone=timezone, me="U0AGENT", now=now
            )
            wrong += [(text, fault.message) for fault in read.faults]
            wrong += [(text, "words")] if read.filters.query.text else []
        else:
            line = parse(
                text, default_verb=COMMANDS_HEARD[command], vocabulary=EVERYTHING, timezone=timezone, now=now
            )
            wrong += [(text, fault.message) for fault in line.problems if line.verb or not line.verbs]
    assert len(lines) > 10
    assert wrong == []


def test_the_readme_links_to_what_is_there() -> None:
    """The README has no dead link into the repository, and links the page of each kind of reader."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)[)#]", README)
    for target in links:
        assert (ROOT / target).exists(), target
    readers = ("agents", "managers", "operators", "auditors", "developers", "glossary")
    assert {f"docs/{name}.md" for name in readers} <= set(links)


def test_the_decisions_are_all_listed() -> None:
    """Each page is in the list, and each listed page exists."""
    listed = set(
        re.findall(r"\]\((\d{4}-[^)]+)\)", (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8"))
    )
    assert listed == {path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-metrics.txt"])
def test_every_dependency_is_locked_by_its_hash(name: str) -> None:
    """Each has one version with a hash, none has another source, and the installation requires hashes."""
    written = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, map(str.strip, written.splitlines())):
        assert re.fullmatch(r"[\w.-]+==\S+( ; .+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+", line), line
    asked = re.findall(
        r"pip [^\n]*install [^\n]*-r [^\n]*", README + (ROOT / "Makefile").read_text(encoding="utf-8")
    )
    assert asked
    assert [line for line in asked if "--require-hashes" not in line] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
@pytest.mark.parametrize(("said", "over_http"), [((), False), (("HTTP=0",), False), (("HTTP=1",), True)])
def test_make_plays_over_http_where_that_is_said(said: tuple[str, ...], over_http: bool) -> None:  # noqa: FBT001 - a case
    """With HTTP=1 and nothing else, the tour and the suite run over HTTP."""
    alone = {name: value for name, value in os.environ.items() if name not in {"HTTP", "MAKEFLAGS"}}
    told = [shutil.which("make") or "make", "--dry-run", "tour", "test", *said]
    shown = subprocess.run(told, capture_output=True, text=True, check=True, cwd=ROOT, env=alone).stdout  # noqa: S603 - our own file
    assert ("playground.tour --http" in shown) == over_http
    assert ("CALLOPS_TEST_MODE=http" in shown) == over_http


def test_help_is_light() -> None:
    """`python -m bot --help` imports neither Bolt nor httpx nor the log."""
    code = "import sys, bot.__main__; print(sorted(m for m in ('slack_bolt','slack_sdk','httpx','aiohttp','pydantic','sqlite_utils','phonenumbers') if m in sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own interpreter
    assert shown.stdout.strip() == "[]"


def test_a_key_is_one_line_of_32_bytes() -> None:
    """CALLOPS_KEY accepts the output of `python -m bot key`."""
    from bot.config.environment import is_key  # noqa: PLC0415 - beside its only use

    shown = subprocess.run(
        [sys.executable, "-m", "bot", "key"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stdout.count("\n") == 1
    assert is_key(shown.stdout.strip())


def test_nothing_in_the_tree_names_a_machine() -> None:
    """No file holds a path of a computer or an address of a registry."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S607 - the git of this machine
    names = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/|pypi\.org|files\.pythonhosted")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.exists() and path != Path(__file__) and path.suffix not in {".pem", ".png"}:
            found = names.search(path.read_text(encoding="utf-8"))
            assert not found, f"{name}: {found}"

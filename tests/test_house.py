"""What is listed twice agrees: manifest, listeners, example files, README; and the house's own rules."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import SCOPES
from bot.cli.checks.slack import OPTIONAL_SCOPES
from bot.listeners.actions import COMMANDS_HEARD
from bot.listeners.shortcuts import CANCEL_MENTIONED
from bot.parsing import log_query
from bot.parsing.command import ConnectionWords, Typist, Vocabulary
from bot.parsing.parser import parse
from providers.actions import Kind
from providers.registry import PROVIDERS
from tests.support.slack_schemas import checker
from tests.support.tree import ROOT

LONGEST_SHORTCUT = 24
"""Characters (docs.slack.dev/reference/app-manifest)."""
README = (ROOT / "README.md").read_text(encoding="utf-8")

EVERYTHING = Vocabulary(
    {
        "reminders": ConnectionWords(
            ("payments",), frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), cancels_by="number"
        ),
        "voxworks": ConnectionWords(kinds=frozenset({Kind.CANCEL_CALL}), cancels_by="call_id"),
        "kore": ConnectionWords(
            kinds=frozenset({Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN})
        ),
    },
    "IN",
)


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The Slack app's manifest."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return read


def test_slack_takes_the_manifest(manifest: dict[str, Any]) -> None:
    """Slack's own schema finds no fault."""
    assert checker("check_manifest").faults(manifest) == []


def test_the_app_hears_every_command_of_the_manifest_and_no_other(manifest: dict[str, Any]) -> None:
    """A command without a listener would never answer; one without a manifest would never come."""
    assert {one["command"] for one in manifest["features"]["slash_commands"]} == set(COMMANDS_HEARD)


def test_the_app_hears_the_shortcuts_of_the_manifest_and_no_other(manifest: dict[str, Any]) -> None:
    """One on messages, whose name Slack does not cut, and which does not read just "Cancel"."""
    [shortcut] = manifest["features"]["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"]) == ("message", CANCEL_MENTIONED)
    assert len(shortcut["name"]) <= LONGEST_SHORTCUT


def test_the_app_asks_for_the_scopes_it_uses(manifest: dict[str, Any]) -> None:
    """Least scopes, and the start checks the same ones."""
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES | OPTIONAL_SCOPES


def test_the_readme_names_every_command_setting_and_provider(manifest: dict[str, Any]) -> None:
    """What an operator meets is in the README."""
    commands = [one["command"] for one in manifest["features"]["slash_commands"]]
    variables = re.findall(
        r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
    )
    example = (ROOT / "callops.example.toml").read_text(encoding="utf-8")
    ours = [name for name in variables if f'"env:{name}"' not in example]
    titles = [adapter.title for adapter in PROVIDERS.values()]
    for name in [*commands, *ours, *titles]:
        assert name in README, name
    for shortcut in manifest["features"]["shortcuts"]:
        assert shortcut["name"] in README


def test_what_the_readme_says_people_type_is_understood() -> None:
    """Each line of its table is read without a fault, where every provider is connected."""
    table = README.partition("## What people type")[2].partition("\n## ")[0]
    lines = re.findall(r"`(/[a-z-]+) ([^`]+)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    now, typist = datetime(2026, 11, 21, 4, 0, tzinfo=UTC), Typist("Asia/Kolkata")
    wrong = []
    for command, text in lines:
        if text.startswith("log "):
            read = log_query.read(
                text.removeprefix("log "), vocabulary=EVERYTHING, typist=typist, me="U0AGENT", now=now
            )
            wrong += [(text, fault.message) for fault in read.faults]
            wrong += [(text, "words")] if read.filters.query.text else []
        else:
            line = parse(text, door=COMMANDS_HEARD[command], vocabulary=EVERYTHING, typist=typist, now=now)
            wrong += [(text, fault.message) for fault in line.faults if line.verb or not line.verbs]
    assert len(lines) > 10
    assert wrong == []


def test_the_readme_links_to_what_is_there() -> None:
    """No dead link into the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_decisions_are_all_listed() -> None:
    """Each page is in the list, and each listed page is there."""
    listed = set(
        re.findall(r"\]\((\d{4}-[^)]+)\)", (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8"))
    )
    assert listed == {path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_locked_by_its_hash(name: str) -> None:
    """One version of each, with at least one hash; nothing from elsewhere; and the install asks for hashes."""
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
    """With HTTP=1 and nothing else, the tour and the suite are told so."""
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
    """What `python -m bot key` prints is what CALLOPS_KEY takes."""
    from bot.config.environment import is_key  # noqa: PLC0415 - beside its only use

    shown = subprocess.run(
        [sys.executable, "-m", "bot", "key"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stdout.count("\n") == 1
    assert is_key(shown.stdout.strip())


def test_nothing_in_the_tree_names_a_machine() -> None:
    """No path of a machine and no address of a registry stands in a file."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S607 - the git of this machine
    names = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/|pypi\.org|files\.pythonhosted")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.exists() and path != Path(__file__) and path.suffix not in {".pem", ".png"}:
            found = names.search(path.read_text(encoding="utf-8"))
            assert not found, f"{name}: {found}"

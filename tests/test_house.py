"""What is listed twice agrees: manifest, listeners, example files, README; and the house's own rules."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import SCOPES
from bot.check_slack import OPTIONAL_SCOPES
from bot.requests import COMMANDS_HEARD
from bot.shortcuts import CANCEL_MENTIONED
from providers.registry import PROVIDERS
from tests.slack_schemas import checker

LONGEST_SHORTCUT = 24
"""Characters (docs.slack.dev/reference/app-manifest)."""
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_help_is_light() -> None:
    """`python -m bot --help` imports neither Bolt nor httpx nor the log."""
    code = "import sys, bot.__main__; print(sorted(m for m in ('slack_bolt','slack_sdk','httpx','aiohttp','pydantic','sqlite_utils','phonenumbers') if m in sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own interpreter
    assert shown.stdout.strip() == "[]"


def test_a_key_is_one_line_of_32_bytes() -> None:
    """What `python -m bot key` prints is what CALLOPS_KEY takes."""
    from bot.loading import is_key  # noqa: PLC0415 - beside its only use

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

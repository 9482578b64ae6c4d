"""The wheel in an empty folder: commands, the demo, and the first minutes of an operator."""

import re
import signal
import stat
import subprocess
import time
import tomllib
import urllib.request
from pathlib import Path
from zipfile import ZipFile

from bot import VERSION
from bot.config.environment import is_key
from tests.package.conftest import Installed, environment
from tests.support.tree import ROOT

DEMO_WITHIN = 30.0
"""Seconds until the demo's page can be opened."""
STEPS = (
    "callops init",
    "callops manifest",
    "invite it",
    ".env",
    "callops.toml",
    "callops check",
    "callops serve",
)
PACKAGES = ("bot", "playground", "providers", "storage")


def test_the_wheel_has_every_file_of_its_packages(wheel: Path) -> None:
    """Each file that git knows is in the wheel, with the examples and the manifest."""
    listed = subprocess.run(  # noqa: S603 - names of ours
        ["git", "ls-files", "-z", *PACKAGES],  # noqa: S607 - the git of this machine
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    tracked = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    examples = {"bot/.env.example", "bot/callops.example.toml", "bot/manifest.yml"}
    assert tracked
    assert tracked | examples <= held
    assert {name.partition("/")[0] for name in held} == set(PACKAGES)


def test_the_version_is_everywhere_the_same(installed: Installed, tmp_path: Path) -> None:
    """The package, the command and the newest released heading of the changelog agree."""
    assert installed.run("--version", folder=tmp_path).stdout == f"CallOps {VERSION}\n"
    assert installed.wheel.name.startswith(f"callops-{VERSION}-")
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} - \d{{4}}-\d\d-\d\d", headings[1])


def test_a_command_calls_itself_as_it_was_called(installed: Installed, tmp_path: Path) -> None:
    """Help, errors and the next steps name `callops`, and nowhere `python -m bot`."""
    helped = installed.run("check", "--help", folder=tmp_path).stdout
    mistyped = installed.run("chek", folder=tmp_path, status=2).stderr
    checked = installed.run("check", folder=tmp_path, status=1).stdout
    assert helped.startswith("usage: callops check ")
    assert mistyped.splitlines()[-1] == 'callops: unknown command "chek". Did you mean "check"?'
    assert "make one with  callops key" in checked
    assert "python -m bot" not in helped + mistyped + checked
    module = subprocess.run(  # noqa: S603 - our own program
        [installed.python, "-m", "bot", "--help"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert module.stdout.startswith("usage: python -m bot ")


def test_a_check_of_nothing_names_every_next_step_in_order(installed: Installed, tmp_path: Path) -> None:
    """In an empty folder the report ends with the whole way to a running bot. It writes nothing."""
    checked = installed.run("check", folder=tmp_path, status=1).stdout
    steps = checked.partition("\nNext:\n")[2].splitlines()
    assert [number for number, _ in enumerate(STEPS, 1) if STEPS[number - 1] not in steps[number - 1]] == []
    assert len(steps) == len(STEPS)
    assert list(tmp_path.iterdir()) == []


def test_init_writes_both_files_and_keeps_what_is_there(installed: Installed, tmp_path: Path) -> None:
    """The secrets are for the owner alone, the key is new, and a second run changes nothing."""
    first = installed.run("init", folder=tmp_path).stdout
    secrets, configuration = tmp_path / ".env", tmp_path / "callops.toml"
    assert ("Wrote .env." in first, "Wrote callops.toml." in first) == (True, True)
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    [key] = re.findall(r"^CALLOPS_KEY=(.*)$", secrets.read_text(encoding="utf-8"), re.MULTILINE)
    assert is_key(key)
    assert tomllib.loads(configuration.read_text(encoding="utf-8"))["connections"]
    before = secrets.read_bytes(), configuration.read_bytes()
    again = installed.run("init", folder=tmp_path).stdout
    assert ("Kept .env" in again, "Kept callops.toml" in again) == (True, True)
    assert (secrets.read_bytes(), configuration.read_bytes()) == before


def test_init_says_where_it_cannot_write(installed: Installed, tmp_path: Path) -> None:
    """A dangling link is kept, and a folder that is missing is named with the file."""
    nowhere = tmp_path / "nowhere" / "callops.toml"
    (tmp_path / ".env").symlink_to(nowhere)
    told = installed.run("init", folder=tmp_path, status=2, CALLOPS_CONFIG=str(nowhere))
    assert "Kept .env" in told.stdout
    assert told.stderr == f"{nowhere} can't be written: No such file or directory.\n"
    assert not nowhere.parent.exists()


def test_manifest_and_rules_need_no_folder_of_the_project(installed: Installed, tmp_path: Path) -> None:
    """The manifest is that of the tree, and the example's rules have no mistakes."""
    printed = installed.run("manifest", folder=tmp_path).stdout
    assert printed == (ROOT / "manifest.yml").read_text(encoding="utf-8")
    installed.run("init", folder=tmp_path)
    linted = installed.run("policy", "lint", folder=tmp_path).stdout
    assert "FAIL" not in linted
    assert linted


def test_the_demo_opens_within_half_a_minute(installed: Installed, tmp_path: Path) -> None:
    """From an empty folder, and it leaves nothing there."""
    began = time.monotonic()
    demo = subprocess.Popen(  # noqa: S603 - our own program
        [installed.callops, "demo", "--no-browser", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert demo.stdout is not None
        said = ""
        while "CallOps is at " not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        address = said.partition("CallOps is at ")[2].strip()
        with urllib.request.urlopen(address, timeout=DEMO_WITHIN) as page:  # noqa: S310 - on this machine
            assert "<title>" in page.read().decode()
        assert time.monotonic() - began < DEMO_WITHIN
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=DEMO_WITHIN)
    assert demo.returncode == 0
    assert list(tmp_path.iterdir()) == []

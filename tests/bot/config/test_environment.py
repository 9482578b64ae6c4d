"""Secrets in files that variables with `_FILE` name, in place of the variables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config.environment import FILE, SECRETS, ConfigError, log_key
from bot.config.loader import load, read_config
from tests.bot.config.test_loader import KEY, environment
from tests.support.tree import ROOT

VALUES = {
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_APP_TOKEN": "xapp-canary",
    "SLACK_SIGNING_SECRET": "canary-signing",
    "CALLOPS_KEY": KEY,
}


def in_files(folder: Path, **values: str) -> dict[str, str]:
    """Return an environment whose secrets are in files of a folder."""
    said = environment(folder)
    for name, value in (VALUES | values).items():
        said.pop(name, None)
        (folder / name).write_text(value, encoding="utf-8")
        said[f"{name}{FILE}"] = str(folder / name)
    return said


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_secret_may_be_in_a_file(tmp_path: Path, end: str) -> None:
    """A newline at the file's end is none of the secret's."""
    assert set(VALUES) == set(SECRETS)
    settings = load(in_files(tmp_path, **{name: value + end for name, value in VALUES.items()}))
    found = (settings.bot_token, settings.app_token, settings.signing_secret)
    assert [one.get_secret_value() if one else None for one in found] == [*VALUES.values()][:3]
    assert settings.key_bytes == log_key({"CALLOPS_KEY": KEY}, [])
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"\xff\xfe\0", "it is in UTF-16: save it as plain text in UTF-8"),
        (None, "No such file or directory"),
    ],
    ids=["empty", "newline", "utf-16", "missing"],
)
def test_a_file_without_a_secret_is_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    """It names the variable, the file and the fault, and the variable is not called unset as well."""
    said = in_files(tmp_path)
    path = tmp_path / name
    path.unlink() if content is None else path.write_bytes(content)
    found = read_config(said)
    told = f"{name} can't be read from {path}, which {name}{FILE} names: {why}"
    assert found.environment_faults == (told,)
    assert found.trouble_with(name) == f"{name} isn't right"


def test_a_malformed_secret_in_a_file_is_not_shown(tmp_path: Path) -> None:
    """The fault is that of the variable."""
    with pytest.raises(ConfigError) as caught:
        load(in_files(tmp_path, SLACK_BOT_TOKEN="canary with spaces"))
    [fault] = caught.value.faults
    assert fault.startswith("SLACK_BOT_TOKEN should begin with xoxb- and hold no spaces")
    assert "canary" not in fault


def test_a_secret_and_its_file_are_not_both_taken(tmp_path: Path) -> None:
    """Nobody could tell which of them holds."""
    found = read_config(in_files(tmp_path) | {"CALLOPS_KEY": KEY})
    assert found.environment_faults == ("CALLOPS_KEY and CALLOPS_KEY_FILE are both set: remove one",)


def test_the_environment_wins_over_either_form_in_the_env_file(tmp_path: Path) -> None:
    """A variable of the environment replaces the file that `.env` names, and the other way round."""
    (tmp_path / ".env").write_text(
        "SLACK_BOT_TOKEN_FILE=gone\nCALLOPS_KEY=of-the-file\nPORT=\n", encoding="utf-8"
    )
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "from bot.config.environment import *; print(sorted(n for n in read_environment() if n[:5] in 'SLACK CALLO PORT'))",
        ],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SLACK_BOT_TOKEN": "x",
            "CALLOPS_KEY_FILE": "y",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == "['CALLOPS_KEY_FILE', 'SLACK_BOT_TOKEN']"


def test_the_key_of_a_log_may_be_in_a_file(tmp_path: Path) -> None:
    """Commands that read the log take it from there, and say what is wrong with it."""
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    faults: list[str] = []
    assert log_key({"CALLOPS_KEY_FILE": str(tmp_path / "key")}, faults) == log_key(
        {"CALLOPS_KEY": KEY}, faults
    )
    assert faults == []
    assert log_key({"CALLOPS_KEY_FILE": str(tmp_path / "none")}, faults) is None
    assert log_key({}, faults) is None
    assert [fault.partition(" from ")[0] for fault in faults] == [
        "CALLOPS_KEY can't be read",
        "CALLOPS_KEY isn't set. Set it to the key this log was created with.",
    ]

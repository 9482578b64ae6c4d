"""Secrets of connections in files, as `file:PATH` in place of `env:NAME`."""

import os
from pathlib import Path

import pytest

from bot.cli.checks.setup import about_environment
from bot.config.loader import load, read_config
from bot.text.findings import Result
from tests.bot.config.test_loader import FILE, environment


def configured(folder: Path, path: Path) -> dict[str, str]:
    """Return an environment whose connection reads its key from a file."""
    assert "env:CALLKARO_API_KEY" in FILE
    said = environment(folder, FILE.replace("env:CALLKARO_API_KEY", f"file:{path}"))
    del said["CALLKARO_API_KEY"]
    return said


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    """Its newline is none of the key's, and no representation shows it."""
    path = tmp_path / "api key"
    path.write_text("canary-key\n", encoding="utf-8")
    settings = load(configured(tmp_path, path))
    [connection] = settings.connections.values()
    assert connection.settings.model_dump()["api_key"].get_secret_value() == "canary-key"
    assert settings.off == {}
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(("content", "why"), [(b"", "it is empty"), (None, "No such file or directory")])
def test_a_file_without_a_secret_turns_the_connection_off(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    """As a variable that is not set does, with the file's name and what to do."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    found = read_config(configured(tmp_path, path))
    assert found.off == {"reminders": f"{path} can't be read: {why}"}
    assert found.file_faults == ()
    told = [one for one in about_environment(found) if one.check == "connection reminders"]
    assert [(one.message, one.fix) for one in told] == [
        (
            f"It's off: {path} can't be read: {why}.",
            "Write the secret into that file, where the bot can read it, or remove the connection from the file.",
        )
    ]


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_everybody_reads_is_a_warning(tmp_path: Path, mode: int, *, warned: bool) -> None:
    """`check` says so, for a connection's file and for one that a variable names."""
    key, token = tmp_path / "key", tmp_path / "token"
    key.write_text("canary-key", encoding="utf-8")
    token.write_text("xoxb-canary", encoding="utf-8")
    said = configured(tmp_path, key) | {"SLACK_BOT_TOKEN_FILE": str(token)}
    del said["SLACK_BOT_TOKEN"]
    for path in (key, token):
        os.chmod(path, mode)  # noqa: PTH101 - beside the modes above
    found = [one for one in about_environment(read_config(said)) if one.result is Result.WARN]
    assert [(one.message, one.fix) for one in found] == (
        [
            (f"Everybody on this machine can read {path}, which holds a secret.", f"Run  chmod o= {path}")
            for path in (token, key)
        ]
        if warned
        else []
    )

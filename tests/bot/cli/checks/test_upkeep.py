"""The findings about metrics, the watchdog and backups."""

import asyncio
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.checks.upkeep import about_backups, about_metrics, about_watchdog
from bot.config.loader import ConfigReport, read_config
from bot.text.findings import Result
from storage.maintenance.backup_folder import name_at
from tests.bot.config.test_loader import environment
from tests.storage.samples import NOON


def configured(tmp_path: Path, **variables: str) -> ConfigReport:
    """Return the report on an environment."""
    return read_config(environment(tmp_path, **variables))


@pytest.mark.parametrize(
    ("variables", "result", "said"),
    [
        ({"NOTIFY_SOCKET": "/run/x"}, Result.WARN, "won't restart a CallOps that hangs"),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1000000"}, Result.WARN, "after 1 s without a sign"),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}, Result.WARN, "won't restart"),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "60000000"}, Result.PASS, "after 60 s"),
    ],
)
def test_the_watchdog_is_reported(variables: dict[str, str], result: Result, said: str) -> None:
    """Only a process that systemd started has one."""
    [one] = about_watchdog(variables)
    assert one.result is result
    assert said in one.message
    assert not list(about_watchdog({"WATCHDOG_USEC": "60000000"}))


@pytest.mark.parametrize(
    ("age", "result", "said"),
    [
        (timedelta(minutes=10), Result.PASS, "is 0 hours old"),
        (timedelta(hours=25), Result.PASS, "is 25 hours old"),
        (timedelta(days=9), Result.WARN, "is 9 days old"),
    ],
)
def test_the_newest_backup_has_an_age(tmp_path: Path, age: timedelta, result: Result, said: str) -> None:
    """Its name has the time, so a copy of the file is as old as the backup."""
    for one in (age, age + timedelta(days=1)):
        (tmp_path / name_at(NOON - one)).touch()
    [found] = about_backups(tmp_path, NOON)
    assert found.result is result
    assert f"The newest of 2 in {tmp_path} {said}." in found.message


def test_a_folder_without_backups_is_wrong(tmp_path: Path) -> None:
    """So is one that can't be read. Without a folder there is no finding."""
    for folder in (tmp_path, tmp_path / "none"):
        [found] = about_backups(folder, NOON)
        assert found.result is Result.FAIL
    assert not list(about_backups(None, NOON))


def test_metrics_are_checked_where_they_are_asked_for(tmp_path: Path) -> None:
    """A free port is right, a taken one is wrong, and a faulty variable is skipped."""
    assert asyncio.run(about_metrics(configured(tmp_path))) == []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    [found] = asyncio.run(about_metrics(configured(tmp_path, METRICS=f"127.0.0.1:{port}")))
    assert (found.result, found.message) == (
        Result.PASS,
        f"CallOps can serve them at http://127.0.0.1:{port}/metrics.",
    )
    [found] = asyncio.run(about_metrics(configured(tmp_path, METRICS="0.0.0.0:1")))
    assert found.result is Result.SKIP


async def test_a_port_that_another_program_has_is_wrong(tmp_path: Path) -> None:
    """It closes each connection, as something that is no CallOps may do."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        [found] = await about_metrics(configured(tmp_path, METRICS=f"127.0.0.1:{port}"))
    assert found.result is Result.FAIL
    assert f"METRICS names 127.0.0.1:{port}, which can't be listened on." in found.message

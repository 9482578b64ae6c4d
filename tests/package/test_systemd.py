"""The unit of systemd: its own tools read it, and the bot talks to a socket in systemd's place."""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from bot.cli.service_manager import READY, STOPPING, WATCHDOG
from playground.stage import READY_WITHIN, Stage, stop
from tests.package.conftest import Installed
from tests.support.tree import ROOT

UNIT = (ROOT / "deploy" / "callops.service").read_text(encoding="utf-8")
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 15
"""In tenths of systemd's scale, on which 10 is the worst. The network and the host's files are what is left."""
READS_UNITS = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not here")


def setting(name: str) -> str:
    """Return the value of a setting that the unit has once."""
    [value] = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


@pytest.fixture
def unit(installed: Installed, tmp_path: Path) -> Path:
    """Return the unit with the installed command in place of its own."""
    path = tmp_path / "callops.service"
    path.write_text(UNIT.replace("/usr/local/bin/callops", str(installed.callops)), encoding="utf-8")
    return path


@READS_UNITS
def test_systemd_finds_no_fault_in_the_unit(unit: Path) -> None:
    """No key is unknown, and every program is there."""
    told = [ANALYZE or "", "verify", "--man=no", str(unit)]
    verified = subprocess.run(told, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    ours = [line for line in verified.stderr.splitlines() if "callops.service" in line]
    assert (verified.returncode, ours) == (0, [])


@READS_UNITS
def test_systemd_takes_the_credentials_of_the_page(unit: Path) -> None:
    """The drop-in for secrets has known keys and a known specifier."""
    page = (ROOT / "docs" / "operators" / "systemd.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^    (\[Service\]\n(?:    .+\n)+)", page, re.MULTILINE)
    folder = unit.with_name("callops.service.d")
    folder.mkdir()
    (folder / "secrets.conf").write_text(textwrap.dedent(f"    {block}"), encoding="utf-8")
    told = [ANALYZE or "", "verify", "--man=no", str(unit)]
    verified = subprocess.run(told, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    ours = [line for line in verified.stderr.splitlines() if "callops.service" in line]
    assert (verified.returncode, ours) == (0, [])


@READS_UNITS
def test_the_unit_is_hardened(unit: Path) -> None:
    """Systemd rates what the service could do."""
    told = [
        ANALYZE or "",
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={MOST_EXPOSED}",
        str(unit),
    ]
    rated = subprocess.run(told, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd-analyze rates no files")
    assert rated.returncode == 0, rated.stdout


def test_the_times_of_the_unit_fit_the_bot() -> None:
    """A stop takes ten seconds, a fault of the set-up is not started again, and the folder is private."""
    assert int(setting("TimeoutStopSec")) > 10
    assert setting("RestartPreventExitStatus") == "2"
    assert (setting("Type"), setting("UMask"), setting("StateDirectoryMode")) == ("notify", "0077", "0700")
    assert setting("WorkingDirectory") == f"/var/lib/{setting('StateDirectory')}"


@pytest.fixture
def listening() -> Iterator[tuple[socket.socket, str]]:
    """Yield a socket in systemd's place, and its path, which has to be short."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        path = str(Path(folder) / "notify")
        ours.bind(path)
        ours.setblocking(False)
        yield ours, path


async def test_the_bot_tells_systemd_when_it_serves_and_stops(
    installed: Installed, listening: tuple[socket.socket, str], tmp_path: Path
) -> None:
    """READY once Slack is connected, then signs of life, a reload by the unit's command, STOPPING at the end."""
    ours, path = listening
    loop = asyncio.get_running_loop()
    command = setting("ExecStart").replace("/usr/local/bin/callops", str(installed.callops)).split()
    async with Stage(tmp_path / "stage") as stage:
        told = stage.environment() | {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
        for name in ("SLACK_BOT_TOKEN", "CALLOPS_KEY"):  # as credentials of systemd are given
            (tmp_path / name).write_text(f"{told.pop(name)}\n", encoding="utf-8")
            told[f"{name}_FILE"] = str(tmp_path / name)
        bot = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=told, stderr=PIPE)
        assert bot.stderr is not None
        try:
            async with asyncio.timeout(READY_WITHIN):
                assert (await loop.sock_recv(ours, 4096)).decode() == READY
                said = b""
                while not (found := re.search(rb"Health checks at (\S+)/healthz", said)):
                    said += await bot.stderr.readline()
                async with aiohttp.request("GET", f"{found[1].decode()}/readyz") as ready:
                    assert ready.status == HTTPStatus.OK
                heard = [(await loop.sock_recv(ours, 4096)).decode() for _ in range(5)]
                reload = setting("ExecReload").replace("$MAINPID", str(bot.pid)).split()
                assert await (await asyncio.create_subprocess_exec(*reload)).wait() == 0
                while b"The rules were read anew" not in await bot.stderr.readline():
                    assert bot.returncode is None
            assert heard == [WATCHDOG] * 5
            bot.send_signal(signal.SIGTERM)
            async with asyncio.timeout(READY_WITHIN):
                while (sign := (await loop.sock_recv(ours, 4096)).decode()) == WATCHDOG:
                    continue
            assert sign == STOPPING
        finally:
            status = await stop(bot)
        assert status == 0
        assert Counter(_rest(ours)) == {}


def _rest(ours: socket.socket) -> Iterator[str]:
    while True:
        try:
            yield ours.recv(4096).decode()
        except BlockingIOError:
            return

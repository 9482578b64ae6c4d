"""The operators' pages, followed as they are written, as far as a machine without systemd and Docker allows."""

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.config.environment import is_key
from playground.stage import READY_WITHIN, Stage, stop
from tests.e2e.test_stuck_stderr import free_port
from tests.package.conftest import Installed, environment
from tests.package.test_container import of, settings, stages
from tests.support.tree import ROOT

PAGES = ROOT / "docs" / "operators"
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


def page(name: str) -> str:
    """Return a page."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def not_run(text: str) -> set[str]:
    """Return the programs that the first paragraph of a page says were not run."""
    first = text.partition("\n\n")[2].partition(":")[0]
    return set(re.findall(r"`([a-z]+)`", first))


def blocks(text: str, *headings: str) -> Iterator[str]:
    """Yield the lines of the indented blocks under some headings, or anywhere without a heading."""
    for heading in headings:
        assert f"\n## {heading}\n" in text, heading
    parts = [text.partition(f"\n## {one}\n")[2].partition("\n## ")[0] for one in headings] or [text]
    for part in parts:
        yield from (line.strip() for line in re.findall(r"^ {4,7}(\S.*)$", part, re.MULTILINE))


def inside(text: str) -> list[str]:
    """Return what the container is told: the words behind its name in each line with `docker`."""
    return [
        one.strip()
        for one in re.findall(r"docker [^`\n]*?(?<!callops )\bcallops (?:callops )?([a-z][^`\n]*)", text)
    ]


async def finished(
    line: str | list[str], folder: Path, variables: Mapping[str, str]
) -> tuple[int | None, str]:
    """Run a line of a shell, or a command, to its end. Return its status and output."""
    words = ["sh", "-c", line] if isinstance(line, str) else line
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=dict(variables), stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def connected(process: Process) -> str:
    """Return what a bot says until it is connected."""
    assert process.stderr is not None
    said = ""
    async with asyncio.timeout(READY_WITHIN):
        while "CallOps is connected to workspace" not in said:
            line = await process.stderr.readline()
            assert line, said
            said += line.decode()
    return said


def as_env_file(variables: Mapping[str, str]) -> str:
    """Return variables as lines of `.env`, but for those of every process."""
    return "".join(f"{name}={value}\n" for name, value in variables.items() if name not in os.environ)


class Machine:
    """A folder in place of a machine's root, and its user in place of any other."""

    def __init__(self, root: Path, installed: Installed, skipped: set[str]) -> None:
        self.state, self.bin, self.units = root / "state", root / "bin", root / "units"
        for one in (self.bin, self.units):
            one.mkdir(parents=True)
        self.ran: list[str] = []
        self._skipped = skipped
        self._places = {
            "/var/lib/callops": str(self.state),
            "/opt/callops/bin/callops": str(installed.callops),
            "/usr/local/bin": str(self.bin),
            "/etc/systemd/system": str(self.units),
        }
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        self.variables = environment() | {"PATH": path}

    async def run(self, line: str) -> str:
        """Run a line without `sudo`, unless the page says that its program was not run."""
        words = shlex.split(re.sub(r"^sudo (-u callops )?", "", line))
        while _ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        if words[0] in self._skipped:
            return ""
        ids = {"-o": str(os.getuid()), "-g": str(os.getgid())}
        words = [ids.get(before, word) for before, word in zip(["", *words], words, strict=False)]
        for place, ours in self._places.items():
            words = [word.replace(place, ours) for word in words]
        status, told = await finished(words, ROOT, self.variables)
        assert status == 0, f"{line}\n{told}"
        self.ran.append(line)
        return told


async def test_the_page_about_systemd(installed: Installed, tmp_path: Path) -> None:
    """From the installation to a backup: each line that can be run here ends well."""
    text = page("systemd")
    skipped = not_run(text)
    assert skipped == {"pipx", "useradd", "systemctl", "journalctl"}
    machine = Machine(tmp_path / "machine", installed, skipped)
    locked = [line for line in blocks(text, "Install") if "/opt/callops" in line and " ln " not in line]
    building, _ = stages()
    steps = [
        rest.replace(" --no-cache-dir", "").replace("python ", "python3 ") for rest in of("RUN", building)
    ]
    assert [line.removeprefix("sudo ") for line in locked] == [one for one in steps if "/opt/callops" in one]
    async with Stage(tmp_path / "stage") as stage:
        for line in [one for one in blocks(text, "Install", "Set up", "Start") if one not in locked]:
            if line.endswith(" callops check"):
                variables = stage.environment()
                for name in ("CALLOPS_CONFIG", "DATABASE_URL"):  # both files are where the bot runs
                    del variables[name]
                (machine.state / ".env").write_text(as_env_file(variables), encoding="utf-8")
                configuration = (stage.folder / "callops.toml").read_bytes()
                (machine.state / "callops.toml").write_bytes(configuration)
            await machine.run(line)
        unit = (machine.units / "callops.service").read_text(encoding="utf-8")
        [start] = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        command = start.replace("/usr/local/bin", str(machine.bin)).split()
        bot = await asyncio.create_subprocess_exec(
            *command, cwd=machine.state, env=machine.variables, stderr=PIPE
        )
        try:
            await connected(bot)
            for line in re.findall(r"`(sudo -u callops env [^`]*)`", text.partition("## Every day")[2]):
                await machine.run(line)
        finally:
            bot.send_signal(signal.SIGTERM)
            status = await stop(bot)
        assert status == 0
    assert (machine.state / "callops-backup.db").exists()
    assert (machine.state.stat().st_mode & 0o777, len(machine.ran)) == (0o700, 8)


async def test_the_page_about_the_container(installed: Installed, tmp_path: Path) -> None:
    """What the container is told is told to the installed command, with the image's variables."""
    text = page("container")
    assert not_run(text) == {"docker"}
    assert (ROOT / "deploy" / "compose.yaml").exists()
    config, data = tmp_path / "config", tmp_path / "data"
    data.mkdir()
    for line in blocks(text, "Build and set up"):
        if not line.startswith("docker "):
            assert (await finished(line, tmp_path, environment()))[0] == 0
    told = {
        name: value.replace("/config", str(config)).replace("/data", str(data))
        for name, value in settings().items()
    }
    del told["PATH"]
    variables = environment() | told
    ran = []
    async with Stage(tmp_path / "stage") as stage:
        for line in inside(text):
            words = line.split()
            if words[0] == "check":
                (config / "callops.toml").write_bytes((stage.folder / "callops.toml").read_bytes())
                variables = stage.environment() | told | {"PORT": str(free_port())}
                bot = await asyncio.create_subprocess_exec(
                    installed.callops, "serve", cwd=data, env=variables, stderr=PIPE
                )
                await connected(bot)
                bot.send_signal(signal.SIGTERM)
                assert await stop(bot) == 0
            command = [str(installed.callops), *(word.replace("/data", str(data)) for word in words)]
            status, said = await finished(command, config if words[0] == "init" else data, variables)
            assert status == 0, f"{line}\n{said}"
            ran.append(words[0])
    assert ran == ["init", "manifest", "check", "manifest", "backup", "log"]
    assert (config / ".env").stat().st_mode & 0o777 == 0o600
    assert (data / "backup.db").exists()


async def test_the_page_about_a_platform(tmp_path: Path) -> None:
    """The lines run in the project's folder, and the last is the Procfile's, beside a platform's `PORT`."""
    [(kind, line)] = re.findall(
        r"^(\w+): (.*)$", (ROOT / "Procfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    key, copy, check, serve = blocks(page("platform"))
    assert (kind, serve) == ("web", line)
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("bot", "providers", "storage", "callops.example.toml", "manifest.yml"):
        (folder / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = subprocess.run(  # noqa: ASYNC221, S602 - the page's own line, before anything else runs
        key, shell=True, cwd=folder, env=environment(PATH=path), capture_output=True, text=True, check=True
    ).stdout
    assert is_key(printed.strip())
    async with Stage(tmp_path / "stage") as stage:
        port = free_port()
        variables = stage.environment() | {"PATH": path, "PORT": str(port)}
        variables["DATABASE_URL"] = f"sqlite:///{tmp_path}/callops.db"
        del variables["CALLOPS_CONFIG"]
        assert (await finished(copy, folder, variables))[0] == 0
        assert (folder / "callops.toml").read_bytes() == (ROOT / "callops.example.toml").read_bytes()
        (folder / "callops.toml").write_bytes((stage.folder / "callops.toml").read_bytes())
        status, said = await finished(check, folder, variables)
        assert status == 0, said
        bot = await asyncio.create_subprocess_exec(
            "sh", "-c", f"exec env {line}", cwd=folder, env=variables, stderr=PIPE
        )
        try:
            assert f"Health checks at http://0.0.0.0:{port}/healthz" in await connected(bot)
            status, said = await finished("python -m bot health", folder, variables | {"HOST": "0.0.0.0"})
            assert (status, said) == (0, "healthy\n")
        finally:
            status = await stop(bot)
        assert status == 0


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.md")))
def test_every_page_says_first_what_was_not_run(name: str) -> None:
    """And the README and the operators' page link to it."""
    first = page(name).partition("\n\n")[2].partition("\n\n")[0]
    assert re.search(r"but for|No line with|No platform was used", first)
    assert f"docs/operators/{name}.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"(operators/{name}.md)" in (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")

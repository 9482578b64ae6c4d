"""The container's files, without a container engine: the Dockerfile is read, and its steps are run here."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from playground.stage import READY_WITHIN, Stage, stop
from tests.package.conftest import environment
from tests.support.tree import ROOT

Step = tuple[str, str]
"""An instruction of the Dockerfile: its name in capitals, and the rest of its line."""

NOBODY = 10001
NO_NETWORK = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|Network is unreachable")
_TAG = re.compile(r"[a-z0-9./-]+:\d+\.\d+[\w.-]*")
READ_ONLY = (
    'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"'
)
"""Leaves one folder writable, and makes everything else read-only, for this process alone."""


def steps() -> list[Step]:
    """Return the instructions of the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def of(name: str, wanted: list[Step]) -> list[str]:
    """Return the rest of each instruction of a name."""
    return [rest for one, rest in wanted if one == name]


def stages() -> tuple[list[Step], list[Step]]:
    """Return the instructions of the stage that builds and of the stage that is kept."""
    found = steps()
    last = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[:last], found[last:]


def test_the_bases_are_pinned_and_nothing_is_fetched_unseen() -> None:
    """Each base has a tag with a version. Nothing is added from an address or an archive."""
    found = steps()
    bases = [rest.split(" ")[0] for rest in of("FROM", found)]
    assert [base for base in bases if not _TAG.fullmatch(base)] == []
    assert len(set(bases)) == 1
    assert of("ADD", found) == []
    asked = [rest for rest in of("RUN", found) if " install " in rest]
    assert [one for one in asked if "--require-hashes" not in one and "--no-deps ." not in one] == []


def test_the_image_runs_as_nobody_and_says_how_it_is() -> None:
    """An own user, a volume, and commands without a shell, so that signals reach the bot."""
    _, kept = stages()
    assert of("RUN", kept) == []  # no tool of the build stays behind
    [user], [volume], [probe] = of("USER", kept), of("VOLUME", kept), of("HEALTHCHECK", kept)
    assert user == f"{NOBODY}:{NOBODY}"
    assert volume == "/data"
    assert json.loads(probe.partition("CMD ")[2]) == ["callops", "health"]
    assert [json.loads(of(name, kept)[0]) for name in ("ENTRYPOINT", "CMD")] == [["callops"], ["serve"]]


def test_every_source_of_a_copy_is_there_and_not_ignored() -> None:
    """A name that `.dockerignore` leaves out would fail the build."""
    build, kept = stages()
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    included = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    sources = [one for rest in of("COPY", build) for one in rest.split()[:-1]]
    assert set(sources) == included
    assert [one for one in sources if not (ROOT / one).exists()] == []
    assert [rest for rest in of("COPY", kept) if not rest.startswith("--from=build ")] == []
    assert [one for one in included if fnmatch(one, "*.env")] == []


def test_the_proxy_passes_only_what_slack_and_providers_ask_for() -> None:
    """Compose starts the image as it is meant to run. The proxy is there for HTTP mode alone."""
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    bot, proxy = compose["services"]["callops"], compose["services"]["proxy"]
    assert (bot["read_only"], bot["cap_drop"]) == (True, ["ALL"])
    assert "ports" not in bot
    assert proxy["profiles"] == ["http"]
    assert _TAG.fullmatch(proxy["image"])
    caddy = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert f"reverse_proxy callops:{bot['environment']['PORT']}" in caddy
    assert re.findall(r"@bot path (.*)", caddy) == ["/slack/events /webhooks/*"]
    named = {volume.split(":")[0] for one in (bot, proxy) for volume in one["volumes"]}
    assert {one for one in named if not one.startswith(".")} == set(compose["volumes"])


@pytest.mark.skipif(shutil.which("docker") is None, reason="the docker client is not here")
def test_compose_reads_its_file(tmp_path: Path) -> None:
    """The client alone resolves the file. Without its compose plug-in there is nothing to ask."""
    docker = shutil.which("docker") or "docker"
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:  # noqa: S603
        pytest.skip("the docker client has no compose plug-in")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / ".env").touch()
    told = [
        docker,
        "compose",
        "-f",
        str(tmp_path / "deploy" / "compose.yaml"),
        "--profile",
        "http",
        "config",
        "-q",
    ]
    subprocess.run(told, check=True, env=environment(DOMAIN="bot.example"))  # noqa: S603 - ours


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """Yield a folder in which the steps of the build have run, as root of the image."""
    with tempfile.TemporaryDirectory(prefix="callops-image-") as made:
        root = Path(made)
        root.chmod(0o755)
        for path in ("opt", "build"):
            (root / path).mkdir()
        build, _ = stages()
        for name, rest in build:
            if name == "COPY":
                *sources, target = rest.split()
                for one in sources:
                    if (ROOT / one).is_dir():
                        shutil.copytree(ROOT / one, root / "build" / one)
                    else:
                        shutil.copy(ROOT / one, root / "build" / target)
            elif name == "RUN":
                words = shlex.split(rest.replace("/opt/callops", str(root / "opt" / "callops")))
                words[0] = sys.executable if words[0] == "python" else words[0]
                ran = subprocess.run(  # noqa: S603 - ours
                    words, cwd=root / "build", capture_output=True, text=True, check=False
                )
                if NO_NETWORK.search(ran.stderr):
                    pytest.skip("the package registry can't be reached")
                assert ran.returncode == 0, ran.stderr
        yield root


def pinned(requirements: str) -> set[str]:
    """Return the lines `name==version` of requirements, with names in one spelling."""
    lines = re.findall(r"^([\w.-]+==[^\s;]+)", requirements, re.MULTILINE)
    return {line.lower().replace("_", "-") for line in lines}


def settings() -> dict[str, str]:
    """Return the variables that the image sets."""
    _, kept = stages()
    return dict(one.split("=", 1) for rest in of("ENV", kept) for one in rest.split())


def test_the_build_leaves_a_program_that_needs_nothing_of_the_build(image: Path) -> None:
    """What is installed has the locked versions, agrees with itself, and runs without the build's folder."""
    shutil.move(image / "build", image / "gone")
    try:
        python = image / "opt" / "callops" / "bin" / "python"
        checked = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False)  # noqa: S603 - ours
        assert checked.returncode == 0, checked.stdout
        frozen = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True)  # noqa: S603 - ours
        installed = pinned(frozen.stdout)
        assert installed
        assert installed <= pinned((ROOT / "requirements.txt").read_text(encoding="utf-8"))
        told = [str(image / "opt" / "callops" / "bin" / "callops"), "manifest"]
        printed = subprocess.run(told, cwd="/", env=environment(), capture_output=True, text=True, check=True)  # noqa: S603 - ours
        assert printed.stdout == (ROOT / "manifest.yml").read_text(encoding="utf-8")
    finally:
        shutil.move(image / "gone", image / "build")


def confined(data: Path, *command: str) -> list[str]:
    """Return a command that runs as nobody, where only one folder can be written to."""
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    nobody += ["--inh-caps=-all", "--bounding-set=-all"]
    return ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(data), *nobody, *command]


def can_be_confined(folder: Path) -> bool:
    """Return whether this machine lets us confine a process, and nobody run our Python."""
    if os.geteuid() or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    tried = subprocess.run(confined(folder, sys.executable, "-c", ""), capture_output=True, check=False)  # noqa: S603 - ours
    return tried.returncode == 0


async def says(process: Process, words: bytes) -> bytes:
    """Return a process's errors up to the line with these words."""
    assert process.stderr is not None
    told = b""
    async with asyncio.timeout(READY_WITHIN):
        while words not in told:
            line = await process.stderr.readline()
            assert line, told.decode()
            told += line
    return told


async def test_the_entry_point_serves_as_nobody_on_a_read_only_tree(image: Path, tmp_path: Path) -> None:
    """It connects to Slack, writes below /data alone, answers its own probe, and ends on SIGTERM."""
    data = image / "data"
    data.mkdir()
    if not can_be_confined(data):
        pytest.skip("this machine doesn't let a process be confined, or nobody run Python")
    os.chown(data, NOBODY, NOBODY)
    _, kept = stages()
    [entry], [command] = of("ENTRYPOINT", kept), of("CMD", kept)
    [program] = json.loads(entry)
    callops = str(image / "opt" / "callops" / "bin" / program)
    async with Stage(tmp_path / "stage") as stage:
        told = stage.environment() | settings()
        shutil.copy(stage.folder / "callops.toml", image / "callops.toml")
        told |= {
            "CALLOPS_CONFIG": str(image / "callops.toml"),
            "DATABASE_URL": f"sqlite:///{data}/callops.db",
            "PATH": os.environ["PATH"],
            "PORT": "0",
        }
        process = await asyncio.create_subprocess_exec(
            *confined(data, callops, *json.loads(command)), cwd=data, env=told, stderr=PIPE
        )
        try:
            said = (await says(process, b"CallOps is connected to workspace")).decode()
            [port] = re.findall(r"Health checks at http://0\.0\.0\.0:(\d+)/healthz", said)
            probe = await asyncio.create_subprocess_exec(
                *confined(data, callops, "health"), cwd=data, env=told | {"PORT": port}, stdout=PIPE
            )
            printed, _ = await probe.communicate()
            assert (printed, probe.returncode) == (b"healthy\n", 0)
            assert "Traceback" not in said
            assert (data / "callops.db").stat().st_uid == NOBODY
        finally:
            status = await stop(process)
        assert status == 0
        after = await asyncio.create_subprocess_exec(
            *confined(data, callops, "health"), cwd=data, env=told | {"PORT": port}, stderr=PIPE
        )
        assert (await after.wait()) == 1

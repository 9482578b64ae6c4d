"""CallOps as an operator has it: a wheel, installed into an environment without the project's folder."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tree import ROOT

ANOTHER = os.environ.get("CALLOPS_PYTHON")
"""An interpreter that the wheel is installed for, in place of the one that runs the tests."""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel. Its dependencies are those of the tests."""

    python: Path
    callops: Path
    wheel: Path

    def run(
        self, *arguments: str, folder: Path, status: int = 0, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run `callops …` in a folder, as a user would, and compare its exit status."""
        ended = subprocess.run(  # noqa: S603 - our own program
            [self.callops, *arguments],
            cwd=folder,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a new user, with some variables."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | variables


def install(wheel: Path, folder: Path) -> Installed:
    """Make an environment in a folder, and install a wheel into it without the network.

    Another interpreter gets the locked dependencies, which needs the network.
    """
    subprocess.run([ANOTHER or sys.executable, "-m", "venv", "--without-pip", folder], check=True)  # noqa: S603 - ours
    python = folder / "bin" / "python"
    if ANOTHER:
        _pip(python, "--no-compile", "--require-hashes", "-r", str(ROOT / "requirements-playground.txt"))
    else:
        [packages] = folder.glob("lib/python*/site-packages")
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    _pip(python, "--no-deps", "--no-index", str(wheel))
    return Installed(python, folder / "bin" / "callops", wheel)


def _pip(python: Path, *arguments: str) -> None:
    told = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *arguments]
    subprocess.run(told, check=True)  # noqa: S603 - ours


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, check=True, capture_output=True, cwd=ROOT)  # noqa: S603 - ours
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return an environment with the wheel."""
    return install(wheel, tmp_path_factory.mktemp("installed"))

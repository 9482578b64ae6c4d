"""The command line as a whole."""

import os
import subprocess
import sys

import pytest

from bot.__main__ import CLOSED_PIPE, main, nobody_reads
from tests.support.tree import ROOT


@pytest.mark.parametrize("command", ["manifest", "key", "check"])
def test_nobody_reads_any_more(command: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In ``manifest | head`` the command ends silently, with the status that SIGPIPE gives."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "bot", command],
            cwd=tmp_path_factory.mktemp("elsewhere"),
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (CLOSED_PIPE, "")


def test_another_broken_pipe_is_no_end_of_printing() -> None:
    """A broken connection is a fault while somebody reads the output."""
    reading, writing = os.pipe()
    try:
        assert not nobody_reads(writing)
        os.close(reading)
        assert nobody_reads(writing)
    finally:
        os.close(writing)


def test_windows_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """No command runs there, and none ends in a traceback."""
    assert main(["serve"], platform="win32") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("CallOps runs on Linux and macOS, not on Windows.")

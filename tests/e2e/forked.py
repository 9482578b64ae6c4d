"""Bots in processes of their own that are forked from a process with all imports done.

Each is a process like any other, with its own environment, session, output and exit status, and signals reach
it. Only the imports differ from `python -m bot …`, which take most of a second of every start. The tour and
the demo start theirs as people do.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from bot.__main__ import main

_SERVER: Final = multiprocessing.get_context("forkserver")
_COMMANDS: Final = ("serve", "check", "log", "policy", "do_not_call", "maintenance")
_SERVER.set_forkserver_preload([__name__, *(f"bot.cli.{one}" for one in _COMMANDS)])


class Forked:
    """The part of `asyncio.subprocess.Process` that a stage uses."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._over = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._ended)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._over.set()

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit status after a wait, negative for a signal, or None."""
        return self._process.exitcode if self._over.is_set() else None

    def send_signal(self, number: int) -> None:
        """Send the process a signal, if it still runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until the process ends, and return its exit status."""
        await self._over.wait()
        assert self._process.exitcode is not None
        return self._process.exitcode


def fork(arguments: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path) -> Forked:
    """Start a bot that appends its output to these files."""
    process = _SERVER.Process(target=_run, args=(arguments, environment, output, errors), daemon=True)
    process.start()
    return Forked(process)


def _run(arguments: Sequence[str], environment: Mapping[str, str], output: Path, errors: Path) -> None:
    os.setsid()
    for number, path in ((1, output), (2, errors)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.exit(main([*arguments]))

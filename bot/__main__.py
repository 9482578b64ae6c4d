"""The command line, `callops` or `python -m bot`. Each command imports only the modules that it needs."""

import errno
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from importlib import import_module
from types import TracebackType
from typing import Final

from bot.cli.parser import make_parser

Command = Callable[[Namespace, Mapping[str, str]], int]
"""A command of `bot.cli`. It gets the parsed arguments and the environment, and returns the exit status."""


CLOSED_PIPE: Final = 128 + 13
"""The exit status when the reader of the output is gone (``log list | head``), as for a program that SIGPIPE
ends."""


def main(arguments: list[str] | None = None, *, platform: str = sys.platform) -> int:
    """Run a command and return the exit status: 0 done, 1 found something wrong, 2 could not start."""
    sys.excepthook = _print_exception
    if platform == "win32":
        from bot.text.terminal import complain

        complain("CallOps runs on Linux and macOS, not on Windows. On Windows, use WSL or a container.")
        return 2
    chosen = make_parser().parse_args(arguments)
    try:
        return _run(chosen)
    except Exception as error:
        from bot.config.environment import ConfigError
        from bot.text.terminal import complain
        from storage.errors import LogBusyError

        if isinstance(error, BrokenPipeError) and nobody_reads(sys.stdout.fileno()):
            _print_no_more()
            return CLOSED_PIPE
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            _print_no_more()
            complain("There isn't enough room for the output. Make room and run it again.")
            return 2
        if isinstance(error, ConfigError):
            complain(str(error))
            return 2
        if not isinstance(error, LogBusyError):
            raise
        complain("Another process is writing to the log, so the command couldn't finish. Run it again.")
        return 2


def nobody_reads(descriptor: int) -> bool:
    """Return whether a descriptor is a pipe whose reader is gone. Other broken pipes are faults."""
    import select

    poll = select.poll()
    poll.register(descriptor, 0)  # poll reports errors even with an empty mask
    return any(told & (select.POLLERR | select.POLLHUP) for _, told in poll.poll(0))


def _print_no_more() -> None:
    """Redirect standard output to the null device, so that Python's last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(chosen: Namespace) -> int:
    status = _COMMANDS[chosen.command](chosen)
    if sys.stdout:
        sys.stdout.flush()  # a failed write is raised here, and not as Python ends
    return status


def _print_exception(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print an uncaught exception through `complain`, because its text may come from people."""
    import traceback

    from bot.text.terminal import complain

    complain("".join(traceback.format_exception(kind, error, frames)).rstrip())


def _environment() -> dict[str, str]:
    from bot.config.environment import read_environment

    return read_environment()


def _key(_: Namespace) -> int:
    from bot.config.environment import new_key
    from bot.text.terminal import say

    say(new_key())
    return 0


def _manifest(chosen: Namespace) -> int:
    from bot.cli.manifest import NoAddressError, manifest
    from bot.text.terminal import complain, say

    try:
        say(*manifest(chosen.url).splitlines())
    except NoAddressError as error:
        complain(str(error))
        return 2
    return 0


def _check(chosen: Namespace) -> int:
    import traceback
    from pathlib import Path

    from bot.text.terminal import complain

    variables = _environment()
    try:
        from bot.cli.check import run

        folder = Path(chosen.backups) if chosen.backups else None
        return run(variables, as_json=chosen.json, online=chosen.online, backups=folder)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - Python's own status 1 means that the check found a fault
        # Print frames and the exception's type only: its text may hold a secret.
        frames = "".join(traceback.format_tb(error.__traceback__)).splitlines()
        complain(*frames, f"The check itself failed: {type(error).__name__}")
        return 2


def _demo(chosen: Namespace) -> int:
    from bot.cli.demo import demo

    return demo(port=chosen.port, browser=not chosen.no_browser, keep=chosen.keep)


def _serve(_: Namespace) -> int:
    import signal

    hangups: list[int] = []  # before a handler is set, SIGHUP would end the process
    signal.signal(signal.SIGHUP, lambda number, _: hangups.append(number))
    import asyncio

    from bot.cli.process_log import log_to_stderr
    from bot.cli.serve import StartError, serve
    from bot.cli.service_manager import ServiceManager
    from bot.config.environment import ConfigError
    from bot.config.loader import load
    from bot.text.terminal import complain
    from storage.database.connection import CannotOpenLogError

    try:
        variables = _environment()
        settings = load(variables)
        manager = ServiceManager.of(variables)
        region = settings.slack.default_region
        with log_to_stderr(settings.log_level, form=settings.log_format, default_region=region):
            asyncio.run(serve(settings, read=lambda: load(_environment()), hangups=hangups, manager=manager))
    except ConfigError as error:
        complain("CallOps can't start:", *(f"  {fault}" for fault in error.faults))
        return 2
    except (StartError, CannotOpenLogError) as error:
        complain(f"CallOps can't start: {error}")
        return 2
    return 0


def _in(module: str, function: str = "run") -> Callable[[Namespace], int]:
    """Return a command that imports its module of `bot.cli` only when it runs."""

    def run(chosen: Namespace) -> int:
        command: Command = getattr(import_module(f"bot.cli.{module}"), function)
        return command(chosen, _environment())

    return run


_COMMANDS: Final[Mapping[str, Callable[[Namespace], int]]] = {
    "serve": _serve,
    "check": _check,
    "demo": _demo,
    "key": _key,
    "init": _in("init"),
    "manifest": _manifest,
    "health": _in("health"),
    "retry-connection": _in("maintenance", "retry_connection"),
    "log": _in("log"),
    "backup": _in("backups", "backup"),
    "restore-drill": _in("backups", "restore_drill"),
    "purge": _in("maintenance", "purge"),
    "rekey": _in("rekey"),
    "policy": _in("policy"),
    "import": _in("call_list"),
    "stop": _in("do_not_call"),
    "do-not-call": _in("do_not_call"),
}


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bot`: the command line. Light: each command imports what it needs."""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Final

from bot.arguments import make_parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status: 0 done, 1 found something wrong, 2 could not start."""
    chosen = make_parser().parse_args(arguments)
    return _COMMANDS[chosen.command](chosen)


def _environment() -> dict[str, str]:
    """The environment, over what `.env` in this folder says."""
    import os

    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(".env").items() if value} | dict(os.environ)


def _key(_: Namespace) -> int:
    import base64
    import secrets

    print(base64.b64encode(secrets.token_bytes(32)).decode())
    return 0


def _manifest(chosen: Namespace) -> int:
    from bot.manifest import NoAddress, manifest

    try:
        print(manifest(chosen.url), end="")
    except NoAddress as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _check(chosen: Namespace) -> int:
    import traceback

    try:
        from bot.check import run

        return run(_environment(), as_json=chosen.json)
    except Exception as error:  # noqa: BLE001 - Python's own status would say that something else is wrong
        # Frames and kinds only: an exception's own words may hold a secret.
        frames = "".join(traceback.format_tb(error.__traceback__))
        print(f"{frames}The check itself failed: {type(error).__name__}", file=sys.stderr)
        return 2


def _demo(chosen: Namespace) -> int:
    from bot.demo import demo

    return demo(port=chosen.port, browser=not chosen.no_browser, keep=chosen.keep)


def _resume(chosen: Namespace) -> int:
    from bot.resume import run

    return run(chosen.connection, _environment())


def _log(chosen: Namespace) -> int:
    from bot.log_commands import run

    return run(chosen, _environment())


def _backup(chosen: Namespace) -> int:
    from bot.backup_command import run

    return run(chosen.file, _environment())


def _purge(chosen: Namespace) -> int:
    from bot.purge_command import run

    return run(chosen, _environment())


def _policy(chosen: Namespace) -> int:
    from bot.policy_commands import run

    return run(chosen, _environment())


def _stop(chosen: Namespace) -> int:
    from bot.stop_commands import run

    return run(chosen, _environment())


def _serve(_: Namespace) -> int:
    import asyncio

    from bot.loading import SettingsFault, load
    from bot.serve import CannotStart, log_to_stderr, serve
    from storage.connection import CannotOpen

    try:
        settings = load(_environment())
        log_to_stderr(settings.log_level, default_region=settings.slack.default_region)
        asyncio.run(serve(settings, read=lambda: load(_environment())))
    except SettingsFault as error:
        print("CallOps cannot start:", *error.faults, sep="\n  ", file=sys.stderr)
        return 2
    except (CannotStart, CannotOpen) as error:
        print(f"CallOps cannot start: {error}", file=sys.stderr)
        return 2
    return 0


_COMMANDS: Final[Mapping[str, Callable[[Namespace], int]]] = {
    "serve": _serve,
    "check": _check,
    "demo": _demo,
    "key": _key,
    "manifest": _manifest,
    "resume": _resume,
    "log": _log,
    "backup": _backup,
    "purge": _purge,
    "policy": _policy,
    "stop": _stop,
}


if __name__ == "__main__":
    sys.exit(main())

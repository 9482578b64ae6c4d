"""`python -m bot`: the command line. Light: each command imports what it needs."""

import argparse
import sys

from storage.lifecycle import State


def main(arguments: list[str] | None = None) -> int:  # noqa: PLR0911 - one for each command
    """Run a command and return the exit status: 0 done, 1 found something wrong, 2 could not start."""
    parser = argparse.ArgumentParser(
        prog="python -m bot",
        description="CallOps: place and cancel calls at voice providers from Slack.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="run the bot")
    checking = commands.add_parser("check", help="look at everything that must be right; change nothing")
    demo = commands.add_parser("demo", help="try it in the browser, with no account anywhere")
    demo.add_argument("--port", type=int, help="the page's port (4800, or any that is free)")
    demo.add_argument("--no-browser", action="store_true", help="open no browser")
    demo.add_argument("--keep", action="store_true", help="keep the folder with the log and the journal")
    resuming = commands.add_parser("resume", help="try a connection again at once that is left alone")
    resuming.add_argument("connection", help="its name in the configuration")
    commands.add_parser("key", help="make a key for CALLOPS_KEY")
    describing = commands.add_parser("manifest", help="print the Slack app's manifest, to paste")
    describing.add_argument("--url", help="the bot's address, as https://bot.example: for HTTP")
    log = commands.add_parser("log", help="read the log")
    reading = log.add_subparsers(dest="reading", required=True, metavar="list|show|verify|fixture")
    listing = reading.add_parser("list", help="list actions, newest first")
    listing.add_argument("--state", choices=list(State), help="only those in this state")
    listing.add_argument("--connection", help="only those through this connection")
    listing.add_argument("--number", help="only those to this number, as +919876543210")
    listing.add_argument("--limit", type=int, default=50, help="how many at most (50)")
    showing = reading.add_parser("show", help="show one request with all that happened to it")
    showing.add_argument("id", help="such as A-7K3F, or E-7K3F for a fault")
    showing.add_argument("--raw", action="store_true", help="the provider's replies, as they were kept")
    making = reading.add_parser("fixture", help="make a reply a case of the contract suite")
    making.add_argument("id", help="such as A-7K3F, or A-7K3F.2 where there are several targets")
    making.add_argument("--attempt", type=int, help="which request, where there were several (the last)")
    verifying = reading.add_parser("verify", help="check that the log is whole and unchanged")
    for one in (checking, listing, showing, verifying):
        one.add_argument("--json", action="store_true", help="as JSON")
    chosen = parser.parse_args(arguments)
    match chosen.command:
        case "key":
            return _key()
        case "manifest":
            return _manifest(chosen.url)
        case "serve":
            return _serve()
        case "check":
            return _check(as_json=chosen.json)
        case "demo":
            from bot.demo import demo as run_demo

            return run_demo(port=chosen.port, browser=not chosen.no_browser, keep=chosen.keep)
        case "resume":
            from bot.resume import run as resume

            return resume(chosen.connection, _environment())
        case _:
            from bot.log_commands import run

            return run(chosen, _environment())


def _environment() -> dict[str, str]:
    """The environment, over what `.env` in this folder says."""
    import os

    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(".env").items() if value} | dict(os.environ)


def _key() -> int:
    import base64
    import secrets

    print(base64.b64encode(secrets.token_bytes(32)).decode())
    return 0


def _manifest(url: str | None) -> int:
    from bot.manifest import NoAddress, manifest

    try:
        print(manifest(url), end="")
    except NoAddress as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _check(*, as_json: bool) -> int:
    import traceback

    try:
        from bot.check import run

        return run(_environment(), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - Python's own status would say that something else is wrong
        # Frames and kinds only: an exception's own words may hold a secret.
        frames = "".join(traceback.format_tb(error.__traceback__))
        print(f"{frames}The check itself failed: {type(error).__name__}", file=sys.stderr)
        return 2


def _serve() -> int:
    import asyncio

    from bot.loading import SettingsFault, load
    from bot.serve import CannotStart, log_to_stderr, serve
    from storage.connection import CannotOpen

    try:
        settings = load(_environment())
        log_to_stderr(settings.log_level)
        asyncio.run(serve(settings))
    except SettingsFault as error:
        print("CallOps cannot start:", *error.faults, sep="\n  ", file=sys.stderr)
        return 2
    except (CannotStart, CannotOpen) as error:
        print(f"CallOps cannot start: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

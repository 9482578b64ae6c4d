"""The arguments of the command line."""

import re
import sys
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import NoReturn

from bot import VERSION
from bot.text.terminal import complain, program, quoted

_OPTION = re.compile(r"-(?!\d|$)[^ ]*")
"""A word that argparse takes for an option, not for a value."""
_LONGEST_REPEATED = 60
"""Characters of what was typed that are repeated."""


class _Parser(ArgumentParser):
    """Says of an unknown command, option or choice what was probably meant."""

    def parse_known_args(  # type: ignore[override]  # argparse's own overloads differ only in the namespace
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Read the arguments. An option that is not known is said before anything that is missing."""
        typed = sys.argv[1:] if args is None else [*args]
        for one in self._own(typed):
            name = one.partition("=")[0]
            known = self._option_string_actions
            if not any(option.startswith(name) for option in known):
                self.error(f"unknown option {_repeated(name)}.{_meant(name, known)}")
        return super().parse_known_args(typed, namespace)

    def _own(self, typed: Sequence[str]) -> Iterable[str]:
        """Return the options that this parser reads: those before a command, or all up to ``--``."""
        return filter(
            _OPTION.fullmatch, takewhile(_OPTION.fullmatch if self._subparsers else "--".__ne__, typed)
        )

    def _check_value(self, action: Action, value: object) -> None:
        choices = [str(one) for one in action.choices or ()]
        if not choices or value in choices:
            return
        typed = str(value)
        what = "command" if action.option_strings == [] else "value"
        where = "".join(f"{option}: " for option in action.option_strings)
        *others, last = choices
        instead = _meant(typed, choices) or f" Use {', '.join(others)} or {last}."
        self.error(f"{where}unknown {what} {_repeated(typed)}.{instead}")

    def error(self, message: str) -> NoReturn:
        """Print how it is used and what is wrong, and end with status 2."""
        self.print_usage(sys.stderr)
        complain(f"{self.prog}: {message}")
        sys.exit(2)


def _repeated(typed: str) -> str:
    cut = f"{typed[: _LONGEST_REPEATED - 1]}…" if len(typed) > _LONGEST_REPEATED else typed
    return quoted(cut)


def _meant(typed: str, known: Iterable[str]) -> str:
    close = get_close_matches(typed, known, n=1)  # `closest` would import the log, and help is light
    return f" Did you mean {quoted(close[0])}?" if close else ""


def make_parser() -> ArgumentParser:
    """Build the command line's parser. The attribute ``command`` of its result is the command's name."""
    parser = _Parser(
        prog=program(),
        description="CallOps: place and cancel calls at voice providers from Slack.",
    )
    parser.add_argument("--version", action="version", version=f"CallOps {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="run the bot")
    commands.add_parser("init", help="write callops.toml and .env into this folder, with a new key")
    checking = commands.add_parser("check", help="check the whole setup (read-only)")
    checking.add_argument("--json", action="store_true", help="as JSON")
    checking.add_argument("--online", action="store_true", help="also let Slack validate the app's screens")
    checking.add_argument("--backups", metavar="FOLDER", help="also check the age of the backups there")
    commands.add_parser("health", help="ask the running bot whether it is healthy")
    demo = commands.add_parser("demo", help="try CallOps in the browser, without an account")
    demo.add_argument("--port", type=int, help="the page's port (4800, or a free one)")
    demo.add_argument("--no-browser", action="store_true", help="don't open a browser")
    demo.add_argument("--keep", action="store_true", help="keep the folder with the log and journal")
    commands.add_parser("key", help="make a key for CALLOPS_KEY")
    describing = commands.add_parser("manifest", help="print the Slack app's manifest")
    describing.add_argument("--url", help="the bot's address for HTTP, such as https://bot.example")
    retrying = commands.add_parser("retry-connection", help="retry a connection whose provider is down now")
    retrying.add_argument("connection", help="its name in the configuration")
    _reading(commands)
    _keeping(commands)
    _rekeying(commands)
    _policy(commands)
    _stopping(commands)
    _lists(commands)
    return parser


def _positive(typed: str) -> int:
    """Return a whole number from 1 on. Raises `ArgumentTypeError`."""
    if not typed.isdecimal() or int(typed) < 1:
        raise ArgumentTypeError(f"{_repeated(typed)} isn't a whole number of 1 or more")
    return int(typed)


def _reading(commands: "_SubParsersAction[_Parser]") -> None:
    log = commands.add_parser("log", help="read the log")
    reading = log.add_subparsers(dest="reading", required=True, metavar="list|show|export|verify|fixture")
    listing = reading.add_parser("list", help="list actions, newest first")
    _add_filters(listing)
    listing.add_argument("--limit", type=_positive, default=50, help="maximum number of actions (50)")
    exporting = reading.add_parser("export", help="write actions to a file, newest first")
    _add_filters(exporting)
    exporting.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="csv, or JSON Lines")
    exporting.add_argument(
        "--full-numbers", action="store_true", help="don't mask numbers (recorded in the log)"
    )
    exporting.add_argument("file", nargs="?", help="the new file (standard output)")
    showing = reading.add_parser("show", help="show one request and its history")
    showing.add_argument(
        "id",
        help="such as A-7K3F. Also D-… (denied attempt), E-… (error), R-… (rules), "
        "S-… (block or list), P-… (purge), X-… (export), B-… (pause)",
    )
    showing.add_argument("--raw", action="store_true", help="the provider's replies as received")
    making = reading.add_parser("fixture", help="turn a reply into a case of the contract suite")
    making.add_argument("id", help="such as A-7K3F, or A-7K3F.2 for one of several targets")
    making.add_argument("--attempt", type=int, help="which attempt (the last)")
    verifying = reading.add_parser("verify", help="check that the log is complete and unchanged")
    verifying.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="FILE|SEQ:HASH",
        help="also check these anchors (repeatable)",
    )
    for one in (listing, showing, verifying):
        one.add_argument("--json", action="store_true", help="as JSON")


def _add_filters(parser: ArgumentParser) -> None:
    """Add the options by which actions are found."""
    parser.add_argument(
        "--state", metavar="STATUS", help='only this status: done, "Not placed", or a state\'s name'
    )
    parser.add_argument("--kind", help="only this kind, such as place_call")
    parser.add_argument("--ended", metavar="ENDING", help="only calls that ended so: answered, no-answer …")
    parser.add_argument("--connection", help="only this connection")
    parser.add_argument("--by", metavar="PERSON", help="only requests by this person: an ID or a name")
    parser.add_argument("--number", help="only this number, such as +919876543210")
    parser.add_argument("--from", dest="first", metavar="DAY", help="only requests on this day or later")
    parser.add_argument("--until", dest="last", metavar="DAY", help="only requests on this day or before")
    parser.add_argument(
        "--zone", default="UTC", help="time zone of the days and times, such as Asia/Kolkata (UTC)"
    )
    parser.add_argument("--text", help="only requests with these words in a reason or note")
    parser.add_argument(
        "--after-stop", action="store_true", help="only calls to --number after it asked not to be called"
    )


def _keeping(commands: "_SubParsersAction[_Parser]") -> None:
    saving = commands.add_parser("backup", help="write a verified copy of the log, even while the bot runs")
    saving.add_argument("file", help="the new file (an existing one is kept), or a folder")
    saving.add_argument("--keep", type=_positive, metavar="N", help="keep the newest N backups in the folder")
    trying = commands.add_parser("restore-drill", help="prove that a backup can be restored")
    trying.add_argument("backup", help="a backup, or the folder of which the newest is taken")
    purging = commands.add_parser("purge", help="erase personal data by age, number or person")
    rule = purging.add_mutually_exclusive_group()
    rule.add_argument("--older-than", metavar="90d", help="what ended this long ago, instead of keep_at_most")
    rule.add_argument("--number", metavar="+91…", help="every request to this number or mentioning it")
    rule.add_argument("--person", metavar="U…", help="the Slack name of this person")
    rule.add_argument("--again", action="store_true", help="everything purged before (after a restore)")
    purging.add_argument("--dry-run", action="store_true", help="show what would be erased, change nothing")


def _rekeying(commands: "_SubParsersAction[_Parser]") -> None:
    rekeying = commands.add_parser("rekey", help="change CALLOPS_KEY to CALLOPS_NEW_KEY (bot stopped)")
    rekeying.add_argument(
        "--numbers",
        metavar="FILE",
        action="append",
        default=[],
        help="numbers of do-not-call lists and blocks, to carry them over (repeatable)",
    )
    rekeying.add_argument(
        "--drop-unknown", action="store_true", help="drop blocks of unknown numbers, and pause all calls"
    )


def _policy(commands: "_SubParsersAction[_Parser]") -> None:
    policy = commands.add_parser("policy", help="explain the rules, or find mistakes in them")
    asking = policy.add_subparsers(dest="asking", required=True, metavar="explain|lint")
    explaining = asking.add_parser("explain", help="show what the rules decide for a person, and why")
    explaining.add_argument("--user", required=True, metavar="U…", help="the person's Slack ID")
    explaining.add_argument("--action", required=True, help="such as cancel_call, place_call or pause")
    explaining.add_argument("--connection", required=True, help="the connection's name")
    explaining.add_argument("--channel", metavar="C…", help="the channel of the request (none)")
    explaining.add_argument(
        "--country", action="append", default=[], metavar="IN", help="the number's country (repeatable)"
    )
    explaining.add_argument("--reason", help="the reason")
    explaining.add_argument("--at", help="the time of the request, such as 2026-11-21T22:30+05:30 (now)")
    linting = asking.add_parser(
        "lint", help="find rules that never apply, that no one can satisfy, or that others bypass"
    )
    for one in (explaining, linting):
        one.add_argument("--config", metavar="FILE", help="the file (CALLOPS_CONFIG, or callops.toml)")
        one.add_argument("--json", action="store_true", help="as JSON")


def _stopping(commands: "_SubParsersAction[_Parser]") -> None:
    stop = commands.add_parser("stop", aliases=["do-not-call"], help="manage do-not-call lists")
    stopping = stop.add_subparsers(dest="stopping", required=True, metavar="import|list|remove")
    importing = stopping.add_parser("import", help="block every number in a file (only hashes are kept)")
    importing.add_argument("file", metavar="FILE", help="one number per line, or a CSV file with a header")
    importing.add_argument("--list", metavar="NAME", help="the list to add to (the file's name)")
    importing.add_argument("--region", metavar="IN", help="region of numbers without a plus (default_region)")
    importing.add_argument(
        "--column",
        metavar="NAME",
        action="append",
        default=[],
        help="read this column, by header or position (repeatable)",
    )
    importing.add_argument("--leave-out-bad-lines", action="store_true", help="skip bad lines")
    importing.add_argument("--dry-run", action="store_true", help="show what would be blocked")
    counting = stopping.add_parser("list", help="count the blocked numbers by list")
    counting.add_argument("--json", action="store_true", help="as JSON")
    removing = stopping.add_parser("remove", help="remove a do-not-call list")
    removing.add_argument("list", metavar="NAME", help="the list")


def _lists(commands: "_SubParsersAction[_Parser]") -> None:
    checking = commands.add_parser("import", help="check a call list (lists are requested in Slack)")
    checking.add_argument("file", metavar="FILE", help="a CSV file with a header, one call per row")
    checking.add_argument("--dry-run", action="store_true", help="check the file, request nothing")
    checking.add_argument("--via", metavar="NAME", help="the connection (the only one)")
    checking.add_argument("--cancel", action="store_true", help="the rows are calls to cancel")
    checking.add_argument("--agent", metavar="NAME", help="the voice agent of rows without one")
    checking.add_argument("--at", metavar="WHEN", help="the time of rows without one (now)")
    checking.add_argument("--zone", default="UTC", help="the zone of the times, such as Asia/Kolkata (UTC)")

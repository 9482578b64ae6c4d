"""The arguments of `python -m bot`."""

import re
import sys
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import NoReturn

from bot.text.terminal import complain, quoted
from storage.states import State

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
                self.error(f"there is no option {_repeated(name)}.{_meant(name, known)}")
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
        what = "no command" if action.option_strings == [] else "no"
        where = "".join(f"{option}: " for option in action.option_strings)
        meant = _meant(typed, choices)
        *others, last = choices
        instead = f".{meant}" if meant else f": write {', '.join(others)} or {last}."
        self.error(f"{where}there is {what} {_repeated(typed)}{instead}")

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
        prog="python -m bot",
        description="CallOps: place and cancel calls at voice providers from Slack.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="run the bot")
    checking = commands.add_parser("check", help="look at everything that must be right; change nothing")
    checking.add_argument("--json", action="store_true", help="as JSON")
    demo = commands.add_parser("demo", help="try it in the browser, with no account anywhere")
    demo.add_argument("--port", type=int, help="the page's port (4800, or any that is free)")
    demo.add_argument("--no-browser", action="store_true", help="open no browser")
    demo.add_argument("--keep", action="store_true", help="keep the folder with the log and the journal")
    commands.add_parser("key", help="make a key for CALLOPS_KEY")
    describing = commands.add_parser("manifest", help="print the Slack app's manifest, to paste")
    describing.add_argument("--url", help="the bot's address, as https://bot.example: for HTTP")
    resuming = commands.add_parser("resume", help="try a connection again at once that is left alone")
    resuming.add_argument("connection", help="its name in the configuration")
    _reading(commands)
    _keeping(commands)
    _policy(commands)
    _stopping(commands)
    return parser


def _positive(typed: str) -> int:
    """Return a whole number from 1 on. Raises `ArgumentTypeError`."""
    if not typed.isdecimal() or int(typed) < 1:
        raise ArgumentTypeError(f"{_repeated(typed)} is no whole number from 1 on")
    return int(typed)


def _reading(commands: "_SubParsersAction[_Parser]") -> None:
    log = commands.add_parser("log", help="read the log")
    reading = log.add_subparsers(dest="reading", required=True, metavar="list|show|export|verify|fixture")
    listing = reading.add_parser("list", help="list actions, newest first")
    _add_filters(listing)
    listing.add_argument("--limit", type=_positive, default=50, help="how many at most (50)")
    exporting = reading.add_parser("export", help="write actions to a file, newest first")
    _add_filters(exporting)
    exporting.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="csv, or JSON Lines")
    exporting.add_argument(
        "--full-numbers", action="store_true", help="do not mask numbers; the log keeps that you did this"
    )
    exporting.add_argument("file", nargs="?", help="the new file (standard output)")
    showing = reading.add_parser("show", help="show one request with all that happened to it")
    showing.add_argument(
        "id",
        help="such as A-7K3F; D-… a denied attempt, E-… a fault, R-… changed rules, S-… a stop or a list, "
        "P-… a purge, X-… an export",
    )
    showing.add_argument("--raw", action="store_true", help="the provider's replies, as they were kept")
    making = reading.add_parser("fixture", help="make a reply a case of the contract suite")
    making.add_argument("id", help="such as A-7K3F, or A-7K3F.2 where there are several targets")
    making.add_argument("--attempt", type=int, help="which request, where there were several (the last)")
    verifying = reading.add_parser("verify", help="check that the log is whole and unchanged")
    verifying.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="FILE|SEQ:HASH",
        help="and that it still holds these anchors; may be given several times",
    )
    for one in (listing, showing, verifying):
        one.add_argument("--json", action="store_true", help="as JSON")


def _add_filters(parser: ArgumentParser) -> None:
    """Add the options by which actions are found."""
    parser.add_argument("--state", choices=list(State), help="only those in this state")
    parser.add_argument("--kind", help="only those of this kind, such as place_call")
    parser.add_argument("--connection", help="only those through this connection")
    parser.add_argument("--by", metavar="PERSON", help="only those this person asked for: an id or a name")
    parser.add_argument("--number", help="only those to this number, as +919876543210")
    parser.add_argument("--from", dest="first", metavar="DAY", help="only those asked on this day or later")
    parser.add_argument("--until", dest="last", metavar="DAY", help="only those asked on this day or before")
    parser.add_argument(
        "--zone", default="UTC", help="of days, and of the list's times, as Asia/Kolkata (UTC)"
    )
    parser.add_argument("--text", help="only those with these words in a reason or a note")
    parser.add_argument(
        "--after-stop", action="store_true", help="only calls to --number since it asked for no more"
    )


def _keeping(commands: "_SubParsersAction[_Parser]") -> None:
    saving = commands.add_parser("backup", help="write a verified copy of the log, also while the bot runs")
    saving.add_argument("file", help="the file to make; one that is there is left alone")
    purging = commands.add_parser("purge", help="erase personal data: by age, by number, by person")
    rule = purging.add_mutually_exclusive_group()
    rule.add_argument("--older-than", metavar="90d", help="what ended so long ago, instead of keep_at_most")
    rule.add_argument("--number", metavar="+91…", help="every request aimed at this number or mentioning it")
    rule.add_argument("--person", metavar="U…", help="the name of a person in Slack, as it was read")
    rule.add_argument("--again", action="store_true", help="all that was purged before: after a restore")
    purging.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")


def _policy(commands: "_SubParsersAction[_Parser]") -> None:
    policy = commands.add_parser("policy", help="ask the rules in the file, or look for what is wrong there")
    asking = policy.add_subparsers(dest="asking", required=True, metavar="explain|lint")
    explaining = asking.add_parser("explain", help="what the rules say to somebody, and why")
    explaining.add_argument("--user", required=True, metavar="U…", help="the person's Slack id")
    explaining.add_argument("--action", required=True, help="such as cancel_call or place_call")
    explaining.add_argument("--connection", required=True, help="by the name people type")
    explaining.add_argument("--channel", metavar="C…", help="where it is asked; none where it is not said")
    explaining.add_argument(
        "--country", action="append", default=[], metavar="IN", help="of a number; more than once for several"
    )
    explaining.add_argument("--reason", help="what is given as the reason")
    explaining.add_argument("--at", help="when it is asked, as 2026-11-21T22:30+05:30 (now)")
    linting = asking.add_parser(
        "lint", help="find rules that nobody can satisfy, that never hold, or are gone around"
    )
    for one in (explaining, linting):
        one.add_argument("--config", metavar="FILE", help="the file (CALLOPS_CONFIG, or callops.toml)")
        one.add_argument("--json", action="store_true", help="as JSON")


def _stopping(commands: "_SubParsersAction[_Parser]") -> None:
    stop = commands.add_parser("stop", aliases=["do-not-call"], help="keep do-not-call lists")
    stopping = stop.add_subparsers(dest="stopping", required=True, metavar="import|list|remove")
    importing = stopping.add_parser("import", help="block every number of a file; only hashes are kept")
    importing.add_argument("file", metavar="FILE", help="a number a line, or a CSV file with a header")
    importing.add_argument("--list", metavar="NAME", help="the list to add them to (the file's name)")
    importing.add_argument("--region", metavar="IN", help="of numbers without a plus (default_region)")
    importing.add_argument(
        "--column",
        metavar="NAME",
        action="append",
        default=[],
        help="read this column, by its header or place; more than once for several",
    )
    importing.add_argument("--leave-out-bad-lines", action="store_true", help="import the rest all the same")
    importing.add_argument("--dry-run", action="store_true", help="say what would be blocked; write nothing")
    counting = stopping.add_parser("list", help="how many numbers are blocked, by list")
    counting.add_argument("--json", action="store_true", help="as JSON")
    removing = stopping.add_parser("remove", help="block the numbers of a list no longer")
    removing.add_argument("list", metavar="NAME", help="the list")

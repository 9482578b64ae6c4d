"""`python -m bot policy explain | lint`: the rules at a terminal. They need neither Slack nor any secret."""

import argparse
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bot.cli.checks.rules import lint
from bot.config.loader import ConfigReport, read_config
from bot.config.settings import SLACK_PERSON
from bot.policy.explain import as_lines, as_object, explain, explain_pause
from bot.policy.matching import RequestContext
from bot.policy.rules import OF_CALLS, SLACK_CHANNEL
from bot.text.findings import anything_wrong, as_objects, wrong
from bot.text.findings import as_lines as findings_as_lines
from bot.text.formatting import closest
from bot.text.terminal import complain, say, say_json
from providers.actions import Kind
from providers.phone import REGIONS

PAUSE = "pause"
"""An action to explain that is asked of no provider."""
OK, WRONG, CANNOT_START = 0, 1, 2


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run one of the commands and return the exit status."""
    found = read_config({**variables, **({"CALLOPS_CONFIG": chosen.config} if chosen.config else {})})
    if chosen.asking == "lint":
        return _lint(found, as_json=chosen.json)
    faults = list(found.file_faults) or _faults(chosen, found)
    if faults:
        complain(*faults)
        return CANNOT_START
    at = _at(chosen.at) or datetime.now(UTC)
    if chosen.action == PAUSE:
        answer = explain_pause(found.rules, found.groups, chosen.user, chosen.connection, at)
    else:
        wanted = RequestContext(
            Kind(chosen.action), chosen.connection, at, chosen.channel, _countries(chosen), chosen.reason
        )
        answer = explain(found.rules, found.groups, chosen.user, wanted)
    if chosen.json:
        say_json(as_object(answer))
    else:
        say(*as_lines(answer, chosen.reason, chosen.user))
    return OK


def _countries(chosen: argparse.Namespace) -> frozenset[str | None]:
    if Kind(chosen.action) not in OF_CALLS:
        return frozenset()
    return frozenset(chosen.country) or frozenset({None})


def _meant(typed: str, known: Iterable[str]) -> str:
    meant = closest(typed, known)
    return f" Did you mean {meant}?" if meant else ""


def _at(text: str | None) -> datetime | None:
    """Return a time with its zone, None for any other text."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else None


def _faults(chosen: argparse.Namespace, found: ConfigReport) -> list[str]:
    """Return the faults of the question."""
    connections = {*found.connections, *found.off}
    asked = (
        (SLACK_PERSON.match(chosen.user), f"--user {chosen.user}: use a person's ID (U…)"),
        (
            chosen.action in {*Kind, PAUSE},
            f'Unknown action "{chosen.action}".{_meant(chosen.action, [*Kind, PAUSE])}',
        ),
        (
            chosen.connection in connections,
            f'Unknown connection "{chosen.connection}".{_meant(chosen.connection, connections)}',
        ),
        (
            chosen.channel is None or re.match(SLACK_CHANNEL, chosen.channel),
            f"--channel {chosen.channel}: use a channel's ID (C…)",
        ),
        (
            REGIONS.issuperset(chosen.country),
            f"--country {' '.join(chosen.country)}: use a country's two capital letters, such as IN",
        ),
        (
            chosen.at is None or _at(chosen.at),
            f"--at {chosen.at}: use a time with its zone, such as 2026-11-21T22:30+05:30",
        ),
    )
    return [what for right, what in asked if not right]


def _lint(found: ConfigReport, *, as_json: bool) -> int:
    findings = [wrong("file", fault, f"Fix it in {found.path}.") for fault in found.file_faults]
    if found.readable and not any(where.startswith(("rules", "groups")) for where in found.unread):
        findings += lint(found.rules, found.groups, found.connections)
    if as_json:
        say_json(as_objects(findings), indent=2)
    else:
        say(*findings_as_lines(findings))
    return WRONG if anything_wrong(findings) else OK

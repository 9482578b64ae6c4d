"""Bounded parsing: typed, pasted and mentioned texts cost a limited number of steps."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from bot.parsing import log_query, mentions
from bot.parsing.command import CommandContext, ConnectionInfo, Verb
from bot.parsing.parser import parse
from bot.parsing.tokens import clean
from providers.actions import Kind
from tests.bot.parsing.test_parser import NOW
from tests.security.hostile_texts import of_length

MOST = 8_000
"""Characters of the longest command."""
MOST_STEPS = 1_000_000
"""Function calls, Python's and C's: some 100 ms. A list of fifty rows takes about 60 000."""
BOTH = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
TIMEZONE = "Asia/Kolkata"


def words(region: str) -> CommandContext:
    """Return a context with both kinds of connections."""
    connections = {
        "reminders": ConnectionInfo(("payments",), BOTH, "number"),
        "voxworks": ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id"),
    }
    return CommandContext(connections, region)


def steps(run: Callable[[], object]) -> int:
    """Return how many functions were called, in Python and in C."""
    count = 0

    def profile(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def typed(text: str, door: Verb | None, region: str) -> Callable[[], object]:
    """Return a function that parses a command."""
    return lambda: parse(text, default_verb=door, vocabulary=words(region), timezone=TIMEZONE, now=NOW)


def searched(text: str, region: str) -> Callable[[], object]:
    """Return a function that parses a log query."""
    return lambda: log_query.read(
        clean(text), vocabulary=words(region), timezone=TIMEZONE, me="U0AGENT", now=NOW
    )


@pytest.mark.parametrize("region", ["IN", "DE"])
@pytest.mark.parametrize("name", of_length(1))
def test_no_text_in_any_door_costs_more_than_a_bound(name: str, region: str) -> None:
    """Commands with each default verb, searches, and messages behind the shortcut are covered."""
    text = of_length(MOST)[name]
    for door in (None, Verb.CANCEL, Verb.PLACE, Verb.STOP, Verb.MOVE):
        begins = "cancel " if door is None else ""
        assert steps(typed((begins + text)[:MOST], door, region)) < MOST_STEPS
    assert steps(typed(f"vx_1 late {text}"[:MOST], Verb.CANCEL, region)) < MOST_STEPS
    assert (
        steps(typed(f"98765 43210 {text}"[: MOST - 13] + " via voxworks", Verb.CANCEL, region)) < MOST_STEPS
    )
    assert steps(searched(text, region)) < MOST_STEPS
    message = {"text": text * 12, "blocks": []}
    assert steps(lambda: mentions.read(message, default_region=region)) < MOST_STEPS


@pytest.mark.parametrize("name", of_length(1))
def test_twice_the_text_costs_at_most_twice_as_much(name: str) -> None:
    """No rule scans the text once for each of its parts."""
    for door in (Verb.CANCEL, Verb.STOP):
        half, whole = (steps(typed(of_length(length)[name], door, "IN")) for length in (MOST // 2, MOST))
        assert whole < 2.2 * half + 4_000

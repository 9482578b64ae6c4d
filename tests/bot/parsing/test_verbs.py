# ruff: noqa: RUF001 - words as people type them
"""Verbs in people's own words. No similarity leads to a dangerous verb."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.command import Command, CommandContext, ConnectionInfo, Verb
from bot.parsing.defaults import fill_defaults
from bot.parsing.parser import parse
from bot.ui.command_replies import fault_message
from providers import phone
from providers.actions import Kind

NOW = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)
TIMEZONE = "Asia/Kolkata"
REMINDERS = ConnectionInfo(("payments",), frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), "number")
VOXWORKS = ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id")
OF_CAMPAIGNS = frozenset({Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN})
KORE = ConnectionInfo(kinds=OF_CAMPAIGNS)
ALL = CommandContext({"reminders": REMINDERS, "voxworks": VOXWORKS, "kore": KORE}, default_region="IN")
NO_CAMPAIGNS = CommandContext({"reminders": REMINDERS, "voxworks": VOXWORKS}, default_region="IN")
DANGEROUS = {Verb.ALLOW, Verb.STOP, Verb.START_CAMPAIGN, Verb.STOP_CAMPAIGN, Verb.DELETE_CAMPAIGN}
NUMBER = "98765 43210"


def read(text: str, vocabulary: CommandContext = ALL, door: Verb | None = None) -> Command:
    """Parse a line."""
    return parse(text, default_verb=door, vocabulary=vocabulary, timezone=TIMEZONE, now=NOW)


def about(line: Command) -> tuple[str | None, tuple[Verb, ...]]:
    """Return the suggestion for the verb, and the verbs that have buttons."""
    found = [fault.suggestion for fault in line.problems if fault.field == "verb"]
    assert len(found) == 1
    return found[0], line.verbs


PLACING = ["call", "Call:", "CALLS", "calling", "dial", "redial", "ring", "phone", "telephone", "schedule", "book", "callback", "call back", "make a call to", "make call", "start call", "start", "place-call"]  # fmt: skip
CANCELLING = ["delete", "remove", "erase", "delete the call to", "remove call", "abort", "unschedule", "drop", "revoke", "hang up", "end", "kill"]  # fmt: skip


@pytest.mark.parametrize("word", PLACING)
def test_people_who_want_to_call_are_led_to_placing(word: str) -> None:
    """The number is understood, and the rest of the line is parsed as that of a call."""
    line = read(f"{word} {NUMBER} tomorrow 9:30")
    assert about(line) == ("place", (Verb.PLACE,))
    assert [str(target.phone.e164) for target in line.targets] == ["+919876543210"]  # type: ignore[union-attr]
    assert line.at is not None
    again = read(line.rest, door=Verb.PLACE)
    assert (again.problems, again.targets) == ((), line.targets)


@pytest.mark.parametrize("word", CANCELLING)
def test_people_who_want_a_call_gone_are_led_to_cancelling(word: str) -> None:
    """Before a number the words mean a call, with or without deletion of campaigns."""
    for vocabulary in (ALL, NO_CAMPAIGNS):
        line = read(f"{word} {NUMBER} customer asked", vocabulary)
        assert about(line) == ("cancel", (Verb.CANCEL,))
        assert (len(line.targets), line.reason) == (1, "customer asked")


@pytest.mark.parametrize("word", ["delete", "remove", "erase"])
def test_an_id_may_be_a_calls_or_a_campaigns(word: str) -> None:
    """Both verbs are offered if both are possible, and none is chosen."""
    line = read(f"{word} cd-2129073 it is over")
    assert about(line) == (None, (Verb.CANCEL, Verb.DELETE_CAMPAIGN))
    assert about(read(f"{word} vx_1 it is over", NO_CAMPAIGNS)) == ("cancel", (Verb.CANCEL,))
    assert about(read(f"{word} campaign cd-1 over")) == ("campaign delete", (Verb.DELETE_CAMPAIGN,))


@pytest.mark.parametrize(
    ("typed", "suggested", "offered"),
    [
        (f"stop call {NUMBER}", "cancel", (Verb.CANCEL, Verb.STOP)),
        (f"stop the call to {NUMBER}", "cancel", (Verb.CANCEL, Verb.STOP)),
        (f"Stop my scheduled call {NUMBER}", "cancel", (Verb.CANCEL, Verb.STOP)),
        (f"stop calls to {NUMBER}", "stop", (Verb.STOP,)),
        (f"stop all calls to {NUMBER}", "stop", (Verb.STOP,)),
        (f"stop calling {NUMBER}", "stop", (Verb.STOP,)),
        (f"do not call {NUMBER}", "stop", (Verb.STOP,)),
        (f"don’t call {NUMBER}", "stop", (Verb.STOP,)),
        (f"dont ring {NUMBER}", "stop", (Verb.STOP,)),
        (f"never phone {NUMBER}", "stop", (Verb.STOP,)),
        (f"pause {NUMBER}", None, (Verb.CANCEL, Verb.STOP)),
        (f"halt {NUMBER}", None, (Verb.CANCEL, Verb.STOP)),
        ("stop campaign cd-1", "campaign stop", (Verb.STOP_CAMPAIGN,)),
        ("start campaign cd-1", "campaign start", (Verb.START_CAMPAIGN,)),
        ("pause cd-1", "campaign stop", (Verb.STOP_CAMPAIGN,)),
        (f"reschedule {NUMBER} Mon 10:00", "move", (Verb.MOVE,)),
        (f"postpone the call to {NUMBER} Mon 10:00", "move", (Verb.MOVE,)),
        (f"unblock {NUMBER}", "allow", (Verb.ALLOW,)),
        (f"block {NUMBER}", "stop", (Verb.STOP,)),
        ("stat A-7K3F", "status", ()),
        ("search moved away", "log", ()),
    ],
)
def test_what_is_meant_is_asked(typed: str, suggested: str | None, offered: tuple[Verb, ...]) -> None:
    """Nothing is done: the target is understood, and each possible meaning is a button."""
    line = read(typed)
    assert line.verb is None
    assert about(line) == (suggested, offered)
    if offered:
        assert len(line.targets) == 1
        message = fault_message(fill_defaults(line, ALL), line.problems, "d" * 24)
        [buttons] = [block["elements"] for block in message.blocks if block["type"] == "actions"]
        assert len(buttons) == len(offered)


@pytest.mark.parametrize("word", ["alow", "all", "follow", "wall", "fellow", "undo", "approve", "stat", "rest", "strat", "delta", "remote", "stopp", "blocked", "star", "art", "low", "ring", "book", "abort"])  # fmt: skip
def test_a_word_that_is_only_alike_leads_to_nothing_dangerous(word: str) -> None:
    """The word never means allowing calls, blocking a number, or changing a campaign."""
    for rest in (NUMBER, "cd-1", "A-7K3F", ""):
        suggested, offered = about(read(f"{word} {rest}"))
        assert not {suggested, *offered} & DANGEROUS


@pytest.mark.parametrize(
    "word", ["stat", "status", "state", "stats", "statsu", "approve", "approves", "move", "shows"]
)
def test_other_words_are_no_slips_of_what_is_done_to_campaigns(word: str) -> None:
    """Starting a campaign calls people, and a deletion is final, so every possible verb is offered."""
    suggested, offered = about(read(f"campaign {word} cd-1"))
    assert suggested is None
    assert set(offered) == {Verb.DELETE_CAMPAIGN, Verb.STOP_CAMPAIGN, Verb.START_CAMPAIGN}


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=2, max_size=12))
def test_no_slip_leads_to_what_is_dangerous(word: str) -> None:
    """Only the exact words lead there."""
    said = {"unstop", "unblock", "block", "dnc", "donotcall", "allow", "stop", "delete", "remove", "erase"}
    said |= {"start", "pause", "halt", "play", "resume", "run", "launch"}
    line = read(f"{word} cd-1")
    if word not in said:
        assert not {*line.verbs, *(fault.suggestion for fault in line.problems), line.verb} & DANGEROUS


@pytest.mark.parametrize(
    ("typed", "verb"),
    [
        (f"place call {NUMBER}", Verb.PLACE),
        (f"place a call to {NUMBER}", Verb.PLACE),
        (f"cancel the call to {NUMBER} duplicate", Verb.CANCEL),
        ("cancel call vx_1 duplicate", Verb.CANCEL),
        (f"cancel scheduled calls to {NUMBER} duplicate", Verb.CANCEL),
        (f"move the call to {NUMBER} Mon 10:00", Verb.MOVE),
    ],
)
def test_the_noun_before_a_target_is_no_target(typed: str, verb: Verb) -> None:
    """The noun belongs to the verb of a line or of a command. A noun elsewhere stays in the reason."""
    line = read(typed)
    assert (line.verb, line.problems, len(line.targets)) == (verb, (), 1)
    assert read(typed.partition(" ")[2], door=verb).targets == line.targets
    assert read("cancel vx_1 the call to 1 customer failed").reason == "the call to 1 customer failed"
    assert read("cancel call=vx_1").targets == read("cancel vx_1").targets


def test_the_number_here_is_one() -> None:
    """Otherwise the tests above prove nothing."""
    assert phone.read(NUMBER, default_region="IN").e164 == "+919876543210"

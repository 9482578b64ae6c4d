"""The words behind "pause" and "resume", as a table."""

from datetime import UTC, datetime

import pytest

from bot.parsing.command import Command, CommandContext, ConnectionInfo, Question, Verb, format_command
from bot.parsing.parser import parse

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""Half past eleven in India."""
AT_THREE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CONTEXT = CommandContext({"reminders": ConnectionInfo(), "voxworks": ConnectionInfo()}, "IN")


def read(typed: str, *answers: int) -> Command:
    """Read a line."""
    return parse(
        typed, default_verb=None, vocabulary=CONTEXT, timezone="Asia/Kolkata", now=NOW, answers=answers
    )


@pytest.mark.parametrize(
    ("typed", "connection", "at", "reason"),
    [
        ("pause wrong list", None, None, "wrong list"),
        ("pause until 15:00 wrong list", None, AT_THREE, "wrong list"),
        ("pause till 3 pm wrong list", None, AT_THREE, "wrong list"),
        ("pause via voxworks wrong list", "voxworks", None, "wrong list"),
        ("pause via voxworks until 15:00 wrong list", "voxworks", AT_THREE, "wrong list"),
        ("pause until 15:00 via voxworks wrong list", "voxworks", AT_THREE, "wrong list"),
        ("pause wrong list via voxworks", "voxworks", None, "wrong list"),
        ("pause reason=wrong list until=15:00", None, AT_THREE, "wrong list"),
        ('pause "until 15:00 nobody answers"', None, None, "until 15:00 nobody answers"),
        ("pause 3 complaints today", None, None, "3 complaints today"),
        ("pause until 15:00", None, AT_THREE, None),
        ("pause", None, None, None),
    ],
)
def test_a_pause_is_read(typed: str, connection: str | None, at: datetime | None, reason: str | None) -> None:
    """Connection, end and reason. A missing reason is asked for later, without a form."""
    line = read(typed)
    assert (line.verb, line.problems, line.missing) == (Verb.PAUSE, (), ())
    assert (line.connection, line.at, line.reason) == (connection, at, reason)
    if reason:
        again = read(format_command(line))
        assert (again.connection, again.at, again.reason) == (connection, at, reason)


@pytest.mark.parametrize(
    ("typed", "answer", "at", "reason"),
    [
        ("pause wrong list until 15:00", 0, AT_THREE, "wrong list"),
        ("pause wrong list until 15:00", 1, None, "wrong list until 15:00"),
        ("pause until the list is right", 0, None, "until the list is right"),
        ("pause via voxwork wrong list", 0, None, "wrong list"),
    ],
)
def test_what_is_doubtful_is_asked(typed: str, answer: int, at: datetime | None, reason: str) -> None:
    """Nothing is paused before the answer."""
    [asked] = read(typed).problems
    assert isinstance(asked, Question)
    line = read(typed, answer)
    assert (line.problems, line.at, line.reason) == ((), at, reason)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("pause until 9:00 wrong list", "is in the past"),
        ("pause until now wrong list", "A pause can't end now."),
        ("pause until 5/6 10:00 wrong list", "can mean two dates"),
        ("pause via nowhere wrong list", "There's no connection “nowhere”"),
        ("resume via nowhere", "There's no connection “nowhere”"),
        ("resume it is fine", "Remove “it is fine”."),
        ("pause agent=x wrong list", "It doesn't work for pausing calls."),
    ],
)
def test_what_cannot_be_meant_is_a_fault(typed: str, fault: str) -> None:
    """A mistyped name never pauses everything."""
    assert fault in " ".join(one.message for one in read(typed).problems)


def test_a_resume_is_read() -> None:
    """It names a connection or none."""
    assert (read("resume").verb, read("resume").problems) == (Verb.RESUME, ())
    assert read("resume via voxworks").connection == "voxworks"


@pytest.mark.parametrize(
    "typed", ["pause cd-2129073 it ended", "resume cd-2129073", "pause +91 98765 43210 wrong", "pause A-7K3F"]
)
def test_a_target_is_never_taken_for_all_calls(typed: str) -> None:
    """A named campaign, call or number is not the whole connection."""
    line = read(typed)
    assert line.verb is None
    assert "is for all calls" in line.problems[0].message

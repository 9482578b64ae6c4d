"""Colours: on a terminal alone, where they are wanted, and never within what somebody else wrote."""

import os
import pty
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

import pytest

from bot.text.terminal import Painted, Style, fitting, has_colours, say, width


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """Our end of a terminal."""
    theirs, ours = pty.openpty()
    with os.fdopen(ours, "w", encoding="utf-8") as out:
        yield out
    os.close(theirs)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_a_terminal_has_colours_unless_its_user_wants_none(
    terminal: TextIO, variables: dict[str, str], *, expected: bool
) -> None:
    """NO_COLOR counts once it is not empty; what is not known to be able is not asked to."""
    assert has_colours(terminal, variables) is expected


def test_a_pipe_and_a_file_have_no_colours() -> None:
    """No colour is written into a pipe, for any environment."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        assert not has_colours(pipe, {"TERM": "xterm"})
    os.close(reading)
    assert not has_colours(StringIO(), {"TERM": "xterm"})


def test_the_parts_of_a_line_are_one_line() -> None:
    """Each is made harmless, and further lines stand as far in as the line itself."""
    out = StringIO()
    say(["  ", Painted("FAIL", Style.BAD), " a\nb\x1b[2J"], "plain", to=out)
    assert out.getvalue() == "  FAIL a\n  │ b\\x1b[2J\nplain\n"


@pytest.mark.parametrize(
    ("value", "columns", "printed"),
    [
        ("wrong number", 12, "wrong number"),
        ("wrong number", 11, "wrong numb…"),
        ('say "no"', 9, r'"say \"…"'),
        ("a\nb", 6, '"a\\nb"'),
        ("a\nb", 5, "a…"),
        ("先方の都合", 10, "先方の都合"),
        ("先方の都合", 9, "先方の都…"),
        ("शर्मा", 4, "शर्मा"),
        ("wrong", 1, "…"),
    ],
)
def test_a_value_is_cut_to_its_columns(value: str, columns: int, printed: str) -> None:
    """Whole characters, in quotes where they must be; a letter of China is two columns wide, a mark none."""
    assert fitting(value, columns) == printed
    assert width(printed) <= columns

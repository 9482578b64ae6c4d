"""Colours: on a terminal alone, where they are wanted, and never within what somebody else wrote."""

import os
import pty
from collections.abc import Iterator
from io import StringIO
from typing import TextIO

import pytest

from bot.text.terminal import Painted, Style, has_colours, say


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
    """Whatever the environment says."""
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

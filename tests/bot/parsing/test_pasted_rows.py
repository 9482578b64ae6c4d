"""Targets pasted from a sheet, each in a line, with other words beside it."""

import re
from datetime import UTC, datetime

import pytest

from bot.parsing.command import (
    Command,
    CommandContext,
    ConnectionInfo,
    Question,
    Verb,
    format_command,
)
from bot.parsing.numbers import NumberTarget
from bot.parsing.parser import parse
from bot.parsing.targets import IdTarget
from bot.ui.command_replies import asked
from providers.actions import Kind
from storage.states import State
from tests.bot.ui.test_channel_messages import ACTIONS, record, request

CANCELS = frozenset({Kind.CANCEL_CALL})
WORDS = CommandContext(
    {
        "reminders": ConnectionInfo(("payments",), CANCELS, "number"),
        "voxworks": ConnectionInfo((), CANCELS, "call_id"),
    },
    "IN",
)
BOTH = ("+919876543210", "+919876543211")


def read(text: str) -> Command:
    """Parse a cancellation typed or pasted in India."""
    timezone, now = "Asia/Kolkata", datetime.now(UTC)
    return parse(text, default_verb=Verb.CANCEL, vocabulary=WORDS, timezone=timezone, now=now)


def targets(line: Command) -> tuple[str, ...]:
    """Return the targets as the log has them."""
    return tuple(one.phone.e164 if isinstance(one, NumberTarget) else one.provider_id for one in line.targets)


@pytest.mark.parametrize(
    ("pasted", "found", "reason", "left_out"),
    [
        ("98765 43210 Asha\n98765 43211 Ravi", BOTH, None, ("Asha", "Ravi")),
        ("Asha Rao\t+91 98765 43210\tdue\nRavi\t98765 43211\t", BOTH, None, ("Asha Rao", "due", "Ravi")),
        (
            "98765 43210 | Asha | 12 May\n98765 43211 | Ravi | 4500",
            BOTH,
            None,
            ("Asha 12 May", "Ravi 4500"),
        ),
        ("1. 98765 43210\n2. 98765 43211", BOTH, None, ()),
        ("- 98765 43210\r\n- 98765 43211\r\nwrong number", BOTH, "wrong number", ()),
        ("98765 43210 wrong number\n98765 43211 wrong number", BOTH, "wrong number", ()),
        (
            "98765 43210 Asha\n98765 43211 Ravi\nwrong number, sorry",
            BOTH,
            "wrong number, sorry",
            ("Asha", "Ravi"),
        ),
        ("98765 43210 Asha\n\n98765 43210 Asha again", BOTH[:1], None, ("Asha", "Asha again")),
        ("vx_1001 Asha\nvx_1002 Ravi", ("vx_1001", "vx_1002"), None, ("Asha", "Ravi")),
        ("vx_1001 duplicate\n2nd request", ("vx_1001",), "duplicate 2nd request", ()),
        ("98765 43210, 98765 43211\nwrong number", BOTH, "wrong number", ()),
        ("98765 43210 see bill 4711\nand bill 4712", BOTH[:1], "see bill 4711 and bill 4712", ()),
    ],
)
def test_one_target_a_line_is_understood(
    pasted: str, found: tuple[str, ...], reason: str | None, left_out: tuple[str, ...]
) -> None:
    """Words beside the targets are left out, unless all rows have the same.

    Lines behind the last target are the reason.
    """
    line = read(pasted)
    assert (targets(line), line.reason, line.ignored_words, line.problems) == (found, reason, left_out, ())
    assert targets(read(format_command(line).removeprefix("cancel "))) == found


@pytest.mark.parametrize(
    "typed",
    [
        "98765 43210 Asha, 98765 43211 Ravi wrong number",
        "98765 43210 wrong number, call 98765 43211",
        "98765 43210 wrong number\ncall 98765 43211 instead",
        "98765 43210 Asha 98765 43211\n98765 43212 Ravi",
    ],
)
def test_a_number_behind_words_is_never_taken_for_a_reason(typed: str) -> None:
    """The number may have been meant as a target, so no request is created and the answer names it."""
    [fault] = read(typed).problems
    assert fault.field == "targets"
    assert fault.message.startswith(("“98765 43211” comes after words.", "“98765 43212” stands behind"))


@pytest.mark.parametrize(
    "pasted",
    [
        "No | Phone\n1. | 98765 43210\n2. | \n3. | 98765 43211",
        "1. 98765 43210\n2. \n3. 98765 43211",
        "1) | 98765 43210 | due\n2) | | \n3) | 98765 43211 | due",
        "1) ; 98765 43210\n2) ; \n3) ; 98765 43211",
    ],
)
def test_a_row_of_its_running_number_alone_is_named(pasted: str) -> None:
    """A row without a phone number is named in the answer."""
    [fault] = read(pasted).problems
    assert isinstance(fault, Question)
    assert re.match(r"Line \d, “2[.)]”: it has no phone number", fault.message)
    assert len(targets(read(pasted))) == len(BOTH)


def test_a_line_without_a_number_among_others_is_named() -> None:
    """The lines around it are read, and a single press continues without it."""
    line = read("98765 43210 Asha\nwrong number\n98765 43211 Ravi")
    [fault] = line.problems
    assert (targets(line), fault.message) == (
        BOTH,
        "Line 2, “wrong number”: it has no phone number or ID.",
    )
    assert isinstance(fault, Question)
    assert fault.options == ("go on without line 2",)


@pytest.mark.parametrize("typed", ['98765 43210 "call 98765 43211"', "98765 43210 reason=call 98765 43211"])
def test_a_reason_that_is_marked_as_one_may_hold_a_number(typed: str) -> None:
    """Quotes or `reason=` mark a reason."""
    line = read(typed)
    assert (targets(line), line.reason, line.problems) == (BOTH[:1], "call 98765 43211", ())


def test_an_id_is_no_number() -> None:
    """A sheet holds ids or numbers, never both."""
    assert read("98765 43210 x\nvx_1002 y").targets[1:] == ()
    assert isinstance(read("vx_1001 x\nvx_1002 y").targets[1], IdTarget)


def test_what_was_left_out_is_said() -> None:
    """The user reads which words of a sheet were not used, and the message pings nobody."""
    line = read("98765 43210 <!here>\n98765 43211 Ravi")
    message = asked(request(record(ACTIONS["cancel by number"], State.PENDING)), line)
    assert "Left out, beside the targets: &lt;!here&gt;, Ravi." in str(message.blocks)

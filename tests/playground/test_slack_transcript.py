from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from playground.people import Message, View
from playground.transcript import Reader, reader
from tests.playground.slack_app import CARD, CONFIRM, FORM, Stage, stage

NOW = datetime(2026, 11, 21, 4, 6, 20, tzinfo=UTC)
UNIX = int(NOW.timestamp())
KOLKATA = Reader(
    ZoneInfo("Asia/Kolkata"), {"U0AGENT": "@asha", "C0AUDIT": "#call-audit"}, {"U0CALLOPS": "CallOps"}, NOW
)
SAID = Message(f"{UNIX}.000100", "C0AUDIT", "U0CALLOPS", "hello", (), None, None, False, (), (), None)


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack without an app."""
    async with stage() as running:
        yield running


@pytest.mark.parametrize(
    ("mrkdwn", "shown"),
    [
        ("*bold* and _soft_, 2*3*4", "bold and soft, 2*3*4"),
        ("<@U0AGENT> in <#C0AUDIT|x>, <@U0NEW>", "@asha in #call-audit, @U0NEW"),
        ("<!channel> <!subteam^S1|managers>", "@channel managers"),
        (
            "<https://example.org|docs> <https://example.org>",
            "docs (https://example.org) https://example.org",
        ),
        ("a &lt;b&gt; &amp; c :x:", "a <b> & c ❌"),
        (f"<!date^{UNIX}^{{date_short_pretty}} at {{time}}|x>", "today at 9:36 AM"),
        (f"<!date^{UNIX + 86400}^{{date_pretty}}|x>", "tomorrow"),
        (f"<!date^{UNIX + 5 * 86400}^{{date_short_pretty}}|x>", "Nov 26, 2026"),
        (f"<!date^{UNIX}^{{date_long}} {{date_num}}|x>", "Saturday, November 21st, 2026 2026-11-21"),
        (f"<!date^{UNIX - 7200}^{{ago}}|x>", "2 hours ago"),
        (f"<!date^{UNIX + 120}^{{ago}}|x>", "in 2 minutes"),
    ],
)
def test_text_reads_as_on_the_screen(mrkdwn: str, shown: str) -> None:
    """Marks, names, links and dates appear as a person reads them, in their zone."""
    assert KOLKATA.text(mrkdwn) == shown


def test_the_same_moment_in_another_zone() -> None:
    """A date is shown in the reader's own zone."""
    newyork = replace(KOLKATA, zone=ZoneInfo("America/New_York"))
    assert newyork.text(f"<!date^{UNIX}^{{date_num}} {{time}}|x>") == "2026-11-20 11:06 PM"


def test_a_message_with_its_thread() -> None:
    """The transcript has author, time, lines, buttons, edits and replies."""
    card = replace(SAID, blocks=tuple(CARD), edits=({"text": "old"},), replies=(replace(SAID, text="done"),))
    assert KOLKATA.message(card).splitlines() == [
        "CallOps  9:36 AM  · edited",
        "  A card",
        "  [Press]",
        "  ↳ CallOps  9:36 AM",
        "      done",
    ]


def test_an_ephemeral_message_says_so() -> None:
    """The text names the only reader."""
    assert "only visible to you" in KOLKATA.message(replace(SAID, ephemeral_to="U0AGENT"))


def test_a_modal_shows_values_and_errors() -> None:
    """Labels, current values, optional marks, errors and buttons stand in a frame."""
    values = {
        name: {"value": {"type": "plain_text_input", "value": given}}
        for name, given in (
            ("name", "Asha"),
            ("colour", "red"),
            ("note", None),
        )
    }
    view = View(
        "V1", "h", tuple(FORM["blocks"]), values, {"colour": "Not red."}, FORM["title"], FORM["submit"]
    )
    shown = KOLKATA.modal(view)
    lines = [line.strip("│ ").rstrip() for line in shown.splitlines()]
    assert lines[1:-1] == [
        "Name",
        f"[ {'Asha':24} ]",
        "",
        "Colour",
        f"[ {'red':24} ]",
        "⚠ Not red.",
        "",
        "Note (optional)",
        f"[ {'':24} ]",
        "",
    ]
    assert lines[0].startswith("╭─ Form ─")
    assert lines[-1].endswith("[Close]  [Send] ─╯")


def test_a_confirm_dialog() -> None:
    """The transcript has title, text and both buttons."""
    assert KOLKATA.confirm(CONFIRM).splitlines() == [
        "  ┃ Sure?",
        "  ┃ This cancels the call.",
        "  ┃ [Keep it]  [Do it]",
    ]


async def test_a_reader_knows_the_workspace(on: Stage) -> None:
    """A person's reader has their zone and everyone's name."""
    await on.client.chat_postMessage(channel="C0AUDIT", text="for <@U0AGENT>")
    eyes = await reader(on.people, "U0SECOND", NOW)
    assert eyes.zone == ZoneInfo("America/New_York")
    shown = eyes.channel("C0AUDIT", await on.person("U0SECOND").channel("C0AUDIT"))
    assert shown.splitlines()[0].startswith("── #call-audit ──")
    assert shown.splitlines()[-1] == "  for @asha"

"""The form by which people pause calls: its choices, its counts, its values and Slack's limits."""

from datetime import UTC, datetime

import pytest

from bot.parsing.command import CommandContext, ConnectionInfo, Verb
from bot.parsing.parser import parse
from bot.ui import pauses
from bot.ui.pauses import PauseForm
from playground.blocks import faults
from storage.models import Pause, PauseCounts
from tests.support.slack_schemas import checker

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
COUNTS = {"reminders": PauseCounts(20, 1, 3), "voxworks": PauseCounts(0, 0, 2)}
MANY = [None, *(f"connection-{number}" for number in range(120))]


@pytest.mark.parametrize("names", [[None], ["reminders"], [None, "reminders", "voxworks"], MANY])
def test_slack_takes_the_form(names: list[str | None]) -> None:
    """With any number of connections. Of more than a list holds, the name is typed."""
    view = PauseForm.build(names, COUNTS, everything=len(names), nonce="n")
    assert faults("modal", view) == []
    assert checker("check_blocks").faults("modal", view) == []
    kind = view["blocks"][0]["element"]["type"]
    assert kind == ("plain_text_input" if names is MANY else "static_select")


def test_the_form_says_what_a_pause_finds() -> None:
    """For each connection, or together if there is only one."""
    several = PauseForm.build([None, "reminders", "voxworks"], COUNTS, everything=2, nonce="n")
    assert several["blocks"][0]["element"]["initial_option"]["text"]["text"] == "Every connection"
    reminders, voxworks = several["blocks"][-1]["text"]["text"].split("\n")
    assert reminders.startswith(
        "• reminders: 20 waiting to be sent, 1 being sent, which may still go out, 3 scheduled"
    )
    assert voxworks == "• voxworks: 0 waiting to be sent, 2 scheduled at the provider, which still ring"
    alone = PauseForm.build([None], {}, everything=1, nonce="n")
    assert alone["blocks"][-1]["text"]["text"] == "• Now: 0 waiting to be sent"


@pytest.mark.parametrize("reason", ["wrong list", 'until “then” via "x", as\n/calls said', "via voxworks"])
def test_the_form_is_read_as_a_command(reason: str) -> None:
    """Words of the grammar in the reason stay a part of it."""
    values = {"connection": "reminders", "reason": reason, "until": "18:00"}
    state = {block: {block: {"type": "plain_text_input", "value": one}} for block, one in values.items()}
    line = parse(
        PauseForm.line({"state": {"values": state}}),
        default_verb=None,
        vocabulary=CommandContext({"reminders": ConnectionInfo(), "voxworks": ConnectionInfo()}, "IN"),
        timezone="Asia/Kolkata",
        now=NOW,
    )
    assert line.problems == ()
    assert (line.verb, line.connection, line.reason) == (Verb.PAUSE, "reminders", " ".join(reason.split()))
    assert line.at == NOW.replace(hour=12, minute=30)


@pytest.mark.parametrize(("cancels", "offers"), [(True, True), (True, False), (False, False)])
def test_calls_at_the_provider_can_be_cancelled_or_not(*, cancels: bool, offers: bool) -> None:
    """The answer offers it to those who may, and says so where the provider cannot."""
    made = Pause("B-7K3F", "reminders", "U0MANAGER", NOW, None, "why", COUNTS["reminders"])
    message = pauses.paused(made, cancels=cancels, offers=offers)
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    assert ("Cancel scheduled calls…" in str(message.blocks)) == offers
    assert ("CallOps can't cancel them: use the provider's dashboard." in str(message.blocks)) != cancels

"""Prompts: the choices that CallOps made for people, and those that they make by a button."""

from datetime import UTC, datetime

from bot.parsing.command import CommandContext, ConnectionInfo, Verb
from bot.parsing.defaults import FilledCommand, Source, fill_defaults
from bot.parsing.parser import parse
from bot.ui.prompts import MOST_OFFERED, Choice, choose, chosen, is_guess, is_offered
from playground.blocks import faults
from providers.actions import Kind

CANCELS = frozenset({Kind.CANCEL_CALL})


def found_for(text: str, agents: tuple[str, ...]) -> FilledCommand:
    """Return a cancellation by number that could mean any of these agents."""
    words = CommandContext({"sales": ConnectionInfo(agents, CANCELS, "number")}, "IN")
    line = parse(text, default_verb=Verb.CANCEL, vocabulary=words, timezone="UTC", now=datetime.now(UTC))
    return fill_defaults(line, words)


def test_each_candidate_has_a_button_that_goes_on_with_the_draft() -> None:
    """The button's value names the draft and every choice so far, and Slack accepts the message."""
    found = found_for("98765 43210 wrong number", ("welcome", "<!here>"))
    assert is_offered(found)
    assert found.open is not None
    message = choose(found, found.open, "d" * 24, "change")
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    assert "<!here>" not in message.text
    offered = message.blocks[1]["elements"][:-1]
    assert [Choice.of(one["value"]) for one in offered] == [
        Choice("d" * 24, "sales", "welcome"),
        Choice("d" * 24, "sales", "<!here>"),
    ]


def test_what_more_than_a_press_mends_is_no_choice() -> None:
    """A further fault, or more candidates than buttons, leads to the form."""
    assert not is_offered(found_for("98765 43210 wrong number retries=3", ("welcome", "renewals")))
    many = tuple(f"agent{number}" for number in range(MOST_OFFERED + 1))
    assert not is_offered(found_for("98765 43210 wrong number", many))


def test_names_that_no_button_shows_whole_lead_to_the_form() -> None:
    """Two names with the same beginning would look the same on buttons."""
    for length, offered in ((75, True), (76, False)):
        names = tuple(f"{'x' * (length - 1)}{number}" for number in range(2))
        assert is_offered(found_for("98765 43210 wrong number", names)) is offered


def test_what_was_chosen_is_said_with_its_ground() -> None:
    """Only choices are mentioned. The only possibility is none."""
    grounds = {"connection": Source.ONLY, "agent": Source.LAST_USED}
    told = chosen(grounds, connection="sales", agent="welcome")
    assert told == "Using welcome, your last one."
    assert chosen({"connection": Source.ONLY}, connection="sales", agent="welcome") is None
    assert chosen({}, connection="sales", agent="welcome") is None
    assert is_guess(grounds)
    assert not is_guess({"connection": Source.ONLY})

"""Sentences about call lists: each names what to do next, and says no more than is known."""

import pytest

from bot.slack.files import MOST_BYTES
from bot.text import call_lists, csv_files

REASONS = (
    call_lists.FAULTY,
    call_lists.DUPLICATE,
    call_lists.STOPPED,
    call_lists.OUT_OF_HOURS,
    call_lists.NO_ZONE,
    call_lists.CANNOT,
)


def test_reasons_for_rows_left_out_differ() -> None:
    """They are counted by their words, behind the count in small letters."""
    assert len(set(REASONS)) == len(REASONS)
    assert all(reason[0].islower() and not reason.endswith(".") for reason in REASONS)


def test_the_limit_of_a_file_is_the_one_that_holds() -> None:
    """People read the number that the download checks."""
    assert f"{MOST_BYTES // 1024**2} MB" in call_lists.FILE_TOO_LARGE


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (call_lists.no_agent(["welcome", "payments"]), "No voice agent of this connection. Known: payments and welcome."),
        (call_lists.same_as(4), "The same call as in line 4."),
        (call_lists.fault("mobile", "That's a date."), "mobile: That's a date."),
        (call_lists.fault("", "It's a total, not a number."), "It's a total, not a number."),
        (call_lists.under_way("A-7K3F"), "A-7K3F cancels it already."),
    ],
)  # fmt: skip
def test_a_line_says_why_it_is_left_out(said: str, sentence: str) -> None:
    """A fault of a whole row has no column."""
    assert said == sentence


def test_an_agent_of_a_connection_without_any_is_left_out() -> None:
    """Such a connection cancels by call ID, and there is no agent to choose."""
    assert call_lists.no_agent([]) == "This connection has no voice agents. Leave this empty."


@pytest.mark.parametrize(
    ("meaning", "label"),
    [
        ("number", "phone numbers"),
        ("agent", "the voice agent"),
        ("time", "the time"),
        ("metadata.order", "the order"),
        ("metadata.number", "the number"),
    ],
)
def test_several_columns_of_one_meaning_are_named(meaning: str, label: str) -> None:
    """Metadata that are called as another column are told apart from it."""
    said = csv_files.several_columns(meaning, ["a", "b"])
    assert said.startswith(f"Several columns look like {label}: “a” and “b”. Keep one")

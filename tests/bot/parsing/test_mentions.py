"""Mentions in a message: numbers in any writing, our ids, and words that may be a provider's ids.

Links count for nothing.
"""

from typing import Any

import pytest

from bot.parsing.mentions import MOST_IDS, Mentions, read


def rich(text: str) -> dict[str, Any]:
    """Return a message as people's clients send it: its text, and the same as blocks."""
    element = {"type": "text", "text": text}
    section = {"type": "rich_text_section", "elements": [element]}
    return {"text": text, "blocks": [{"type": "rich_text", "elements": [section]}]}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("please stop 98765 43210", ["+919876543210"]),
        ("<tel:+919876543210|+91 98765 43210> and (+91) 98765-43211.", ["+919876543210", "+919876543211"]),
        ("twice: 9876543210, 09876543210", ["+919876543210"]),
        ("see <https://desk.example/t/9876543210|ticket 12> <@U9876543210> <!date^1795000000^{date}|x>", []),
        ("call at 9:30 on 2026-11-21, order 12345", []),
    ],
)
def test_numbers_are_found_wherever_they_stand(text: str, numbers: list[str]) -> None:
    """Numbers are found in Slack's links to telephones too. Each counts once, and no other digits do."""
    assert [phone.e164 for phone in read(rich(text), default_region="IN").phones] == numbers


def test_ids_are_ours_or_words_to_look_up() -> None:
    """Our ids are kept apart from words that may be a provider's ids."""
    found = read(rich("A-7K3F, vx_1001. and A-8888.2 again vx_1001!"), default_region="IN")
    assert found == Mentions((), ("A-7K3F", "A-8888.2"), ("vx_1001",))


def test_an_id_of_ours_may_have_no_digit_in_it() -> None:
    """Our ids are random, so some have letters only."""
    assert read(rich("A-QEGU"), default_region="IN").requests == ("A-QEGU",)


def test_a_message_of_blocks_alone_is_read() -> None:
    """The audit message names its ids in blocks, not in its text."""
    blocks = [{"type": "context", "elements": [{"type": "mrkdwn", "text": "`A-7K3F` · call `vx_7`"}]}]
    assert read({"text": "✅", "blocks": blocks}, default_region="IN").requests == ("A-7K3F",)


def test_words_that_were_too_many_are_counted() -> None:
    """The user reads how many words of a long message were not looked up."""
    found = read(rich(" ".join(f"vx_{n}" for n in range(MOST_IDS + 7))), default_region="IN")
    assert (len(found.words), found.more) == (MOST_IDS, 7)
    assert read(rich("vx_1"), default_region="IN").more == 0

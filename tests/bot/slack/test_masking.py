import io
import logging

import pytest

from bot.slack.blocks import Message, button, context, fields, section
from bot.slack.masking import Masking, MaskNumbers

MASKING = Masking("IN")


def test_what_buttons_hold_is_left_as_it_is() -> None:
    """Only texts for people are masked: notifications, blocks, and labels for screen readers."""
    press = button("Call 98765 43210", "place", "98765 43210", label="Call 98765 43210")
    block = section("98765 43210") | {"accessory": press}
    shown = MASKING.message(Message("98765 43210", [block, context("98765", "43210")]))
    assert shown.text == "+91\u00a0•••3210"
    first, second = shown.blocks
    assert (first["text"]["text"], first["accessory"]["text"]["text"]) == (
        "+91\u00a0•••3210",
        "Call +91\u00a0•••3210",
    )
    assert (first["accessory"]["value"], first["accessory"]["accessibility_label"]) == (
        "98765 43210",
        "Call +91\u00a0•••3210",
    )
    assert second["elements"][0]["text"] == "+91\u00a0•••3210"


@pytest.mark.parametrize(
    "text",
    ["<!date^9876543210^{date_short_pretty}|02 Mar 12:00 UTC>", "<@U9876543210>", "<#C9876543210>"],
)
def test_slacks_own_markup_is_left_as_it_is(text: str) -> None:
    """Times, people and channels in markup hold digits that nobody reads."""
    assert MASKING.text(f"{text} 98765 43210") == f"{text} +91\u00a0•••3210"


def test_a_modal_keeps_what_its_inputs_are_filled_with() -> None:
    """The modal also keeps its metadata."""
    view = {
        "type": "modal",
        "private_metadata": '{"shown": "9876543210"}',
        "blocks": [
            section("98765 43210"),
            {"type": "input", "element": {"type": "plain_text_input", "initial_value": "98765 43210"}},
        ],
    }
    shown = MASKING.view(view)
    assert shown["private_metadata"] == view["private_metadata"]
    assert shown["blocks"][0]["text"]["text"] == "+91\u00a0•••3210"
    assert shown["blocks"][1]["element"]["initial_value"] == "98765 43210"


def test_the_process_logs_no_number() -> None:
    """Lines, arguments and exceptions hold no number."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(MaskNumbers("IN"))
    logger = logging.getLogger("a logger of its own")
    logger.addHandler(handler)
    logger.warning("%s waits for %s", "A-7K3F", "98765-43210")
    try:
        int("98765 43210")
    except ValueError:
        logger.exception("It failed for c_%d", 9876543210)
    told = written.getvalue()
    assert "A-7K3F waits for +91\u00a0•••3210" in told
    assert "base 10: '+91\u00a0•••3210'" in told
    assert "It failed for c_+91\u00a0•••3210" in told


def test_a_masked_text_stays_within_slacks_limits() -> None:
    """A masked number may be longer than the number was."""
    many, fewer = "9876543210 " * 300, "9876543210 " * 180
    full = section(many) | {"accessory": button("9876543210 " * 9, "a", "v", label="9876543210 " * 9)}
    shown = MASKING.blocks([full, *fields([("9876543210", fewer)]), context(many)])
    lengths = [len(shown[0]["text"]["text"]), len(shown[1]["fields"][0]["text"])]
    lengths += [len(shown[0]["accessory"]["text"]["text"]), len(shown[0]["accessory"]["accessibility_label"])]
    assert [*lengths, len(shown[2]["elements"][0]["text"])] == [3000, 2000, 75, 75, 3000]
    assert "9876543210" not in str(shown)

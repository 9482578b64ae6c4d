# ruff: noqa: RUF001 - texts as people write them
"""Characters that are kept or dropped: joiners and new emoji are letters to the people who write them."""

import unicodedata
from datetime import UTC, datetime

import pytest

from bot.parsing.command import Command, CommandContext, ConnectionInfo, Verb
from bot.parsing.parser import parse
from bot.parsing.tokens import clean
from bot.text.markup import escape, plain
from bot.ui.modal import typed
from bot.ui.review_modal import Denial
from providers.actions import Kind

NEWEST = "\U0001fae9"
"""A face that Unicode has since version 16. Python 3.11 does not know the character."""

KEPT = {
    "a joiner that parts letters (Persian)": "می\u200cخواهم",
    "a joiner that joins letters (Malayalam)": "അവന\u200d",
    "a conjunct held open (Bengali)": "র\u200d\u09cdয\u200cা",
    "a family of emoji": "👩\u200d💻",
    "a heart that is an emoji": "❤\ufe0f",
    "a tone of skin": "👍\U0001f3fd",
    "a flag of letters": "🇮🇳",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a keycap": "1\ufe0f\u20e3",
    "an emoji newer than Python": NEWEST,
    "a letter of no standard (private use)": "\uf8ff",
    "an ideograph with its variant": "葛\U000e0100",
    "a mark over another": "e\u0301\u0323",
}
GONE = {
    "an override of direction": "a\u202eb",
    "an embedding": "a\u202ab\u202c",
    "an isolate": "a\u2066b\u2069",
    "marks of direction": "a\u200eb\u200f\u061c",
    "an escape": "a\x1bb",
    "a control of eight bits": "a\x9bb",
    "a null": "a\0b",
    "a soft hyphen": "a\xadb",
    "half a character": "a\ud800b",
    "a space without width": "a\u200bb",
    "a byte-order mark": "\ufeffab",
    "an old order to shape digits": "a\u206eb",
    "an annotation": "a\ufff9b\ufffb",
}
NOTHING = ["\u200c", "\u200d\u200c", "\ufe0f", "\u2800", "\u3164", "\uffa0 \u115f", "\u2800 \u200d \u3164\ufe0f", "\u034f", "\U000e0067", "\u180b", "\u200b", "\u202e", "\u00a0\u3000", "\ufeff"]  # fmt: skip

VOXWORKS = ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id")
VOCABULARY = CommandContext({"voxworks": VOXWORKS}, default_region="IN")


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_is_written_is_kept(text: str) -> None:
    """Text in commands, in forms and in messages keeps its characters."""
    assert clean(f"it is {text} here") == f"it is {text} here"
    assert (clean(text), plain(text), escape(text)) == (text, text, text)
    assert _typed(text) == text


def test_the_newest_emoji_is_unknown_here() -> None:
    """Otherwise the test above proves nothing about later characters."""
    assert unicodedata.category(NEWEST) == "Cn"


@pytest.mark.parametrize("text", GONE.values(), ids=GONE)
def test_what_steers_a_screen_goes(text: str) -> None:
    """Readers see the letters in their order, and nothing else."""
    assert (clean(text), plain(text), _typed(text)) == ("ab", "ab", "ab")


@pytest.mark.parametrize("text", NOTHING)
def test_what_nobody_sees_is_no_reason(text: str) -> None:
    """Invisible text is neither a note nor any other required text."""
    assert (clean(text), plain(text), _typed(text)) == ("", "", "")
    for line in (f"vx_1 via voxworks reason={text}", f"vx_1 via voxworks reason=“{text}”", f"vx_1 {text}"):
        assert _cancelled(line).reason is None
    assert _cancelled(f"vx_1 via voxworks reason={text} wrong {text} number").reason == "wrong number"
    reason, faults = Denial.read(_view({"words": text}), [])
    assert (reason, bool(faults)) == ("", True)


def test_lines_stay_lines() -> None:
    """Every line end and every space is normalised, and lines stay apart."""
    assert clean("a\r\nb\rc\u2028d\x85e\u00a0f\u3000g") == "a\nb\nc\nd\ne f g"
    assert plain("a\r\nb\u2009c") == "a\nb c"
    assert clean("a\tb") == _typed("a\tb") == "a\tb"  # the end of a cell


def _view(values: dict[str, str]) -> dict[str, object]:
    return {"state": {"values": {block: {block: {"value": value}} for block, value in values.items()}}}


def _typed(text: str) -> str:
    return typed(_view({"note": text}), "note")


def _cancelled(line: str) -> Command:
    """Parse a command that cancels a call."""
    now = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    return parse(line, default_verb=Verb.CANCEL, vocabulary=VOCABULARY, timezone="Asia/Kolkata", now=now)

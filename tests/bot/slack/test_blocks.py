# ruff: noqa: RUF001 - texts as people write them
"""Cut texts end between two characters, and between two pieces of Slack's markup."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.blocks import MAX_SECTION, context, cut, cut_markup, pieces, plain_text, section
from bot.text.markup import escape

WHOLE = {
    "an accent": "e\u0301",
    "two marks": "o\u0323\u0302",
    "a family": "👩\u200d👩\u200d👧",
    "somebody at work": "👩🏽\u200d💻",
    "a tone of skin": "👍🏽",
    "a heart": "❤\ufe0f",
    "a keycap": "1\ufe0f\u20e3",
    "a flag": "🇮🇳",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a conjunct": "क\u094dष",
    "a vowel sign": "कि",
    "a letter with a joiner": "ی\u200c",
    "a syllable of Hangul, in letters": "\u1112\u1161\u11ab",
    "beyond the first plane": "𝒜",
}
PIECES = {
    "an entity": "&amp;",
    "another": "&lt;",
    "a mention": "<@U0AGENT>",
    "a channel": "<#C0AUDIT>",
    "a group": "<!subteam^S0MANAGERS>",
    "a date": "<!date^1795000000^{date_short_pretty} at {time}|21 Nov 09:00 UTC>",
    "a link": "<https://example.com/a?b=c&amp;d=e|the label of it>",
    "an emoji by name": ":white_check_mark:",
    "an id in code": "`A-7K3F`",
    **WHOLE,
}


@pytest.mark.parametrize("one", WHOLE.values(), ids=WHOLE)
def test_no_character_is_cut_in_two(one: str) -> None:
    """Each character is whole or missing, wherever the cut falls."""
    text = f"ab{one}{one}cd"
    for limit in range(2, _units(text)):
        shown = cut(text, limit)
        assert _units(shown) <= limit
        assert re.fullmatch(f"a?b?(?:{re.escape(one)})*c?…", shown), shown
    assert cut(text, _units(text)) == text


@pytest.mark.parametrize("one", PIECES.values(), ids=PIECES)
def test_no_piece_of_markup_is_cut_in_two(one: str) -> None:
    """Cut paragraphs, cut context lines, and long texts that continue elsewhere are covered."""
    text = f"ab {one} {one} cd"
    for limit in range(8, _units(text)):
        shown = cut_markup(text, limit)
        assert _units(shown) <= limit
        assert re.fullmatch(f"a?b?(?: {re.escape(one)})*(?: c)?…", shown), shown
    assert cut_markup(text, _units(text)) == text
    for room in range(40):
        long = "x" * (MAX_SECTION - room) + one * 1600
        for shown in (section(long)["text"], *context(long)["elements"]):
            assert (shown["type"], shown["text"].lstrip("x").replace(one, "")) == ("mrkdwn", "…")
        divided = pieces(long, MAX_SECTION)
        assert "".join(divided) == long
        assert {re.sub("^x+", "", piece).replace(one, "") for piece in divided} == {""}
        assert max(map(_units, divided)) <= MAX_SECTION


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*Waiting for approval*", "*Waiting for…*"),
        ("_Waiting for approval_", "_Waiting for…_"),
        ("~Waiting for approval~", "~Waiting for…~"),
        ("*_Waiting for approval_*", "*_Waiting for…_*"),
        ("*Done:* the rest of it", "*Done:* the r…"),
        ("5*3 is fifteen, not 4*3", "5*3 is fiftee…"),
        ("snake_case_name_that is long", "snake_case_na…"),
        ("*a*\n*Waiting for approval*", "*a*\n*Waiting…*"),
        ("`" + "a" * 200 + "`", "`aaaaaaaaaaaa…`"),
    ],
)
def test_what_is_bold_stays_bold(text: str, shown: str) -> None:
    """Marks that are open at the cut are closed behind the dots."""
    assert cut_markup(text, 18) == shown


@given(
    st.lists(st.sampled_from([*PIECES.values(), "a", " ", "\n", "*", "_", "`", "<", "&", ":", "x" * 9])),
    st.integers(5, 60),
)
def test_a_cut_fits_and_begins_as_the_text(pieces: list[str], limit: int) -> None:
    """Texts of any pieces are cut so."""
    text = "".join(pieces)
    for shown in (cut(text, limit), cut_markup(text, limit)):
        assert _units(shown) <= limit
        kept, dots, marks = shown.rpartition("…")
        assert shown == text or (dots and text.startswith(kept) and set(marks) <= set("`*_~"))


def test_peoples_words_are_whole_where_they_were_escaped() -> None:
    """A paragraph of only ampersands fits. A plain text is cut as it is."""
    shown = section(escape("&" * MAX_SECTION))["text"]["text"]
    assert re.fullmatch("(?:&amp;)+…", shown)
    assert plain_text("a & b <c> d", 9)["text"] == "a & b <c…"


def test_a_long_text_is_cut_at_once() -> None:
    """Endless marks, endless mentions and their beginnings take no long time."""
    for piece in ("\u0301", "<@U0AGENT>", "<", "&", "`", "*", ":a", "🇮", "\u200d", "<a"):
        text, begin = piece * 200_000, time.process_time()
        assert _units(cut_markup(text, MAX_SECTION)) <= MAX_SECTION
        assert _units(cut(text, MAX_SECTION)) <= MAX_SECTION
        assert time.process_time() - begin < 2, piece


def test_the_characters_here_are_what_they_seem() -> None:
    """Characters that were composed on the way here would prove nothing."""
    assert unicodedata.normalize("NFC", WHOLE["an accent"]) != WHOLE["an accent"]
    assert [len(one) for one in (WHOLE["a flag"], WHOLE["a conjunct"], WHOLE["a family"])] == [2, 3, 5]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2

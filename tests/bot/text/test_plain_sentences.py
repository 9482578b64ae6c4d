"""Sentences of faults and answers: short, with contractions, in the active voice."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.bot.text.test_one_catalogue import BOT, sentences

MODULES: Final = [
    BOT / "text" / f"{name}.py" for name in ("parse_errors", "time_errors", "interactions", "scheduled_calls")
]
MOST_WORDS: Final = 20
NO_CONTRACTION: Final = re.compile(
    r"\b(?:is not|are not|does not|do not|did not|cannot|could not|was not|will not|has not|there is no)\b",
    re.IGNORECASE,
)
STIFF: Final = re.compile(r"\b(?:comes of it|goes out|go out|stands|by itself|at once|besides|any more)\b")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_sentence_is_short_and_plain(path: Path) -> None:
    """Nobody has to read a sentence twice."""
    for told in sentences(path):
        where, _, text = told.partition(": ")
        assert not NO_CONTRACTION.search(text), (where, text)
        assert not STIFF.search(text), (where, text)
        for sentence in re.split(r"(?<=[.?!:])\s+|\n", text):
            assert len(sentence.split()) <= MOST_WORDS, (where, sentence)

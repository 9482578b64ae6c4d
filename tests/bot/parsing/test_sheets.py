"""Numbers of pasted sheets and typed lines of many countries.

Each names the right customer, or raises a question.
"""

import re
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.parsing.command import Command, FieldProblem, Verb
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from providers import phone
from tests.bot.parsing.number_plans import KINDS, REGIONS, in_ascii, number, written
from tests.bot.parsing.sheets import (
    TYPED_A_SHEET_LINE,
    WORDS,
    WORDS_WITH_DIGITS,
    Case,
    Judgement,
    Tally,
    Verdict,
    doubtful_alone,
    judge,
    other_readings,
    play,
    read,
    shown,
)

LINES = 480
"""Lines of sheets, with a quarter as many typed ones. `python -m tests.bot.parsing.sheets` plays more."""
SEED = 20261121
MOST_UNNEEDED = 1 / 50
"""Largest share of questions among lines with a single meaning."""


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Return the counts of all lines."""
    return play(LINES, SEED)


def _told(found: list[tuple[Case, Judgement]]) -> str:
    return "\n".join(shown(case, judgement) for case, judgement in found[:10])


def test_no_other_customer_is_ever_read(tally: Tally) -> None:
    """A neighbouring cell, digits behind and ids never become another customer's number.

    No number is lost in silence.
    """
    assert sum(tally.verdicts.values()) >= LINES + LINES // TYPED_A_SHEET_LINE
    assert tally.wrong == [], _told(tally.wrong)


def test_few_questions_are_asked_about_clear_lines(tally: Tally) -> None:
    """At most a fiftieth of clear lines raise a question.

    A clear line has a single number, in its own cell.
    """
    assert sum(tally.unambiguous.values()) >= LINES // 3
    assert tally.unneeded_share <= MOST_UNNEEDED, _told(tally.unneeded)


def test_words_beside_a_number_stay(tally: Tally) -> None:
    """The reason is the text behind the number, with its digits. Headers and totals are no reason."""
    assert tally.words == [], _told(tally.words)


READ_WELL = Command(
    targets=(NumberTarget(phone.read("+49301234567", default_region="DE")),), reason="2 complaints"
)
READ_TOO_FAR = (NumberTarget(phone.read("+493012345672", default_region="DE")),)


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (READ_WELL, Verdict.RIGHT),
        (replace(READ_WELL, problems=(FieldProblem("targets", "Which?"),)), Verdict.QUESTION),
        (Command(problems=(FieldProblem("targets", "Which?"),)), Verdict.QUESTION),
        (Command(ignored_words=("+49 30 1234567",)), Verdict.QUESTION),
        (replace(READ_WELL, reason="complaints"), Verdict.WORDS),
        (replace(READ_WELL, targets=READ_TOO_FAR), Verdict.WRONG),
        (replace(READ_WELL, targets=READ_TOO_FAR, problems=(FieldProblem("reason", "Why?"),)), Verdict.WRONG),
        (replace(READ_WELL, targets=READ_WELL.targets + READ_TOO_FAR), Verdict.WRONG),
        (replace(READ_WELL, targets=(IdTarget("49301234567"),)), Verdict.WRONG),
        (replace(READ_WELL, targets=(*READ_WELL.targets, IdTarget("2026-12-05"))), Verdict.WRONG),
        (Command(reason="+49 30 1234567 2 complaints"), Verdict.WRONG),
    ],
)
def test_the_judge(line: Command, verdict: Verdict) -> None:
    """The judge detects each way in which parsing goes wrong, even beside a fault."""
    numbers = frozenset({"+49301234567"})
    case = Case("judged", "DE", "+49 30 1234567 2 complaints", numbers, kept="2 complaints")
    assert judge(case, line).verdict is verdict


@pytest.mark.parametrize("region", REGIONS)
def test_the_plan_of_a_country(region: str) -> None:
    """Numbers of each kind, written in many ways with digits behind, are read right or raise a question."""
    random = Random(f"plan {region}")  # noqa: S311 - cases of tests, no secrets
    failures = []
    for kind in [*KINDS] * 4:
        one = number(random, region, kind)
        writing = written(random, one, region, wrapped=False)
        for behind in ("", *random.sample(WORDS_WITH_DIGITS, 3)):
            text = f"{writing.text} {behind}".strip()
            numbers = frozenset({one.e164})
            clear = not (other_readings(text, region, numbers) if behind else doubtful_alone(writing, region))
            for door in (Verb.CANCEL, Verb.STOP):
                case = Case(f"{kind}, {writing.style}", region, text, numbers, door=door, kept=behind)
                judgement = judge(case, read(case))
                allowed = {Verdict.RIGHT} if clear and not behind else {Verdict.RIGHT, Verdict.QUESTION}
                if judgement.verdict not in allowed:
                    failures.append(shown(case, judgement))
    assert failures == [], "\n".join(failures)


@given(
    seed=st.integers(0, 2**32),
    region=st.sampled_from(REGIONS),
    elsewhere=st.sampled_from(REGIONS),
    behind=st.one_of(
        st.sampled_from((*WORDS, *WORDS_WITH_DIGITS)),
        st.text("0123456789 ()-/.x", max_size=12),
        st.text(max_size=20),
    ),
    door=st.sampled_from((Verb.CANCEL, Verb.STOP, Verb.ALLOW, Verb.PLACE)),
)
@settings(max_examples=150)
def test_the_number_read_is_the_number_typed(
    seed: int, region: str, elsewhere: str, behind: str, door: Verb
) -> None:
    """With any plan, writing and text behind, exactly that number is read, or there is a question."""
    random = Random(seed)  # noqa: S311 - cases of tests, no secrets
    one = number(random, random.choice((region, region, elsewhere)))
    writing = written(random, one, region, wrapped=False)
    others = other_readings(re.sub(r"[^\d\s+().,\-/]", "x", in_ascii(behind)), region, frozenset())
    words = {word.strip(".:") for word in re.split(r"[\s,;]+", behind) if re.search(r"[^\W\d]", word)}
    text, numbers = f"{writing.text} {behind}", frozenset({one.e164})
    case = Case("random text behind", region, text, numbers, door=door, also=frozenset({*others, *words}))
    judgement = judge(case, read(case))
    assert judgement.verdict is not Verdict.WRONG, shown(case, judgement)


@given(
    seed=st.integers(0, 2**32),
    region=st.sampled_from(REGIONS),
    cells=st.lists(st.text("0123456789 ().-", max_size=6), min_size=1, max_size=4),
)
@settings(max_examples=100)
def test_a_number_ends_with_its_cell(seed: int, region: str, cells: list[str]) -> None:
    """Digits in neighbouring cells never become part of a number."""
    random = Random(seed)  # noqa: S311 - cases of tests, no secrets
    one = number(random, region)
    writing = written(random, one, region, wrapped=False)
    at = random.randint(0, len(cells))
    text = "\t".join([*cells[:at], writing.text, *cells[at:]])
    own = {e164 for cell in cells for e164 in other_readings(cell, region, frozenset())}
    case = Case("cells of digits", region, text, frozenset({one.e164}), also=frozenset(own))
    judgement = judge(case, read(case))
    assert judgement.verdict is not Verdict.WRONG, shown(case, judgement)

"""Targets pasted from a list or a sheet: one a line, with other words beside it. Pure.

    Asha Rao   98765 43210   due
    Ravi       98765 43211   due

The words beside the targets are left out and said, but for those that stand beside every target alike: they
are the reason, as are lines without a target behind the last one. What could be a reason that mentions
another number is no sheet: all its targets begin their lines, or none does.
"""

import re
from dataclasses import dataclass

from bot.targets import FEWEST_DIGITS, IdTarget, NumberTarget, ReadPhone, Target, letters, scan

SHORTEST_IN_WORDS = 10
"""Digits of a number that is looked for among words; an order's or a bill's are mostly fewer."""

_MARK = re.compile(r"^[ ]*(?:[-*•·–]|\d{1,3}[.)])[ ]+", re.MULTILINE)  # noqa: RUF001 - a dash people paste
"""What a list begins its lines with."""
_MAY_BEGIN = re.compile(r"(?<![^\s,;|:(])[(+]*\d")
_AROUND = " \t,;|:–—-"  # noqa: RUF001 - dashes people paste


@dataclass(frozen=True, slots=True)
class Rows:
    """The targets of the lines, the words beside them that were left out, and the reason that was given."""

    targets: tuple[Target, ...]
    left_out: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Row:
    target: Target
    before: str
    behind: str


def without_marks(text: str) -> str:
    """Several lines without what a list begins them with."""
    return _MARK.sub("", text) if "\n" in text else text


def number_in(text: str, read_phone: ReadPhone) -> str | None:
    """The first whole phone number that stands anywhere among words, as it was typed."""
    for begins in _MAY_BEGIN.finditer(text):
        found = scan(text[begins.start() :].partition("\n")[0], read_phone=read_phone, ids=False)
        for target in found.targets:
            if isinstance(target, NumberTarget) and _digits(target.text) >= SHORTEST_IN_WORDS:
                return target.text
    return None


def read_rows(text: str, read_phone: ReadPhone, *, ids: bool) -> Rows | None:
    """A sheet's lines, or None where the text is none."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) <= 1:
        return None  # at once: somebody waits, and reading a line twice takes time
    read = [_row(line, read_phone, ids=ids) for line in lines]
    rows = [row for row in read if row]
    last = len(rows)
    if last <= 1 or not all(read[:last]):
        return None
    if any(number_in(row.behind, read_phone) or number_in(row.before, read_phone) for row in rows):
        return None
    if len({bool(row.before) for row in rows}) > 1 or not _are_alike([row.target for row in rows]):
        return None
    reason = " ".join(lines[last:])
    beside = [tuple(filter(None, (row.before, row.behind))) for row in rows]
    if not reason and len(set(beside)) == 1:
        return Rows(_targets(rows), (), " ".join(beside[0]))
    left_out = dict.fromkeys(words for words_of in beside for words in words_of)
    return Rows(_targets(rows), tuple(left_out), reason)


def _targets(rows: list[_Row]) -> tuple[Target, ...]:
    return tuple(dict.fromkeys(row.target for row in rows))


def _row(line: str, read_phone: ReadPhone, *, ids: bool) -> _Row | None:
    """The one target of a line, and what stands beside it."""
    line = line.strip(_AROUND)
    for begins in _MAY_BEGIN.finditer(line):
        found = scan(line[begins.start() :], read_phone=read_phone, ids=False)
        if len(found.targets) == 1 and not found.faults:
            return _Row(found.targets[0], line[: begins.start()].strip(_AROUND), found.rest.strip(_AROUND))
    found = scan(line, read_phone=read_phone, ids=ids)
    if len(found.targets) == 1 and not found.faults:
        return _Row(found.targets[0], "", found.rest.strip(_AROUND))
    return None


def _are_alike(targets: list[Target]) -> bool:
    """Whether all are numbers, or all look like ids: "2nd" below an id begins a reason."""
    ids = [target.provider_id for target in targets if isinstance(target, IdTarget)]
    if len(ids) in {0, len(targets)}:
        return len({letters(one) for one in ids}) <= 1 or all(_digits(one) >= FEWEST_DIGITS for one in ids)
    return False


def _digits(text: str) -> int:
    return sum(character.isdecimal() for character in text)

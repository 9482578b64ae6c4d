"""Findings of a check, a line each, for people and for programs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Result(StrEnum):
    """The result of a check. ``skipped`` means that it could not be made."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"


_SIGNS = {Result.OK: "✓", Result.WARNING: "!", Result.WRONG: "✗", Result.SKIPPED: "?"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a check: the fact and, unless it is right, the remedy."""

    check: str
    result: Result
    what: str
    mend: str | None = None


def ok(check: str, what: str) -> Finding:
    """Return a finding that all is right."""
    return Finding(check, Result.OK, what)


def warning(check: str, what: str, mend: str) -> Finding:
    """Return a finding that works but needs attention."""
    return Finding(check, Result.WARNING, what, mend)


def wrong(check: str, what: str, mend: str) -> Finding:
    """Return a finding that will not work."""
    return Finding(check, Result.WRONG, what, mend)


def skipped(check: str, because: str) -> Finding:
    """Return a finding that was not checked, with the obstacle."""
    return Finding(check, Result.SKIPPED, f"Not checked, because {because}.")


def anything_wrong(findings: Iterable[Finding]) -> bool:
    """Return whether a finding will not work."""
    return any(finding.result is Result.WRONG for finding in findings)


def as_lines(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as lines for people, in order, with a summary at the end."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = [
        f"{_SIGNS[one.result]} {one.check.ljust(width)}  {one.what}{f' → {one.mend}' if one.mend else ''}"
        for one in findings
    ]
    return [*lines, "", _verdict(findings)]


def as_objects(findings: Iterable[Finding]) -> list[dict[str, str | None]]:
    """Return the findings as objects for programs."""
    return [asdict(finding) for finding in findings]


def _verdict(findings: Sequence[Finding]) -> str:
    counts = {result: sum(one.result is result for one in findings) for result in Result}
    beside = [
        f"{counts[result]} {words}"
        for result, words in ((Result.WARNING, "to look at (!)"), (Result.SKIPPED, "not checked (?)"))
        if counts[result]
    ]
    if number := counts[Result.WRONG]:
        head = f"{number} {'thing is' if number == 1 else 'things are'} wrong (✗)"
    else:
        head = "Nothing is wrong"
    return f"{', '.join([head, *beside])}."

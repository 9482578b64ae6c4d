"""What a check found: one line each, for people and for programs. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Result(StrEnum):
    """Whether what was looked at is right; ``skipped``: it could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"


_SIGNS = {Result.OK: "✓", Result.WARNING: "!", Result.WRONG: "✗", Result.SKIPPED: "?"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what is so, and where it is not right, what to do."""

    check: str
    result: Result
    what: str
    mend: str | None = None


def ok(check: str, what: str) -> Finding:
    """What is right."""
    return Finding(check, Result.OK, what)


def warning(check: str, what: str, mend: str) -> Finding:
    """What works but should be looked at."""
    return Finding(check, Result.WARNING, what, mend)


def wrong(check: str, what: str, mend: str) -> Finding:
    """What will not work."""
    return Finding(check, Result.WRONG, what, mend)


def skipped(check: str, because: str) -> Finding:
    """What could not be looked at, and what stands in the way."""
    return Finding(check, Result.SKIPPED, f"Not checked, because {because}.")


def anything_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something will not work."""
    return any(finding.result is Result.WRONG for finding in findings)


def as_lines(findings: Sequence[Finding]) -> list[str]:
    """The findings for people, in order, and what they come to."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = [
        f"{_SIGNS[one.result]} {one.check.ljust(width)}  {one.what}{f' → {one.mend}' if one.mend else ''}"
        for one in findings
    ]
    return [*lines, "", _verdict(findings)]


def as_objects(findings: Iterable[Finding]) -> list[dict[str, str | None]]:
    """The findings for programs."""
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

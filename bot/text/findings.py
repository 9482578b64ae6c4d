"""What a check found: one line each, for people and for programs. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Result(StrEnum):
    """Whether what was looked at is right; ``skip``: it could not be looked at."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


_SIGNS = {Result.PASS: "✓", Result.WARN: "!", Result.FAIL: "✗", Result.SKIP: "?"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what is so, and where it is not right, what to do."""

    check: str
    result: Result
    message: str
    fix: str | None = None


def ok(check: str, message: str) -> Finding:
    """What is right."""
    return Finding(check, Result.PASS, message)


def warning(check: str, message: str, fix: str) -> Finding:
    """What works but should be looked at."""
    return Finding(check, Result.WARN, message, fix)


def wrong(check: str, message: str, fix: str) -> Finding:
    """What will not work."""
    return Finding(check, Result.FAIL, message, fix)


def skipped(check: str, because: str) -> Finding:
    """What could not be looked at, and what stands in the way."""
    return Finding(check, Result.SKIP, f"Not checked, because {because}.")


def anything_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something will not work."""
    return any(finding.result is Result.FAIL for finding in findings)


def as_lines(findings: Sequence[Finding]) -> list[str]:
    """The findings for people, in order, and what they come to."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = [
        f"{_SIGNS[one.result]} {one.check.ljust(width)}  {one.message}{f' → {one.fix}' if one.fix else ''}"
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
        for result, words in ((Result.WARN, "to look at (!)"), (Result.SKIP, "not checked (?)"))
        if counts[result]
    ]
    if number := counts[Result.FAIL]:
        head = f"{number} {'thing is' if number == 1 else 'things are'} wrong (✗)"
    else:
        head = "Nothing is wrong"
    return f"{', '.join([head, *beside])}."

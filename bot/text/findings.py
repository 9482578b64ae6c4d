"""What a check found, for people and for programs. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from bot.text.terminal import Line, Painted, Style


class Result(StrEnum):
    """Whether what was looked at is right; ``SKIP``: it could not be looked at."""

    PASS = "PASS"  # noqa: S105 - no password
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


_STYLES = {
    Result.PASS: Style.GOOD,
    Result.WARN: Style.ATTENTION,
    Result.FAIL: Style.BAD,
    Result.SKIP: Style.ASIDE,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a check: the fact and, unless it is right, the remedy."""

    check: str
    result: Result
    what: str
    mend: str | None = None


def ok(check: str, what: str) -> Finding:
    """What is right."""
    return Finding(check, Result.PASS, what)


def warning(check: str, what: str, mend: str) -> Finding:
    """What works but should be looked at."""
    return Finding(check, Result.WARN, what, mend)


def wrong(check: str, what: str, mend: str) -> Finding:
    """What will not work."""
    return Finding(check, Result.FAIL, what, mend)


def skipped(check: str, because: str) -> Finding:
    """What could not be looked at, and what stands in the way."""
    return Finding(check, Result.SKIP, f"Not checked, because {because}.")


def anything_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something will not work."""
    return any(finding.result is Result.FAIL for finding in findings)


def as_lines(findings: Sequence[Finding]) -> list[Line]:
    """The findings for people, in order, each with what to do below it, and what they come to."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines: list[Line] = []
    for one in findings:
        lines.append([Painted(one.result, _STYLES[one.result]), f"  {one.check.ljust(width)}  {one.what}"])
        if one.mend:
            lines.append(f"      → {one.mend}")
    return [*lines, "", _verdict(findings)]


def as_objects(findings: Iterable[Finding]) -> list[dict[str, str | None]]:
    """Return the findings as objects for programs."""
    return [asdict(finding) for finding in findings]


def _verdict(findings: Sequence[Finding]) -> str:
    counts = {result: sum(one.result is result for one in findings) for result in Result}
    beside = [
        f"{counts[result]} {words}"
        for result, words in ((Result.WARN, "to look at (WARN)"), (Result.SKIP, "not checked (SKIP)"))
        if counts[result]
    ]
    if number := counts[Result.FAIL]:
        head = f"{number} {'thing is' if number == 1 else 'things are'} wrong (FAIL)"
    else:
        head = "Nothing is wrong"
    return f"{', '.join([head, *beside])}."

"""Findings of a check, for people and for programs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from bot.text.terminal import Painted, Style, TerminalLine


class Result(StrEnum):
    """The result of a check. ``SKIP`` means that it could not be made."""

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
    message: str
    fix: str | None = None


def ok(check: str, message: str) -> Finding:
    """Return a finding that all is right."""
    return Finding(check, Result.PASS, message)


def warning(check: str, message: str, fix: str) -> Finding:
    """Return the finding of something that works but needs attention."""
    return Finding(check, Result.WARN, message, fix)


def wrong(check: str, message: str, fix: str) -> Finding:
    """Return the finding of something that will not work."""
    return Finding(check, Result.FAIL, message, fix)


def skipped(check: str, because: str) -> Finding:
    """Return the finding of a check that was not made, with the obstacle."""
    return Finding(check, Result.SKIP, f"Not checked, because {because}.")


def anything_wrong(findings: Iterable[Finding]) -> bool:
    """Return whether a finding will not work."""
    return any(finding.result is Result.FAIL for finding in findings)


def as_lines(findings: Sequence[Finding]) -> list[TerminalLine]:
    """Return the findings as lines for people, each with its remedy below it, and a summary at the end."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines: list[TerminalLine] = []
    for one in findings:
        lines.append([Painted(one.result, _STYLES[one.result]), f"  {one.check.ljust(width)}  {one.message}"])
        if one.fix:
            lines.append(f"      → {one.fix}")
    return [*lines, "", _verdict(findings)]


def as_objects(findings: Iterable[Finding]) -> list[dict[str, str | None]]:
    """Return the findings as objects for programs."""
    return [asdict(finding) for finding in findings]


def _verdict(findings: Sequence[Finding]) -> str:
    counts = {result: sum(one.result is result for one in findings) for result in Result}
    beside = [
        f"{counts[result]} {words}"
        for result, words in ((Result.WARN, "to check (WARN)"), (Result.SKIP, "not checked (SKIP)"))
        if counts[result]
    ]
    if number := counts[Result.FAIL]:
        head = f"{number} {'thing is' if number == 1 else 'things are'} wrong (FAIL)"
    else:
        head = "Nothing is wrong"
    return f"{', '.join([head, *beside])}."

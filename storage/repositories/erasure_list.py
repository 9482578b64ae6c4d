"""What is to be forgotten and what was, as values; and the list of it beside the log.

The list is what a backup that was put back is purged by again: ids and times, no number. It stands beside the
log, not in it, because the log is what is put back.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from storage import StorageError
from storage.database.files import append_line
from storage.event_log.hash_chain import microseconds, moment

AGAIN: Final = "again"
"""The rule by which what was forgotten before is forgotten again; it is not listed again."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A request or a fault by its id and by when it was asked or reported: an id alone may be drawn anew.

    Or a person by their Slack id, and until when what is known of them is meant: they may come back.
    """

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PurgeFilter:
    """What is to be forgotten, by one rule; what the fields name together, not what they have in common.

    ``rule`` says why, in words that stay in the chain: it holds no number. ``numbers`` are E.164: every
    request aimed at one or mentioning it. ``names``: of people, as they were read until then. ``before``: all
    that ended before that time. ``listed``: what was forgotten before. ``spare_after``: what something has
    happened to since then is kept. ``hold``: ids of requests, and numbers, that are kept whatever else is
    asked. ``at_most`` so many requests go at a time.
    """

    rule: str
    numbers: frozenset[str] = frozenset()
    names: Sequence[Listed] = ()
    before: datetime | None = None
    listed: Sequence[Listed] = ()
    spare_after: datetime | None = None
    hold: frozenset[str] = frozenset()
    at_most: int | None = None


class RetainedBecause(StrEnum):
    """Why something that was asked for is not forgotten yet."""

    HELD = "held"
    UNDER_WAY = "under way"
    MOVING = "moving"
    GOES_OUT = "goes out"
    YOUNG = "young"


@dataclass(frozen=True, slots=True)
class Retained:
    """A request that is not forgotten yet. ``state`` is how it stands; ``until`` when that ends, if known."""

    request: str
    why: RetainedBecause
    state: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What was forgotten, or what would be: requests and reports of faults by id, and how many of the rest.

    ``messages`` are ours in Slack, which are edited; ``id`` is the event's that says so, None where nothing
    was there to forget. ``wiped`` is whether nothing lingers in the write-ahead log. ``left`` are requests
    whose events hold a number that was to be forgotten, for good: nothing takes that out of the chain.
    """

    requests: Sequence[Listed]
    kept: Sequence[Retained] = ()
    drafts: int = 0
    people: int = 0
    messages: int = 0
    id: str | None = None
    wiped: bool = True
    left: Sequence[str] = ()

    @property
    def anything(self) -> bool:
        """Whether there was anything to forget."""
        return bool(self.requests or self.drafts or self.people)


@dataclass(slots=True)
class _Lines:
    listed: dict[str, Listed] = field(default_factory=dict)
    names: dict[str, Listed] = field(default_factory=dict)
    before: datetime | None = None


class UnreadableListError(StorageError):
    """The list of what was forgotten cannot be read, as a sentence."""


def list_beside(log: Path) -> Path:
    """Return the file in which it is listed what a log forgot."""
    return log.with_name(f"{log.name}.erasures")


def keep_in_list(log: Path, erasing: PurgeFilter, requests: Sequence[Listed], at: datetime) -> None:
    """List what is about to be forgotten, onto the disk. What is old enough is listed by its age alone."""
    for line in _lines(erasing, requests):
        append_line(list_beside(log), json.dumps({"at": microseconds(at), **line}))


def _lines(erasing: PurgeFilter, requests: Sequence[Listed]) -> Iterator[Mapping[str, object]]:
    if erasing.before is not None:
        yield {"before": microseconds(erasing.before)}
    else:
        for one in requests:
            yield {"id": one.id, "asked_at": microseconds(one.at)}
    for one in erasing.names:
        yield {"person": one.id, "until": microseconds(one.at)}


def again(log: Path, *, hold: frozenset[str] = frozenset()) -> PurgeFilter | None:
    """Return all that a log forgot, to be forgotten again, or None. Raises `UnreadableListError`."""
    path, found = list_beside(log), _Lines()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableListError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            _take(found, json.loads(line))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise UnreadableListError(
                f"{path}, line {number} is damaged: put it right, or take it out"
            ) from error
    return PurgeFilter(
        rule=AGAIN,
        names=tuple(found.names.values()),
        before=found.before,
        listed=tuple(found.listed.values()),
        hold=hold,
    )


def _take(found: _Lines, line: Any) -> None:  # noqa: ANN401 - JSON
    match line:
        case {"id": str(name), "asked_at": int(at)}:
            found.listed[f"{name} {at}"] = Listed(name, moment(at))
        case {"person": str(name), "until": int(at)}:
            found.names[name] = Listed(name, moment(at))
        case {"before": int(before)}:
            found.before = max(moment(before), found.before or moment(before))
        case _:
            raise ValueError(line)

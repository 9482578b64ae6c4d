"""Filters and results of purges, and the list of purges in a file beside the log.

A restored backup is purged again by that list. It holds ids and times, no number. It is not in the log,
because the log is what is restored.
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
"""The rule of a repeated purge, which is not listed again."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A request or reported error, by its id and its time, because an id may be drawn again.

    Or a person by Slack id, with the end of the time for which the purge applies, because they may come back.
    """

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PurgeFilter:
    """The data that a rule purges: the union of what the fields select.

    ``rule`` is the reason. It is kept in the chain, so it holds no number. The fields:

    - ``numbers`` are E.164: every request with such a target, or mentioning it.
    - ``names``: people, as they were read until then.
    - ``before``: everything that ended before that time.
    - ``listed``: everything that was purged before.
    - ``spare_after``: requests with changes since then are kept.
    - ``hold``: ids of requests, and numbers, that are kept in any case.
    - ``at_most``: the limit of requests in a purge.
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
    """Reason why a selected request is not purged yet."""

    HELD = "held"
    UNDER_WAY = "under way"
    MOVING = "moving"
    GOES_OUT = "goes out"
    YOUNG = "young"


@dataclass(frozen=True, slots=True)
class Retained:
    """A request that is not purged yet. ``until`` is when the reason for that ends, if known."""

    request: str
    why: RetainedBecause
    state: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """The purged data, or the data to purge: requests and reported errors by id, and counts of the rest.

    ``messages`` counts CallOps' messages in Slack, which are edited. ``id`` is the id of the purge's event,
    None if there was nothing to purge. ``wiped`` means that no erased value is left in the write-ahead log.
    If not, ``unwiped`` is its size in bytes, and a running bot wipes it later.
    ``left`` are requests whose events hold a purged number. Nothing can remove it from the chain.
    """

    requests: Sequence[Listed]
    kept: Sequence[Retained] = ()
    drafts: int = 0
    people: int = 0
    messages: int = 0
    id: str | None = None
    wiped: bool = True
    unwiped: int = 0
    left: Sequence[str] = ()

    @property
    def anything(self) -> bool:
        """Return whether there was anything to purge."""
        return bool(self.requests or self.drafts or self.people)


@dataclass(slots=True)
class _Lines:
    listed: dict[str, Listed] = field(default_factory=dict)
    names: dict[str, Listed] = field(default_factory=dict)
    before: datetime | None = None


class UnreadableListError(StorageError):
    """The list of purges cannot be read. The message is a sentence that says why."""


def list_beside(log: Path) -> Path:
    """Return the file with the list of a log's purges."""
    return log.with_name(f"{log.name}.erasures")


def keep_in_list(log: Path, erasing: PurgeFilter, requests: Sequence[Listed], at: datetime) -> None:
    """Append a purge to the list before it runs, and sync it to the disk.

    A purge by age is listed by its age alone.
    """
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


def erase_again_filter(log: Path, *, hold: frozenset[str] = frozenset()) -> PurgeFilter | None:
    """Return a filter for everything that was ever purged from a log, or None.

    Raises:
        UnreadableListError: The list cannot be read.
    """
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

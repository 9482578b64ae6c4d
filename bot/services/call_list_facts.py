"""Counts of the rows of a call list, by country, hour and voice agent, for the people who decide it."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from providers import phone
from providers.actions import CancelCall, NumberRef, PlaceCall, RequestedAction
from providers.masking import NO_REGION
from storage.repositories.call_list_rows import NewRow


def agent_of(action: RequestedAction | None) -> str | None:
    """Return the voice agent of a row, None for a call by its id."""
    match action:
        case PlaceCall(agent=agent) | CancelCall(target=NumberRef(agent=agent)):
            return agent
        case _:
            return None


def by_country(numbers: Iterable[str]) -> dict[str, int]:
    """Return the count of numbers by country, the largest first. Numbers of no country are left out."""
    counts: Counter[str] = Counter()
    for number in numbers:
        region = phone.read(number, default_region=NO_REGION, premium=True).region
        counts.update([region] if region else [])
    return dict(counts.most_common())


def by_hour(rows: Iterable[NewRow]) -> dict[str, int]:
    """Return the count of calls by the hour at which they go out, in order. Those for now are first."""
    counts: Counter[str] = Counter()
    for row in rows:
        at = row.action.at if isinstance(row.action, PlaceCall) and row.action.at else row.due_at
        counts[_hour(at) if at else ""] += 1
    return dict(sorted(counts.items()))


def _hour(at: datetime) -> str:
    whole = at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    return whole.astimezone(UTC).isoformat()

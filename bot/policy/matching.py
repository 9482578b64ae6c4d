"""Decides whether a rule applies to a request, and whether a person is in its groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.policy.rules import EVERYONE, Rule
from bot.text import policy_reasons
from providers import phone
from providers.actions import CallList, CallRef, CancelCall, Kind, NumberRef, PlaceCall, RequestedAction
from providers.masking import NO_REGION
from storage.models import Request

CONDITIONS = ("connections", "channels", "countries", "reasons")
"""The keys of a rule that limit the requests it applies to. `hours` is another."""
_AFTER_A_REASON = (":", ",", ";", ".")

Members = Mapping[str, frozenset[str] | None]
"""Slack ids by group. The value is None for a group that could not be read."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The facts about a request that the rules examine.

    ``countries`` are the countries of its numbers. They contain None if the country of a number or id is
    unknown.
    """

    kind: Kind
    connection: str
    at: datetime
    channel: str | None = None
    countries: frozenset[str | None] = frozenset()
    reason: str | None = None
    is_list: bool = False
    """True for a call list. ``kind`` is that of its rows."""


def _country(number: str) -> str | None:
    """Return the country of an E.164 number as two capital letters, None for a number of no country."""
    try:
        return phone.read(number, default_region=NO_REGION, premium=True).region
    except phone.InvalidNumberError:
        return None


def _countries(actions: Iterable[RequestedAction | None]) -> frozenset[str | None]:
    """Return the countries of the actions' targets. They contain None if one of them is unknown."""
    found: set[str | None] = set()
    for action in actions:
        match action:
            case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
                found.add(_country(to))
            case CancelCall(target=CallRef()) | None:
                found.add(None)
            case CallList(countries=countries, rows=rows):
                found |= {*countries, *([None] if sum(countries.values()) < rows else [])}
            case _:
                pass  # a campaign has no number
    return frozenset(found)


def context_of_actions(
    connection: str,
    kind: Kind,
    actions: Iterable[RequestedAction | None],
    *,
    at: datetime,
    channel: str | None,
    reason: str | None,
) -> RequestContext:
    """Return the facts about some actions that the rules examine."""
    return RequestContext(
        kind.of_rows, connection, at, channel, _countries(actions), reason, is_list=kind.is_list
    )


def context_of_request(request: Request) -> RequestContext:
    """Return the facts about a stored request, as of the time at which it was made."""
    return context_of_actions(
        request.connection,
        request.kind,
        [record.action for record in request.actions],
        at=request.asked_at,
        channel=request.channel,
        reason=request.reason,
    )


def is_about(rule: Rule, wanted: RequestContext) -> bool:
    """Return whether a rule applies to a request. Unknown facts can make a rule deny, never allow."""
    return (
        wanted.kind in rule.actions
        and (not rule.connections or wanted.connection in rule.connections)
        and (not rule.channels or wanted.channel in rule.channels)
        and (not rule.countries or _in_countries(rule, wanted.countries))
        and (not rule.reasons or _for_reason(rule, wanted.reason))
        and (rule.hours is None or _within_hours(rule, wanted.at))
    )


def rules_of(rules: Iterable[Rule], connection: str) -> list[Rule]:
    """Return the rules that can apply to a connection, without that condition."""
    return [
        rule.model_copy(update={"connections": ()})
        for rule in rules
        if not rule.connections or connection in rule.connections
    ]


def _in_countries(rule: Rule, countries: frozenset[str | None]) -> bool:
    """Return whether the numbers are in a rule's countries: all of them to allow, one of them to deny."""
    if rule.effect == "deny":
        return not countries or None in countries or not countries.isdisjoint(rule.countries)
    return bool(countries) and countries.issubset(rule.countries)


def _for_reason(rule: Rule, reason: str | None) -> bool:
    """Return whether a reason is one of the rule's, possibly with other words after it."""
    said = " ".join((reason or "").casefold().split())
    known = [" ".join(one.casefold().split()) for one in rule.reasons]
    return any(said == one or said.startswith(tuple(one + mark for mark in _AFTER_A_REASON)) for one in known)


def _within_hours(rule: Rule, at: datetime) -> bool:
    if rule.hours is None or rule.timezone is None:
        return True
    first, last = rule.hours
    clock = at.astimezone(ZoneInfo(rule.timezone)).time()
    return first <= clock < last if first < last else clock >= first or clock < last


def _conditions(rule: Rule, wanted: RequestContext) -> Iterator[tuple[str, bool]]:
    """Yield each condition of a rule in words, and whether it is met."""
    if rule.connections:
        yield policy_reasons.of_connections(rule.connections), wanted.connection in rule.connections
    if rule.channels:
        yield policy_reasons.of_channels(rule.channels), wanted.channel in rule.channels
    if rule.countries:
        yield policy_reasons.of_countries(rule.countries), _in_countries(rule, wanted.countries)
    if rule.reasons:
        yield policy_reasons.of_reasons(rule.reasons), _for_reason(rule, wanted.reason)
    if rule.hours:
        yield policy_reasons.of_hours(*rule.hours, rule.timezone), _within_hours(rule, wanted.at)


def because(rule: Rule, wanted: RequestContext) -> str:
    """Return the conditions that made a rule apply, in words. Return an empty text if it has none."""
    unknown = not wanted.countries or None in wanted.countries
    return policy_reasons.because(
        [words for words, _ in _conditions(rule, wanted)],
        unknown_country=rule.effect == "deny" and bool(rule.countries) and unknown,
    )


def unmet(rule: Rule, wanted: RequestContext) -> list[str]:
    """Return the unmet conditions of a rule in words."""
    return [words for words, holds in _conditions(rule, wanted) if not holds]


def group_of(groups: Sequence[str], members: Members, person: str) -> str | None:
    """Return the first group that a person is in, or None."""
    return next((g for g in groups if g == EVERYONE or person in (members.get(g) or ())), None)


def everyone_in(groups: Sequence[str], members: Members) -> frozenset[str]:
    """Return everyone by name who is in one of the groups."""
    return frozenset().union(*(members.get(group) or () for group in groups))


def unread_group(groups: Iterable[str], members: Members) -> str | None:
    """Return the first group whose members could not be read, or None."""
    return next((g for g in groups if g != EVERYONE and members.get(g) is None), None)

"""Whether a rule is about a request, and whether a person is in its groups. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.policy.rules import EVERYONE, Rule
from bot.text import policy_reasons
from providers import phone
from providers.actions import CallAction, CallRef, CancelCall, Kind, NumberRef, PlaceCall
from providers.masking import NO_REGION
from storage.models import Request

CONDITIONS = ("connections", "channels", "countries", "reasons")
"""The keys of a rule that limit what it is about; `hours` does so as well."""
_AFTER_A_REASON = (":", ",", ";", ".")

Members = Mapping[str, frozenset[str] | None]
"""Slack ids by group; None for a group that could not be read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for, as far as rules look at it.

    ``countries`` are those of its numbers: None among them for a number or an id whose country is not known.
    """

    kind: Kind
    connection: str
    at: datetime
    channel: str | None = None
    countries: frozenset[str | None] = frozenset()
    reason: str | None = None


def _country(number: str) -> str | None:
    """The country of a number (E.164) as two capital letters; None for a number of no country."""
    try:
        return phone.read(number, default_region=NO_REGION, premium=True).region
    except phone.PhoneFault:
        return None


def _countries(actions: Iterable[CallAction | None]) -> frozenset[str | None]:
    """The countries of what actions are aimed at; None among them where one is not known."""
    found: set[str | None] = set()
    for action in actions:
        match action:
            case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
                found.add(_country(to))
            case CancelCall(target=CallRef()) | None:
                found.add(None)
            case _:
                pass  # a campaign has no number
    return frozenset(found)


def wanted(
    connection: str,
    kind: Kind,
    actions: Iterable[CallAction | None],
    *,
    at: datetime,
    channel: str | None,
    reason: str | None,
) -> Wanted:
    """What somebody asks for, as the rules see it."""
    return Wanted(kind, connection, at, channel, _countries(actions), reason)


def wanted_by(request: Request) -> Wanted:
    """What a request asks for, as the rules saw it when it was asked."""
    return wanted(
        request.connection,
        request.kind,
        [entry.action for entry in request.entries],
        at=request.asked_at,
        channel=request.channel,
        reason=request.reason,
    )


def is_about(rule: Rule, wanted: Wanted) -> bool:
    """Whether a rule is about what is asked. What is not known keeps it from allowing, never from denying."""
    return (
        wanted.kind in rule.actions
        and (not rule.connections or wanted.connection in rule.connections)
        and (not rule.channels or wanted.channel in rule.channels)
        and (not rule.countries or _in_countries(rule, wanted.countries))
        and (not rule.reasons or _for_reason(rule, wanted.reason))
        and (rule.hours is None or _within_hours(rule, wanted.at))
    )


def _in_countries(rule: Rule, countries: frozenset[str | None]) -> bool:
    """For a rule that allows, all numbers are in its countries; for one that denies, one is enough."""
    if rule.effect == "deny":
        return not countries or None in countries or not countries.isdisjoint(rule.countries)
    return bool(countries) and countries.issubset(rule.countries)


def _for_reason(rule: Rule, reason: str | None) -> bool:
    """Whether a reason is one of the rule's, perhaps with words of the person's own after it."""
    said = " ".join((reason or "").casefold().split())
    known = [" ".join(one.casefold().split()) for one in rule.reasons]
    return any(said == one or said.startswith(tuple(one + mark for mark in _AFTER_A_REASON)) for one in known)


def _within_hours(rule: Rule, at: datetime) -> bool:
    if rule.hours is None or rule.timezone is None:
        return True
    first, last = rule.hours
    clock = at.astimezone(ZoneInfo(rule.timezone)).time()
    return first <= clock < last if first < last else clock >= first or clock < last


def _conditions(rule: Rule, wanted: Wanted) -> Iterator[tuple[str, bool]]:
    """What a rule is limited to, in words, and whether that holds."""
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


def because(rule: Rule, wanted: Wanted) -> str:
    """What made a rule the one that holds, where it is not for everything."""
    unknown = not wanted.countries or None in wanted.countries
    return policy_reasons.because(
        [words for words, _ in _conditions(rule, wanted)],
        unknown_country=rule.effect == "deny" and bool(rule.countries) and unknown,
    )


def unmet(rule: Rule, wanted: Wanted) -> list[str]:
    """The conditions of a rule that do not hold, in words."""
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

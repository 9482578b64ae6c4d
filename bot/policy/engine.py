"""Who may do what: the configured rules, read against who people are now. Pure.

Nothing is allowed that no rule allows; a rule that denies wins over every rule that allows; of those that
allow, the first in the file holds. Nobody decides their own request unless its rule says so; guests,
strangers, bots and deactivated people do nothing. A group whose members could not be read has nobody in it,
and where that could let somebody pass, nobody passes. Each answer is a `Decision` with its reasons as
sentences.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.policy.rules import EVERYONE, Rule
from bot.policy.standing import Members, standing
from bot.text import policy_reasons
from bot.text.policy_reasons import Deed
from providers.actions import Kind
from storage.models import Approval, Person

_CONDITIONS = ("connections", "channels", "countries", "reasons")
_AFTER_A_REASON = (":", ",", ";", ".")


class Effect(StrEnum):
    """What a decision lets happen."""

    ALLOW = "allow"
    ASK = "ask"
    """Allowed once an approver lets it pass."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say, which rule said it, and why, as sentences for the person who is told."""

    effect: Effect
    why: tuple[str, ...]
    rule: Rule | None = None
    group: str | None = None
    """The group through which the person was entitled."""
    approvers: frozenset[str] = frozenset()
    """Everyone who may decide the request."""
    tell: frozenset[str] = frozenset()
    """Who is to be told that it was asked."""
    unread: str | None = None
    """The group whose members nobody knows just now, where that is why: it may be otherwise in a minute."""

    @property
    def allowed(self) -> bool:
        """Whether the person may go on, with or without an approval."""
        return self.effect is not Effect.DENY


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


@dataclass(frozen=True, slots=True)
class Case:
    """A request, as far as it matters for who may decide it."""

    requester: str
    team: str
    escalated: bool = False
    """Whether the time has come in which those it is escalated to may decide as well."""


def at_request(
    rules: Sequence[Rule], members: Members, person: Person, wanted: Wanted, *, team: str
) -> Decision:
    """Whether a person may ask for something, and whether somebody must let it pass."""
    if why := standing(person, team):
        return Decision(Effect.DENY, (why,))
    if denied := _denied(rules, members, person, wanted):
        return denied
    for rule in rules:
        if rule.effect == "deny" or not _is_about(rule, wanted):
            continue
        if group := _through(rule.request, members, person.id):
            return _allowed(rule, group, members, person.id, wanted)
        # Somebody who might be in it must not slip through to a rule that asks less. One that asks for
        # nothing can be passed over: whatever comes after it asks for as much, or more.
        if rule.approve and (unread := _unread(rule.request, members)):
            return _unreadable(unread, rule)
    for rule in rules:
        if rule.effect == "allow" and _is_about(rule, wanted) and (unread := _unread(rule.request, members)):
            return _unreadable(unread, rule)
    return Decision(Effect.DENY, (_no_rule(rules, members, person, wanted),))


def at_opening(
    rules: Sequence[Rule], members: Members, person: Person, kind: Kind, *, team: str, now: datetime
) -> Decision:
    """Whether a person could ask for a kind of thing at all, before anything more is known of it."""
    bare = [rule.model_copy(update=dict.fromkeys(_CONDITIONS, ()) | {"between": None}) for rule in rules]
    could = [one for one, rule in zip(bare, rules, strict=True) if one.effect == "allow" or one == rule]
    return at_request(could, members, person, Wanted(kind, "", now), team=team)


def _denied(rules: Sequence[Rule], members: Members, person: Person, wanted: Wanted) -> Decision | None:
    for rule in rules:
        if rule.effect == "deny" and _is_about(rule, wanted):
            if _through(rule.request, members, person.id):
                why = policy_reasons.denies(rule.name, _because(rule, wanted))
                return Decision(Effect.DENY, (why,), rule)
            if unread := _unread(rule.request, members):
                return _unreadable(unread, rule)
    return None


def _no_rule(rules: Sequence[Rule], members: Members, person: Person, wanted: Wanted) -> str:
    """That no rule is for it; and where one nearly is, what it is for."""
    for rule in rules:
        if (
            rule.effect == "allow"
            and wanted.kind in rule.actions
            and _through(rule.request, members, person.id)
        ):
            return policy_reasons.no_rule_but(rule.name, _missing(rule, wanted))
    return policy_reasons.NO_RULE


def _allowed(rule: Rule, group: str, members: Members, person: str, wanted: Wanted) -> Decision:
    if unread := _unread(rule.tell, members):
        return _unreadable(unread, rule)
    told = _everyone_in(rule.tell, members) - {person}
    tells = (policy_reasons.told(rule.tell),) if rule.tell else ()
    if not rule.approve:
        why = policy_reasons.allows(rule.name, _because(rule, wanted))
        return Decision(Effect.ALLOW, (why, *tells), rule, group, tell=told)
    if denied := nobody_can_approve(rule, members, person, {}):
        return denied
    named = () if EVERYONE in rule.approve else rule.approve
    approval = policy_reasons.approval(named, people=rule.approvals)
    asks = policy_reasons.asks(rule.name, approval, _because(rule, wanted))
    approvers = _everyone_in(rule.approve, members) - _not_own(rule, person)
    return Decision(Effect.ASK, (asks, *tells), rule, group, approvers, told)


def nobody_can_approve(
    rule: Rule, members: Members, requester: str, unfit: Mapping[str, str]
) -> Decision | None:
    """Return a denial where too few people could approve under a rule now, or None.

    ``unfit`` has the reason for each person who may do nothing at all.
    """
    groups = rule.deciders(escalated=True)
    possible = _everyone_in(groups, members) - _not_own(rule, requester)
    able = len(possible - unfit.keys())
    if EVERYONE in groups or able >= rule.needed:
        return None
    if unread := _unread(groups, members):
        return _unreadable(unread, rule)
    whys = [unfit[one] for one in possible & unfit.keys()]
    if rule.needed == 1:
        why = policy_reasons.nobody_else(groups, whys)
    else:
        why = policy_reasons.too_few_people(rule.name, groups, whys, approvals=rule.needed, others=able)
    return Decision(Effect.DENY, (why,), rule)


def at_decision(rule: Rule | None, members: Members, person: Person, case: Case) -> Decision:
    """Whether a person may approve or deny a request that was made under a rule (None: it is gone)."""
    groups = rule.deciders(escalated=case.escalated) if rule else ()
    own = bool(rule and rule.own)
    return _entitled(rule, groups, members, person, case, "decide", own=own)


def at_reveal(rule: Rule | None, members: Members, person: Person, case: Case) -> Decision:
    """Whether a person who may decide a request may see the full numbers of what they decide."""
    decides = at_decision(rule, members, person, case)
    if not decides.allowed:
        return decides
    groups = rule.reveal if rule else ()
    return _entitled(rule, groups, members, person, case, "reveal", own=True)


def approvers(rule: Rule | None, members: Members, case: Case) -> frozenset[str]:
    """Everyone by name who may decide; nobody where a rule is gone or only says that everyone may."""
    if rule is None:
        return frozenset()
    return _everyone_in(rule.deciders(escalated=case.escalated), members) - _not_own(rule, case.requester)


def escalation(rule: Rule | None, members: Members, case: Case) -> frozenset[str]:
    """Everyone by name to whom it is escalated."""
    return _everyone_in(rule.escalate_to, members) - _not_own(rule, case.requester) if rule else frozenset()


def is_escalated(rule: Rule | None, asked_at: datetime, now: datetime) -> bool:
    """Whether a request has waited for so long that those it is escalated to may decide as well."""
    return bool(rule and rule.escalate_after and now - asked_at >= rule.escalate_after)


def settlers(rule: Rule | None, members: Members, case: Case) -> frozenset[str]:
    """Everyone by name who may settle; nobody where a rule is gone or only says that everyone may."""
    return _everyone_in(rule.settlers, members) - _not_own(rule, case.requester) if rule else frozenset()


def at_settlement(rule: Rule | None, members: Members, person: Person, case: Case) -> Decision:
    """Whether a person may say what became of an unknown, or order another attempt."""
    groups = rule.settlers if rule else ()
    return _entitled(rule, groups, members, person, case, "settle")


def at_lifting(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Whether a person may let calls to a stopped number go out again, whoever stopped them.

    It is for those whom some rule's ``lift`` names; where none does, for whoever may approve cancellations.
    """
    allowing = [rule for rule in rules if rule.effect == "allow"]
    named = [group for rule in allowing for group in rule.lift]
    cancelling = [rule for rule in allowing if Kind.CANCEL_CALL in rule.actions]
    groups = tuple(dict.fromkeys(named or [group for rule in cancelling for group in rule.approve]))
    why: str
    if unfit := standing(person, team):
        why = unfit
    elif group := _through(groups, members, person.id):
        return Decision(Effect.ALLOW, (), group=group)
    elif unread := _unread(groups, members):
        why = policy_reasons.unread(unread)
    else:
        why = policy_reasons.only_lift(groups)
    return Decision(Effect.DENY, (why,))


def _entitled(
    rule: Rule | None,
    groups: Sequence[str],
    members: Members,
    person: Person,
    case: Case,
    deed: Deed,
    *,
    own: bool = False,
) -> Decision:
    """Whether a person is in one of the groups, and not the one who asked."""
    why: str
    if unfit := standing(person, case.team):
        why = unfit
    elif rule is None:
        why = policy_reasons.RULE_GONE
    elif person.id == case.requester and not own:
        why = policy_reasons.asked_it_yourself(deed)
    elif group := _through(groups, members, person.id):
        able = _everyone_in(groups, members) - (frozenset() if own else {case.requester})
        because = policy_reasons.lets(rule.name, group, deed)
        return Decision(Effect.ALLOW, (because,), rule, group, able)
    elif unread := _unread(groups, members):
        why = policy_reasons.unread(unread)
    else:
        why = policy_reasons.only(groups, deed)
        if rule.escalate_to and deed == "decide" and not case.escalated:
            why += _not_yet(rule, members, person)
    return Decision(Effect.DENY, (why,), rule)


def _not_yet(rule: Rule, members: Members, person: Person) -> str:
    later = _through(rule.escalate_to, members, person.id)
    return policy_reasons.later(later) if later else ""


def given(rule: Rule, members: Members, approvals: Iterable[Approval], asked_at: datetime) -> frozenset[str]:
    """The different people whose approvals count now: whoever left the groups since does not."""
    return frozenset(
        one.person
        for one in approvals
        if one.decision == "approve"
        and _through(
            rule.deciders(escalated=is_escalated(rule, asked_at, one.at or asked_at)), members, one.person
        )
    )


def at_reading(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Whether a person may search the log: whoever some rule lets ask, decide or settle something."""
    if why := standing(person, team):
        return Decision(Effect.DENY, (why,))
    about = [rule for rule in rules if rule.effect == "allow"]
    for rule in about:
        groups = (*rule.request, *rule.approve, *rule.settlers, *rule.reveal, *rule.escalate_to, *rule.lift)
        if group := _through(groups, members, person.id):
            return Decision(Effect.ALLOW, (), rule, group)
    if unread := _unread((one for rule in about for one in (*rule.request, *rule.approve)), members):
        return _unreadable(unread)
    return Decision(Effect.DENY, (policy_reasons.ONLY_SOME_READ,))


def at_dispatch(
    rules: Sequence[Rule],
    members: Members,
    requester: Person,
    approvals: Sequence[tuple[Approval, Person]],
    wanted: Wanted,
    *,
    rule: str | None,
    team: str,
    now: datetime,
) -> Decision:
    """Whether what was asked (and approved) may still be sent: rules and people may have changed since.

    The hours of a rule are those in which it was asked (``wanted.at``); those of one that denies count now,
    too.
    """
    decision = at_request(rules, members, requester, wanted, team=team)
    if not decision.allowed or decision.rule is None:
        gone = rule is not None and all(known.name != rule for known in rules)
        since = (policy_reasons.rule_is_gone(rule),) if rule is not None and gone else ()
        return replace(decision, why=(*since, *decision.why))
    if denied := _denied(rules, members, requester, replace(wanted, at=now)):
        return denied
    holds = decision.rule
    if holds.name != rule:
        return Decision(
            Effect.DENY, (policy_reasons.other_rule(rule, holds.name), policy_reasons.AGAIN), holds
        )
    if decision.effect is Effect.ALLOW:
        return decision
    fit = [approval for approval, approver in approvals if standing(approver, team) is None]
    counted = given(holds, members, fit, wanted.at) - _not_own(holds, requester.id)
    if len(counted) < holds.approvals:
        return Decision(Effect.DENY, (_too_few(holds, approvals, len(counted)), policy_reasons.AGAIN), holds)
    return Decision(Effect.ALLOW, decision.why, holds, decision.group)


def _too_few(rule: Rule, approvals: Sequence[tuple[Approval, Person]], counted: int) -> str:
    people = {approval.person for approval, _ in approvals if approval.decision == "approve"}
    if len(people) >= rule.approvals:
        return policy_reasons.APPROVER_LEFT
    return policy_reasons.more_approvals(rule.name, approvals=rule.approvals, given=counted)


# -- what a rule is about


def _is_about(rule: Rule, wanted: Wanted) -> bool:
    """Whether a rule is about what is asked. What is not known keeps it from allowing, never from denying."""
    return (
        wanted.kind in rule.actions
        and (not rule.connections or wanted.connection in rule.connections)
        and (not rule.channels or wanted.channel in rule.channels)
        and (not rule.countries or _in_countries(rule, wanted.countries))
        and (not rule.reasons or _for_reason(rule, wanted.reason))
        and (rule.between is None or _within_hours(rule, wanted.at))
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
    if rule.between is None or rule.timezone is None:
        return True
    first, last = rule.between
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
    if rule.between:
        yield policy_reasons.of_hours(*rule.between, rule.timezone), _within_hours(rule, wanted.at)


def _because(rule: Rule, wanted: Wanted) -> str:
    """What made a rule the one that holds, where it is not for everything."""
    unknown = not wanted.countries or None in wanted.countries
    return policy_reasons.because(
        [words for words, _ in _conditions(rule, wanted)],
        unknown_country=rule.effect == "deny" and bool(rule.countries) and unknown,
    )


def _missing(rule: Rule, wanted: Wanted) -> list[str]:
    """The conditions of a rule that do not hold, in words."""
    return [words for words, holds in _conditions(rule, wanted) if not holds]


# -- who is in what


def _not_own(rule: Rule, requester: str) -> frozenset[str]:
    """Whose approval does not count: the requester's, unless the rule says so."""
    return frozenset() if rule.own else frozenset({requester})


def _through(groups: Sequence[str], members: Members, person: str) -> str | None:
    return next((g for g in groups if g == EVERYONE or person in (members.get(g) or ())), None)


def _everyone_in(groups: Sequence[str], members: Members) -> frozenset[str]:
    return frozenset().union(*(members.get(group) or () for group in groups))


def _unread(groups: Iterable[str], members: Members) -> str | None:
    return next((g for g in groups if g != EVERYONE and members.get(g) is None), None)


def _unreadable(group: str, rule: Rule | None = None) -> Decision:
    return Decision(Effect.DENY, (policy_reasons.unread(group),), rule, unread=group)

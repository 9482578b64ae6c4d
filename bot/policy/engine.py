"""Who may do what: the configured rules, read against who people are now. Pure.

Nothing is allowed that no rule allows; a rule that denies wins over every rule that allows; of those that
allow, the first in the file holds. Nobody decides their own request unless its rule says so; guests,
strangers, bots and deactivated people do nothing. A group whose members could not be read has nobody in it,
and where that could let somebody pass, nobody passes. Each answer is a `Decision` with its reasons as
sentences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.policy.matching import (
    CONDITIONS,
    Members,
    Wanted,
    because,
    everyone_in,
    group_of,
    is_about,
    unmet,
    unread_group,
)
from bot.policy.rules import EVERYONE, Rule
from bot.text import policy_reasons
from bot.text.policy_reasons import Deed
from providers.actions import Kind
from storage.models import Approval, Person


class Effect(StrEnum):
    """What a decision lets happen."""

    ALLOW = "allow"
    NEEDS_APPROVAL = "needs_approval"
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
class Case:
    """A request, as far as it matters for who may decide it."""

    requester: str
    team: str
    escalated: bool = False
    """Whether the time has come in which those it is escalated to may decide as well."""


def standing(person: Person, team: str) -> str | None:
    """Why somebody may do nothing at all, or None."""
    if person.bot:
        return policy_reasons.BOT
    if person.deleted:
        return policy_reasons.DEACTIVATED
    if person.is_external or person.team != team:
        return policy_reasons.STRANGER
    if person.guest:
        return policy_reasons.GUEST
    return None


def at_request(
    rules: Sequence[Rule], members: Members, person: Person, wanted: Wanted, *, team: str
) -> Decision:
    """Whether a person may ask for something, and whether somebody must let it pass."""
    if why := standing(person, team):
        return Decision(Effect.DENY, (why,))
    if denied := _denied(rules, members, person, wanted):
        return denied
    for rule in rules:
        if rule.effect == "deny" or not is_about(rule, wanted):
            continue
        if group := group_of(rule.request, members, person.id):
            return _allowed(rule, group, members, person.id, wanted)
        # Somebody who might be in it must not slip through to a rule that asks less. One that asks for
        # nothing can be passed over: whatever comes after it asks for as much, or more.
        if rule.approve and (unread := unread_group(rule.request, members)):
            return _unreadable(unread, rule)
    for rule in rules:
        if (
            rule.effect == "allow"
            and is_about(rule, wanted)
            and (unread := unread_group(rule.request, members))
        ):
            return _unreadable(unread, rule)
    return Decision(Effect.DENY, (_no_rule(rules, members, person, wanted),))


def at_opening(
    rules: Sequence[Rule], members: Members, person: Person, kind: Kind, *, team: str, now: datetime
) -> Decision:
    """Whether a person could ask for a kind of thing at all, before anything more is known of it."""
    bare = [rule.model_copy(update=dict.fromkeys(CONDITIONS, ()) | {"hours": None}) for rule in rules]
    could = [one for one, rule in zip(bare, rules, strict=True) if one.effect == "allow" or one == rule]
    return at_request(could, members, person, Wanted(kind, "", now), team=team)


def _denied(rules: Sequence[Rule], members: Members, person: Person, wanted: Wanted) -> Decision | None:
    for rule in rules:
        if rule.effect == "deny" and is_about(rule, wanted):
            if group_of(rule.request, members, person.id):
                why = policy_reasons.denies(rule.name, because(rule, wanted))
                return Decision(Effect.DENY, (why,), rule)
            if unread := unread_group(rule.request, members):
                return _unreadable(unread, rule)
    return None


def _no_rule(rules: Sequence[Rule], members: Members, person: Person, wanted: Wanted) -> str:
    """That no rule is for it; and where one nearly is, what it is for."""
    for rule in rules:
        if (
            rule.effect == "allow"
            and wanted.kind in rule.actions
            and group_of(rule.request, members, person.id)
        ):
            return policy_reasons.no_rule_but(rule.name, unmet(rule, wanted))
    return policy_reasons.NO_RULE


def _allowed(rule: Rule, group: str, members: Members, person: str, wanted: Wanted) -> Decision:
    if unread := unread_group(rule.notify_groups, members):
        return _unreadable(unread, rule)
    told = everyone_in(rule.notify_groups, members) - {person}
    tells = (policy_reasons.told(rule.notify_groups),) if rule.notify_groups else ()
    if not rule.approve:
        why = policy_reasons.allows(rule.name, because(rule, wanted))
        return Decision(Effect.ALLOW, (why, *tells), rule, group, tell=told)
    if denied := nobody_can_approve(rule, members, person, {}):
        return denied
    named = () if EVERYONE in rule.approve else rule.approve
    approval = policy_reasons.approval(named, people=rule.approvals)
    asks = policy_reasons.asks(rule.name, approval, because(rule, wanted))
    approvers = everyone_in(rule.approve, members) - _not_own(rule, person)
    return Decision(Effect.NEEDS_APPROVAL, (asks, *tells), rule, group, approvers, told)


def nobody_can_approve(
    rule: Rule, members: Members, requester: str, unfit: Mapping[str, str]
) -> Decision | None:
    """Return a denial where too few people could approve under a rule now, or None.

    ``unfit`` has the reason for each person who may do nothing at all.
    """
    groups = rule.deciders(escalated=True)
    possible = everyone_in(groups, members) - _not_own(rule, requester)
    able = len(possible - unfit.keys())
    if EVERYONE in groups or able >= rule.needed:
        return None
    if unread := unread_group(groups, members):
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
    own = bool(rule and rule.self_approval)
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
    return everyone_in(rule.deciders(escalated=case.escalated), members) - _not_own(rule, case.requester)


def escalation(rule: Rule | None, members: Members, case: Case) -> frozenset[str]:
    """Everyone by name to whom it is escalated."""
    return everyone_in(rule.escalate_to, members) - _not_own(rule, case.requester) if rule else frozenset()


def is_escalated(rule: Rule | None, asked_at: datetime, now: datetime) -> bool:
    """Whether a request has waited for so long that those it is escalated to may decide as well."""
    return bool(rule and rule.escalate_after and now - asked_at >= rule.escalate_after)


def settlers(rule: Rule | None, members: Members, case: Case) -> frozenset[str]:
    """Everyone by name who may settle; nobody where a rule is gone or only says that everyone may."""
    return everyone_in(rule.settlers, members) - _not_own(rule, case.requester) if rule else frozenset()


def at_settlement(rule: Rule | None, members: Members, person: Person, case: Case) -> Decision:
    """Whether a person may say what became of an unknown, or order another attempt."""
    groups = rule.settlers if rule else ()
    return _entitled(rule, groups, members, person, case, "settle")


def at_lifting(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Whether a person may let calls to a stopped number go out again, whoever stopped them.

    It is for those whom some rule's ``unblock`` names; where none does, for the approvers of cancellations.
    """
    allowing = [rule for rule in rules if rule.effect == "allow"]
    named = [group for rule in allowing for group in rule.unblock]
    cancelling = [rule for rule in allowing if Kind.CANCEL_CALL in rule.actions]
    groups = tuple(dict.fromkeys(named or [group for rule in cancelling for group in rule.approve]))
    why: str
    if unfit := standing(person, team):
        why = unfit
    elif group := group_of(groups, members, person.id):
        return Decision(Effect.ALLOW, (), group=group)
    elif unread := unread_group(groups, members):
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
    elif group := group_of(groups, members, person.id):
        able = everyone_in(groups, members) - (frozenset() if own else {case.requester})
        because = policy_reasons.lets(rule.name, group, deed)
        return Decision(Effect.ALLOW, (because,), rule, group, able)
    elif unread := unread_group(groups, members):
        why = policy_reasons.unread(unread)
    else:
        why = policy_reasons.only(groups, deed)
        if rule.escalate_to and deed == "decide" and not case.escalated:
            why += _not_yet(rule, members, person)
    return Decision(Effect.DENY, (why,), rule)


def _not_yet(rule: Rule, members: Members, person: Person) -> str:
    later = group_of(rule.escalate_to, members, person.id)
    return policy_reasons.later(later) if later else ""


def given(rule: Rule, members: Members, approvals: Iterable[Approval], asked_at: datetime) -> frozenset[str]:
    """The different people whose approvals count now: whoever left the groups since does not."""
    return frozenset(
        one.person
        for one in approvals
        if one.decision == "approve"
        and group_of(
            rule.deciders(escalated=is_escalated(rule, asked_at, one.at or asked_at)), members, one.person
        )
    )


def at_reading(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Whether a person may search the log: whoever some rule lets ask, decide or settle something."""
    if why := standing(person, team):
        return Decision(Effect.DENY, (why,))
    about = [rule for rule in rules if rule.effect == "allow"]
    for rule in about:
        groups = (
            *rule.request,
            *rule.approve,
            *rule.settlers,
            *rule.reveal,
            *rule.escalate_to,
            *rule.unblock,
        )
        if group := group_of(groups, members, person.id):
            return Decision(Effect.ALLOW, (), rule, group)
    if unread := unread_group((one for rule in about for one in (*rule.request, *rule.approve)), members):
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


def _not_own(rule: Rule, requester: str) -> frozenset[str]:
    """Whose approval does not count: the requester's, unless the rule says so."""
    return frozenset() if rule.self_approval else frozenset({requester})


def _unreadable(group: str, rule: Rule | None = None) -> Decision:
    return Decision(Effect.DENY, (policy_reasons.unread(group),), rule, unread=group)

"""Decides who may request, approve, reveal, settle, unblock and search, by the configured rules.

Nothing is allowed without a rule that allows it. A rule that denies overrides every rule that allows. Of the
rules that allow, the first in the file applies. Nobody decides their own request unless its rule permits it.
Guests, external users, bots and deactivated users may do nothing. A group whose members could not be read
counts as empty. If that could let a person pass, the answer is a denial. Each answer is a `Decision` with its
reasons as sentences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.policy.matching import (
    CONDITIONS,
    Members,
    RequestContext,
    because,
    everyone_in,
    group_of,
    is_about,
    unmet,
    unread_group,
)
from bot.policy.rules import EVERYONE, Rule
from bot.text import policy_reasons
from bot.text.policy_reasons import Permission
from providers.actions import Kind
from storage.models import Approval, Person


class Effect(StrEnum):
    """The effect of a decision."""

    ALLOW = "allow"
    NEEDS_APPROVAL = "needs_approval"
    """Allowed after an approval."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of the rules, the rule that applies, and the reasons, as sentences for the user."""

    effect: Effect
    reasons: tuple[str, ...]
    rule: Rule | None = None
    group: str | None = None
    """The group that entitles the person."""
    approvers: frozenset[str] = frozenset()
    """Everyone who may decide the request."""
    notify: frozenset[str] = frozenset()
    """The people to notify of the request."""
    unread: str | None = None
    """The group whose members could not be read, if that is the reason. The answer may change within a
    minute."""

    @property
    def allowed(self) -> bool:
        """True if the person may go on, with or without an approval."""
        return self.effect is not Effect.DENY


@dataclass(frozen=True, slots=True)
class ApprovalContext:
    """The facts about a request that matter for who may decide it."""

    requester: str
    team: str
    escalated: bool = False
    """True if the request was escalated, so that the people of ``escalate_to`` may decide it, too."""


def ineligible_reason(person: Person, team: str) -> str | None:
    """Return why a user may do nothing at all, None if the user is eligible."""
    if person.bot:
        return policy_reasons.BOT
    if person.deleted:
        return policy_reasons.DEACTIVATED
    if person.is_external or person.team != team:
        return policy_reasons.STRANGER
    if person.guest:
        return policy_reasons.GUEST
    return None


def can_request(
    rules: Sequence[Rule], members: Members, person: Person, wanted: RequestContext, *, team: str
) -> Decision:
    """Return whether a person may make a request, and whether it needs an approval."""
    if why := ineligible_reason(person, team):
        return Decision(Effect.DENY, (why,))
    if denied := _denied(rules, members, person, wanted):
        return denied
    for rule in rules:
        if rule.effect == "deny" or not is_about(rule, wanted):
            continue
        if group := group_of(rule.request, members, person.id):
            allowed = _list_allowed if wanted.is_list else _allowed
            return allowed(rule, group, members, person.id, wanted)
        # A person who may be in an unread group must not reach a later rule that requires less. A rule
        # without approvals can be skipped, because no later rule requires less. It does for call lists.
        if (rule.approve or wanted.is_list) and (unread := unread_group(rule.request, members)):
            return _unreadable(unread, rule)
    for rule in rules:
        if (
            rule.effect == "allow"
            and is_about(rule, wanted)
            and (unread := unread_group(rule.request, members))
        ):
            return _unreadable(unread, rule)
    return Decision(Effect.DENY, (_no_rule(rules, members, person, wanted),))


def can_open(
    rules: Sequence[Rule], members: Members, person: Person, kind: Kind, *, team: str, now: datetime
) -> Decision:
    """Return whether a person could request a kind of action at all, before its details are known."""
    bare = [rule.model_copy(update=dict.fromkeys(CONDITIONS, ()) | {"hours": None}) for rule in rules]
    could = [one for one, rule in zip(bare, rules, strict=True) if one.effect == "allow" or one == rule]
    wanted = RequestContext(kind.of_rows, "", now, is_list=kind.is_list)
    return can_request(could, members, person, wanted, team=team)


def _denied(
    rules: Sequence[Rule], members: Members, person: Person, wanted: RequestContext
) -> Decision | None:
    for rule in rules:
        if rule.effect == "deny" and is_about(rule, wanted):
            if group_of(rule.request, members, person.id):
                why = policy_reasons.denies(rule.name, because(rule, wanted))
                return Decision(Effect.DENY, (why,), rule)
            if unread := unread_group(rule.request, members):
                return _unreadable(unread, rule)
    return None


def _no_rule(rules: Sequence[Rule], members: Members, person: Person, wanted: RequestContext) -> str:
    """Return the reason why no rule allows the request.

    The reason names the unmet conditions of the first rule that nearly applies, if there is one.
    """
    for rule in rules:
        if (
            rule.effect == "allow"
            and wanted.kind in rule.actions
            and group_of(rule.request, members, person.id)
        ):
            return policy_reasons.no_rule_but(rule.name, unmet(rule, wanted))
    return policy_reasons.NO_RULE


def _allowed(rule: Rule, group: str, members: Members, person: str, wanted: RequestContext) -> Decision:
    if unread := unread_group(rule.notify_groups, members):
        return _unreadable(unread, rule)
    told = everyone_in(rule.notify_groups, members) - {person}
    tells = (policy_reasons.notifies(rule.notify_groups),) if rule.notify_groups else ()
    if not rule.approve:
        why = policy_reasons.allows(rule.name, because(rule, wanted))
        return Decision(Effect.ALLOW, (why, *tells), rule, group, notify=told)
    if denied := nobody_can_approve(rule, members, person, {}):
        return denied
    named = () if EVERYONE in rule.approve else rule.approve
    approval = policy_reasons.approval(named, people=rule.approvals)
    asks = policy_reasons.asks(rule.name, approval, because(rule, wanted))
    approvers = everyone_in(rule.approve, members) - _not_own(rule, person)
    return Decision(Effect.NEEDS_APPROVAL, (asks, *tells), rule, group, approvers, told)


def _list_allowed(rule: Rule, group: str, members: Members, person: str, wanted: RequestContext) -> Decision:
    """Return whether a person whom a rule lets make single requests may make a call list of them."""
    if group_of(rule.import_, members, person):
        return _allowed(rule.for_lists(wanted.kind), group, members, person, wanted)
    if unread := unread_group(rule.import_, members):
        return _unreadable(unread, rule)
    return Decision(Effect.DENY, (policy_reasons.no_lists(rule.name, rule.import_),), rule)


def nobody_can_approve(
    rule: Rule, members: Members, requester: str, unfit: Mapping[str, str]
) -> Decision | None:
    """Return a denial if too few people could approve under a rule now, None if enough could.

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


def can_decide(rule: Rule | None, members: Members, person: Person, case: ApprovalContext) -> Decision:
    """Return whether a person may decide a request made under a rule. The rule is None if it was removed."""
    groups = rule.deciders(escalated=case.escalated) if rule else ()
    own = bool(rule and rule.self_approval)
    return _entitled(rule, groups, members, person, case, "decide", own=own)


def can_reveal(
    rule: Rule | None, members: Members, person: Person, case: ApprovalContext, *, settling: bool = False
) -> Decision:
    """Return whether a person may see the full numbers of a request.

    Where the rule names ``reveal``, it alone decides. Where it names none, those who settle an unknown
    outcome may, because they look the call up.
    """
    groups = rule.reveal or (rule.settlers if settling else ()) if rule else ()
    own = bool(rule and rule.reveal)
    return _entitled(rule, groups, members, person, case, "reveal", own=own)


def approvers(rule: Rule | None, members: Members, case: ApprovalContext) -> frozenset[str]:
    """Return everyone by name who may decide, none if the rule was removed or only names everyone."""
    if rule is None:
        return frozenset()
    return everyone_in(rule.deciders(escalated=case.escalated), members) - _not_own(rule, case.requester)


def escalation(rule: Rule | None, members: Members, case: ApprovalContext) -> frozenset[str]:
    """Return everyone by name to whom a request is escalated."""
    return everyone_in(rule.escalate_to, members) - _not_own(rule, case.requester) if rule else frozenset()


def is_escalated(rule: Rule | None, asked_at: datetime, now: datetime) -> bool:
    """Return whether a request has waited long enough to be escalated."""
    return bool(rule and rule.escalate_after and now - asked_at >= rule.escalate_after)


def settlers(rule: Rule | None, members: Members, case: ApprovalContext) -> frozenset[str]:
    """Return everyone by name who may settle, none if the rule was removed or only names everyone."""
    return everyone_in(rule.settlers, members) - _not_own(rule, case.requester) if rule else frozenset()


def can_settle(rule: Rule | None, members: Members, person: Person, case: ApprovalContext) -> Decision:
    """Return whether a person may record the outcome of an unknown action, or order another attempt."""
    groups = rule.settlers if rule else ()
    return _entitled(rule, groups, members, person, case, "settle")


def can_unblock(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Return whether a person may allow calls to a stopped number again, whoever stopped them.

    The groups of every rule's ``unblock`` may. If no rule has one, the approvers of cancellations may.
    """
    allowing = [rule for rule in rules if rule.effect == "allow"]
    named = [group for rule in allowing for group in rule.unblock]
    cancelling = [rule for rule in allowing if Kind.CANCEL_CALL in rule.actions]
    groups = tuple(dict.fromkeys(named or [group for rule in cancelling for group in rule.approve]))
    why: str
    if unfit := ineligible_reason(person, team):
        why = unfit
    elif group := group_of(groups, members, person.id):
        return Decision(Effect.ALLOW, (), group=group)
    elif unread := unread_group(groups, members):
        why = policy_reasons.unread(unread)
    else:
        why = policy_reasons.only_unblock(groups)
    return Decision(Effect.DENY, (why,))


def _entitled(
    rule: Rule | None,
    groups: Sequence[str],
    members: Members,
    person: Person,
    case: ApprovalContext,
    deed: Permission,
    *,
    own: bool = False,
) -> Decision:
    """Return whether a person is in one of the groups, and is not the requester unless ``own`` is true."""
    why: str
    if unfit := ineligible_reason(person, case.team):
        why = unfit
    elif rule is None:
        why = policy_reasons.RULE_GONE
    elif person.id == case.requester and not own:
        why = policy_reasons.asked_it_yourself(deed, groups)
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


def counted_approvals(
    rule: Rule, members: Members, approvals: Iterable[Approval], asked_at: datetime
) -> frozenset[str]:
    """Return the people whose approvals count now. An approver who left the groups no longer counts."""
    return frozenset(
        one.person
        for one in approvals
        if one.decision == "approve"
        and group_of(
            rule.deciders(escalated=is_escalated(rule, asked_at, one.at or asked_at)), members, one.person
        )
    )


def can_search(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Return whether a person may search the log.

    All groups that a rule lets request, decide, reveal, settle, unblock or pause may.
    """
    if why := ineligible_reason(person, team):
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
            *rule.pause,
        )
        if group := group_of(groups, members, person.id):
            return Decision(Effect.ALLOW, (), rule, group)
    if unread := unread_group((one for rule in about for one in (*rule.request, *rule.approve)), members):
        return _unreadable(unread)
    return Decision(Effect.DENY, (policy_reasons.ONLY_SOME_READ,))


def can_dispatch(
    rules: Sequence[Rule],
    members: Members,
    requester: Person,
    approvals: Sequence[tuple[Approval, Person]],
    wanted: RequestContext,
    *,
    rule: str | None,
    team: str,
    now: datetime,
) -> Decision:
    """Return whether an approved request may still be sent, as rules and people may have changed since.

    The hours of a rule that allows apply to the time of the request (``wanted.at``). Those of a rule that
    denies apply to the present, too.
    """
    decision = can_request(rules, members, requester, wanted, team=team)
    if not decision.allowed or decision.rule is None:
        gone = rule is not None and all(known.name != rule for known in rules)
        since = (policy_reasons.rule_is_gone(rule),) if rule is not None and gone else ()
        return replace(decision, reasons=(*since, *decision.reasons))
    if denied := _denied(rules, members, requester, replace(wanted, at=now)):
        return denied
    holds = decision.rule
    if holds.name != rule:
        return Decision(
            Effect.DENY, (policy_reasons.other_rule(rule, holds.name), policy_reasons.AGAIN), holds
        )
    if decision.effect is Effect.ALLOW:
        return decision
    fit = [approval for approval, approver in approvals if ineligible_reason(approver, team) is None]
    counted = counted_approvals(holds, members, fit, wanted.at) - _not_own(holds, requester.id)
    if len(counted) < holds.approvals:
        return Decision(Effect.DENY, (_too_few(holds, approvals, len(counted)), policy_reasons.AGAIN), holds)
    return Decision(Effect.ALLOW, decision.reasons, holds, decision.group)


def _too_few(rule: Rule, approvals: Sequence[tuple[Approval, Person]], counted: int) -> str:
    people = {approval.person for approval, _ in approvals if approval.decision == "approve"}
    if len(people) >= rule.approvals:
        return policy_reasons.APPROVER_LEFT
    return policy_reasons.more_approvals(rule.name, approvals=rule.approvals, given=counted)


def _not_own(rule: Rule, requester: str) -> frozenset[str]:
    """Return the people whose approval does not count: the requester, unless the rule permits it."""
    return frozenset() if rule.self_approval else frozenset({requester})


def _unreadable(group: str, rule: Rule | None = None) -> Decision:
    return Decision(Effect.DENY, (policy_reasons.unread(group),), rule, unread=group)

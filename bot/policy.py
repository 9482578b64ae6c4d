"""Who may do what: the configured rules, read against who people are now. Pure.

Nothing is allowed that no rule allows; a rule that denies wins over every rule that allows; nobody decides
their own request; guests, strangers, bots and deactivated people do nothing. A group whose members could not
be read has nobody in it. Each answer is a `Decision` with its reasons as sentences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.settings import EVERYONE, Rule
from providers.actions import Kind
from storage.entries import Approval, Person

Members = Mapping[str, frozenset[str] | None]
"""Slack ids by group; None for a group that could not be read."""


RULE_GONE = "The rule this was asked under is gone. Tell whoever runs CallOps, and ask again."


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

    @property
    def allowed(self) -> bool:
        """Whether the person may go on, with or without an approval."""
        return self.effect is not Effect.DENY


def standing(person: Person, team: str) -> str | None:
    """Why somebody may do nothing at all, or None."""
    if person.bot:
        return "Apps and bots cannot use CallOps."
    if person.deleted:
        return "This account is deactivated."
    if person.stranger or person.team != team:
        return "People from another organisation cannot use CallOps here."
    if person.guest:
        return "Guests of this workspace cannot use CallOps. Ask a full member."
    return None


def at_request(rules: Sequence[Rule], members: Members, person: Person, kind: Kind, *, team: str) -> Decision:
    """Whether a person may ask for something, and whether somebody must let it pass."""
    if why := standing(person, team):
        return Decision(Effect.DENY, (why,))
    about = [rule for rule in rules if kind in rule.actions]
    for rule in about:
        if rule.effect == "deny":
            if _through(rule.request, members, person.id):
                return Decision(Effect.DENY, (f'The rule "{rule.name}" does not let you do this.',), rule)
            if unread := _unread(rule.request, members):
                return Decision(Effect.DENY, (_cannot_read(unread),), rule)
    for rule in about:
        if rule.effect == "allow" and (group := _through(rule.request, members, person.id)):
            return _allowed(rule, group, members, person.id)
    if unread := _unread((group for rule in about for group in rule.request), members):
        return Decision(Effect.DENY, (_cannot_read(unread),))
    return Decision(Effect.DENY, ("No rule lets you do this. Ask whoever runs CallOps in your team.",))


def _allowed(rule: Rule, group: str, members: Members, person: str) -> Decision:
    if not rule.approve:
        return Decision(Effect.ALLOW, (f'The rule "{rule.name}" allows it.',), rule, group)
    approvers = _everyone_in(rule.approve, members) - {person}
    if approvers or EVERYONE in rule.approve:
        return Decision(
            Effect.ASK, (f'The rule "{rule.name}" asks for an approval.',), rule, group, approvers
        )
    if unread := _unread(rule.approve, members):
        return Decision(Effect.DENY, (_cannot_read(unread),), rule)
    names = " and ".join(rule.approve)
    return Decision(Effect.DENY, (f"Nobody but you could approve this: {names} has no other member.",), rule)


def at_decision(
    rule: Rule | None, members: Members, person: Person, *, requester: str, team: str
) -> Decision:
    """Whether a person may approve or deny a request that was made under a rule (None: it is gone)."""
    groups = rule.approve if rule else ()
    return _entitled(rule, groups, members, person, requester, team, ("decide", "decide this"))


def at_reveal(rule: Rule | None, members: Members, person: Person, *, requester: str, team: str) -> Decision:
    """Whether a person who may decide a request may see the full numbers of what they decide."""
    decides = at_decision(rule, members, person, requester=requester, team=team)
    if not decides.allowed:
        return decides
    groups = rule.reveal if rule else ()
    words = ("look", "see the full number")
    return _entitled(rule, groups, members, person, requester, team, words)


def approvers(rule: Rule | None, members: Members, *, requester: str) -> frozenset[str]:
    """Everyone by name who may decide; nobody where a rule is gone or only says that everyone may."""
    return _everyone_in(rule.approve, members) - {requester} if rule else frozenset()


def settlers(rule: Rule | None, members: Members, *, requester: str) -> frozenset[str]:
    """Everyone by name who may settle; nobody where a rule is gone or only says that everyone may."""
    return _everyone_in(rule.settlers, members) - {requester} if rule else frozenset()


def at_settlement(
    rule: Rule | None, members: Members, person: Person, *, requester: str, team: str
) -> Decision:
    """Whether a person may say what became of an unknown, or order another attempt."""
    groups = rule.settlers if rule else ()
    words = ("say what happened", "say what happened")
    return _entitled(rule, groups, members, person, requester, team, words)


def _entitled(
    rule: Rule | None,
    groups: Sequence[str],
    members: Members,
    person: Person,
    requester: str,
    team: str,
    words: tuple[str, str],
) -> Decision:
    """Whether a person is in one of the groups, and not the one who asked; ``words`` for what they want."""
    why: str
    if unfit := standing(person, team):
        why = unfit
    elif rule is None:
        why = RULE_GONE
    elif person.id == requester:
        why = f"You asked for this, so somebody else must {words[0]}."
    elif group := _through(groups, members, person.id):
        return Decision(Effect.ALLOW, (), rule, group, _everyone_in(groups, members) - {requester})
    elif unread := _unread(groups, members):
        why = _cannot_read(unread)
    else:
        why = f"Only {' and '.join(groups) or 'nobody'} may {words[1]}."
    return Decision(Effect.DENY, (why,), rule)


def at_reading(rules: Sequence[Rule], members: Members, person: Person, *, team: str) -> Decision:
    """Whether a person may search the log: whoever some rule lets ask, decide or settle something."""
    if why := standing(person, team):
        return Decision(Effect.DENY, (why,))
    about = [rule for rule in rules if rule.effect == "allow"]
    for rule in about:
        groups = (*rule.request, *rule.approve, *rule.settlers, *rule.reveal)
        if group := _through(groups, members, person.id):
            return Decision(Effect.ALLOW, (), rule, group)
    if unread := _unread((one for rule in about for one in (*rule.request, *rule.approve)), members):
        return Decision(Effect.DENY, (_cannot_read(unread),))
    return Decision(Effect.DENY, ("Only people whom a rule lets ask, approve or settle may search the log.",))


def at_dispatch(
    rules: Sequence[Rule],
    members: Members,
    requester: Person,
    approvals: Sequence[tuple[Approval, Person]],
    *,
    kind: Kind,
    rule: str | None,
    team: str,
) -> Decision:
    """Whether what was asked (and approved) may still be sent: rules and people may have changed since."""
    decision = at_request(rules, members, requester, kind, team=team)
    if not decision.allowed or decision.rule is None:
        return decision
    if decision.rule.name != rule:
        why = f'It was asked under the rule "{rule}", and "{decision.rule.name}" holds now.'
        return Decision(Effect.DENY, (why, "The request must be made again."), decision.rule)
    if decision.effect is Effect.ALLOW:
        return decision
    given = 0
    for approval, approver in approvals:
        if approval.decision == "approve":
            entitled = at_decision(decision.rule, members, approver, requester=requester.id, team=team)
            given += entitled.allowed
    if given < decision.rule.approvals:
        why = "Whoever approved it may no longer approve. The request must be made again."
        return Decision(Effect.DENY, (why,), decision.rule)
    return Decision(Effect.ALLOW, decision.why, decision.rule, decision.group)


def _through(groups: Sequence[str], members: Members, person: str) -> str | None:
    return next((g for g in groups if g == EVERYONE or person in (members.get(g) or ())), None)


def _everyone_in(groups: Sequence[str], members: Members) -> frozenset[str]:
    return frozenset().union(*(members.get(group) or () for group in groups))


def _unread(groups: Iterable[str], members: Members) -> str | None:
    return next((g for g in groups if g != EVERYONE and members.get(g) is None), None)


def _cannot_read(group: str) -> str:
    return f'Slack would not say who is in "{group}". Try again in a minute, or tell whoever runs CallOps.'

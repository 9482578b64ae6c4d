"""Decides who may pause calls, and let them go on.

The groups of `pause` may, of the rules that cover the connection. If none of them has one, whoever may
approve or settle there may. For all connections, a person must be entitled at each.
"""

from collections.abc import Iterable, Sequence

from bot.policy.engine import Decision, Effect, ineligible_reason
from bot.policy.matching import Members, group_of, unread_group
from bot.policy.rules import Rule
from bot.text import policy_reasons
from storage.models import Person


def pausers(rules: Sequence[Rule], connection: str) -> tuple[str, ...]:
    """Return the groups that may pause a connection."""
    covering = [
        rule
        for rule in rules
        if rule.effect == "allow" and (not rule.connections or connection in rule.connections)
    ]
    named = [group for rule in covering for group in rule.pause]
    return tuple(dict.fromkeys(named or [one for rule in covering for one in (*rule.approve, *rule.settle)]))


def can_pause(
    rules: Sequence[Rule], members: Members, person: Person, connections: Iterable[str], *, team: str
) -> Decision:
    """Return whether a person may pause all of these connections, and resume them."""
    if unfit := ineligible_reason(person, team):
        return Decision(Effect.DENY, (unfit,))
    group: str | None = None
    for connection in connections:
        groups = pausers(rules, connection)
        if group := group_of(groups, members, person.id):
            continue
        if unread := unread_group(groups, members):
            return Decision(Effect.DENY, (policy_reasons.unread(unread),), unread=unread)
        return Decision(Effect.DENY, (policy_reasons.only_pause(groups, connection),))
    return Decision(Effect.ALLOW, (policy_reasons.lets_pause(group),) if group else (), group=group)

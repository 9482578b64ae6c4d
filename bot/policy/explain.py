"""Explains what the rules of a file answer to a user, without Slack's user groups.

There is one answer if the user groups do not matter to it. Otherwise there are two: for a user who is in none
of the groups, and for a user who is in all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.policy import engine
from bot.policy.engine import Decision, Effect
from bot.policy.matching import Members, RequestContext
from bot.policy.pausing import can_pause, pausers
from bot.policy.rules import EVERYONE, MOST_APPROVALS, Rule
from storage.models import Person

_TEAM = "T"
_MARK = "#"
"""Separates a user group's id from the number of an unnamed member."""
_ASKED = ("request", "approve", "import_", "escalate_to", "notify_groups")
"""The keys of a rule that decide whether a request may be made."""
VERDICTS = {
    Effect.ALLOW: "It goes at once.",
    Effect.NEEDS_APPROVAL: "It waits for an approval.",
    Effect.DENY: "It is refused.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision for a user in none of the user groups, and for a user in all of them if it differs."""

    decision: Decision
    if_member: Decision | None
    unread_groups: tuple[str, ...]
    """The user groups that matter and whose members only Slack knows."""


def explain(
    rules: Sequence[Rule], groups: Mapping[str, Sequence[str]], user: str, wanted: RequestContext
) -> Answer:
    """Return what the rules let a user request, as a full and active member."""
    person = _somebody(user, wanted.at)
    outside = engine.can_request(rules, _members(groups), person, wanted, team=_TEAM)
    inside = engine.can_request(rules, _members(groups, user), person, wanted, team=_TEAM)
    same = (outside.effect, outside.rule) == (inside.effect, inside.rule)
    about = [rule for rule in rules if wanted.kind in rule.actions]
    named = {group for rule in about for field in _ASKED for group in getattr(rule, field)} - {EVERYONE}
    unknown = {one for group in named for one in groups.get(group, ()) if one.startswith("S")}
    return Answer(outside, None if same else inside, tuple(sorted(unknown)))


def explain_pause(
    rules: Sequence[Rule], groups: Mapping[str, Sequence[str]], user: str, connection: str, at: datetime
) -> Answer:
    """Return whether the rules let a user pause a connection, as a full and active member."""
    person = _somebody(user, at)
    outside = can_pause(rules, _members(groups), person, [connection], team=_TEAM)
    inside = can_pause(rules, _members(groups, user), person, [connection], team=_TEAM)
    named = set(pausers(rules, connection)) - {EVERYONE}
    unknown = {one for group in named for one in groups.get(group, ()) if one.startswith("S")}
    same = outside.effect is inside.effect
    return Answer(outside, None if same else inside, tuple(sorted(unknown)))


def _somebody(user: str, at: datetime) -> Person:
    """Return a full and active member with this id. Only Slack knows whether the user is one."""
    return Person(
        user, _TEAM, user, "UTC", bot=False, deleted=False, guest=False, is_external=False, read_at=at
    )


def _members(groups: Mapping[str, Sequence[str]], user: str | None = None) -> Members:
    """Return the members of each group. A user group has unnamed people, and ``user`` if given."""
    return {name: frozenset(one for each in ids for one in _in(each, user)) for name, ids in groups.items()}


def _in(one: str, user: str | None) -> list[str]:
    if not one.startswith("S"):
        return [one]
    unnamed = [f"{one}{_MARK}{number}" for number in range(MOST_APPROVALS + 1)]
    return [*unnamed, *([user] if user else [])]


def as_lines(answer: Answer, reason: str | None, user: str) -> list[str]:
    """Return an answer as lines for people."""
    lines = _told(answer.decision)
    if answer.unread_groups:
        lines += [
            "",
            *(
                f"{one} could not be looked at here: only Slack knows who is in it."
                for one in answer.unread_groups
            ),
        ]
    if answer.if_member:
        them = " and ".join(answer.unread_groups)
        lines += ["", f"That is so if {user} is not in {them}. If {user} is:", *_told(answer.if_member)]
    rule = answer.decision.rule
    if rule and rule.reason == "required" and answer.decision.allowed and not reason:
        lines += ["", "The rule wants a reason, too."]
    return [*lines, "", f"Assuming {user} is a full, active member (guests and bots are always refused)."]


def _told(decision: Decision) -> list[str]:
    lines = [VERDICTS[decision.effect], *(f"  Why: {line}" for line in decision.reasons)]
    if decision.rule:
        lines.append(f"  Rule: {decision.rule.name}")
    if decision.effect is Effect.NEEDS_APPROVAL:
        lines.append(f"  May approve: {', '.join(_approvers(decision)) or 'everyone else'}")
    return lines


def _approvers(decision: Decision) -> list[str]:
    """Return the ids of the people who may approve, and of the user groups whose members may."""
    return sorted({one.partition(_MARK)[0] for one in decision.approvers})


def as_object(answer: Answer) -> dict[str, Any]:
    """Return an answer as a JSON object for programs."""
    return {
        **_object(answer.decision),
        "unread_groups": list(answer.unread_groups),
        "if_member": _object(answer.if_member) if answer.if_member else None,
    }


def _object(decision: Decision) -> dict[str, Any]:
    rule = decision.rule
    return {
        "verdict": str(decision.effect),
        "rule": rule.name if rule else None,
        "reasons": list(decision.reasons),
        "approvals": rule.approvals if rule and decision.effect is Effect.NEEDS_APPROVAL else 0,
        "approvers": _approvers(decision),
    }

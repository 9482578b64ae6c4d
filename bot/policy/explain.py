"""What the rules of a file say to somebody, told where Slack cannot be asked who is in a user group. Pure.

Where the answer does not depend on it, there is one; else there are two: for somebody who is in none of the
user groups, and for somebody who is in them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.policy import engine
from bot.policy.engine import Decision, Effect
from bot.policy.matching import Members, Wanted
from bot.policy.rules import EVERYONE, MOST_APPROVALS, Rule
from storage.models import Person

_TEAM = "T"
_MARK = "#"
"""Between a user group's id and the number of somebody in it whom nobody here knows by name."""
_ASKED = ("request", "approve", "escalate_to", "notify_groups")
"""The keys of a rule that matter for whether something may be asked."""
VERDICTS = {
    Effect.ALLOW: "It goes at once.",
    Effect.NEEDS_APPROVAL: "It waits for an approval.",
    Effect.DENY: "It is refused.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules say to somebody who is in none of the user groups, and otherwise if that differs."""

    decision: Decision
    if_member: Decision | None
    unread_groups: tuple[str, ...]
    """The user groups that matter, and that only Slack knows."""


def explain(rules: Sequence[Rule], groups: Mapping[str, Sequence[str]], user: str, wanted: Wanted) -> Answer:
    """Ask the rules what somebody, taken for a full and active member, may ask for."""
    person = _somebody(user, wanted.at)
    outside = engine.at_request(rules, _members(groups), person, wanted, team=_TEAM)
    inside = engine.at_request(rules, _members(groups, user), person, wanted, team=_TEAM)
    same = (outside.effect, outside.rule) == (inside.effect, inside.rule)
    about = [rule for rule in rules if wanted.kind in rule.actions]
    named = {group for rule in about for field in _ASKED for group in getattr(rule, field)} - {EVERYONE}
    unknown = {one for group in named for one in groups.get(group, ()) if one.startswith("S")}
    return Answer(outside, None if same else inside, tuple(sorted(unknown)))


def _somebody(user: str, at: datetime) -> Person:
    """A full and active member: whether it is one, only Slack knows."""
    return Person(
        user, _TEAM, user, "UTC", bot=False, deleted=False, guest=False, is_external=False, read_at=at
    )


def _members(groups: Mapping[str, Sequence[str]], user: str | None = None) -> Members:
    """Who is in each group: in a user group, people without a name, and ``user``, if given, in them all."""
    return {name: frozenset(one for each in ids for one in _in(each, user)) for name, ids in groups.items()}


def _in(one: str, user: str | None) -> list[str]:
    if not one.startswith("S"):
        return [one]
    unnamed = [f"{one}{_MARK}{number}" for number in range(MOST_APPROVALS + 1)]
    return [*unnamed, *([user] if user else [])]


def as_lines(answer: Answer, wanted: Wanted, user: str) -> list[str]:
    """An answer for people."""
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
    if rule and rule.reason == "required" and answer.decision.allowed and not wanted.reason:
        lines += ["", "The rule wants a reason, too."]
    return [*lines, "", f"{user} is taken for a full, active member: guests, bots and strangers are refused."]


def _told(decision: Decision) -> list[str]:
    lines = [VERDICTS[decision.effect], *(f"  Why: {line}" for line in decision.why)]
    if decision.rule:
        lines.append(f"  Rule: {decision.rule.name}")
    if decision.effect is Effect.NEEDS_APPROVAL:
        lines.append(f"  May approve: {', '.join(_approvers(decision)) or 'everyone else'}")
    return lines


def _approvers(decision: Decision) -> list[str]:
    """Everyone who may approve by name, and the user groups whose people may."""
    return sorted({one.partition(_MARK)[0] for one in decision.approvers})


def as_object(answer: Answer) -> dict[str, Any]:
    """An answer for programs."""
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
        "reasons": list(decision.why),
        "approvals": rule.approvals if rule and decision.effect is Effect.NEEDS_APPROVAL else 0,
        "approvers": _approvers(decision),
    }

"""Sentences on who may do what and why somebody may not. Rules, groups and people are named as configured."""

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Final, Literal

from bot.text.formatting import listed

Permission = Literal["decide", "reveal", "settle"]
"""An act on a request that needs a permission."""
_YOURSELF: Final[dict[Permission, str]] = {
    "decide": "approve",
    "reveal": "see the full number of",
    "settle": "record the outcome of",
}
_WITH_IT: Final[dict[Permission, str]] = {
    "decide": "decide this",
    "reveal": "see the full number",
    "settle": "record the outcome",
}

# -- what somebody is

BOT = "Apps and bots can't use CallOps."
DEACTIVATED = "This account is deactivated."
STRANGER = "People from another organisation can't use CallOps here."
GUEST = "Guests can't use CallOps. Ask a teammate to do this."
UNKNOWN = "Slack knows no one here by this ID."

# -- the rule for a request

NO_RULE = "No rule lets you do this. Ask your CallOps admin."


def no_rule_but(rule: str, only_for: Sequence[str]) -> str:
    """Return the sentence for a request that no rule allows. ``rule`` allows it only for ``only_for``."""
    return f'{NO_RULE} The rule "{rule}" is only for {listed(only_for, "and")}.'


def allows(rule: str, because: str) -> str:
    return f'The rule "{rule}" allows it{because}.'


def asks(rule: str, approval: str, because: str) -> str:
    return f'The rule "{rule}" asks for {approval}{because}.'


def denies(rule: str, because: str) -> str:
    return f'The rule "{rule}" doesn\'t let you do this{because}.'


def no_lists(rule: str, groups: Sequence[str]) -> str:
    who = f"{listed(groups, 'and')} may" if groups else "nobody may"
    return f'With the rule "{rule}", {who} use call lists.'


def notifies(groups: Sequence[str]) -> str:
    return f"Everyone in {listed(groups, 'and')} is told."


def approval(groups: Sequence[str], *, people: int) -> str:
    """Return the approvals that a rule needs, by this number of people in the groups or by anybody."""
    named = f" in {listed(groups, 'and')}" if groups else ""
    if people > 1:
        return f"approvals by {people} different people{named}"
    return f"an approval by somebody{named or ' else'}"


_ADD_PEOPLE = "Ask your CallOps admin to add people."


_UNFIT: Final[Mapping[str, tuple[str, str]]] = {
    BOT: ("is an app", "are apps"),
    DEACTIVATED: ("is deactivated", "are deactivated"),
    STRANGER: ("is from another organisation", "are from another organisation"),
    GUEST: ("is a guest", "are guests"),
    UNKNOWN: ("is unknown to Slack", "are unknown to Slack"),
}
"""The reasons why people may do nothing, in the singular and in the plural."""


def _unfit(whys: Sequence[str]) -> str:
    """Return the number of people for each reason. Names are left out, as they would stay in the log."""
    counted = [(whys.count(why), said) for why, said in _UNFIT.items() if why in whys]
    return listed([f"{count} {one if count == 1 else several}" for count, (one, several) in counted], "and")


def nobody_else(groups: Sequence[str], unfit: Sequence[str]) -> str:
    """Return that nobody could give the one approval. ``unfit`` has a reason for each member who cannot."""
    named = " and ".join(groups)
    if unfit:
        return f"Nobody could approve this now: in {named}, {_unfit(unfit)}. {_ADD_PEOPLE}"
    has = "has" if len(groups) == 1 else "have"
    return f"Nobody but you could approve this: {named} {has} no other member. {_ADD_PEOPLE}"


def too_few_people(
    rule: str, groups: Sequence[str], unfit: Sequence[str], *, approvals: int, others: int
) -> str:
    few = {0: "there is nobody else", 1: "there is only 1 other"}.get(
        others, f"there are only {others} others"
    )
    asked = f'The rule "{rule}" asks for {approvals} approvals'
    able = f"{few} to give one in {listed(groups, 'and')}"
    because = f": {_unfit(unfit)}" if unfit else ""
    return f"{asked}, and {able}{because}. So nobody could approve this. {_ADD_PEOPLE}"


def because(conditions: Sequence[str], *, unknown_country: bool) -> str:
    """Return the conditions under which a rule applies, or an empty text if it has none."""
    text = f" for {listed(conditions, 'and')}" if conditions else ""
    return f"{text}, and the country here is unknown" if unknown_country else text


def of_connections(names: Sequence[str]) -> str:
    return f"the connection {listed(names, 'or')}"


def of_channels(channels: Sequence[str]) -> str:
    return f"the channel {listed(channels, 'or')}"


def of_countries(countries: Sequence[str]) -> str:
    return f"numbers in {listed(countries, 'or')}"


def of_reasons(reasons: Sequence[str]) -> str:
    quoted = [f'"{one}"' for one in reasons]
    return f"the reason {listed(quoted, 'or')}"


def of_hours(first: time, last: time, zone: str | None) -> str:
    return f"the hours from {first:%H:%M} to {last:%H:%M} in {zone}"


PURPOSE_MISSING = "Add the call's purpose: purpose=."
CONSENT_MISSING = "Add where consent is recorded: consent=."

# -- the right to decide, reveal and settle

RULE_GONE = "The rule for this request is gone, so nobody may do this now. Tell your CallOps admin."


def asked_it_yourself(deed: Permission, groups: Sequence[str]) -> str:
    """Return that nobody decides or settles their own request. ``groups`` may."""
    who = f"Someone else in {' or '.join(groups)}" if groups else "Someone else"
    return f"You can't {_YOURSELF[deed]} your own request. {who} has to."


def lets(rule: str, group: str, deed: Permission) -> str:
    return f'The rule "{rule}" lets {group} {_WITH_IT[deed]}.'


def only(groups: Sequence[str], deed: Permission) -> str:
    return _only(groups, _WITH_IT[deed])


def later(group: str) -> str:
    """Return the sentence on the group that may decide later, by escalation."""
    return f" {group} may once it has waited long enough."


def only_unblock(groups: Sequence[str]) -> str:
    return _only(groups, "let calls go out again")


def only_pause(groups: Sequence[str], connection: str) -> str:
    return _only(groups, f"pause or resume calls through {connection}")


def lets_pause(group: str) -> str:
    return f"The rules let {group} pause and resume calls."


def _only(groups: Sequence[str], what: str) -> str:
    return f"Only {' and '.join(groups)} may {what}." if groups else f"Nobody may {what}."


ONLY_SOME_READ = "To search the log, you need a rule that lets you request, approve or record outcomes."


def unread(group: str) -> str:
    again = "Try again in a minute, or tell your CallOps admin."
    return f'Slack couldn\'t tell us who is in "{group}". {again}'


# -- changes before a request was sent

AGAIN = "If you still want it, request it again."
"""Not used for an unknown outcome: it may have happened, and would then happen twice."""
APPROVER_LEFT = "The approver may no longer approve."


def rule_is_gone(rule: str) -> str:
    return f'The rules changed: "{rule}", which applied to this request, is gone.'


def other_rule(before: str | None, now: str) -> str:
    asked = f'it was requested under "{before}", and ' if before else ""
    return f'The rules changed: {asked}"{now}" applies now.'


def more_approvals(rule: str, *, approvals: int, given: int) -> str:
    asks = "an approval" if approvals == 1 else f"{approvals} approvals"
    had = {0: "none was", 1: "one was"}.get(given, f"{given} were")
    return f'The rules changed: "{rule}" asks for {asks} now, and {had} given.'

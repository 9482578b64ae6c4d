"""Checks of people and groups."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.policy.rules import EVERYONE, Rule
from bot.slack.client import SlackAnswer
from bot.slack.users import Workspace, read_person
from bot.text import clocks
from bot.text.findings import Finding, ok, skipped, warning, wrong
from storage.models import Person


@dataclass(frozen=True, slots=True)
class Group:
    """A configured group as Slack knows it.

    ``fit`` are those who may act, by id; ``unfit`` why others may not; ``unread`` why somebody in it could
    not be looked at. ``named`` are the people whom the file itself names.
    """

    name: str
    fit: frozenset[str]
    unfit: Mapping[str, str]
    unread: tuple[str, ...]
    named: frozenset[str]


def people_of(ids: Iterable[str], user_groups: Mapping[str, SlackAnswer]) -> frozenset[str]:
    """Return the ids in a group, with those of its user groups."""
    found: set[str] = set()
    for one in ids:
        if one.startswith("S"):
            told = user_groups.get(one)
            found.update((told.answer or {}).get("users") or () if told else ())
        else:
            found.add(one)
    return frozenset(found)


def look_at(
    name: str,
    ids: Iterable[str],
    user_groups: Mapping[str, SlackAnswer],
    people: Mapping[str, SlackAnswer],
    workspace: Workspace,
) -> Group:
    """Return a configured group, made of Slack's answers about its people and user groups."""
    fit: set[str] = set()
    unfit: dict[str, str] = {}
    unread: list[str] = []
    for one in ids:
        told = user_groups.get(one)
        if told and told.problem in _NO_SUCH_GROUP:
            unfit[one] = "isn't a user group of this workspace"
        elif told and told.problem:
            unread.append(f"Slack couldn't tell us who is in {one} ({told.needed or told.problem})")
        elif told and not (told.answer or {}).get("users"):
            unfit[one] = "is a user group without members"
    everyone = people_of(ids, user_groups)
    if left_out := everyone - people.keys():
        unread.append(f"we ask Slack about {len(people)} people at most, so {len(left_out)} weren't checked")
    for one in sorted(everyone & people.keys()):
        told = people[one]
        if told.problem == "user_not_found":
            unfit[one] = "isn't in this workspace"
        elif told.problem:
            unread.append(f"Slack couldn't tell us who {one} is ({told.needed or told.problem})")
        elif why := _unfit(person(told, workspace)):
            unfit[one] = why
        else:
            fit.add(one)
    named = frozenset(one for one in ids if not one.startswith("S"))
    return Group(name, frozenset(fit), unfit, tuple(unread), named)


_NO_SUCH_GROUP = frozenset({"no_such_subteam", "subteam_not_found"})


def person(told: SlackAnswer, workspace: Workspace) -> Person:
    """Return the person in Slack's answer."""
    return read_person((told.answer or {})["user"], workspace, told.heard)


def _unfit(one: Person) -> str | None:
    """Return why a person may do nothing, or None."""
    if one.bot:
        return f"({one.name}) is an app"
    if one.deleted:
        return f"({one.name}) is deactivated"
    if one.is_external:
        return f"({one.name}) is from another organisation"
    return f"({one.name}) is a guest" if one.guest else None


def about_group(group: Group) -> Iterator[Finding]:
    """Report members who cannot act."""
    check = f"group {group.name}"
    for one, why in group.unfit.items():
        here = one in group.named or one.startswith("S")
        say = wrong if here else warning  # what the file names is the file's fault; Slack's groups are not
        mend = (
            "Remove it from the file, or name another."
            if here
            else "Remove them from the user group in Slack."
        )
        yield say(check, f"{one} {why}.", mend)
    for why in group.unread:
        yield skipped(check, why)
    if not group.unfit and not group.unread:
        count = f"{len(group.fit)} {'person' if len(group.fit) == 1 else 'people'}"
        yield ok(check, f"{count}, all full, active members.")


def about_rule(rule: Rule, groups: Mapping[str, Group]) -> Iterator[Finding]:
    """Report a rule that too few people can ask, approve or settle."""
    check = f'rule "{rule.name}"'
    found = [*_about_requesters(check, rule, groups)]
    if rule.effect == "allow":
        if rule.approve:
            names = rule.deciders(escalated=True)
            found += _about_deciders(check, rule, names, groups, "approve", needed=rule.approvals)
        found += _about_deciders(check, rule, rule.settlers, groups, "settle")
    yield from found or [ok(check, _who(rule, groups))]


def _about_requesters(check: str, rule: Rule, groups: Mapping[str, Group]) -> Iterator[Finding]:
    if EVERYONE in rule.request or _fit(rule.request, groups):
        return
    if unread := _unread(rule.request, groups):
        yield skipped(check, f"not everyone in {unread} is known")
    else:
        yield warning(check, "No one in its request groups can act.", "Name other groups.")


def _about_deciders(
    check: str,
    rule: Rule,
    names: Iterable[str],
    groups: Mapping[str, Group],
    what: str,
    *,
    needed: int = 1,
) -> Iterator[Finding]:
    names = tuple(names)
    if EVERYONE in names:
        return
    fit, joined = _fit(names, groups), " and ".join(names)
    if len(fit) > needed:
        return
    if unread := _unread(names, groups):
        yield skipped(check, f"not everyone in {unread} is known, so those who may {what} can't be counted")
    elif not fit:
        yield wrong(check, f"No one in {joined} can {what}.", "Add people who can under [groups].")
    elif len(fit) < needed:
        yield wrong(
            check,
            f"It needs {needed} people to {what}, but only {len(fit)} in {joined} can.",
            "Add more people who can under [groups], or require fewer.",
        )
    elif what == "approve" and rule.self_approval:
        return
    elif needed > 1 and (EVERYONE in rule.request or fit & _fit(rule.request, groups)):
        yield warning(
            check,
            f"Exactly {needed} in {joined} can {what}. If one of them requests something, no one could.",
            f"Name somebody else in {joined}, too.",
        )
    elif needed == 1 and (EVERYONE in rule.request or fit <= _fit(rule.request, groups)):
        [only] = fit
        yield warning(
            check,
            f"Only {only} can {what}. If {only} requests something, no one could.",
            f"Name somebody else in {joined}, too.",
        )


def _who(rule: Rule, groups: Mapping[str, Group]) -> str:
    if rule.effect == "deny":
        return f"It denies {' and '.join(rule.request)}."
    settle = f"{_number(rule.settlers, groups)} can settle"
    approve = f"{_number(rule.approve, groups)} can approve" if rule.approve else "no approval needed"
    return f"For {' and '.join(rule.request)}: {approve}, {settle}."


def _number(names: Iterable[str], groups: Mapping[str, Group]) -> str:
    names = tuple(names)
    if EVERYONE in names:
        return "everyone"
    count = len(_fit(names, groups))
    return f"{count} {'person' if count == 1 else 'people'}"


def _fit(names: Iterable[str], groups: Mapping[str, Group]) -> frozenset[str]:
    return frozenset().union(*(groups[name].fit for name in names if name in groups))


def _unread(names: Iterable[str], groups: Mapping[str, Group]) -> str | None:
    return next((name for name in names if name in groups and groups[name].unread), None)


def about_zones(people: Iterable[Person]) -> Finding:
    """Report people's time zones that cannot be read."""
    known = [one.timezone for one in people]
    zones = sorted(set(filter(None, known)))
    unknown = [zone for zone in zones if not clocks.is_offset(zone) and not _is_zone(zone)]
    if unknown:
        return wrong(
            "people's zones",
            f"Unknown here: {', '.join(unknown)}. Times typed there couldn't be read.",
            "Update the package tzdata, or choose another zone in Slack's preferences.",
        )
    if without := known.count(""):
        who = "1 person" if without == 1 else f"{without} people"
        return warning(
            "people's zones",
            f"Slack has no time zone for {who}. They must add it to each time.",
            "Ask them to choose one in Slack's preferences.",
        )
    return ok("people's zones", f"Known here: {', '.join(zones)}." if zones else "No one to check.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True

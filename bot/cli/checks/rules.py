"""Checks of the rules.

The file's own words are all it needs. What depends on who is in a Slack user group is said to be unknown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from bot.config.settings import Connection
from bot.policy.rules import EVERYONE, PEOPLE, Rule
from bot.text.findings import Finding, ok, skipped, warning, wrong

Groups = Mapping[str, Sequence[str]]


def lint(
    rules: Sequence[Rule], groups: Groups, connections: Mapping[str, Connection] = MappingProxyType({})
) -> list[Finding]:
    """Return all findings that need only the file."""
    found = [
        *about_approvals(rules, groups),
        *about_rules(rules, groups),
        *about_accounts(rules, connections),
    ]
    unknown = sorted({one for ids in groups.values() for one in ids if one.startswith("S")})
    found += [skipped(f"user group {one}", "only `check` asks Slack about it") for one in unknown]
    whole = f"{len(rules)} {'rule' if len(rules) == 1 else 'rules'}. Each can apply and be satisfied."
    return found if any(one.fix for one in found) else [ok("rules", whole), *found]


def about_rules(rules: Sequence[Rule], groups: Groups) -> Iterator[Finding]:
    """Report rules that never apply, and groups that no rule names."""
    for place, rule in enumerate(rules):
        yield from _about_shadows(rule, rules[:place], rules, groups)
    named = {one for rule in rules for field in PEOPLE for one in getattr(rule, field)}
    for name in groups:
        if name not in named:
            yield warning(
                f"group {name}", "No rule names it.", "Remove it from the file, or name it in a rule."
            )


def about_approvals(rules: Sequence[Rule], groups: Groups) -> Iterator[Finding]:
    """Report rules whose approvals nobody can give."""
    for rule in rules:
        if rule.effect == "allow" and rule.approve:
            yield from _about_approvers(rule, groups)
            yield from _about_escalation(rule, groups)


def about_accounts(rules: Sequence[Rule], connections: Mapping[str, Connection]) -> Iterator[Finding]:
    """Report rules that another connection of the same account bypasses."""
    for rule in rules:
        for name in rule.connections:
            for other in _same_account(name, connections):
                if other not in rule.connections and (by := _goes_around(rule, other, rules)):
                    yield warning(
                        f'rule "{rule.name}"',
                        f'It\'s for {name}. {other} is the same account, and "{by.name}" applies there.',
                        f"Also name {other} in this rule, or remove that connection.",
                    )


def _same_account(name: str, connections: Mapping[str, Connection]) -> Iterator[str]:
    """Yield the other connections with the same host and secret that may have an effect there."""
    if name not in connections:
        return
    one = connections[name]
    for other in connections.values():
        same_host = (other.provider, other.settings.base_url) == (one.provider, one.settings.base_url)
        shared = {*other.settings.secrets()} & {*one.settings.secrets()}
        if other.name != name and same_host and shared and other.settings.mode == "live":
            yield other.name


def _goes_around(rule: Rule, connection: str, rules: Sequence[Rule]) -> Rule | None:
    """Return the rule under which the same action passes through another connection with other approvals."""
    for other in rules:
        if other is rule or other.effect != "allow" or not {*rule.actions} & {*other.actions}:
            continue
        if other.connections and connection not in other.connections:
            continue
        if rule.effect == "deny" or (other.approve, other.approvals) != (rule.approve, rule.approvals):
            return other
    return None


def _about_approvers(rule: Rule, groups: Groups) -> Iterator[Finding]:
    check, names = f'rule "{rule.name}"', rule.deciders(escalated=True)
    able = _people(names, groups)
    if EVERYONE in names or _unknown(names, groups):
        return
    joined = " and ".join(names)
    if len(able) < rule.approvals:
        yield wrong(
            check,
            f"It needs {_count(rule.approvals, 'approval')}, but only "
            f"{_count(len(able), 'person', 'people')} may approve ({joined}).",
            "Add more people to those groups, or require fewer approvals.",
        )
        return
    if rule.self_approval:
        return
    stuck = sorted(one for one in able if len(able - {one}) < rule.approvals and _may_ask(one, rule, groups))
    if not stuck:
        return
    whose = f"If {stuck[0]} requests" if len(stuck) == 1 else f"If one of {', '.join(stuck)} requests"
    mend = f"Add someone else to {joined}."
    asks = _people(rule.request, groups)
    if EVERYONE not in rule.request and not _unknown(rule.request, groups) and asks <= set(stuck):
        yield wrong(
            check,
            f"No request can be approved. {whose} something, there aren't enough other approvers.",
            mend,
        )
    else:
        yield warning(
            check,
            f"It needs {_count(rule.approvals, 'approval')}. {whose} something, it can't be approved.",
            mend,
        )


def _about_escalation(rule: Rule, groups: Groups) -> Iterator[Finding]:
    known = not _unknown(rule.escalate_to, groups)
    if rule.escalate_to and known and _people(rule.escalate_to, groups) <= _people(rule.approve, groups):
        yield warning(
            f'rule "{rule.name}"',
            "Everyone it escalates to may approve anyway.",
            "Name others under escalate_to, or leave it out.",
        )


def _about_shadows(
    rule: Rule, before: Sequence[Rule], rules: Sequence[Rule], groups: Groups
) -> Iterator[Finding]:
    check = f'rule "{rule.name}"'
    shadows: dict[str, Rule] = {}
    for kind in rule.actions:
        denying = [one for one in rules if one.effect == "deny" and one is not rule]
        over = [one for one in before if one.effect == rule.effect]
        over += denying if rule.effect == "allow" else []
        if found := next((one for one in over if kind in one.actions and _covers(one, rule, groups)), None):
            shadows[kind] = found
    if not shadows:
        return
    by = " and ".join(dict.fromkeys(f'"{one.name}"' for one in shadows.values()))
    mend = "Put it before that one, limit that one, or remove it."
    if any(one.effect == "deny" for one in shadows.values()) and rule.effect == "allow":
        mend = "Limit the rule that denies, or remove this one."
    if len(shadows) == len(rule.actions):
        yield wrong(check, f"It never applies, because {by} already covers everything it covers.", mend)
    else:
        yield warning(
            check, f"It never applies to {' and '.join(shadows)}, because {by} already covers that.", mend
        )


def _covers(wide: Rule, narrow: Rule, groups: Groups) -> bool:
    """Return whether ``wide`` applies to everything to which ``narrow`` applies."""
    limits = (
        (wide.connections, narrow.connections),
        (wide.channels, narrow.channels),
        (wide.countries, narrow.countries),
        (_folded(wide.reasons), _folded(narrow.reasons)),
    )
    return (
        all(not one or (other and set(other) <= set(one)) for one, other in limits)
        and (wide.hours is None or (wide.hours, wide.timezone) == (narrow.hours, narrow.timezone))
        and _whom(wide, narrow, groups)
    )


def _whom(wide: Rule, narrow: Rule, groups: Groups) -> bool:
    if EVERYONE in wide.request or set(narrow.request) <= set(wide.request):
        return True
    if EVERYONE in narrow.request or _unknown(narrow.request, groups):
        return False
    return _people(narrow.request, groups) <= _people(wide.request, groups)


def _folded(reasons: Iterable[str]) -> tuple[str, ...]:
    return tuple(" ".join(one.casefold().split()) for one in reasons)


def _may_ask(person: str, rule: Rule, groups: Groups) -> bool:
    return EVERYONE in rule.request or person in _people(rule.request, groups)


def _people(names: Iterable[str], groups: Groups) -> frozenset[str]:
    """Return the people whom the file names in some groups."""
    return frozenset(one for name in names for one in groups.get(name, ()) if not one.startswith("S"))


def _unknown(names: Iterable[str], groups: Groups) -> bool:
    """Return whether some groups contain a Slack user group."""
    return any(one.startswith("S") for name in names for one in groups.get(name, ()))


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"

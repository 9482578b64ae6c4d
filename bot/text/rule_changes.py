"""The differences between two sets of rules and groups, as sentences.

The readers, in the log or in the audit channel, may not know the file's format. So each line can be read
alone, and names the old and the new value.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_DEFAULT = "the default"
"""The value of a key that is not set."""
_OF_PEOPLE = frozenset(
    {"request", "approve", "settle", "unblock", "pause", "import", "reveal", "escalate_to", "notify_groups"}
)
"""Keys that list groups. An empty list means nobody."""


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the differences in the file's order. Both arguments have the format of `rules.written`."""
    lines = [*_groups(before["groups"], after["groups"]), *_rules(before["rules"], after["rules"])]
    if "calling_hours" in before:  # earlier versions kept none
        lines += _hours(before["calling_hours"], after["calling_hours"])
    return lines


def _groups(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name in [*after, *(one for one in before if one not in after)]:
        if name not in before:
            yield f'The group "{name}" is new: {", ".join(after[name])}.'
        elif name not in after:
            yield f'The group "{name}" is gone. It had {", ".join(before[name])}.'
        else:
            came = [one for one in after[name] if one not in before[name]]
            went = [one for one in before[name] if one not in after[name]]
            if came:
                yield f'The group "{name}" now has {", ".join(came)}, too.'
            if went:
                yield f'The group "{name}" no longer has {", ".join(went)}.'


def _rules(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    was, now = ({rule["name"]: rule for rule in rules} for rules in (before, after))
    for name, rule in now.items():
        if name not in was:
            said = "; ".join(f"{key} = {_text(key, value)}" for key, value in rule.items() if key != "name")
            yield f'The rule "{name}" is new: {said}.'
        else:
            yield from _changes(name, was[name], rule)
    for name in was:
        if name not in now:
            yield f'The rule "{name}" is gone.'
    kept = [name for name in was if name in now]
    if kept != [name for name in now if name in was]:
        yield "The order of the rules changed: the first that lets somebody ask applies."


def _hours(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for country in dict.fromkeys([*was, *now]):
        before, after = was.get(country, _DEFAULT), now.get(country, _DEFAULT)
        if before != after:
            yield f"The calling hours for {country} were {before}, and are {after}."


def _changes(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*was, *now]):
        if was.get(key) != now.get(key):
            yield f'The rule "{name}": {key} was {_said(was, key)}, and is {_said(now, key)}.'


def _said(rule: Mapping[str, Any], key: str) -> str:
    return _text(key, rule[key]) if key in rule else _DEFAULT


def _text(key: str, value: object) -> str:
    match value:
        case list():
            return ", ".join(map(str, value)) or ("nobody" if key in _OF_PEOPLE else "none")
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)

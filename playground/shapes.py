"""Checks for what Slack accepts, from which `blocks.py` is built. They yield each fault and its place.

A fault reads as Slack writes it: `must be less than 76 characters [json-pointer:/blocks/0/text/text]`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Check = Callable[[object, str], Iterator[str]]
Fields = dict[str, Check]

# docs.slack.dev/reference/block-kit/block-elements/date-element, "Date format strings", read 2026-11
DATE_TOKENS = frozenset(
    {"date_num", "date_slash", "date", "date_pretty", "date_short", "date_short_pretty", "ago"}
    | {"date_long", "date_long_full", "date_long_pretty", "day_divider_pretty", "time", "time_secs"}
)
DATE = re.compile(
    r"<!date\^(?P<unix>[^^|>]*)\^?(?P<format>[^^|>]*)\^?(?P<link>[^|>]*)\|?(?P<fallback>[^>]*)>"
)


def fault(sentence: str, pointer: str) -> str:
    """Return a fault in the words and with the pointer of Slack's `response_metadata.messages`."""
    return f"{sentence} [json-pointer:{pointer}]"


@dataclass(frozen=True)
class Shape:
    """The required and the optional fields of an object. Any other field is a fault, as at Slack."""

    need: Mapping[str, Check] = field(default_factory=dict)
    may: Mapping[str, Check] = field(default_factory=dict)

    def __call__(self, value: object, pointer: str) -> Iterator[str]:  # noqa: D102 - a Check
        if not isinstance(value, dict):
            yield fault("must provide an object", pointer)
            return
        for name in self.need:
            if value.get(name) is None:
                yield fault(f"missing required field: {name}", pointer)
        for name, child in value.items():
            check = self.need.get(name) or self.may.get(name)
            if check is None:
                yield fault(f"invalid additional property: {name}", pointer)
            elif child is not None:
                yield from check(child, f"{pointer}/{name}")


@dataclass(frozen=True)
class Tagged:
    """An object whose `type` selects its shape. Only the listed shapes are allowed in this place."""

    shapes: Mapping[str, Shape]
    what: str

    def __call__(self, value: object, pointer: str) -> Iterator[str]:  # noqa: D102 - a Check
        kind = value.get("type") if isinstance(value, dict) else None
        shape = self.shapes.get(kind) if isinstance(kind, str) else None
        if shape is None:
            yield fault(f"unsupported {self.what} type: {kind}", pointer)
        else:
            yield from Shape({"type": anything, **shape.need}, shape.may)(value, pointer)


def anything(_value: object, _pointer: str) -> Iterator[str]:
    """Accept any value."""
    yield from ()


def string(most: int, least: int = 0) -> Check:
    """Return a check for a string of ``least`` to ``most`` characters."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield fault("must provide a string", pointer)
        elif len(value) > most:
            yield fault(f"must be less than {most + 1} characters", pointer)
        elif len(value) < least:
            yield fault(f"must be more than {least - 1} characters", pointer)

    return check


def integer(least: int, most: int) -> Check:
    """Return a check for a whole number within bounds. As at Slack, `true` is not a number."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield fault(f"must provide an integer from {least} to {most}", pointer)

    return check


def boolean(value: object, pointer: str) -> Iterator[str]:
    """Check that a value is true or false."""
    if not isinstance(value, bool):
        yield fault("must provide a boolean", pointer)


def one_of(*allowed: str) -> Check:
    """Return a check for one of several words."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield fault(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def matching(pattern: str, what: str) -> Check:
    """Return a check for a string that matches a pattern."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            yield fault(f"must provide {what}", pointer)

    return check


def array(item: Check, most: int, least: int = 0) -> Check:
    """Return a check for a list of ``least`` to ``most`` items."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield fault("must provide an array", pointer)
            return
        if len(value) > most:
            yield fault(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield fault(f"no fewer than {least} items allowed", pointer)
        for index, child in enumerate(value):
            yield from item(child, f"{pointer}/{index}")

    return check


def plain(most: int) -> Check:
    """Return a check for a `plain_text` object, where Slack accepts no mrkdwn."""
    return Tagged({"plain_text": Shape({"text": string(most, 1)}, {"emoji": boolean})}, "text")


def rich(most: int) -> Check:
    """Return a check for a text object of either type with valid date tokens."""
    mrkdwn = Shape({"text": _both(string(most, 1), dates)}, {"verbatim": boolean})
    plain_text = Shape({"text": string(most, 1)}, {"emoji": boolean})
    return Tagged({"mrkdwn": mrkdwn, "plain_text": plain_text}, "text")


def dates(value: object, pointer: str) -> Iterator[str]:
    """Check that every `<!date^unix^format|fallback>` is valid and has a fallback for old clients."""
    if not isinstance(value, str):
        return
    for found in DATE.finditer(value):
        tokens = re.findall(r"\{(\w*)\}", found["format"])
        if not re.fullmatch(r"\d+", found["unix"]):
            yield fault(f"date {found[0]} needs whole seconds since 1970", pointer)
        if not tokens or not DATE_TOKENS.issuperset(tokens):
            yield fault(f"date {found[0]} needs a format of known tokens", pointer)
        if not found["fallback"]:
            yield fault(f"date {found[0]} needs a fallback", pointer)
    if value.count("<!date^") != len(DATE.findall(value)):
        yield fault("a date is not closed", pointer)


def _both(first: Check, second: Check) -> Check:
    def check(value: object, pointer: str) -> Iterator[str]:
        yield from first(value, pointer)
        yield from second(value, pointer)

    return check

"""Reads the rules as an operator writes them: conditions, groups and requirements."""

import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    field_validator,
    model_validator,
)

from bot.policy import calling_hours
from bot.policy.calling_hours import Hours
from providers.actions import Kind
from providers.phone import REGIONS

_DURATION = re.compile(r"^(?P<number>[1-9][0-9]*)\s*(?P<unit>[smhd])$")
_HOURS = re.compile(r"^([01]?[0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-3]):([0-5][0-9])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SLACK_CHANNEL: Final = r"^[CG][A-Z0-9]{2,}$"
EVERYONE: Final = "everyone"
"""The group of all full members of the workspace, without guests, bots and external users."""
MOST_APPROVALS: Final = 10
"""The most people whom a rule can require for one call. More are hard to find."""
OF_CALLS: Final = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
"""The kinds with a number as target, or possibly one. Campaigns have no number."""
PEOPLE: Final = (
    "request",
    "approve",
    "settle",
    "reveal",
    "escalate_to",
    "notify_groups",
    "unblock",
    "pause",
    "import_",
)
"""The fields that hold groups and people."""


def key_of(field: str) -> str:
    """Return the key of a field in the file. ``import`` is no name in Python."""
    return field.removesuffix("_")


def duration(text: object) -> timedelta:
    """Return ``30s``, ``15m``, ``8h`` or ``2d`` as a duration. Raises `ValueError`."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('write a number and s, m, h or d, such as "8h"')
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as fault:  # an unknown name, a folder, or a path
        raise ValueError("is not a time zone; write one like Asia/Kolkata") from fault
    return name


Duration = Annotated[timedelta, BeforeValidator(duration)]
ZoneName = Annotated[str, AfterValidator(_zone)]
"""An IANA name."""
CallingHours = Annotated[str | InstanceOf[Hours], BeforeValidator(calling_hours.setting)]
"""A country, ``recipient`` for the recipient's country, or a table of hours."""
Said = Literal["required", "optional"]
Span = tuple[time, time]
"""The start and end of a span of each day. It lasts past midnight if the end is not later than the start."""


class Rule(BaseModel):
    """A rule: who may make a request, who approves it, and who may settle an unknown outcome.

    A condition that is left out (connections, channels, countries, reasons, hours) is always met.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    actions: Annotated[tuple[Kind, ...], Field(min_length=1)]
    effect: Literal["allow", "deny"] = "allow"
    connections: tuple[str, ...] = ()
    channels: tuple[Annotated[str, Field(pattern=SLACK_CHANNEL)], ...] = ()
    """The channels in which the request is made."""
    countries: tuple[str, ...] = ()
    """The countries of the numbers, as two capital letters."""
    reasons: tuple[Annotated[str, Field(min_length=1, max_length=75)], ...] = ()
    """The reasons that the requester gives. Nobody verifies them."""
    hours: Span | None = None
    """The hours of the day in which the request is made, in `timezone`."""
    timezone: ZoneName | None = None
    request: tuple[str, ...] = (EVERYONE,)
    approve: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    """The groups that may record the outcome of an unknown action. If it is empty, approvers may."""
    approvals: Annotated[int, Field(ge=1, le=MOST_APPROVALS)] = 1
    """The count of different people who must approve."""
    self_approval: bool = False
    """True if the requester may also approve the request, as one of the approvers."""
    reason: Said = "optional"
    purpose: Said = "optional"
    """A call's purpose is required or optional. So is ``consent``, a reference to the recipient's consent.
    Both apply only to calls to be placed."""
    consent: Said = "optional"
    calling_hours: CallingHours | None = None
    """The calling hours for calls placed under this rule."""
    unblock: tuple[str, ...] = ()
    """The groups that may allow calls to a stopped number again. If no rule names any, approvers of
    cancellations may."""
    pause: tuple[str, ...] = ()
    """The groups that may pause calls at the rule's connections, and resume them. If no rule that covers a
    connection names any, whoever may approve or settle there may."""
    import_: Annotated[tuple[str, ...], Field(alias="import")] = ()
    """The groups that may request many calls at once, from a file. See `for_lists`."""
    expires: Duration = timedelta(hours=8)
    notify: Literal["first", "all", "nobody"] = "first"
    """The approvers who get a direct message: one after the other, all at once, or nobody."""
    reveal: tuple[str, ...] = ()
    """The groups that may see the full numbers of a request they decide. The log records each view."""
    escalate_to: tuple[str, ...] = ()
    """The groups that may also approve, and are asked, if nobody has decided for `escalate_after`."""
    escalate_after: Duration | None = None
    notify_groups: tuple[str, ...] = ()
    """The groups that get a direct message about each request."""

    @field_validator("hours", mode="before")
    @classmethod
    def _hours(cls, value: object) -> Span:
        match = _HOURS.match(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError('write two hours of the day, such as "20:00-08:00"')
        first, last = (time(int(match[n]), int(match[n + 1])) for n in (1, 3))
        if first == last:
            raise ValueError("begins and ends at the same time: leave it out where the whole day is meant")
        return first, last

    @field_validator("countries")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for country in value:
            if country not in REGIONS:
                small = f'; did you mean "{country.upper()}"?' if country.upper() in REGIONS else ""
                raise ValueError(
                    f'"{country}" is no country: write its two capital letters, such as IN{small}'
                )
        return value

    @field_validator("actions")
    @classmethod
    def _no_lists(cls, value: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if lists := [kind for kind in value if kind.is_list]:
            raise ValueError(f'"{lists[0]}" is no action of a rule: write "{lists[0].of_rows}" and import')
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if fault := next(filter(None, self._faults()), None):
            raise ValueError(fault)
        return self

    def _faults(self) -> tuple[str | None, ...]:
        """Return a sentence for each combination of keys that is not allowed."""
        decides = bool(self.approve)
        return (
            "settle is missing: name the groups who may say what became of an unknown"
            if self.effect == "allow" and not self.settlers
            else None,
            "countries: a campaign has no number, so no country; write a rule of its own for it"
            if self.countries and not OF_CALLS.issuperset(self.actions)
            else None,
            "timezone is missing: by whose clock are the hours?"
            if self.hours and not self.timezone
            else None,
            "timezone: nothing here needs it without hours" if self.timezone and not self.hours else None,
            "escalate_to and escalate_after go together: say to whom, and after how long"
            if bool(self.escalate_to) != bool(self.escalate_after)
            else None,
            "escalate_after: that is after its time ran out; see expires"
            if self.escalate_after and self.escalate_after >= self.expires
            else None,
            *(
                f"{key}: nobody is asked to approve here; name the groups under approve"
                for key, said in (
                    ("approvals", self.approvals > 1),
                    ("self_approval", self.self_approval),
                    ("escalate_to", bool(self.escalate_to)),
                )
                if said and not decides
            ),
            *(
                f"{key_of(field)}: a rule that denies only says for whom: request"
                for field in PEOPLE
                if field != "request" and self.effect == "deny" and getattr(self, field)
            ),
        )

    @property
    def settlers(self) -> tuple[str, ...]:
        """The groups who may settle."""
        return self.settle or self.approve

    def for_lists(self, kind: Kind) -> Self:
        """Return the rule as it applies to a call list whose rows are of a kind.

        Its requester never approves it. If the rule names no approvers, a list of calls to place needs an
        approval by those who settle.
        """
        approve = self.approve or (self.settle if kind is Kind.PLACE_CALL else ())
        return self.model_copy(update={"self_approval": False, "approve": approve})

    @property
    def needed(self) -> int:
        """The count of people who must approve, 0 if the rule needs no approval."""
        return self.approvals if self.approve else 0

    def deciders(self, *, escalated: bool) -> tuple[str, ...]:
        """Return the groups who may decide, with those of ``escalate_to`` if the request was escalated."""
        return (*self.approve, *self.escalate_to) if escalated else self.approve


def written(
    rules: tuple[Rule, ...], groups: Mapping[str, tuple[str, ...]], hours: Mapping[str, str]
) -> dict[str, Any]:
    """Return rules, groups and configured calling hours as plain values, so that they can be compared.

    Keys with their default value are left out.
    """
    return {
        "groups": {name: list(ids) for name, ids in groups.items()},
        "rules": [_written(rule) for rule in rules],
        "calling_hours": dict(hours),
    }


def _written(rule: Rule) -> dict[str, Any]:
    said = {
        key_of(key): getattr(rule, key)
        for key, field in Rule.model_fields.items()
        if getattr(rule, key) != field.default
    }
    return {key: _plain(value) for key, value in said.items()}


def _plain(value: object) -> object:
    match value:
        case tuple() if value and isinstance(value[0], time):
            return "-".join(f"{one:%H:%M}" for one in value)
        case tuple():
            return [str(one) for one in value]
        case timedelta():
            return _length(value)
        case Hours():
            return value.words()
        case _:
            return value


def _length(value: timedelta) -> str:
    """Return a duration as it is written in the file."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

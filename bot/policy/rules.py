"""A rule as the operator writes it: what it is about, whom it is for, and what it asks of them."""

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
"""The group of all full members of the workspace; never of guests, bots or people from elsewhere."""
MOST_APPROVALS: Final = 10
"""More people than this are not found for one call."""
OF_CALLS: Final = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
"""What is aimed at a number, or may be; campaigns have none."""
PEOPLE: Final = ("request", "approve", "settle", "reveal", "escalate_to", "notify_groups", "unblock")
"""The keys that hold groups and people."""


def duration(text: object) -> timedelta:
    """Read ``30s``, ``15m``, ``8h`` or ``2d``."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('write a number and s, m, h or d, such as "8h"')
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as fault:  # unknown, a folder, or a path
        raise ValueError("is not a time zone; write one like Asia/Kolkata") from fault
    return name


Duration = Annotated[timedelta, BeforeValidator(duration)]
ZoneName = Annotated[str, AfterValidator(_zone)]
"""An IANA name."""
CallingHours = Annotated[str | InstanceOf[Hours], BeforeValidator(calling_hours.setting)]
"""A country, ``recipient`` for the country of whoever is called, or hours of their own."""
Said = Literal["required", "optional"]
Span = tuple[time, time]
"""From when until when of each day; past midnight where the second is not later than the first."""


class Rule(BaseModel):
    """One rule: who may ask for what, who lets it pass, and who may say what became of an unknown.

    A condition that is left out (connections, channels, countries, reasons, hours) holds for everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    actions: Annotated[tuple[Kind, ...], Field(min_length=1)]
    effect: Literal["allow", "deny"] = "allow"
    connections: tuple[str, ...] = ()
    channels: tuple[Annotated[str, Field(pattern=SLACK_CHANNEL)], ...] = ()
    """Where it is asked."""
    countries: tuple[str, ...] = ()
    """Of the numbers, as two capital letters."""
    reasons: tuple[Annotated[str, Field(min_length=1, max_length=75)], ...] = ()
    """What whoever asks says; as they say it, nobody looks it up."""
    hours: Span | None = None
    """The hours of the day in which it is asked, by the clock of `timezone`."""
    timezone: ZoneName | None = None
    request: tuple[str, ...] = (EVERYONE,)
    approve: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    """Who may say what became of an unknown; where nobody is named, whoever may approve."""
    approvals: Annotated[int, Field(ge=1, le=MOST_APPROVALS)] = 1
    """How many different people have to approve."""
    self_approval: bool = False
    """Whether the requester, being an approver, may approve it too."""
    reason: Said = "optional"
    purpose: Said = "optional"
    """What a call is for; and ``consent`` where whoever is called agreed to it. Of calls to be placed."""
    consent: Said = "optional"
    calling_hours: CallingHours | None = None
    """The hours that calls placed under this rule keep."""
    unblock: tuple[str, ...] = ()
    """Who may let calls to a stopped number go out again; where no rule names anybody, whoever may approve
    cancellations."""
    expires: Duration = timedelta(hours=8)
    notify: Literal["first", "all", "nobody"] = "first"
    """Who is asked by direct message: one approver after the other, all at once, or nobody."""
    reveal: tuple[str, ...] = ()
    """Who may see the full number of what they decide; that they did is in the log."""
    escalate_to: tuple[str, ...] = ()
    """Who may approve as well, and is asked, once nobody has decided for `escalate_after`."""
    escalate_after: Duration | None = None
    notify_groups: tuple[str, ...] = ()
    """Who gets a direct message when it is asked."""

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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if fault := next(filter(None, self._faults()), None):
            raise ValueError(fault)
        return self

    def _faults(self) -> tuple[str | None, ...]:
        """What does not go together, as a sentence each."""
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
                f"{key}: a rule that denies only says for whom: request"
                for key in ("approve", "settle", "reveal", "escalate_to", "notify_groups", "unblock")
                if self.effect == "deny" and getattr(self, key)
            ),
        )

    @property
    def settlers(self) -> tuple[str, ...]:
        """The groups who may settle."""
        return self.settle or self.approve

    @property
    def needed(self) -> int:
        """How many people have to approve; 0 where it goes at once."""
        return self.approvals if self.approve else 0

    def deciders(self, *, escalated: bool) -> tuple[str, ...]:
        """The groups who may approve, those it was escalated to among them."""
        return (*self.approve, *self.escalate_to) if escalated else self.approve


def written(
    rules: tuple[Rule, ...], groups: Mapping[str, tuple[str, ...]], hours: Mapping[str, str]
) -> dict[str, Any]:
    """Rules, groups and the file's own calling hours in words, as far as something was said: to compare."""
    return {
        "groups": {name: list(ids) for name, ids in groups.items()},
        "rules": [_written(rule) for rule in rules],
        "calling_hours": dict(hours),
    }


def _written(rule: Rule) -> dict[str, Any]:
    said = {
        key: getattr(rule, key)
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
    """A duration as it is written in the file."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

"""Everything the operator decides, as values; `bot.config.loader` reads them."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from bot.policy import calling_hours
from bot.policy.calling_hours import Hours
from bot.policy.rules import EVERYONE, SLACK_CHANNEL, Duration, Rule, ZoneName
from bot.text.interactions import DEFAULT_DENIAL_REASONS, DEFAULT_REASONS
from providers.actions import E164_PATTERN
from providers.base import Adapter, ConnectionSettings
from providers.registry import find
from storage.ids import ALPHABET

_TIME_OF_DAY = re.compile(r"^(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])$")
SLACK_PERSON = re.compile(r"^[UW][A-Z0-9]{2,}$")
SLACK_GROUP = re.compile(r"^S[A-Z0-9]{2,}$")
_HELD = re.compile(rf"^A-[{ALPHABET}]{{4,}}$|{E164_PATTERN}")
REGION: Final = r"^[A-Z]{2}$"
DEFAULT_REGION: Final = "IN"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Reasons = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=75)], ...], Field(max_length=99)]
"""Reasons to choose from: Slack takes 75 characters of an option, and a hundred options with "other"."""

Channel = Annotated[str, Field(pattern=SLACK_CHANNEL)]


class SlackTable(_Table):
    """Where messages go and how people's words are read."""

    audit_channel: Channel
    approvals_channel: Channel
    default_region: Annotated[str, Field(pattern=REGION)] = DEFAULT_REGION
    reasons: Reasons = DEFAULT_REASONS
    denial_reasons: Reasons = DEFAULT_DENIAL_REASONS
    """What whoever denies can choose; anything else can be typed."""
    confirm_in_channel: bool = True
    """Whether what is done is confirmed, once and in short, in the channel it was asked in."""
    daily_summary: time | None = None
    """When the audit channel reads what the day brought, by the clock of `daily_timezone`; None: never."""
    daily_timezone: ZoneName = "UTC"
    anchor: bool = True
    """Whether the audit channel reads, once a day, where the log ended: `log verify --anchor` asks for it."""

    @field_validator("daily_summary", mode="before")
    @classmethod
    def _time_of_day(cls, value: object) -> time | None:
        match = _TIME_OF_DAY.match(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError('write an hour and minutes, such as "18:00"')
        return time(int(match["hour"]), int(match["minute"]))


MOST_WORKERS: Final = 64
"""Twice what an adapter opens connections for: more could only wait."""


class DispatchTable(_Table):
    """How requests are sent: how many at once to a connection, how long one may take, how long it is held.

    ``send_margin`` is what a decision leaves for sending before the call goes out; ``next_approver_after``
    how long one approver has before the next one is asked.
    """

    workers: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 8
    deadline: Duration = timedelta(seconds=20)
    lease: Duration = timedelta(seconds=30)
    send_margin: Duration = timedelta(minutes=2)
    next_approver_after: Duration = timedelta(minutes=5)

    @field_validator("lease")
    @classmethod
    def _outlives(cls, value: timedelta, info: Any) -> timedelta:  # noqa: ANN401 - pydantic's own type is generic
        if value <= info.data.get("deadline", value - timedelta(1)):
            raise ValueError(
                "must be longer than deadline, or a request in flight would be taken for a lost one"
            )
        return value


class RetentionTable(_Table):
    """How long personal data is kept, and what is kept whatever anybody asks.

    ``keep_at_least``: what ended later is not purged. ``keep_at_most``: what ended earlier is purged by
    and by; None: nothing goes by its age. ``hold``: requests by id, and numbers.
    """

    keep_at_least: Duration = timedelta(0)
    keep_at_most: Duration | None = None
    hold: frozenset[str] = frozenset()

    @field_validator("hold")
    @classmethod
    def _named(cls, value: frozenset[str]) -> frozenset[str]:
        for one in value:
            if not _HELD.match(one):
                raise ValueError(f'"{one}" is neither a request (A-7K3F) nor a number (+919876543210)')
        return value

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.keep_at_most is not None and self.keep_at_most <= self.keep_at_least:
            raise ValueError("keep_at_most must be longer than keep_at_least")
        return self


def _member(value: str) -> str:
    if not (SLACK_PERSON.match(value) or SLACK_GROUP.match(value)):
        raise ValueError("write a person's id (U…) or a user group's (S…)")
    return value


class GroupsTable(_Table):
    """Who is in which group: people and Slack user groups, by id."""

    groups: dict[str, Annotated[tuple[Annotated[str, AfterValidator(_member)], ...], Field(min_length=1)]]

    @field_validator("groups")
    @classmethod
    def _everyone_is_taken(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if EVERYONE in value:
            raise ValueError(f'"{EVERYONE}" means all full members already: choose another name')
        return value


@dataclass(frozen=True, slots=True)
class Connection:
    """One configured account at a provider, by the name people type."""

    name: str
    provider: str
    settings: ConnectionSettings
    audit_channel: str | None
    workers: int | None = None
    """How many of its requests may be out at once, over all processes; None: as many as of any connection."""
    calling_hours: str | Hours | None = None
    """The hours that calls placed through it keep."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was decided. Secrets show as asterisks."""

    bot_token: SecretStr
    app_token: SecretStr | None
    """For Socket Mode; without it, Slack sends its requests over HTTP."""
    signing_secret: SecretStr | None
    """What Slack signs its requests with, over HTTP; one of the two is there."""
    slack_api_url: str
    key: SecretStr
    database: Path
    host: str
    port: int
    """Where health checks, webhooks and, without Socket Mode, Slack are heard; 0 takes any free port."""
    log_level: str
    slack: SlackTable
    connections: Mapping[str, Connection]
    off: Mapping[str, str]
    """Connections that are off, with the reason."""
    platform: str | None
    """A platform whose own disk does not last, where this runs on one."""
    groups: Mapping[str, tuple[str, ...]]
    """Ids by group; a person or user group that a rule names directly is a group of its own."""
    rules: tuple[Rule, ...]
    dispatch: DispatchTable
    retention: RetentionTable
    hours: Mapping[str, Hours] = field(default_factory=calling_hours.known)
    """The calling hours of countries: those that CallOps comes with, and the file's own."""

    @property
    def key_bytes(self) -> bytes:
        """The key of look-ups by number."""
        return base64.b64decode(self.key.get_secret_value())

    def workers(self, connection: str) -> int:
        """How many requests of a connection may be out at once, over all processes."""
        configured = self.connections.get(connection)
        return (configured.workers if configured else None) or self.dispatch.workers

    def audit_channel(self, connection: str) -> str:
        """Where a connection's outcomes are posted."""
        configured = self.connections.get(connection)
        return (configured.audit_channel if configured else None) or self.slack.audit_channel


def make_adapters(settings: Settings, clock: Callable[[], datetime]) -> dict[str, Adapter]:
    """Return an adapter for each connection that is on."""
    deadline = settings.dispatch.deadline.total_seconds()
    return {
        name: find(connection.provider)(connection.settings, deadline=deadline, clock=clock)
        for name, connection in settings.connections.items()
    }


@dataclass(slots=True)
class SettingsHolder:
    """Holds the settings in force. A reload replaces ``current`` for everyone who reads it."""

    current: Settings

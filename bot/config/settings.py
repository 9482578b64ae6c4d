"""The settings as values. `bot.config.loader` reads them."""

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
from bot.text.log_format import LogFormat
from providers.actions import E164_PATTERN
from providers.base import Adapter, ConnectionSettings
from providers.registry import find
from storage.ids import ALPHABET

_TIME_OF_DAY = re.compile(r"^(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])$")
SLACK_PERSON = re.compile(r"^[UW][A-Z0-9]{2,}$")
SLACK_GROUP = re.compile(r"^S[A-Z0-9]{2,}$")
_HELD = re.compile(rf"^A-[{ALPHABET}]{{4,}}$|{E164_PATTERN}")
REGION: Final = r"^[A-Z]{2}$"
DASHBOARD: Final = r"^https://[^\s<>|@]{1,2000}$"
"""The address of a provider's own screen. It has no password in it, and no character of Slack's markup."""
DEFAULT_REGION: Final = "IN"
WEBHOOKS: Final = "/webhooks"
"""The path below which providers report."""
RENAMED: Final = {
    "ask_next": "next_approver_after",
    "beyond_documents": "allow_undocumented",
    "between": "hours",
    "daily": "daily_summary",
    "lift": "unblock",
    "margin": "send_margin",
    "own": "self_approval",
    "tell": "notify_groups",
    "webhook": "webhook_secret",
}
"""Former keys of the file, each with its present name."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Reasons = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=75)], ...], Field(max_length=99)]
"""Reasons to choose from. Slack allows 75 characters in an option, and a hundred options including
"other"."""

Channel = Annotated[str, Field(pattern=SLACK_CHANNEL)]


class SlackSettings(_Table):
    """The channels for messages, and the settings of commands and messages in Slack."""

    audit_channel: Channel
    approvals_channel: Channel
    default_region: Annotated[str, Field(pattern=REGION)] = DEFAULT_REGION
    reasons: Reasons = DEFAULT_REASONS
    denial_reasons: Reasons = DEFAULT_DENIAL_REASONS
    """The reasons that an approver can choose for a denial. Any other reason can be typed."""
    confirm_in_channel: bool = False
    """True if success is confirmed, once and briefly, in the channel of the request."""
    daily_summary: time | None = None
    """The time of the daily summary in the audit channel, in `daily_timezone`. With None, there is no
    summary."""
    daily_timezone: ZoneName = "UTC"
    anchor: bool = True
    """True if the end of the log is posted once a day in the audit channel, for `log verify --anchor`."""

    @field_validator("daily_summary", mode="before")
    @classmethod
    def _time_of_day(cls, value: object) -> time | None:
        match = _TIME_OF_DAY.match(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError('write an hour and minutes, such as "18:00"')
        return time(int(match["hour"]), int(match["minute"]))


MOST_WORKERS: Final = 64
"""Twice the HTTP connections that an adapter opens. More workers could only wait."""


class DispatchSettings(_Table):
    """The limits of sending: requests at once per connection, the deadline of a request, and the lease on it.

    ``send_margin`` is the time left for sending between the last decision and the call.
    ``next_approver_after`` is the time after which the next approver is asked.
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


class RetentionSettings(_Table):
    """The limits of how long personal data is kept, and the holds.

    A request is not purged before ``keep_at_least`` has passed since its end. After ``keep_at_most``, it is
    purged automatically. With None, nothing is purged for its age. ``hold`` names requests by id, and
    numbers.
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


class GroupSettings(_Table):
    """The members of each group: users and Slack user groups, by id."""

    groups: dict[str, Annotated[tuple[Annotated[str, AfterValidator(_member)], ...], Field(min_length=1)]]

    @field_validator("groups")
    @classmethod
    def _everyone_is_taken(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if EVERYONE in value:
            raise ValueError(f'"{EVERYONE}" means all full members already: choose another name')
        return value


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured account at a provider, under the name that people type."""

    name: str
    provider: str
    settings: ConnectionSettings
    audit_channel: str | None
    workers: int | None = None
    """The most requests in flight at once, over all processes. With None, `DispatchSettings.workers`
    applies."""
    calling_hours: str | Hours | None = None
    """The calling hours for calls placed through it."""
    dashboard_url: str | None = None
    """The address of the provider's own screen, where people look up what became of a request."""

    @property
    def title(self) -> str:
        """The provider's name, as people read it."""
        return find(self.provider).title


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Secrets print as asterisks."""

    bot_token: SecretStr
    app_token: SecretStr | None
    """The token for Socket Mode. Without it, Slack sends its requests over HTTP."""
    signing_secret: SecretStr | None
    """The secret with which Slack signs its HTTP requests. Either this or the app token is set."""
    slack_api_url: str
    key: SecretStr
    database: Path
    host: str
    port: int
    """The port for health checks, webhooks and, without Socket Mode, Slack. With 0, any free port is
    taken."""
    public_url: str | None
    """The address under which providers reach CallOps."""
    metrics: tuple[str, int] | None
    """The host and port of the metrics, None if they are not asked for."""
    log_level: str
    log_format: LogFormat
    slack: SlackSettings
    connections: Mapping[str, Connection]
    off: Mapping[str, str]
    """The disabled connections, each with the reason."""
    platform: str | None
    """The platform whose disk does not last, if CallOps runs on one."""
    groups: Mapping[str, tuple[str, ...]]
    """Ids by group. A user or user group that a rule names directly is its own group."""
    rules: tuple[Rule, ...]
    dispatch: DispatchSettings
    retention: RetentionSettings
    hours: Mapping[str, Hours] = field(default_factory=calling_hours.known)
    """The calling hours of countries: those that come with CallOps, and those of the file."""

    @property
    def key_bytes(self) -> bytes:
        """The key of the hashes of phone numbers."""
        return base64.b64decode(self.key.get_secret_value())

    def workers(self, connection: str) -> int:
        """Return the most requests of a connection in flight at once, over all processes."""
        configured = self.connections.get(connection)
        return (configured.workers if configured else None) or self.dispatch.workers

    def audit_channel(self, connection: str) -> str:
        """Return the audit channel of a connection."""
        configured = self.connections.get(connection)
        return (configured.audit_channel if configured else None) or self.slack.audit_channel


def make_adapters(settings: Settings, clock: Callable[[], datetime]) -> dict[str, Adapter]:
    """Return an adapter for each enabled connection."""
    deadline = settings.dispatch.deadline.total_seconds()
    return {
        name: find(connection.provider)(
            connection.settings,
            deadline=deadline,
            clock=clock,
            webhook_url=webhook_url(settings.public_url, name),
        )
        for name, connection in settings.connections.items()
    }


def webhook_url(public_url: str | None, connection: str) -> str | None:
    """Return the public address of a connection's webhooks, without its secret."""
    return public_url and f"{public_url}{WEBHOOKS}/{connection}"


@dataclass(slots=True)
class SettingsHolder:
    """Holds the current settings. A reload replaces ``current`` for every reader."""

    current: Settings

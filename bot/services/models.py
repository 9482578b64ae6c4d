"""Values of the services: the request to make, its source, and the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot import CallOpsError
from providers.actions import Kind, PlaceCall, RequestedAction
from providers.phone import Phone
from storage.models import ActionRecord, DoNotCallEntry, Person, Request


@dataclass(frozen=True, slots=True)
class Reschedule:
    """The call to reschedule: the id of its action, and the call to place once it is cancelled."""

    action: str
    replacement: PlaceCall


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """A complete request that is not made yet."""

    connection: str
    actions: Sequence[RequestedAction]
    reason: str | None = None
    purpose: str | None = None
    consent: str | None = None
    reported_call_time: datetime | None = None
    """The time of the call to be cancelled, as reported by the user. A time in the log takes precedence."""
    reschedules: Reschedule | None = None
    second_step_of: str | None = None
    """The reschedule whose second step this request is."""
    zone: str | None = None
    """The recipient's time zone (an IANA name), as the user entered it."""
    tell_me: bool = False
    """True if the requester wants a direct message about how the call ended."""

    @property
    def kind(self) -> Kind:
        """The kind of all its actions."""
        return self.actions[0].kind


@dataclass(frozen=True, slots=True)
class RequestSource:
    """The source of a request: the person, the channel, and the idempotency keys."""

    person: Person
    channel: str | None
    delivery_key: str
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class CreateResult:
    """The result of making a request: a new request, or an existing one, in which case ``created`` is False.

    ``duplicates_of`` are the pending requests that already cover the ``skipped`` targets. If they cover all
    targets, ``request`` is the first of them, and nothing was recorded.
    """

    request: Request
    created: bool
    duplicates_of: tuple[Request, ...] = ()
    skipped: int = 0

    @property
    def nothing_new(self) -> bool:
        """True if every target had been requested before."""
        return self.request in self.duplicates_of


class PermissionDeniedError(CallOpsError):
    """A denial by the rules. ``why`` is for the user. ``request`` is the recorded refusal, or None."""

    def __init__(self, why: Sequence[str], request: Request | None = None) -> None:
        super().__init__(" ".join(why))
        self.reasons = tuple(why)
        self.request = request


class Settlement(StrEnum):
    """A statement of an entitled person about an unknown action."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"
    RETRY_REQUESTED = "retry_requested"
    """The outcome cannot be found out. The request is sent again."""


@dataclass
class DoNotCallResult:
    """The result of a stop. ``created`` is False if a person had stopped the number already.

    ``cancelling`` are the requests that it made. ``not_cancelled`` gives, by connection, why calls there are
    not cancelled. ``withdrawn`` are calls that were pending, ``going_out`` calls that are being sent, and
    ``unknown`` calls with an unknown outcome.
    """

    phone: Phone
    stop: DoNotCallEntry
    created: bool
    cancelling: list[Request] = field(default_factory=list)
    not_cancelled: dict[str, str] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    going_out: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DoNotCallPreview:
    """A stop before it is made: who stopped the number already, and the known calls that it would cancel.

    ``waiting`` are calls that are not sent yet, ``scheduled`` calls that a provider has accepted. ``left``
    has, by action id, the reason for each scheduled call that would not be cancelled.
    """

    phone: Phone
    already: DoNotCallEntry | None
    waiting: Sequence[ActionRecord]
    scheduled: Sequence[ActionRecord]
    left: Mapping[str, str]
